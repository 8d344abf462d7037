"""Answering: by when a body confirms, answers and ends what was sent to it: a table, proved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

from hotline.routing.tables import Document, Problem, RuleFileProblem

FILE = "answering.toml"
BUILT_IN = Path(str(files("hotline").joinpath("routing", "data", FILE)))
KEEP, RENEW = "keep", "renew"
_MOST_DAYS = 3660


class Stage(IntEnum):
    """How far the lateness of a package was raised; each names what was missed last. With
    ``*_ABOVE`` the body above was told too. NEW: not in its inbox yet. QUIET: never raised again,
    as somebody above its body may be implicated."""

    NEW = -1
    NONE = 0
    CONFIRM = 1
    CONFIRM_ABOVE = 2
    FIRST = 3
    FIRST_ABOVE = 4
    FINAL = 5
    FINAL_ABOVE = 6
    QUIET = 9

    @property
    def above(self) -> bool:
        return self in ABOVE


ABOVE = (Stage.CONFIRM_ABOVE, Stage.FIRST_ABOVE, Stage.FINAL_ABOVE)
# What a package's state still owes, by stage: a state that is not here owes nothing at it.
UNCONFIRMED = ("sent", "opened")
UNANSWERED = (*UNCONFIRMED, "confirmed")
OPEN = (*UNANSWERED, "working")
_BASE = {Stage.CONFIRM: UNCONFIRMED, Stage.FIRST: UNANSWERED, Stage.FINAL: OPEN}
OWES = {step: states for base, states in _BASE.items() for step in (base, Stage(base + 1))}


@dataclass(frozen=True, slots=True)
class Answering:
    """Days of the calendar, see data/answering.toml."""

    confirm: int
    first: int
    final: int
    parent: int
    renews: bool = True

    @staticmethod
    def load(path: Path = BUILT_IN) -> Answering:
        """Raises RuleFileProblem."""
        problems: list[Problem] = []
        found = read(Document.read(path, problems))
        if problems:
            raise RuleFileProblem(problems)
        return found

    def due(self, sent: date) -> date:
        """The last day on which receipt is confirmed in time."""
        return sent + timedelta(self.confirm)

    def stages(self, today: date) -> tuple[tuple[Stage, tuple[str, ...], str], ...]:
        """From the highest: a stage, the states that owe something at it, and the day (as
        ``YYYY-MM-DD``) such that every package sent before it has come to the stage."""
        found = []
        days = {Stage.CONFIRM: self.confirm, Stage.FIRST: self.first, Stage.FINAL: self.final}
        for stage, term in days.items():
            for step, late in ((stage, term), (Stage(stage + 1), term + self.parent)):
                before = (today - timedelta(late)).isoformat()
                found.append((step, OWES[stage], before))
        return tuple(reversed(found))


@cache
def built_in() -> Answering:
    return Answering.load()


def read(document: Document) -> Answering:
    """The table of a file; what is wrong is reported to it."""
    top = document.top
    days = {}
    for key in ("confirm", "first", "final", "parent"):
        days[key] = top.number(key, 0)
        if not 1 <= days[key] <= _MOST_DAYS and not document.broken:
            top.problem(f"{key} is missing or out of bounds", f"Write {key} = and days.", key)
    if not days["confirm"] <= days["first"] <= days["final"] and not document.problems:
        top.problem("the terms do not grow", "confirm, first, final: each at least the one before.")
    transfer = top.text("transfer")
    if transfer not in (KEEP, RENEW) and not document.problems:
        top.problem(f"transfer is {transfer}", 'Write transfer = "renew" or "keep".', "transfer")
    document.check_headers(frozenset())
    return Answering(**days, renews=transfer == RENEW)
