"""Merge: from a contact to a tip, and from a later answer to a fuller tip. Identity ends here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hotline.errors import TooLarge
from hotline.intake.stripping import Stripped, strip
from hotline.tips import Contact, Doubt, Language, Question, Removed, Tip, Urgency

_OF_OTHERS = (Question.WHERE, Question.WHEN, Question.WHO)  # what they leave open is evidence
LONGEST = 20_000  # code points in one field; more is refused with a sentence, never cut


def strip_contact(contact: Contact, names: tuple[str, ...] = ()) -> tuple[Tip, tuple[str, ...]]:
    """The tip in a contact, and the reporter's own names found in it, which only the running
    conversation remembers."""
    first = _strip(contact, contact.text, contact.language, names)
    names = (*names, *first.names)
    language = contact.language or first.language
    answers: dict[Question, str] = {}
    stripped = [first]
    doubts = list(first.doubts)
    for question, words in contact.answers.items():
        part = _strip(contact, words, language, names, question)
        text, fresh = _renumber(part, doubts)
        answers[question] = text
        doubts += fresh
        stripped.append(part)
        names = (*names, *part.names)
    tip = Tip(
        channel=contact.channel,
        language=language,
        text=first.text,
        answers=answers,
        crime_types=contact.crime_types,
        municipality=contact.municipality,
        urgency=contact.urgency,
        implicates=contact.implicates,
        tags=contact.tags,
        removed=tuple(Removed(s.kind, s.reason) for part in stripped for s in part.removed),
        doubts=tuple(doubts),
        risk=max(part.risk for part in stripped),
        held=any(part.held for part in stripped) or contact.transcript,
        hold_reasons=_unique(reason for part in stripped for reason in part.reasons),
    )
    return tip, tuple(dict.fromkeys(names))


def merge(tip: Tip, contact: Contact, names: tuple[str, ...]) -> tuple[Tip, tuple[str, ...]]:
    """The tip with a later answer. A repeated question keeps both answers, a line each."""
    more, names = strip_contact(contact, names)
    doubts = list(tip.doubts)
    answers = dict(tip.answers)
    told = {Question.MORE: more.text} if more.text else {}
    for question, words in {**told, **more.answers}.items():
        text, fresh = _distinct(words, more.doubts, doubts)
        doubts += fresh
        answers[question] = "\n".join(part for part in (answers.get(question), text) if part)
    return (
        replace(
            tip,
            answers=answers,
            crime_types=_unique((*tip.crime_types, *more.crime_types)),
            municipality=more.municipality or tip.municipality,
            urgency=tip.urgency if more.urgency is Urgency.UNKNOWN else more.urgency,
            implicates=_unique((*tip.implicates, *more.implicates)),
            tags=_unique((*tip.tags, *more.tags)),
            removed=tip.removed + more.removed,
            doubts=tuple(doubts),
            risk=max(tip.risk, more.risk),
            held=tip.held or more.held,
            hold_reasons=_unique((*tip.hold_reasons, *more.hold_reasons)),
            heard=_unique((*tip.heard, *more.heard)),
            alarms=_unique((*tip.alarms, *more.alarms)),
        ),
        names,
    )


def _strip(
    contact: Contact,
    words: str,
    language: Language | None,
    names: tuple[str, ...],
    question: Question | None = None,
) -> Stripped:
    if len(words) > LONGEST:
        raise TooLarge
    return strip(
        words,
        language,
        identity=contact.identity,
        names=names,
        transcript=contact.transcript,
        about_others=question in _OF_OTHERS,
    )


def _renumber(part: Stripped, taken: list[Doubt]) -> tuple[str, list[Doubt]]:
    return _distinct(part.text, part.doubts, taken)


def _distinct(text: str, doubts: Iterable[Doubt], taken: list[Doubt]) -> tuple[str, list[Doubt]]:
    """Tokens stand for one span each: those that another part already uses get a number more."""
    used = {doubt.token for doubt in taken}
    fresh = []
    for doubt in doubts:
        if doubt.token not in text:
            continue
        token, number = doubt.token, 2
        while token in used:
            token = f"{doubt.token[:-1]}.{number}]"
            number += 1
        text = text.replace(doubt.token, token, 1)
        used.add(token)
        fresh.append(replace(doubt, token=token))
    return text, fresh


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
