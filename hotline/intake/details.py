"""Details: the questions of some types in words: as one text message, its answer, what staff read.

Which they are is data of routing (``routing/asking.py``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hotline.intake.choices import spoken
from hotline.intake.prompts import gsm, pgettext, segments
from hotline.intake.words import AGREE, DENY, SAYS_YES
from hotline.routing.asking import NO, YES, Detail, Kind, QuestionProblem, find, table
from hotline.tips import Language, Tip
from hotline.web.i18n import N_, say

_SAID = {YES: N_("Yes"), NO: N_("No")}
_NONE_OF_THEM = N_("None of these")
_MOST_SPOKEN = 20
_AND = frozenset({"e", "y", "and", "et", "ak"})
_HOW = {
    "words": pgettext("sms", "0 = don't know."),
    "yes_no": pgettext("sms", "1 yes, 2 no, 0 don't know."),
    "any_of": pgettext("sms", "Send numbers, or 0."),
}


def check() -> tuple[Detail, ...]:
    """All questions, sound and each short enough. Raises QuestionProblem."""
    for detail in table().values():
        for language in Language:
            if segments(text_of(detail, language)) > 1:
                raise QuestionProblem(
                    f"questions.toml: {detail.id}: in {language.value} it is longer than one text "
                    "message."
                )
            if any(len(words.split()) > _MOST_SPOKEN for _, _, words in spoken(detail, language)):
                raise QuestionProblem(
                    f"questions.toml: {detail.id}: in {language.value} a sentence has more than "
                    f"{_MOST_SPOKEN} words, too many to be heard on the telephone."
                )
    return tuple(table().values())


def text_of(detail: Detail, language: Language) -> str:
    """The question as one message: options with their numbers, how to answer, no letter that
    makes a message dearer."""
    listed = (f"{n} {o.words[language]}" for n, o in enumerate(detail.options, 1))
    options = ", ".join(listed) + "." if detail.kind is Kind.ANY_OF else ""
    how = _HOW[detail.kind.value].say(language)
    return " ".join(part for part in (plain(detail.ask[language]), plain(options), how) if part)


def plain(text: str) -> str:
    """The text in the letters of a cheap message: accents go where GSM-7 has no such letter."""
    text = text.replace("’", "'").replace("\N{NO-BREAK SPACE}", " ")
    return "".join(ch if gsm(ch) else unicodedata.normalize("NFD", ch)[0] for ch in text)


def answer_in(detail: Detail, text: str, short: str) -> tuple[tuple[str, ...], str] | None:
    """What an answer by text message says: (ticks, words). What is neither is kept as words;
    None for numbers that name no option. ``short`` is the folded text, empty for a long one."""
    if detail.kind is Kind.WORDS:
        return (), text
    if detail.kind is Kind.YES_NO:
        if short in AGREE:
            return (detail.tick(YES),), ""
        if short in DENY:
            return (detail.tick(NO),), ""
        return ((detail.tick(YES),) if short.partition(" ")[0] in SAYS_YES else ()), text
    if short in DENY - {"2"}:
        return (detail.tick(NO),), ""
    digits = "".join(word for word in short.split() if word not in _AND)
    if not (digits.isascii() and digits.isdigit()):
        return (), text
    if not all(0 < int(digit) <= len(detail.options) for digit in digits):
        return None
    return detail.chosen(detail.options[int(digit) - 1].id for digit in sorted(digits)), ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A question and its answer for a reader. ``choices`` are words of the table, ``words`` those
    of the reporter; ``unreviewed``: nobody who knows the field has read this question yet."""

    id: str
    question: str
    choices: tuple[str, ...]
    words: str
    unreviewed: bool


def shown(
    details: Mapping[str, str], ticked: Iterable[str], language: Language
) -> tuple[Shown, ...]:
    """What was answered, in the order asked. A question that has left the table shows its id."""
    by_question: dict[str, list[str]] = {identity: [] for identity in details}
    for tick in ticked:
        identity, _, choice = tick.partition(":")
        by_question.setdefault(identity, []).append(choice)
    order = {identity: n for n, identity in enumerate(table())}
    found = []
    for identity in sorted(by_question, key=lambda known: order.get(known, len(order))):
        detail = find(identity)
        choices = tuple(_named(detail, choice, language) for choice in by_question[identity])
        ask = detail.ask[language] if detail else identity
        unreviewed = detail is not None and detail.unreviewed
        found.append(Shown(identity, ask, choices, details.get(identity, ""), unreviewed))
    return tuple(found)


def answered(tip: Tip, language: Language) -> tuple[Shown, ...]:
    return shown(tip.details, tip.ticked, language)


def _named(detail: Detail | None, choice: str, language: Language) -> str:
    for option in detail.options if detail else ():
        if option.id == choice and detail and detail.kind is Kind.ANY_OF:
            return option.words[language]
    if choice == NO and detail and detail.kind is Kind.ANY_OF:
        return say(language, _NONE_OF_THEM)
    return say(language, _SAID[choice]) if choice in _SAID else choice
