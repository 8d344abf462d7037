"""Extract: an answer drawn from frozen releases. Asking costs nothing and tells nothing new.

Whatever is grouped, sums are sums of the same signed whole numbers, so that two extracts never
disagree; only what is shown is cut: too small a figure is left empty, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hotline.analysis import axes
from hotline.analysis.axes import Axis, axis_of
from hotline.analysis.columns import (
    BELOW,
    FIGURES,
    MISSING,
    ROUNDED,
    SUPPRESSED,
    ZERO,
    columns_of,
)
from hotline.analysis.cube import Reals
from hotline.analysis.domain import PLACES, Domain, Ints
from hotline.analysis.noise import variance
from hotline.analysis.question import AREAS, PERIODS, SIDES, TYPES, BadQuestion, Question
from hotline.analysis.release import ACTS, LEAVES, STATES_ARRAY
from hotline.analysis.releases import Frozen, Releases
from hotline.analysis.spread import HALF_WIDTH, spread, spread_beside
from hotline.analysis.table import Table, filled

MOST_ROWS = 3_000_000
_MONTHS_MOST = 600


class TooManyRows(BadQuestion):
    """A table that nobody could open."""

    code = "too_many_rows"
    message = "This would be too many rows."
    hint = "Ask for fewer months, only some states, or quarters instead of months."


class NothingReleased(BadQuestion):
    """No month of those asked for has a release."""

    code = "nothing_released"
    message = "No release lies in these months."
    hint = "'hotline release list' shows the months there are."


@dataclass(slots=True)
class _Sums:
    """What is added up, [period, place, type, value]: figures, their variance, and how many
    published cells are in each."""

    values: Reals
    spread: Reals
    cells: Reals


@dataclass(slots=True)
class _Plan:
    """The axes of one question, and each release's part in them."""

    question: Question
    language: str
    period: Axis
    place: Axis
    kind: Axis
    side: Axis
    fine: bool = False
    months: tuple[str, ...] = ()
    period_of: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    maps: dict[str, tuple[Ints, Ints, Ints, Ints]] = field(default_factory=dict)
    variances: dict[tuple[str, str], Reals] = field(default_factory=dict)


def extract(
    releases: Releases, question: Question, *, language: str = "en", most: int = MOST_ROWS
) -> Table:
    """The table of a question; labels in ``language``. Raises BadQuestion kinds, BadRelease."""
    plan = _plan(question, language)
    frozen = [releases.one(m) for m in releases.months() if m in plan.months]
    frozen = [one for one in frozen if plan.period_of[plan.months.index(one.month)] >= 0]
    if not frozen:
        raise NothingReleased
    table = _side_table(frozen[0], plan)
    for one in frozen:
        _map(plan, one, table)
    for axis in (plan.period, plan.place, plan.kind, plan.side):
        axis.prove()
    shape = tuple(len(a.labels) for a in (plan.period, plan.place, plan.kind, plan.side))
    if int(np.prod(shape)) > most:
        raise TooManyRows
    sums = _Sums(np.zeros(shape), np.zeros(shape), np.zeros(shape))
    for one in frozen:
        _add(sums, plan, one, table)
    return _shown(sums, plan, frozen, table)


def _plan(question: Question, language: str) -> _Plan:
    period, place, kind, side = (axis_of(question, n) for n in (PERIODS, AREAS, TYPES, SIDES))
    made = _Plan(question, language, period, place, kind, side)
    made.months = months_between(question.since, question.until)
    made.period_of = axes.periods(made.period, made.months)
    asked = {*question.by, *question.only}
    made.fine = "municipality" in asked
    if asked & set(SIDES) and (made.fine or asked & (set(TYPES) - {"crime_group"})):
        raise BadQuestion(
            "Channel, language, victim, weapon and outcome go with state and crime group only."
        )
    return made


def months_between(since: str, until: str) -> tuple[str, ...]:
    """Both included. Raises BadQuestion for more than fifty years."""
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (since, until))
    if last - first >= _MONTHS_MOST:
        raise BadQuestion
    return tuple(f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(first, last + 1))


def _side_table(one: Frozen, plan: _Plan) -> str:
    """The side table that has the fields asked for; empty for none. Raises BadQuestion."""
    wanted = {*plan.side.wanted, *plan.side.only}
    if not wanted:
        return ""
    for name, spent in one.spent.items():
        if name != ACTS and wanted <= set(spent.fields):
            return name
    raise BadQuestion("These are not told together: ask for each by itself.")


def _map(plan: _Plan, one: Frozen, table: str) -> None:
    key = one.domain.digest
    if key in plan.maps:
        return
    areas, withheld = axes.places(plan.place, one.domain, plan.fine)
    if table:
        kinds = axes.groups(plan.kind, one.domain)
        sides = axes.values(plan.side, one.spent[table].fields, one.values)
    else:
        kinds = axes.types(plan.kind, one.domain, plan.language)
        sides = np.array([plan.side.number({})])
    plan.maps[key] = (areas, withheld, kinds, sides)


def _add(sums: _Sums, plan: _Plan, one: Frozen, table: str) -> None:
    period = plan.period_of[plan.months.index(one.month)]
    areas, withheld, kinds, sides = plan.maps[one.domain.digest]
    if not (_any(withheld) or _any(areas)) or not _any(kinds) or not _any(sides):
        return
    if table:
        _add_side(sums, plan, one, table, int(period))
        return
    into, cells = sums.values[period, :, :, 0], sums.cells[period, :, :, 0]
    states = one.array(STATES_ARRAY)
    told = _told(one.domain, plan.fine)
    into += _fold(np.where(told, states, 0), withheld, kinds, into.shape)
    cells += _fold(told, withheld, kinds, into.shape)
    if plan.fine:
        leaves, fine = one.array(LEAVES), kinds[one.domain.fine]
        into += _fold(leaves, areas, fine, into.shape)
        rows = np.bincount(areas[areas >= 0], minlength=into.shape[0])
        columns = np.bincount(fine[fine >= 0], minlength=into.shape[1])
        cells += np.outer(rows, columns)
    sums.spread[period, :, :, 0] += _spread(plan, one, into.shape)


def _add_side(sums: _Sums, plan: _Plan, one: Frozen, table: str, period: int) -> None:
    _, withheld, groups, sides = plan.maps[one.domain.digest]
    shape = sums.values.shape[1:]
    array = one.array(table)
    flat = array.reshape(*array.shape[:2], -1)
    told = np.ones(array.shape[:2])
    only = ~_told(one.domain, fine=False)
    for group in range(len(one.domain.groups)):
        told[only[:, one.domain.group_of == group].all(axis=1), group] = 0
    blocks = _fold(told, withheld, groups, shape[:2])
    held = _spread(plan, one, shape[:2])
    noise = variance(one.spent[table].scale)
    for value in range(shape[2]):
        mine = sides == value
        part = flat[:, :, mine].sum(axis=2)
        sums.values[period, :, :, value] += _fold(part, withheld, groups, shape[:2])
        kept = np.full(shape[:2], float(mine.sum()))
        sums.cells[period, :, :, value] += blocks
        sums.spread[period, :, :, value] += spread_beside(flat.shape[2], blocks, kept, noise, held)


def _told(domain: Domain, fine: bool) -> Any:
    """[state, type]: which figures of the states' table are taken. With municipalities only those
    that no municipality is told of; else whatever is told of a state."""
    told = np.zeros((len(domain.states), len(domain.types)), dtype=bool)
    told[:-1] = [
        kind.level == "state" or (not fine and kind.level == PLACES) for kind in domain.types
    ]
    told[-1] = True
    return told


def _spread(plan: _Plan, one: Frozen, shape: tuple[int, ...]) -> Reals:
    """Variances of the cube's sums, the same for all months of one domain and one noise."""
    key = (one.domain.digest, repr(one.variances))
    if key not in plan.variances:
        areas, withheld, kinds, _ = plan.maps[one.domain.digest]
        if len(kinds) != len(one.domain.types):
            kinds = kinds[one.domain.group_of]
        found = spread(one.domain, one.variances, areas, withheld, kinds)
        whole = np.zeros(shape)
        whole[: found.shape[0], : found.shape[1]] = found
        plan.variances[key] = whole
    return plan.variances[key]


def _fold(array: Any, rows: Ints, columns: Ints, shape: tuple[int, ...]) -> Reals:
    """Sums of a matrix by the groups of its rows and columns; -1 is left out. Sums of whole
    numbers below 2^53 are exact in doubles."""
    if (rows < 0).any():
        array, rows = array[rows >= 0], rows[rows >= 0]
    if (columns < 0).any():
        array, columns = array[:, columns >= 0], columns[columns >= 0]
    if shape[1] == 1:
        return _binned(rows, array.sum(axis=1), shape[0])[:, None]
    at = rows[:, None] * shape[1] + columns[None, :]
    size = shape[0] * shape[1]
    return _binned(at.ravel(), np.ravel(array), size).reshape(shape[:2])


def _binned(groups: Ints, weights: Any, size: int) -> Reals:
    return np.asarray(np.bincount(groups, weights, size), dtype=np.float64)


def _any(groups: Ints) -> bool:
    return bool((groups >= 0).any())


def _shown(sums: _Sums, plan: _Plan, frozen: list[Frozen], table: str) -> Table:
    shape = sums.values.shape
    missing = _missing(plan, frozen)
    figures = np.rint(sums.values)
    half = HALF_WIDTH * np.sqrt(np.maximum(sums.spread, 0))
    low, high = np.floor(figures - half), np.ceil(figures + half)
    status = np.full(shape, 0, dtype=np.int8)
    status[figures < max(one.threshold for one in frozen)] = 1
    empty = sums.cells == 0
    status[empty] = 2
    alone = _withheld_alone(plan)
    status[empty & alone[None, :, None, None]] = 3
    status[missing] = 4
    figures[(status == 1) | (status == 2) | (status == 4)] = np.nan
    low[(status == 2) | (status == 4)] = high[(status == 2) | (status == 4)] = np.nan
    for bound in (figures, low, high):
        bound[status == 3] = 0
    names = np.array([ROUNDED, BELOW, SUPPRESSED, ZERO, MISSING], dtype=object)
    data: dict[str, Any] = {}
    columns: list[Any] = []
    for number, axis in enumerate((plan.period, plan.place, plan.kind, plan.side)):
        _label(axis, number, shape, columns, data)
    size = int(np.prod(shape))
    data |= {
        "tip_count": figures.ravel(),
        "tip_count_status": names[status.ravel()],
        "interval_low": np.maximum(low, 0).ravel(),
        "interval_high": np.maximum(high, 0).ravel(),
        "unit": filled(size, "tips"),
        "revision": np.full(size, max(one.revision for one in frozen), dtype=np.int64),
    }
    about = _about(plan, frozen, table)
    return Table((*columns, *FIGURES), data, about)


def _label(
    axis: Axis, number: int, shape: tuple[int, ...], columns: list[Any], data: dict[str, Any]
) -> None:
    """The columns of one axis, each group's words repeated as the rows lie."""
    inner, outer = int(np.prod(shape[number + 1 :])), int(np.prod(shape[:number]))
    order = np.tile(np.repeat(np.arange(shape[number]), inner), outer)
    at = 0
    for name in axis.wanted:
        for column in columns_of(name, axis.codes(name)):
            words = np.empty(shape[number], dtype=object)
            words[:] = [texts[at] for texts in axis.texts]
            columns.append(column)
            data[column.name] = words[order]
            at += 1


def _missing(plan: _Plan, frozen: list[Frozen]) -> Any:
    """Periods of which a month has no release: their figures would look like a fall."""
    there = {one.month for one in frozen}
    periods = np.zeros(len(plan.period.labels), dtype=bool)
    if plan.period.wanted:
        for month, period in zip(plan.months, plan.period_of, strict=True):
            if period >= 0 and month not in there:
                periods[period] = True
    return periods


def _withheld_alone(plan: _Plan) -> Any:
    """Groups of places that no area belongs to: what is told of nothing else."""
    alone = np.ones(len(plan.place.labels), dtype=bool)
    for areas, *_ in plan.maps.values():
        alone[areas[areas >= 0]] = False
    return alone


def _about(plan: _Plan, frozen: list[Frozen], table: str) -> Mapping[str, Any]:
    last = frozen[-1]
    there = [one.month for one in frozen]
    notes = [
        "A report counts once, in the month it came, by its main act when the month was frozen.",
        "All figures hold noise; fewer reports is not less crime.",
    ]
    if {*plan.question.by, *plan.question.only} & {"municipality"}:
        notes.append("Violence against women, trafficking and children: by state and nation only.")
    if {*plan.question.by, *plan.question.only} & set(AREAS):
        notes.append(
            "Officials, and reports that name a body of the line: for the whole line only."
        )
    lacking = [month for month in plan.months if month not in there]
    if lacking and not plan.period.wanted:
        notes.append(f"Months without a release are left out: {', '.join(lacking)}.")
    if table:
        notes.append(f"From the side table {table}, moved to add up to the same totals.")
    return {
        "title": "Reports to the line",
        "jurisdiction": last.header["jurisdiction"],
        "question": plan.question.address(),
        "months": there,
        "revision": max(one.revision for one in frozen),
        "releases": {one.month: one.digest for one in frozen},
        "taxonomy": last.header["taxonomy"],
        "epsilon": last.header["epsilon"],
        "threshold": last.threshold,
        "notes": notes,
        "licence": "CC-BY-4.0",
    }
