"""Shown: sums as the table people get. What is too small, withheld or missing says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hotline.analysis.axes import Axis
from hotline.analysis.columns import (
    BELOW,
    FIGURES,
    MISSING,
    N_,
    ROUNDED,
    SUPPRESSED,
    ZERO,
    columns_of,
)
from hotline.analysis.plan import Plan
from hotline.analysis.question import AREAS
from hotline.analysis.release import ACTS
from hotline.analysis.releases import Frozen
from hotline.analysis.spread import HALF_WIDTH
from hotline.analysis.sums import Sums
from hotline.analysis.table import Column, Table, filled

# Statuses by number, while they are being found.
_NAMES = np.array([ROUNDED, BELOW, SUPPRESSED, ZERO, MISSING], dtype=object)
_BELOW, _SUPPRESSED, _ZERO, _MISSING = 1, 2, 3, 4


def shown(sums: Sums, plan: Plan, frozen: Sequence[Frozen]) -> Table:
    """All that was asked for, a row for each combination."""
    data: dict[str, Any] = {}
    columns: list[Column] = []
    for number, axis in enumerate(plan.axes):
        _label(axis, number, plan.shape, columns, data)
    size = int(np.prod(plan.shape))
    data |= _figures(sums, plan, frozen)
    data["unit"] = filled(size, "tips")
    data["revision"] = np.full(size, max(one.revision for one in frozen), dtype=np.int64)
    return Table((*columns, *FIGURES), data, _about(plan, frozen))


def _figures(sums: Sums, plan: Plan, frozen: Sequence[Frozen]) -> dict[str, Any]:
    figures = np.rint(sums.values)
    half = HALF_WIDTH * np.sqrt(np.maximum(sums.spread, 0))
    low, high = np.floor(figures - half), np.ceil(figures + half)
    status = _statuses(sums, plan, frozen, figures)
    nothing = (status == _SUPPRESSED) | (status == _MISSING)
    figures[nothing | (status == _BELOW)] = np.nan
    low[nothing] = high[nothing] = np.nan
    for bound in (figures, low, high):
        bound[status == _ZERO] = 0
    return {
        "tip_count": figures.ravel(),
        "tip_count_status": _NAMES[status.ravel()],
        "interval_low": np.maximum(low, 0).ravel(),
        "interval_high": np.maximum(high, 0).ravel(),
    }


def _statuses(sums: Sums, plan: Plan, frozen: Sequence[Frozen], figures: Any) -> Any:
    status = np.zeros(plan.shape, dtype=np.int8)
    status[figures < max(one.threshold for one in frozen)] = _BELOW
    empty = sums.cells == 0
    status[empty] = _SUPPRESSED
    status[empty & _withheld_alone(plan)[None, :, None, None]] = _ZERO
    status[_missing(plan, frozen)] = _MISSING
    return status


def _label(
    axis: Axis, number: int, shape: tuple[int, ...], columns: list[Column], data: dict[str, Any]
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


def _missing(plan: Plan, frozen: Sequence[Frozen]) -> Any:
    """Periods of which a month has no release: their figures would look like a fall."""
    periods = np.zeros(len(plan.period.labels), dtype=bool)
    if plan.period.wanted:
        for month in _lacking(plan, frozen):
            periods[plan.period_number(month)] = True
    return periods


def _withheld_alone(plan: Plan) -> Any:
    """Groups of places that no area belongs to: what is told of nothing else."""
    alone = np.ones(len(plan.place.labels), dtype=bool)
    for areas, *_ in plan.maps.values():
        alone[areas[areas >= 0]] = False
    return alone


def _about(plan: Plan, frozen: Sequence[Frozen]) -> Mapping[str, Any]:
    last = frozen[-1]
    return {
        "title": N_("Reports to the line"),
        "jurisdiction": last.header["jurisdiction"],
        "question": plan.question.address(),
        "months": [one.month for one in frozen],
        "missing_months": _lacking(plan, frozen),
        "revision": max(one.revision for one in frozen),
        "releases": {one.month: one.digest for one in frozen},
        "taxonomy": last.header["taxonomy"],
        "epsilon": last.header["epsilon"],
        "threshold": last.threshold,
        "notes": _notes(plan, frozen),
        "licence": _licence(frozen),
    }


def _notes(plan: Plan, frozen: Sequence[Frozen]) -> list[str]:
    """Sentences of the catalogues: whoever writes a file says them in the reader's language."""
    notes = [N_("All figures hold noise; fewer reports is not less crime.")]
    if any(one.invented for one in frozen):
        notes.insert(0, N_("Invented for a demonstration: these reports were never made."))
    if plan.table == ACTS:
        notes.append(
            N_(
                "A report counts in each of the acts it tells of, three at most: figures of acts "
                "add up to more than the reports, and no act is a finding of fact."
            )
        )
    else:
        notes.append(
            N_(
                "A report counts once, in the month it came, by its main act when the month was "
                "frozen."
            )
        )
    if "municipality" in plan.asked:
        notes.append(
            N_("Violence against women, trafficking and children: by state and nation only.")
        )
    if plan.asked & set(AREAS):
        notes.append(
            N_("Officials, and reports that name a body of the line: for the whole line only.")
        )
    if _lacking(plan, frozen) and not plan.period.wanted:
        notes.append(N_("Months without a release are left out."))
    if plan.table and plan.table != ACTS:
        notes.append(N_("From a table beside the main one, moved to add up to the same totals."))
    return notes


def _lacking(plan: Plan, frozen: Sequence[Frozen]) -> list[str]:
    """Months asked for that have no release."""
    there = {one.month for one in frozen}
    asked = zip(plan.months, plan.period_of, strict=True)
    return [month for month, number in asked if number >= 0 and month not in there]


def _licence(frozen: Sequence[Frozen]) -> str:
    """What the line signed with the months. Where they differ each is named with its own, and where
    one has none, nothing may be passed on without asking."""
    told = {one.month: one.licence for one in frozen}
    different = set(told.values())
    if len(different) == 1:
        return different.pop()
    if "" in different:
        return ""
    return "; ".join(f"{month}: {licence}" for month, licence in told.items())
