"""Merge: from a contact to a tip, and from a later answer to a fuller tip. Identity ends here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hotline.errors import TooLarge
from hotline.intake.stripping import Stripped, strip
from hotline.routing.asking import tags_of
from hotline.tips import Contact, Doubt, Language, Question, Removed, Tip, Urgency

_OF_OTHERS = (Question.WHERE, Question.WHEN, Question.WHO)  # what they leave open is evidence
BY_MACHINE = "a machine wrote down what was said: names and numbers may be wrong"
UNSEEN_FILES = "the files may show who sent them"
BARRED_FILES = "files came with it and were not taken: keeping them would harm again"
LONGEST = 20_000  # code points in one field; more is refused with a sentence, never cut


def strip_contact(contact: Contact, names: tuple[str, ...] = ()) -> tuple[Tip, tuple[str, ...]]:
    """The tip in a contact, and the reporter's own names found in it, which only the running
    conversation remembers."""
    parts = strip_parts(contact, names)
    first, stripped = parts[""], list(parts.values())
    told: dict[str, str] = {}
    doubts: list[Doubt] = []
    for question, part in parts.items():
        told[question], fresh = _renumber(part, doubts)
        doubts += fresh
    # Nobody has looked yet whether a picture shows the reporter.
    of_files = (*([UNSEEN_FILES] * bool(contact.media)), *([BARRED_FILES] * contact.barred))
    tip = Tip(
        channel=contact.channel,
        language=contact.language or first.language,
        text=told[""],
        answers={question: told[question] for question in contact.answers},
        details={identity: told[identity] for identity in contact.details},
        ticked=contact.ticked,
        crime_types=contact.crime_types,
        municipality=contact.municipality,
        urgency=contact.urgency,
        implicates=contact.implicates,
        tags=_unique((*contact.tags, *tags_of(contact.ticked))),
        removed=tuple(Removed(s.kind, s.reason) for part in stripped for s in part.removed),
        doubts=tuple(doubts),
        risk=max(part.risk for part in stripped),
        held=any(part.held for part in stripped) or contact.transcript or bool(of_files),
        hold_reasons=_unique(
            (
                *([BY_MACHINE] if contact.machine else []),
                *(reason for part in stripped for reason in part.reasons),
                *of_files,
            )
        ),
    )
    found = (name for part in stripped for name in part.names)
    return tip, tuple(dict.fromkeys((*names, *found)))


def strip_parts(contact: Contact, names: tuple[str, ...] = ()) -> dict[str, Stripped]:
    """Each text of a contact, stripped: the first under ``""``, answers by question, details by
    id. Names found in one are known in the next. Raises TooLarge."""
    first = _strip(contact, contact.text, contact.language, names)
    parts, names = {"": first}, (*names, *first.names)
    language = contact.language or first.language
    asked: list[tuple[str, str]] = [*contact.answers.items(), *contact.details.items()]
    for question, words in asked:
        # The questions of some types ask about others too, never about the reporter.
        others = question in _OF_OTHERS or question in contact.details
        parts[question] = _strip(contact, words, language, names, about_others=others)
        names = (*names, *parts[question].names)
    return parts


def merge(tip: Tip, contact: Contact, names: tuple[str, ...]) -> tuple[Tip, tuple[str, ...]]:
    """The tip with a later answer. A repeated question keeps both answers, a line each."""
    more, names = strip_contact(contact, names)
    doubts = list(tip.doubts)
    answers, details = dict(tip.answers), dict(tip.details)
    told = {Question.MORE: more.text} if more.text else {}
    for kept, said in ((answers, {**told, **more.answers}), (details, more.details)):
        _join(kept, said, more.doubts, doubts)
    return (
        replace(
            tip,
            # A tip that began with a file alone is in the language of its first words.
            language=tip.language if tip.words else more.language,
            answers=answers,
            details=details,
            ticked=_unique((*tip.ticked, *more.ticked)),
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
            heard_place=tip.heard_place or more.heard_place,
        ),
        names,
    )


def _join(
    kept: dict[Any, str],
    said: Mapping[Any, str],
    fresh: Iterable[Doubt],
    taken: list[Doubt],
) -> None:
    """Puts later words under the same question; their tokens stay distinct."""
    for question, words in said.items():
        text, doubts = _distinct(words, fresh, taken)
        taken += doubts
        kept[question] = "\n".join(part for part in (kept.get(question), text) if part)


def _strip(
    contact: Contact,
    words: str,
    language: Language | None,
    names: tuple[str, ...],
    *,
    about_others: bool = False,
) -> Stripped:
    if len(words) > LONGEST:
        raise TooLarge
    return strip(
        words,
        language,
        identity=contact.identity,
        names=names,
        transcript=contact.transcript,
        about_others=about_others,
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
