"""Maps: a circle for each municipality or state, where it lies, as large as its figure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np
from markupsafe import Markup

from hotline.analysis.charts.figures import BadChart, Measure, figures, labels_of
from hotline.analysis.charts.svg import MAIN, Chart, drawing, el, number, short, text
from hotline.analysis.formats.points import country_of, seat
from hotline.analysis.formats.words import N_, Say, english
from hotline.analysis.table import Table
from hotline.routing.register import countries, read

_WIDE, _TALLEST, _EDGE = 720.0, 720.0, 40.0
_NAMED = 8  # the largest circles say who they are
_LARGEST = 22.0


def places(
    table: Table,
    title: str,
    by: str = "municipality",
    *,
    names: Mapping[str, str] | None = None,
    measure: Measure | None = None,
    say: Say = english,
) -> Chart:
    """``by`` is municipality or state, and the table is by it alone. The area of a circle goes
    with its figure; a place without a figure is a small dash. Places without a known point stand
    in the twin only. Raises BadChart."""
    found = figures(table, (by,), measure, say)
    codes, called = found.keys[0], labels_of(table, by, names)
    country = country_of(table)
    points = ((code, _middle(code) if by == "state" else seat(code, country)) for code in codes)
    spots = {code: at for code, at in points if at}
    if not spots:
        raise BadChart
    where, size = _projected(spots)
    highest = max(1.0, float(np.nanmax(found.value, initial=0.0)))

    def rank(at: int) -> tuple[bool, float, str]:
        value = float(found.value[at])
        return math.isnan(value), 0.0 if math.isnan(value) else -value, codes[at]

    order = sorted(range(len(codes)), key=rank)
    drawn = [at for at in order if codes[at] in where]
    told_of = [at for at in drawn if np.isfinite(found.value[at])]
    # The largest lie below, so that none hides a smaller one; names lie on top of all.
    body = [_dashes(where[codes[at]] for at in drawn if not np.isfinite(found.value[at]))]
    body += [_circle(where[codes[at]], float(found.value[at]), highest) for at in told_of]
    named = told_of[:_NAMED]
    body += [
        _name(where[codes[at]], called[codes[at]], float(found.value[at]), highest) for at in named
    ]
    told = [say(N_("{count} places; a larger circle is more."), count=len(drawn))]
    if named:
        told.append(
            say(N_("The largest is {name}, with {most}."), name=called[codes[named[0]]],
                most=number(found.value[named[0]]))
        )  # fmt: skip
    if len(drawn) < len(codes):
        told.append(
            say(N_("{count} more have no known point and stand in the table only."),
                count=len(codes) - len(drawn))
        )  # fmt: skip
    svg = drawing("map", title, " ".join(told), size, *body)
    return Chart(svg, found.head, found.rows(order, [[called[code] for code in codes]]))


@cache
def _middle(state: str) -> tuple[float, float] | None:
    """The middle of the seats of a state's municipalities."""
    country = state[:2]
    if country != "BR" and country not in countries():
        return None
    found = [
        (float(place.longitude), float(place.latitude))
        for place in read(country).by_key.values()
        if place.state == state and place.latitude and place.longitude
    ]
    if not found:
        return None
    return sum(x for x, _ in found) / len(found), sum(y for _, y in found) / len(found)


def _projected(
    spots: dict[str, tuple[float, float]],
) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """Degrees to places on the sheet, north up, a degree east as long as it is there."""
    west, east = min(x for x, _ in spots.values()), max(x for x, _ in spots.values())
    south, north = min(y for _, y in spots.values()), max(y for _, y in spots.values())
    narrow = math.cos(math.radians((south + north) / 2))
    across, down = max((east - west) * narrow, 0.05), max(north - south, 0.05)
    scale = min((_WIDE - 2 * _EDGE) / across, (_TALLEST - 2 * _EDGE) / down)
    margin = (_WIDE - scale * across) / 2
    where = {
        code: (margin + (x - west) * narrow * scale, _EDGE + (north - y) * scale)
        for code, (x, y) in spots.items()
    }
    return where, (_WIDE, 2 * _EDGE + scale * down)


def _dashes(spots: Iterable[tuple[float, float]]) -> Markup:
    """Places without a figure, in one path: there may be thousands."""
    way = "".join(f"M{x - 2:.1f},{y:.1f}h4" for x, y in spots)
    return el("path", d=way, stroke="currentColor", stroke_opacity="0.5", class_="chart-none")


def _circle(at: tuple[float, float], value: float, highest: float) -> Markup:
    return el(
        "circle", cx=at[0], cy=at[1], r=_radius(value, highest), fill=MAIN, fill_opacity="0.45",
        stroke="currentColor", stroke_opacity="0.6", class_="chart-point",
    )  # fmt: skip


def _radius(value: float, highest: float) -> float:
    return max(1.5, _LARGEST * math.sqrt(max(0.0, value) / highest))


def _name(at: tuple[float, float], name: str, value: float, highest: float) -> Markup:
    words = f"{short(name, 28)} {number(value)}"
    left, away = at[0] > _WIDE * 0.7, _radius(value, highest) + 3
    return text(
        words, at[0] + (-away if left else away), at[1] + 4, text_anchor="end" if left else "start",
        font_weight="bold", class_="chart-name",
    )  # fmt: skip
