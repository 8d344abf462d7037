"""Drawn: the site's figures, from the releases themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hotline.analysis.domain import ABROAD, UNKNOWN, WITHHELD
from hotline.analysis.extract import extract
from hotline.analysis.question import Question
from hotline.analysis.releases import Releases
from hotline.analysis.table import Table
from hotline.web.i18n import current, say

LARGE = 1000  # reports of a municipality in the last twelve released months
YEAR = 12


class Drawn:
    """A ``Source``. What is large is read from the releases too: it costs no privacy, and tells
    everybody the same."""

    formats: Sequence[tuple[str, str]] = (
        ("csv", ""),
        ("csv", "excel-br"),
        ("xlsx", ""),
        ("parquet", ""),
        ("json", ""),
        ("geojson", ""),
    )

    def __init__(self, folder: Path) -> None:
        self._releases = Releases(folder)
        self._large: tuple[Sequence[str], Sequence[str]] = ((), ())

    @property
    def large(self) -> Sequence[str]:
        months = self.months()[-YEAR:]
        if months != self._large[0]:
            self._large = (months, self._busy(months))
        return self._large[1]

    def months(self) -> Sequence[str]:
        return self._releases.months()

    def answer(self, question: Question) -> Table:
        return extract(self._releases, question, language=current().value)

    def render(self, table: Table, form: str, dialect: str) -> bytes:
        from hotline.analysis.formats import render  # a quarter of a second, at the first file

        return render(table, form, dialect, partial(say, current()))

    def _busy(self, months: Sequence[str]) -> Sequence[str]:
        table = extract(self._releases, Question(months[0], months[-1], ("municipality",)))
        codes, counts = table.data["municipality_code"], table.data["tip_count"]
        found = (codes[at] for at in np.flatnonzero(np.nan_to_num(counts) >= LARGE))
        return [code for code in found if code not in (UNKNOWN, ABROAD, WITHHELD)]
