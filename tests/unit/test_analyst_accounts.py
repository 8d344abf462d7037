"""Accounts of analysts: invited once, two factors, sessions that end, a token kept as a hash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from hotline.analysts.access import ABSOLUTE_SECONDS, IDLE_SECONDS, Accounts, NoAnalyst
from hotline.store.analysts import FILE
from hotline.tips import Language
from hotline.triage.access import SignInRefused
from hotline.triage.invitations import InvitationRefused, NameTaken, WrongFirstCode
from tests.conftest import MovableClock

WORDS = "four quiet rivers bend"


@pytest.fixture
def accounts(tmp_path: Path, clock: MovableClock) -> Iterator[Accounts]:
    made = Accounts(tmp_path / "releases", clock)
    yield made
    made.store.close()


def joined(accounts: Accounts, clock: MovableClock, name: str = "rita") -> pyotp.TOTP:
    joining = accounts.begin(accounts.invite(name, Language.PT), WORDS, WORDS)
    totp = pyotp.TOTP(joining.secret)
    accounts.finish(joining.ticket, totp.at(int(clock.seconds())))
    clock.advance(60)
    return totp


def code(totp: pyotp.TOTP, clock: MovableClock) -> str:
    return totp.at(int(clock.seconds()))


def test_an_invitation_works_once_and_for_72_hours(accounts: Accounts, clock: MovableClock) -> None:
    late = accounts.invite("late", Language.EN)
    clock.advance(72 * 3600 + 1)
    with pytest.raises(InvitationRefused):
        accounts.begin(late, WORDS, WORDS)
    link = accounts.invite("rita", Language.PT)
    joining = accounts.begin(link, WORDS, WORDS)
    for wrong in (link, "", "zz", joining.ticket):
        with pytest.raises(InvitationRefused):
            accounts.begin(wrong, WORDS, WORDS)
    assert accounts.store.all() == []
    with pytest.raises(WrongFirstCode):
        accounts.finish(joining.ticket, "12")
    accounts.finish(joining.ticket, code(pyotp.TOTP(joining.secret), clock))
    assert [one.name for one in accounts.store.all()] == ["rita"]
    with pytest.raises(NameTaken):
        accounts.invite("Rita", Language.PT)


def test_both_factors_are_needed_and_a_code_works_once(
    accounts: Accounts, clock: MovableClock
) -> None:
    totp = joined(accounts, clock)
    now = code(totp, clock)
    for name, words, typed in (
        ("rita", "four quiet rivers bent", now),
        ("rita", WORDS, ""),
        ("nobody", WORDS, now),
    ):
        with pytest.raises(SignInRefused):
            accounts.sign_in(name, words, typed)
    found = accounts.sign_in(" Rita", WORDS, now)
    assert accounts.resume(found.cookie.value) is not None
    with pytest.raises(SignInRefused):
        accounts.sign_in("rita", WORDS, now)


def test_ten_wrong_tries_lock_for_a_quarter_of_an_hour(
    accounts: Accounts, clock: MovableClock
) -> None:
    totp = joined(accounts, clock)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            accounts.sign_in("rita", "wrong and long enough", "000000")
    with pytest.raises(SignInRefused):
        accounts.sign_in("rita", WORDS, code(totp, clock))
    clock.advance(15 * 60 + 30)
    assert accounts.sign_in("rita", WORDS, code(totp, clock))


def test_a_session_ends_idle_after_twelve_hours_and_with_the_account(
    accounts: Accounts, clock: MovableClock
) -> None:
    totp = joined(accounts, clock)
    idle = accounts.sign_in("rita", WORDS, code(totp, clock)).cookie.value
    clock.advance(IDLE_SECONDS + 1)
    assert accounts.resume(idle) is None
    busy = accounts.sign_in("rita", WORDS, code(totp, clock)).cookie.value
    for _ in range(ABSOLUTE_SECONDS // 1800):
        clock.advance(1800)
        assert accounts.resume(busy) is not None
    clock.advance(1)
    assert accounts.resume(busy) is None
    last = accounts.sign_in("rita", WORDS, code(totp, clock)).cookie.value
    accounts.remove("rita")
    assert accounts.resume(last) is None
    with pytest.raises(NoAnalyst):
        accounts.remove("rita")


def test_the_file_holds_no_secret_in_clear(
    accounts: Accounts, clock: MovableClock, tmp_path: Path
) -> None:
    totp = joined(accounts, clock)
    found = accounts.sign_in("rita", WORDS, code(totp, clock))
    token = accounts.new_token(found.analyst)
    assert accounts.by_token(token) is not None
    second = accounts.new_token(found.analyst)
    assert accounts.by_token(token) is None
    assert accounts.by_token("x" * 64) is None
    accounts.store.close()
    kept = b"".join(each.read_bytes() for each in (tmp_path / "releases").iterdir())
    assert b"rita" in kept
    for secret in (WORDS, totp.secret, found.cookie.value, second):
        assert secret.encode() not in kept
    assert bytes.fromhex(second) not in kept
    assert (tmp_path / "releases" / FILE).stat().st_mode & 0o77 == 0
