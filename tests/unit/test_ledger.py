"""Ledger: what was lost, resurrected or doubled is found; statements are chained."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, delete, insert, select

from hotline.assembly import PublicLine, StaffLine
from hotline.commands.prove import ledger as command
from hotline.jobs.statements import Statements
from hotline.store.facts import Facts
from hotline.store.forgetting import Forgetting
from hotline.store.line_alarms import LineAlarms
from hotline.store.tables import AuditRow, DeadlineRow, TipRow
from hotline.tips import Channel, Contact, Language
from hotline.triage import statements
from hotline.triage.audit import key_of, sequence_and_sign
from hotline.triage.ledger import BALANCED, Check, base, by_queue, full, quick, unbalanced
from tests.conftest import MovableClock

DRUGS = "Venda de drogas na praça em Niterói, RJ, por um homem de boné"
CHECKS = (quick, full)


def tell(public: PublicLine, staff: StaffLine, count: int = 1) -> list[bytes]:
    """Ids of new tips, in no order."""
    before = ids(staff)
    for _ in range(count):
        public.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT))
    return sorted(ids(staff) - before)


def ids(staff: StaffLine) -> set[bytes]:
    with staff.database.read() as connection:
        return set(connection.execute(select(TipRow.id)).scalars())


def codes(check: Check) -> dict[str, int]:
    return {one.code: one.count for one in check.problems}


def drop(staff: StaffLine, tip: bytes) -> dict[str, object]:
    """Deletes a tip's row as somebody with the database would; the row."""

    def work(connection: Connection) -> dict[str, object]:
        row = dict(
            connection.execute(select(TipRow.__table__).where(TipRow.id == tip)).mappings().one()
        )
        connection.execute(delete(TipRow).where(TipRow.id == tip))
        connection.execute(delete(DeadlineRow).where(DeadlineRow.tip == tip))
        return row

    return staff.database.write(work)


@pytest.mark.parametrize("check", CHECKS)
def test_a_line_in_order_balances(
    public_line: PublicLine, staff_line: StaffLine, check: object
) -> None:
    tips = tell(public_line, staff_line, 3)
    Forgetting(staff_line.database).shred(tips[0], "expired")
    for placed in (False, True, True):
        found = check(staff_line)  # type: ignore[operator]
        assert found.sound, found.problems
        assert found.figures["received"] == 3 and found.figures["shredded"] == 1
        assert base(staff_line).received == (3 if placed else 0)
        sequence_and_sign(staff_line)
    assert sum(one["waiting"] for one in by_queue(staff_line).values()) == 2


def test_every_month_balances_on_its_own(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    tips = tell(public_line, staff_line, 2)
    clock.advance(31 * 86400)
    tell(public_line, staff_line)
    Forgetting(staff_line.database).shred(tips[0], "expired")
    months = full(staff_line).months
    assert [(m, f["received"], f["waiting"], f["shredded"]) for m, f in months.items()] == [
        ("2026-03", 2, 1, 1),
        ("2026-04", 1, 1, 0),
    ]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("check", CHECKS)
def test_a_deleted_tip_is_found(
    public_line: PublicLine, staff_line: StaffLine, check: object, signed: bool
) -> None:
    tip, *_ = tell(public_line, staff_line, 2)
    if signed:
        sequence_and_sign(staff_line)
        quick(staff_line)
    drop(staff_line, tip)
    found = check(staff_line)  # type: ignore[operator]
    assert codes(found)["not_balanced"] == 1 and unbalanced(staff_line)
    if check is full or not signed:
        lost = next(one for one in found.problems if one.code == "lost")
        assert lost.tips == (tip,)


@pytest.mark.parametrize("check", CHECKS)
def test_a_tip_in_the_place_of_a_lost_one_is_found(
    public_line: PublicLine, staff_line: StaffLine, check: object
) -> None:
    """The sum is right and the tips are not: the full check always sees it."""
    tip, *_ = tell(public_line, staff_line, 2)
    row = drop(staff_line, tip)
    made_up = {**row, "id": bytes(16)}
    staff_line.database.write(lambda c: c.execute(insert(TipRow).values(**made_up)))
    found = codes(check(staff_line))  # type: ignore[operator]
    assert found["lost"] == 1
    assert check is quick or found["unrecorded"] == 1


@pytest.mark.parametrize("check", CHECKS)
def test_a_resurrected_and_a_doubled_tip_are_found(
    public_line: PublicLine, staff_line: StaffLine, check: object
) -> None:
    first, second = tell(public_line, staff_line, 2)
    with staff_line.database.read() as connection:
        query = select(TipRow.__table__).where(TipRow.id == first)
        row = dict(connection.execute(query).mappings().one())
    Forgetting(staff_line.database).shred(first, "expired")
    staff_line.database.write(lambda c: c.execute(insert(TipRow).values(**row)))
    staff_line.audit.note("received", tip=second.hex(), month="2026-03")
    found = codes(check(staff_line))  # type: ignore[operator]
    assert found["resurrected"] == 1 and found["doubled"] == 1


def test_records_taken_away_are_found(public_line: PublicLine, staff_line: StaffLine) -> None:
    tip, *_ = tell(public_line, staff_line, 2)
    sequence_and_sign(staff_line)
    assert quick(staff_line).sound
    drop(staff_line, tip)
    gone = delete(AuditRow).where(AuditRow.record.contains(tip.hex()))
    last = select(AuditRow.id).order_by(AuditRow.position.desc()).limit(1)

    def work(connection: Connection) -> None:
        connection.execute(gone)
        connection.execute(delete(AuditRow).where(AuditRow.id.in_(last)))

    staff_line.database.write(work)
    found = codes(full(staff_line))
    assert found["rolled_back"] > 0


def test_a_forged_balance_is_not_believed(public_line: PublicLine, staff_line: StaffLine) -> None:
    """Whoever has the database writes that less was received."""
    tell(public_line, staff_line, 2)
    sequence_and_sign(staff_line)
    assert quick(staff_line).sound
    signed = Facts(staff_line.database).get(BALANCED)
    Facts(staff_line.database).swap(BALANCED, signed, signed.replace("\n2\n", "\n1\n", 1))
    assert base(staff_line).size == 0
    assert quick(staff_line).sound


def test_an_imbalance_rings_and_balance_does_not(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    tip, *_ = tell(public_line, staff_line, 2)
    keeper = Statements(staff_line)
    assert keeper.run().sound and keeper.run().sound
    assert LineAlarms(staff_line.database).all() == []
    drop(staff_line, tip)
    assert not keeper.run().sound
    assert [one.code for one in LineAlarms(staff_line.database).waiting()] == ["ledger_unbalanced"]


def test_statements_are_chained_and_hold_offline(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock, tmp_path: Path
) -> None:
    keeper = Statements(staff_line)
    for _ in range(3):
        tell(public_line, staff_line)
        keeper.run()
        keeper.run()
        clock.advance(31 * 86400)
    keeper.run()
    there = statements.kept(staff_line.settings)
    assert [month for month, _ in there] == ["2026-02", "2026-03", "2026-04", "2026-05"]
    key, notes = key_of(staff_line), [text for _, text in there]
    assert [one.figures["received"] for one in statements.verify(key, notes)] == [1, 2, 3, 3]
    files = [statements.folder(staff_line.settings) / f"{month}.txt" for month, _ in there]
    public = statements.folder(staff_line.settings) / statements.KEY
    run = ["verify", *map(str, files), "--public-key", str(public)]
    answer = CliRunner(env={"HOTLINE_HOME": str(tmp_path / "nowhere")}).invoke(command, run)
    assert answer.exit_code == 0 and answer.output.endswith("sound\n"), answer.output

    for wrong in (
        [notes[0], notes[2]],  # one was dropped
        [notes[1], notes[0]],
        [notes[0].replace("received 1", "received 2"), *notes[1:]],
    ):
        with pytest.raises(statements.BadStatement):
            statements.verify(key, wrong)


def test_what_does_not_balance_is_never_stated(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    tip, *_ = tell(public_line, staff_line, 2)
    drop(staff_line, tip)
    Statements(staff_line).run()
    assert statements.kept(staff_line.settings) == []
