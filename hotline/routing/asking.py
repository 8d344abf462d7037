"""Asking: the questions that only reports of some types are asked, as data: questions.toml.

The same on every channel and on the form for live calls. An answer is words, or a choice kept as
``question:option``: the words of a question never stand in the tip, where the terms of crime would
be found in them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from hotline.errors import HotlineError
from hotline.routing.classify import type_groups
from hotline.routing.wordlists import TAGS
from hotline.tips import Act, Language, Question

YES, NO = "yes", "no"
DANGER_TOLD = "danger_told"  # the tag of an answer that tells of danger to life
MOST = 3
_SURE = 0.5  # of a score: a fainter type is a hint, too little to ask about
_MOST_OPTIONS = 9  # one key each
_FIELDS = frozenset(
    ["id", "for", "kind", "gate", "danger", "source", "reviewed_by", "ask", "option"]
)


class QuestionProblem(HotlineError):
    """The table of questions cannot be used."""

    code = "question_problem"
    message = "The table of questions cannot be read."
    hint = "Correct the named question of questions.toml."


class Kind(StrEnum):
    WORDS = "words"
    YES_NO = "yes_no"
    ANY_OF = "any_of"


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that may be true. ``tag`` is a tag of the rules, or empty."""

    id: str
    words: Mapping[Language, str]
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A question. ``types`` are the codes and groups it is for; ``gate``: anything but yes ends the
    questions of this table; ``danger``: a person who knows the field must have read it, and
    ``reviewed_by`` says who did."""

    id: str
    types: frozenset[str]
    kind: Kind
    ask: Mapping[Language, str]
    source: str
    options: tuple[Option, ...] = ()
    gate: bool = False
    danger: bool = False
    reviewed_by: str = ""

    @property
    def unreviewed(self) -> bool:
        return self.danger and not self.reviewed_by

    def tick(self, choice: str) -> str:
        return f"{self.id}:{choice}"

    def chosen(self, choices: Iterable[str]) -> tuple[str, ...]:
        """Those of ``choices`` this question knows, as ticks."""
        known = [option.id for option in self.options]
        return tuple(self.tick(c) for c in dict.fromkeys(choices) if c in known)


def questions_for(types: Iterable[str]) -> tuple[Detail, ...]:
    """What to ask about these types (codes), at most three, in the order of the table."""
    codes = frozenset(types)
    return tuple(detail for detail in table().values() if detail.types & codes)[:MOST]


def evident(acts: Iterable[Act]) -> tuple[str, ...]:
    """The types worth asking about: the first, and whatever else is more than a hint. Reports that
    nothing speaks for are asked nothing more."""
    return tuple(a.code for n, a in enumerate(acts) if a.score >= _SURE or (n == 0 and a.score > 0))


def find(identity: str) -> Detail | None:
    return table().get(identity)


def tags_of(ticked: Iterable[str]) -> tuple[str, ...]:
    """The tags of the rules that these answers give, each once."""
    tags: dict[str, None] = {}
    for tick in ticked:
        identity, _, choice = tick.partition(":")
        detail = find(identity)
        for option in detail.options if detail else ():
            if option.id == choice and option.tag:
                tags[option.tag] = None
    return tuple(tags)


@cache
def table() -> Mapping[str, Detail]:
    """The shipped questions by id. Raises QuestionProblem."""
    return load(files("hotline").joinpath("routing", "data", "questions.toml"))


def load(file: Traversable) -> Mapping[str, Detail]:
    """Raises QuestionProblem with the question and what is wrong with it."""
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8"))["question"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise QuestionProblem(f"questions.toml: this is no table of questions: {error}.") from None
    groups = type_groups()
    found: dict[str, Detail] = {}
    for number, row in enumerate(rows, 1):
        detail = _read(row, number, groups)
        if detail.id in found:
            raise _problem(detail.id, "this id is used twice")
        found[detail.id] = detail
    return found


def _read(row: Mapping[str, Any], number: int, groups: Mapping[str, str]) -> Detail:
    identity = row.get("id", "")
    if not (isinstance(identity, str) and re.fullmatch(r"[a-z0-9-]{3,32}", identity)):
        raise _problem(f"question {number}", "its id must be 3 to 32 letters, digits and hyphens")
    if identity in set(Question):
        raise _problem(identity, "this id is one of the questions everybody is asked")
    if row.keys() - _FIELDS:
        raise _problem(identity, f"there is no field {sorted(row.keys() - _FIELDS)[0]}")
    try:
        detail = Detail(
            id=identity,
            types=_types(row["for"], groups),
            kind=Kind(row["kind"]),
            ask=_said(row["ask"]),
            source=row["source"],
            options=tuple(_option(option) for option in row.get("option", ())),
            gate=row.get("gate", False),
            danger=row.get("danger", False),
            reviewed_by=row.get("reviewed_by", ""),
        )
    except KeyError as missing:
        raise _problem(identity, f"{missing} is missing or nothing we know") from None
    except (ValueError, TypeError, AttributeError) as wrong:
        raise _problem(identity, f"{wrong}") from None
    _prove(detail)
    return detail


def _types(named: Iterable[str], groups: Mapping[str, str]) -> frozenset[str]:
    """The codes of the types and groups that are named."""
    found: set[str] = set()
    for name in named:
        codes = {code for code, group in groups.items() if name in (code, group)}
        if not codes:
            raise ValueError(f"no type or group is called {name}")
        found |= codes
    return frozenset(found)


def _said(words: Mapping[str, str]) -> Mapping[Language, str]:
    said = {language: words[language.value].strip() for language in Language}
    if not all(said.values()) or len(words) != len(said):
        raise ValueError("it needs words in pt, es, en, fr and ht")
    return said


def _option(row: Mapping[str, Any]) -> Option:
    option = Option(row["id"], _said(row["say"]), row.get("tag", ""))
    if not re.fullmatch(r"[a-z0-9-]{1,32}", option.id):  # it names a recording
        raise ValueError("the id of an option must be letters, digits and hyphens")
    if option.tag and option.tag not in TAGS:
        raise ValueError(f"no tag of the rules is called {option.tag}")
    return option


def _prove(detail: Detail) -> None:
    """What no single field shows."""
    several = detail.kind is Kind.ANY_OF
    ids = {option.id for option in detail.options}
    if several != (2 <= len(detail.options) <= _MOST_OPTIONS) or (ids and not several):
        raise _problem(detail.id, "any_of takes 2 to 9 options, the other kinds none")
    if len(ids) != len(detail.options) or ids & {YES, NO}:
        raise _problem(detail.id, "two options have one id, or one is called yes or no")
    if detail.gate and detail.kind is not Kind.YES_NO:
        raise _problem(detail.id, "only a question of yes or no can be a gate")
    if not detail.source:
        raise _problem(detail.id, "say in source where it was taken from")


def _problem(identity: str, what: str) -> QuestionProblem:
    return QuestionProblem(f"questions.toml: {identity}: {what}.")
