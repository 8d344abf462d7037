"""Lines: a figure over time with its interval, alone, beside others, or many small ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from hotline.analysis.charts.figures import BadChart, Figures, Measure, figures, labels_of
from hotline.analysis.charts.svg import (
    COLOURS,
    DASHES,
    MAIN,
    Chart,
    drawing,
    el,
    mark,
    number,
    path,
    short,
    text,
    ticks,
)
from hotline.analysis.formats.words import N_, Say, english
from hotline.analysis.table import Table

_WIDE, _TALL = 720.0, 320.0
_MOST_LINES, _MOST_SMALL = len(COLOURS), 24
_Box = tuple[float, float, float, float]  # left, top, width, height
Way = list[tuple[int, float, float, float]]  # place on the axis, figure, low, high


def series(
    table: Table,
    title: str,
    *,
    at: str = "month",
    by: str = "",
    names: Mapping[str, str] | None = None,
    measure: Measure | None = None,
    say: Say = english,
) -> Chart:
    """One line over time, or one for each value of ``by``: of more than six, those with the
    highest sums. Raises BadChart."""
    found, axis, ways = _read(table, at, by, measure, say, _MOST_LINES)
    called = labels_of(table, by, names) if by else {"": ""}
    scale = ticks(*_span(ways.values()))
    legend = 22.0 * len(ways) if by else 0.0
    box = (64.0, 12.0, _WIDE - 84, _TALL - 48)
    body = [_grid(box, scale), _months(box, axis)]
    for number_, (key, way) in enumerate(ways.items()):
        look = (COLOURS[number_], DASHES[number_], number_)
        body.append(_line(box, scale, way, len(axis), look, found.banded))
        if by:
            body.append(_legend(called[key], _TALL + 22 * number_, look))
    told = _told(found, axis, len(ways) if by else 1)
    svg = drawing("series", title, told, (_WIDE, _TALL + legend), *body)
    return Chart(svg, found.head, _twin(found, ways, called, by))


def multiples(
    table: Table,
    title: str,
    by: str,
    *,
    at: str = "month",
    names: Mapping[str, str] | None = None,
    measure: Measure | None = None,
    say: Say = english,
) -> Chart:
    """A small chart for each value of ``by``, all on one scale, the highest sums first, at most
    24. Raises BadChart."""
    found, axis, ways = _read(table, at, by, measure, say, _MOST_SMALL)
    called = labels_of(table, by, names)
    scale = ticks(*_span(ways.values()), most=3)
    across, wide, tall = 3, _WIDE / 3, 132.0
    body = []
    for place, (key, way) in enumerate(ways.items()):
        left, top = place % across * wide, place // across * tall
        box = (left + 44, top + 26, wide - 56, tall - 58)
        body += [
            text(short(called[key], 30), left + 44, top + 16, font_weight="bold"),
            _grid(box, [scale[0], scale[-1]]),
            _months(box, [axis[0], axis[-1]]),
            _line(box, scale, way, len(axis), (MAIN, None, None), found.banded),
        ]
    rows = -(-len(ways) // across)
    told = say(
        N_("{count} small charts on one scale, from {first} to {last}."),
        count=len(ways), first=axis[0], last=axis[-1],
    )  # fmt: skip
    svg = drawing("multiples", title, told, (_WIDE, rows * tall), *body)
    return Chart(svg, found.head, _twin(found, ways, called, by))


def _read(
    table: Table, at: str, by: str, measure: Measure | None, say: Say, most: int
) -> tuple[Figures, list[str], dict[str, Way]]:
    found = figures(table, (by, at) if by else (at,), measure, say)
    times = found.keys[-1]
    if not times:
        raise BadChart
    axis = _axis(times) if at == "month" else sorted(set(times))
    places = {time: place for place, time in enumerate(axis)}
    ways: dict[str, Way] = {}
    for row, time in enumerate(times):
        way = ways.setdefault(found.keys[0][row] if by else "", [])
        way.append((places[time], found.value[row], found.low[row], found.high[row]))
    chosen = sorted(ways, key=lambda key: (-np.nansum([one[1] for one in ways[key]]), key))[:most]
    return found, axis, {key: sorted(ways[key]) for key in chosen}


def _axis(months: Sequence[str]) -> list[str]:
    """Every month from the first to the last, so that a gap looks like one."""
    first, last = (int(m[:4]) * 12 + int(m[5:7]) - 1 for m in (min(months), max(months)))
    return [f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(first, last + 1)]


def _span(ways: object) -> tuple[float, float]:
    held = [v for way in ways for one in way for v in one[1:] if np.isfinite(v)]  # type: ignore[attr-defined]
    return min(0.0, *held, 0.0), max(1.0, *held, 1.0)


def _told(found: Figures, axis: Sequence[str], lines: int) -> str:
    if lines > 1:
        return found.say(
            N_("{count} lines from {first} to {last}, each with its own dashes and mark."),
            count=lines, first=axis[0], last=axis[-1],
        )  # fmt: skip
    if not np.isfinite(found.value).any():
        return found.say(N_("There is no figure to show."))
    highest = int(np.nanargmax(found.value))
    return found.say(
        N_("From {first} to {last}; the highest, {most}, is {when}. A band shows the interval."),
        first=axis[0], last=axis[-1], most=number(found.value[highest]),
        when=found.keys[-1][highest],
    )  # fmt: skip


def _twin(
    found: Figures, ways: dict[str, Way], names: dict[str, str], by: str
) -> tuple[tuple[str, ...], ...]:
    keys = found.keys[0] if by else ("",) * len(found.value)
    place = {key: at for at, key in enumerate(ways)}
    order = sorted(
        (at for at in range(len(found.value)) if keys[at] in place),
        key=lambda at: (place[keys[at]], found.keys[-1][at]),
    )
    labels = ([[names[key] for key in keys]] if by else []) + [list(found.keys[-1])]
    rows: tuple[tuple[str, ...], ...] = found.rows(order, labels)
    return rows


def _y(box: _Box, scale: Sequence[float], value: float) -> float:
    return box[1] + box[3] * (1 - (value - scale[0]) / (scale[-1] - scale[0]))


def _x(box: _Box, place: int, count: int) -> float:
    return box[0] + box[2] * (place / (count - 1) if count > 1 else 0.5)


def _grid(box: _Box, scale: Sequence[float]) -> Markup:
    parts = []
    for tick in scale:
        y = _y(box, scale, tick)
        parts += [
            el("path", d=path([(box[0], y), (box[0] + box[2], y)]), stroke="currentColor",
               stroke_opacity=0.2, fill="none"),
            text(number(tick) or "0", box[0] - 8, y + 4, text_anchor="end"),
        ]  # fmt: skip
    return el("g", *parts, class_="chart-grid")


def _months(box: _Box, axis: Sequence[str]) -> Markup:
    every = -(-len(axis) // 8)
    last = len(axis) - 1
    shown = [at for at in range(0, last + 1, every) if at == 0 or last - at >= every] + [last]
    return el(
        "g",
        *(
            text(axis[at], _x(box, at, len(axis)), box[1] + box[3] + 20,
                 text_anchor="start" if at == 0 and last else "end" if at == last and last
                 else "middle")
            for at in dict.fromkeys(shown)
        ),
        class_="chart-axis",
    )  # fmt: skip


def _line(
    box: _Box,
    scale: Sequence[float],
    way: Way,
    count: int,
    look: tuple[str, str | None, int | None],
    banded: bool,
) -> Markup:
    """The band below, then the line, each broken where there is nothing, then its marks."""
    colour, dashes, kind = look
    parts = []
    if banded:
        for run in _runs(way, (2, 3)):
            xs = [_x(box, one[0], count) for one in run]
            edges = [(x, _y(box, scale, one[3])) for x, one in zip(xs, run, strict=True)]
            edges += [(x, _y(box, scale, one[2])) for x, one in zip(xs, run, strict=True)][::-1]
            parts.append(
                el("path", d=path(edges, closed=True), fill=colour, fill_opacity=0.18,
                   class_="chart-band")
            )  # fmt: skip
    for run in _runs(way, (1,)):
        xs = [_x(box, one[0], count) for one in run]
        spots = [(x, _y(box, scale, one[1])) for x, one in zip(xs, run, strict=True)]
        parts.append(
            el("path", d=path(spots), fill="none", stroke=colour, stroke_width=2,
               stroke_dasharray=dashes, class_="chart-line")
        )  # fmt: skip
        if kind is not None or len(run) == 1:
            parts += [mark(kind or 0, x, y, colour) for x, y in spots]
    return el("g", *parts)


def _runs(way: Way, parts: Sequence[int]) -> list[Way]:
    """Stretches in which these parts are without a gap."""
    runs: list[Way] = []
    before = None
    for one in way:
        if not all(np.isfinite(one[part]) for part in parts):
            before = None
            continue
        if before is None or one[0] != before + 1:
            runs.append([])
        runs[-1].append(one)
        before = one[0]
    return runs


def _legend(name: str, y: float, look: tuple[str, str | None, int]) -> Markup:
    colour, dashes, kind = look
    return el(
        "g",
        el("path", d=path([(64, y + 8), (104, y + 8)]), fill="none", stroke=colour,
           stroke_width=2, stroke_dasharray=dashes),
        mark(kind, 84, y + 8, colour),
        text(short(name, 70), 114, y + 12),
        class_="chart-legend",
    )  # fmt: skip
