"""The web form: a report without script or cookie, its receipt, and coming back with it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from hotline.assembly import PublicLine, StaffLine
from hotline.founding import PEPPER
from hotline.intake.following import WAITING
from hotline.intake.form import FormExpired, FormKeys, clean
from hotline.store.database import DatabaseUnavailable
from hotline.store.tips import Tips, put_reply
from hotline.tips import Language, Priority, Question, State, Urgency
from hotline.triage import messages
from hotline.vault.content import TipContent, decode
from hotline.vault.envelope import queue_recipient
from hotline.vault.keys import open_body, open_wrap
from hotline.vault.receipts import ReplyKeys, new_code, stretch
from hotline.web import apps
from hotline.web.i18n import NATIVE
from tests.conftest import MovableClock
from tests.forms import ENGLISH, PORTUGUESE, Page, Walk, app_of, shared_line, stored
from tests.line import SignIn

DRUGS = "Boca de fumo na esquina, toda noite tem fila de compradores"
NITEROI = "BR:IBGE:3303302"


@pytest.fixture(scope="module")
def line(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    with shared_line(founded_home, tmp_path_factory.mktemp("web") / "home") as line:
        yield line


@pytest.fixture
def walk(line: PublicLine) -> Walk:
    return Walk(app_of(line).test_client())


@pytest.fixture
def nothing_stored(line: PublicLine) -> Iterator[None]:
    """The test stores no report."""
    before = stored(line)
    yield
    assert stored(line) == before


def later(line: PublicLine, seconds: float) -> None:
    assert isinstance(line.clock, MovableClock)
    line.clock.advance(seconds)


def keys_of(line: PublicLine, code: str) -> ReplyKeys:
    return stretch(code, (line.settings.public / PEPPER).read_bytes())


def sent(walk: Walk, **answers: str) -> str:
    walk.to_check(**(answers or {"what": DRUGS, "where": "Niterói RJ"}))
    return walk.press("go=send").receipt


def opened(line: StaffLine, sign_in: SignIn, person: str) -> TipContent:
    """The only tip, as its desk reads it."""
    (row,) = line.tips.queue(list(line.profile.queues), list(State))
    body, who = line.tips.body(row.id), sign_in(person)
    (wrap,) = [w for w in line.tips.wraps([row.id]) if w.recipient == queue_recipient(row.queue)]
    seed = line.access.epoch_seed(who, wrap.recipient, wrap.epoch)
    return decode(open_body(open_wrap(seed, wrap, body), body))


def test_a_report_reaches_its_desk_with_every_answer(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    walk = Walk(app_of(public_line).test_client())
    walk.press(urgency="pattern")
    walk.press(what=DRUGS, crime_type="ORG-01")
    walk.press(where="Niterói RJ", spot="Rua das Acácias")
    walk.press(when="sextas à noite")
    walk.press(who="um rapaz de boné vermelho")
    walk.press(**{"detail-drugs-how": "por aplicativo, de moto"})
    walk.press("go=skip")
    check = walk.press(more="há crianças por perto")
    for words in (DRUGS, "Niterói, RJ", "Rua das Acácias", "sextas", "boné", "de moto", "crianças"):
        assert words in check.words
    page = walk.press("go=send")
    assert len(page.receipt) == 20
    tip = opened(staff_line, sign_in, "paulo").tip
    assert tip.text == DRUGS
    assert tip.crime_types == ("ORG-01",)
    assert tip.municipality == NITEROI
    assert tip.urgency is Urgency.PATTERN
    assert tip.details == {"drugs-how": "por aplicativo, de moto"}
    assert tip.answers == {
        Question.WHERE: "Niterói RJ\nRua das Acácias",
        Question.WHEN: "sextas à noite",
        Question.WHO: "um rapaz de boné vermelho",
        Question.MORE: "há crianças por perto",
    }


def test_sending_twice_gives_the_same_receipt_and_one_report(public_line: PublicLine) -> None:
    walk = Walk(app_of(public_line).test_client())
    walk.to_check(what=DRUGS)
    fields = walk.page.fields | {"go": "send"}
    first, second = (walk.client.post("/", data=fields) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.data == second.data
    assert len(stored(public_line)) == 1


def test_what_is_changed_after_sending_joins_the_first_report(public_line: PublicLine) -> None:
    walk = Walk(app_of(public_line).test_client())
    walk.to_check(what=DRUGS)
    before = walk.response
    first = walk.press("go=send").receipt
    walk.response = before
    walk.press("change=who")
    walk.press(who="o dono do bar")
    assert walk.press("go=send").receipt == first
    (row,) = stored(public_line)
    assert len(public_line.pipeline.tips.bodies(row.id)) == 2


@pytest.mark.usefixtures("nothing_stored")
def test_every_question_may_be_skipped_and_a_report_of_nothing_is_not_sent(walk: Walk) -> None:
    walk.to_check()
    page = walk.press("go=send")
    assert walk.response.status_code == 422
    assert page.title.startswith("Error: ")
    assert 'href="#change-what"' in page.html
    assert 'id="change-what"' in page.html


@pytest.mark.parametrize("skipped", range(6))
def test_a_page_without_an_answer_says_so_first_and_links_to_the_field(
    walk: Walk, skipped: int
) -> None:
    for _ in range(skipped):
        walk.press("go=skip")
    page = walk.press("go=next")
    assert walk.response.status_code == 422
    assert page.title.startswith(f"Error: Question {skipped + 1} of 6")
    main = page.html.partition("<main")[2].partition(">")[2].lstrip()
    assert main.startswith('<div class="problems" role="alert"')
    (field,) = re.findall(r'<a href="#([a-z]+)">', main)
    assert f'id="{field}"' in main
    assert f'id="{field}-wrong"' in main


def test_enter_continues_on_every_page(walk: Walk) -> None:
    for _ in range(6):
        assert walk.page.buttons[0] == ("go", "next")
        walk.press("go=skip")


BEATEN = "O marido da vizinha bate nela todo dia"


def to_details(walk: Walk, what: str) -> Page:
    """Up to the first question that only some types are asked."""
    walk.press("go=skip")
    walk.press(what=what)
    for _ in range(3):
        walk.press("go=skip")
    return walk.page


def test_danger_is_asked_after_asking_whether_it_is_safe_and_reaches_the_desk(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    walk = Walk(app_of(public_line).test_client())
    assert walk.page.title.startswith("Question 1 of 6–9")
    page = to_details(walk, BEATEN)
    assert page.title.startswith("Question 6 of 8")
    assert "Is it safe to answer more now?" in page.words
    page = walk.press(**{"detail-gbv-safe": "yes"})
    assert page.title.startswith("Question 7 of 8")
    assert page.html.count('type="checkbox"') == 7
    walk.response = walk.client.post(
        "/", data=page.fields | {"detail-gbv-danger": ["weapon", "threat"], "go": "back"}
    )
    page = walk.press()
    assert page.html.count(" checked") == 2
    walk.response = walk.client.post(
        "/", data=page.fields | {"detail-gbv-danger": ["weapon", "threat"], "go": "next"}
    )
    check = walk.to_check(more="ele volta à noite")
    assert "a weapon threat to kill" in check.words
    walk.press("go=send")
    content = opened(staff_line, sign_in, "gabi")
    assert content.tip.ticked == ("gbv-safe:yes", "gbv-danger:weapon", "gbv-danger:threat")
    assert "danger_told" in content.tip.tags
    assert ("priority", "danger-told") in [(r.table, r.row) for r in content.decision.rules]


@pytest.mark.parametrize("button", ["next", "skip"])
def test_who_is_not_safe_is_asked_no_more_and_the_count_only_shrinks(
    walk: Walk, button: str
) -> None:
    to_details(walk, BEATEN)
    no = {} if button == "skip" else {"detail-gbv-safe": "no"}
    page = walk.press(f"go={button}", **no)
    assert page.title.startswith("Question 7 of 7")
    assert 'name="more"' in page.html


def test_boxes_can_be_unticked_and_other_answers_are_not_taken(walk: Walk) -> None:
    to_details(walk, BEATEN)
    walk.press(**{"detail-gbv-safe": "yes"})
    fields = walk.page.fields
    walk.response = walk.client.post("/", data=fields | {"go": "next"})
    assert walk.response.status_code == 422
    walk.press(**{"detail-gbv-danger": "score"})
    assert walk.response.status_code == 422
    walk.press(**{"detail-gbv-danger": "weapon"})
    walk.press("go=back")
    assert " checked" in walk.page.html
    walk.response = walk.client.post("/", data=fields | {"go": "skip"})
    walk.press("go=back")
    assert " checked" not in walk.page.html


def test_another_type_drops_the_answers_of_the_first(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    walk = Walk(app_of(public_line).test_client())
    to_details(walk, BEATEN)
    walk.press(**{"detail-gbv-safe": "yes"})
    walk.to_check()
    walk.press("change=what")
    check = walk.press(what=DRUGS)
    assert "How do they sell" in check.words
    assert "safe" not in check.words.partition("What happens to it")[0]
    walk.press("go=send")
    assert opened(staff_line, sign_in, "paulo").tip.ticked == ()


def test_a_page_of_a_type_that_was_open_too_long_keeps_what_was_written(
    public_line: PublicLine,
) -> None:
    walk = Walk(app_of(public_line).test_client())
    fields = to_details(walk, DRUGS).fields
    later(public_line, 3 * 24 * 3600)
    walk.response = walk.client.post(
        "/", data=fields | {"detail-drugs-how": "de moto", "go": "next"}
    )
    assert walk.response.status_code == 409
    assert "How do they sell" in walk.page.words
    assert walk.page.fields["detail-drugs-how"] == "de moto"


@pytest.mark.parametrize("typed", ["Belém", "rocinha", "Bom Jesus"])
def test_a_place_that_is_not_sure_is_asked_and_never_guessed(walk: Walk, typed: str) -> None:
    walk.press("go=skip")
    walk.press(what=DRUGS)
    page = walk.press(where=typed)
    assert page.title.startswith("Question 3 of 8")
    assert 'name="municipality" value="BR:IBGE:' in page.html
    assert 'name="municipality" value="none"' in page.html
    assert "municipality" not in page.fields
    assert walk.press("go=next").title.startswith("Error: ")
    walk.press(municipality="none")
    assert walk.page.title.startswith("Question 4 of 8")


def test_the_chosen_place_is_the_one_that_counts(walk: Walk) -> None:
    walk.press("go=skip")
    walk.press(what=DRUGS)
    walk.press(where="São Gonçalo do Amarante")
    walk.press(municipality="BR:IBGE:2412005")
    assert "São Gonçalo do Amarante, RN" in walk.to_check().words
    walk.press("go=back")
    assert "São Gonçalo do Amarante, RN" in walk.to_check().words


def test_a_municipality_that_was_not_offered_is_not_taken(walk: Walk) -> None:
    walk.press("go=skip")
    walk.press(what=DRUGS)
    walk.press(where="Belém")
    walk.press(municipality=NITEROI)
    assert walk.response.status_code == 422


def test_back_language_and_change_keep_what_was_written(walk: Walk) -> None:
    walk.press(urgency="past")
    walk.press("go=back", what=DRUGS)
    assert walk.page.fields["urgency"] == "past"
    assert walk.press().fields["what"] == DRUGS
    assert walk.press("language=ht", what=DRUGS + "!").fields["what"] == DRUGS + "!"
    assert '<html lang="ht">' in walk.page.html
    walk.press("language=en")
    walk.to_check(where="Niterói RJ")
    assert walk.press("change=where").fields["where"] == "Niterói RJ"
    assert walk.press(where="Maricá RJ").title.startswith("Check")
    assert "Maricá, RJ" in walk.page.words
    assert DRUGS + "!" in walk.page.words


def test_a_text_taken_back_is_gone(walk: Walk) -> None:
    walk.press("go=skip")
    walk.press(what=DRUGS)
    walk.press("go=back")
    walk.press("go=skip", what="")
    assert DRUGS not in walk.to_check().words


def test_no_button_loses_words(walk: Walk) -> None:
    walk.press("go=skip")
    walk.press("go=skip", what=DRUGS)
    assert DRUGS in walk.to_check().words


@pytest.mark.usefixtures("nothing_stored")
def test_a_page_open_too_long_says_so_and_keeps_its_text(walk: Walk, line: PublicLine) -> None:
    walk.press("go=skip")
    later(line, 37 * 3600)
    page = walk.press(what=DRUGS)
    assert walk.response.status_code == 409
    assert page.title.startswith("Error: ")
    assert page.fields["what"] == DRUGS
    assert '<html lang="en">' in page.html
    assert walk.press().title.startswith("Question 3")


def test_a_page_lives_a_whole_day(walk: Walk, line: PublicLine) -> None:
    walk.press("go=skip")
    later(line, 24 * 3600)
    assert walk.press(what=DRUGS).title.startswith("Question 3")


@pytest.mark.parametrize("sealed", ["", "AAAA", "não", "A" * 5000])
def test_an_altered_form_opens_nothing_and_keeps_the_text(walk: Walk, sealed: str) -> None:
    walk.press("go=skip")
    page = walk.press(what=DRUGS, form=sealed)
    assert walk.response.status_code == (409 if sealed else 422)
    assert page.fields["what"] == DRUGS


def test_a_form_of_one_page_does_not_open_another(walk: Walk) -> None:
    carried = walk.page.fields["form"]
    response = walk.client.post("/follow-up", data={"form": carried, "message": "x"})
    assert response.status_code == 409


def test_an_empty_post_is_an_incomplete_form(walk: Walk) -> None:
    response = walk.client.post("/", data={}, headers=ENGLISH)
    assert response.status_code == 422
    assert Page(response.text).title.startswith("Error")


@pytest.mark.parametrize(
    ("field", "step"), [("what", 1), ("where", 2), ("spot", 2), ("when", 3), ("more", 5)]
)
@pytest.mark.usefixtures("nothing_stored")
def test_too_long_is_said_and_the_words_stay(walk: Walk, field: str, step: int) -> None:
    for _ in range(step):
        walk.press("go=skip")
    words = "palavra " * 2600
    page = walk.press(**{field: words})
    assert walk.response.status_code == 413
    assert page.title.startswith("Error: ")
    assert page.fields[field].strip() == words.strip()


@pytest.mark.parametrize("words", ["x" * 5_000_000, "e" + "\u0301" * 1_000_000])
@pytest.mark.usefixtures("nothing_stored")
def test_a_flood_of_text_gets_a_sentence(walk: Walk, words: str) -> None:
    response = walk.client.post("/", data={"what": words}, headers=ENGLISH)
    assert response.status_code == 413
    assert "longer than the line can take" in Page(response.text).words


def test_control_characters_and_binary_are_taken_as_text(walk: Walk, line: PublicLine) -> None:
    before = stored(line)
    body = b"form=" + walk.page.fields["form"].encode() + b"&urgency=now"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    walk.response = walk.client.post("/", data=body, headers=kind)
    body = b"form=" + walk.page.fields["form"].encode() + b"&what=tiros+%00%07%ff%fe%1b[31m+agora"
    walk.response = walk.client.post("/", data=body, headers=kind)
    assert walk.page.title.startswith("Question 3")
    walk.to_check()
    walk.press("go=send")
    assert len(walk.page.receipt) == 20
    (row,) = [row for row in stored(line) if row not in before]
    assert row.priority is Priority.P0


def test_clean_keeps_words_and_drops_what_is_none() -> None:
    assert clean("  a\r\nb\x00c\ud800\u202e ") == "a\nb c\ufffd\u202e"
    assert clean("é" * 3 + "e" + "\u0301" * 500) == "é" * 3 + "e" + "\u0301" * 30
    assert clean("ação não çedilha") == "ação não çedilha"
    assert clean("\x00\x01 \r\n") == ""


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", ""])
@pytest.mark.parametrize("path", ["/", "/follow-up"])
def test_only_forms_are_read(walk: Walk, kind: str, path: str) -> None:
    response = walk.client.post(path, data=b'{"what": "x"}', content_type=kind)
    assert response.status_code == 415


def test_a_program_is_slowed_down_and_never_refused(line: PublicLine) -> None:
    pauses: list[float] = []
    before = len(stored(line))
    client = app_of(line, pauses.append).test_client()
    hurried, trapped, calm = Walk(client), Walk(client), Walk(client)
    assert sent(hurried)
    assert len(pauses) == 1
    later(line, 60)
    trapped.to_check(what=DRUGS)
    assert len(trapped.press("go=send", website="https://spam.example").receipt) == 20
    assert len(pauses) == 2
    assert sent(calm)
    assert len(pauses) == 2
    assert len(stored(line)) == before + 3


def test_every_page_is_neutral_small_and_alone(walk: Walk) -> None:
    with walk.client.get("/static/public.css") as style:
        weight = len(style.data)
    assert weight <= 10_000
    assert len(walk.response.data) + weight <= 12_288
    for step in range(10):
        page, headers = walk.page, walk.response.headers
        assert "Set-Cookie" not in headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "script" not in headers["Content-Security-Policy"]
        assert not re.search(r"<(script|style|svg|img|iframe)|style=|https?://", page.html)
        assert not re.search("crime|hotline|denúncia", page.title, re.IGNORECASE)
        assert 'href="tel:190"' in page.html
        assert 'href="/exit"' in page.html
        assert "190" in page.words.partition(" Question ")[0]
        weight += len(walk.response.data)
        walk.press("go=skip" if step < 8 and step != 1 else "go=next", what=DRUGS)
    assert weight <= 40_000


def test_the_stylesheet_fetches_nothing(walk: Walk) -> None:
    with walk.client.get("/static/public.css") as style:
        assert not re.search(r"url\(|@import|@font-face|image-set|//", style.text)


@pytest.mark.parametrize("language", list(Language))
def test_the_first_page_is_small_in_every_language(walk: Walk, language: Language) -> None:
    page = walk.client.get("/", headers={"Accept-Language": language.tag})
    with walk.client.get("/static/public.css") as style:
        weight = len(style.data)
    assert f'<html lang="{language.tag}">' in page.text
    assert len(page.data) + weight <= 12_288
    for each, native in NATIVE.items():
        assert re.search(rf'<button[^>]* lang="{each.tag}"[^>]*>{native}<', page.text)


def test_leaving_is_one_step_to_somewhere_neutral(walk: Walk) -> None:
    response = walk.client.get("/exit")
    assert response.status_code == 303
    assert response.headers["Location"].startswith("https://www.climatempo.com.br")
    assert response.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_the_receipt_page_tells_what_is_urgent_and_what_helps(walk: Walk) -> None:
    walk.to_check(urgency="now", what="homem estuprou uma mulher", crime_type="GBV-05")
    page = walk.press("go=send")
    assert "Call 190 now" in page.words
    assert "72 hours" in page.words
    assert "Ligue 180, listens" in page.words  # the number once, though the name holds it
    assert 'class="receipt"' in page.html
    assert "form" not in page.fields


def test_numbers_that_open_nothing_all_look_alike(walk: Walk) -> None:
    known = sent(walk)
    wrong = known[:-1] + str((int(known[-1]) + 1) % 10)
    pages = []
    for typed in (known, " ".join(known), wrong, new_code(), "1234"):
        response = walk.client.post("/follow-up", data={"receipt": typed}, headers=ENGLISH)
        pages.append((response.status_code, Page(response.text).plain, len(response.data)))
    assert len(set(pages)) == 1
    assert pages[0][0] == 200


def test_the_number_is_never_on_the_page_nor_in_an_address(walk: Walk) -> None:
    code = sent(walk)
    page = walk.client.post("/follow-up", data={"receipt": code}, headers=ENGLISH)
    assert code not in page.text
    assert code[:4] not in Page(page.text).words
    response = walk.client.get(f"/follow-up?receipt={code}", headers=ENGLISH)
    assert code not in response.text
    assert "20 digits" in Page(response.text).words


@pytest.mark.parametrize("typed", ["", "   ", "abc"])
def test_no_number_is_an_incomplete_form(walk: Walk, typed: str) -> None:
    response = walk.client.post("/follow-up", data={"receipt": typed}, headers=ENGLISH)
    assert response.status_code == 422
    assert Page(response.text).title.startswith("Error: ")
    assert Page(response.text).fields["receipt"] == typed


def reply(line: PublicLine, *replies: messages.Reply) -> None:
    for each in replies:
        line.database.write(lambda c, each=each: put_reply(c, *each))


def test_answers_are_read_with_the_receipt_in_their_own_language(
    walk: Walk, line: PublicLine
) -> None:
    code = sent(walk)
    keys = keys_of(line, code)
    said = messages.message(
        keys.lookup, keys.public, "question", "A que horas?", Language.PT, "2026-03-11", 0
    )
    reply(line, said, messages.status(keys.lookup, keys.public, "asked", "2026-03-11"))
    response = walk.client.post("/follow-up", data={"receipt": code}, headers=ENGLISH)
    assert '<article lang="pt-BR">' in response.text
    assert "A que horas?" in response.text
    assert "We have a question for you." in Page(response.text).words


@pytest.mark.parametrize("code", [*messages.STATUSES, "from-a-later-version"])
def test_every_status_is_a_sentence(walk: Walk, line: PublicLine, code: str) -> None:
    receipt = sent(walk)
    keys = keys_of(line, receipt)
    reply(line, messages.status(keys.lookup, keys.public, code, "2026-03-11"))
    response = walk.client.post("/follow-up", data={"receipt": receipt}, headers=ENGLISH)
    assert response.status_code == 200
    said = {**messages.STATUSES, "waiting": WAITING}.get(code, messages.STATUSES["other"])
    assert f"<p>{said}</p>" in response.text


def test_a_message_is_added_once_and_its_page_goes_on(public_line: PublicLine) -> None:
    walk = Walk(app_of(public_line).test_client())
    code = sent(walk)
    (row,) = stored(public_line)
    walk.response = walk.client.post("/follow-up", data={"receipt": code}, headers=ENGLISH)
    fields = walk.page.fields | {"message": "agora são dois carros", "go": "send"}
    first, second = (walk.client.post("/follow-up", data=fields) for _ in range(2))
    assert Page(first.text).plain == Page(second.text).plain
    assert "Your message was added." in Page(first.text).words
    assert len(public_line.pipeline.tips.bodies(row.id)) == 2
    walk.response = first
    assert walk.press("go=send", path="/follow-up", message=" ").title.startswith("Error: ")
    assert walk.response.status_code == 422


def test_a_message_with_a_number_nobody_has_is_not_lost(walk: Walk, line: PublicLine) -> None:
    before = len(stored(line))
    response = walk.client.post("/follow-up", data={"receipt": new_code()}, headers=ENGLISH)
    walk.response = response
    page = walk.press("go=send", path="/follow-up", message=DRUGS)
    assert "Your message was added." in page.words
    assert len(stored(line)) == before + 1


def test_without_database_the_line_says_so_and_names_other_ways(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseUnavailable

    walk.to_check(what=DRUGS)
    before = walk.response
    monkeypatch.setattr(Tips, "store", refuse)
    page = walk.press("go=send")
    assert walk.response.status_code == 503
    assert walk.response.headers["Retry-After"]
    assert "(21) 2253-1177" in page.words
    assert DRUGS not in page.html
    monkeypatch.undo()
    walk.response = before
    assert len(walk.press("go=send").receipt) == 20


def test_what_nobody_expected_gets_a_number_and_no_words(
    line: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError(DRUGS)

    log = io.StringIO()
    walk = Walk(app_of(line, log=log).test_client())
    walk.to_check(what=DRUGS)
    monkeypatch.setattr(Tips, "store", explode)
    page = walk.press("go=send")
    assert walk.response.status_code == 500
    (number,) = re.findall(r"name this number: (\w{8})", page.words)
    assert number in log.getvalue()
    assert "Boca" not in log.getvalue() + page.html


@pytest.mark.parametrize(("method", "path", "status"), [("get", "/x", 404), ("put", "/", 405)])
def test_other_failures_are_pages_too(walk: Walk, method: str, path: str, status: int) -> None:
    response = getattr(walk.client, method)(path, headers=PORTUGUESE)
    assert response.status_code == status
    assert '<html lang="pt-BR">' in response.text
    assert 'href="tel:190"' in response.text


def test_processes_that_share_redis_read_each_others_forms(
    clock: MovableClock, redis_url: str
) -> None:
    one, other, alone = FormKeys(clock, redis_url), FormKeys(clock, redis_url), FormKeys(clock)
    carried = one.seal("form", b"answers")
    assert other.open("form", carried) == b"answers"
    with pytest.raises(FormExpired):
        alone.open("form", carried)
    with pytest.raises(FormExpired):
        other.open("follow-up", carried)


def test_form_keys_change_twice_a_day_and_are_forgotten(clock: MovableClock) -> None:
    keys = FormKeys(clock)
    first = keys.seal("form", b"x")
    clock.advance(12 * 3600)
    assert keys.seal("form", b"x")[:6] != first[:6]
    assert keys.open("form", first) == b"x"
    clock.advance(24 * 3600)
    with pytest.raises(FormExpired):
        keys.open("form", first)


def test_the_whole_public_app_serves_these_pages(line: PublicLine) -> None:
    client = apps.public_app(line).test_client()
    for path in ("/", "/follow-up", "/api/v1/openapi.json", "/healthz"):
        assert client.get(path).status_code == 200
    assert Walk(client).press("go=skip").title.startswith("Question 2")
    assert "190" in client.get("/nothing").text


def test_readiness_names_what_is_missing(
    public_line: PublicLine, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(app_of(public_line).test_client())
    assert walk.client.get("/healthz").json == {"alive": True}
    assert walk.client.get("/readyz").json == {"ready": False, "reasons": ["receipts"]}
    monkeypatch.setattr(type(public_line.pipeline.receipts), "__len__", lambda _: 1)
    assert walk.client.get("/readyz").json == {"ready": True}
    clock.advance(400 * 86400)
    response = walk.client.get("/readyz")
    assert response.status_code == 503
    assert response.json == {"ready": False, "reasons": ["keys"]}
    public_line.database.write(lambda c: c.execute(text("DROP TABLE alembic_version")))
    assert walk.client.get("/readyz").json["reasons"] == ["migrations", "keys"]
