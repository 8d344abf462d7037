"""Matching: finds the names of places in a text, and judges what the words around them say.

Longest match first over folded words, one dictionary look-up a word, no pattern that could
backtrack. Nothing here decides where a tip happened: it hands ``Mention``s to ``places``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hotline.routing.context import Text
from hotline.routing.gazetteer import STATE_LETTERS, Gazetteer, Kind, Sense
from hotline.routing.judge import Judge, Mention
from hotline.routing.words import Words, words

_STATED = frozenset(("no", "na", "do", "da", "de", "em", "estado", "en", "in"))  # "no estado de"
_CODE = re.compile(r"\b[A-Z]{2}\b")
_POSTED = re.compile(r"\d(?<![\d.-]\d)\d\.?\d{3}-\d{3}(?![\d-])")
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


def read(told: Words, gazetteer: Gazetteer, *, answer: bool = False) -> Reading:
    """Everything in a text that says where. An ``answer`` to "which city?" needs no cues."""
    folded, typed = tuple(told.folded), told.typed
    spans = gazetteer.senses.find(folded)
    if spans and not answer:
        spans = [span for span in spans if not _idle(span, told, gazetteer)]
    code = answer or (told.capitals and _coded(told, gazetteer))
    cep5 = tuple(_ceps(typed)) if told.digits else ()
    if not spans and not code:
        return Reading(cep5=cep5, words=folded)
    judge = Judge(Text(told, gazetteer.cues), gazetteer, answer)
    mentions = tuple([m for span in spans if (m := judge.mention(*span))])
    dialled = _dialled(typed) if mentions and told.digits and gazetteer.dialling else ()
    return Reading(
        mentions=mentions,
        states=judge.states(spans, codes=code),
        dialled=frozenset([s for code in dialled for s in gazetteer.dialling.get(code, ())]),
        cep5=cep5,
        words=folded,
    )


def _idle(span: tuple[int, int, tuple[Sense, ...]], told: Words, gazetteer: Gazetteer) -> bool:
    """Whether an everyday word is surely no place, before the text is taken apart: it stands
    nowhere with a capital, and after no "cidade de". Pará without its accent is "for"."""
    start, end, senses = span
    if end - start > 1:
        return False
    label, word, typed = senses[-1].label, told.folded[start], told.typed
    if senses[-1].kind is Kind.STATE:
        return label == "Pará" and len(senses) == 1 and "rá" not in typed and "RÁ" not in typed
    after = told.folded[end] if end < len(told.folded) else ""
    stated = after.upper() in gazetteer.codes or after in gazetteer.senses or after in _STATED
    if stated or not all(sense.everyday for sense in senses):
        return False
    if label in typed or word.capitalize() in typed or label.upper() in typed:
        return False
    return word.upper() not in typed and gazetteer.cues.town.isdisjoint(told.folded[:start])


def _coded(told: Words, gazetteer: Gazetteer) -> bool:
    """Whether two capitals stand alone, and two letters that may be a state's."""
    small = not STATE_LETTERS.isdisjoint(told.folded)
    return small and bool(gazetteer.codes) and _CODE.search(told.typed) is not None


def _dialled(typed: str) -> list[str]:
    if "(" not in typed and "ddd" not in typed.lower():
        return []
    return [bracketed or named for bracketed, named in _TYPED_DDD.findall(typed)]


def _ceps(typed: str) -> Iterator[str]:
    # The whole pattern tries every place of the text; most digits are no CEP.
    if not _POSTED.search(typed) and "cep" not in typed.lower():
        return
    for bare, named in _TYPED_CEP.findall(typed):
        yield (bare or named).replace(".", "")


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
