"""Beside: the line's figures of a published category, by month, next to the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotline.analysis.charts import Chart, series
from hotline.analysis.columns import FIGURES, columns_of
from hotline.analysis.crosswalk import Category
from hotline.analysis.formats.words import N_, Say
from hotline.analysis.published import Published
from hotline.analysis.question import Question
from hotline.analysis.shares import Figure, Share, figures, rate, withheld
from hotline.analysis.table import Column, Table
from hotline.analysts.source import Source

_NONE = float("nan")


@dataclass(frozen=True, slots=True)
class Month:
    """``published`` is None where the publisher has no figure; ``rate`` reports for each hundred
    of it."""

    month: str
    figure: Figure
    published: int | None
    rate: Share


@dataclass(frozen=True, slots=True)
class Beside:
    """``total`` where every month has both. ``withheld``: types that no figure of this area tells
    of, so that they are not in it."""

    months: tuple[Month, ...]
    total: Month | None
    withheld: tuple[str, ...]


def beside(
    source: Source, published: Published, category: Category, area: str, asked: Question
) -> Beside:
    """Raises BadQuestion, NothingReleased, BadRelease."""
    only = {_level(area): area, "crime_type": ",".join(code for code, _ in category.types)}
    told = _ask(source, asked, ("month",), only)
    counts = {key[0]: published.count(area, category, key[0]) for key in told}
    months = tuple(
        Month(month, one, counts[month], rate(one, counts[month])) for (month,), one in told.items()
    )
    kinds = _ask(source, asked, ("crime_type",), only)
    return Beside(months, _total(source, asked, only, months), withheld(kinds))


def pictures(found: Beside, say: Say) -> list[tuple[str, Chart]]:
    """The two series by name, each on a scale of its own; none of fewer than two figures."""
    reports = [(one.figure.value, one.figure.low, one.figure.high) for one in found.months]
    counts = [_NONE if one.published is None else float(one.published) for one in found.months]
    return [
        *_picture(found, N_("Reports"), FIGURES[:1] + FIGURES[2:4], np.array(reports), say),
        *_picture(found, N_("Published"), FIGURES[:1], np.array(counts)[:, None], say),
    ]


def _picture(
    found: Beside, title: str, columns: tuple[Column, ...], values: NDArray[Any], say: Say
) -> list[tuple[str, Chart]]:
    if np.isfinite(values[:, 0]).sum() < 2:
        return []
    months = np.array([one.month for one in found.months], dtype=object)
    data = {"month": months} | {
        column.name: values[:, at].astype(np.float64) for at, column in enumerate(columns)
    }
    table = Table((*columns_of("month"), *columns), data, {})
    return [(title, series(table, say(title), say=say))]


def _total(
    source: Source, asked: Question, only: Mapping[str, str], months: tuple[Month, ...]
) -> Month | None:
    """Asked for, not added up: what is too small to be shown counts in it."""
    known = [one.published for one in months if one.published is not None and one.figure.told]
    if len(known) < len(months):
        return None
    figure = _ask(source, asked, (), only)[()]
    return Month("", figure, sum(known), rate(figure, sum(known)))


def _ask(
    source: Source, asked: Question, by: tuple[str, ...], only: Mapping[str, str]
) -> Mapping[tuple[str, ...], Figure]:
    question = Question.asked(asked.since, asked.until, ",".join(by), only)
    return figures(source.answer(question), *by)


def _level(area: str) -> str:
    if area.isdigit():
        return "municipality"
    return "state" if "-" in area else "country"
