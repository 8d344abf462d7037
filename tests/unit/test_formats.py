"""Formats: what was written is what others read, in every program's own eyes, and nothing runs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import frictionless
import numpy as np
import openpyxl
import pyarrow
import pyogrio.raw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from hotline.analysis import formats
from hotline.analysis.formats import words
from hotline.analysis.formats.points import seat
from hotline.analysis.formats.schema import schema
from hotline.analysis.formats.words import bare, english, guarded, plain
from hotline.analysis.table import Column, Table
from hotline.routing.register import read
from tests.tables import ABOUT, MONTHS, NASTY, PLACES, labelled, objects, placed

# Longitude and latitude of some capitals, to a tenth of a degree.
CAPITALS = {
    "1302603": (-60.02, -3.12),
    "1501402": (-48.50, -1.46),
    "2611606": (-34.88, -8.05),
    "2927408": (-38.50, -12.97),
    "3106200": (-43.94, -19.92),
    "3304557": (-43.2, -22.91),
    "3550308": (-46.63, -23.55),
    "4314902": (-51.23, -30.03),
    "5300108": (-47.93, -15.78),
}
EVERY = [(format, "") for format in formats.FORMATS] + [("csv", "excel-br")]
LABELS = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=12)), min_size=1, max_size=8)
TABLES = LABELS.map(labelled)


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def table_for(format: str) -> Table:
    return placed() if format == "geojson" else labelled(NASTY)


def labels(table: Table) -> list[str | None]:
    """As every format holds them: what is empty and what is not there look the same in CSV."""
    return [plain(label) for label in table.data["crime_type_label"]]


def figures(table: Table) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in table.data["tip_count"]]


def rows_of(content: bytes, dialect: str = "") -> list[dict[str, str]]:
    text = content.decode("utf-8-sig" if dialect else "utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if dialect else ","))


# CSV


@settings(max_examples=60)
@given(TABLES)
def test_csv_holds_the_table_cell_for_cell(table: Table) -> None:
    content = formats.render(table, "csv")
    rows = rows_of(content)
    assert [bare(row["crime_type_label"]) for row in rows] == labels(table)
    assert [float(row["tip_count"]) for row in rows] == table.data["tip_count"].tolist()
    assert [row["crime_type"] for row in rows] == [v or "" for v in table.data["crime_type"]]
    assert b"\r" not in content
    assert not content.startswith(b"\xef\xbb\xbf")


def test_a_whole_figure_is_written_whole() -> None:
    rows = rows_of(formats.render(labelled("abc", [12.0, -0.0, 0.25]), "csv"))
    assert [row["tip_count"] for row in rows] == ["12", "0", "0.25"]


@settings(max_examples=60)
@given(TABLES)
def test_excel_in_brazil_reads_its_own_dialect(table: Table) -> None:
    content = formats.render(table, "csv", "excel-br")
    assert content.startswith(b"\xef\xbb\xbfmonth;crime_type;")
    assert content.count(b"\r\n") == len(table) + 1
    rows = rows_of(content, "excel-br")
    assert [bare(row["crime_type_label"]) for row in rows] == labels(table)
    assert [float(r["tip_count"].replace(",", ".")) for r in rows] == figures(table)
    assert all("," in row["tip_count"] for row in rows)


@settings(max_examples=60)
@given(TABLES, st.sampled_from(["", "excel-br"]))
def test_no_cell_of_text_begins_as_a_formula(table: Table, dialect: str) -> None:
    for row in rows_of(formats.render(table, "csv", dialect), dialect):
        assert not row["crime_type_label"].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))


@given(st.text())
def test_a_guard_comes_off_again(text: str) -> None:
    assert bare(guarded(text)) == plain(text)


@pytest.mark.parametrize("label", NASTY[:8])
def test_the_guard_is_one_apostrophe(label: str) -> None:
    assert guarded(label) == f"'{plain(label)}"


def test_duckdb_finds_the_types_of_csv_by_itself(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    table = placed()
    path, *_ = formats.write(table, "csv", tmp_path / "out")
    found = lake.read_csv(str(path))
    kinds = dict(zip(found.columns, map(str, found.types), strict=True))
    assert kinds["month"] == kinds["municipality_name"] == "VARCHAR"
    assert kinds["tip_count"] == kinds["interval_low"] == "BIGINT", "a whole figure is written so"
    assert [row[found.columns.index("tip_count")] for row in found.fetchall()] == figures(table)


def test_duckdb_reads_nasty_labels_of_csv(lake: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = labelled(NASTY)
    path, *_ = formats.write(table, "csv", tmp_path / "out")
    found = lake.read_csv(str(path), all_varchar=True, quotechar='"', escapechar='"').fetchall()
    assert [bare(row[2]) for row in found] == labels(table)


# JSON


@settings(max_examples=60)
@given(TABLES)
def test_json_holds_the_table_and_its_schema(table: Table) -> None:
    held = json.loads(formats.render(table, "json"))
    assert [row["crime_type_label"] for row in held["data"]] == labels(table)
    assert [row["tip_count"] for row in held["data"]] == figures(table)
    assert [row["crime_type"] for row in held["data"]] == table.data["crime_type"].tolist()
    assert [f["name"] for f in held["schema"]["fields"]] == [c.name for c in table.columns]
    assert held["about"]["months"] == list(MONTHS)


@settings(max_examples=20)
@given(TABLES)
def test_rows_of_json_fit_its_schema(table: Table) -> None:
    held = json.loads(formats.render(table, "json"))
    shape = frictionless.Schema.from_descriptor(held["schema"])
    report = frictionless.Resource(data=held["data"], schema=shape).validate()
    assert report.valid, report.flatten(["title", "note"])


def test_duckdb_reads_json(lake: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = labelled(NASTY)
    path, *_ = formats.write(table, "json", tmp_path / "out")
    found = lake.sql(f"select unnest(data, recursive := true) from read_json('{path}')")
    kinds = dict(zip(found.columns, map(str, found.types), strict=True))
    assert kinds["tip_count"] == "DOUBLE"
    assert kinds["tips_released"] in ("BIGINT", "HUGEINT")
    assert [row[found.columns.index("crime_type_label")] for row in found.fetchall()] == labels(
        table
    )


# Parquet


@settings(max_examples=40)
@given(TABLES)
def test_parquet_holds_types_values_and_meanings(table: Table) -> None:
    found = parquet.read_table(io.BytesIO(formats.render(table, "parquet")))
    kinds = {"string": pyarrow.string(), "number": pyarrow.float64(), "integer": pyarrow.int64()}
    assert found.schema.types == [kinds[column.kind] for column in table.columns]
    assert found["crime_type_label"].to_pylist() == labels(table)
    assert found["crime_type"].to_pylist() == table.data["crime_type"].tolist()
    assert found["tip_count"].to_pylist() == figures(table)
    assert found["tips_released"].to_pylist() == table.data["tips_released"].tolist()
    assert found.field("tip_count").metadata[b"title"] == b"Tips"
    assert json.loads(found.schema.metadata[b"hotline"])["revision"] == 1


def test_duckdb_reads_parquet(lake: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    table = placed()
    path, *_ = formats.write(table, "parquet", tmp_path / "out")
    found = lake.from_parquet(str(path))
    assert list(map(str, found.types)) == ["VARCHAR"] * 4 + ["DOUBLE", "VARCHAR"] + ["DOUBLE"] * 2
    counted = lake.sql(f"select count(*), sum(tip_count) from read_parquet('{path}')").fetchall()
    assert counted == [(12, np.nansum(table.data["tip_count"]))]


# XLSX


def book_of(table: Table) -> Any:
    return openpyxl.load_workbook(io.BytesIO(formats.render(table, "xlsx")))


@settings(max_examples=25)
@given(TABLES)
def test_a_workbook_has_no_formula_and_all_the_table(table: Table) -> None:
    content = formats.render(table, "xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            assert not name.startswith(("xl/externalLinks", "xl/vbaProject", "customXml"))
            assert b"<f>" not in archive.read(name)
            assert b"<f " not in archive.read(name)
            assert b"<hyperlink" not in archive.read(name)
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["data", "dictionary", "about"]
    assert {c.data_type for sheet in book for row in sheet for c in row} <= {"s", "n", "d"}
    rows = list(book["data"].iter_rows(min_row=2, values_only=True))
    # openpyxl does not undo how the format writes a carriage return or "_x0041_"; none is left.
    assert [bare(row[2] or "") for row in rows] == [
        label.replace("_x", "_x005F_x") if "_x005F_x" in (row[2] or "") else label
        for row, label in zip(rows, labels(table), strict=True)
    ]
    assert [row[3] for row in rows] == figures(table)


def test_a_workbook_has_dates_numbers_and_a_frozen_head() -> None:
    book = book_of(placed())
    sheet = book["data"]
    assert sheet.freeze_panes == "A2"
    assert sheet["A2"].value == datetime(2025, 11, 1)
    assert sheet["A2"].number_format == "yyyy-mm"
    assert sheet["E2"].value == 4
    assert sheet["E7"].value is None, "there is no figure, and nothing stands for it"
    assert [cell.value for cell in sheet[1]] == [column.name for column in placed().columns]
    assert [row[0].value for row in book["dictionary"]][1:] == [c.name for c in placed().columns]
    about = {row[0].value: row[1].value for row in book["about"]}
    assert about["jurisdiction"] == ABOUT["jurisdiction"]
    assert about["releases 2025-11"] == "ab" * 32


def test_hostile_words_about_a_table_run_nowhere() -> None:
    table = labelled(["x"], title="=1+1", jurisdiction="@SUM(1)", notes=["+1", "-1"])
    hostile = tuple(
        replace(column, title="=2+2", description="=3+3", codes=()) for column in table.columns
    )
    for sheet in book_of(Table(hostile, table.data, table.about)):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert not str(cell.value or "").startswith(("=", "+", "@"))


def test_more_rows_than_a_sheet_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.analysis.formats.sheet.MOST_ROWS", 3)
    with pytest.raises(formats.SheetTooLarge):
        formats.render(labelled(["x"] * 4), "xlsx")
    assert formats.render(labelled(["x"] * 3), "xlsx")


def test_a_text_longer_than_a_cell_is_refused_and_not_lost() -> None:
    with pytest.raises(formats.SheetTooLarge):
        formats.render(labelled(["x" * 32_768]), "xlsx")


# GeoJSON


def features(table: Table) -> list[dict[str, Any]]:
    held = json.loads(formats.render(table, "geojson"))
    assert held["type"] == "FeatureCollection"
    found: list[dict[str, Any]] = held["features"]
    return found


def test_geojson_has_one_feature_a_municipality_with_every_figure() -> None:
    table = placed()
    found = features(table)
    assert [feature["id"] for feature in found] == list(PLACES)
    for feature in found:
        told = feature["properties"]
        assert told["municipality_name"] == PLACES[feature["id"]]
        mine = [
            at for at, code in enumerate(table.data["municipality_code"]) if code == feature["id"]
        ]
        assert [told[f"tip_count_{month}"] for month in MONTHS] == [
            figures(table)[at] for at in mine
        ]


def test_every_municipality_of_brazil_has_a_seat_inside_it() -> None:
    rows = read("BR").by_key
    known = {key: seat(key) for key in rows}
    assert len(rows) == 5571
    for key, point in known.items():
        assert point is not None, key
        longitude, latitude = point
        assert -74 < longitude < -32 and -34 < latitude < 5.3
    for capital, point in CAPITALS.items():
        told = known[f"BR:IBGE:{capital}"]
        assert told == pytest.approx(point, abs=0.1), capital


def test_gdal_reads_a_municipality_without_a_seat(tmp_path: Path) -> None:
    whole = placed()
    codes = objects("9999999" if c == "3304557" else c for c in whole.data["municipality_code"])
    data = {**whole.data, "municipality_code": codes}
    path, package, *_ = formats.write(
        Table(whole.columns, data, whole.about), "geojson", tmp_path / "out"
    )
    _, _, shapes, fields = pyogrio.raw.read(path, columns=["municipality_code", "seat_status"])
    told = dict(zip(fields[0], zip(fields[1], shapes, strict=True), strict=True))
    assert told["9999999"] == ("unknown", None)
    assert told["3303302"][0] == "known" and told["3303302"][1] is not None
    sources = [source["title"] for source in json.loads(package.read_text())["sources"]]
    assert any("GeoNames" in title for title in sources)
    assert any("SimpleMaps" in title for title in sources)


def test_the_largest_city_is_on_the_map() -> None:
    assert features(placed())[2]["geometry"]["coordinates"] == [-46.633, -23.55]


def test_seats_lie_where_they_lie() -> None:
    longitude, latitude = features(placed())[1]["geometry"]["coordinates"]
    assert (round(longitude), round(latitude)) == (-43, -23)


def test_a_table_by_municipality_alone_has_plain_properties() -> None:
    whole = placed()
    first = {name: values[:3] for name, values in whole.data.items()}
    found = features(Table(whole.columns, first, whole.about))
    assert [feature["properties"]["tip_count"] for feature in found] == [4, 7, 10]
    assert found[0]["properties"]["month"] == "2025-11"


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("3303302", True),
        ("BR:IBGE:3303302", True),
        ("9999999", False),
        ("ZZ:NONE:1", False),
        ("nonsense", False),
        ("AR:INDEC:02007", False),
    ],
)
def test_a_place_without_a_seat_keeps_its_figures(code: str, known: bool) -> None:
    whole = placed()
    data = {name: values[:1] for name, values in whole.data.items()}
    (feature,) = features(Table(whole.columns, data | {"municipality_code": objects([code])}, {}))
    assert (feature["geometry"] is not None) is known
    assert feature["properties"]["seat_status"] == ("known" if known else "unknown")
    assert feature["properties"]["tip_count"] == 4


def test_a_bare_code_is_of_the_line_s_country() -> None:
    whole = placed()
    data = {name: values[:1] for name, values in whole.data.items()}
    data |= {"municipality_code": objects(["11001"])}
    (feature,) = features(Table(whole.columns, data, {"jurisdiction": "co"}))
    longitude, latitude = feature["geometry"]["coordinates"]
    assert (round(longitude), round(latitude)) == (-74, 5), "Bogotá"


def test_a_figure_that_never_changes_is_still_one_of_each_month() -> None:
    whole = placed()
    still = {**whole.data, "tip_count": np.full(12, 7.0)}
    (first, *_) = features(Table(whole.columns, still, whole.about))
    assert set(first["properties"]) == {
        "municipality_code", "municipality_name", "state", "seat_status",
        *(f"{name}_{month}" for month in MONTHS
          for name in ("tip_count", "tip_count_status", "interval_low", "interval_high")),
    }  # fmt: skip


@pytest.mark.parametrize("word", [None, "unknown", "abroad", "not_published"])
def test_rows_without_a_municipality_are_on_no_map(word: str | None) -> None:
    whole = placed()
    nowhere = objects([word, *whole.data["municipality_code"][1:]])
    found = features(Table(whole.columns, {**whole.data, "municipality_code": nowhere}, {}))
    assert "tip_count_2025-11" not in found[-1]["properties"]
    assert len(found) == 3


def test_a_table_without_municipalities_becomes_no_map(tmp_path: Path) -> None:
    with pytest.raises(formats.NoMunicipality):
        formats.write(labelled(["x"]), "geojson", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_gdal_reads_points_and_figures(tmp_path: Path) -> None:
    path, *_ = formats.write(placed(), "geojson", tmp_path / "out")
    about = pyogrio.read_info(path)
    assert about["features"] == 3
    assert about["geometry_type"] == "Point"
    assert about["crs"] == "EPSG:4326"
    _, _, shapes, fields = pyogrio.raw.read(
        path, columns=["municipality_code", "tip_count_2026-02"]
    )
    assert all(shape is not None for shape in shapes)
    assert fields[0].tolist() == list(PLACES)
    assert fields[1].tolist() == [31, 34, 37]


# Folders


def sums(folder: Path) -> dict[str, str]:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


@pytest.mark.parametrize(("format", "dialect"), EVERY)
def test_a_folder_holds_its_file_its_package_its_codebook_and_sums(
    tmp_path: Path, format: str, dialect: str
) -> None:
    paths = formats.write(table_for(format), format, tmp_path / "out", dialect)
    assert [path.name for path in paths] == [
        f"trends.{format}", "datapackage.json", "codebook.md", "SHA256SUMS",
    ]  # fmt: skip
    assert sorted(paths) == sorted((tmp_path / "out").iterdir())
    assert sums(tmp_path / "out") == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths[:3]
    }
    package = json.loads(paths[1].read_text())
    (resource,) = package["resources"]
    content = paths[0].read_bytes()
    assert content == formats.render(table_for(format), format, dialect)
    assert resource["bytes"] == len(content)
    assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert package["revision"] == 1
    assert [source["title"] for source in package["sources"]][:1] == ["Release 2025-11"]
    assert "licenses" not in package


@pytest.mark.parametrize(("format", "dialect"), EVERY)
def test_frictionless_finds_nothing_wrong(tmp_path: Path, format: str, dialect: str) -> None:
    _, package, *_ = formats.write(table_for(format), format, tmp_path / "out", dialect)
    report = frictionless.validate(str(package))
    assert report.valid, report.flatten(["title", "note"])
    assert report.to_descriptor()["tasks"][0]["stats"]["bytes"]


@pytest.mark.parametrize(("format", "dialect"), EVERY)
def test_frictionless_finds_one_changed_byte(tmp_path: Path, format: str, dialect: str) -> None:
    path, package, *_ = formats.write(table_for(format), format, tmp_path / "out", dialect)
    path.write_bytes(path.read_bytes().replace(b"2", b"3", 1))
    assert not frictionless.validate(str(package)).valid


@pytest.mark.parametrize(("format", "dialect"), EVERY)
def test_closed_lists_fit_what_each_format_holds(tmp_path: Path, format: str, dialect: str) -> None:
    _, package, *_ = formats.write(placed(), format, tmp_path / "out", dialect)
    fields = json.loads(package.read_text())["resources"][0]["schema"]["fields"]
    assert len(fields[0]["constraints"]["enum"]) == 4
    report = frictionless.validate(str(package))
    assert report.valid, report.flatten(["title", "note"])


def test_a_list_nobody_reads_stays_out_of_the_codebook(tmp_path: Path) -> None:
    codes = tuple(f"{at:07d}" for at in range(500))
    table = Table((Column("area", "string", "Area", "", codes),), {"area": objects(codes)}, {})
    _, package, book, _ = formats.write(table, "csv", tmp_path / "out")
    assert "500 values: see datapackage" in book.read_text()
    assert "0000499" in package.read_text()


@settings(max_examples=15)
@given(TABLES, st.sampled_from(["csv", "xlsx"]))
def test_whatever_the_labels_the_rows_fit_the_schema(table: Table, format: str) -> None:
    content = formats.render(table, format)
    shape = frictionless.Schema.from_descriptor(schema(table, format, english))
    with frictionless.Resource(content, format=format, schema=shape) as resource:
        rows = resource.read_rows()
    assert len(rows) == len(table)
    assert all(row.valid for row in rows), [row.errors for row in rows]


@settings(max_examples=20)
@given(st.data(), st.sampled_from(EVERY))
def test_the_same_table_gives_the_same_bytes(data: st.DataObject, kind: tuple[str, str]) -> None:
    table = placed() if kind[0] == "geojson" else data.draw(TABLES)
    copied = Table(
        table.columns, {name: values.copy() for name, values in table.data.items()}, table.about
    )
    assert formats.render(table, *kind) == formats.render(copied, *kind)


@pytest.mark.parametrize(("format", "dialect"), EVERY)
def test_the_same_extract_has_the_same_bytes_in_another_year(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, dialect: str
) -> None:
    first = formats.write(table_for(format), format, tmp_path / "first", dialect)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    second = formats.write(table_for(format), format, tmp_path / "second", dialect)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_no_hour_of_its_making_stands_in_a_workbook() -> None:
    with zipfile.ZipFile(io.BytesIO(formats.render(placed(), "xlsx"))) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        told = archive.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", told)) == {"2000-01-01T00:00:00Z"}


def test_an_extract_is_replaced_by_a_newer_one(tmp_path: Path) -> None:
    formats.write(labelled(["old"]), "csv", tmp_path / "out")
    paths = formats.write(labelled(["new"]), "json", tmp_path / "out")
    assert sorted(paths) == sorted((tmp_path / "out").iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled_and_parents_are_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert formats.write(labelled(["x"]), "csv", tmp_path / "empty")[0].exists()
    assert formats.write(labelled(["x"]), "csv", tmp_path / "a" / "b")[0].exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda out: (out / "thesis.docx").write_text("mine"),
        lambda out: (out / "trends.csv").write_text("my own additions"),
        lambda out: (out / "SHA256SUMS").unlink(),
        lambda out: (out / "SHA256SUMS").write_bytes(b"\xff"),
        lambda out: (out / "codebook.md").unlink(),
    ],
)
def test_what_somebody_else_put_there_stays(tmp_path: Path, spoil: Any) -> None:
    out = tmp_path / "out"
    formats.write(labelled(["old"]), "csv", out)
    spoil(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(formats.FolderInUse):
        formats.write(labelled(["new"]), "csv", out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_or_a_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(formats.FolderInUse):
            formats.write(labelled(["x"]), "csv", tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.rename"])
def test_a_disk_that_fails_leaves_the_old_extract_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    out = tmp_path / "out"
    formats.write(labelled(["old"]), "csv", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    renamed = Path.rename

    def fails(*args: Any) -> Any:
        if step == "os.fsync" or (args[1] == out and "made" not in seen):
            seen.add("made")
            raise OSError(28, "no space left")
        return renamed(*args)

    seen: set[str] = set()
    monkeypatch.setattr(step, fails)
    with pytest.raises(OSError, match="no space"):
        formats.write(labelled(["new"]), "csv", out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("format", "dialect"),
    [("xml", ""), ("csv", "isp"), ("xlsx", "excel-br"), ("", ""), ("CSV", "")],
)
def test_an_unknown_format_or_dialect_is_refused(tmp_path: Path, format: str, dialect: str) -> None:
    with pytest.raises(formats.BadFormat):
        formats.write(placed(), format, tmp_path / "out", dialect)
    assert not list(tmp_path.iterdir())


# Words


def test_package_and_codebook_speak_the_reader_s_language(tmp_path: Path) -> None:
    def shouts(message: str, **values: object) -> str:
        return english(message, **values).upper()

    _, package, book, _ = formats.write(labelled(["x"]), "csv", tmp_path / "out", say=shouts)
    (resource,) = json.loads(package.read_text())["resources"]
    assert resource["schema"]["fields"][3]["title"] == "TIPS"
    assert resource["schema"]["fields"][3]["name"] == "tip_count", "names stay for ever"
    text = book.read_text()
    assert "## COLUMNS" in text
    assert "NOISE WAS ADDED" in text


def test_a_codebook_tells_each_column_and_its_values(tmp_path: Path) -> None:
    text = formats.write(labelled(["x"]), "csv", tmp_path / "out")[2].read_text()
    assert "| tip\\_count | number | Tips | Estimate |" in text
    assert "DRG\\-01, DRG\\-02" in text
    assert "The line has named none" in text


@pytest.mark.parametrize("nasty", NASTY)
def test_a_codebook_shows_hostile_words_and_obeys_none(tmp_path: Path, nasty: str) -> None:
    table = labelled(["x"], title=f"a{nasty}\n# b", notes=[nasty], jurisdiction=nasty)
    text = formats.write(table, "csv", tmp_path / "out")[2].read_text()
    assert [line for line in text.splitlines() if line.startswith("# ")] == text.splitlines()[:1]
    assert "<" not in text.replace("\\<", "")


@pytest.mark.parametrize(
    ("licence", "told"),
    [
        ("CC-BY-4.0", {"name": "CC-BY-4.0"}),
        ("https://example.org/terms", {"path": "https://example.org/terms"}),
        ("Ask first.", {"name": "other", "title": "Ask first."}),
        ({"name": "ODbL-1.0", "title": "ODbL"}, {"name": "ODbL-1.0", "title": "ODbL"}),
    ],
)
def test_the_line_s_licence_travels_with_its_data(
    tmp_path: Path, licence: Any, told: dict[str, str]
) -> None:
    _, path, book, _ = formats.write(labelled(["x"], licence=licence), "csv", tmp_path / "out")
    assert json.loads(path.read_text())["licenses"] == [told]
    assert frictionless.validate(str(path)).valid
    assert "named none" not in book.read_text()


def test_an_empty_table_is_a_head_without_rows(tmp_path: Path) -> None:
    empty = placed().head(0)
    for format, dialect in EVERY:
        _, package, *_ = formats.write(empty, format, tmp_path / f"{format}{dialect}", dialect)
        assert frictionless.validate(str(package)).valid


def test_a_column_of_no_month_is_text() -> None:
    table = labelled(["x"])
    spoiled = Table(table.columns, {**table.data, "month": objects(["=1"])}, table.about)
    assert schema(spoiled, "csv", english)["fields"][0]["type"] == "string"
    assert book_of(spoiled)["data"]["A2"].value == "'=1"


def test_a_day_is_a_date() -> None:
    column = Column("period_start", "string", "Start", "First day")
    table = Table((column,), {"period_start": objects(["2026-01-01", None])}, {})
    assert book_of(table)["data"]["A2"].value == datetime(2026, 1, 1)
    assert schema(table, "csv", english)["fields"][0]["type"] == "date"
    spoiled = Table((column,), {"period_start": objects(["2026-02-30"])}, {})
    assert book_of(spoiled)["data"]["A2"].value == "2026-02-30"


def test_every_word_marked_here_is_said_by_it() -> None:
    assert words.N_("Column") == "Column"
    assert english("{n} of {m}", n=1, m=2) == "1 of 2"
    assert english("{n} as it is") == "{n} as it is"


# docs/formats.md


DOCUMENT = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.S)


def test_the_queries_of_the_document_run(
    lake: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for format, dialect in EVERY[:4] + EVERY[-1:]:
        formats.write(placed(), format, tmp_path / (dialect or format), dialect)
    monkeypatch.chdir(tmp_path)
    asked = blocks("sql")
    assert len(asked) >= 4
    answers = {frozenset(lake.sql(query).fetchall()) for query in asked}
    assert len(answers) == 1, "every file tells the same"
    assert ("2025-11", "Niterói", 4) in answers.pop()


def test_the_programs_of_the_document_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for format, dialect in EVERY:
        formats.write(placed(), format, tmp_path / (dialect or format), dialect)
    monkeypatch.chdir(tmp_path)
    programs = blocks("python")
    assert programs
    for program in programs:
        exec(compile(program, "docs/formats.md", "exec"), {})
    assert "valid" in capsys.readouterr().out


def test_the_document_names_every_format_and_file() -> None:
    for word in (
        *formats.FORMATS,
        *formats.DIALECTS,
        "datapackage.json",
        "codebook.md",
        "SHA256SUMS",
    ):
        assert f"`{word}`" in DOCUMENT, word
