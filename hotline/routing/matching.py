"""Matching: finds the names of places in a text, and judges what the words around them say.

Longest match first over folded words, one dictionary look-up a word, no pattern that could
backtrack. Nothing here decides where a tip happened: it hands ``Mention``s to ``places``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hotline.routing.context import Text
from hotline.routing.gazetteer import Gazetteer, words
from hotline.routing.judge import Judge, Mention, Senses

_MARKS = re.compile(r"([^\w\s]{2})[^\w\s]+")
_DIGIT = re.compile(r"\d")
_LONG = 2000
_CODE = re.compile(r"\b[A-Z]{2}\b")
_TYPED_DDD = re.compile(r"(?:\(0?([1-9]\d)\)|\bddd\W{0,3}0?([1-9]\d)\b)", re.IGNORECASE)
_TYPED_CEP = re.compile(
    r"(?<![\d.-])(\d{2}\.?\d{3})-\d{3}(?![\d-])|\bcep\W{0,4}(\d{2}\.?\d{3})(?:-?\d{3})?\b",
    re.IGNORECASE,
)


class Reading(NamedTuple):
    """What a text names: places, states standing alone, states of dialling codes, CEP5s."""

    mentions: tuple[Mention, ...] = ()
    states: frozenset[str] = frozenset()
    dialled: frozenset[str] = frozenset()
    cep5: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def read(text: str, gazetteer: Gazetteer, *, answer: bool = False) -> Reading:
    """Everything in ``text`` that says where. An ``answer`` to "which city?" needs no cues."""
    if len(text) > _LONG:  # putting a long run of marks in order would cost its square
        text = _MARKS.sub(r"\1", text)
    seen = Text(unicodedata.normalize("NFC", text), gazetteer.cues)
    digits = _DIGIT.search(text)
    code = answer or _CODE.search(text)
    cep5 = [(a or b).replace(".", "") for a, b in _TYPED_CEP.findall(text)] if digits else []
    spans = list(_spans(seen.folded, gazetteer))
    if not spans and not code:
        return Reading(cep5=tuple(cep5), words=tuple(seen.folded))
    judge = Judge(seen, gazetteer, answer)
    mentions = tuple([m for span in spans if (m := judge.mention(*span))])
    dialled = [a or b for a, b in _TYPED_DDD.findall(text)] if digits and mentions else []
    return Reading(
        mentions=mentions,
        states=judge.states(spans, codes=bool(code)),
        dialled=frozenset([s for code in dialled for s in gazetteer.dialling.get(code, ())]),
        cep5=tuple(cep5),
        words=tuple(seen.folded),
    )


def _spans(folded: list[str], gazetteer: Gazetteer) -> Iterator[tuple[int, int, Senses]]:
    """The longest known name at each place, left to right, none overlapping."""
    lengths, senses, at, size = gazetteer.lengths, gazetteer.senses, 0, len(folded)
    while at < size:
        step = 1
        for count in lengths.get(folded[at], ()):
            if at + count > size:
                continue
            if found := senses.get(" ".join(folded[at : at + count])):
                yield at, at + count, found
                step = count
                break
        at += step


def _state_words(states: Iterable[str], gazetteer: Gazetteer) -> Iterator[list[str]]:
    """How a state may end an answer: ["rj"], ["rio", "de", "janeiro"]."""
    for state in states:
        if state:
            yield [state[3:].lower()]
            yield words(gazetteer.states[state])


def unexplained(reading: Reading, gazetteer: Gazetteer) -> bool:
    """Whether an answer holds words that neither a name, a state nor filler accounts for."""
    covered = {at for mention in reading.mentions for at in range(*mention.span)}
    left = {word for at, word in enumerate(reading.words) if at not in covered}
    attached = {sense.state for m in reading.mentions if m.attached for sense in m.senses}
    for spelled in _state_words(reading.states | attached, gazetteer):
        left -= set(spelled)
    return bool(left - gazetteer.cues.filler - {""})


def name_part(reading: Reading, gazetteer: Gazetteer) -> tuple[str, frozenset[str]]:
    """The words of an answer without its state and the filler around, and that state."""
    said = list(reading.words)
    states = frozenset[str]()
    for spelled in _state_words(sorted(reading.states), gazetteer):
        if len(said) > len(spelled) and said[-len(spelled) :] == spelled:
            said = said[: -len(spelled)]
            states = reading.states
            break
    while said and said[-1] in gazetteer.cues.filler:
        said.pop()
    while said and said[0] in gazetteer.cues.filler:
        said.pop(0)
    return " ".join(said), states
