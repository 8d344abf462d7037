"""Formats as pandas, DuckDB and GDAL read them: one table, the same figures in every one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas
import pyogrio
import pyogrio.raw
import pytest

from hotline.analysis import formats
from hotline.analysis.formats.words import bare, plain
from hotline.analysis.table import Table
from tests.tables import MONTHS, NASTY, PLACES, labelled, placed

CODES = {"municipality_code": "str"}
# What stands for nothing in a frame is an empty cell alone: "#N/A" may be a label.
EMPTY: dict[str, Any] = {"keep_default_na": False, "na_values": [""], "dtype": CODES}
PANDAS: dict[tuple[str, str], Callable[[Path], pandas.DataFrame]] = {
    ("csv", ""): lambda path: pandas.read_csv(path, **EMPTY),
    ("csv", "excel-br"): lambda path: pandas.read_csv(path, sep=";", decimal=",", **EMPTY),
    ("xlsx", ""): lambda path: pandas.read_excel(path, sheet_name="data", **EMPTY),
    ("parquet", ""): pandas.read_parquet,
    ("json", ""): lambda path: pandas.DataFrame(json.loads(path.read_text())["data"]),
}
DUCKDB = {
    ("csv", ""): "read_csv('{path}', types = {{'municipality_code': 'VARCHAR'}})",
    ("csv", "excel-br"): (
        "read_csv('{path}', delim = ';', decimal_separator = ',', "
        "types = {{'municipality_code': 'VARCHAR'}})"
    ),
    ("parquet", ""): "read_parquet('{path}')",
    ("json", ""): "(SELECT unnest(data, recursive := true) FROM read_json('{path}'))",
}


def written(table: Table, form: tuple[str, str], folder: Path) -> Path:
    path, *_ = formats.write(table, form[0], folder / "out", form[1])
    return path


def rows_of(table: Table) -> list[tuple[str, str, str, float | None]]:
    """Month, code, name, figure."""
    names = ("month", "municipality_code", "municipality_name", "tip_count")
    rows = zip(*(table.data[name].tolist() for name in names), strict=True)
    return [(m, code, name, None if np.isnan(v) else v) for m, code, name, v in rows]


def test_all_that_is_written_is_read_here() -> None:
    """GeoJSON, which is no table, is GDAL's below; a workbook DuckDB reads with an extension that
    it fetches."""
    every = {(form, "") for form in formats.FORMATS} | {("csv", "excel-br")}
    assert set(PANDAS) == every - {("geojson", "")}
    assert set(DUCKDB) == set(PANDAS) - {("xlsx", "")}


@pytest.mark.parametrize("form", PANDAS)
def test_pandas_reads_every_figure_and_code(tmp_path: Path, form: tuple[str, str]) -> None:
    table = placed()
    frame = PANDAS[form](written(table, form, tmp_path))
    assert list(frame.columns) == [column.name for column in table.columns]
    assert all(frame[name].dtype.kind in "if" for name in ("tip_count", "interval_low"))
    months = frame["month"].tolist()
    if form[0] == "xlsx":
        months = [month.strftime("%Y-%m") for month in months]
    codes, names = frame["municipality_code"].tolist(), frame["municipality_name"].tolist()
    figures = [None if np.isnan(v) else v for v in frame["tip_count"].tolist()]
    assert list(zip(months, codes, names, figures, strict=True)) == rows_of(table)


@pytest.mark.parametrize("form", PANDAS)
def test_pandas_reads_labels_nobody_would_wish_for(tmp_path: Path, form: tuple[str, str]) -> None:
    frame = PANDAS[form](written(labelled(NASTY), form, tmp_path))
    read = [bare(label) if form[0] in ("csv", "xlsx") else label for label in frame.iloc[:, 2]]
    assert read == [plain(label) for label in NASTY]
    assert frame["tip_count"].tolist() == [at + 0.5 for at in range(len(NASTY))]


@pytest.mark.parametrize("form", DUCKDB)
def test_duckdb_reads_every_figure_and_code(tmp_path: Path, form: tuple[str, str]) -> None:
    table = placed()
    source = DUCKDB[form].format(path=written(table, form, tmp_path))
    with duckdb.connect(config={"threads": 1}) as lake:
        asked = f"SELECT month, municipality_code, municipality_name, tip_count FROM {source}"
        assert lake.sql(asked).fetchall() == rows_of(table)
        (total,) = lake.sql(f"SELECT sum(interval_low) FROM {source}").fetchall()[0]
    assert total == np.nansum(table.data["interval_low"])


@pytest.mark.parametrize("form", [("csv", ""), ("csv", "excel-br"), ("xlsx", "")])
def test_gdal_reads_tables_too(tmp_path: Path, form: tuple[str, str]) -> None:
    """As QGIS does when a table is joined to outlines by the code, which stays text."""
    table = placed()
    path = written(table, form, tmp_path)
    _, _, _, fields = pyogrio.raw.read(
        path, layer=0, columns=["municipality_code", "municipality_name", "tip_count"]
    )
    codes, names, figures = (field.tolist() for field in fields)
    assert codes == table.data["municipality_code"].tolist()
    assert set(names) == set(PLACES.values())
    told = [float(v) for v in figures if v not in ("", None) and not np.isnan(float(v))]
    assert told == [v for v in table.data["tip_count"].tolist() if not np.isnan(v)]


def test_gdal_reads_a_map(tmp_path: Path) -> None:
    path = written(placed(), ("geojson", ""), tmp_path)
    assert pyogrio.read_info(path)["features"] == len(PLACES)
    _, _, shapes, fields = pyogrio.raw.read(
        path, columns=["municipality_name", *(f"tip_count_{month}" for month in MONTHS)]
    )
    assert fields[0].tolist() == list(PLACES.values())
    assert all(shape is not None for shape in shapes)
    assert fields[1].tolist() == [4, 7, 10]
