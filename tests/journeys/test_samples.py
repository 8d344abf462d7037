"""What was closed without being sent on: a share is read again by a supervisor of its desk."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from hotline.assembly import PublicLine, StaffLine
from hotline.jobs.nightly import Drawing
from hotline.store.database import Transaction
from hotline.store.forgetting import Forgetting
from hotline.store.samples import Samples
from hotline.store.tables import AuditRow, SampleRow, TipRow
from hotline.tips import State
from hotline.triage import sampling
from hotline.triage.closings import CLOSE_REASONS
from tests.conftest import MovableClock
from tests.desk import Hand
from tests.journeys.test_undo import Desk

OTHER = "Vendem crack na esquina da praça em Niterói, RJ, de dia"


@pytest.fixture
def desk(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Desk:
    found = Desk(public_line, staff_line, clock)
    sampling.draw(staff_line)
    return found


def closed(desk: Desk, hand: Hand, reason: str = "hoax:hoax_prank") -> str:
    desk.told()
    tip = hand.next()
    hand.post(f"/tips/{tip}/close", reason=reason)
    return tip


def lots(desk: Desk) -> list[int]:
    with desk.staff.database.read() as connection:
        return sorted(connection.execute(select(SampleRow.lot)).scalars())


def put(desk: Desk, many: dict[int, int], queue: str) -> None:
    """Closed tips by the number they bear, with their lots."""

    def work(connection: Transaction) -> None:
        for number, lot in many.items():
            identity = number.to_bytes(16, "big")
            row = {"id": identity, "queue": queue, "state": State.CLOSED, "priority": "P3"}
            connection.execute(TipRow.__table__.insert().values(**row, month="2026-03", version=2))
            connection.execute(SampleRow.__table__.insert().values(tip=identity, lot=lot))

    desk.staff.database.write(work)


def test_of_what_was_closed_the_highest_lots_of_each_desk_are_drawn(desk: Desk) -> None:
    put(desk, {n: n for n in range(1, 42)}, "general:BR-RJ")
    put(desk, {100 + n: 1000 - n for n in range(3)}, "environment:BR-RJ")
    drawn = sampling.draw(desk.staff)
    waiting = Samples(desk.staff.database).waiting(["general:BR-RJ", "environment:BR-RJ"])
    assert drawn == 4  # 5 % of 41, rounded up, and at least one of the other desk
    numbers = Counter((queue, int.from_bytes(tip, "big")) for tip, queue in waiting)
    assert numbers == Counter(
        {("general:BR-RJ", n): 1 for n in (39, 40, 41)} | {("environment:BR-RJ", 100): 1}
    )
    assert lots(desk) == [-1] * 4, "whoever was not drawn is forgotten, and not drawn later"
    assert sampling.draw(desk.staff) == 0


def test_made_up_is_drawn_more_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The chance comes from the system's own source; the fraction here is a fixed one."""
    fixed: list[float] = []

    class Known:
        def random(self) -> float:
            return fixed[0]

    monkeypatch.setattr(sampling.secrets, "SystemRandom", Known)
    for fraction in (0.01, 0.3, 0.5, 0.99):
        fixed[:] = [fraction]
        lot = {reason: sampling.lot(reason) for reason in CLOSE_REASONS}
        assert lot["hoax"] == lot["abuse"] > lot["restart"] > lot["not_actionable"]
        assert lot["not_actionable"] == lot["duplicate"] == int(fraction * 2**53)
        assert all(0 <= one < 2**53 for one in lot.values())


def test_every_closing_has_a_lot_and_only_a_closing(desk: Desk) -> None:
    hand = desk.hand("paulo")
    closed(desk, hand)
    assert len(lots(desk)) == 1
    tip = closed(desk, hand, "no_crime")
    assert len(lots(desk)) == 2
    hand.post(f"/tips/{tip}/take")
    hand.post(f"/tips/{tip}/reopen")
    assert len(lots(desk)) == 1
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/take")
    hand.post(f"/tips/{tip}/forward", other=desk.inbox, reason="credible")
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.FORWARDED
    assert len(lots(desk)) == 1
    desk.told()
    other = hand.next()
    hand.press(f"/tips/{other}/close", reason="hoax:hoax_test")
    assert len(lots(desk)) == 2
    hand.press("/undo")
    assert len(lots(desk)) == 1


def test_a_supervisor_agrees_or_lets_it_wait_again(desk: Desk) -> None:
    hand, sofia = desk.hand("paulo"), desk.hand("sofia")
    tip = closed(desk, hand)
    assert tip not in sofia.get("/samples").get_data(as_text=True)
    sofia.post("/samples/draw")
    assert tip in sofia.html
    sofia.get(f"/tips/{tip}")
    assert f"/tips/{tip}/agree" in sofia.html
    hand.get(f"/tips/{tip}")
    assert "/agree" not in hand.html, "an operator does not see what was drawn"
    assert hand.post(f"/tips/{tip}/agree").status_code == 404
    assert hand.get("/samples").status_code == 404
    assert sofia.post(f"/tips/{tip}/agree").status_code == 200
    assert tip not in sofia.html
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.CLOSED
    assert "sample_agreed" in desk.events()
    assert sofia.post(f"/tips/{tip}/agree").status_code == 404

    other = closed(desk, hand)
    sofia.post("/samples/draw")
    assert sofia.post(f"/tips/{other}/disagree").status_code == 200
    assert desk.staff.tips.one(bytes.fromhex(other)).state is State.WAITING
    assert lots(desk) == []


def test_nobody_agrees_with_their_own_closing(desk: Desk) -> None:
    sofia = desk.hand("sofia")
    tip = closed(desk, sofia)
    sofia.post("/samples/draw")
    assert sofia.post(f"/tips/{tip}/agree").status_code == 409
    assert lots(desk) == [-1]


def test_each_night_draws_once(desk: Desk) -> None:
    hand = desk.hand("paulo")
    drawing = Drawing(desk.staff)
    assert drawing.run()
    closed(desk, hand)
    assert not drawing.run()
    assert lots(desk) != [-1]
    desk.clock.advance(24 * 3600)
    assert drawing.run()
    assert lots(desk) == [-1]
    with desk.staff.database.read() as connection:
        count = select(func.count()).where(AuditRow.event == "samples_drawn")
        assert connection.execute(count).scalar_one() == 1


def test_an_erased_tip_is_drawn_no_more(desk: Desk) -> None:
    tip = closed(desk, desk.hand("paulo"))
    Forgetting(desk.staff.database).shred(bytes.fromhex(tip), "expired")
    assert lots(desk) == []
