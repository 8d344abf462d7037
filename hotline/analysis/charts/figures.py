"""Figures: what a chart reads of a table, and refuses to guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotline.analysis.charts.svg import number
from hotline.analysis.formats.schema import said
from hotline.analysis.formats.words import N_, Say, english
from hotline.analysis.table import Table
from hotline.errors import BadInput

_LABELS = ("_name", "_label", "_title")
# Why there is no figure, by the status beside it.
_WHY: Mapping[str, str] = {
    "below_threshold": N_("too small to be shown"),
    "suppressed": N_("withheld"),
    "not_released": N_("not released"),
}


class BadChart(BadInput):
    """A table from which this chart cannot be drawn without adding up what nobody asked for."""

    code = "bad_chart"
    message = "This chart cannot be drawn from this table."
    hint = "Group by what the chart shows, and by nothing else."


@dataclass(frozen=True, slots=True)
class Measure:
    """The columns of a figure and of its interval, which is drawn where a table has it."""

    value: str = "tip_count"
    low: str = "interval_low"
    high: str = "interval_high"


@dataclass(frozen=True, slots=True)
class Figures:
    """``keys`` has the values of each dimension asked for, row by row; figures are nan where there
    is none. Each combination of keys stands once."""

    keys: tuple[tuple[str, ...], ...]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    head: tuple[str, ...]
    banded: bool
    why: tuple[str, ...]
    say: Say

    def rows(self, order: Sequence[int], labels: Sequence[Sequence[str]]) -> Any:
        """The twin: labels of the keys, the figure and its interval."""
        nothing = self.say(N_("no figure"))
        ends = (self.low, self.high) if self.banded else ()
        return tuple(
            (
                *(names[at] for names in labels),
                number(self.value[at]) or self.why[at],
                *(number(end[at]) or nothing for end in ends),
            )
            for at in order
        )


def figures(
    table: Table, by: Sequence[str], measure: Measure | None = None, say: Say = english
) -> Figures:
    """Rows without a key are left out. Raises BadChart where a column is missing or a combination
    of keys stands twice."""
    measure = measure or Measure()
    columns = {column.name: column for column in table.columns}
    named = [column_of(table, name) for name in by]
    if measure.value not in columns:
        raise BadChart
    rows = [at for at in range(len(table)) if all(table.data[name][at] for name in named)]
    keys = tuple(tuple(str(table.data[name][at]) for at in rows) for name in named)
    together = list(zip(*keys, strict=True))
    if len(set(together)) != len(together):
        raise BadChart
    banded = measure.low in columns and measure.high in columns
    parts = (measure.value, measure.low, measure.high) if banded else (measure.value,) * 3
    value, low, high = (table.data[name][rows].astype(np.float64) for name in parts)
    held = table.data.get(f"{measure.value}_status")
    why = ["" if held is None else str(held[at]) for at in rows]
    words = {status: say(_WHY.get(status, N_("no figure"))) for status in set(why)}
    shown = [*named, *(parts if banded else parts[:1])]
    head = tuple(said(say, columns[name].title) for name in shown)
    return Figures(
        keys, value, low, high, head, banded, tuple(words[status] for status in why), say
    )


def column_of(table: Table, name: str) -> str:
    """The column of a dimension: by its name, or by its name and ``_code``."""
    names = {column.name for column in table.columns}
    for candidate in (name, f"{name}_code"):
        if candidate in names:
            return candidate
    raise BadChart


def labels_of(table: Table, name: str, names: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the values of a dimension are called: as ``names`` says, by the column beside them, or
    as they are."""
    column = column_of(table, name)
    base = column.removesuffix("_code")
    known = {one.name for one in table.columns}
    beside = next((base + end for end in _LABELS if base + end in known), column)
    told = zip(table.data[column], table.data[beside], strict=True)
    return {
        str(code): (names or {}).get(str(code)) or str(label or code)
        for code, label in told
        if code
    }
