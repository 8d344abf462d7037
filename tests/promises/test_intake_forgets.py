"""Intake forgets: what a real public process holds in memory, and writes, after a report."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from hotline import serve
from hotline.process import WIPE_MEMORY
from hotline.serve import free_port
from hotline.settings import Settings
from tests.forms import Page
from tests.journeys.test_serve import _descendants as descendants
from tests.line import copy_line

PATIENCE = 90


@dataclass(frozen=True)
class Intake:
    """A public process and what it wrote to its output."""

    process: subprocess.Popen[bytes]
    url: str
    output: Path

    def pids(self) -> list[int]:
        return [self.process.pid, *descendants(self.process.pid)]

    def post(self, path: str, body: bytes, kind: str) -> bytes:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=30) as answer:
            said: bytes = answer.read()
        return said

    def copies(self, words: list[str]) -> dict[str, int]:
        """How often each word lies in writable memory, in any width a Python text may have."""
        found = dict.fromkeys(words, 0)
        for pid in self.pids():
            for chunk in memory(pid):
                for word in words:
                    for encoding in ("utf-8", "utf-16-le", "utf-32-le"):
                        found[word] += chunk.count(word.encode(encoding))
        return found


def memory(pid: int) -> Iterator[bytes]:
    """Each writable region of a process; only root may, as the process cannot be traced."""
    regions = re.findall(
        r"^([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ \S+ *(.*)$",
        Path(f"/proc/{pid}/maps").read_text(),
        re.MULTILINE,
    )
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as mem:
        for start, end, name in regions:
            if name.startswith("[v"):  # the kernel's own
                continue
            mem.seek(int(start, 16))
            try:
                yield mem.read(int(end, 16) - int(start, 16))
            except OSError:
                continue


@pytest.fixture(scope="module")
def line(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("intake")
    return copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}")


def start(line: Settings, output: Path, environ: dict[str, str]) -> Intake:
    port = free_port()
    own = [sys.executable, "-m", "hotline.serve", "public", "127.0.0.1", str(port), "1"]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*own, str(os.getpid())],
            env=environ,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    intake = Intake(process, f"http://127.0.0.1:{port}", output)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(intake.url + "/readyz", timeout=5).close()
            return intake
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def intake(line: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    output = tmp_path_factory.mktemp("said") / "output"
    started = start(line, output, serve.environ(line, "public"))
    yield started
    started.process.terminate()
    started.process.wait(30)


def report(intake: Intake, word: str) -> None:
    """By the API and by the form: text in Latin letters and text that needs wider ones."""
    for text in (f"Boca de fumo {word} em Niteroi RJ", f"Boca de fumo {word} em Niterói – RJ ☎"):
        body = json.dumps({"description": text}).encode()
        assert b"receipt" in intake.post("/api/v1/tips", body, "application/json")
    page = Page(requests.get(intake.url + "/", timeout=30).text)
    for _ in range(12):
        if ("go", "send") in page.buttons:
            break
        typed = {"what": f"Vendem {word} na praça de Niterói ☎"} if "what" in page.fields else {}
        pressed = page.fields | typed | {"go": "next" if typed else "skip"}
        page = Page(requests.post(intake.url + "/", data=pressed, timeout=30).text)
    sent = requests.post(intake.url + "/", data=page.fields | {"go": "send"}, timeout=30)
    assert Page(sent.text).receipt


def test_no_word_of_a_report_stays_in_memory(intake: Intake) -> None:
    assert os.geteuid() == 0, "only root may read the memory of a process that cannot be traced"
    words = [f"zq{secrets.token_hex(8)}" for _ in range(3)]
    for word in words:
        report(intake, word)
    until = time.monotonic() + 30
    while any(intake.copies(words).values()) and time.monotonic() < until:
        time.sleep(1)
    assert intake.copies(words) == dict.fromkeys(words, 0)


def test_the_search_finds_what_lies_there(intake: Intake) -> None:
    """The number of its own port is somewhere, or nothing was searched."""
    assert sum(len(chunk) for pid in intake.pids() for chunk in memory(pid)) > 50_000_000
    assert intake.copies(["HOTLINE_DATABASE_URL"])["HOTLINE_DATABASE_URL"] > 0


def test_it_leaves_no_core_and_cannot_be_traced(intake: Intake) -> None:
    for pid in intake.pids():
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    worker = intake.pids()[-1]
    # What cannot be dumped belongs to root, whoever runs it (proc(5)); for root the flag shows in
    # the environment's copy only, so that is asked of the process itself in test_hygiene.
    # glibc cuts its own variable into pieces when it has read it.
    told = Path(f"/proc/{worker}/environ").read_bytes()
    for value in WIPE_MEMORY.values():
        assert all(part.encode() in told for part in value.split(":")), value


def test_no_request_is_logged(intake: Intake) -> None:
    word = f"zq{secrets.token_hex(8)}"
    report(intake, word)
    for path in ("/", f"/{word}", f"/?q={word}", "/healthz"):
        try:
            urllib.request.urlopen(intake.url + path, timeout=30).close()
        except urllib.error.HTTPError as refused:
            refused.close()
    said = intake.output.read_text()
    assert word not in said
    assert not re.search(r"GET|POST|HTTP/1|127\.0\.0\.1|urllib|User-Agent", said, re.IGNORECASE)
