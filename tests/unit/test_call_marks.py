"""The marks of a call are what receiving it would take out, and no page of them says more."""

from __future__ import annotations

import pytest

from hotline.assembly import StaffLine
from hotline.intake.merge import strip_contact
from hotline.tips import Channel, Contact, Language, Question
from hotline.triage.pages.marks import marks
from tests.calls import Call, doubtful, gone
from tests.desk import Office

OWN, OTHER = "21 99888-7766", "21 98765-4321"
TOLD = {
    Language.PT: f"Meu nome é Marina Duarte, meu número é {OWN}. O traficante usa {OTHER}",
    Language.ES: f"Me llamo Marina Duarte, mi teléfono es {OWN}. El vendedor usa {OTHER}",
    Language.EN: f"My name is Marina Duarte, my phone is {OWN}. The dealer uses {OTHER}",
    Language.FR: f"Je m'appelle Marina Duarte, mon numéro est {OWN}. Le dealer : {OTHER}",
    Language.HT: f"Non mwen se Marina Duarte, nimewo mwen se {OWN}. Machann nan: {OTHER}",
}


def contact(language: Language, **answers: str) -> Contact:
    return Contact(
        channel=Channel.OPERATOR,
        text=TOLD[language],
        language=language,
        answers={Question(name): words for name, words in answers.items()},
        details={"drugs-how": "Marina Duarte sabe, 11 97777-6666"},
    )


@pytest.mark.parametrize("language", Language)
def test_marks_are_what_receiving_takes_out(language: Language) -> None:
    told = contact(language, who="O Beto, 21 98765-4321", more="Marina Duarte viu")
    tip, _ = strip_contact(told)
    found = marks(told)
    texts = {"what": told.text, **told.answers, **told.details}
    for key, pieces in found.texts.items():
        assert "".join(piece.text for piece in pieces) == texts[key]
    marked = [piece for pieces in found.texts.values() for piece in pieces if piece.kind]
    removed = [piece for piece in marked if not piece.doubtful]
    assert len(removed) == found.removed == len(tip.removed)
    assert sorted((piece.kind, piece.reason) for piece in removed) == sorted(
        (gone.kind, gone.reason) for gone in tip.removed
    )
    assert all(any(own in piece.text for piece in removed) for own in (OWN, "Marina Duarte"))
    assert [p.text for p in marked if p.doubtful] == [doubt.text for doubt in tip.doubts]
    assert found.doubtful == len(tip.doubts)


def test_a_name_told_once_is_marked_in_the_later_answers() -> None:
    found = marks(contact(Language.PT, more="Marina Duarte viu"))
    assert [p.text for p in found.texts["more"] if p.kind] == ["Marina Duarte"]


@pytest.fixture
def call(staff_line: StaffLine) -> Call:
    return Call(Office.of(staff_line)("paulo"), "pt")


def test_the_script_is_answered_with_the_marks_of_the_page(call: Call) -> None:
    fields = {"what": TOLD[Language.PT], "more": "O número 11 97777-6666 está na parede"}
    answer = call.marks(**fields)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    call.press(**fields)
    name, number = gone(answer.text)
    assert name == "Marina Duarte" and number.endswith(OWN)
    assert gone(call.html) == [name, number]
    assert doubtful(answer.text) == doubtful(call.html)
    assert "<html" not in answer.text and "<script" not in answer.text


def test_what_was_typed_is_text_and_never_markup(call: Call) -> None:
    words = '<img src=x onerror=alert(1)> meu telefone é 21 99888-7766 "><script>'
    answer = call.marks(what=words, where=words, spot=words, detail__x=words)
    call.press(what=words, where=words, spot=words)
    for html in (answer.text, call.html):
        assert "<img" not in html and "<script>" not in html


def test_too_much_is_refused_without_a_word_of_it(call: Call) -> None:
    answer = call.marks(what="palavra " * 3000)
    assert answer.status_code == 413
    assert "palavra" not in answer.text
