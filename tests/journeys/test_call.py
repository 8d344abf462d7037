"""A report by phone: keys alone, danger first, the receipt in digits, nothing lost by a hang-up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask

from hotline.assembly import PublicLine
from hotline.founding import worker_keys
from hotline.intake import choices, ivr, speaking
from hotline.intake.conversation import Event, State
from hotline.intake.details import answered
from hotline.intake.exchange import Exchange, Heard
from hotline.intake.prompts import AGAIN, MENUS, SPOKEN, Prompt
from hotline.intake.sessions import Session
from hotline.intake.signature import FORM, HEADER, sign
from hotline.intake.voice import file_name
from hotline.routing.asking import find
from hotline.simulate import walk
from hotline.simulate.phone import Inside, VoicePhone, new_sid
from hotline.store.database import DatabaseUnavailable
from hotline.store.outbox import Outbox
from hotline.tips import Channel, Language, Priority, Question, Urgency
from hotline.vault import format as fmt
from hotline.vault.envelope import WORKER
from hotline.vault.keys import open_small
from hotline.vault.receipts import read_code
from hotline.web.apps import public_app
from tests.conftest import MovableClock

NUMBER = "+5521987650001"
PT = Language.PT
SEVERAL = "Ouça até o fim. Depois aperte as teclas do que for verdade e a tecla jogo da velha."


@dataclass(slots=True)
class Desk:
    line: PublicLine
    app: Flask
    clock: MovableClock

    @property
    def exchange(self) -> Exchange:
        exchange: Exchange = self.app.extensions["exchange"]
        return exchange

    def phone(self) -> VoicePhone:
        return VoicePhone(Inside(self.app.test_client(), self.line.settings), NUMBER)

    def caller(self, *keys: str) -> VoicePhone:
        """Somebody who has dialled and pressed these keys, one step each."""
        phone = self.phone()
        phone.dial()
        for each in keys:
            phone.press(each)
        return phone

    def session(self, phone: VoicePhone) -> Session | None:
        return self.exchange.sessions.get(self.exchange.sessions.key("call", phone.sid))

    def told(self, phone: VoicePhone) -> Session:
        session = self.session(phone)
        assert session is not None
        assert session.thread is not None
        return session

    def tips(self) -> int:
        return sum(self.line.pipeline.tips.counts().values())

    def errands(self) -> list[tuple[str, dict[str, str]]]:
        outbox, seeds = Outbox(self.line.database), worker_keys(self.line.settings)
        found = []
        for identity in outbox.ready(self.clock.seconds() + 1, 1000):
            claimed = outbox.claim(identity, self.clock.seconds() + 1)
            assert claimed is not None
            errand = claimed[0]
            opened = open_small(
                seeds[errand.epoch], fmt.SMALL, errand.id, WORKER, errand.epoch, errand.payload
            )
            found.append((errand.kind, json.loads(opened)))
        return found


@pytest.fixture
def desk(public_line: PublicLine, clock: MovableClock) -> Iterator[Desk]:
    app = public_app(public_line)
    # Tests close conversations by hand: its own thread would now and then be there first.
    app.extensions["exchange"].closer.stop()
    yield Desk(public_line, app, clock)


def spoken_receipts(heard: list[str]) -> list[str]:
    """The receipts in what is said: groups of digits apart."""
    groups = [s.replace(", ", "").rstrip(".") for s in heard if s[:1].isdigit()]
    return ["".join(groups[at : at + 5]) for at in range(0, len(groups), 5)]


def test_the_walk_covers_every_edge_of_the_menu() -> None:
    covered, every = walk.walk_call()
    assert covered == every > 70


def test_the_walk_stops_at_a_line_that_leaves_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = ivr.hear

    def deaf(line: PublicLine, call: ivr.Call, session: Session) -> Heard:
        right = heard(line, call, session)
        return Heard(event=Event.EMPTY) if right.event is Event.HELP else right

    monkeypatch.setattr(ivr, "hear", deaf)
    with pytest.raises(walk.OffTheTable):
        walk.walk_call()


def test_a_whole_call_by_keys_becomes_one_tip_with_its_receipt_said_twice(desk: Desk) -> None:
    phone = desk.caller("1", "2", "4", "20040020", "0")
    first, second = spoken_receipts(phone.heard)
    assert first == second
    session = desk.told(phone)
    assert session.thread is not None
    assert read_code(first) == session.thread.code
    assert AGAIN.say(PT) in phone.heard
    tip = session.thread.tip
    assert tip.channel is Channel.PHONE
    assert tip.crime_types == ("ORG-01",)
    assert tip.municipality == "BR:IBGE:3304557"
    assert tip.answers == {Question.WHERE: "CEP 20040-020"}
    assert session.thread.settled == "general:BR-RJ"
    assert spoken_receipts(phone.press("*")) == [first, second]
    phone.press("1")
    assert not phone.waits
    assert desk.tips() == 1


def test_the_emergency_number_is_said_before_anything_is_asked(desk: Desk) -> None:
    phone = desk.caller("1")
    assert phone.heard[0] == SPOKEN[Prompt.EMERGENCY].say(PT, number="190")
    assert "190" in phone.heard[0]
    assert phone.heard[1] == MENUS[Prompt.DANGER][0][2].say(PT, key="1")


def test_danger_now_is_said_again_and_relayed(desk: Desk) -> None:
    phone = desk.caller("1", "1")
    assert phone.heard[0] == SPOKEN[Prompt.EMERGENCY].say(PT, number="190")
    phone.press("1")
    assert desk.told(phone).thread.tip.urgency is Urgency.NOW  # type: ignore[union-attr]
    assert "relay" in [kind for kind, _ in desk.errands()]


@pytest.mark.parametrize("key", sorted(choices.TYPES))
def test_every_key_of_the_type_menu_is_a_type_of_the_line(desk: Desk, key: str) -> None:
    assert all(desk.line.types.get(code) for code in choices.TYPES[key])
    assert key in [spoken for spoken, _, _ in MENUS[Prompt.TYPE]]
    assert desk.line.types.get(choices.OTHER[0])


def test_the_questions_of_a_type_are_asked_by_keys_and_answers_reach_the_tip(desk: Desk) -> None:
    phone = desk.caller("1", "2", "1", "20040020")
    assert phone.heard[0] == find("gbv-safe").ask[PT]  # type: ignore[union-attr]
    heard = phone.press("1")
    assert heard[:2] == ["O que é verdade?", SEVERAL]
    assert "Há arma: aperte 1." in heard
    assert phone.press("13")[0] == SPOKEN[Prompt.EMERGENCY].say(PT, number="190")
    assert phone.heard[1] == MENUS[Prompt.RECORD][0][2].say(PT, key="1")
    phone.press("0")
    thread = desk.told(phone).thread
    assert thread is not None
    ticked = ("gbv-safe:yes", "gbv-danger:weapon", "gbv-danger:choking")
    assert thread.tip.ticked == ticked
    assert thread.tip.tags == ("danger_told",)
    assert spoken_receipts(phone.heard)
    assert desk.tips() == 1
    decision = desk.line.router.decide(desk.line.pipeline.classify(thread.tip))
    assert decision.priority is Priority.P1
    assert "priority/danger-told" in [f"{row.table}/{row.row}" for row in decision.rules]
    shown = answered(thread.tip, Language.EN)
    assert [(one.choices, one.unreviewed) for one in shown] == [
        (("Yes",), True),
        (("a weapon", "choking"), True),
    ]


@pytest.mark.parametrize("key", ["2", "0"])
def test_who_is_not_safe_is_asked_nothing_more_and_still_gets_recording_and_receipt(
    desk: Desk, key: str
) -> None:
    phone = desk.caller("1", "2", "1", "0", key)
    assert phone.heard[0] == MENUS[Prompt.RECORD][0][2].say(PT, key="1")
    phone.press("0")
    assert spoken_receipts(phone.heard)


def test_silence_in_the_questions_leads_to_recording_and_receipt(desk: Desk) -> None:
    phone = desk.caller("1", "2", "3", "0")
    for question, more in ((("elder-help", True)), ("elder-kept", False)):
        assert question in desk.told(phone).detail
        heard = phone.press("")
        assert heard[0] == SPOKEN[Prompt.NOTHING].say(PT)
        assert (phone.press("")[0] == MENUS[Prompt.RECORD][0][2].say(PT, key="1")) is not more
    phone.press("0")
    assert spoken_receipts(phone.heard)


def test_hanging_up_in_the_questions_hands_on_what_was_told(desk: Desk) -> None:
    phone = desk.caller("1", "2", "1", "0", "1", "2")
    phone.hang_up()
    thread = desk.told(phone).thread
    assert thread is not None
    assert thread.settled.startswith("gbv")
    assert "gbv-danger:threat" in thread.tip.ticked


def test_an_answer_that_comes_twice_is_added_once(desk: Desk) -> None:
    phone = desk.caller("1", "2", "3", "0")
    base = {"CallSid": phone.sid, "From": NUMBER, "To": phone.line, "Digits": "2"}
    action = phone.action
    answers = [phone.wire.post(action, base) for _ in range(2)]
    assert answers[0] == answers[1]
    thread = desk.told(phone).thread
    assert thread is not None
    assert (thread.tip.ticked, thread.answers) == (("elder-help:no",), 1)
    assert len(desk.line.pipeline.tips.bodies(thread.key.tip)) == 2


def test_a_question_of_several_answers_takes_many_keys_and_the_hash(desk: Desk) -> None:
    phone = desk.caller("1", "2", "3", "0")
    params = {"CallSid": phone.sid, "From": NUMBER}
    for keys, several in (("D", False), ("1", True), ("9", True)):
        body = phone.wire.post(phone.action, params | {"Digits": keys})
        gather = ElementTree.fromstring(body).find("Gather")
        assert gather is not None
        assert gather.get("finishOnKey") == ("#" if several else "")
        assert gather.get("numDigits") == (None if several else "1")
        assert int(gather.get("timeout", "0")) >= 10
        phone.action = gather.get("action", "").removeprefix("https://line.example")


def test_a_question_that_left_the_table_is_passed_over(desk: Desk) -> None:
    phone = desk.caller("1", "2", "3", "0")
    key = desk.exchange.sessions.key("call", phone.sid)
    desk.exchange.sessions.put(key, replace(desk.told(phone), details=("gone-1", "gone-2")))
    for _ in range(2):
        phone.press("1")
    assert phone.heard[0] == MENUS[Prompt.RECORD][0][2].say(PT, key="1")


def test_without_postal_codes_the_questions_follow_the_type(desk: Desk) -> None:
    desk.exchange.unasked = frozenset({State.PLACE})
    phone = desk.caller("1", "2", "2")
    assert phone.heard[0] == find("child-near").ask[PT]  # type: ignore[union-attr]
    phone.press("1")
    assert desk.told(phone).thread.tip.ticked == ("child-near:yes",)  # type: ignore[union-attr]


def test_a_question_in_creole_is_said_whole_or_in_french(desk: Desk) -> None:
    """Recordings made before a question was asked do not leave half of it to a French voice."""
    folder = desk.line.settings.home / "public" / "recordings" / "ht"
    folder.mkdir(parents=True)
    (near,) = choices.by_keys(["CHD-04"])
    names = [file_name(name, key) for name, key, _ in choices.spoken(near, Language.HT)]
    for name in ("receipt.mp3", "to-repeat.mp3", *names[1:]):
        Path(folder / name).write_bytes(b"ID3")
    heard = desk.caller("5", "2", "2", "0").heard
    assert heard[:-1] == [words for _, _, words in choices.spoken(near, Language.FR)]
    Path(folder / names[0]).write_bytes(b"ID3")
    heard = desk.caller("5", "2", "2", "0").heard
    assert [url.rpartition("/")[2] for url in heard] == [*names, "to-repeat.mp3"]


def test_each_language_is_offered_in_its_own_voice_and_kept(desk: Desk) -> None:
    phone = desk.phone()
    params = {"CallSid": phone.sid, "From": NUMBER, "CallStatus": "ringing"}
    root = ElementTree.fromstring(phone.wire.post("/twilio/voice", params))
    said = [(node.get("voice"), node.get("language")) for node in root.iter("Say")]
    voices = [
        speaking.VOICES.get(each, speaking.VOICES[Language.FR])
        for each in desk.line.profile.languages
    ]
    assert said == voices
    for key, language in enumerate(desk.line.profile.languages, start=1):
        phone = desk.caller(str(key))
        session = desk.session(phone)
        assert session is not None
        assert session.language is language
        shown = Language.FR if language is Language.HT else language
        assert phone.heard[0] == SPOKEN[Prompt.EMERGENCY].say(shown, number="190")


def test_gathers_wait_long_enough_take_keys_only_and_come_back_empty(desk: Desk) -> None:
    phone = desk.phone()
    params = {"CallSid": phone.sid, "From": NUMBER}
    phone.dial()
    for keys in ("1", "2", "4", "20040020"):
        body = phone.wire.post(phone.action, params | {"Digits": keys})
        gather = ElementTree.fromstring(body).find("Gather")
        assert gather is not None
        assert gather.get("input") == "dtmf"
        assert int(gather.get("timeout", "0")) >= 10
        assert gather.get("actionOnEmptyResult") == "true"
        assert gather.get("finishOnKey") == ("#" if "place" in gather.get("action", "") else "")
        phone.action = gather.get("action", "").removeprefix("https://line.example")


def test_a_recording_is_fetched_by_the_worker_once_and_only_if_the_caller_keeps_it(
    desk: Desk,
) -> None:
    phone, sid = desk.caller("1", "2", "4", "0", "1"), new_sid("RE")
    assert phone.waits == "speech"
    callback = {"CallSid": phone.sid, "RecordingSid": sid, "RecordingStatus": "completed"}
    phone.wire.post("/twilio/recording", callback)
    phone.speak("#", RecordingSid=sid)
    phone.wire.post("/twilio/recording", callback)
    facts = [facts for kind, facts in desk.errands() if kind == "recording"]
    assert facts == [
        {"sid": sid, "tip": desk.told(phone).thread.key.tip.hex(), "language": "pt"}  # type: ignore[union-attr]
    ]
    assert spoken_receipts(phone.heard)


@pytest.mark.parametrize("key", ["0", "*", "9"])
def test_what_the_caller_throws_away_is_erased_and_never_fetched(desk: Desk, key: str) -> None:
    phone, sid = desk.caller("1", "2", "4", "0", "1"), new_sid("RE")
    phone.speak(key, RecordingSid=sid)
    callback = {"CallSid": phone.sid, "RecordingSid": sid, "RecordingStatus": "completed"}
    phone.wire.post("/twilio/recording", callback)
    errands = desk.errands()
    assert {"resource": "recording", "sid": sid, "parent": ""} in [f for _, f in errands]
    assert "recording" not in [kind for kind, _ in errands]


def test_what_was_spoken_before_hanging_up_counts(desk: Desk) -> None:
    phone, sid = desk.caller("1", "2", "4", "0", "1"), new_sid("RE")
    phone.speak("hangup", RecordingSid=sid)
    phone.hang_up()
    kinds = [(kind, facts.get("sid")) for kind, facts in desk.errands()]
    assert ("recording", sid) in kinds


@pytest.mark.parametrize("end", ["hang up", "silence"])
def test_a_recording_known_only_by_its_callback_is_not_orphaned(desk: Desk, end: str) -> None:
    phone, sid = desk.caller("1", "2", "4", "0", "1"), new_sid("RE")
    callback = {"CallSid": phone.sid, "RecordingSid": sid, "RecordingStatus": "completed"}
    phone.wire.post("/twilio/recording", callback)
    if end == "hang up":
        phone.hang_up()
    else:
        desk.clock.advance(21 * 60)
        assert desk.exchange.closer.run_once() == 1
    assert [f["sid"] for kind, f in desk.errands() if kind == "recording"] == [sid]


def test_a_recording_of_a_call_nobody_knows_is_erased(desk: Desk) -> None:
    phone, sid = desk.phone(), new_sid("RE")
    phone.wire.post("/twilio/recording", {"CallSid": phone.sid, "RecordingSid": sid})
    assert [(k, f["sid"]) for k, f in desk.errands()] == [("erase", sid)]


def test_hanging_up_after_the_type_leaves_a_tip_that_is_handed_on(desk: Desk) -> None:
    phone = desk.caller("1", "2", "6")
    phone.hang_up()
    assert desk.tips() == 1
    thread = desk.told(phone).thread
    assert thread is not None
    assert thread.settled.startswith("integrity")


def test_hanging_up_before_the_type_leaves_nothing(desk: Desk) -> None:
    desk.caller("1", "1").hang_up()
    assert desk.tips() == 0


def test_a_caller_who_cannot_press_keys_in_time_still_leaves_a_tip(desk: Desk) -> None:
    phone = desk.phone()
    phone.dial()
    for _ in range(30):
        if not phone.waits:
            break
        phone.press("")
    assert not phone.waits
    assert desk.tips() == 1


def test_the_provider_forgets_the_call(desk: Desk) -> None:
    """Once from the tip, should nobody tell us the end; and once at the end."""
    phone = desk.caller("1", "2", "4")
    assert [f["sid"] for k, f in desk.errands() if k == "erase"] == [phone.sid]
    phone.hang_up()
    phone.hang_up()
    assert [f["sid"] for k, f in desk.errands() if k == "erase"] == [phone.sid]


def test_a_step_that_comes_twice_gets_the_same_bytes_and_changes_nothing(desk: Desk) -> None:
    phone = desk.phone()
    steps = [("/twilio/voice", {})]
    for keys in ("1", "2", "4", "20040020", "77", "9", "1"):
        phone.dial() if len(steps) == 1 else None
        steps.append((phone.action, {"Digits": keys}))
        phone.press(keys)
    base = {"CallSid": phone.sid, "From": NUMBER, "To": phone.line}
    before = desk.session(phone)
    again = [phone.wire.post(path, base | params) for path, params in steps]
    assert [phone.wire.post(path, base | params) for path, params in steps] == again
    assert b"/twilio/voice/language-1-" in again[0]
    assert desk.session(phone) == before
    assert desk.tips() == 1


def test_a_cep_that_several_towns_share_is_kept_for_the_operator(desk: Desk) -> None:
    shared = next(
        f"{n:05d}"
        for n in range(1000, 100_000)
        if len(desk.line.places.cep(f"{n:05d}").candidates) > 1
    )
    phone = desk.caller("1", "2", "4", shared)
    tip = desk.told(phone).thread.tip  # type: ignore[union-attr]
    assert tip.answers == {Question.WHERE: f"CEP {shared}"}
    assert tip.municipality is None


def test_recorded_prompts_are_played_where_they_exist_also_for_haitian_creole(
    desk: Desk,
) -> None:
    folder = desk.line.settings.home / "public" / "recordings" / "ht"
    folder.mkdir(parents=True)
    names = ["receipt", "language-5", "danger-now-1", *(f"digit-{n}" for n in range(10))]
    for name in names:
        Path(folder / f"{name}.mp3").write_bytes(b"ID3" + name.encode())
    url = "https://line.example/twilio/prompts/ht/"
    phone = desk.phone()
    assert phone.dial()[4] == url + "language-5.mp3"
    assert url + "danger-now-1.mp3" in phone.press("5")
    for keys in ("2", "4", "0", "0"):
        phone.press(keys)
    code = desk.told(phone).thread.code  # type: ignore[union-attr]
    digits = [h.removeprefix(url + "digit-")[0] for h in phone.heard if "digit-" in h]
    assert "".join(digits) == code * 2
    client = desk.app.test_client()
    with client.get("/twilio/prompts/ht/digit-7.mp3") as answer:
        assert answer.data == b"ID3digit-7"
    for path in ("ht/none.mp3", "xx/digit-7.mp3", "ht/..%2f..%2freceipts.pepper", "ht/.mp3"):
        assert client.get("/twilio/prompts/" + path).status_code == 404


def test_a_file_name_ends_in_the_digit_it_says() -> None:
    for prompt, menu in MENUS.items():
        for key, name, _ in menu:
            said = "".join(ch for ch in key if ch.isalnum())
            stem = file_name(f"{prompt.value}-{name}", said).removesuffix(".mp3")
            assert stem.endswith(said)
            assert said or not stem[-1].isdigit()


def test_a_line_that_cannot_take_it_says_so_and_hangs_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    phone = desk.caller("1", "2")
    monkeypatch.setattr(type(desk.line.pipeline.tips), "store", fail)
    heard = phone.press("4")
    elsewhere = desk.line.profile.elsewhere[0].number
    assert heard == [
        SPOKEN[Prompt.UNAVAILABLE].say(PT),
        SPOKEN[Prompt.ELSEWHERE].say(PT, number=elsewhere),
    ]
    assert not phone.waits
    assert desk.tips() == 0


def test_unsigned_json_and_nameless_calls_are_refused(desk: Desk) -> None:
    client = desk.app.test_client()
    for path in ("/twilio/voice", "/twilio/voice/type", "/twilio/recording"):
        assert client.post(path, data={"CallSid": "CA1"}).status_code == 403
        assert client.post(path, json={"CallSid": "CA1"}).status_code == 415
    header = {
        HEADER: sign(desk.line.settings.tokens[0], "https://line.example", "/twilio/voice", {})
    }
    answer = client.post("/twilio/voice", content_type=FORM, headers=header)
    assert answer.status_code == 422


def test_a_call_nobody_remembers_begins_anew(desk: Desk) -> None:
    phone = desk.caller("1", "2")
    desk.exchange.sessions.delete(desk.exchange.sessions.key("call", phone.sid))
    heard = phone.press("4")
    assert heard[0] == SPOKEN[Prompt.LANGUAGE].say(PT, key=1)
    session = desk.session(phone)
    assert session is not None
    assert session.standing.state is State.LANGUAGE
    phone.press("1")
    assert session.language is PT
