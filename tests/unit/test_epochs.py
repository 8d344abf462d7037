"""Epochs: months begin at midnight where the line is, and nothing is sealed past the last one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.keyring import directory_change, extend
from hotline.settings import Settings
from hotline.tips import Channel, Contact, State
from hotline.triage.approvals import Deed
from hotline.triage.opening import open_tip
from hotline.vault.directory import Directory, NoKey
from tests.conftest import SAO_PAULO, MovableClock
from tests.line import SignIn
from tests.terminal import agree

DESK = "queue:general:BR-RJ"
TOLD = Contact(channel=Channel.WEB, text="Boca de fumo em Niterói RJ")


def at(clock: MovableClock, *moment: int) -> None:
    """Moves to a moment in the line's zone."""
    clock.source.seconds = datetime(*moment, tzinfo=SAO_PAULO).timestamp()  # type: ignore[misc]


def months(line: StaffLine) -> list[str]:
    rows = line.tips.queue(["general:BR-RJ"], list(State))
    wraps = [w for row in rows for w in line.tips.wraps([row.id]) if w.recipient == DESK]
    assert sorted(row.month for row in rows) == sorted(wrap.epoch for wrap in wraps)
    return sorted(wrap.epoch for wrap in wraps)


def more(line: StaffLine, directory: Directory, recipients: Sequence[str]) -> int:
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, "new"))
    args = (line.settings, directory, line.keys, line.access)
    return extend(*args, recipients, line.clock, by)


def test_a_month_begins_at_midnight_of_the_line_and_intake_goes_on(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    """One process over both ends of a month and of a year; UTC is three hours ahead of them."""
    for moment in (
        (2026, 3, 31, 21, 0, 1),  # in UTC it is April already
        (2026, 3, 31, 23, 59, 59),
        (2026, 4, 1, 0, 0, 0),
        (2026, 12, 31, 23, 59, 59),
        (2027, 1, 1, 0, 0, 0),
    ):
        at(clock, *moment)
        public_line.pipeline.receive(TOLD)
    assert months(staff_line) == ["2026-03", "2026-03", "2026-04", "2026-12", "2027-01"]
    olga = SignIn(staff_line)("olga")
    for row in staff_line.tips.queue(["general:BR-RJ"], list(State)):
        assert open_tip(staff_line, olga, row.id).content.tip.text == TOLD.text


def test_past_the_last_month_intake_refuses_until_there_are_keys(
    settings: Settings, clock: MovableClock
) -> None:
    at(clock, 2027, 2, 28, 23, 59, 59)
    public = assemble_public(settings, clock, pool=0)
    public.pipeline.receive(TOLD)
    clock.advance(1)
    with pytest.raises(NoKey):
        public.pipeline.receive(TOLD)
    public.close()
    line = assemble_staff(settings, clock)
    assert months(line) == ["2027-02"], "what was refused left nothing behind"
    made = more(line, line.directory, line.profile.recipients())
    assert made == 12 * len(line.directory.recipients())
    line.close()
    public = assemble_public(settings, clock, pool=0)
    public.pipeline.receive(TOLD)
    public.close()
    line = assemble_staff(settings, clock)
    assert months(line) == ["2027-02", "2027-03"]
    line.close()


def test_a_recipient_that_new_rules_name_gets_its_months_and_holders(
    staff_line: StaffLine, clock: MovableClock
) -> None:
    clock.advance(timedelta(days=40).total_seconds())
    line, fresh = staff_line, "queue:general:BR-RJ:north"
    people, recipients = line.access.people, (*line.profile.recipients(), fresh)
    more(line, line.directory, recipients)
    newer = Directory.load(line.settings.public)
    mine = sorted(epoch for name, epoch in newer.keys if name == fresh)
    assert (mine[0], mine[-1], len(mine)) == ("2026-04", "2027-03", 12), "from today on, not before"
    assert newer.expires == "2027-03"
    officers = {p.id for p in people.all() if "officer" in p.roles}
    assert line.keys.members(fresh) == officers, "nobody else had it to be given"
    assert newer.serial == line.directory.serial + 1
    again = more(line, newer, recipients)
    assert again == 0
