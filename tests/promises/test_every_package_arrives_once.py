"""Every package arrives once in effect, or an alarm rings, while everything around it breaks.

A small run of ``scripts/faults.py`` on SQLite; and what it judges by, it does notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import MovableClock
from tests.fast_clock import set_going
from tests.faults import CANARIES
from tests.faults_crew import in_files
from tests.faults_judged import End, alarmed, judged, once
from tests.faults_run import Asked, Run, prepared
from tests.fleet import SOUND
from tests.line import copy_line

SMALL = Asked(tips=40, agencies=6, seed=1, kills=2, restarts=0, deadline=240)


@pytest.fixture
def run(founded_home: Path, tmp_path: Path) -> Iterator[Run]:
    home = tmp_path / "home"
    home.mkdir()
    settings = copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}")
    set_going(tmp_path / "clock", MovableClock().seconds())
    with ExitStack() as stack:
        yield prepared(SMALL, settings, stack)


def test_every_package_arrives_once_or_an_alarm_rings(run: Run, tmp_path: Path) -> None:
    finished = run.go()
    figures, problems = judged(run, finished=finished)
    assert problems == []
    assert figures["delivered, by the agency's own word"] == 26
    assert figures["waiting in the inbox, alarmed"] == 14
    what_did_not_come_about_would_be_noticed(run)
    (tmp_path / "somewhere").write_text(f"… {CANARIES[1]} …")
    assert in_files(tmp_path) == {"somewhere"}


def what_did_not_come_about_would_be_noticed(run: Run) -> None:
    end = End.of(run.line, run.agencies)
    one = next(e for e in end.came if e.manner == SOUND and end.taken()[bytes.fromhex(e.package)])
    whose = bytes.fromhex(one.package)
    lies = next(file for file in end.kept if file.stem == one.package)
    elsewhere = lies.parent.parent.with_name(run.agencies.forger) / "out" / lies.name
    lost = next(row for row in end.errands)
    others = [row for row in end.packages if row.id != whose]
    wrong = {
        "a tip without a package": replace(end, packages=others),
        "lost by its agency": replace(end, kept=[f for f in end.kept if f != lies]),
        "at another agency": replace(end, kept=[*end.kept, elsewhere]),
        "never asked": replace(end, came=[e for e in end.came if e.package != one.package]),
        "answered in two ways": replace(end, came=[*end.came, one._replace(answer="other")]),
        "nobody tries again": replace(end, errands=[e for e in end.errands if e is not lost]),
        "a bad agency signed": replace(end, bad=end.bad | {whose}),
    }
    said = run.crew.output.read_text()
    assert not found(run, end, said)
    assert [name for name, other in wrong.items() if not found(run, other, said)] == []
    assert found(run, end, "")  # nobody was told


def found(run: Run, end: End, said: str) -> set[str]:
    counts = once(run.line, end, SMALL.tips) | alarmed(run.line, run.agencies, end, said)
    return {name for name, count in counts.items() if count}
