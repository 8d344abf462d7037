"""Questions by telephone keys: few, short, skippable, and each key means one thing."""

from __future__ import annotations

import math
import re

import pytest

from hotline.commands.prompts import WORDS_A_MINUTE
from hotline.intake import choices, details
from hotline.intake.choices import TYPES, by_keys, ever_asked, pressed, spoken
from hotline.intake.conversation import CHOICES, patience
from hotline.intake.speaking import MENU_SECONDS, TYPING_SECONDS
from hotline.intake.voice import file_name
from hotline.routing.asking import Detail, Kind, Option, QuestionProblem, questions_for, table
from hotline.routing.classify import type_groups
from hotline.tips import Language

MOST_SECONDS = 180


def asked(*codes: str) -> list[str]:
    return [detail.id for detail in by_keys(codes)]


def test_the_keys_ask_what_other_channels_ask_but_for_what_needs_words() -> None:
    assert asked("GBV-01") == ["gbv-safe", "gbv-danger"]
    assert asked("CHD-04") == ["child-near"]
    assert asked("VUL-01") == ["elder-help", "elder-kept"]
    assert asked("TIP-02") == ["people-leave", "people-held"]
    assert asked("PRP-01") == ["robbery-guns"]
    assert asked("ENV-01") == ["nature-going-on"]
    assert asked("ORG-01") == asked("INT-01") == asked(*choices.OTHER) == []
    assert [d.id for d in ever_asked()] == [
        *("gbv-safe", "gbv-danger", "child-near", "elder-help", "elder-kept", "robbery-guns"),
        *("people-leave", "people-held", "nature-going-on"),
    ]


@pytest.mark.parametrize("code", type_groups())
def test_no_type_is_asked_more_by_keys_than_in_words_nor_more_than_there_are_states(
    code: str,
) -> None:
    assert len(asked(code)) <= len(CHOICES) == 2
    assert set(asked(code)) <= {detail.id for detail in questions_for([code])}


@pytest.mark.parametrize("language", Language)
def test_a_caller_who_never_presses_a_key_is_held_for_less_than_three_minutes(
    language: Language,
) -> None:
    """Every question of a type heard as often as the table says it, at the pace of a placeholder,
    with every wait to its end."""
    for types in TYPES.values():
        held = 0.0
        for state, detail in zip(CHOICES, by_keys(types), strict=False):
            words = sum(len(said.split()) for _, _, said in spoken(detail, language)) + 6
            wait = TYPING_SECONDS if detail.kind is Kind.ANY_OF else MENU_SECONDS
            held += patience(state) * (words * 60 / WORDS_A_MINUTE + wait)
        assert math.ceil(held) <= MOST_SECONDS, types


@pytest.mark.parametrize("language", Language)
def test_every_sentence_is_short_ends_in_its_key_and_has_a_recording_of_its_own(
    language: Language,
) -> None:
    files: dict[str, str] = {}
    for detail in ever_asked():
        lines = list(spoken(detail, language))
        assert lines[0][2] == detail.ask[language]
        assert {key for _, key, _ in lines[1:]} >= {"0", "1", "2"}
        for name, key, words in lines:
            assert len(words.split()) <= 20
            assert key in ("", "#") or words.rfind(key) > len(words) * 0.5, words
            file = file_name(name, key)
            assert files.setdefault(file, words) == words, file
            stem = file.removesuffix(".mp3")
            assert stem.endswith(key) if key not in ("", "#") else not stem[-1].isdigit()


def test_a_child_who_calls_hears_one_question_and_no_word_of_what_was_done() -> None:
    (near,) = by_keys(TYPES["2"])
    text = " ".join(words for language in Language for _, _, words in spoken(near, language))
    assert not re.search(
        r"abus|sex|viol|estupr|kadejak|touch[^e]|toca|hit|bat", text, re.IGNORECASE
    )
    assert near.unreviewed  # nobody who knows the field has read it: staff are told so


@pytest.mark.parametrize(
    ("identity", "digits", "ticks"),
    [
        ("gbv-safe", "1", "gbv-safe:yes"),
        ("gbv-safe", "2", "gbv-safe:no"),
        ("gbv-danger", "1", "gbv-danger:weapon"),
        ("gbv-danger", "713", "gbv-danger:weapon gbv-danger:choking gbv-danger:pregnancy"),
        ("gbv-danger", "11", "gbv-danger:weapon"),
    ],
)
def test_keys_choose(identity: str, digits: str, ticks: str) -> None:
    assert pressed(table()[identity], digits) == tuple(ticks.split())


@pytest.mark.parametrize("digits", ["", "0", "8", "18", "10", "*", "1*", "#", "D", "?", "½", "٣"])
@pytest.mark.parametrize("identity", ["gbv-safe", "gbv-danger", "drugs-how"])
def test_what_names_no_answer_chooses_nothing(identity: str, digits: str) -> None:
    assert pressed(table()[identity], digits) == ()


def test_a_question_with_a_sentence_too_long_to_be_heard_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = dict.fromkeys(Language, "a")
    options = (Option("one", dict.fromkeys(Language, "a " * 20)), Option("two", words))
    long = Detail(
        id="long-one",
        types=frozenset({"ENV-01"}),
        kind=Kind.ANY_OF,
        ask=words,
        source="Ours.",
        options=options,
    )
    monkeypatch.setattr(details, "table", lambda: {"long-one": long})
    with pytest.raises(QuestionProblem, match="more than 20 words"):
        details.check()
