"""Vocabulary: what the cells of a rule may hold, in a clerk's words and as lists to choose from."""

from __future__ import annotations

from collections.abc import Mapping

from hotline.routing.classify import Types
from hotline.routing.profile import Profile
from hotline.routing.rules import WHERE, implicable, words_of
from hotline.routing.tables import Problem
from hotline.routing.wordlists import TAGS
from hotline.tips import Language, Priority, Urgency

# Said in the workbook's guide, and as the hint beside a mistake in that column.
MEANING: Mapping[str, str] = {
    "id": "A name of its own in its table, short and in lower case: niteroi-waste.",
    "crime_type": "Codes of crime types such as ENV-07, or a family such as ENV-*.",
    "group": "Groups of crime types such as ENV.",
    "kind": "The desk that the type asks for: general, gbv, children, environment…",
    "flag": "Marks of crime types that change how they are handled, such as second_reader.",
    "tags": "Circumstances that words of the tip tell, such as gang or minor_victim.",
    "place": "here (a municipality we serve), state (only the state is known), elsewhere, abroad, "
    "unknown, a state such as BR-RJ, or a municipality by its code: BR:IBGE:3303302.",
    "urgency": "When it happens: now, soon, past, pattern or unknown.",
    "implicated": "Who is accused: none, any, federal, or a kind of body such as prosecutor.",
    "held": "TRUE when the line doubts that it removed all that points to the reporter.",
    "threats": "TRUE when words of the tip threaten lives.",
    "at_least": "The tip gets at least this priority: P0 is the most urgent, P4 the least.",
    "at_most": "The types named get at most this priority.",
    "second_reader": "TRUE when two people must agree before the tip is closed.",
    "queue": "The desk that reads the tip first.",
    "deadline": "Minutes until the first decision; empty takes the usual time of the priority.",
    "lead": "Who must act: @function is whoever holds it nearest the place (@security, "
    "@security:state), anything else is one body's id. Write nobody to leave it to a person.",
    "copies": "Who is informed; written as lead is.",
    "automatic": "TRUE when the masked package may leave before a person reads it.",
    "note": "Words for people. The line does not read them.",
}
# What rules.toml says in its own terms, said to whoever sees cells only; by words of the sentence.
_IN_CELLS = {
    "it takes every tip": "Fill in one of its blue cells, or move it to the end of the table.",
    "has no last row": "The last row of each table must have nothing in its cells from crime_type "
    "to threats: it takes everything left.",
    "same id": "Give one of the two another id.",
}


def vocabulary(profile: Profile, types: Types) -> Mapping[str, tuple[str, ...]]:
    """The words each column knows. ``place`` also takes any municipality of the profile."""
    truths = ("TRUE", "FALSE")
    priorities = tuple(p.value for p in Priority)
    staffed = sorted({q.kind.value for q in profile.queues.values() if q.staffed})
    bodies = sorted(one.id for one in profile.agencies.values() if one.receives)
    known = (*profile.agencies.values(), *(pattern.entry for pattern in profile.patterns))
    functions = sorted({f"@{function}" for one in known for function in one.functions})
    acts = ("crime_type", "group", "kind", "flag")
    return {
        **{cell: tuple(sorted(words_of(types, cell))) for cell in acts},
        "tags": tuple(sorted(TAGS)),
        "place": (*WHERE, *sorted(profile.state_keys)),
        "urgency": tuple(u.value for u in Urgency),
        "implicated": tuple(sorted(implicable(profile))),
        "held": truths,
        "threats": truths,
        "at_least": priorities,
        "at_most": priorities,
        "second_reader": truths,
        "queue": tuple(staffed),
        "lead": (*functions, *bodies),
        "copies": (*functions, *bodies),
        "automatic": truths,
    }


def names(profile: Profile, types: Types) -> Mapping[str, str]:
    """What a code or an id of the vocabulary is called: types in the line's first language."""
    language = profile.languages[0] if profile.languages else Language.EN
    said = {kind.code: kind.names[language] for kind in types}
    return said | {one.id: one.name for one in profile.agencies.values()}


def hint(problem: Problem) -> str:
    """What a clerk should do about a problem of rules.toml who sees it as a spreadsheet."""
    for words, instead in _IN_CELLS.items():
        if words in problem.sentence:
            return instead
    if problem.sentence.endswith("is missing"):
        return MEANING.get(problem.cell, problem.hint)
    return problem.hint
