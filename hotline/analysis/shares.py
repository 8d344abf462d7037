"""Shares: parts of a whole and figures beside others, with what the noise leaves open.

All of it is worked out from figures of frozen releases, so that it tells nothing new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hotline.analysis.columns import BELOW, MISSING, SUPPRESSED
from hotline.analysis.table import Table

_NONE = float("nan")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as an extract shows it: nan where there is none, with the status that says why."""

    value: float
    low: float
    high: float
    status: str = ""

    @property
    def told(self) -> bool:
        """Whether it has an interval, be the figure itself shown or not."""
        return self.status not in (SUPPRESSED, MISSING) and not np.isnan(self.high)


@dataclass(frozen=True, slots=True)
class Share:
    """From 0 to 1; nan where there is none."""

    value: float
    low: float
    high: float


def figures(table: Table, *names: str) -> dict[tuple[str, ...], Figure]:
    """Values of the columns → figure, in the order of the rows."""
    keys = zip(*(table.data[name].tolist() for name in names), strict=True)
    parts = ("tip_count", "interval_low", "interval_high", "tip_count_status")
    held = zip(*(table.data[name].tolist() for name in parts), strict=True)
    if not names:
        (one,) = held
        return {(): Figure(*one)}
    return {key: Figure(*one) for key, one in zip(keys, held, strict=True)}


def share(part: Figure, whole: Figure) -> Share:
    """Part of whole. Each of the two lies in its interval 95 times of 100, so both do, and with
    them the share in its own, 90 times of 100 at least, however they hang together. (What is
    left of the whole is not asked: its interval would be a third that may fail.)"""
    if not (part.told and whole.told) or whole.high <= 0:
        return Share(_NONE, _NONE, _NONE)
    low = part.low / whole.high
    high = part.high / whole.low if whole.low > 0 else 1.0
    value = part.value / whole.value if whole.value > 0 else _NONE
    return Share(min(value, 1.0), min(low, 1.0), min(high, 1.0))


def rate(figure: Figure, published: int | None) -> Share:
    """Reports for each hundred that somebody else counted. Their count has no noise, so the
    interval holds as often as the figure's. nan for none, or none counted."""
    if not figure.told or not published:
        return Share(_NONE, _NONE, _NONE)
    per = 100 / published
    return Share(figure.value * per, figure.low * per, figure.high * per)


def small(figure: Figure) -> bool:
    return figure.status == BELOW


def withheld(figures: Mapping[tuple[str, ...], Figure]) -> tuple[str, ...]:
    """The first keys of what is not told."""
    return tuple(key[0] for key, one in figures.items() if one.status == SUPPRESSED)
