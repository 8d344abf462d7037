"""Charts: what they draw is what the table says, in words and marks as well as in colour."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from hotline.analysis import charts
from hotline.analysis.charts.svg import COLOURS, DASHES, MAIN, number, ticks
from hotline.analysis.formats.words import plain
from hotline.analysis.table import REAL, TEXT, Column, Table
from hotline.tips import Language
from hotline.web.headers import policy
from hotline.web.i18n import say
from tests.tables import MONTHS, NASTY, PLACES, objects, placed

SPACE = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "g", "path", "rect", "circle", "text"}
ATTRIBUTES = {
    "viewBox", "role", "class", "aria-labelledby", "id", "fill", "fill-opacity", "stroke",
    "stroke-opacity", "stroke-width", "stroke-dasharray", "font-family", "font-size",
    "font-weight", "text-anchor", "d", "x", "y", "cx", "cy", "r", "width", "height",
}  # fmt: skip
CODES = ("DRG-01", "THF-02", "GBV-01")


def measured(keys: dict[str, Any], values: Any, banded: bool = True) -> Table:
    value = np.array(list(values), dtype=np.float64)
    columns = [Column(name, TEXT, name.title(), "") for name in keys]
    columns.append(Column("tip_count", REAL, "Tips", ""))
    data = {name: objects(told) for name, told in keys.items()} | {"tip_count": value}
    if banded:
        columns += [Column(f"interval_{end}", REAL, end.title(), "") for end in ("low", "high")]
        data |= {"interval_low": value - 5, "interval_high": value + 5}
    return Table(tuple(columns), data, {})


def monthly(values: Any = (10, 20, 40, 30), banded: bool = True) -> Table:
    values = list(values)
    return measured({"month": MONTHS[: len(values)]}, values, banded)


def typed(labels: Any = CODES) -> Table:
    labels = list(labels)
    keys = {
        "month": [month for _ in labels for month in MONTHS],
        "crime_type": [f"T{at:02d}" for at in range(len(labels)) for _ in MONTHS],
        "crime_type_label": [label for label in labels for _ in MONTHS],
    }
    return measured(keys, [10 * (at + 1) for at in range(4 * len(labels))])


def ranked(labels: Any = CODES, banded: bool = True) -> Table:
    labels = list(labels)
    keys = {"crime_type": [f"T{at:02d}" for at in range(len(labels))], "crime_type_label": labels}
    return measured(keys, [10.0 * (at + 1) for at in range(len(labels))], banded)


def mapped(codes: Any = tuple(PLACES), names: Any = None) -> Table:
    codes = list(codes)
    keys = {"municipality_code": codes, "municipality_name": names or codes}
    return measured(keys, [4.0 * (at + 1) ** 2 for at in range(len(codes))])


DRAWN: dict[str, Callable[..., charts.Chart]] = {
    "series": lambda **more: charts.series(monthly(), "Tips by month", **more),
    "lines": lambda **more: charts.series(typed(), "Tips by type", by="crime_type", **more),
    "multiples": lambda **more: charts.multiples(typed(), "Tips by type", "crime_type", **more),
    "seasonality": lambda **more: charts.seasonality(monthly(), "Months", **more),
    "ranking": lambda **more: charts.ranking(ranked(), "Types", "crime_type", **more),
    "map": lambda **more: charts.places(mapped(), "Places", **more),
}
every = pytest.mark.parametrize("name", DRAWN)


def read(chart: charts.Chart) -> ET.Element:
    return ET.fromstring(str(chart.svg))


def of_class(chart: charts.Chart, name: str) -> list[ET.Element]:
    return [one for one in read(chart).iter() if one.get("class") == name]


def words_of(chart: charts.Chart) -> list[str]:
    return ["".join(one.itertext()) for one in read(chart).iter(f"{SPACE}text")]


def told(chart: charts.Chart) -> str:
    return read(chart).findtext(f"{SPACE}desc") or ""


# What every chart is


@every
def test_a_chart_is_an_image_with_a_name_and_a_sentence(name: str) -> None:
    chart = DRAWN[name]()
    root = read(chart)
    assert root.get("role") == "img"
    titles = {
        one.get("id"): one.text for one in root if one.tag in (SPACE + "title", SPACE + "desc")
    }
    assert list(titles) == (root.get("aria-labelledby") or "").split()
    assert all(titles.values())
    assert isinstance(chart.svg, Markup)


@every
def test_a_chart_has_nothing_a_strict_policy_blocks(name: str) -> None:
    assert "unsafe-inline" not in policy(scripts=False)
    for one in read(DRAWN[name]()).iter():
        assert one.tag.removeprefix(SPACE) in ELEMENTS
        assert set(one.attrib) <= ATTRIBUTES
        assert "url(" not in str(one.attrib)


@every
def test_a_chart_takes_its_ink_from_the_page(name: str) -> None:
    root = read(DRAWN[name]())
    (ground,) = (one for one in root if one.tag == f"{SPACE}g")
    assert ground.get("fill") == "currentColor"
    assert {one.get("fill") for one in root.iter(f"{SPACE}text")} == {None}
    inks = {one.get(kind) for one in root.iter() for kind in ("fill", "stroke")}
    assert inks <= {None, "none", "currentColor", *COLOURS}


@every
def test_the_twin_says_every_figure(name: str) -> None:
    chart = DRAWN[name]()
    assert chart.head[-3:] == ("Tips", "Low", "High")
    assert all(len(row) == len(chart.head) for row in chart.rows)
    assert len(chart.rows) == {"lines": 12, "multiples": 12, "ranking": 3, "map": 3}.get(name, 4)


@every
def test_the_same_table_draws_the_same_picture(name: str) -> None:
    assert DRAWN[name]() == DRAWN[name]()


@every
@pytest.mark.parametrize("language", Language)
def test_charts_speak_all_languages(name: str, language: Language) -> None:
    sentence = told(DRAWN[name](say=partial(say, language)))
    assert "{" not in sentence
    assert (sentence == told(DRAWN[name]())) is (language is Language.EN)


NAMES = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=40)), min_size=1, max_size=6
)


@settings(max_examples=40)
@given(NAMES)
def test_hostile_names_stay_text(names: list[str]) -> None:
    title = "".join(names)
    places = list(PLACES)[: len(names)]
    for chart in (
        charts.series(typed(names), title, by="crime_type"),
        charts.multiples(typed(names), title, "crime_type"),
        charts.ranking(ranked(names), title, "crime_type"),
        charts.places(mapped(places, names[: len(places)]), title),
    ):
        root = read(chart)
        assert {one.tag.removeprefix(SPACE) for one in root.iter()} <= ELEMENTS
        assert not {key for one in root.iter() for key in one.attrib} - ATTRIBUTES
        assert (root.findtext(f"{SPACE}title") or "") == plain(title)


def test_a_hostile_name_is_seen_as_it_is() -> None:
    chart = charts.ranking(ranked(["<b>&\"'</b>"]), "x", "crime_type")
    assert "<b>&\"'</b>" in words_of(chart)
    assert chart.rows[0][0] == "<b>&\"'</b>"


# Colour


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#14201b"])
@pytest.mark.parametrize("colour", [one for one in COLOURS if one.startswith("#")])
def test_lines_stand_out_from_a_light_and_a_dark_page(colour: str, page: str) -> None:
    assert contrast(colour, page) >= 3


@pytest.mark.parametrize(("page", "ink"), [("#ffffff", "#10231c"), ("#14201b", "#e4ece8")])
def test_figures_are_readable_in_the_darkest_cell(page: str, ink: str) -> None:
    shades = [float(one.get("fill-opacity") or 1) for one in read(DRAWN["seasonality"]()).iter(
        f"{SPACE}rect")]  # fmt: skip
    most = max(shades)
    mixed = "#" + "".join(
        f"{round(int(MAIN[at : at + 2], 16) * most + int(page[at : at + 2], 16) * (1 - most)):02x}"
        for at in (1, 3, 5)
    )
    assert contrast(mixed, ink) >= 4.5


def test_lines_differ_by_dashes_and_marks_too() -> None:
    assert len(set(DASHES)) == len(COLOURS) == len(DASHES)
    chart = charts.series(typed([str(at) for at in range(6)]), "x", by="crime_type")
    lines = of_class(chart, "chart-line")
    assert {one.get("stroke-dasharray") for one in lines} == set(DASHES)
    legend = of_class(chart, "chart-legend")
    shapes = {
        (one[1].tag, len(re.findall("[ML]", one[1].get("d") or "")), one[1].get("fill") == "none",
         round(float((re.findall(r"[\d.]+", one[1].get("d") or "0 0"))[0])))
        for one in legend
    }  # fmt: skip
    assert len(shapes) == 6


# Each chart


def test_a_line_goes_up_where_figures_do() -> None:
    (line,) = of_class(DRAWN["series"](), "chart-line")
    ys = [float(y) for y in re.findall(r",([\d.]+)", line.get("d") or "")]
    assert ys.index(min(ys)) == 2, "the highest figure is the highest point"
    assert ys[0] > ys[1] > ys[2]


def test_a_band_reaches_from_low_to_high() -> None:
    chart = DRAWN["series"]()
    (band,), (line,) = of_class(chart, "chart-band"), of_class(chart, "chart-line")
    edges = [float(y) for y in re.findall(r",([\d.]+)", band.get("d") or "")]
    ys = [float(y) for y in re.findall(r",([\d.]+)", line.get("d") or "")]
    for place, y in enumerate(ys):
        assert edges[place] < y < edges[-1 - place]


def test_without_an_interval_there_is_no_band() -> None:
    chart = charts.series(monthly(banded=False), "x")
    assert not of_class(chart, "chart-band")
    assert chart.head == ("Month", "Tips")
    assert not of_class(charts.ranking(ranked(banded=False), "x", "crime_type"), "chart-interval")


def test_a_missing_figure_breaks_the_line_and_is_said() -> None:
    chart = charts.series(monthly([10, np.nan, 30, 40]), "x")
    assert len(of_class(chart, "chart-line")) == 2
    assert chart.rows[1] == ("2025-12", "no figure", "no figure", "no figure")


def test_a_figure_that_is_not_shown_says_why_and_keeps_its_interval() -> None:
    table = measured({"month": MONTHS, "tip_count_status": ["rounded", "below_threshold",
                      "suppressed", "not_released"]}, [10, np.nan, np.nan, np.nan])  # fmt: skip
    data = {**table.data, "interval_low": np.array([5, 0, np.nan, np.nan]),
            "interval_high": np.array([15, 6, np.nan, np.nan])}  # fmt: skip
    chart = charts.series(Table(table.columns, data, {}), "x")
    assert [row[1:] for row in chart.rows] == [
        ("10", "5", "15"),
        ("too small to be shown", "0", "6"),
        ("withheld", "no figure", "no figure"),
        ("not released", "no figure", "no figure"),
    ]
    (band,) = of_class(chart, "chart-band")
    assert len(re.findall("[ML]", band.get("d") or "")) == 4, "two months have an interval"


def test_a_caller_may_name_what_has_only_codes() -> None:
    chart = charts.places(
        measured({"state": ["BR-RJ", "BR-SP"]}, [1, 2]), "x", "state", names={"BR-SP": "São Paulo"}
    )
    assert [row[0] for row in chart.rows] == ["São Paulo", "BR-RJ"]


def test_a_missing_month_is_a_gap_as_long_as_a_month() -> None:
    chart = charts.series(measured({"month": ["2025-11", "2026-02"]}, [1, 2]), "x")
    assert len(of_class(chart, "chart-line")) == 2
    assert "2025-12" in words_of(chart)


def test_noise_below_zero_is_drawn_within_the_picture() -> None:
    chart = charts.series(monthly([-6, 3, 0, 2]), "x")
    ys = [float(y) for one in of_class(chart, "chart-band") for y in re.findall(
        r",(-?[\d.]+)", one.get("d") or "")]  # fmt: skip
    assert all(0 <= y <= 320 for y in ys)


def test_of_many_lines_the_highest_are_drawn_and_all_small_ones() -> None:
    many = typed([str(at) for at in range(9)])
    chart = charts.series(many, "x", by="crime_type")
    assert [row[0] for row in chart.rows[::4]] == ["8", "7", "6", "5", "4", "3"]
    small = charts.multiples(many, "x", "crime_type")
    assert len(of_class(small, "chart-line")) == 9
    assert len(small.rows) == 36


def test_quarters_and_years_stand_in_their_order() -> None:
    table = measured({"year": ["2026", "2024"]}, [5, 10])
    chart = charts.series(table, "x", at="year")
    assert [row[0] for row in chart.rows] == ["2024", "2026"]


def test_a_season_has_its_figures_in_their_cells() -> None:
    chart = charts.seasonality(monthly([10, np.nan, 40, 30]), "x")
    cells = list(read(chart).iter(f"{SPACE}rect"))
    assert [one.get("class") for one in cells] == ["chart-step-2", "chart-step-5", "chart-step-4"]
    assert len(of_class(chart, "chart-none")) == 1
    assert {"10", "40", "30", "2025", "2026", "01", "12"} <= set(words_of(chart))
    assert "40" in told(chart)
    assert "2026-01" in told(chart)


def test_bars_are_as_long_as_their_figures() -> None:
    chart = DRAWN["ranking"]()
    widths = [float(one.get("width") or 0) for one in of_class(chart, "chart-bar")]
    assert widths[0] / widths[2] == pytest.approx(3, rel=0.02)
    assert [row[0] for row in chart.rows] == list(reversed(CODES))
    assert len(of_class(chart, "chart-interval")) == 3


def test_a_ranking_ends_somewhere() -> None:
    chart = charts.ranking(ranked([str(at) for at in range(40)]), "x", "crime_type", most=5)
    assert len(chart.rows) == len(of_class(chart, "chart-bar")) == 5


def test_circles_lie_where_places_lie_and_their_areas_go_with_figures() -> None:
    chart = DRAWN["map"]()
    circles = of_class(chart, "chart-point")
    sizes = [float(one.get("r") or 0) for one in circles]
    assert sizes[0] / sizes[1] == pytest.approx(9 / 6, rel=0.02), "36 to 16, the largest below"
    by_place = dict(zip(reversed(list(PLACES.values())), circles, strict=True))
    assert float(by_place["São Paulo"].get("cx") or 0) < float(by_place["Niterói"].get("cx") or 0)
    assert float(by_place["São Paulo"].get("cy") or 0) > float(by_place["Niterói"].get("cy") or 0)


def test_states_lie_in_their_middle() -> None:
    table = measured({"state": ["BR-RR", "BR-RS", "BR-AC", "BR-PB"]}, [5, 10, 15, 20])
    chart = charts.places(table, "x", "state")
    spots = {
        row[0]: (float(one.get("cx") or 0), float(one.get("cy") or 0))
        for row, one in zip(chart.rows, of_class(chart, "chart-point"), strict=True)
    }
    assert spots["BR-RR"][1] < spots["BR-PB"][1] < spots["BR-RS"][1]
    assert spots["BR-AC"][0] < spots["BR-RR"][0] < spots["BR-PB"][0]


def test_a_place_without_a_figure_is_a_dash_where_it_lies() -> None:
    table = mapped()
    table.data["tip_count"][1] = np.nan
    chart = charts.places(table, "x")
    assert len(of_class(chart, "chart-point")) == 2
    (dash,) = of_class(chart, "chart-none")
    assert len(re.findall("M", dash.get("d") or "")) == 1
    assert "no figure" in chart.rows[-1]


def test_a_place_nobody_knows_is_counted_and_stands_in_the_twin() -> None:
    chart = charts.places(mapped([*PLACES, "9999999"]), "x")
    assert len(of_class(chart, "chart-point")) == 3
    assert len(chart.rows) == 4
    assert "1 more" in told(chart)


# What cannot be drawn


@pytest.mark.parametrize(
    "draw",
    [
        lambda: charts.series(placed(), "x"),
        lambda: charts.seasonality(typed(), "x"),
        lambda: charts.ranking(placed(), "x", "municipality"),
        lambda: charts.places(placed(), "x"),
        lambda: charts.places(ranked(), "x"),
        lambda: charts.series(ranked(), "x"),
        lambda: charts.series(monthly(), "x", measure=charts.Measure("absent")),
        lambda: charts.series(monthly([]), "x"),
        lambda: charts.seasonality(monthly([]), "x"),
        lambda: charts.ranking(ranked([]), "x", "crime_type"),
        lambda: charts.places(mapped(["9999999"]), "x"),
        lambda: charts.places(measured({"state": ["ZZ-1"]}, [1]), "x", "state"),
    ],
)
def test_nothing_is_added_up_that_nobody_asked_for(draw: Callable[[], charts.Chart]) -> None:
    with pytest.raises(charts.BadChart):
        draw()


def test_a_chart_of_no_figures_says_so() -> None:
    nothing = monthly([np.nan] * 4)
    assert told(charts.series(nothing, "x")) == "There is no figure to show."
    assert told(charts.seasonality(nothing, "x")) == "There is no figure to show."


# Numbers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"), (-0.0, "0"), (-0.04, "0.0"), (1234567.2, "1\u202f234\u202f567"), (9.25, "9.2"),
        (-12.6, "-13"), (float("nan"), ""), (10.5, "10"),
    ],
)  # fmt: skip
def test_numbers_read_the_same_in_every_language(value: float, shown: str) -> None:
    assert number(value) == shown


@given(st.integers(-(10**6), 0), st.integers(1, 10**9))
def test_ticks_are_few_and_span_everything(low: int, high: int) -> None:
    found = ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert 2 <= len(found) <= 8
    assert found == sorted(set(found))
