"""Retention: how many months a tip may live, by its desk and by how it ended: a table, proved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from hotline.routing.tables import Document, Entry, Problem, RuleFileProblem, nearest
from hotline.tips import QueueKind

FILE = "retention.toml"
BUILT_IN = Path(str(files("hotline").joinpath("routing", "data", FILE)))
UNDECIDED, FORWARDED, OUTCOME = "undecided", "forwarded", "outcome"
# How a tip can stand: the last nine are the reasons for which triage closes one.
ENDS = (
    *(UNDECIDED, FORWARDED, OUTCOME),
    *("duplicate", "not_actionable", "out_of_area", "no_crime", "answered"),
    *("emergency_redirected", "restart", "hoax", "abuse"),
)
# Keys of a month live as long as its tips may: what is kept for longer than this is an archive.
_MOST_MONTHS = 240


@dataclass(frozen=True, slots=True)
class Keep:
    """Tips of ``kinds`` that ended in one of ``ends`` live ``months`` after that month."""

    ends: frozenset[str]
    kinds: frozenset[str]
    months: int
    why: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Retention:
    """The terms of one line. The first that fits decides; ``longest`` months after its own month
    every tip ends."""

    keeps: tuple[Keep, ...]
    longest: int

    @staticmethod
    def load(path: Path = BUILT_IN) -> Retention:
        """Raises RuleFileProblem."""
        problems: list[Problem] = []
        found = read(Document.read(path, problems))
        if problems:
            raise RuleFileProblem(problems)
        return found

    def months(self, kind: QueueKind, end: str) -> int:
        """The term of a kind of desk and an end of ``ENDS``."""
        return next(k.months for k in self.keeps if kind in k.kinds and end in k.ends)

    def until(self, kind: QueueKind, end: str, arrived: str, now: str) -> str:
        """The last month (``YYYY-MM``) of a tip that came in month ``arrived`` and ended so in
        ``now``."""
        return min(later(now, self.months(kind, end)), self.last(arrived))

    def last(self, month: str) -> str:
        """The last month in which anything of ``month`` may live, without a legal hold."""
        return later(month, self.longest)

    def oldest(self, now: str) -> str:
        """The month before which nothing may have come that still lives in ``now``."""
        return later(now, -self.longest)

    @property
    def shortest_undecided(self) -> int:
        """Months that every tip lives at least while nobody decides it."""
        return min(self.months(kind, UNDECIDED) for kind in QueueKind)


@cache
def built_in() -> Retention:
    return Retention.load()


def later(month: str, months: int) -> str:
    """``months`` after a month (before it when negative), as ``YYYY-MM``."""
    year, number = (int(part) for part in month.split("-"))
    count = year * 12 + number - 1 + months
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def read(document: Document) -> Retention:
    """The table of a file; what is wrong is reported to it. For every kind of desk and every end
    there must be a term, and each block must decide something."""
    longest = document.top.number("longest", 0)
    if not 1 <= longest <= _MOST_MONTHS and not document.broken:
        hint = f"Write longest = and a number of months from 1 to {_MOST_MONTHS}."
        document.top.problem("longest is missing or out of bounds", hint, "longest")
    keeps, left = [], {(kind, end) for kind in QueueKind for end in ENDS}
    for entry in document.entries("keep"):
        keep = _keep(entry, longest)
        covered = {(kind, end) for kind, end in left if kind in keep.kinds and end in keep.ends}
        if not covered and not entry.problems:
            entry.problem("this block never decides", "Delete it, or move it above the others.")
        left -= covered
        keeps.append(keep)
        entry.close()
    document.check_headers(frozenset({"keep"}))
    for end in sorted({end for _, end in left}) if not document.problems else ():
        kinds = ", ".join(sorted(kind for kind, one in left if one == end))
        hint = f'Add a block with ends = ["{end}"] and months. Without one they would never end.'
        document.top.problem(f"no term for tips that end as {end} ({kinds})", hint)
    return Retention(tuple(keeps), longest)


def _keep(entry: Entry, longest: int) -> Keep:
    kinds = entry.texts("kinds") or tuple(QueueKind)
    ends = entry.texts("ends", required=True)
    _known(entry, "ends", ends, ENDS)
    _known(entry, "kinds", kinds, tuple(QueueKind))
    months = entry.number("months", 0)
    if not 1 <= months <= max(longest, 1):
        hint = f"Write a number of months from 1 to longest ({longest})."
        entry.problem("months is missing or out of bounds", hint, "months")
    why = entry.text("why")
    source = entry.text("source", required=False)
    return Keep(frozenset(ends), frozenset(kinds), months, why, source)


def _known(entry: Entry, key: str, named: Iterable[str], known: Iterable[str]) -> None:
    for name in named:
        if name not in known:
            entry.problem(f"{key} names {name}", nearest(name, known, "Delete it."), key)
