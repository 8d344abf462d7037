"""Why something was removed, doubted, held, classed or placed, in the language of who reads it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from flask import Flask, g

from hotline.intake.stripping import engine, risk, strip
from hotline.routing import classify, places, recusal, spots
from hotline.tips import Channel, Doubt, Language, Question, Removed, Tip
from hotline.triage.pages import reasons
from hotline.triage.pages.reasons import HELD, ROUTING, SPANS, why
from hotline.triage.pages.told import Segment, beside, held_because, removed_kinds, segments
from tests.stripping import labelled

STRIPPING = Path(engine.__file__).parent
KNOWN = frozenset((*HELD, *SPANS))
MAKERS = {"finding", "Finding", "Risk", "Span", "Doubt"}
NAMES = {"reason", "why", "_REASON"}


def sentences(node: ast.AST) -> Iterator[str]:
    """Every text of two words or more below a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value:
            yield part.value


def given(module: Path) -> Iterator[str]:
    """The reasons a module writes: of what it finds, named ``reason``, or assigned to one."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in MAKERS:
                yield from chain.from_iterable(map(sentences, node.args))
            for keyword in node.keywords:
                if keyword.arg in NAMES:
                    yield from sentences(keyword.value)
        elif isinstance(node, ast.Assign):
            targets = {getattr(target, "id", "") for target in node.targets}
            if targets & NAMES:
                yield from sentences(node.value)


def ruled(raw: object) -> Iterator[str]:
    """Every ``reason`` of a grammar file, wherever it stands."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            if key == "reason":
                yield str(value)
            yield from ruled(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from ruled(value)


def test_every_reason_of_stripping_is_in_the_catalogues() -> None:
    said = {path.name: set(given(path)) for path in STRIPPING.glob("*.py")}
    for path in STRIPPING.glob("data/*.toml"):
        said[path.name] = set(ruled(tomllib.loads(path.read_text("utf-8"))))
    missing = {name: each - KNOWN for name, each in said.items() if each - KNOWN}
    assert not missing, "add them to hotline/triage/pages/reasons.py, then run scripts/messages"
    assert set(risk._WORDS.values()) <= set(HELD)


def test_whatever_stripping_says_of_real_texts_is_in_the_catalogues() -> None:
    said: set[str] = set()
    for tip in labelled.tips("development")[::5]:
        found = strip(tip.text, transcript=True)
        said.update(span.reason for span in (*found.removed, *found.doubtful) if span.reason)
        said.update(found.reasons)
    assert len(said) > 15
    assert said <= KNOWN


def shape(node: ast.AST) -> str:
    """A sentence of the code with nameless blanks."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(shape, node.values))
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


def written(module: Path) -> Iterator[str]:
    """Every whole sentence of a module that is no docstring."""
    tree = ast.parse(module.read_text("utf-8"))
    aside = {id(part) for node in ast.walk(tree) for part in inner(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in aside:
            sentence = shape(node)
            if " " in sentence and sentence.endswith("."):
                yield sentence


def inner(node: ast.AST) -> list[ast.expr]:
    """Docstrings, the words of errors, and the pieces of f-strings."""
    if isinstance(node, ast.Expr):
        return [node.value]
    if isinstance(node, ast.ClassDef):
        return [line.value for line in node.body if isinstance(line, ast.Assign)]
    return node.values if isinstance(node, ast.JoinedStr) else []


def test_every_reason_of_routing_is_in_the_catalogues() -> None:
    known = {re.sub(r"\{\w+\}", "{}", sentence) for sentence in ROUTING}
    for module in (places, spots):
        told = set(written(Path(module.__file__)))
        assert told and told <= known, told - known
    assert {
        *(classify.CHOSEN, classify.BECAUSE, classify.THREAT),
        *(classify.ONLY_A_PERSON, classify.NOTHING),
        *(recusal.NAMED, recusal.UNSURE, recusal.BY_TYPE, recusal.BY_TAG, recusal.BY_WORDS),
    } <= set(ROUTING)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("asks to be called back", "mande pou yo rele l"),
        ("because: 'mule' + 'drogas'", "akòz: 'mule' + 'drogas'"),
        ("because: 'words that were removed'", "akòz: 'mo yo te retire'"),
        ("“Rio” is the name of 2 places.", "“Rio” se non 2 kote."),
        ("“Iracema” is another name of Fortaleza.", "“Iracema” se yon lòt non pou Fortaleza."),
        ("an old sentence that nobody says now", "an old sentence that nobody says now"),
        ("because: '{term}", "because: '{term}"),
    ],
)
def test_a_reason_is_told_in_the_readers_language(reason: str, told: str) -> None:
    with Flask(__name__).test_request_context():
        g.language = Language.HT
        assert why(reason) == told


PHONE = Doubt("[telefone a conferir 1]", "phone", "the text does not say whose it is", "98765")
MAIL = Doubt("[e-mail a conferir 2]", "email", "the text does not say whose it is", "a@b.example")
TIP = Tip(
    channel=Channel.WEB,
    language=Language.PT,
    text=f"Liguem {PHONE.token}, de novo {PHONE.token}" + " muito longe daqui" * 9,
    answers={Question.WHO: f"Escrevam para {MAIL.token}"},
    doubts=(PHONE, MAIL),
    hold_reasons=(reasons.UNATTRIBUTED, "the language is unsure"),
)


def test_a_text_is_cut_at_its_doubtful_spans() -> None:
    parts = segments(TIP.text, TIP.doubts)
    assert [(p.text, p.number) for p in parts[:4]] == [
        ("Liguem ", 0),
        (PHONE.token, 1),
        (", de novo ", 0),
        (PHONE.token, 1),
    ]
    assert "".join(p.text for p in parts) == TIP.text
    assert repr(parts[0]) == "<Segment redacted>"


def test_a_doubtful_span_is_shown_with_the_words_beside_it() -> None:
    first, second = beside(TIP)
    assert [p.number for p in first] == [0, 1, 0, 1, 0]
    assert first[-1].text.endswith("daqui muito …")
    assert [p.text for p in second] == ["Escrevam para ", MAIL.token]
    lost = replace(TIP, text="nothing", answers={})
    assert beside(lost) == [[Segment(PHONE.token, 1)], [Segment(MAIL.token, 2)]]


def test_what_was_removed_is_counted_by_kind() -> None:
    removed = [
        Removed("phone", "asks to be called back"),
        Removed("name", "says own name"),
        Removed("name", "signs the message"),
        Removed("name", "signs the message"),
        Removed("plate", ""),
    ]
    assert removed_kinds(removed) == [
        ("name", 3, ("says own name", "signs the message")),
        ("phone", 1, ("asks to be called back",)),
        ("plate", 1, ()),
    ]


def test_what_was_decided_is_no_longer_in_doubt() -> None:
    assert held_because(TIP) == [reasons.UNATTRIBUTED, "the language is unsure"]
    assert held_because(replace(TIP, doubts=())) == ["the language is unsure"]
