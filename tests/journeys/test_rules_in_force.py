"""Rules in force: a line of real processes decides by what was activated, and by nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotline.routing.profile import find
from hotline.routing.versions import Versions
from tests.journeys.test_serve import COMMAND, PATIENCE, PORTS, _descendants, environ, report
from tests.terminal import Typed

WORDS = "correct horse battery staple"


def hotline(env: dict[str, str], *args: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *args],
        check=False,
        env=env,
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@contextmanager
def serving(env: dict[str, str], log: Path) -> Iterator[tuple[str, set[str]]]:
    """A line that serves: its public address and the versions its processes were started with."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*COMMAND, "serve", *PORTS],
            env=env,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdout
    try:
        said = [process.stdout.readline() for _ in range(3)]
        assert all(said), log.read_text()
        yield said[0].split()[1].rstrip("/"), {_started_with(p) for p in _descendants(process.pid)}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        for pid in [*_descendants(process.pid), process.pid] if process.poll() is None else []:
            os.kill(pid, signal.SIGKILL)
        process.wait(30)
        process.stdout.close()


def _started_with(pid: int) -> str:
    values = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(v for v in values if v.startswith(b"HOTLINE_RULES_VERSION=")).decode()[22:]


def test_a_line_keeps_its_rules_through_edits_and_changes_them_by_a_step(tmp_path: Path) -> None:
    home, folder, log = tmp_path / "home", tmp_path / "profile", tmp_path / "log"
    shutil.copytree(find("br-rj"), folder)
    env = environ(home) | {"HOTLINE_JURISDICTION": str(folder)}
    two = f"{WORDS} one\n{WORDS} two\n"
    made = hotline(env, "init", "--officer", "ana", "--officer", "bia", said=two)
    assert made.returncode == 0, made.stderr
    words = {"ana": f"{WORDS} one", "bia": f"{WORDS} two"}
    typed = Typed.printed(f"sqlite:///{home / 'hotline.db'}", made.stdout, words)
    both = ("--by", "ana", "--and", "bia", "--yes")
    versions = Versions(home / "rules")
    first = versions.active()[0].version
    assert f"Rules {first} (br-rj) are active." in made.stdout

    # A home from before: its start keeps the profile it always read, and says so once.
    shutil.rmtree(home / "rules")
    with serving(env, log) as (public, started):
        report(public)
        assert started == {first}
    adopted = [json.loads(line) for line in log.read_text().splitlines()]
    # Its recovery sheets were never tried either: said within a minute, or not yet.
    said = [(e["event"], e["code"]) for e in adopted if e["event"] != "line_alarm_raised"]
    assert said == [("rules_adopted", first)]

    # Nonsense in the profile harms nobody until somebody tries to put it in force.
    sheet = (folder / "profile.toml").read_text()
    for name in ("rules.toml", "profile.toml"):
        (folder / name).write_text("nonsense")
    with serving(env, log) as (public, started):
        report(public)
        assert started == {first}
    (folder / "profile.toml").write_text(sheet)
    step = ("rules", "activate", "--why", "Sooner.", *both)
    refused = hotline(env, *step)
    assert refused.returncode == 1
    assert "rules.toml:1: this is not TOML" in refused.stderr
    assert versions.active()[0].version == first

    # What is put in force counts from the next start; a tampered version is not started with.
    text = (find("br-rj") / "rules.toml").read_text()
    (folder / "rules.toml").write_text(
        text.replace('{ queue = "general" }', "{ queue = 'general' }")
    )
    done = hotline(env, *step, said=typed("ana", "bia"))
    assert done.returncode == 0, done.stderr
    second = versions.active()[0].version
    with serving(env, log) as (public, started):
        report(public)
        assert started == {second} != {first}
    assert log.read_text() == ""
    kept = versions.folder(second) / "agencies.toml"
    kept.chmod(0o600)
    kept.write_text(kept.read_text() + "\n")
    stopped = hotline(env, "serve", *PORTS)
    assert stopped.returncode == 1
    error, hint = stopped.stderr.splitlines()
    assert error.startswith(f"hotline: error: the kept rules {second} were altered")
    assert "hotline rules activate" in hint
    back = ("rules", "activate", "--version", first, "--why", "Back.", *both)
    assert hotline(env, *back, said=typed("ana", "bia")).returncode == 0
    with serving(env, log) as (public, started):
        report(public)
        assert started == {first}
    counts = json.loads(hotline(env, "ledger", "check", "--json").stdout)
    assert counts["received"] == 4
