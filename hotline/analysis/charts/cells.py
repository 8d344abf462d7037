"""Cells and bars: the months of the years beside each other, and who has most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup

from hotline.analysis.charts.figures import BadChart, Measure, figures, labels_of
from hotline.analysis.charts.svg import MAIN, Chart, drawing, el, number, path, short, text
from hotline.analysis.formats.words import N_, Say, english
from hotline.analysis.table import Table

_WIDE = 720.0
_STEPS = 5
# The darkest cell still lets the figure in it be read, on a white and on a dark page.
_DARKEST = 0.5


def seasonality(
    table: Table, title: str, *, measure: Measure | None = None, say: Say = english
) -> Chart:
    """Years as rows, months as columns; each cell says its figure and is shaded in five steps.
    The table is by month alone. Raises BadChart."""
    found = figures(table, ("month",), measure, say)
    months = found.keys[0]
    if not months:
        raise BadChart
    years = sorted({month[:4] for month in months})
    highest = max(1.0, float(np.nanmax(found.value, initial=0.0)))
    wide, tall, left, top = 54.0, 32.0, 60.0, 28.0
    body = [
        text(f"{at + 1:02d}", left + wide * (at + 0.5), 18, text_anchor="middle")
        for at in range(12)
    ]
    body += [
        text(year, left - 10, top + tall * (row + 0.65), text_anchor="end")
        for row, year in enumerate(years)
    ]
    for at, month in enumerate(months):
        x, y = left + wide * (int(month[5:7]) - 1), top + tall * years.index(month[:4])
        body.append(_cell(x, y, wide, tall, float(found.value[at]), highest))
    if np.isfinite(found.value).any():
        most = int(np.nanargmax(found.value))
        told = say(
            N_("Years are rows, months columns; darker is more. The highest, {most}, is {when}."),
            most=number(found.value[most]), when=months[most],
        )  # fmt: skip
    else:
        told = say(N_("There is no figure to show."))
    size = (left + 12 * wide + 8, top + tall * len(years) + 8)
    order = sorted(range(len(months)), key=lambda at: months[at])
    rows = found.rows(order, [months])
    return Chart(drawing("seasonality", title, told, size, *body), found.head, rows)


def _cell(x: float, y: float, wide: float, tall: float, value: float, highest: float) -> Markup:
    if not np.isfinite(value):
        crossed = path([(x + 18, y + tall / 2), (x + wide - 18, y + tall / 2)])
        return el("path", d=crossed, stroke="currentColor", stroke_opacity=0.5, class_="chart-none")
    step = min(_STEPS, max(0, int(np.ceil(_STEPS * value / highest))))
    shade = round(_DARKEST * step / _STEPS, 2)
    box = el(
        "rect", x=x + 1, y=y + 1, width=wide - 2, height=tall - 2, fill=MAIN,
        fill_opacity=f"{shade:g}", stroke="currentColor", stroke_opacity="0.2",
        class_=f"chart-step-{step}",
    )  # fmt: skip
    label = text(number(value), x + wide / 2, y + tall * 0.65, text_anchor="middle")
    return el("g", box, label)


def ranking(
    table: Table,
    title: str,
    by: str,
    *,
    most: int = 15,
    names: Mapping[str, str] | None = None,
    measure: Measure | None = None,
    say: Say = english,
) -> Chart:
    """Bars from the highest down, each with its name, its figure and its interval. The table is
    by ``by`` alone. Raises BadChart."""
    found = figures(table, (by,), measure, say)
    called = labels_of(table, by, names)
    codes = found.keys[0]
    seen = [at for at in range(len(codes)) if np.isfinite(found.value[at])]
    order = sorted(seen, key=lambda at: (-found.value[at], codes[at]))[:most]
    if not order:
        raise BadChart
    left, tall, wide = 250.0, 30.0, _WIDE - 250 - 110
    reach = max([1.0, *(float(found.value[at]) for at in order)])
    if found.banded:
        reach = max([reach, *(float(h) for h in found.high[order] if np.isfinite(h))])
    body = []
    for row, at in enumerate(order):
        y, value = row * tall, float(found.value[at])
        body += [
            text(short(called[codes[at]], 30), left - 10, y + 20, text_anchor="end"),
            el("rect", x=left, y=y + 6, width=max(0.0, wide * value / reach), height=tall - 12,
               fill=MAIN, class_="chart-bar"),
        ]  # fmt: skip
        end = value
        if found.banded and np.isfinite(found.low[at]) and np.isfinite(found.high[at]):
            end = max(value, float(found.high[at]))
            body.append(_whisker(left, y + tall / 2, wide / reach, found.low[at], end))
        body.append(text(number(value), left + max(0.0, wide * end / reach) + 8, y + 20))
    told = say(
        N_("The longest bar is {name}, with {most}. Thin lines show the interval."),
        name=called[codes[order[0]]], most=number(found.value[order[0]]),
    )  # fmt: skip
    svg = drawing("ranking", title, told, (_WIDE, tall * len(order)), *body)
    return Chart(svg, found.head, found.rows(order, [[called[code] for code in codes]]))


def _whisker(left: float, y: float, scale: float, low: float, high: float) -> Markup:
    first, last = left + scale * max(0.0, low), left + scale * max(0.0, high)
    way = path([(first, y), (last, y)]) + path([(first, y - 4), (first, y + 4)])
    way += path([(last, y - 4), (last, y + 4)])
    return el("path", d=way, stroke="currentColor", fill="none", class_="chart-interval")
