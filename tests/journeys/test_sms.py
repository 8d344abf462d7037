"""A report by SMS and WhatsApp: stored at once, asked on, answered twice alike, forgotten."""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import pytest
from flask import Flask
from werkzeug.serving import make_server

from hotline.assembly import PublicLine, assemble_public
from hotline.errors import Unavailable
from hotline.intake.details import text_of
from hotline.intake.exchange import Exchange, receipt_in
from hotline.intake.hearing import unpacked
from hotline.intake.limits import Limits, Rate
from hotline.intake.prompts import SPOKEN, TEXT, Prompt
from hotline.intake.sessions import RedisSessions, Session
from hotline.intake.signature import HEADER, sign
from hotline.routing.asking import find
from hotline.settings import Settings
from hotline.simulate import simulate_call, simulate_sms
from hotline.simulate.phone import Inside, NoAnswer, TextPhone, new_sid, texts
from hotline.simulate.walk import walk_sms
from hotline.store.database import DatabaseUnavailable
from hotline.tips import Channel, Language, Question, Urgency
from hotline.vault import format as fmt
from hotline.vault.directory import NoKey
from hotline.vault.envelope import WORKER
from hotline.vault.keys import open_small
from hotline.vault.receipts import new_code, read_code
from hotline.web.apps import public_app
from tests.conftest import MovableClock

NUMBER = "+5521987650001"
TOLD = "Vendem drogas na esquina da rua das Flores, um homem de boné vermelho"
PT = Language.PT


@dataclass(slots=True)
class Desk:
    """The line, its app and what a test needs to see behind it."""

    line: PublicLine
    app: Flask
    clock: MovableClock

    @property
    def exchange(self) -> Exchange:
        exchange: Exchange = self.app.extensions["exchange"]
        return exchange

    @property
    def wire(self) -> Inside:
        return Inside(self.app.test_client(), self.line.settings)

    def phone(self, number: str = NUMBER) -> TextPhone:
        return TextPhone(self.wire, number)

    def session(self, phone: TextPhone) -> Session | None:
        kind = "whatsapp" if phone.number.startswith("whatsapp:") else "sms"
        number = phone.number.rpartition(":")[2]
        sessions = self.exchange.sessions
        return sessions.get(sessions.key(kind, phone.line, number))

    def told(self, phone: TextPhone) -> Session:
        session = self.session(phone)
        assert session is not None
        assert session.thread is not None
        return session

    def tips(self) -> int:
        return sum(self.line.pipeline.tips.counts().values())

    def errands(self) -> list[tuple[str, dict[str, str]]]:
        """Kind and opened payload of every side effect that waits."""
        from hotline.founding import worker_keys
        from hotline.store.outbox import Outbox

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


def sentence(prompt: Prompt, language: Language = PT, **values: object) -> str:
    return TEXT[prompt].say(language, **values)


def receipt(messages: list[str]) -> str:
    found = re.search(r"(?:\d{4} ){4}\d{4}", messages[0])
    assert found
    code = read_code(found[0])
    assert code
    return code


def test_the_walk_covers_every_edge_of_sms() -> None:
    covered, every = walk_sms()
    assert covered == every > 80


def test_the_first_answer_holds_receipt_and_question_and_the_tip_is_stored(desk: Desk) -> None:
    phone = desk.phone()
    answer = phone.send(TOLD)
    assert receipt(answer)
    assert answer[0].endswith(sentence(Prompt.NOW))
    assert desk.tips() == 1
    assert desk.told(phone).thread.tip.text == TOLD  # type: ignore[union-attr]


def test_a_whole_conversation_becomes_one_tip_that_is_handed_on(desk: Desk) -> None:
    phone = desk.phone()
    for body in (
        TOLD,
        "4",
        "Niterói, Fonseca",
        "toda noite",
        "não sei",
        "numa kombi",
        "0",
        "tem armas",
    ):
        phone.send(body)
    session = desk.told(phone)
    thread = session.thread
    assert thread is not None
    assert thread.tip.answers == {
        Question.WHERE: "Niterói, Fonseca",
        Question.WHEN: "toda noite",
        Question.MORE: "tem armas",
    }
    assert thread.tip.details == {"drugs-how": "numa kombi"}
    assert thread.tip.urgency is Urgency.PATTERN
    assert thread.settled == "general:BR-RJ"
    assert desk.tips() == 1
    assert [kind for kind, _ in desk.errands()].count("settle") == 1


def test_what_comes_after_the_end_is_added_to_the_same_tip(desk: Desk) -> None:
    phone = desk.phone()
    for body in (TOLD, *"0000000", "o carro é um gol preto"):
        answer = phone.send(body)
    assert answer == [sentence(Prompt.ADDED)]
    assert desk.told(phone).thread.tip.answers[Question.MORE] == "o carro é um gol preto"  # type: ignore[union-attr]
    assert desk.tips() == 1


def test_danger_now_is_answered_with_the_emergency_number_first_and_relayed(desk: Desk) -> None:
    phone = desk.phone()
    phone.send(TOLD)
    answer = phone.send("Sim")
    assert answer[0].startswith(sentence(Prompt.EMERGENCY, number="190"))
    assert "relay" in [kind for kind, _ in desk.errands()]


def test_an_urgent_first_text_is_answered_with_the_emergency_number_first_and_once(
    desk: Desk,
) -> None:
    phone = desk.phone()
    emergency = sentence(Prompt.EMERGENCY, number="190")
    answer = phone.send("Socorro, estão atirando agora na rua, tiroteio na Rocinha agora")
    assert answer[0].startswith(emergency)
    assert receipt([answer[0].partition("\n")[2]])
    assert emergency not in phone.send("Rua 1")[0]


def test_the_language_is_the_texts(desk: Desk) -> None:
    said = {
        Language.EN: "They are selling drugs on the corner every night and they have guns",
        Language.ES: "Están vendiendo drogas en la esquina todas las noches y tienen armas",
        Language.FR: "Ils vendent de la drogue au coin de la rue toutes les nuits",
        Language.HT: "Moun sa yo ap vann dwòg nan kwen lari a chak swa epi yo gen zam",
    }
    for nth, (language, text) in enumerate(said.items()):
        phone = desk.phone(f"+552198765100{nth}")
        assert phone.send(text)[0].endswith(sentence(Prompt.NOW, language))


def test_a_message_that_comes_twice_gets_the_same_bytes_and_changes_nothing(desk: Desk) -> None:
    phone = desk.phone()
    bodies = [TOLD, "2", "Niterói", "ajuda", "", "hoje", "0", "0", "mais uma coisa", "PARAR"]
    sids = [new_sid("SM") for _ in bodies]
    first, states = [], []
    for body, sid in zip(bodies, sids, strict=True):
        first.append(phone.send(body, MessageSid=sid))
        states.append(desk.session(phone))
        assert phone.send(body, MessageSid=sid) == first[-1]
        assert desk.session(phone) == states[-1]
    marks = desk.tips(), len(desk.errands())
    again = [phone.send(b, MessageSid=s) for b, s in zip(bodies, sids, strict=True)]
    assert again == first
    assert (desk.tips(), len(desk.errands())) == (marks[0], 0)


def test_an_old_message_replayed_into_a_new_conversation_changes_nothing(desk: Desk) -> None:
    phone, old, answered = desk.phone(), new_sid("SM"), new_sid("SM")
    first = phone.send(TOLD, MessageSid=old)
    second = phone.send("3", MessageSid=answered)
    phone.send("PARAR")
    phone.send("Outro caso: desmanche de carros na rua da Paz")
    before = desk.session(phone)
    assert phone.send(TOLD, MessageSid=old) == first
    assert phone.send("3", MessageSid=answered) == second
    assert desk.session(phone) == before
    assert desk.tips() == 2


def test_a_turn_whose_session_was_lost_after_the_commit_is_taken_up_again(desk: Desk) -> None:
    """The process dies between the commit and keeping the session; the provider tries again."""
    phone, sid = desk.phone(), new_sid("SM")
    phone.send(TOLD)
    phone.send("3")
    behind = desk.told(phone)
    key = desk.exchange.sessions.key("sms", phone.line, phone.number)
    first = phone.send("Niterói", MessageSid=sid)
    desk.exchange.sessions.put(key, behind)
    assert phone.send("Niterói", MessageSid=sid) == first
    phone.send("ontem")
    assert desk.told(phone).thread.tip.answers == {  # type: ignore[union-attr]
        Question.WHERE: "Niterói",
        Question.WHEN: "ontem",
    }
    assert len(desk.line.pipeline.tips.bodies(behind.thread.key.tip)) == 4  # type: ignore[union-attr]


def test_parallel_duplicates_open_one_tip(desk: Desk) -> None:
    sid, answers = new_sid("SM"), []

    def send() -> None:
        answers.append(desk.phone().send(TOLD, MessageSid=sid))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(answers) == 6
    assert all(answer == answers[0] for answer in answers)
    assert desk.tips() == 1


def test_parallel_messages_of_one_phone_are_all_kept(desk: Desk) -> None:
    phone = desk.phone()
    for body in (TOLD, *"0000000"):
        phone.send(body)
    threads = [
        threading.Thread(target=lambda n=n: desk.phone().send(f"detalhe numero {n}"))
        for n in range(5)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    more = desk.told(phone).thread.tip.answers[Question.MORE]  # type: ignore[union-attr]
    assert sorted(more.split("\n")) == [f"detalhe numero {n}" for n in range(5)]


def test_silence_hands_on_what_was_told(desk: Desk) -> None:
    phone = desk.phone()
    phone.send(TOLD)
    desk.clock.advance(19 * 60)
    assert desk.exchange.closer.run_once() == 0
    desk.clock.advance(2 * 60)
    assert desk.exchange.closer.run_once() == 1
    assert desk.session(phone) is None
    assert "settle" in [kind for kind, _ in desk.errands()]


def test_a_message_after_silence_hands_on_the_old_and_begins_anew(desk: Desk) -> None:
    """Even when the closer has not come by yet."""
    phone = desk.phone()
    one = receipt(phone.send(TOLD))
    desk.clock.advance(21 * 60)
    two = receipt(phone.send("Agora outra coisa: roubo de carga na Dutra"))
    assert one != two
    assert desk.tips() == 2
    assert "settle" in [kind for kind, _ in desk.errands()]


def test_a_process_that_ends_hands_on_what_only_it_remembers(desk: Desk) -> None:
    phone = desk.phone()
    phone.send(TOLD)
    desk.exchange.last_words()
    assert desk.session(phone) is None
    assert "settle" in [kind for kind, _ in desk.errands()]


def test_stop_ends_and_hands_on(desk: Desk) -> None:
    phone = desk.phone()
    phone.send(TOLD)
    assert phone.send("STOP") == [sentence(Prompt.GOODBYE)]
    assert desk.session(phone) is None
    assert "settle" in [kind for kind, _ in desk.errands()]


def test_the_provider_forgets_every_message_of_both_sides(desk: Desk) -> None:
    phone, media = desk.phone(), "ME" + "a" * 32
    sids = [new_sid("SM") for _ in range(6)]
    url = f"https://api.twilio.com/2010-04-01/Accounts/AC/Messages/{sids[0]}/Media/{media}"
    phone.send(TOLD, MessageSid=sids[0], NumMedia="1", MediaUrl0=url)
    for body, sid in zip(("ajuda", "", "3", "não sei", "PARAR"), sids[1:], strict=True):
        phone.send(body, MessageSid=sid)
    ours = new_sid("SM")
    for status in ("sent", "delivered"):
        desk.wire.post("/twilio/status", {"MessageSid": ours, "MessageStatus": status})
    errands = desk.errands()
    erased = [facts for kind, facts in errands if kind == "erase"]
    assert sorted(facts["sid"] for facts in erased) == sorted([*sids, ours])
    assert [f["sid"] for f in erased if "after" in f] == [sids[0]], "it waits for its file"
    (fetch,) = [facts for kind, facts in errands if kind == "media"]
    assert (fetch["media"], fetch["message"]) == (media, sids[0])


def test_our_own_messages_name_the_callback_that_makes_them_forgotten(desk: Desk) -> None:
    params = {"MessageSid": new_sid("SM"), "From": NUMBER, "To": "+55", "Body": TOLD}
    root = ElementTree.fromstring(desk.wire.post("/twilio/sms", params))
    assert [m.get("statusCallback") for m in root.findall("Message")] == [
        "https://line.example/twilio/status"
    ]


def test_a_receipt_adds_to_its_tip_and_tells_nothing(desk: Desk) -> None:
    """The tip's own, one nobody has, one with a wrong digit: the same words."""
    code = receipt(desk.phone().send(TOLD))
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    answers = []
    for nth, typed in enumerate((code, new_code(), wrong)):
        phone = desk.phone(f"+552198765200{nth}")
        grouped = " ".join(typed[i : i + 4] for i in range(0, 20, 4))
        answers.append([phone.send(grouped), phone.send("o chefe se chama Zeca")])
    assert answers[0] == answers[1] == answers[2]
    assert desk.tips() == 3  # a number nobody has loses nothing: what was said is a tip of its own
    assert "news" in [kind for kind, _ in desk.errands()]


def test_text_after_the_receipt_is_added_at_once(desk: Desk) -> None:
    code = receipt(desk.phone().send(TOLD))
    desk.phone("+5521987653000").send(code + " ele voltou hoje")
    kinds = [kind for kind, _ in desk.errands()]
    assert "news" in kinds
    assert desk.tips() == 1


@pytest.mark.parametrize(
    ("text", "typed", "after"),
    [
        ("12345678901234567890", "12345678901234567890", ""),
        ("1234 5678 9012 3456 7890 mais", "1234 5678 9012 3456 7890", "mais"),
        ("1234-5678-9012-3456-7890\nmais", "1234-5678-9012-3456-7890", "mais"),
        ("#12345678901234567890", "12345678901234567890", ""),
        ("0001234-56.2020.8.19.0001 processo", "", ""),
        ("123456789012345678901", "", ""),
        ("1234 5678 9012 3456 789", "", ""),
        ("conta 12345678901234567890", "", ""),
        ("", "", ""),
    ],
)
def test_a_receipt_is_found_only_at_the_beginning(text: str, typed: str, after: str) -> None:
    assert receipt_in(text) == (typed, after)


def test_the_number_and_the_name_of_the_sender_are_no_part_of_the_tip(desk: Desk) -> None:
    phone = desk.phone("whatsapp:" + NUMBER)
    text = f"{TOLD}. Me chamo Jurandira Fagundes, meu zap é 21 98765-0001"
    phone.send(text, ProfileName="Jurandira Fagundes", WaId=NUMBER[1:])
    tip = desk.told(phone).thread.tip  # type: ignore[union-attr]
    assert tip.channel is Channel.WHATSAPP
    assert "Jurandira" not in tip.words
    assert "98765" not in tip.words
    assert "boné vermelho" in tip.words


def test_a_whatsapp_button_carries_the_answer(desk: Desk) -> None:
    phone = desk.phone("whatsapp:" + NUMBER)
    phone.send(TOLD)
    phone.send("", ButtonText="Sim")
    assert desk.told(phone).thread.tip.urgency is Urgency.NOW  # type: ignore[union-attr]


PIN = {"Latitude": "-22.902812", "Longitude": "-43.178069"}
KEPT = "Praça XV, Centro Rio de Janeiro\n-22.90281, -43.17807"


def test_a_position_is_offered_as_the_place_and_kept_only_by_a_yes(desk: Desk) -> None:
    phone = desk.phone("whatsapp:" + NUMBER)
    phone.send(TOLD)
    named = {"Label": "Praça XV, Centro", "Address": "Rio de Janeiro"}
    assert phone.send("", **PIN, **named) == [sentence(Prompt.PIN_OFFERED)]
    assert not desk.told(phone).thread.tip.answers  # type: ignore[union-attr]
    assert phone.send("sim") == [sentence(Prompt.ADDED) + "\n" + sentence(Prompt.NOW)]
    tip = desk.told(phone).thread.tip  # type: ignore[union-attr]
    assert tip.answers == {Question.WHERE: KEPT}
    assert tip.urgency is Urgency.UNKNOWN
    assert desk.line.pipeline.classify(tip).place.municipality == "BR:IBGE:3304557"
    assert desk.told(phone).pin == ""


def test_a_position_is_forgotten_by_a_no(desk: Desk) -> None:
    for nth, answer in enumerate(("0", "não", "no", "non", "2", "nao sei")):
        phone = desk.phone(f"whatsapp:+552198765910{nth}")
        phone.send(TOLD)
        phone.send("3")
        phone.send("", **PIN)
        said = phone.send(answer)
        assert said == [sentence(Prompt.PIN_FORGOTTEN) + "\n" + sentence(Prompt.WHERE)], answer
        assert desk.told(phone).pin == ""
        assert not desk.told(phone).thread.tip.answers  # type: ignore[union-attr]


def test_a_position_nobody_confirmed_is_forgotten(desk: Desk) -> None:
    for nth, instead in enumerate(("Rua das Flores", "ajuda", "", "!!!")):
        phone = desk.phone(f"whatsapp:+552198765920{nth}")
        phone.send(TOLD)
        phone.send("3")
        phone.send("", **PIN)
        phone.send(instead)
        assert desk.told(phone).pin == "", instead
        phone.send("1")
        assert "-22.9" not in desk.told(phone).thread.tip.words  # type: ignore[union-attr]


def test_a_position_asked_for_three_times_over_leaves_no_question_open(desk: Desk) -> None:
    """Patience ends with the next question: its "1" must not mean the position any more."""
    phone = desk.phone("whatsapp:" + NUMBER)
    phone.send(TOLD)
    for _ in range(3):
        said = phone.send("", **PIN)
    assert said == [sentence(Prompt.WHERE)]
    assert desk.told(phone).pin == ""


def test_a_position_answers_where_and_can_be_the_whole_report(desk: Desk) -> None:
    phone = desk.phone("whatsapp:" + NUMBER)
    assert phone.send("", **PIN) == [sentence(Prompt.PIN_OFFERED)]
    assert desk.tips() == 0
    assert receipt(phone.send("1"))
    phone.send("0")
    phone.send("", **PIN)
    assert phone.send("1") == [sentence(Prompt.WHEN)]
    assert desk.tips() == 1


def test_who_withholds_the_number_is_not_asked_about_a_position(desk: Desk) -> None:
    """The yes of the next stranger would keep it."""
    assert desk.phone("anonymous").send("", **PIN)[0].startswith(sentence(Prompt.PIN))
    assert desk.phone("anonymous").send("1")[0].startswith(sentence(Prompt.UNREADABLE))
    assert desk.tips() == 0


@pytest.mark.parametrize(
    "broken", [{"Latitude": "nan"}, {"Latitude": "91"}, {"Longitude": "x"}, {"Longitude": ""}]
)
def test_a_position_that_is_none_is_an_empty_message(desk: Desk, broken: dict[str, str]) -> None:
    assert desk.phone().send("", **{**PIN, **broken})[0].startswith(sentence(Prompt.NOTHING))


def test_a_file_that_is_said_to_be_there_and_is_not_found_gets_a_sentence(desk: Desk) -> None:
    phone = desk.phone()
    url = "https://api.twilio.com/x/Media/" + "b" * 32
    left = sentence(Prompt.FILES_LEFT)
    assert phone.send("", NumMedia="1", MediaUrl0=url)[0].startswith(left)
    assert desk.tips() == 0
    answer = phone.send(TOLD, NumMedia="1", MediaUrl0=url)
    assert answer[0].startswith(left)
    assert receipt(answer)
    assert desk.told(phone).thread.tip.text == TOLD  # type: ignore[union-attr]
    assert "media" not in [kind for kind, _ in desk.errands()]


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ("", Prompt.NOTHING),
        ("   \n\t ", Prompt.NOTHING),
        ("\x00\x01\x02\x1b", Prompt.NOTHING),
        ("oi", Prompt.NOTHING),
        ("...!!!", Prompt.UNREADABLE),
        ("\u0301" * 19_000, Prompt.UNREADABLE),
        ("a" * 20_001, Prompt.TOO_LONG),
        ("a" + "\u0301" * 100_000, Prompt.TOO_LONG),
    ],
)
def test_what_cannot_be_read_gets_a_clear_sentence_and_stores_no_tip(
    desk: Desk, body: str, prompt: Prompt
) -> None:
    phone = desk.phone()
    phone.send(TOLD)
    assert phone.send("0")[0].endswith(sentence(Prompt.WHERE))
    if body == "oi":  # a greeting is one only before anything was told
        assert desk.phone("+5521987654000").send(body)[0].startswith(sentence(prompt))
        return
    answer = phone.send(body)
    assert answer[0].splitlines()[0] == sentence(prompt)
    assert answer[0].endswith(sentence(Prompt.WHERE))
    assert desk.tips() == 1


def test_a_million_combining_marks_are_refused_before_they_are_read(desk: Desk) -> None:
    params = {"MessageSid": new_sid("SM"), "From": NUMBER, "Body": "a" + "\u0301" * 1_000_000}
    header = {
        HEADER: sign(desk.line.settings.tokens[0], "https://line.example", "/twilio/sms", params)
    }
    answer = desk.app.test_client().post("/twilio/sms", data=params, headers=header)
    assert answer.status_code == 413
    assert texts(answer.data)[0].startswith(sentence(Prompt.TOO_LONG))
    assert desk.tips() == 0


def test_control_characters_are_taken_out_and_the_rest_is_kept(desk: Desk) -> None:
    phone = desk.phone()
    phone.send("Vendem\x00 drogas\x07 na rua\r\ndas Flores")
    assert desk.told(phone).thread.tip.text == "Vendem drogas na rua\ndas Flores"  # type: ignore[union-attr]


def test_who_withholds_the_number_gets_a_receipt_and_no_question(desk: Desk) -> None:
    """All withheld senders look alike: one must never continue another's report."""
    for nth in range(2):
        phone = desk.phone("+266696687")
        answer = phone.send(f"{TOLD} {nth}")
        assert receipt(answer)
        assert sentence(Prompt.NOW) not in answer[0]
    assert desk.tips() == 2
    assert [kind for kind, _ in desk.errands()].count("settle") == 2


@pytest.mark.parametrize("error", [NoKey, DatabaseUnavailable])
def test_a_line_that_cannot_take_it_says_so_with_another_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: type[Unavailable]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    phone = desk.phone()
    monkeypatch.setattr(type(desk.line.pipeline.tips), "store", fail)
    answer = phone.send(TOLD)
    elsewhere = sentence(Prompt.ELSEWHERE, number=desk.line.profile.elsewhere[0].number)
    assert answer == [sentence(Prompt.UNAVAILABLE) + "\n" + elsewhere]
    assert desk.tips() == 0
    monkeypatch.undo()
    assert receipt(phone.send(TOLD))


def test_an_answer_that_cannot_be_stored_can_be_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    phone, sid = desk.phone(), new_sid("SM")
    phone.send(TOLD)
    phone.send("3")
    monkeypatch.setattr(type(desk.line.pipeline.tips), "add", fail)
    assert phone.send("Niterói", MessageSid=sid)[0].startswith(sentence(Prompt.UNAVAILABLE))
    monkeypatch.undo()
    assert phone.send("Niterói", MessageSid=sid) == [sentence(Prompt.WHEN)]


def test_under_flood_the_line_says_it_is_busy_and_then_takes_it(desk: Desk) -> None:
    desk.exchange.limits = Limits(desk.clock, one=Rate(2, 0.1), everyone=Rate(100, 100))
    phone = desk.phone()
    phone.send(TOLD)
    phone.send("3")
    assert phone.send("Niterói")[0].startswith(sentence(Prompt.BUSY))
    assert receipt(desk.phone("+5521987655000").send(TOLD))
    desk.clock.advance(10)
    assert phone.send("Niterói") == [sentence(Prompt.WHEN)]


def test_unsigned_json_and_nameless_messages_are_refused(desk: Desk) -> None:
    client = desk.app.test_client()
    for path in ("/twilio/sms", "/twilio/status"):
        assert client.post(path, data={"Body": TOLD}).status_code == 403
        assert client.post(path, json={"Body": TOLD}).status_code == 415
        assert client.get(path).status_code == 405
    params = {"Body": TOLD, "From": NUMBER}
    header = {
        HEADER: sign(desk.line.settings.tokens[0], "https://line.example", "/twilio/sms", params)
    }
    assert client.post("/twilio/sms", data=params, headers=header).status_code == 422
    assert desk.tips() == 0


def test_two_public_processes_share_a_conversation_through_redis(
    settings: Settings, clock: MovableClock, redis_url: str
) -> None:
    settings = replace(settings, redis_url=redis_url)
    lines = [assemble_public(settings, clock, pool=0) for _ in range(2)]
    desks = [Desk(line, public_app(line), clock) for line in lines]
    assert isinstance(desks[0].exchange.sessions, RedisSessions)
    sid = new_sid("SM")
    first = desks[0].phone().send(TOLD, MessageSid=sid)
    assert desks[1].phone().send(TOLD, MessageSid=sid) == first
    for nth, body in enumerate(("4", "Niterói", "toda noite", "0", "0")):
        desks[(nth + 1) % 2].phone().send(body)
    thread = desks[0].told(desks[0].phone()).thread
    assert thread is not None
    assert thread.tip.answers == {Question.WHERE: "Niterói", Question.WHEN: "toda noite"}
    assert desks[0].tips() == 1
    for desk in desks:
        desk.exchange.closer.stop()
        desk.line.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The app on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Somebody types these lines in the terminal, then Ctrl-D."""
    left = iter(lines)

    def read(_: str) -> str:
        for line in left:
            return line
        raise EOFError

    monkeypatch.setattr("builtins.input", read)


def test_the_phone_in_the_terminal_texts_and_calls_a_running_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(desk.app) as url:
        typing(monkeypatch, TOLD, "3")
        simulate_sms(url, desk.line.settings, NUMBER)
        said = capsys.readouterr().out
        assert re.search(r"line: .*(\d{4} ){4}\d{4}", said)
        assert sentence(Prompt.WHERE) in said
        typing(monkeypatch, "1", "2", "4", "20040020#", "1", "#", "1")
        simulate_call(url, desk.line.settings, NUMBER)
        said = capsys.readouterr().out
        assert SPOKEN[Prompt.GOODBYE].say(PT) in said
        assert desk.tips() == 2
        assert "recording" in [kind for kind, _ in desk.errands()]
        typing(monkeypatch, TOLD)
        with pytest.raises(NoAnswer):
            simulate_sms(url, replace(desk.line.settings, twilio_auth_token="x" * 32), NUMBER)
    with pytest.raises(NoAnswer):
        simulate_sms(url, replace(desk.line.settings, twilio_auth_token=""), NUMBER)


BEATEN = "O marido da vizinha bate nela todo dia, escuto os gritos"


def asked(identity: str, language: Language = PT) -> str:
    detail = find(identity)
    assert detail is not None
    return text_of(detail, language)


def to_details(desk: Desk, first: str) -> tuple[TextPhone, list[str]]:
    """A phone that has been asked the five questions, and what it is asked then."""
    phone = desk.phone()
    for body in (first, "0", "0", "0"):
        phone.send(body)
    return phone, phone.send("0")


def test_some_types_are_asked_more_and_danger_only_where_it_is_safe(desk: Desk) -> None:
    phone, said = to_details(desk, BEATEN)
    assert said == [asked("gbv-safe")]
    assert phone.send("sim") == [asked("gbv-danger")]
    assert phone.send("1 e 2") == [sentence(Prompt.MORE)]
    assert phone.send("0") == [sentence(Prompt.FINISHED)]
    thread = desk.told(phone).thread
    assert thread is not None
    assert thread.tip.ticked == ("gbv-safe:yes", "gbv-danger:weapon", "gbv-danger:threat")
    assert thread.tip.tags == ("danger_told",)
    assert thread.settled == "gbv:BR-RJ"


@pytest.mark.parametrize("answer", ["não", "2", "0", "depois", "STOP"])
def test_whoever_does_not_say_that_it_is_safe_is_asked_no_more(desk: Desk, answer: str) -> None:
    phone, _ = to_details(desk, BEATEN)
    said = phone.send(answer)
    assert said == [sentence(Prompt.GOODBYE if answer == "STOP" else Prompt.MORE)]
    assert "settle" not in [kind for kind, _ in desk.errands()] or answer == "STOP"


def test_what_is_no_answer_asks_a_gate_again_and_still_opens_it(desk: Desk) -> None:
    phone, _ = to_details(desk, BEATEN)
    assert phone.send("ajuda")[0].endswith(asked("gbv-safe"))
    assert phone.send("")[0].endswith(asked("gbv-safe"))
    assert phone.send("1") == [asked("gbv-danger")]
    assert phone.send("9")[0].startswith(sentence(Prompt.UNREADABLE))
    assert phone.send("repetir") == [asked("gbv-danger")]


def test_questions_are_asked_in_the_language_of_the_report(desk: Desk) -> None:
    _, said = to_details(desk, "They are selling drugs on the corner every night and have guns")
    assert said == [asked("drugs-how", Language.EN)]


def test_a_report_nothing_speaks_for_is_asked_only_what_everybody_is(desk: Desk) -> None:
    _, said = to_details(desk, "Aconteceu uma coisa estranha aqui perto ontem")
    assert said == [sentence(Prompt.MORE)]


def test_the_answer_that_says_the_type_counts_for_the_questions(desk: Desk) -> None:
    phone = desk.phone()
    for body in ("Aconteceu uma coisa aqui perto", "0", "vendem drogas na praça", "0"):
        phone.send(body)
    assert phone.send("0") == [asked("drugs-how")]


# ---- what the provider sends beside plain words --------------------------------------------------

LONG = "Denúncia: " + "caminhões sem placa descarregam entulho no mangue, " * 12


def test_a_long_message_in_base64_is_read(desk: Desk) -> None:
    phone = desk.phone()
    packed = b64encode(LONG.strip().encode()).decode()
    assert receipt(phone.send(packed))
    assert desk.told(phone).thread.tip.text == LONG.strip()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 64,  # decodes, but to no text
        "A" * 64,  # to NULs
        "QUJD" * 14,  # too short to be a long message
        "Vendem" * 10 + "drogas na rua das Flores",
        b64encode(b"x" * 61).decode() + "=",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq" * 2,
    ],
)
def test_what_only_looks_like_base64_is_left_alone(text: str) -> None:
    assert unpacked(text) == text


def test_packed_text_is_cleaned_and_bounded_like_any_other(desk: Desk) -> None:
    packed = b64encode(("linha um\r\nlinha dois " * 10).encode()).decode()
    assert "\r" not in unpacked(packed)
    phone = desk.phone()
    assert phone.send(b64encode(b"a" * 20_001).decode())[0].startswith(sentence(Prompt.TOO_LONG))
    assert desk.tips() == 0


def test_a_text_that_came_as_a_file_is_taken_like_one(desk: Desk) -> None:
    media = {"NumMedia": "1", "MediaContentType0": "Text/Plain; charset=utf-8"}
    url = {"MediaUrl0": "https://api.twilio.com/x/Media/ME" + "c" * 32}
    assert desk.phone().send("", **media, **url)[0].startswith(sentence(Prompt.FILES))
    assert [f["type"] for k, f in desk.errands() if k == "media"] == ["text/plain"]


@pytest.mark.parametrize(
    ("button", "urgency"),
    [
        ({"ButtonPayload": "1"}, Urgency.NOW),
        ({"ButtonText": "Sim"}, Urgency.NOW),
        ({"ButtonPayload": "4", "ButtonText": "Sim"}, Urgency.PATTERN),
        ({"ButtonPayload": "", "ButtonText": "Acabou"}, Urgency.PAST),
    ],
)
def test_a_button_answers_by_its_payload_else_by_its_words(
    desk: Desk, button: dict[str, str], urgency: Urgency
) -> None:
    phone = desk.phone("whatsapp:" + NUMBER)
    phone.send(TOLD)
    phone.send(button.get("ButtonText", ""), **button)
    assert desk.told(phone).thread.tip.urgency is urgency  # type: ignore[union-attr]


# ---- who cannot be known again -------------------------------------------------------------------

NAMELESS = [
    *("+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"),
    *("whatsapp:+266696687", "anonymous", "Anonymous", "Restricted", "unknown", "UNAVAILABLE"),
    *("private", "blocked", "266696687", "7378742833", "", " ", "whatsapp:", "+", "null"),
    *("BANCO", "AVISO SMS", "Info-TIM", "28191", "+12", "whatsapp:BR.13491208655302741918"),
]


def test_senders_that_look_alike_never_share_a_conversation(desk: Desk) -> None:
    for nth, sender in enumerate(NAMELESS, 1):
        sid = new_sid("SM")
        first = desk.phone(sender).send(TOLD, MessageSid=sid)
        assert receipt(first), sender
        assert sentence(Prompt.NOW) not in first[0], sender
        assert desk.phone(sender).send(TOLD, MessageSid=sid) == first, sender
        assert receipt(desk.phone(sender).send("Desmanche de carros na rua da Paz")), sender
        assert desk.tips() == 2 * nth, sender
        assert desk.phone(sender).send("PARAR") == [sentence(Prompt.GOODBYE)], sender
    assert not list(desk.exchange.sessions.lapsed(dying=True))


# ---- keys that die -------------------------------------------------------------------------------


def test_memory_that_is_lost_loses_no_word_and_mixes_nobody_up(desk: Desk) -> None:
    """Its key is destroyed in mid conversation: the number is a stranger's from then on."""
    phone = desk.phone()
    code = receipt(phone.send(TOLD))
    phone.send("3")
    desk.exchange.sessions._epochs.clear()  # type: ignore[attr-defined]
    assert desk.session(phone) is None
    # An answer to a question that nobody remembers having asked is no report.
    assert phone.send("4") == [f"{sentence(Prompt.UNREADABLE)}\n{sentence(Prompt.WHAT)}"]
    assert desk.tips() == 1
    assert receipt(phone.send("Niterói, na praça, um homem de boné")) != code
    assert desk.tips() == 2
    # Whoever kept the receipt adds to the first.
    other = desk.phone("+5521987653111")
    other.send(code + " o nome dele é Zeca")
    assert desk.tips() == 2
    assert "news" in [kind for kind, _ in desk.errands()]


def test_what_a_dead_key_leaves_behind_is_noise_and_goes(desk: Desk) -> None:
    phone = desk.phone()
    phone.send(TOLD)
    desk.clock.advance(27 * 3600)
    assert list(desk.exchange.sessions.lapsed()) == []
    assert desk.exchange.sessions._kept == {}  # type: ignore[attr-defined]


# ---- the same word in five languages; messages out of order --------------------------------------


def test_stop_in_five_languages_ends_at_once_wherever_it_stands(desk: Desk) -> None:
    phone = desk.phone()
    for word in ("STOP", "PARAR", "Sair", "salir", "terminar", "ARRÊT", "Sispann"):
        phone.send(TOLD)
        for _ in range(2):
            assert phone.send(word) == [sentence(Prompt.GOODBYE)], word
            assert desk.session(phone) is None


def test_help_in_five_languages_tells_how_to_go_on(desk: Desk) -> None:
    for nth, word in enumerate(("HELP", "Ajuda", "AYUDA", "aide", "èd", "?", "INFO")):
        phone = desk.phone(f"+552198765900{nth}")
        phone.send(TOLD)
        assert phone.send(word) == [f"{sentence(Prompt.HELP)}\n{sentence(Prompt.NOW)}"], word


def test_messages_that_come_in_another_order_and_twice_are_each_kept_once(desk: Desk) -> None:
    phone = desk.phone()
    bodies = ["Niterói, Fonseca", TOLD, "toda noite", "um homem alto", "de moto"]
    sids = {body: new_sid("SM") for body in bodies}
    for body in [*bodies[:3], bodies[0], *bodies[3:], *reversed(bodies)]:
        phone.send(body, MessageSid=sids[body])
    words = desk.told(phone).thread.tip.words  # type: ignore[union-attr]
    assert all(words.count(body) == 1 for body in bodies)
    assert desk.tips() == 1
