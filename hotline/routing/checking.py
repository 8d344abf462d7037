"""Checking: what an operator checks before deciding, as data for each group: checklists.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hotline.errors import HotlineError
from hotline.routing.classify import type_groups
from hotline.tips import Language

_EVERY = "*"


class ChecklistProblem(HotlineError):
    """The table of checks cannot be used."""

    code = "checklist_problem"
    message = "The table of checks cannot be read."
    hint = "Correct the named check of checklists.toml."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. ``groups`` of types; "*" is every tip."""

    id: str
    groups: frozenset[str]
    words: Mapping[Language, str]


def checks_for(types: Iterable[str]) -> tuple[Check, ...]:
    """What to check for these types (codes): their own first, then what every tip has."""
    groups = type_groups()
    mine = {groups[code] for code in types if code in groups}
    own = [check for check in table() if check.groups & mine]
    return (*own, *(check for check in table() if _EVERY in check.groups))


@cache
def table() -> tuple[Check, ...]:
    """The shipped checks. Raises ChecklistProblem."""
    text = files("hotline").joinpath("routing", "data", "checklists.toml").read_text("utf-8")
    return load(text)


def load(text: str) -> tuple[Check, ...]:
    """Raises ChecklistProblem with the check and what is wrong with it."""
    groups = {_EVERY, *type_groups().values()}
    found: dict[str, Check] = {}
    for row in tomllib.loads(text)["check"]:
        name = str(row.get("id", ""))
        say = row.get("say", {})
        if not name or name in found:
            raise ChecklistProblem(f"checklists.toml: {name or 'a check'}: its id is used twice.")
        if set(say) != {language.value for language in Language} or not all(say.values()):
            raise ChecklistProblem(f"checklists.toml: {name}: it needs words in five languages.")
        if not row.get("for") or not groups.issuperset(row["for"]):
            raise ChecklistProblem(f"checklists.toml: {name}: it is for no group that we know.")
        words = {language: say[language.value] for language in Language}
        found[name] = Check(name, frozenset(row["for"]), words)
    return tuple(found.values())
