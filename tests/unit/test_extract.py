"""Extracts: what is asked is what is summed, totals agree however they are grouped, and what is not
shown says why. Releases without noise here, so that every figure is known."""

from __future__ import annotations

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from click.testing import CliRunner

from hotline.analysis import extract as extract_module
from hotline.analysis import formats
from hotline.analysis.domain import Domain
from hotline.analysis.extract import NothingReleased, TooManyRows, extract
from hotline.analysis.formats import FORMATS, render
from hotline.analysis.question import AREAS, DIMENSIONS, PERIODS, TYPES, BadQuestion, Question
from hotline.analysis.releases import Releases
from hotline.analysis.table import Table
from tests.releases import (
    KINDS,
    POLICY,
    SMALL,
    Small,
    ask,
    counts,
    exact,
    noisy_release,
    row,
    shown,
    write,
)

ROWS = (
    [row()] * 20
    + [row(type="ORG-02", municipality="BR:IBGE:3300100", channel="sms")] * 12
    + [row(type="PRP-01", municipality="BR:IBGE:3500001", state="BR-SP")] * 3
    + [row(type="GBV-01", language="es")] * 15
    + [row(type="INT-01")] * 30
    + [row(integrity=True, outcome="forwarded")] * 10
    + [row(municipality="unknown", state="unknown")] * 9
)


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    """January to March and May 2026, all alike but for their months."""
    for month in ("2026-01", "2026-02", "2026-03", "2026-05"):
        told = [raw.replace(b"2026-03", month.encode()) for raw in ROWS]
        write(tmp_path, month, exact(counts(told, month=month)))
    return Releases(tmp_path)


def test_one_figure(releases: Releases) -> None:
    table = ask(releases)
    assert len(table) == 1
    assert table.data["tip_count"].tolist() == [99]
    assert [column.name for column in table.columns] == [
        "tip_count",
        "tip_count_status",
        "interval_low",
        "interval_high",
        "unit",
        "revision",
    ]
    assert table.data["interval_low"][0] < 99 < table.data["interval_high"][0]
    assert table.about["releases"] == {"2026-03": releases.one("2026-03").digest}


def test_states_with_what_is_told_of_none(releases: Releases) -> None:
    assert shown(ask(releases, "state"), "state") == {
        ("BR-RJ",): (47, "rounded"),
        ("BR-SP",): (None, "below_threshold"),
        ("unknown",): (9, "rounded"),
        ("abroad",): (None, "below_threshold"),
        ("not_published",): (40, "rounded"),
    }


def test_municipalities_are_not_told_of_some_types(releases: Releases) -> None:
    found = shown(ask(releases, "municipality,crime_type"), "municipality_code", "crime_type")
    assert found["3304557", "ORG-01"] == (20, "rounded")
    assert found["3304557", "GBV-01"] == (None, "suppressed")
    assert found["3304557", "INT-01"] == (None, "suppressed")
    assert found["3500001", "PRP-01"] == (None, "below_threshold")
    assert found["not_published", "GBV-01"] == (15, "rounded")
    assert found["not_published", "INT-01"] == (30, "rounded")
    assert found["not_published", "ORG-01"] == (10, "rounded")
    assert len(found) == (5 + 1 + 1 + 1) * 7, "a complete grid, no row missing"
    inside = ask(releases, "municipality,state,crime_type")
    kept = shown(inside, "municipality_code", "state", "crime_type")
    assert kept["not_published", "BR-RJ", "ORG-01"] == (0, "structural_zero")
    assert kept["unknown", "unknown", "ORG-01"] == (9, "rounded")


def test_an_official_is_told_of_no_state(releases: Releases) -> None:
    found = shown(ask(releases, "state,crime_group"), "state", "crime_group")
    assert found["BR-RJ", "INTEGRITY"] == (None, "suppressed")
    assert found["not_published", "INTEGRITY"] == (30, "rounded")


def test_periods_are_complete_and_a_missing_month_is_no_fall(releases: Releases) -> None:
    table = ask(releases, "month", "2026-01", "2026-05")
    assert shown(table, "month") == {
        ("2026-01",): (99, "rounded"),
        ("2026-02",): (99, "rounded"),
        ("2026-03",): (99, "rounded"),
        ("2026-04",): (None, "not_released"),
        ("2026-05",): (99, "rounded"),
    }
    quarters = ask(releases, "quarter", "2026-01", "2026-05")
    assert shown(quarters, "quarter") == {
        ("2026-Q1",): (297, "rounded"),
        ("2026-Q2",): (None, "not_released"),
    }
    whole = ask(releases, "", "2026-01", "2026-05")
    assert whole.data["tip_count"].tolist() == [396]
    assert whole.about["missing_months"] == ["2026-04"]
    assert "Months without a release are left out." in whole.about["notes"]
    assert ask(releases, "", "2026-01", "2026-05", month="2026-03").about["missing_months"] == []
    with pytest.raises(NothingReleased):
        ask(releases, "month", "2025-01")


def test_side_tables(releases: Releases) -> None:
    assert shown(ask(releases, "channel"), "channel")[("sms",)] == (12, "rounded")
    both = shown(ask(releases, "channel,language"), "channel", "language")
    assert both["web", "es"] == (15, "rounded")
    by_state = shown(ask(releases, "state,outcome"), "state", "outcome")
    assert by_state["not_published", "forwarded"] == (10, "rounded")
    only = ask(releases, "crime_group", language="es", state="BR-RJ")
    assert shown(only, "crime_group")[("GBV",)] == (15, "rounded")


# Of one month in which every dimension has a value with a figure of its own.
VICTIM = {"victim_sex": "female", "victim_age": "child", "victim_ethnicity": "black"}
DETAILED = (*ROWS, *[row(**VICTIM, weapon="firearm")] * 11)
EVERY = {
    "month": ("2026-03", 110),
    "quarter": ("2026-Q1", 110),
    "year": ("2026", 110),
    "municipality": ("3304557", 31),
    "region": ("Sudeste", 61),
    "state": ("BR-RJ", 58),
    "country": ("BR", 61),
    "crime_type": ("ORG-02", 12),
    "crime_group": ("ORGCRIME", 62),
    "iccs_section": ("06", 62),
    "iccs_code": ("060121", 62),
    "channel": ("sms", 12),
    "language": ("es", 15),
    "victim_sex": ("female", 11),
    "victim_age": ("child", 11),
    "victim_ethnicity": ("black", 11),
    "weapon": ("firearm", 11),
    "outcome": ("forwarded", 10),
    "act": ("ORG-01", 110),
}


def test_every_dimension_is_tried() -> None:
    assert tuple(EVERY) == DIMENSIONS


@pytest.mark.parametrize("name", EVERY)
def test_what_is_grouped_by_can_be_filtered_by(tmp_path: Path, name: str) -> None:
    write(tmp_path, "2026-03", exact(counts(DETAILED)))
    value, figure = EVERY[name]
    grouped = ask(Releases(tmp_path), name)
    column = grouped.columns[0].name
    assert shown(grouped, column)[(value,)] == (figure, "rounded")
    kept = ask(Releases(tmp_path), "", **{name: value})
    assert kept.data["tip_count"].tolist() == [figure]
    both = ask(Releases(tmp_path), name, **{name: value})
    assert both.data[column].tolist() == [value] and both.data["tip_count"].tolist() == [figure]


def test_a_metropolis_is_asked_for_by_its_municipalities(releases: Releases) -> None:
    """No table of metropolitan regions is built in: their figures are exact sums all the same."""
    whole = ask(releases, "month", "2026-01", "2026-03", municipality="3304557,3300100")
    assert whole.data["tip_count"].tolist() == [20 + 12] * 3
    parts = ask(releases, "municipality", municipality="3304557,3300100")
    assert parts.data["tip_count"].sum() == 32


@pytest.mark.parametrize(
    ("by", "only"),
    [
        ("channel,municipality", {}),
        ("channel,crime_type", {}),
        ("channel,weapon", {}),
        ("weapon", {"municipality": "3304557"}),
        ("act,municipality", {}),
        ("act,crime_group", {}),
        ("act,channel", {}),
        ("act", {"crime_type": "ORG-01"}),
        ("act", {"weapon": "firearm"}),
        ("", {"act": "ORG-01,ORG-02"}),
        ("act", {"act": "NEW-77"}),
        ("state", {"state": "BR-XX"}),
        ("state", {"crime_type": "NEW-77"}),
    ],
)
def test_what_no_release_has_is_refused(releases: Releases, by: str, only: dict[str, str]) -> None:
    with pytest.raises(BadQuestion):
        ask(releases, by, **only)


def test_a_municipality_by_its_key_or_code(releases: Releases) -> None:
    for told in ("3300100", "BR:IBGE:3300100"):
        table = ask(releases, "crime_group", municipality=told)
        assert shown(table, "crime_group")[("ORGCRIME",)] == (12, "rounded")


def test_crosswalk_to_the_international_classification(releases: Releases) -> None:
    found = shown(ask(releases, "iccs_section,iccs_code"), "iccs_section", "iccs_code")
    assert found["06", "060121"] == (20 + 12 + 10 + 9, "rounded")
    assert found["none", "none"] == (None, "below_threshold")


def test_every_grouping_gives_the_same_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With real noise, negative figures and all: sums agree because nothing is cut in them."""
    for month in ("2026-01", "2026-02"):
        arrays = noisy_release()
        arrays["leaves"] = arrays["leaves"] - 3  # far below nothing
        arrays["states"][:-1, SMALL.fine] -= 3 * SMALL.widths[: len(SMALL.starts), None]
        write(tmp_path, month, arrays)
    released = Releases(tmp_path)
    kept: list[np.ndarray] = []
    real = extract_module.shown

    def keep(sums, plan, frozen):  # type: ignore[no-untyped-def]
        kept.append(sums.values.copy())
        return real(sums, plan, frozen)

    monkeypatch.setattr(extract_module, "shown", keep)
    mains = (*PERIODS, *AREAS, *TYPES)
    for size in (0, 1, 2):
        for by in combinations(mains, size):
            ask(released, ",".join(by), "2026-01", "2026-02")
    totals = {float(values.sum()) for values in kept}
    assert len(totals) == 1 and len(kept) > 60


def test_the_interval_holds_more_months_less_exactly(releases: Releases) -> None:
    one = ask(releases, "state")
    three = ask(releases, "state", "2026-01", "2026-03")
    wide = [t.data["interval_high"] - t.data["tip_count"] for t in (one, three)]
    assert wide[1][0] == pytest.approx(wide[0][0] * 3**0.5, abs=2)


def test_a_type_that_came_later_is_a_row_of_its_own(tmp_path: Path) -> None:
    """Months of two taxonomies in one table."""
    fewer = Domain.of("BR", Small(), KINDS[1:], "2025.1", POLICY)
    old = [raw.replace(b"2026-03", b"2025-12") for raw in ROWS[:20]]
    write(tmp_path, "2025-12", exact(counts(old, fewer, "2025-12")), fewer)
    write(
        tmp_path,
        "2026-01",
        exact(counts([r.replace(b"2026-03", b"2026-01") for r in ROWS], month="2026-01")),
    )
    table = ask(Releases(tmp_path), "month,crime_type", "2025-12", "2026-01")
    found = shown(table, "month", "crime_type")
    assert found["2026-01", "GBV-01"] == (15, "rounded")
    assert found["2025-12", "GBV-01"][0] is None and found["2025-12", "ORG-01"] == (20, "rounded")


@pytest.mark.parametrize(
    ("signed", "told"),
    [
        (("", ""), ""),
        (("CC-BY-4.0", "CC-BY-4.0"), "CC-BY-4.0"),
        (("", "CC-BY-4.0"), ""),
        (("CC-BY-4.0", "ODbL-1.0"), "2026-01: CC-BY-4.0; 2026-02: ODbL-1.0"),
    ],
)
def test_the_licence_is_what_the_line_signed(
    tmp_path: Path, signed: tuple[str, str], told: str
) -> None:
    for month, licence in zip(("2026-01", "2026-02"), signed, strict=True):
        raw = [r.replace(b"2026-03", month.encode()) for r in ROWS]
        write(tmp_path / "kept", month, exact(counts(raw, month=month)), licence=licence)
    table = ask(Releases(tmp_path / "kept"), "month", "2026-01", "2026-02")
    assert table.about["licence"] == told
    _, package, book, _ = formats.write(table, "xlsx", tmp_path / "out")
    descriptor = json.loads(package.read_text())
    about = openpyxl.load_workbook(tmp_path / "out" / "trends.xlsx")["about"]
    rows = {row[0].value: row[1].value for row in about}
    if told:
        assert list(descriptor["licenses"][0].values())[-1] == told == rows["licence"]
        assert told.partition(":")[0].replace("-", "\\-") in book.read_text()
    else:
        assert "licenses" not in descriptor
        assert "The line has named none" in book.read_text()
        assert rows["licence"].startswith("The line has named none")


def test_an_invented_month_says_so_in_every_file(tmp_path: Path) -> None:
    write(tmp_path / "kept", "2026-03", exact(counts(ROWS)), invented=True)
    table = ask(Releases(tmp_path / "kept"), "month")
    assert table.about["notes"][0].startswith("Invented for a demonstration")
    for format in ("csv", "xlsx", "parquet", "json"):
        _, package, book, _ = formats.write(table, format, tmp_path / format)
        assert "Invented for a demonstration" in book.read_text()
        assert "Invented for a demonstration" in package.read_text()
    assert not any("Invented" in note for note in _real(tmp_path).about["notes"])


def _real(folder: Path) -> Table:
    write(folder / "real", "2026-03", exact(counts(ROWS)))
    return ask(Releases(folder / "real"), "month")


def test_too_many_rows_are_refused_before_they_are_made(releases: Releases) -> None:
    question = Question.asked("2026-01", "2026-05", "month,municipality,crime_type", {})
    assert len(extract(releases, question)) == 5 * 8 * 7
    with pytest.raises(TooManyRows):
        extract(releases, question, most=5 * 8 * 7 - 1)


def test_the_same_question_gives_the_same_bytes(releases: Releases, tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        table = ask(Releases(releases.folder), "month,state,crime_type", "2026-01", "2026-05")
        made.append([render(table, format) for format in FORMATS if format != "geojson"])
    assert made[0] == made[1]
    lines = list(csv.DictReader(made[0][0].decode().splitlines()))
    assert {line["tip_count"] for line in lines if line["tip_count_status"] != "rounded"} <= {""}


def test_the_command_line(
    releases: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotline.cli import root

    home = tmp_path / "home"
    (home / "releases").mkdir(parents=True)
    for file in releases.folder.glob("*.*"):
        (home / "releases" / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    asked = ["extract", "--from", "2026-01", "--to", "2026-03", "--by", "month,state"]
    asked += ["--only", "state=BR-RJ", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(root, asked)
    assert done.exit_code == 0, done.output
    (header, *rows) = (tmp_path / "out" / "trends.csv").read_text().splitlines()
    assert header.startswith("month,state,tip_count,") and len(rows) == 3
    told = CliRunner().invoke(root, [*asked, "--explain"])
    assert json.loads(told.output)["status"] == {"rounded": 3}
