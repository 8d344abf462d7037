"""Stripping: promises that hold for every text, and the time that hostile texts take.

The promises themselves are functions in ``tests/stripping/seeds/promises.py``; the fuzzer
(``scripts/fuzz_stripping.py``) goes through the same ones, and what it kept is read again here.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.intake.stripping import strip, warm
from hotline.tips import Language
from tests.stripping.labelled import Tip
from tests.stripping.seeds import pieces, promises

LENGTH = 100_000
SECONDS = 0.2  # for LENGTH characters, whatever they are, and for the longest text that is read
GROWTH = 2.6  # times as long for twice the length
NOTHING = 0.04  # below a fifth of the limit, how time grows says nothing: the clock is coarse
ROUNDS = 3
ENOUGH = 0.4  # seconds of work that tell how time grows
AGAIN = 5  # times that a growth too steep is measured again, the half beside the whole
HOPELESS = 3.0  # no use in waiting longer

_INTENSE = settings(
    max_examples=200, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module", autouse=True)
def _warm() -> Iterator[None]:
    """And without the collector: it looks through whatever other tests left in this process."""
    warm()
    gc.disable()
    yield
    gc.enable()


def _sentences() -> st.SearchStrategy[str]:
    """Sentences of several tips and languages in any order."""
    chosen = st.lists(st.sampled_from(pieces.sentences()), max_size=6)
    return st.tuples(chosen, st.sampled_from((" ", "\n", ", ", " ", ""))).map(
        lambda drawn: drawn[1].join(drawn[0])
    )


def _spliced(drawn: tuple[Tip, list[str]]) -> str:
    tip, found = drawn
    text = tip.text
    for label, span in reversed(list(zip(tip.labels, found, strict=False))):
        text = text[: label.start] + span + text[label.end :]
    return text


def _tips() -> st.SearchStrategy[str]:
    """Tips with other tips' spans in the places of their own."""
    spans = st.lists(st.sampled_from(pieces.labelled_spans()), max_size=5)
    return st.tuples(st.sampled_from(pieces.development()), spans).map(_spliced)


def _mixed() -> st.SearchStrategy[str]:
    """Phrases the grammars know, spans, tokens of ours, odd characters and random ones."""
    piece = st.one_of(
        st.sampled_from(pieces.phrases()),
        st.sampled_from(pieces.labelled_spans()),
        st.sampled_from(pieces.tokens()),
        st.sampled_from(pieces.ODD),
        st.text(st.characters(), max_size=6),
    )
    return st.lists(st.tuples(piece, st.sampled_from(" \n,"))).map(
        lambda drawn: "".join(part for pair in drawn for part in pair)
    )


TEXTS = st.one_of(_sentences(), _tips(), _mixed(), st.text(st.characters(), max_size=80))
PLACES = st.lists(st.integers(0, 2000), max_size=12)


def _broken(
    promise: promises.Promise, texts: Iterable[str], asked: Iterable[Language | None]
) -> list[str]:
    """How the promise is broken, text by text."""
    found = []
    for text in texts:
        for language in asked:
            try:
                promise(text, language)
            except promises.Broken as broken:
                found.append(f"{text!r} asked {language}: {broken}")
    return found


def _told(found: list[str]) -> str:
    return "\n".join([f"{len(found)} broken, the shortest:", *sorted(found, key=len)[:5]])


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.__name__)
def test_the_labelled_tips_keep(promise: promises.Promise) -> None:
    found = _broken(promise, (tip.text for tip in pieces.development()), (None,))
    assert not found, _told(found)


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.__name__)
def test_what_the_fuzzer_kept_keeps(promise: promises.Promise) -> None:
    """Asked for no language, and for one of them in turn."""
    found = _broken(promise, pieces.seeds(), (None,))
    for number, language in enumerate(Language):
        found += _broken(promise, pieces.seeds()[number :: len(Language)], (language,))
    assert not found, _told(found)


@_INTENSE
@given(TEXTS, st.sampled_from(promises.ASKED))
def test_no_text_makes_it_fail(text: str, language: Language | None) -> None:
    promises.never_fails(text, language)


@_INTENSE
@given(TEXTS, st.sampled_from(promises.ASKED))
def test_spans_fit_and_the_rest_is_untouched(text: str, language: Language | None) -> None:
    promises.spans_fit(text, language)


@_INTENSE
@given(TEXTS, st.sampled_from(promises.ASKED))
def test_a_second_reading_finds_nothing(text: str, language: Language | None) -> None:
    promises.settles(text, language)


@_INTENSE
@given(TEXTS, st.sampled_from(promises.ASKED), st.text(promises.INVISIBLE, min_size=1), PLACES)
def test_invisible_marks_anywhere_change_nothing(
    text: str, language: Language | None, marks: str, places: list[int]
) -> None:
    promises.alike(text, promises.sprinkled(text, marks, places), language)


@_INTENSE
@given(TEXTS, st.sampled_from(promises.ASKED), st.sampled_from(promises.SPACES))
def test_any_space_is_a_space(text: str, language: Language | None, space: str) -> None:
    promises.alike(text, text.replace(" ", space), language)


@_INTENSE
@given(TEXTS, st.sampled_from(promises.ASKED))
def test_spaces_at_the_ends_and_at_line_breaks_change_nothing(
    text: str, language: Language | None
) -> None:
    promises.spaces_at_breaks_change_nothing(text, language)


@_INTENSE
@given(TEXTS, st.sampled_from(promises.ASKED), PLACES)
def test_a_second_space_in_any_gap_changes_nothing(
    text: str, language: Language | None, places: list[int]
) -> None:
    promises.alike(text, promises.widened(text, places), language)


def _seconds(text: str, enough: float) -> float:
    """The processor time for a text, the best of some rounds; no more than one when ``enough``."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        promises.in_time(text, seconds=HOPELESS)
        best = min(best, time.process_time() - begun)
        if best <= enough:
            break
    return best


@pytest.mark.parametrize("name", pieces.floods())
def test_a_flood_is_taken_in_time(name: str) -> None:
    took = _seconds(pieces.flood(pieces.floods()[name], LENGTH), SECONDS / 2)
    assert took <= SECONDS, f"{took:.3f} s"


@pytest.mark.parametrize("name", pieces.floods())
def test_the_longest_flood_that_is_read_is_read_in_linear_time(name: str) -> None:
    text = pieces.longest_read(pieces.floods()[name])
    half, whole = _seconds(text[: len(text) // 2], SECONDS / 4), _seconds(text, SECONDS / 2)
    assert whole <= SECONDS, f"{len(text)} characters: {whole:.3f} s, and half of it {half:.3f} s"
    if whole > max(NOTHING, GROWTH * half):
        growth = [_growth(text) for _ in range(AGAIN)]
        assert statistics.median(growth) <= GROWTH, f"times as long for twice the length: {growth}"


def _growth(text: str) -> float:
    """How many times as long ``text`` takes as its half does. The processor's clock moves in steps
    of several milliseconds on some machines, so one reading of a short text says nothing: half and
    whole are read in turns, which a busy machine slows alike, until the half has taken ENOUGH."""
    half, whole = 0.0, 0.0
    while half < ENOUGH:
        begun = time.process_time()
        promises.in_time(text[: len(text) // 2], seconds=HOPELESS)
        between = time.process_time()
        promises.in_time(text, seconds=HOPELESS)
        half, whole = half + between - begun, whole + time.process_time() - between
    return whole / half


@pytest.mark.parametrize("name", ["one name", "names", "telephones", "a digit", "spaced digits"])
def test_a_flood_of_what_is_known_of_the_reporter_is_taken_in_time(name: str) -> None:
    text = pieces.longest_read(pieces.floods()[name])
    known = ("+55 21 98765-4321", "11111111", "Ana Silva", "ana@b.co")
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        strip(text, identity=known, names=("Ana", "Silva Ana"))
        best = min(best, time.process_time() - begun)
    assert best <= SECONDS, f"{best:.3f} s"
