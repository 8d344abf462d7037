"""LibreOffice opens every file for spreadsheets: numbers are numbers, accents are right, months are
months, and no text has become a formula. It is the program itself, without a window."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from hotline.analysis import formats
from hotline.analysis.formats.words import plain
from hotline.analysis.table import Table
from tests.tables import NASTY, labelled, placed

# Field and text marks, UTF-8, the first line, formats left to it, English or Brazilian Portuguese,
# no quoted field as text, special numbers and dates found by itself, no formulas.
COMMAS = "CSV:44,34,76,1,,1033,false,true,false,false,false"
SEMICOLONS = "CSV:59,34,76,1,,1046,false,true,false,false,false"
KINDS = [("xlsx", "", ""), ("csv", "", COMMAS), ("csv", "excel-br", SEMICOLONS)]
PATIENCE = 120  # seconds: it needs two on a quiet machine


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of its own: no other office that runs here is asked, or changed."""
    return tmp_path_factory.mktemp("office")


def opened(table: Table, kind: tuple[str, str, str], folder: Path, profile: Path) -> Any:
    """The workbook that LibreOffice saves after it has opened the file."""
    format, dialect, reader = kind
    path, *_ = formats.write(table, format, folder / "out", dialect)
    return converted(path, reader, folder, profile)


def converted(path: Path, reader: str, folder: Path, profile: Path) -> Any:
    asked = ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless"]
    asked += [f"--infilter={reader}"] if reader else []
    asked += ["--convert-to", "xlsx", "--outdir", str(folder / "saved"), str(path)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return openpyxl.load_workbook(folder / "saved" / "trends.xlsx")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1] or kind[0])
def test_figures_months_and_names(
    tmp_path: Path, profile: Path, kind: tuple[str, str, str]
) -> None:
    table = placed()
    book = opened(table, kind, tmp_path, profile)
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    assert list(head) == [column.name for column in table.columns]
    read = {name: [row[at] for row in rows] for at, name in enumerate(head)}
    assert read["municipality_name"] == table.data["municipality_name"].tolist()
    for name in ("tip_count", "interval_low", "interval_high"):
        told = [None if np.isnan(v) else v for v in table.data[name].tolist()]
        assert read[name] == told, "numbers are numbers, and nothing is nothing"
    months = table.data["month"].tolist()
    if kind[0] == "xlsx":
        assert read["month"] == [datetime.strptime(month, "%Y-%m") for month in months]
        assert read["municipality_code"] == table.data["municipality_code"].tolist()
        assert book.sheetnames == ["data", "dictionary", "about"]
    else:
        assert read["month"] == months
        assert [str(c) for c in read["municipality_code"]] == table.data[
            "municipality_code"
        ].tolist()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1] or kind[0])
def test_no_text_becomes_a_formula(
    tmp_path: Path, profile: Path, kind: tuple[str, str, str]
) -> None:
    """Decimal figures too: 0.5 is a half in both dialects."""
    book = opened(labelled(NASTY), kind, tmp_path, profile)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    sheet = book.worksheets[0]
    figures = [row[3] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert figures == [at + 0.5 for at in range(len(NASTY))]
    labels = [str(row[2]) for row in sheet.iter_rows(min_row=2, values_only=True)]
    for label, told in zip(labels, NASTY, strict=True):
        if plain(told).lstrip("'").startswith(("=", "+", "-", "@", "\t", "\n", "＝")):
            assert label.startswith("'"), "the guard stays a part of the text"


def test_the_same_reader_makes_a_formula_of_what_has_no_guard(
    tmp_path: Path, profile: Path
) -> None:
    """So that the test above could fail."""
    path = tmp_path / "trends.csv"
    path.write_text("label,figure\n=1+1,2\n")
    sheet = converted(path, COMMAS, tmp_path, profile).worksheets[0]
    assert sheet["A2"].data_type == "f"
