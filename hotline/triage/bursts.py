"""Bursts: far more tips about one place than usual, since yesterday.

Counted among the tips of one queue that somebody has opened, in a session that may open them. One
event or one campaign may stand behind a burst; it says nothing of how many people wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import sqrt

import numpy as np

from hotline.triage.likeness import Rows

FEWEST = 5
RECENT = 2  # days: today and yesterday
USUAL = 28  # days before them
_KNOWN = 7  # days a queue must have been read for anybody to know what is usual
_DEVIATIONS = 4


@dataclass(frozen=True, slots=True)
class Burst:
    """``count`` tips of a municipality and a group of types since yesterday, where ``usual`` come
    in that time."""

    place: str
    group: str
    count: int
    usual: float


def bursts(rows: Rows, today: date) -> list[Burst]:
    """The bursts of a queue, the largest first."""
    placed = rows[rows["place"] != b""]
    age = today.toordinal() - placed["day"].astype(np.int64)
    span = min(int(age.max()) - RECENT + 1, USUAL) if len(placed) else 0
    if span < _KNOWN:
        return []
    kinds = np.char.add(np.char.add(placed["place"], b"|"), placed["group"])
    recent, before = kinds[age < RECENT], kinds[(age >= RECENT) & (age < RECENT + USUAL)]
    found = []
    for kind, count in zip(*np.unique(recent, return_counts=True), strict=True):
        usual = float((before == kind).sum()) / span * RECENT
        if count >= FEWEST and count > usual + _DEVIATIONS * sqrt(usual):
            place, _, group = kind.decode().partition("|")
            found.append(Burst(place, group, int(count), usual))
    return sorted(found, key=lambda burst: -burst.count)


def burst_of(rows: Rows, today: date, place: str, group: str) -> Burst | None:
    """The burst that a tip of this place and group is part of."""
    found = bursts(rows, today) if place else []
    return next((one for one in found if (one.place, one.group) == (place, group)), None)
