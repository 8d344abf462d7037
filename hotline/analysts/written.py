"""Written: figures, shares and periods of the analysts' pages as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flask import request

from hotline.analysis.charts.svg import number
from hotline.analysis.columns import BELOW
from hotline.analysis.plan import months_between
from hotline.analysis.question import Question
from hotline.analysis.shares import Figure, Share

NOTHING = "–"
YEAR = 12


def figure(one: Figure) -> str:
    """A dash where there is none; what is too small says so."""
    if one.status == BELOW:
        return "< 8"
    return number(one.value) or NOTHING


def between(one: Figure) -> str:
    return f"{number(one.low)}–{number(one.high)}" if one.told else NOTHING


def counted(count: int | None) -> str:
    """What somebody else counted."""
    return NOTHING if count is None else number(count)


def percent(one: Share) -> str:
    return NOTHING if np.isnan(one.value) else f"{100 * one.value:.1f}\N{NO-BREAK SPACE}%"


def percents(one: Share) -> str:
    return (
        NOTHING
        if np.isnan(one.high)
        else f"{100 * one.low:.1f}–{100 * one.high:.1f}\N{NO-BREAK SPACE}%"
    )


def per(one: Share) -> str:
    """A rate for each hundred."""
    return NOTHING if np.isnan(one.value) else f"{one.value:.1f}"


def pers(one: Share) -> str:
    return NOTHING if np.isnan(one.high) else f"{one.low:.1f}–{one.high:.1f}"


WRITERS: dict[str, Any] = {
    one.__name__: one for one in (figure, between, counted, percent, percents, per, pers)
}


def period(months: Sequence[str], *, free: bool) -> Question:
    """The months asked for, if the reader may choose; else the last twelve released. Raises
    BadQuestion. There must be a month."""
    last = sorted(months)[-YEAR:]
    since, until = last[0], last[-1]
    if free:
        since = request.args.get("from", "") or since
        until = request.args.get("to", "") or until
    return Question.asked(since, until, "", {})


def gaps(months: Sequence[str], asked: Question) -> list[str]:
    """Months of the period without a release."""
    there = set(months)
    return [one for one in months_between(asked.since, asked.until) if one not in there]
