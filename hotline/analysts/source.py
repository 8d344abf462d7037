"""Source: what the site asks of those who draw its figures (``hotline.analysts.drawn``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from hotline.analysis.question import Question
from hotline.analysis.table import Table

# The interval of a row's figure, where a table has one.
LOW, HIGH = "interval_low", "interval_high"


class Source(Protocol):
    """``formats``: what ``render`` makes, as (format, dialect). ``large``: codes of the
    municipalities that are big enough for everybody's table."""

    @property
    def formats(self) -> Sequence[tuple[str, str]]: ...
    @property
    def large(self) -> Sequence[str]: ...
    def months(self) -> Sequence[str]: ...
    def answer(self, question: Question) -> Table: ...
    def render(self, table: Table, form: str, dialect: str) -> bytes: ...


def expected_error(table: Table) -> float | None:
    """Half the width of the interval, on average over the rows that have one; None without."""
    if not {LOW, HIGH} <= table.data.keys() or not len(table):
        return None
    width = table.data[HIGH].astype(float) - table.data[LOW].astype(float)
    known = width[~np.isnan(width)]
    return float(known.mean()) / 2 if len(known) else None
