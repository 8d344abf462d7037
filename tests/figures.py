"""Figures: a source of synthetic tables, for the analysts' site without releases."""

from __future__ import annotations

import numpy as np

from hotline.analysis.question import Question
from hotline.analysis.table import TEXT, WHOLE, Column, Table

MONTHS = ("2026-01", "2026-02", "2026-03")
ROWS = 30


class Figures:
    """Every answer has so many rows, counted up from ten, each three more or less."""

    formats = (("csv", ""), ("csv", "excel-br"), ("json", ""))
    large = ("3304557",)

    def __init__(self, rows: int = ROWS) -> None:
        self.rows = rows
        self.asked: list[Question] = []

    def months(self) -> tuple[str, ...]:
        return MONTHS

    def answer(self, question: Question) -> Table:
        self.asked.append(question)
        counts = np.arange(10, 10 + self.rows, dtype=np.int64)
        groups = [Column(name, TEXT, name, "Month") for name in question.by]
        numbers = [
            Column(name, WHOLE, name, "Months")
            for name in ("tip_count", "interval_low", "interval_high")
        ]
        values = (counts, counts - 3, counts + 3)
        data = {one.name: np.array([f"{one.name}-{n}" for n in counts], object) for one in groups}
        data |= {one.name: each for one, each in zip(numbers, values, strict=True)}
        return Table((*groups, *numbers), data, {"question": question.address()})

    def render(self, table: Table, form: str, dialect: str) -> bytes:
        lines = [";".join(column.name for column in table.columns)]
        lines += [f"{form}{dialect} {len(table)}", str(table.about["question"])]
        return "\n".join(lines).encode()
