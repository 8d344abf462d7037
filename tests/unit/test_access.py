"""Access: who signs in, what their key opens and for how long; nothing else opens it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hotline.assembly import StaffLine
from hotline.demo import PASSPHRASE
from hotline.triage.access import (
    ABSOLUTE_SECONDS,
    IDLE_SECONDS,
    NoCertificate,
    OwnCertificate,
    SignInRefused,
    membership,
    special_kind,
)
from hotline.triage.approvals import Deed, NotApproved
from hotline.vault.format import Damaged
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.promises.ground import read_once  # noqa: F401 - a fixture

DESK, SPECIAL = "queue:general:BR-RJ", "queue:gbv:BR-RJ"


def refused(line: StaffLine, name: str, passphrase: str, code: str) -> SignInRefused:
    with pytest.raises(SignInRefused) as caught:
        line.access.sign_in(name, passphrase, code)
    return caught.value


def test_one_sentence_for_every_wrong_thing(staff_line: StaffLine, sign_in: SignIn) -> None:
    code = sign_in.code("paulo")
    said = {
        refused(staff_line, name, words, number).message
        for name, words, number in (
            ("nobody", PASSPHRASE, code),
            ("paulo", PASSPHRASE + "x", code),
            ("paulo", PASSPHRASE, "000000" if code != "000000" else "111111"),
            ("paulo", PASSPHRASE, ""),
            ("paulo", "", code),
        )
    }
    assert len(said) == 1
    assert sign_in("paulo").person.name == "paulo"


def test_a_code_works_once_and_for_a_minute_and_a_half(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    code = sign_in.code("paulo")
    sign_in("paulo")
    refused(staff_line, "paulo", PASSPHRASE, code)
    clock.advance(30)
    late = sign_in.code("paulo")
    clock.advance(90)
    refused(staff_line, "paulo", PASSPHRASE, late)
    sign_in("paulo")


def test_ten_failures_lock_for_a_quarter_of_an_hour(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    for _ in range(10):
        refused(staff_line, "paulo", PASSPHRASE, "wrong")
    refused(staff_line, "paulo", PASSPHRASE, sign_in.code("paulo"))
    clock.advance(15 * 60 + 1)
    sign_in("paulo")
    assert staff_line.audit.count("sign_in_failed") == 11


def test_a_session_is_resumed_by_its_cookie_alone(staff_line: StaffLine, sign_in: SignIn) -> None:
    who = sign_in("paulo")
    again = staff_line.access.resume(who.cookie.value)
    assert again is not None
    assert (again.person.id, again.seed) == (who.person.id, who.seed)
    row = staff_line.access.people.session(who.cookie.id)
    assert row is not None
    assert who.seed not in row.sealed
    assert staff_line.access.resume(row.id.hex()) is None
    assert staff_line.access.resume("") is None
    staff_line.access.sign_out(who)
    assert staff_line.access.resume(who.cookie.value) is None


def test_a_session_ends_when_idle_and_after_a_shift(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    who = sign_in("paulo")
    clock.advance(IDLE_SECONDS)
    assert staff_line.access.resume(who.cookie.value) is not None
    clock.advance(IDLE_SECONDS + 1)
    assert staff_line.access.resume(who.cookie.value) is None
    who = sign_in("paulo")
    for _ in range(ABSOLUTE_SECONDS // 600):
        clock.advance(600)
        assert staff_line.access.resume(who.cookie.value) is not None
    clock.advance(1)
    assert staff_line.access.resume(who.cookie.value) is None


def test_a_queue_opens_for_its_members_only(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    month = clock.month()
    paulo, gabi, ines = sign_in("paulo"), sign_in("gabi"), sign_in("ines")
    seed = staff_line.access.epoch_seed(paulo, DESK, month)
    assert seed == staff_line.access.epoch_seed(gabi, DESK, month)
    with pytest.raises(KeyError):
        staff_line.access.epoch_seed(ines, DESK, month)
    with pytest.raises(KeyError):
        staff_line.access.epoch_seed(paulo, DESK, "2020-01")
    assert "general:BR-RJ" in staff_line.access.queues(paulo)
    assert {queue.partition(":")[0] for queue in staff_line.access.queues(ines)} == {"integrity"}


def test_without_a_current_certificate_there_is_no_key(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    gabi = sign_in("gabi")
    staff_line.access.epoch_seed(gabi, SPECIAL, clock.month())
    staff_line.access.certify(bytes(16), gabi.person, "gbv", clock.day())
    clock.advance(86400)
    gabi = sign_in("gabi")
    with pytest.raises(NoCertificate):
        staff_line.access.epoch_seed(gabi, SPECIAL, clock.month())
    assert "gbv:BR-RJ" not in staff_line.access.queues(gabi)
    assert "children:BR-RJ" in staff_line.access.queues(gabi)


def test_a_special_queue_is_given_by_two_and_by_no_one_alone(
    staff_line: StaffLine, sign_in: SignIn
) -> None:
    """Every way to give a key goes through Access.grant, and it refuses one person alone."""
    olga, otavio = sign_in("olga"), sign_in("otavio")
    paulo, ines = (staff_line.access.people.named(name) for name in ("paulo", "ines"))
    approvals, facts = staff_line.approvals, membership(paulo, SPECIAL)
    asked = approvals.ask(olga.person.id, Deed.OPEN_QUEUE, facts, "new_member")
    for giver in (olga, otavio):
        with pytest.raises(NotApproved):
            staff_line.access.grant(giver, paulo, SPECIAL)
    approvals.approve(otavio.person.id, asked.id)
    for to, recipient in ((ines, SPECIAL), (paulo, "queue:children:BR-RJ")):
        with pytest.raises(NotApproved):
            staff_line.access.grant(olga, to, recipient)
    assert staff_line.keys.of(paulo.id, SPECIAL) == []
    assert staff_line.access.grant(olga, paulo, SPECIAL) == 12
    with pytest.raises(NotApproved):
        staff_line.access.grant(olga, paulo, SPECIAL)
    assert staff_line.access.grant(otavio, paulo, "queue:unresolved:BR-RJ") == 12


def test_who_does_not_hold_a_key_uses_up_no_approval(
    staff_line: StaffLine, sign_in: SignIn
) -> None:
    olga, otavio = sign_in("olga"), sign_in("otavio")
    paulo = staff_line.access.people.named("paulo")
    staff_line.keys.revoke(olga.person.id, SPECIAL)
    facts, approvals = membership(paulo, SPECIAL), staff_line.approvals
    asked = approvals.ask(olga.person.id, Deed.OPEN_QUEUE, facts, "new_member")
    approvals.approve(otavio.person.id, asked.id)
    assert staff_line.access.grant(olga, paulo, SPECIAL) == 0
    assert staff_line.access.grant(otavio, paulo, SPECIAL) == 12


def test_nobody_certifies_themselves(staff_line: StaffLine) -> None:
    olga = staff_line.access.people.named("olga")
    before = staff_line.access.people.certificates(olga.id)
    with pytest.raises(OwnCertificate):
        staff_line.access.certify(olga.id, olga, "gbv", "2099-01-01")
    assert staff_line.access.people.certificates(olga.id) == before


def test_nobody_gives_what_they_do_not_hold(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    paulo, ines = sign_in("paulo"), sign_in("ines")
    assert staff_line.access.grant(paulo, ines.person, "queue:integrity:BR-RJ") == 0
    assert staff_line.access.grant(paulo, ines.person, DESK) == 12
    staff_line.access.epoch_seed(ines, DESK, clock.month())
    thief = replace(paulo, seed=ines.seed)
    with pytest.raises(Damaged):
        staff_line.access.epoch_seed(thief, DESK, clock.month())


def test_who_leaves_keeps_nothing(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    paulo, olga = sign_in("paulo"), sign_in("olga")
    staff_line.access.revoke(olga.person.id, paulo.person)
    assert staff_line.access.resume(paulo.cookie.value) is None
    assert staff_line.keys.of(paulo.person.id) == []
    with pytest.raises(KeyError):
        staff_line.access.epoch_seed(paulo, DESK, clock.month())
    clock.advance(60)
    refused(staff_line, "paulo", PASSPHRASE, sign_in.code("paulo"))
    assert staff_line.access.resume(olga.cookie.value) is not None


def test_special_queues_are_told_by_their_name() -> None:
    assert special_kind(SPECIAL) == "gbv"
    assert special_kind(DESK) is None
    assert special_kind("queue:unresolved:BR-RJ") is None
    assert special_kind("agency:gbv:BR-RJ") is None


def test_many_tries_at_once_are_no_more_than_ten(staff_line: StaffLine, sign_in: SignIn) -> None:
    """Nobody gets more tries by sending them together: each is counted before it is made."""
    paulo = staff_line.access.people.named("paulo")
    now = int(staff_line.clock.seconds())

    def one(_: int) -> bool:
        return staff_line.access.people.take_try(paulo.id, now, 10, now + 900)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 10
    assert staff_line.access.people.get(paulo.id).locked_until == now + 900
    refused(staff_line, "paulo", PASSPHRASE, sign_in.code("paulo"))


def test_a_right_try_gives_all_ten_back(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    for _ in range(9):
        refused(staff_line, "paulo", PASSPHRASE, "wrong")
    sign_in("paulo")
    assert staff_line.access.people.named("paulo").failures == 0
    clock.advance(30)
    sign_in("paulo")


def test_who_sits_there_is_asked_again(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    """Passphrase and a fresh code of the same person; wrong tries count as at the door."""
    olga = sign_in("olga")
    confirm = staff_line.access.confirm
    with pytest.raises(SignInRefused):
        confirm(olga, PASSPHRASE, sign_in.code("olga"))  # that code opened the door already
    clock.advance(30)
    for words, code in (
        (PASSPHRASE, sign_in.code("otavio")),
        (PASSPHRASE, ""),
        ("", sign_in.code("olga")),
    ):
        with pytest.raises(SignInRefused):
            confirm(olga, words, code)
    assert staff_line.access.people.get(olga.person.id).failures == 4
    confirm(olga, PASSPHRASE, sign_in.code("olga"))
    clock.advance(30)
    soon = int(clock.seconds()) + 1
    for change in ({"locked_until": soon}, {"locked_until": 0, "active": False}):
        staff_line.access.people.change(olga.person.id, **change)
        with pytest.raises(SignInRefused):
            confirm(olga, PASSPHRASE, sign_in.code("olga"))
