"""A home is founded once: new keys over old tips would lose them all."""

from __future__ import annotations

import pytest

from hotline.assembly import StaffLine
from hotline.clock import Clock
from hotline.founding import AlreadyFounded, NoSigningKey, extend, found, is_founded, rotate
from hotline.vault.directory import Directory, DirectoryKey
from hotline.vault.format import Kind, digest
from hotline.vault.seal import seal_body, wrap_key
from hotline.vault.small import random_id, random_key
from tests.line import SignIn


def more(line: StaffLine, clock: Clock) -> int:
    return extend(
        line.settings,
        line.directory,
        line.keys,
        line.access.people,
        line.profile.recipients(),
        clock,
    )


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
    """A public process that was not started again seals to the former key of a later month."""
    desk, month = "queue:general:BR-RJ", "2026-04"
    former = staff_line.directory
    made = rotate(
        staff_line.settings, former, staff_line.keys, staff_line.access.people, desk, clock
    )
    assert made == 11
    newer = Directory.load(staff_line.settings.public)
    paulo = sign_in("paulo")
    for directory in (former, newer):
        key, subject = random_key(), random_id()
        body = seal_body(key, subject, subject, Kind.TIP, b"told")
        wrap = wrap_key(key, subject, digest(body.sealed), directory.key(desk, month))
        assert staff_line.access.open_wrap(paulo, wrap, body) == key
    assert former.key(desk, month).raw != newer.key(desk, month).raw
