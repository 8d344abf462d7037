"""Recovery: three sheets open what nobody holds any more, and nothing of them is on a disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hotline import demo, doctor
from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.keyring import directory_change, extend, rotate, signing_key
from hotline.store.keystore import RECOVERY, Grant
from hotline.triage import recovery
from hotline.triage.access import SignedIn
from hotline.triage.approvals import Deed
from hotline.vault.directory import Directory, DirectoryKey, UntrustedDirectory
from hotline.vault.envelope import STATISTICS, WORKER
from hotline.vault.format import Kind, digest
from hotline.vault.keys import PersonKey, open_person
from hotline.vault.recovery import RecoveryKey
from hotline.vault.seal import seal_body, wrap_key
from hotline.vault.shares import BadSheet, Sheet, split
from hotline.vault.small import random_id, random_key
from tests.conftest import MovableClock
from tests.line import SignIn, copy_line
from tests.terminal import agree

DESK, SPECIAL = "queue:general:BR-RJ", "queue:gbv:BR-RJ"


def holder(line: StaffLine, name: str) -> tuple[bytes, bytes]:
    person = line.access.people.named(name)
    key = PersonKey(person.public, person.salt, person.sealed)
    return person.id, open_person(person.id, key, demo.PASSPHRASE)


def renewed(line: StaffLine, *holders: tuple[bytes, bytes]) -> recovery.Renewal:
    """New sheets, valid at once."""
    made = recovery.prepare_renewal(line, holders or [holder(line, "olga")])
    line.keys.renew_recovery(made.key.signed(signing_key(line.settings)), made.grants)
    return made


@pytest.fixture(scope="module")
def paper(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> recovery.Renewal:
    """A recovery key for every home that is a copy of the founded one: made once, as it takes a
    second."""
    home = tmp_path_factory.mktemp("paper")
    line = assemble_staff(
        copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}"), MovableClock()
    )
    made = recovery.prepare_renewal(line, [holder(line, "olga")])
    line.close()
    return made


@pytest.fixture
def sheets(staff_line: StaffLine, paper: recovery.Renewal) -> tuple[Sheet, ...]:
    record = paper.key.signed(signing_key(staff_line.settings))
    staff_line.keys.renew_recovery(record, paper.grants)
    return paper.sheets


def three(sheets: Sequence[Sheet]) -> list[Sheet]:
    return [sheets[4], sheets[0], sheets[2]]


@dataclass(frozen=True, slots=True)
class Sealed:
    """Something sealed to a queue this month."""

    line: StaffLine
    recipient: str

    def opens_for(self, who: SignedIn) -> bool:
        key, subject = random_key(), random_id()
        body = seal_body(key, subject, subject, Kind.TIP, b"told")
        to = self.line.directory.key(self.recipient, self.line.clock.month())
        wrap = wrap_key(key, subject, digest(body.sealed), to)
        try:
            return self.line.access.open_wrap(who, wrap, body) == key
        except KeyError:
            return False


def finding(line: StaffLine) -> doctor.Finding:
    return next(one for one in doctor.key_findings(line) if one.name == "recovery")


def test_founding_seals_every_month_to_the_sheets_and_counts_them_nowhere(
    staff_line: StaffLine,
) -> None:
    keys, directory = staff_line.keys, staff_line.directory
    on_sheets = keys.held(RECOVERY)
    assert {one[:2] for one in on_sheets} == set(directory.keys)
    assert {one[0] for one in on_sheets} >= {DESK, SPECIAL, STATISTICS, WORKER}
    assert keys.members(WORKER) == frozenset()
    people = {person.id for person in staff_line.access.people.all()}
    assert all(keys.members(name) <= people for name in directory.recipients())
    assert len(RECOVERY) == 16
    assert RECOVERY not in people


def test_new_months_and_rotations_are_sealed_to_the_sheets(
    staff_line: StaffLine, clock: Clock, sheets: tuple[Sheet, ...]
) -> None:
    line = staff_line
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, f"rotate:{DESK}"))
    common = (line.settings, line.directory, line.keys, line.access)
    assert rotate(*common, DESK, clock, by) > 0
    clock.advance(70 * 86400)
    line = replace(line, directory=Directory.load(line.settings.public))
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, "new"))
    common = (line.settings, line.directory, line.keys, line.access)
    assert extend(*common, line.profile.recipients(), clock, by) > 0
    line = replace(line, directory=Directory.load(line.settings.public))
    assert recovery.standing(line).uncovered == ()
    opened, shut = recovery.drill(line, three(sheets))
    assert (opened, shut) == (len(line.directory.recipients()), ())


def test_readiness_is_red_until_a_drill_and_a_year_after_it(
    staff_line: StaffLine, clock: Clock, sheets: tuple[Sheet, ...]
) -> None:
    assert recovery.standing(staff_line).state == "undrilled"
    assert not finding(staff_line).sound
    assert recovery.drill(staff_line, three(sheets))[1] == ()
    assert recovery.standing(staff_line).state == "sound"
    assert finding(staff_line).sound, finding(staff_line).detail
    clock.advance(366 * 86400)
    assert recovery.standing(staff_line).state == "old"
    assert "366 days ago" in finding(staff_line).detail
    assert recovery.drill(staff_line, three(sheets))[1] == ()  # no key of a month long past
    assert recovery.standing(staff_line).state == "sound"
    assert staff_line.audit.count("recovery_drilled") == 2


def test_new_sheets_want_a_new_drill_and_the_old_ones_open_nothing(
    staff_line: StaffLine, sheets: tuple[Sheet, ...]
) -> None:
    recovery.drill(staff_line, three(sheets))
    fresh = renewed(staff_line)
    assert fresh.lost == ()
    assert recovery.standing(staff_line).state == "undrilled"
    with pytest.raises(BadSheet):
        recovery.drill(staff_line, three(sheets))
    assert recovery.standing(staff_line).state == "undrilled"
    assert recovery.drill(staff_line, three(fresh.sheets))[1] == ()


def test_sheets_of_another_line_with_the_same_number(
    staff_line: StaffLine, sheets: tuple[Sheet, ...]
) -> None:
    """The set's number has 15 bits only: what decides is the public half."""
    number = sheets[0].set_number
    others = [replace(one, set_number=number) for one in split(random_key())]
    with pytest.raises(BadSheet, match="do not belong together, or not to this line"):
        recovery.drill(staff_line, three(others))
    assert staff_line.audit.count("recovery_drilled") == 0


def test_a_drill_names_what_the_sheets_would_not_open(
    staff_line: StaffLine, sheets: tuple[Sheet, ...]
) -> None:
    """A row with rubbish in it: only opening it shows that."""
    month = staff_line.clock.month()
    with sqlite3.connect(staff_line.settings.staff / "keys.db") as database:
        where = "recipient = ? AND epoch = ? AND person = ?"
        database.execute(
            f"UPDATE grants SET sealed = zeroblob(1201) WHERE {where}", (DESK, month, RECOVERY)
        )
    database.close()
    assert recovery.standing(staff_line).uncovered == ()
    assert recovery.drill(staff_line, three(sheets))[1] == (DESK,)
    assert not finding(staff_line).sound
    assert staff_line.audit.count("recovery_drilled") == 0


def test_a_month_without_its_grant_is_red_without_a_drill(
    staff_line: StaffLine, sheets: tuple[Sheet, ...]
) -> None:
    recovery.drill(staff_line, three(sheets))
    with sqlite3.connect(staff_line.settings.staff / "keys.db") as database:
        database.execute(
            "DELETE FROM grants WHERE person = ? AND recipient = ?", (RECOVERY, SPECIAL)
        )
    database.close()
    assert recovery.standing(staff_line).uncovered == (SPECIAL,)
    assert not finding(staff_line).sound


def test_keys_that_nobody_holds_come_back(
    staff_line: StaffLine, sign_in: SignIn, sheets: tuple[Sheet, ...]
) -> None:
    line = staff_line
    for person in line.access.people.all():
        line.keys.revoke(person.id)
    sofia, sealed, special = sign_in("sofia"), Sealed(line, DESK), Sealed(line, SPECIAL)
    assert not sealed.opens_for(sofia)
    seed = recovery.required(line).seed(three(sheets))
    given = recovery.recover(line, seed, sofia.person, [DESK, SPECIAL])
    assert given == {DESK: 12, SPECIAL: 12}
    assert sealed.opens_for(sofia)
    assert special.opens_for(sofia)
    assert line.keys.recipients(sofia.person.id) == {DESK, SPECIAL}
    olga = sign_in("olga")
    everything = recovery.recover(line, seed, olga.person, None)
    assert set(everything) == line.directory.recipients() - {WORKER}
    # From her on members grant again, as always.
    paulo = sign_in("paulo")
    line.access.grant(olga, paulo.person, DESK)
    assert sealed.opens_for(paulo)


def test_a_destroyed_month_stays_destroyed(
    staff_line: StaffLine, sheets: tuple[Sheet, ...]
) -> None:
    month = staff_line.clock.month()
    staff_line.keys.destroy(DESK, month)
    seed = recovery.required(staff_line).seed(three(sheets))
    olga = staff_line.access.people.named("olga")
    assert recovery.recover(staff_line, seed, olga, [DESK]) == {DESK: 11}
    assert [g.epoch for g in staff_line.keys.of(olga.id, DESK) if g.epoch == month] == []


def test_the_workers_seeds_come_back(staff_line: StaffLine, sheets: tuple[Sheet, ...]) -> None:
    seed = recovery.required(staff_line).seed(three(sheets))
    assert recovery.worker_seeds(staff_line, seed) == staff_line.worker


def test_what_neither_officer_holds_is_named_and_the_old_sheets_carry_it_over(
    staff_line: StaffLine, sheets: tuple[Sheet, ...]
) -> None:
    line = staff_line
    for person in line.access.people.all():
        line.keys.revoke(person.id, DESK)
    officers = [holder(line, "olga"), holder(line, "otavio")]
    lost = {recipient for recipient, _ in recovery.prepare_renewal(line, officers).lost}
    assert lost == {DESK}
    old = (RECOVERY, recovery.required(line).seed(three(sheets)))
    fresh = renewed(line, *officers, old)
    assert fresh.lost == ()
    seed = recovery.required(line).seed(three(fresh.sheets))
    olga = line.access.people.named("olga")
    assert recovery.recover(line, seed, olga, [DESK]) == {DESK: 12}


def test_a_renewal_that_is_broken_off_changes_nothing(
    staff_line: StaffLine, sheets: tuple[Sheet, ...]
) -> None:
    recovery.prepare_renewal(staff_line, [holder(staff_line, "olga")])
    assert recovery.drill(staff_line, three(sheets))[1] == ()


def test_a_key_that_somebody_put_in_its_place_is_refused(
    staff_line: StaffLine, clock: Clock
) -> None:
    theirs, _ = RecoveryKey.new("2026-03-01")
    staff_line.keys.renew_recovery(theirs.signed(DirectoryKey.new()), ())
    assert recovery.standing(staff_line).state == "altered"
    assert not finding(staff_line).sound
    clock.advance(70 * 86400)
    line = staff_line
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, "new"))
    common = (line.settings, line.directory, line.keys, line.access)
    with pytest.raises(UntrustedDirectory):
        extend(*common, line.profile.recipients(), clock, by)
    assert Directory.load(line.settings.public).keys == line.directory.keys


def test_rubbish_handed_to_a_member_is_not_sealed_to_new_sheets(staff_line: StaffLine) -> None:
    """Another month's seed under this month's name would open nothing when it is needed."""
    line = staff_line
    olga, seed = holder(line, "olga")
    [grant] = [g for g in line.keys.of(olga, DESK) if g.epoch == line.clock.month()]
    line.keys.revoke(olga, DESK)
    junk = Grant(DESK, grant.epoch, olga, _sealed(line, olga, grant.epoch), grant.key)
    line.keys.add([junk])
    made = recovery.prepare_renewal(line, [(olga, seed)])
    assert (DESK, grant.epoch) in made.lost


def _sealed(line: StaffLine, person: bytes, epoch: str) -> bytes:
    from hotline.vault.keys import grant, new_seed

    return grant(new_seed(), DESK, epoch, person, line.access.people.get(person).public)


def test_a_home_from_before_there_were_sheets(staff_line: StaffLine) -> None:
    with sqlite3.connect(staff_line.settings.staff / "keys.db") as database:
        database.execute("DELETE FROM grants WHERE person = ?", (RECOVERY,))
        database.execute("DELETE FROM recovery")
    database.close()
    assert recovery.standing(staff_line).state == "missing"
    assert "keys recovery new" in finding(staff_line).detail
    with pytest.raises(recovery.NoRecovery):
        recovery.required(staff_line)
    made = renewed(staff_line)
    assert made.lost == ()
    assert recovery.drill(staff_line, three(made.sheets))[1] == ()
