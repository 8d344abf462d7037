"""What a demo's analysts see: months released as real ones are, of reports nobody made."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from hotline import demo_months
from hotline.analysis.extract import extract
from hotline.analysis.observations import Counts
from hotline.analysis.question import Question
from hotline.analysis.releases import Releases
from hotline.analysts.notes import touching
from hotline.assembly import StaffLine
from hotline.store.tables import ObservationRow
from hotline.tips import Language
from hotline.triage import freezing
from hotline.triage.arming import folder
from hotline.vault.envelope import STATISTICS
from tests.conftest import MovableClock

PAST = ("2025-12", "2026-01", "2026-02")
FEW = 40


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few reports and no noise, which takes seconds: this is about what is released."""

    def plain(counts: Counts, *_: object) -> dict[str, Any]:
        return {"leaves": counts.cell, "states": counts.state, **counts.sides}

    monkeypatch.setattr(freezing, "published", plain)
    monkeypatch.setattr(demo_months, "REPORTS", FEW)


def release(line: StaffLine, clock: MovableClock, stopped: threading.Event | None = None) -> str:
    said: list[str] = []
    demo_months.release(line.settings, clock, stopped or threading.Event(), said.append)
    return "\n".join(said)


def observations(line: StaffLine) -> int:
    with line.database.read() as connection:
        return connection.execute(select(func.count()).select_from(ObservationRow)).scalar_one()


def test_three_months_past_are_released_and_say_that_they_are_invented(
    staff_line: StaffLine, clock: MovableClock, quick: None
) -> None:
    keys = staff_line.keys.epochs()
    assert "3 months" in release(staff_line, clock)
    releases = Releases(folder(staff_line))
    assert releases.months() == PAST
    for at, one in enumerate(releases):
        freezing.prove(staff_line, one.month)
        assert one.invented
        assert one.array("states").sum() == FEW + FEW // 10 * at
    table = extract(releases, Question(PAST[0], PAST[-1], ("month", "state")))
    assert table.about["notes"][0].startswith("Invented")
    assert observations(staff_line) == 0, "nothing is left of what they were made of"
    assert staff_line.keys.epochs() == keys, "nobody was given a key of theirs"
    (note,) = touching(folder(staff_line), *PAST[:2])
    assert len({note.said(language) for language in Language}) == len(Language)


def test_it_happens_once_and_leaves_a_real_month_alone(
    staff_line: StaffLine, clock: MovableClock, quick: None
) -> None:
    release(staff_line, clock)
    assert release(staff_line, clock) == ""
    clock.advance(31 * 86_400)
    assert (STATISTICS, "2026-03") in staff_line.keys.epochs()
    assert release(staff_line, clock) == "", "March is what people did in the demo"
    assert Releases(folder(staff_line)).months() == PAST


def test_a_demo_that_ends_goes_on_the_next_time(
    staff_line: StaffLine, clock: MovableClock, quick: None
) -> None:
    stopped = threading.Event()
    stopped.set()
    assert release(staff_line, clock, stopped) == ""
    assert Releases(folder(staff_line)).months() == ()
    assert observations(staff_line) == FEW, "counts that nobody can open any more"
    assert "3 months" in release(staff_line, clock)
    assert Releases(folder(staff_line)).one(PAST[0]).array("states").sum() == FEW
    assert observations(staff_line) == 0
