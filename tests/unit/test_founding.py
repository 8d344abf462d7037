"""A home is founded once: new keys over old tips would lose them all."""

from __future__ import annotations

from itertools import product

import pytest

from hotline.assembly import StaffLine
from hotline.clock import Clock
from hotline.founding import AlreadyFounded, found, is_founded
from hotline.keyring import NoSigningKey, directory_change, extend, rotate
from hotline.triage.approvals import Deed, NotApproved
from hotline.vault.directory import Directory, DirectoryKey
from hotline.vault.format import Kind, digest
from hotline.vault.seal import seal_body, wrap_key
from hotline.vault.small import random_id, random_key
from tests.line import SignIn
from tests.terminal import agree


def more(line: StaffLine, clock: Clock) -> int:
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, "new"))
    recipients = line.profile.recipients()
    return extend(line.settings, line.directory, line.keys, line.access, recipients, clock, by)


def test_a_home_whose_signing_key_is_offline_is_still_founded(
    staff_line: StaffLine, clock: Clock
) -> None:
    (staff_line.settings.staff / "directory.key").unlink()
    assert is_founded(staff_line.settings)
    with pytest.raises(AlreadyFounded):
        found(staff_line.settings, staff_line.profile.recipients(), [], clock)


def test_months_are_added_and_old_keys_stay(staff_line: StaffLine, clock: Clock) -> None:
    clock.advance(70 * 86400)
    assert more(staff_line, clock) > 0
    fresh = Directory.load(staff_line.settings.public)
    assert fresh.keys.items() >= staff_line.directory.keys.items()
    assert fresh.fingerprint == staff_line.directory.fingerprint


def test_another_lines_signing_key_adds_nothing(staff_line: StaffLine, clock: Clock) -> None:
    clock.advance(70 * 86400)
    (staff_line.settings.staff / "directory.key").write_bytes(DirectoryKey.new().seed)
    with pytest.raises(NoSigningKey):
        more(staff_line, clock)
    assert Directory.load(staff_line.settings.public).keys == staff_line.directory.keys


def test_without_the_signing_key_no_key_is_touched(staff_line: StaffLine, clock: Clock) -> None:
    clock.advance(70 * 86400)
    (staff_line.settings.staff / "directory.key").unlink()
    before = staff_line.keys.recipients(staff_line.access.people.named("olga").id)
    with pytest.raises(NoSigningKey):
        more(staff_line, clock)
    assert staff_line.keys.recipients(staff_line.access.people.named("olga").id) == before


def test_what_was_sealed_before_a_rotation_still_opens(
    staff_line: StaffLine, sign_in: SignIn, clock: Clock
) -> None:
    """A public process that was not started again seals to the former keys."""
    desk = "queue:general:BR-RJ"
    former = staff_line.directory
    change = directory_change(staff_line.settings, f"rotate:{desk}")
    by = agree(staff_line, Deed.DIRECTORY, change)
    made = rotate(staff_line.settings, former, staff_line.keys, staff_line.access, desk, clock, by)
    assert made == 12, "this month and those after it"
    newer = Directory.load(staff_line.settings.public)
    paulo = sign_in("paulo")
    for directory, month in product((former, newer), (clock.month(), "2026-04")):
        key, subject = random_key(), random_id()
        body = seal_body(key, subject, subject, Kind.TIP, b"told")
        wrap = wrap_key(key, subject, digest(body.sealed), directory.key(desk, month))
        assert staff_line.access.open_wrap(paulo, wrap, body) == key
        assert former.key(desk, month).raw != newer.key(desk, month).raw


def test_the_signed_list_is_changed_by_two_and_each_approval_is_for_one_list(
    staff_line: StaffLine, clock: Clock
) -> None:
    line, desk = staff_line, "queue:general:BR-RJ"
    olga, otavio = (line.access.people.named(name) for name in ("olga", "otavio"))
    list_file = line.settings.public / "directory.signed"
    before, held = list_file.read_bytes(), line.keys.of(olga.id)

    def turn(recipient: str = desk, by: bytes = olga.id) -> int:
        return rotate(line.settings, line.directory, line.keys, line.access, recipient, clock, by)

    change = directory_change(line.settings, f"rotate:{desk}")
    asked = line.approvals.ask(olga.id, Deed.DIRECTORY, change, "somebody_left")
    with pytest.raises(NotApproved):
        turn()
    line.approvals.approve(otavio.id, asked.id)
    for other in ("queue:gbv:BR-RJ", "queue:unresolved:BR-RJ"):
        with pytest.raises(NotApproved):
            turn(other)
    with pytest.raises(NotApproved):
        turn(by=line.access.people.named("sofia").id)
    assert (list_file.read_bytes(), line.keys.of(olga.id)) == (before, held)
    stale = line.approvals.ask(olga.id, Deed.DIRECTORY, change, "somebody_left")
    assert turn() == 12
    line.approvals.approve(otavio.id, stale.id)
    with pytest.raises(NotApproved):
        turn()  # that one was for the list as it was
    line.audit.sequence()
    (record,) = [one for one in line.audit.records() if '"directory_changed"' in one]
    assert olga.id.hex() in record and otavio.id.hex() in record


def test_without_the_signing_key_the_approval_stays(staff_line: StaffLine, clock: Clock) -> None:
    clock.advance(70 * 86400)
    signer = staff_line.settings.staff / "directory.key"
    seed = signer.read_bytes()
    signer.unlink()
    with pytest.raises(NoSigningKey):
        more(staff_line, clock)
    (waiting,) = staff_line.approvals.open()
    assert waiting.state == "approved"
    signer.write_bytes(seed)
    olga = staff_line.access.people.named("olga").id
    recipients = staff_line.profile.recipients()
    args = (staff_line.settings, staff_line.directory, staff_line.keys, staff_line.access)
    assert extend(*args, recipients, clock, olga) > 0
    assert staff_line.approvals.open() == []
