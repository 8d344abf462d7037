"""Talk: an operator asks, the reporter reads and answers, and nothing goes out by mistake."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.intake.thread import FollowUp
from hotline.jobs.chores import settle_seen
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.store.database import DatabaseUnavailable
from hotline.store.seen import Seen
from hotline.store.tables import SeenRow
from hotline.tips import Channel, Contact, Language
from hotline.triage.pages.door import DONE
from hotline.triage.pages.talk import WHY
from hotline.triage.phrases import QUESTIONS, REPLIES
from hotline.vault.receipts import new_code
from hotline.web.i18n import say
from tests.desk import Hand, Office
from tests.forms import Page, app_of

DRUGS = "Venda de drogas na praça em Niterói, RJ, toda noite"
CREOLE = "Yo vann dwòg chak swa sou plas la nan Niterói, RJ, gen anpil moun ki pè"
PT, HT = Language.PT, Language.HT
READ, UNREAD = (
    say(PT, "Read by the reporter"),
    say(PT, "Not read yet. Reading is known a day later."),
)
NOT_SENT = say(PT, "Not sent yet.")


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


@pytest.fixture
def reader(public_line: PublicLine) -> FlaskClient:
    return app_of(public_line).test_client()


def told(line: PublicLine, text: str = DRUGS, language: Language = PT) -> str:
    contact = Contact(channel=Channel.WEB, text=text, language=language)
    return line.pipeline.receive(contact).code


def found(line: PublicLine, code: str) -> FollowUp:
    return line.pipeline.follow_up(code)


def why(kind: str) -> str:
    return say(PT, WHY[kind])


def shown(hand: Hand) -> str:
    return unescape(hand.html)


def again(hand: Hand, path: str, **changed: str) -> None:
    """Presses the button of the page that shows a message once more."""
    hand.post(path, **(Page(hand.html).fields | changed))


def follow(reader: FlaskClient, code: str, language: str = "pt-BR") -> Page:
    headers = {"Accept-Language": language}
    return Page(reader.post("/follow-up", data={"receipt": code}, headers=headers).text)


def test_typed_words_are_shown_back_before_they_go(public_line: PublicLine, office: Office) -> None:
    code, hand = told(public_line), office("paulo")
    path = f"/tips/{hand.next()}/reply"
    hand.post(path, look="yes", prepared="thanks", text="Há {armas} no local?")
    thanks = say(PT, next(p.text for p in REPLIES if p.code == "thanks"))
    assert NOT_SENT in hand.html and found(public_line, code).messages == ()
    assert thanks in shown(hand) and "Há {armas} no local?" in shown(hand)
    again(hand, path)
    assert say(PT, DONE["replied"]) in hand.html
    (message,) = found(public_line, code).messages
    assert message.text == f"{thanks}\nHá {{armas}} no local?"


def test_a_prepared_sentence_alone_needs_one_press(public_line: PublicLine, office: Office) -> None:
    code, hand = told(public_line), office("paulo")
    hand.post(f"/tips/{hand.next()}/ask", look="yes", prepared="weapons", text="")
    assert say(PT, DONE["asked"]) in hand.html
    assert found(public_line, code).status == "asked"


def test_a_warned_message_goes_only_with_a_second_press(
    public_line: PublicLine, office: Office
) -> None:
    """Also when the page that shows messages back was left out."""
    code, hand = told(public_line), office("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/reply", text="Fale com Gabi, 21 99888-7766.")
    assert why("staff") in shown(hand) and why("phone") in shown(hand)
    assert "Fale com Gabi, 21 99888-7766." in shown(hand)
    assert found(public_line, code).messages == ()
    # Other words are looked at anew: the press was for those that were shown.
    again(hand, f"/tips/{tip}/reply", text="Fale com Gabi, gabi@example.org.")
    assert why("email") in shown(hand)
    assert found(public_line, code).messages == ()
    assert say(PT, "Send all the same") in hand.html
    again(hand, f"/tips/{tip}/reply")
    (message,) = found(public_line, code).messages
    assert message.text == "Fale com Gabi, gabi@example.org."


def test_what_the_tip_masks_and_another_tip_tells_is_warned_of(
    public_line: PublicLine, office: Office
) -> None:
    doubtful = f"{DRUGS}. O perfil @marcao_vendas aparece no grupo"
    code, hand = told(public_line, doubtful), office("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/reply", text="E o @marcao_vendas? E o carro XYZ9K88?")
    assert why("doubtful") in shown(hand) and why("elsewhere") in shown(hand)
    assert found(public_line, code).messages == ()


def test_the_profiles_public_numbers_warn_of_nothing(
    public_line: PublicLine, office: Office
) -> None:
    code, hand = told(public_line), office("paulo")
    hand.post(f"/tips/{hand.next()}/reply", text="Ligue para 190, 180 ou (21) 2253-1177.")
    assert say(PT, DONE["replied"]) in hand.html
    assert len(found(public_line, code).messages) == 1


def test_a_stale_page_sends_nothing_and_keeps_the_words(
    public_line: PublicLine, office: Office
) -> None:
    code, hand = told(public_line), office("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/reply", look="yes", text="Há armas no local?")
    page = dict(Page(hand.html).fields)
    hand.post(f"/tips/{tip}/note", text="visto")
    response = hand.client.post(f"/tips/{tip}/reply", data=page)
    assert response.status_code == 409
    assert "Há armas no local?" in response.text
    assert found(public_line, code).messages == ()


def test_a_word_finds_a_sentence_and_several_are_chosen_from(
    public_line: PublicLine, office: Office
) -> None:
    code, hand = told(public_line), office("paulo")
    tip = hand.next()
    sentences = {p.code: say(PT, p.text) for p in QUESTIONS}
    hand.post(f"/tips/{tip}/ask", look="yes", text="::armas ::onde")
    assert sentences["weapons"] in shown(hand) and why("unknown_phrase") in shown(hand)
    again(hand, f"/tips/{tip}/ask", **{"pick-onde": "hidden"})
    assert "::" not in Page(hand.html).fields["text"]
    again(hand, f"/tips/{tip}/ask")
    (message,) = found(public_line, code).messages
    assert message.text == f"{sentences['weapons']}\n{sentences['hidden']}"


def test_a_note_never_reaches_the_reporter(public_line: PublicLine, office: Office) -> None:
    """Whatever fields of the other form come with it."""
    code, hand = told(public_line), office("paulo")
    tip = hand.next()
    fields = {"text": "Liguei para o batalhão", "look": "yes", "sure": "x", "prepared": "thanks"}
    hand.post(f"/tips/{tip}/note", **fields)
    assert "Liguei para o batalhão" in hand.html
    assert found(public_line, code) == found(public_line, new_code())


def test_no_form_of_one_leads_to_the_other(public_line: PublicLine, office: Office) -> None:
    told(public_line)
    hand = office("paulo")
    hand.next()
    parts = dict(re.findall(r'<details id="(ask|reply|note)"(.*?)</details>', hand.html, re.S))
    targets = {name: re.findall(r'action="[^"]*/(\w+)"', part) for name, part in parts.items()}
    assert targets == {"ask": ["ask"], "reply": ["reply"], "note": ["note"]}
    to_reporter, inside = say(PT, "goes to the reporter"), say(PT, "colleagues only")
    assert all(to_reporter in parts[name] for name in ("ask", "reply"))
    assert inside in parts["note"] and to_reporter not in parts["note"]
    buttons = {re.search(r"<button[^>]*>([^<]+)", part)[1] for part in parts.values()}
    assert len(buttons) == 3


def test_the_reporters_language_stands_beside_the_operators(
    public_line: PublicLine, office: Office
) -> None:
    code, hand = told(public_line, CREOLE, HT), office("paulo")
    tip = hand.next()
    thanks = next(p.text for p in REPLIES if p.code == "thanks")
    theirs, ours = say(HT, thanks), say(PT, thanks)
    assert theirs in shown(hand) and ours in shown(hand)
    hand.post(f"/tips/{tip}/reply", look="yes", text="::mesi")
    assert theirs in shown(hand) and ours in shown(hand)
    again(hand, f"/tips/{tip}/reply")
    assert found(public_line, code).messages[0].text == theirs
    history = hand.html[hand.html.index('id="history-title"') :]
    assert theirs in unescape(history) and ours in unescape(history)


def test_who_does_not_read_the_language_passes_the_tip_on(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    told(public_line, CREOLE, HT)
    paulo = office("paulo")
    tip = paulo.next()
    assert "Kreyòl" in paulo.html and f"/tips/{tip}/language" in paulo.html
    paulo.post(f"/tips/{tip}/language")
    assert say(PT, DONE["language"]) in paulo.html
    assert paulo.next() == ""
    gabi = office("gabi")
    assert gabi.next() == tip
    assert say(PT, "Somebody who reads this language is wanted") in gabi.html


def test_nobody_is_asked_whether_they_read_their_own_language(
    public_line: PublicLine, office: Office
) -> None:
    told(public_line)
    hand = office("paulo")
    assert f"/tips/{hand.next()}/language" not in hand.html


def test_the_desk_sees_a_day_later_what_was_read_and_what_was_not(
    public_line: PublicLine, staff_line: StaffLine, office: Office, reader: FlaskClient
) -> None:
    code, hand = told(public_line), office("paulo")
    path = f"/tips/{hand.next()}"
    hand.post(f"{path}/reply", prepared="thanks")
    hand.post(f"{path}/reply", prepared="come_back")
    assert hand.html.count(UNREAD) == 2 and READ not in hand.html
    follow(reader, new_code())
    settle_seen(staff_line)
    hand.get(path)
    assert hand.html.count(UNREAD) == 2
    follow(reader, code)
    hand.get(path)
    assert hand.html.count(UNREAD) == 2
    settle_seen(staff_line)
    hand.get(path)
    assert hand.html.count(READ) == 2 and UNREAD not in hand.html
    hand.post(f"{path}/reply", prepared="nothing")
    assert hand.html.count(READ) == 2 and hand.html.count(UNREAD) == 1


def test_an_app_that_asks_by_itself_reads_nothing(
    public_line: PublicLine, staff_line: StaffLine, office: Office, reader: FlaskClient
) -> None:
    code, hand = told(public_line), office("paulo")
    path = f"/tips/{hand.next()}"
    hand.post(f"{path}/reply", prepared="thanks")
    answer = reader.post("/api/v1/follow-ups", json={"receipt": code}).json
    assert answer["messages"][0].keys() == {"kind", "text", "language"}
    settle_seen(staff_line)
    hand.get(path)
    assert UNREAD in hand.html


def test_reading_writes_the_same_for_every_number(
    public_line: PublicLine, staff_line: StaffLine, office: Office, reader: FlaskClient
) -> None:
    """And nothing beside it: no row says which tip, which receipt or when."""
    answered, silent, hand = told(public_line), told(public_line), office("paulo")
    for _ in range(2):
        hand.post(f"/tips/{hand.next()}/ask", prepared="where")

    def counted() -> dict[str, int]:
        with staff_line.database.read() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in SeenRow.metadata.sorted_tables
            }

    for code in (new_code(), silent, answered, "1234"):
        before = counted()
        follow(reader, code)
        after = counted()
        assert {
            name: after[name] - before[name] for name in after if after[name] != before[name]
        } == {"seen": 2}


def test_an_answer_can_be_read_when_nothing_can_be_written(
    public_line: PublicLine, office: Office, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, hand = told(public_line), office("paulo")
    hand.post(f"/tips/{hand.next()}/reply", prepared="thanks")

    def full(self: Seen, sign: bytes) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(Seen, "opened", full)
    assert say(PT, "Thank you. What you told us helps.") in follow(reader, code).words


@pytest.mark.parametrize("language", Language)
def test_the_reporter_reads_in_order_and_answers_in_one_field(
    public_line: PublicLine,
    staff_line: StaffLine,
    office: Office,
    reader: FlaskClient,
    language: Language,
) -> None:
    code, hand = told(public_line, language=language), office("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/reply", prepared="thanks")
    hand.post(f"/tips/{tip}/ask", prepared="weapons")
    page = follow(reader, code, language.tag)
    thanks, weapons = (
        " ".join(say(language, next(p.text for p in listed if p.code == name)).split())
        for listed, name in ((REPLIES, "thanks"), (QUESTIONS, "weapons"))
    )
    words = page.words
    assert 0 < words.index(thanks) < words.index(weapons)
    assert words.index(weapons) < words.index(say(language, "Your answer"))
    assert page.html.count("<textarea") == 1
    data = page.fields | {"message": "Sim, dois fuzis"}
    assert reader.post("/follow-up", data=data).status_code == 200

    asked = staff_line.tips.one(bytes.fromhex(tip))
    log = Log(staff_line.clock, public=False)
    EmbeddedJobs(runner(staff_line, RecordingProvider(), log)).drain()
    rung = staff_line.tips.one(bytes.fromhex(tip))
    assert rung.state == asked.state == "waiting"
    assert rung.due_at <= asked.due_at
    hand.get(f"/tips/{tip}")
    assert "Sim, dois fuzis" in hand.html


def test_an_answer_rings_the_desk_that_gave_time_for_it(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    code, hand = told(public_line, "Homem armado atirando na praça em Niterói, RJ"), office("paulo")
    tip = hand.next()
    urgent = staff_line.tips.one(bytes.fromhex(tip))
    hand.post(f"/tips/{tip}/ask", prepared="still")
    assert staff_line.tips.one(bytes.fromhex(tip)).due_at > urgent.due_at
    public_line.pipeline.append(code, Contact(channel=Channel.WEB, text="Sim", language=PT))
    log = Log(staff_line.clock, public=False)
    EmbeddedJobs(runner(staff_line, RecordingProvider(), log)).drain()
    rung = staff_line.tips.one(bytes.fromhex(tip))
    assert rung.state == "waiting"
    soonest = staff_line.clock.seconds() + urgent.priority.minutes * 60
    assert soonest <= rung.due_at < soonest + 3600
    assert staff_line.audit.count("reporter_added") == 1
