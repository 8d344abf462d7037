"""Phrases: in five languages, with the profile's own numbers, found by a word of any of two."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from string import Formatter

import pytest

from hotline.routing.profile import Profile
from hotline.tips import Language
from hotline.triage.phrases import LISTED, QUESTIONS, REPLIES, Book, unfold

PT, EN, HT = Language.PT, Language.EN, Language.HT
GROUPS = ("GBV", "CHILD", "TIP", "VULN", "PERSONS", "FINCYB", "ENV")
DAY = date(2026, 3, 12)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.load("br-rj")


def book(profile: Profile, theirs: Language = HT, ours: Language = PT) -> Book:
    return Book(profile, DAY, theirs, ours)


def test_there_is_one_for_what_lines_ask() -> None:
    assert len(QUESTIONS) >= 15 and len(REPLIES) >= 15
    for phrases in LISTED.values():
        codes = [phrase.code.replace("_", "") for phrase in phrases]
        assert len(set(codes)) == len(codes)


def test_only_a_line_of_the_profile_is_ever_filled_in() -> None:
    for phrase in (*QUESTIONS, *REPLIES):
        fields = {name for _, name, _, _ in Formatter().parse(phrase.text) if name is not None}
        assert fields == ({"line"} if phrase.purposes else set())


@pytest.mark.parametrize("kind", LISTED)
@pytest.mark.parametrize("language", Language)
def test_each_is_whole_in_each_language(profile: Profile, kind: str, language: Language) -> None:
    offered = book(profile, theirs=language, ours=EN).offered(kind, GROUPS)
    assert len(offered) == len(LISTED[kind])
    for spoken in offered:
        assert not re.search(r"[{}]", spoken.theirs + spoken.ours)
        assert language is EN or spoken.theirs != spoken.ours


def test_what_is_for_a_type_is_offered_first_and_to_no_other(profile: Profile) -> None:
    general = [spoken.code for spoken in book(profile).offered("reply", ("PROPERTY",))]
    women = [spoken.code for spoken in book(profile).offered("reply", ("GBV",))]
    assert "women" not in general
    assert women[0] == "women" and set(women) == {"women", *general}


def test_a_number_the_profile_lacks_is_not_offered(profile: Profile) -> None:
    bare = book(replace(profile, emergency=())).offered("reply", ("GBV",))
    assert not {"women", "call", "support"} & {spoken.code for spoken in bare}
    assert "thanks" in {spoken.code for spoken in bare}


def test_each_line_is_told_back_in_the_operators_language(profile: Profile) -> None:
    between = book(profile)
    call = next(s for s in between.offered("reply", ()) if s.code == "call")
    assert "190" in call.theirs and "190" in call.ours
    typed = "Mèsi {line} %s"
    lines = between.back(f"{call.theirs}\n{typed}\n")
    assert [(line.theirs, line.ours) for line in lines] == [(call.theirs, call.ours), (typed, "")]
    assert between.typed(f"{call.theirs}\n{typed}") == typed


def test_a_word_of_either_language_finds_it(profile: Profile) -> None:
    offered = book(profile).offered("question", ())
    weapons = next(s.theirs for s in offered if s.code == "weapons")
    for word in ("weapons", "armas", "ARMAS", "zam"):
        assert unfold(f"Mèsi. ::{word}", offered) == (f"Mèsi.\n{weapons}", {}), word


def test_two_that_are_found_wait_for_a_choice_and_none_stays_as_typed(profile: Profile) -> None:
    offered = book(profile).offered("question", ())
    text, found = unfold("::zzz e ::onde", offered)
    assert found["zzz"] == [] and "::zzz" in text
    assert {s.code for s in found["onde"]} >= {"where", "hidden"} and "::onde" in text


def test_what_has_no_mark_stays_as_it_was_typed(profile: Profile) -> None:
    text = "um  dois: {x} http::\n\n três"
    assert unfold(text, book(profile).offered("reply", ())) == (text, {})
