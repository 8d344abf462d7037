"""Plan: which cells of each release a question takes, and into which group of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hotline.analysis import axes
from hotline.analysis.axes import Axis, axis_of
from hotline.analysis.cube import Reals
from hotline.analysis.domain import Ints
from hotline.analysis.question import ACT, AREAS, PERIODS, SIDES, TYPES, BadQuestion, Question
from hotline.analysis.release import ACTS
from hotline.analysis.releases import Frozen

_MONTHS_MOST = 600


@dataclass(slots=True)
class Plan:
    """The axes of one question, and each release's part in them. ``table`` is the side table it
    draws from, empty for the cube; ``fine`` whether municipalities are asked for; ``maps`` give,
    for each domain, the group of each area, of what each state's municipalities are not told of,
    of each type (or crime group) and of each side value."""

    question: Question
    language: str
    period: Axis
    place: Axis
    kind: Axis
    side: Axis
    months: tuple[str, ...]
    period_of: Ints
    fine: bool
    table: str = ""
    maps: dict[str, tuple[Ints, Ints, Ints, Ints]] = field(default_factory=dict)
    variances: dict[tuple[str, str], Reals] = field(default_factory=dict)

    @property
    def axes(self) -> tuple[Axis, Axis, Axis, Axis]:
        return self.period, self.place, self.kind, self.side

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis.labels) for axis in self.axes)

    @property
    def asked(self) -> set[str]:
        return {*self.question.by, *self.question.only}

    def period_number(self, month: str) -> int:
        """The group of a month; -1 where the question leaves it out."""
        return int(self.period_of[self.months.index(month)])

    def take(self, frozen: Sequence[Frozen]) -> None:
        """Reads what the releases can tell. Raises BadQuestion for what none of them can."""
        self.table = _side_table(frozen[0], self.side)
        for one in frozen:
            if one.domain.digest not in self.maps:
                self.maps[one.domain.digest] = self._mapped(one)
        for axis in self.axes:
            axis.prove()

    def _mapped(self, one: Frozen) -> tuple[Ints, Ints, Ints, Ints]:
        areas, withheld = axes.places(self.place, one.domain, self.fine)
        if self.table == ACTS:
            kinds = np.array([self.kind.number({})])
            return areas, withheld, kinds, axes.acts(self.side, one.domain, self.language)
        if self.table:
            kinds = axes.groups(self.kind, one.domain)
            sides = axes.values(self.side, one.spent[self.table].fields, one.values)
            return areas, withheld, kinds, sides
        kinds = axes.types(self.kind, one.domain, self.language)
        return areas, withheld, kinds, np.array([self.side.number({})])


def plan_of(question: Question, language: str) -> Plan:
    """Raises BadQuestion for what no release tells together."""
    period, place, kind, side = (axis_of(question, n) for n in (PERIODS, AREAS, TYPES, SIDES))
    months = months_between(question.since, question.until)
    periods = axes.periods(period, months)
    asked = {*question.by, *question.only}
    _provable(question, asked)
    fine = "municipality" in asked
    return Plan(question, language, period, place, kind, side, months, periods, fine)


def _provable(question: Question, asked: set[str]) -> None:
    fine = "municipality" in asked
    if ACT in asked:
        if fine or asked & set(TYPES):
            raise BadQuestion("Acts told go with periods and states only.")
        if ACT not in question.by and len(question.only[ACT]) > 1:
            raise BadQuestion(
                "A report may tell of several acts: group by act to see each of them."
            )
    elif asked & set(SIDES) and (fine or asked & (set(TYPES) - {"crime_group"})):
        raise BadQuestion(
            "Channel, language, victim, weapon and outcome go with state and crime group only."
        )


def months_between(since: str, until: str) -> tuple[str, ...]:
    """Both included. Raises BadQuestion for more than fifty years."""
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (since, until))
    if last - first >= _MONTHS_MOST:
        raise BadQuestion
    return tuple(f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(first, last + 1))


def _side_table(one: Frozen, side: Axis) -> str:
    """The side table that has the fields asked for; empty for none. Raises BadQuestion."""
    wanted = {*side.wanted, *side.only}
    if not wanted:
        return ""
    if wanted == {ACT}:
        return ACTS
    for name, spent in one.spent.items():
        if name != ACTS and wanted <= set(spent.fields):
            return name
    raise BadQuestion("These are not told together: ask for each by itself.")
