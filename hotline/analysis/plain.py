"""Plain: an extract as CSV or JSON, the same bytes for the same question."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from hotline.analysis.table import REAL, Table

FORMATS = ("csv", "json")
_PIECE = 50_000  # rows at once


def write(table: Table, format: str, folder: Path) -> Path:
    """``extract.csv`` or ``extract.json`` in ``folder``, which is made; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"extract.{format}"
    names = [column.name for column in table.columns]
    with place.open("w", encoding="utf-8", newline="") as file:
        if format == "csv":
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            for start in range(0, len(table), _PIECE):
                writer.writerows(_rows(table, start))
        else:
            rows = [dict(zip(names, row, strict=True)) for row in _rows(table, 0, len(table))]
            json.dump({"about": dict(table.about), "rows": rows}, file, ensure_ascii=False)
            file.write("\n")
    return place


def _rows(table: Table, start: int, count: int = _PIECE) -> Any:
    made = []
    for column in table.columns:
        part: Any = table.data[column.name][start : start + count]
        if column.kind == REAL:
            # Figures are whole; nan is a figure that is not shown.
            part = np.where(np.isnan(part), None, np.nan_to_num(part).astype(np.int64))
        made.append(part.tolist())
    return zip(*made, strict=True)
