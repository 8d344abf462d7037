"""Serve: one command from nothing to a running line that stops cleanly and lives or dies whole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.settings import NAMES

COMMAND = [sys.executable, "-m", "hotline.cli"]
PORTS = ["--public-port", "0", "--console-port", "0", "--analyst-port", "0"]
PATIENCE = 90


def environ(home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k.removesuffix("_FILE") not in NAMES}
    return kept | {"HOTLINE_HOME": str(home), "PYTHONUNBUFFERED": "1"}


class Line:
    """``hotline demo`` in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.said = ""
        self.process = subprocess.Popen(
            [*COMMAND, "demo", *PORTS],
            env=environ(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, words: str) -> str:
        """What it prints, up to a line with ``words``."""
        deadline = time.monotonic() + PATIENCE
        assert self.process.stdout
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.said}"
            assert time.monotonic() < deadline, self.said
            self.said += line
        return self.said

    def children(self) -> list[int]:
        """Its descendants."""
        return _descendants(self.process.pid)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def wipe(self) -> None:
        if self.process.poll() is None:
            for pid in [*self.children(), self.process.pid]:
                os.kill(pid, signal.SIGKILL)
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()


def _descendants(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            pid = int(stat.parent.name)
            found += [pid, *_descendants(pid)]
    return found


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(_alive(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def fetch(url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> str:
    request = urllib.request.Request(url, data, headers or {})
    with urllib.request.urlopen(request, timeout=20) as response:
        body: bytes = response.read()
        return body.decode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture
def line(home: Path) -> Iterator[Line]:
    line = Line(home)
    yield line
    line.wipe()


def urls(said: str) -> dict[str, str]:
    found = re.findall(r"(Public form|Console|Analysts) +(http://127\.0\.0\.1:\d+)/", said)
    return dict(found)


def report(public: str) -> str:
    body = json.dumps({"description": "Boca de fumo em Niterói RJ"}).encode()
    answer = fetch(public + "/api/v1/tips", body, {"Content-Type": "application/json"})
    receipt: str = json.loads(answer)["receipt"]
    return receipt


def ledger(home: Path) -> dict[str, int]:
    done = subprocess.run(
        [*COMMAND, "ledger", "check", "--json"], env=environ(home), capture_output=True, check=True
    )
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def test_from_nothing_to_a_line_that_stops_cleanly_and_continues(home: Path, line: Line) -> None:
    said = line.until("Ctrl-C ends it")
    where = urls(said)
    assert set(where) == {"Public form", "Console", "Analysts"}
    assert "<form" in fetch(where["Public form"] + "/")
    assert json.loads(fetch(where["Console"] + "/healthz"))["alive"] is True
    receipt = report(where["Public form"])
    assert re.fullmatch(r"(\d{4} ){4}\d{4}", receipt)
    curl = re.search(r"^  (curl .*)$", said, re.MULTILINE)
    assert curl
    sms = subprocess.run(curl[1], shell=True, capture_output=True, text=True, check=True)
    assert re.search(r"(\d{4} ){4}\d{4}", sms.stdout), "the printed curl works as it is"
    children = line.children()
    assert len(children) >= 3
    assert line.end(signal.SIGINT) == 0
    assert gone(children), "a process stayed behind"
    before = ledger(home)
    assert before["received"] >= 42

    again = Line(home)
    try:
        where = urls(again.until("Ctrl-C ends it"))
        assert "Continuing in the same home" in again.said
        body = json.dumps({"receipt": receipt}).encode()
        kept = fetch(
            where["Public form"] + "/api/v1/follow-ups", body, {"Content-Type": "application/json"}
        )
        assert json.loads(kept)["status"] == "waiting"
        report(where["Public form"])
        children = again.children()
        assert again.end(signal.SIGTERM) == 0
        assert gone(children)
    finally:
        again.wipe()
    assert ledger(home)["received"] == before["received"] + 1


def test_when_one_process_is_killed_all_end(home: Path, line: Line) -> None:
    where = urls(line.until("Ctrl-C ends it"))
    children = line.children()
    direct = [pid for pid in children if _parent(pid) == line.process.pid]
    assert len(direct) == 3
    os.kill(direct[1], signal.SIGKILL)
    assert line.process.wait(30) == 1
    assert gone(children), "half a line would lose tips silently"
    with pytest.raises((urllib.error.URLError, OSError)):
        fetch(where["Public form"] + "/healthz")


def test_when_the_parent_is_killed_its_children_end(home: Path, line: Line) -> None:
    line.until("Ctrl-C ends it")
    children = line.children()
    line.process.kill()
    line.process.wait(30)
    assert gone(children)


LATE = """
import sys, time
from hotline.process import harden
time.sleep(0.5)
harden(secret=False, parent=int(sys.argv[1]))
time.sleep(60)
"""
STARTS_AND_DIES = """
import os, subprocess, sys
late = [sys.executable, "-c", sys.argv[1], str(os.getpid())]
print(subprocess.Popen(late, stdout=subprocess.DEVNULL).pid)
"""


def test_a_child_that_is_late_does_not_outlive_its_parent() -> None:
    started = subprocess.run(
        [sys.executable, "-c", STARTS_AND_DIES, LATE],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    assert gone([int(started.stdout)])


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
