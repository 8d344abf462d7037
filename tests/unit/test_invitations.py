"""Invitations: one code lets one person in, once, in time; and nobody else, in no other way."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from sqlalchemy import select

from hotline.assembly import StaffLine
from hotline.demo import PASSPHRASE
from hotline.errors import Busy, HotlineError, NotAllowed
from hotline.store.invitations import InvitationStore
from hotline.store.tables import InvitationRow
from hotline.tips import Language
from hotline.triage.invitations import (
    JOINING_SECONDS,
    VALID_SECONDS,
    BadInvitation,
    InvitationRefused,
    Invitations,
    Joining,
    NameTaken,
    Unlike,
    WrongFirstCode,
)
from hotline.triage.plain import TooPlain
from hotline.vault.keys import WeakPassphrase
from tests.conftest import MovableClock

WORDS = "quatro telhas azuis no mar"


@pytest.fixture
def invitations(staff_line: StaffLine) -> Invitations:
    return Invitations(staff_line.database, staff_line.access, staff_line.clock)


@pytest.fixture
def line(staff_line: StaffLine) -> StaffLine:
    return staff_line


def officer(line: StaffLine, name: str = "olga"):
    return line.access.people.named(name)


def invite(line: StaffLine, invitations: Invitations, name: str = "rita", *roles: str) -> str:
    return invitations.invite(
        officer(line), name, roles or ["operator"], agency="", language=Language.ES
    )


def code_of(joining: Joining, line: StaffLine) -> str:
    return pyotp.TOTP(joining.secret).at(int(line.clock.seconds()))


def refused(invitations: Invitations, code: str) -> str:
    with pytest.raises(InvitationRefused) as caught:
        invitations.begin(code, WORDS, WORDS)
    return caught.value.message + caught.value.hint


def test_a_code_lets_one_person_in(
    line: StaffLine, invitations: Invitations, clock: MovableClock
) -> None:
    code = invite(line, invitations)
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}", code)
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    joining = invitations.begin(typed, WORDS, WORDS)
    assert line.access.people.named("rita") is None
    first = code_of(joining, line)
    person = invitations.finish(joining.ticket, first)
    assert (person.name, person.roles, person.language) == ("rita", ("operator",), "es")
    assert invitations.running() == []
    with pytest.raises(HotlineError):
        line.access.sign_in("rita", WORDS, first)  # that code has been used
    clock.advance(60)
    who = line.access.sign_in("rita", WORDS, code_of(joining, line))
    assert line.keys.of(who.person.id) == []
    assert [line.audit.count(event) for event in ("invited", "joined")] == [1, 1]


def test_wrong_used_late_withdrawn_and_unknown_codes_are_answered_alike(
    line: StaffLine, invitations: Invitations, clock: MovableClock
) -> None:
    used, withdrawn, late = (invite(line, invitations, n) for n in ("rita", "rosa", "raul"))
    invitations.begin(used, WORDS, WORDS)
    (one,) = [i for i in invitations.running() if i.name == "rosa"]
    invitations.withdraw(officer(line), one.id)
    said = {refused(invitations, code) for code in (used, withdrawn, "", "0" * 20, late + "0")}
    clock.advance(VALID_SECONDS)
    said.add(refused(invitations, late))
    assert len(said) == 1
    assert invitations.forget() == 2
    with pytest.raises(NotAllowed):
        invitations.withdraw(officer(line), one.id)


def test_it_is_valid_to_its_last_second(
    line: StaffLine, invitations: Invitations, clock: MovableClock
) -> None:
    code = invite(line, invitations)
    clock.advance(VALID_SECONDS - 1)
    joining = invitations.begin(code, WORDS, WORDS)
    clock.advance(JOINING_SECONDS - 1)
    assert invitations.finish(joining.ticket, code_of(joining, line)).name == "rita"


def test_who_stops_half_way_is_not_in(
    line: StaffLine, invitations: Invitations, clock: MovableClock
) -> None:
    joining = invitations.begin(invite(line, invitations), WORDS, WORDS)
    clock.advance(JOINING_SECONDS)
    with pytest.raises(InvitationRefused):
        invitations.finish(joining.ticket, code_of(joining, line))
    assert line.access.people.named("rita") is None


def test_a_bad_passphrase_or_first_code_uses_nothing_up(
    line: StaffLine, invitations: Invitations
) -> None:
    code = invite(line, invitations)
    for known in (code, "0" * 20):
        for words, again, problem in (
            ("short words", "short words", WeakPassphrase),
            (WORDS, WORDS + "x", Unlike),
            ("abc" * 9, "abc" * 9, TooPlain),
        ):
            with pytest.raises(problem):
                invitations.begin(known, words, again)
    joining = invitations.begin(code, WORDS, WORDS)
    for wrong in ("", "000000x", "abc"):
        with pytest.raises(WrongFirstCode):
            invitations.finish(joining.ticket, wrong)
    assert invitations.shown(joining.ticket).secret == joining.secret
    for ticket in ("", "zz", "00" * 32, joining.ticket[:-2], joining.ticket + "00"):
        with pytest.raises(InvitationRefused):
            invitations.finish(ticket, code_of(joining, line))
    invitations.finish(joining.ticket, code_of(joining, line))


def test_of_many_at_once_one_comes_in(line: StaffLine, invitations: Invitations) -> None:
    code = invite(line, invitations)

    def outcome(work):
        try:
            return work()
        except InvitationRefused:
            return None

    with ThreadPoolExecutor(4) as pool:
        begun = [lambda: invitations.begin(code, WORDS, WORDS)] * 4
        (joining,) = filter(None, pool.map(outcome, begun))
        first = code_of(joining, line)
        done = [lambda: invitations.finish(joining.ticket, first)] * 4
        assert len(list(filter(None, pool.map(outcome, done)))) == 1
    assert line.audit.count("joined") == 1


def test_withdrawn_between_passphrase_and_code_nobody_is_in(
    line: StaffLine, invitations: Invitations, monkeypatch: pytest.MonkeyPatch
) -> None:
    joining = invitations.begin(invite(line, invitations), WORDS, WORDS)
    (one,) = invitations.running()
    entering = InvitationStore.enter

    def late(self: InvitationStore, *args: object) -> bool:
        invitations.withdraw(officer(line, "otavio"), one.id)
        return entering(self, *args)

    monkeypatch.setattr(InvitationStore, "enter", late)
    with pytest.raises(InvitationRefused):
        invitations.finish(joining.ticket, code_of(joining, line))
    assert line.access.people.named("rita") is None


def test_an_officer_alone_makes_no_second_officer(
    line: StaffLine, invitations: Invitations
) -> None:
    """Else one person would be two whenever two are asked for."""
    for role in ("officer", "supervisor"):
        code = invite(line, invitations, f"second {role}", "operator", role)
        refused(invitations, code)
        (one,) = [i for i in invitations.running() if role in i.roles]
        with pytest.raises(NotAllowed):
            invitations.agree(officer(line), one.id)
        with pytest.raises(NotAllowed):
            invitations.agree(officer(line, "paulo"), one.id)
        refused(invitations, code)
        invitations.agree(officer(line, "otavio"), one.id)
        with pytest.raises(NotAllowed):
            invitations.agree(officer(line, "otavio"), one.id)
        assert role in invitations.begin(code, WORDS, WORDS).name
    assert line.audit.count("invitation_agreed") == 2


def test_whoever_was_sent_away_lets_nobody_in(line: StaffLine, invitations: Invitations) -> None:
    code, other = invite(line, invitations), invite(line, invitations, "rosa")
    joining = invitations.begin(other, WORDS, WORDS)
    line.access.enrol("oscar", WORDS, ["officer"], language="pt")  # two always stay
    line.access.revoke(officer(line, "otavio").id, officer(line))
    refused(invitations, code)
    with pytest.raises(InvitationRefused):
        invitations.finish(joining.ticket, code_of(joining, line))
    with pytest.raises(NotAllowed):
        invite(line, invitations, "raul")


def test_what_an_invitation_needs(line: StaffLine, invitations: Invitations) -> None:
    paulo, agency = officer(line, "paulo"), officer(line, "samuel").agency
    for name, roles, body in (
        ("", ["operator"], ""),
        (" ", ["operator"], ""),
        ("x" * 61, ["operator"], ""),
        ("a\x07b", ["operator"], ""),
        ("rita", [], ""),
        ("rita", ["king"], ""),
        ("rita", ["agency"], ""),
        ("rita", ["operator"], agency),
    ):
        with pytest.raises(BadInvitation):
            invitations.invite(officer(line), name, roles, agency=body, language=Language.PT)
    with pytest.raises(NotAllowed):
        invitations.invite(paulo, "rita", ["operator"], agency="", language=Language.PT)
    with pytest.raises(NameTaken):
        invite(line, invitations, " PAULO ")


def test_a_name_that_was_taken_meanwhile(line: StaffLine, invitations: Invitations) -> None:
    first, second = (invite(line, invitations) for _ in range(2))
    one, two = (invitations.begin(code, WORDS, WORDS) for code in (first, second))
    invitations.finish(one.ticket, code_of(one, line))
    with pytest.raises(NameTaken):
        invitations.finish(two.ticket, code_of(two, line))


def test_a_flood_of_guesses_is_slowed_and_passes(
    line: StaffLine, invitations: Invitations, clock: MovableClock
) -> None:
    code = invite(line, invitations)
    with pytest.raises(Busy):
        for _ in range(100):
            refused(invitations, "0" * 20)
    clock.advance(60)
    assert invitations.begin(code, WORDS, WORDS).name == "rita"


def test_the_database_holds_neither_code_nor_ticket_nor_secret(
    line: StaffLine, invitations: Invitations
) -> None:
    code = invite(line, invitations)

    def stored() -> bytes:
        with line.database.read() as connection:
            return repr(connection.execute(select(InvitationRow)).all()).encode()

    def lies(*words: str) -> bool:
        return any(word.encode() in stored() for word in words)

    assert not lies(code, code.replace("-", ""))
    joining = invitations.begin(code, WORDS, WORDS)
    (one,) = invitations.running()
    assert one.pending is not None
    assert joining.secret.encode() not in one.pending
    assert bytes.fromhex(joining.ticket) not in one.pending + one.secret
    assert not lies(joining.secret, joining.ticket, WORDS)
    assert joining.ticket not in repr(joining) and joining.secret not in repr(joining)
    assert PASSPHRASE not in repr(one)
