"""The door: coming in by invitation, staying in by a session, being asked again, going out."""

from __future__ import annotations

import re
from html import unescape

import pyotp
import pytest

from hotline.assembly import StaffLine
from hotline.demo import PASSPHRASE
from hotline.triage.access import ABSOLUTE_SECONDS, IDLE_SECONDS
from hotline.triage.pages.door import DONE
from hotline.web.i18n import say
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.promises.ground import read_once  # noqa: F401 - a fixture

COOKIE = "__Host-hotline"
WORDS = "quatro telhas azuis no mar"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


@pytest.fixture
def olga(office: Office) -> Hand:
    return office("olga")


def again(office: Office, clock: MovableClock, name: str = "olga") -> dict[str, str]:
    clock.advance(31)
    return {"passphrase": PASSPHRASE, "code": office.codes.code(name)}


def invited(office: Office, hand: Hand, clock: MovableClock, **fields: object) -> str:
    """The code, as the officer's page shows it."""
    form = {"name": "rita", "role": ["operator"], "language": "es", **again(office, clock)}
    answer = hand.post("/officers/invite", **{**form, **fields})
    assert answer.status_code == 200, hand.html
    return re.findall(r"<code>([0-9A-Z-]{23})</code>", hand.html)[0]


def join(office: Office, code: str, words: str = WORDS, repeated: str = "") -> Hand:
    hand = Hand(office.app.test_client())
    hand.post("/join", code=code, passphrase=words, again=repeated or words)
    return hand


def ticket_and_secret(hand: Hand) -> tuple[str, str]:
    ticket = re.findall(r'name="ticket" value="([0-9a-f]{64})"', hand.html)[0]
    return ticket, re.findall(r"<code>([A-Z2-7 ]+)</code>", hand.html)[0].replace(" ", "")


def now(secret: str, clock: MovableClock) -> str:
    return pyotp.TOTP(secret).at(int(clock.seconds()))


def test_somebody_comes_in_by_an_invitation(
    office: Office, olga: Hand, clock: MovableClock, staff_line: StaffLine
) -> None:
    code = invited(office, olga, clock)
    assert "/join" in olga.html
    olga.get("/officers")
    assert code not in olga.html and "rita" in olga.html
    hand = join(office, code)
    assert '<html lang="es">' in hand.html, "in the language of the invitation"
    assert re.search(r'<svg viewBox="[^"]+" class="qr">', hand.html)
    assert "style=" not in hand.html, "the policy allows none"
    ticket, secret = ticket_and_secret(hand)
    hand.post("/join/code", ticket=ticket, code="000000x")
    assert ticket_and_secret(hand) == (ticket, secret), "the same page once more"
    hand.post("/join/code", ticket=ticket, code=now(secret, clock))
    assert say(hand_language(hand), DONE["joined"]) in unescape(hand.html)
    clock.advance(31)
    fields = {"name": "rita", "passphrase": WORDS, "code": now(secret, clock)}
    assert hand.client.post("/sign-in", data=fields).status_code == 303
    assert hand.get("/desk").status_code == 200
    assert staff_line.keys.recipients(staff_line.access.people.named("rita").id) == frozenset()


def hand_language(hand: Hand):
    from hotline.tips import Language

    return Language.parse(re.findall(r'<html lang="(\w\w)', hand.html)[0])


def test_what_is_wrong_with_an_invitation_is_said_and_nothing_is_lost(
    office: Office, olga: Hand, clock: MovableClock
) -> None:
    code = invited(office, olga, clock)
    for words, repeated in (("too short", ""), (WORDS, "other words than these"), ("a" * 20, "")):
        hand = join(office, code, words, repeated)
        assert 'role="alert"' in hand.html and code in hand.html
        assert words not in hand.html
    assert ticket_and_secret(join(office, code))
    used, unknown = join(office, code), join(office, "00000-00000-00000-00000")
    assert used.html.replace(code, "") == unknown.html.replace("00000-00000-00000-00000", "")
    late = Hand(office.app.test_client())
    assert late.post("/join/code", ticket="00" * 32, code="123456").status_code == 403


def test_officers_withdraw_and_agree(
    office: Office, olga: Hand, clock: MovableClock, staff_line: StaffLine
) -> None:
    code = invited(office, olga, clock, role=["officer"])
    olga.get("/officers")
    (agree,) = set(re.findall(r"/officers/invitations/([0-9a-f]{32})/", olga.html))
    assert f"{agree}/agree" not in olga.html, "not by whoever invites"
    path = f"/officers/invitations/{agree}"
    assert olga.post(f"{path}/agree", **again(office, clock)).status_code == 404
    otavio = office("otavio")
    assert otavio.post(f"{path}/agree", passphrase="", code="").status_code == 401
    otavio.post(f"{path}/agree", **again(office, clock, "otavio"))
    assert 'name="ticket"' in join(office, code).html
    invited(office, olga, clock, name="rosa")
    olga.get("/officers")
    ids = set(re.findall(r"/officers/invitations/([0-9a-f]{32})/withdraw", olga.html))
    for one in ids:
        assert olga.post(f"/officers/invitations/{one}/withdraw").status_code == 200
    assert olga.post(f"/officers/invitations/{ids.pop()}/withdraw").status_code == 404
    assert staff_line.audit.count("invitation_withdrawn") == 2


def test_special_deeds_ask_again_who_sits_there(
    office: Office, olga: Hand, clock: MovableClock, staff_line: StaffLine
) -> None:
    ana = staff_line.access.people.named("ana").id.hex()
    deeds = {
        "/officers/invite": {"name": "rita", "role": "operator"},
        f"/certificates/{ana}": {"kind": "gbv", "until": "2027-01-01"},
        f"/officers/{ana}/sessions": {},
    }
    for path, fields in deeds.items():
        right = again(office, clock)
        for wrong in (
            {},
            {"passphrase": PASSPHRASE},
            {"code": right["code"]},
            {**right, "passphrase": "not my own passphrase"},
        ):
            assert olga.post(path, **{**fields, **wrong}).status_code == 401, path
        answer = olga.post(path, **fields, **again(office, clock))
        assert answer.status_code == 200, path
    for event in ("invited", "certified", "sessions_ended"):
        assert staff_line.audit.count(event) >= 1


def test_sessions_end_at_their_last_second(
    office: Office, clock: MovableClock, staff_line: StaffLine
) -> None:
    hand = office("paulo")
    clock.advance(IDLE_SECONDS)
    assert hand.get("/desk").status_code == 200
    clock.advance(IDLE_SECONDS + 1)
    assert hand.get("/desk").status_code == 303
    hand, begun = office("paulo"), clock.seconds()
    while clock.seconds() + 600 <= begun + ABSOLUTE_SECONDS:
        clock.advance(600)
        assert hand.get("/desk").status_code == 200
    assert clock.seconds() == begun + ABSOLUTE_SECONDS
    clock.advance(1)
    assert hand.get("/desk").status_code == 303
    assert staff_line.access.people.sessions(staff_line.access.people.named("paulo").id) == []


def test_every_sign_in_has_a_cookie_of_its_own(
    office: Office, clock: MovableClock, staff_line: StaffLine
) -> None:
    hand = office("paulo")
    first = hand.client.get_cookie(COOKIE).value
    clock.advance(31)
    fields = {"name": "paulo", "passphrase": PASSPHRASE, "code": office.codes.code("paulo")}
    answer = hand.client.post("/sign-in", data=fields)
    (header,) = answer.headers.getlist("Set-Cookie")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(header.split("; "))
    assert "Domain" not in header and "Expires" not in header and "Max-Age" not in header
    assert header.startswith(f"{COOKIE}=")
    second = hand.client.get_cookie(COOKIE).value
    assert first != second
    assert staff_line.access.resume(first) is None, "the former session of this browser is over"
    assert staff_line.access.resume(second) is not None


def test_nothing_of_a_session_stays_in_the_browser(office: Office) -> None:
    hand = office("paulo")
    for path in ("/desk", "/sessions", "/nothing"):
        kept = hand.client.get(path).headers["Cache-Control"]
        assert kept == "no-store", path
    answer = hand.client.post("/sign-out", data={"token": hand.token})
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    (header,) = answer.headers.getlist("Set-Cookie")
    assert header.startswith(f"{COOKIE}=;") and "Max-Age=0" in header and "Secure" in header
    assert answer.headers["Cache-Control"] == "no-store"


def test_own_sessions_are_seen_and_ended(
    office: Office, clock: MovableClock, staff_line: StaffLine
) -> None:
    hands = []
    for _ in range(3):
        hands.append(office("paulo"))
        clock.advance(31)
    gabi = office("gabi")
    _, second, mine = hands
    mine.get("/sessions")
    others = re.findall(r'name="session" value="([0-9a-f]{64})"', mine.html)
    assert len(others) == 2
    assert "127.0.0.1" not in mine.html and "Werkzeug" not in mine.html
    theirs = staff_line.access.people.sessions(staff_line.access.people.named("gabi").id)
    assert mine.post("/sessions/end", session=theirs[0].id.hex()).status_code == 404
    assert mine.post("/sessions/end", session="xyz").status_code == 404
    assert mine.post("/sessions/end", session=others[-1]).status_code == 200
    assert [hand.get("/desk").status_code for hand in hands] == [303, 200, 200]
    mine.get("/sessions")
    mine.post("/sessions/end-others")
    assert [hand.get("/desk").status_code for hand in (second, mine, gabi)] == [303, 200, 200]


def test_an_officer_ends_everything_of_somebody(
    office: Office, olga: Hand, clock: MovableClock, staff_line: StaffLine
) -> None:
    hands = [office("paulo")]
    clock.advance(31)
    hands.append(office("paulo"))
    paulo = staff_line.access.people.named("paulo").id.hex()
    assert hands[0].post(f"/officers/{paulo}/sessions").status_code == 404
    olga.post(f"/officers/{paulo}/sessions", **again(office, clock))
    assert [hand.get("/desk").status_code for hand in hands] == [303, 303]
    clock.advance(31)
    assert office("paulo").get("/desk").status_code == 200, "they may sign in again"


def test_a_revoked_person_is_out_at_the_next_request(
    office: Office, olga: Hand, staff_line: StaffLine
) -> None:
    hand, people = office("paulo"), staff_line.access.people
    people.change(people.named("paulo").id, active=False)  # were the session's row still there
    assert hand.get("/desk").status_code == 303
    assert people.sessions(people.named("paulo").id) == []
