"""A shredded tip stays shut: an older backup's rows, and every key there is today, open nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from hotline.assembly import PublicLine, StaffLine
from hotline.demo import PASSPHRASE
from hotline.jobs.forgetting import finish
from hotline.store import tips as rows_of
from hotline.store.tables import TipRow
from hotline.tips import HOLD, Body, Channel, Contact, Language, Wrap
from hotline.triage import destinations, dispositions, forgetting
from hotline.triage.opening import read_tip
from hotline.vault.format import Damaged
from hotline.vault.keys import PersonKey, open_body, open_grant, open_person, open_wrap
from tests.conftest import MovableClock
from tests.forgetting import months_pass, night, on_disk, pieces, rows
from tests.line import SignIn

TEXT = "Venda de drogas na praça em Niterói, RJ, por um homem de boné"
LONGEST = 61  # months: after them nothing of a month that is not held may live


@dataclass(frozen=True, slots=True)
class Backup:
    """What an older copy of the database has of one tip: every body and every wrap."""

    tip: bytes
    bodies: tuple[Body, ...]
    wraps: tuple[Wrap, ...]

    def opened_by(self, seeds: list[bytes]) -> set[str]:
        """The recipients in whose name some body opens with some of the keys."""
        found = set()
        by_id = {body.id: body for body in self.bodies}
        for wrap in self.wraps:
            for seed in seeds:
                with suppress(Damaged, ValueError):
                    open_body(open_wrap(seed, wrap, by_id[wrap.subject]), by_id[wrap.subject])
                    found.add(wrap.recipient)
        return found


def backup(line: StaffLine, tip: bytes) -> Backup:
    bodies = tuple(line.tips.bodies(tip))
    bodies += tuple(
        body for one in line.desk.packages_of(tip) if (body := line.tips.body(one.id)) is not None
    )
    known = {body.id: body for body in bodies}
    return Backup(tip, tuple(known.values()), tuple(line.tips.wraps(known)))


def people(line: StaffLine) -> dict[bytes, bytes]:
    """Everybody's own seed: as if every passphrase had been told."""
    found = {}
    for one in line.access.people.all():
        seed = open_person(one.id, PersonKey(one.public, one.salt, one.sealed), PASSPHRASE)
        assert seed is not None
        found[one.id] = seed
    return found


def today(line: StaffLine, own: dict[bytes, bytes]) -> list[bytes]:
    """Every seed there is today: of everybody's grants, and the worker's."""

    def granted() -> Iterator[bytes]:
        for person, seed in own.items():
            for grant in line.keys.of(person):
                yield open_grant(seed, grant.recipient, grant.epoch, person, grant.sealed)

    return list({*granted(), *line.worker.values()})


def forwarded(public: PublicLine, line: StaffLine, sign_in: SignIn) -> Backup:
    """A tip that was sent to an agency whose people are here; in a backup of that moment."""
    public.pipeline.receive(Contact(channel=Channel.WEB, text=TEXT, language=Language.PT))
    sofia = sign_in("sofia")
    (row,) = line.tips.queue(list(line.profile.queues), ["waiting"])  # type: ignore[list-item]
    opened = read_tip(line, sofia, row.id)
    samuel = line.access.people.named("samuel")
    assert samuel is not None
    mine = line.profile.inbox(samuel.agency)
    leads = (mine, *destinations.offered(line, opened)[0])
    dispositions.forward(line, sofia, opened, leads=leads, reason="credible")
    return backup(line, row.id)


def test_after_its_time_no_key_of_today_opens_an_older_backup(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    kept, own = forwarded(public_line, staff_line, sign_in), people(staff_line)
    before = kept.opened_by(today(staff_line, own))
    assert {name.partition(":")[0] for name in before} == {"queue", "agency"}

    months_pass(clock, LONGEST)
    night(staff_line)
    assert rows(staff_line) == {}, "rows of tips are gone"
    assert today(staff_line, own), "later months have keys"
    assert kept.opened_by(today(staff_line, own)) == set()
    if staff_line.settings.sqlite:
        files = ((str(p), p.read_bytes()) for p in staff_line.settings.home.parent.rglob("*.db*"))
        assert on_disk({b.id.hex(): b.sealed for b in kept.bodies}, files) == []


def test_what_was_erased_early_goes_again_before_a_restored_line_serves(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    """Its month's keys still live for other tips, so the backup itself must end within its 35 days
    and a restored one is erased again: no row of it is left, and no byte on SQLite."""
    kept = forwarded(public_line, staff_line, sign_in)
    row = staff_line.tips.one(kept.tip)
    assert row is not None
    clock.advance(31)
    forgetting.erase(staff_line, sign_in("paulo"), kept.tip, lambda connection: None)
    assert "tips" not in rows(staff_line)

    def restore(connection: object) -> None:
        values = {"queue": row.queue, "state": row.state, "priority": row.priority}
        connection.execute(  # type: ignore[attr-defined]
            insert(TipRow).values(id=row.id, month=row.month, version=1, **values)
        )
        rows_of.put_parts(connection, kept.bodies, kept.wraps)  # type: ignore[arg-type]

    staff_line.database.write(restore)
    assert finish(staff_line) == 1
    left = rows(staff_line)
    assert not {"tips", "bodies", "wraps", "packages"} & left.keys()
    if staff_line.settings.sqlite:
        place = staff_line.settings.database_url.removeprefix("sqlite:///")
        raw = Path(place).read_bytes()
        assert not any(piece in raw for body in kept.bodies for piece in pieces(body.sealed))


def test_a_hold_keeps_one_tip_and_no_other(
    public_line: PublicLine,
    staff_line: StaffLine,
    sign_in: SignIn,
    clock: MovableClock,
) -> None:
    """A backup of before the hold opens with nothing; the held copy with the hold's key alone."""
    before, own = forwarded(public_line, staff_line, sign_in), people(staff_line)
    clock.advance(31)
    forgetting.hold(staff_line, sign_in("sofia"), before.tip, lambda connection: None)
    held = backup(staff_line, before.tip)
    months_pass(clock, LONGEST)
    night(staff_line)
    seeds = today(staff_line, own)
    assert before.opened_by(seeds) == set()
    assert held.opened_by(seeds) == {HOLD}
