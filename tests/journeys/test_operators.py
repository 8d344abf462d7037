"""Callers reach a person, and operators pick up, without either seeing or keeping a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask

from hotline.assembly import PublicLine, StaffLine
from hotline.intake import duty, operators
from hotline.intake.conversation import State
from hotline.intake.prompts import MENUS, OPERATOR, SPOKEN, Prompt
from hotline.intake.signature import HEADER, sign
from hotline.simulate.phone import Inside, VoicePhone
from hotline.tips import Language
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.desk import Office
from tests.operators import with_operators
from tests.twiml import problems

CALLER, OPERATORS_OWN, LINES_OWN = "+5521987650001", "+5521912345678", "+552122530000"
PT = Language.PT
ASK = OPERATOR[2].say(PT, key="9")
EMERGENCY = SPOKEN[Prompt.EMERGENCY].say(PT, number="190")
TYPES = [sentence.say(PT, key=key) for key, _, sentence in MENUS[Prompt.TYPE]]


@dataclass(slots=True)
class Ward:
    line: PublicLine
    app: Flask
    clock: MovableClock

    def caller(self, *keys: str) -> VoicePhone:
        phone = VoicePhone(Inside(self.app.test_client(), self.line.settings), CALLER)
        phone.dial()
        for each in keys:
            phone.press(each)
        return phone

    def state(self, phone: VoicePhone) -> State:
        sessions = self.app.extensions["exchange"].sessions
        session = sessions.get(sessions.key("call", phone.sid))
        assert session is not None
        return State(session.standing.state)

    def post(self, path: str, sid: str = "CA" + "7" * 32, **params: str) -> ElementTree.Element:
        """A webhook of the operator's own call."""
        fields = {"CallSid": sid, "From": OPERATORS_OWN, **params}
        settings = self.line.settings
        header = {HEADER: sign(settings.tokens[0], settings.public_url, path, fields)}
        answer = self.app.test_client().post(path, data=fields, headers=header)
        assert answer.status_code == 200
        assert problems(answer.data) == []
        return ElementTree.fromstring(answer.data)


def ward_of(line: PublicLine, clock: MovableClock) -> Ward:
    app = public_app(line)
    app.extensions["exchange"].closer.stop()
    return Ward(line, app, clock)


@pytest.fixture
def ward(public_line: PublicLine, clock: MovableClock) -> Iterator[Ward]:
    settings = replace(public_line.settings, twilio_number=LINES_OWN)
    yield ward_of(with_operators(replace(public_line, settings=settings)), clock)


def said(root: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in root.iter("Say")]


def test_who_asks_for_an_operator_waits_in_a_queue_named_after_nobody(ward: Ward) -> None:
    phone = ward.caller("1", "2")
    assert phone.heard[0] == ASK
    body = phone.wire.post(phone.action, {"CallSid": phone.sid, "From": CALLER, "Digits": "9"})
    assert problems(body) == []
    root = ElementTree.fromstring(body)
    assert said(root) == [EMERGENCY, SPOKEN[Prompt.QUEUE].say(PT)]
    queue = root.find("Enqueue")
    assert queue is not None
    assert queue.text == "operators"
    assert queue.get("waitUrl") == "https://line.example/twilio/hold"
    assert ward.state(phone) is State.QUEUE


def test_waiting_tells_no_position_and_has_a_way_out_to_a_receipt(ward: Ward) -> None:
    phone = ward.caller("1", "2", "9")
    for seconds in (0, 25, 50):
        heard = phone.wait("", seconds)
        assert heard[0] == SPOKEN[Prompt.HOLD].say(PT)
        assert heard[1] == MENUS[Prompt.HOLD][0][2].say(PT, key="1")
    assert not any(ch.isdigit() for ch in heard[0])
    assert phone.wait("1", 60)[: len(TYPES)] == TYPES  # and nobody is offered a second wait
    phone.press("9")
    assert phone.heard[0] == SPOKEN[Prompt.NOBODY].say(PT)
    for keys in ("4", "0", "0"):
        phone.press(keys)
    assert SPOKEN[Prompt.RECEIPT].say(PT) in phone.heard


def test_nobody_waits_longer_than_the_profile_says(ward: Ward) -> None:
    phone = ward.caller("1", "2", "9")
    phone.wait("", 299)
    assert phone.waits == "queue"
    assert phone.wait("", 300)[:2] == [SPOKEN[Prompt.NOBODY].say(PT), TYPES[0]]
    assert phone.waits == "keys"


@pytest.mark.parametrize("result", ["error", "queue-full", "system-error", "redirected", "new"])
def test_a_queue_that_fails_leads_back_to_the_menu(ward: Ward, result: str) -> None:
    phone = ward.caller("1", "2", "9")
    assert phone.leave(result)[:2] == [SPOKEN[Prompt.NOBODY].say(PT), TYPES[0]]


def test_danger_hears_the_emergency_number_before_and_while_waiting(ward: Ward) -> None:
    phone = ward.caller("1", "1", "9")
    assert phone.heard[0] == EMERGENCY
    assert phone.wait()[0] == EMERGENCY
    assert phone.wait()[0] == EMERGENCY


def test_after_the_talk_comes_a_goodbye_also_when_the_line_has_forgotten(ward: Ward) -> None:
    for seconds in (60, 50 * 60):
        phone = ward.caller("1", "2", "9")
        ward.clock.advance(seconds)
        ward.app.extensions["exchange"].closer.run_once()
        assert phone.leave("bridged", 40) == [SPOKEN[Prompt.GOODBYE].say(PT)]
        assert not phone.waits


def test_out_of_hours_the_menu_says_so_and_everything_else_works(
    public_line: PublicLine, clock: MovableClock
) -> None:
    """Tuesday, 10 March 2026, nine in the morning in Rio."""
    line = with_operators(public_line, spans=[(1, 9 * 60, 9 * 60 + 1)])
    ward = ward_of(line, clock)
    assert ward.caller("1", "2").heard[0] == ASK
    clock.advance(60)
    phone = ward.caller("1", "2")
    assert phone.heard[:2] == [SPOKEN[Prompt.CLOSED].say(PT), TYPES[0]]
    assert ASK not in phone.heard
    assert phone.press("9")[:2] == [SPOKEN[Prompt.CLOSED].say(PT), TYPES[0]]
    for keys in ("4", "20040020", "0"):
        phone.press(keys)
    assert SPOKEN[Prompt.RECEIPT].say(PT) in phone.heard


def test_holidays_and_languages_nobody_speaks_offer_nobody(
    public_line: PublicLine, clock: MovableClock
) -> None:
    closed = ward_of(with_operators(public_line, holidays=[date(2026, 3, 10)]), clock)
    assert closed.caller("1", "2").heard[0] == SPOKEN[Prompt.CLOSED].say(PT)
    phone = with_operators(public_line, languages=(PT,)).profile.phone
    assert phone is not None
    assert phone.open(datetime(2026, 3, 10, 12, tzinfo=UTC))
    only = ward_of(with_operators(public_line, languages=(PT,)), clock)
    assert only.caller("1", "2").heard[0] == ASK
    spanish = [sentence.say(Language.ES, key=key) for key, _, sentence in MENUS[Prompt.TYPE]]
    assert only.caller("2", "2").heard[0] == spanish[0]


def test_a_line_without_operators_offers_none_and_lets_nobody_in(
    public_line: PublicLine, clock: MovableClock
) -> None:
    ward = ward_of(public_line, clock)
    assert ward.caller("1", "2").heard[0] == TYPES[0]
    for path in ("/twilio/operator", "/twilio/operator/duty-1"):
        root = ward.post(path, Digits="1")
        assert [verb.tag for verb in root] == ["Redirect"]


def test_an_operator_gets_in_by_a_code_once_and_sees_only_the_lines_number(
    ward: Ward, staff_line: StaffLine
) -> None:
    code = duty.give(staff_line.once, staff_line.tips, ward.clock)
    door = ward.post("/twilio/operator")
    assert said(door)[0] == MENUS[Prompt.CODE][0][2].say(PT)
    ready = ward.post("/twilio/operator/typed-1", Digits=code)
    assert said(ready)[0] == MENUS[Prompt.DUTY][0][2].say(PT, key="1")
    dial = ward.post("/twilio/operator/duty-1", Digits="1").find("Dial")
    assert dial is not None
    assert dial.get("callerId") == LINES_OWN
    assert int(dial.get("timeLimit", "0")) == operators.LONGEST_CALL_SECONDS
    assert dial.get("record") is None
    assert dial[0].text == "operators"
    assert dial[0].get("url") == "https://line.example/twilio/connected"
    # After a call they are asked again; who went away is let go.
    again = ward.post("/twilio/operator/duty", DialCallStatus="completed")
    assert said(again) == said(ready)
    assert ward.post("/twilio/operator/duty-3", Digits="").find("Hangup") is not None
    assert said(ward.post("/twilio/operator/duty-1", Digits="0")) == [
        SPOKEN[Prompt.GOODBYE].say(PT)
    ]
    # The same code again is no code.
    assert said(ward.post("/twilio/operator/typed-1", "CA" + "8" * 32, Digits=code))[0] == (
        SPOKEN[Prompt.UNREADABLE].say(PT)
    )


def test_an_operator_comes_in_over_the_public_number_and_others_go_back(ward: Ward) -> None:
    phone = ward.caller()
    phone.press("#")
    assert phone.heard[0] == MENUS[Prompt.CODE][0][2].say(PT)
    phone.press("0")
    assert phone.heard[0] == SPOKEN[Prompt.LANGUAGE].say(PT, key=1)
    assert phone.press("1")[0] == EMERGENCY


def test_a_code_lasts_ten_minutes_and_guessing_leads_back_to_the_menu(
    ward: Ward, staff_line: StaffLine
) -> None:
    code = duty.give(staff_line.once, staff_line.tips, ward.clock)
    assert len(code) == duty.DIGITS
    ward.clock.advance(duty.SECONDS)
    for number in (1, 2, 3):
        root = ward.post(f"/twilio/operator/typed-{number}", Digits=code)
        onward = root.find("Gather") if number < 3 else root.find("Redirect")
        assert onward is not None
        assert root.find("Dial") is None
    for typed in ("", "1", "x" * 12, "٠" * 12, "0" * 12):
        assert not duty.take(staff_line.once, staff_line.tips, ward.clock, typed)


def test_a_code_spent_yesterday_is_still_spent(ward: Ward, staff_line: StaffLine) -> None:
    ward.clock.advance(14 * 3600 + 59 * 60)  # a minute before midnight in Rio
    code = duty.give(staff_line.once, staff_line.tips, ward.clock)
    pipeline = ward.line.pipeline
    assert duty.take(pipeline.once, pipeline.tips, ward.clock, code)
    ward.clock.advance(120)
    assert not duty.take(pipeline.once, pipeline.tips, ward.clock, code)


def test_the_caller_is_warned_before_being_connected(ward: Ward) -> None:
    phone = ward.caller("2", "2", "9")
    body = phone.wire.post("/twilio/connected", {"CallSid": phone.sid, "From": CALLER})
    assert said(ElementTree.fromstring(body)) == [SPOKEN[Prompt.CONNECTED].say(Language.ES)]


def test_no_number_and_no_identifier_of_the_queue_is_kept(
    ward: Ward, staff_line: StaffLine
) -> None:
    queue, sid = "QU" + "3" * 32, "CA" + "6" * 32
    phone = ward.caller("1", "2", "9")
    phone.wire.post(
        "/twilio/hold", {"CallSid": phone.sid, "From": CALLER, "QueueSid": queue, "QueueTime": "5"}
    )
    code = duty.give(staff_line.once, staff_line.tips, ward.clock)
    ward.post("/twilio/operator/typed-1", sid, Digits=code, QueueSid=queue)
    ward.post("/twilio/operator/duty-1", sid, Digits="1", DequeingCallSid=phone.sid)
    phone.leave("bridged")
    if not ward.line.settings.sqlite:
        return
    kept = b"".join(f.read_bytes() for f in _files(Path(ward.line.settings.home).parent))
    for secret in (CALLER, OPERATORS_OWN, queue, sid, phone.sid, code):
        assert secret.lstrip("+").encode() not in kept


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_console_gives_a_code_that_opens_the_line_and_leaves_a_mark(
    ward: Ward, staff_line: StaffLine
) -> None:
    staffed = with_operators(replace(staff_line, settings=ward.line.settings))
    hand = Office.of(staffed)("paulo")
    assert "/calls" in hand.html
    assert LINES_OWN in hand.get("/calls").get_data(as_text=True)
    hand.post("/calls/code")
    code = hand.html.split("<code>")[1].split("</code>")[0].replace(" ", "")
    assert len(code) == duty.DIGITS
    root = ward.post("/twilio/operator/typed-1", Digits=code)
    assert said(root)[0] == MENUS[Prompt.DUTY][0][2].say(PT, key="1")
    staffed.audit.sequence()
    paulo = staffed.access.people.named("paulo")
    assert paulo is not None
    marks = [r for r in staffed.audit.records() if "duty_code" in r]
    assert len(marks) == 1
    assert paulo.id.hex() in marks[0]
    assert code not in marks[0]


def test_a_console_without_operators_has_no_such_page(staff_line: StaffLine) -> None:
    hand = Office.of(staff_line)("paulo")
    assert 'href="/calls"' not in hand.html
    assert hand.get("/calls").status_code == 404
    assert hand.post("/calls/code").status_code == 404
