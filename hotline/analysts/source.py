"""Source: where the site's figures come from. The one place where the real ones are plugged in is
``analysis.web.blueprint``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from hotline.analysis.question import Question
from hotline.analysis.table import Table
from hotline.errors import HotlineError

# The interval of a row's figure, where a table has one.
LOW, HIGH = "tip_count_low", "tip_count_high"


class NoRelease(HotlineError):
    """A question about months of which none was released."""

    code = "no_release"
    status = 404
    message = "No month of this period has been released."
    hint = "The first page lists the months that were."


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


class Listed:
    """Knows which months were released, by their files, and reads none of them."""

    formats: Sequence[tuple[str, str]] = ()
    large: Sequence[str] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def months(self) -> Sequence[str]:
        return sorted(path.stem for path in self._folder.glob("????-??.json"))

    def answer(self, question: Question) -> Table:
        raise NoRelease

    def render(self, table: Table, form: str, dialect: str) -> bytes:
        raise NoRelease


def expected_error(table: Table) -> float | None:
    """Half the width of the interval, on average over the rows that have one; None without."""
    if not {LOW, HIGH} <= table.data.keys() or not len(table):
        return None
    width = table.data[HIGH].astype(float) - table.data[LOW].astype(float)
    known = width[~np.isnan(width)]
    return float(known.mean()) / 2 if len(known) else None
