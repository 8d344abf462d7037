"""Tables as an extract makes them, with labels nobody would wish for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotline.analysis.table import REAL, TEXT, WHOLE, Column, Table

NASTY = (
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://example.org";"x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "'=1",
    "＝1+1",
    'He said "no", twice; then left',
    "two\nlines",
    "São João, d’Água | `x` *y* <b>z</b>",
    "🚨 👩‍👩‍👧",
    "שלום עולם",
    "\u202eمرحبا",
    "#N/A",
    "{=1}",
    "</text><script>alert(1)</script>",
    "https://example.org",
    "00123",
    "1,5",
    "TRUE",
)
MONTHS = ("2025-11", "2025-12", "2026-01", "2026-02")
PLACES = {
    "3303302": "Niterói",
    "3304557": "Rio de Janeiro",
    "3550308": "São Paulo",
}
ABOUT = {
    "title": "Tips by month",
    "jurisdiction": "br-rj",
    "question": "from=2025-11&to=2026-02&by=month,municipality",
    "months": MONTHS,
    "revision": 1,
    "releases": dict.fromkeys(MONTHS, "ab" * 32),
    "taxonomy": "2026.1",
    "epsilon": 2.0,
    "notes": ("Noise was added, so that nobody stands out.",),
    "licence": "",
}


def objects(values: Any) -> NDArray[Any]:
    listed = list(values)
    made = np.empty(len(listed), dtype=object)
    made[:] = listed
    return made


def labelled(labels: Any, counts: Any = None, **about: Any) -> Table:
    """One row a label."""
    listed = list(labels)
    figures = [float(at) + 0.5 for at in range(len(listed))] if counts is None else list(counts)
    columns = (
        Column("month", TEXT, "Month", "Calendar month"),
        Column("crime_type", TEXT, "Crime type", "Code", ("DRG-01", "DRG-02")),
        Column("crime_type_label", TEXT, "Crime type, in words", "What the code is called"),
        Column("tip_count", REAL, "Tips", "Estimate"),
        Column("tips_released", WHOLE, "Whole", "Figure of the release"),
    )
    data = {
        "month": objects(MONTHS[at % 4] for at in range(len(listed))),
        "crime_type": objects(("DRG-01", None)[at % 2] for at in range(len(listed))),
        "crime_type_label": objects(listed),
        "tip_count": np.array(figures, dtype=np.float64),
        "tips_released": np.arange(len(listed), dtype=np.int64) - 2,
    }
    return Table(columns, data, ABOUT | about)


def placed() -> Table:
    """By month and municipality, with an interval; one figure is not there."""
    rows = [(month, code) for month in MONTHS for code in PLACES]
    count = np.arange(len(rows), dtype=np.float64) * 3 + 4
    count[5] = np.nan
    columns = (
        Column("month", TEXT, "Month", "Calendar month", MONTHS),
        Column("municipality_code", TEXT, "Municipality code", "Its code", tuple(PLACES)),
        Column("municipality_name", TEXT, "Name", "What it is called"),
        Column("state", TEXT, "State", "Its state"),
        Column("tip_count", REAL, "Tips", "Estimate"),
        Column("tip_count_status", TEXT, "Status", "What it is", ("rounded", "suppressed")),
        Column("interval_low", REAL, "Low", "Of the interval"),
        Column("interval_high", REAL, "High", "Of the interval"),
    )
    data = {
        "month": objects(month for month, _ in rows),
        "municipality_code": objects(code for _, code in rows),
        "municipality_name": objects(PLACES[code] for _, code in rows),
        "state": objects("BR-SP" if code.startswith("35") else "BR-RJ" for _, code in rows),
        "tip_count": count,
        "tip_count_status": objects("suppressed" if at == 5 else "rounded" for at in range(12)),
        "interval_low": count - 2,
        "interval_high": count + 2,
    }
    return Table(columns, data, ABOUT)
