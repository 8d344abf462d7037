"""Limits: slow down under flood, without knowing anyone and without ever blocking a person.

Buckets are keyed by a session's pseudonym, which dies with its day, and one bucket is everybody's.
An empty bucket fills by itself: there is no list of anyone, and nothing to be taken off it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from hotline.clock import Clock
from hotline.errors import Busy


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, then ``per_second``."""

    burst: float
    per_second: float


ONE = Rate(burst=30, per_second=0.5)
ALL = Rate(burst=5000, per_second=2000)
# Of everyone's budget, kept for those who have a bucket of their own: a flood by the form or the
# API, where anybody is many, leaves room for texts and calls.
_KEPT = 0.1
_REMEMBERED = 50_000  # pseudonyms; the one longest silent is forgotten first, with a full bucket


class Limits:
    """The budget of one public process."""

    def __init__(self, clock: Clock, one: Rate = ONE, everyone: Rate = ALL) -> None:
        self._clock = clock
        self._one = one
        self._all = everyone
        self._common = (everyone.burst, clock.seconds())
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._guard = threading.Lock()

    def spend(self, key: str | None) -> None:
        """Takes one message from the budget of ``key`` (None: nobody's) and from everyone's.
        Raises Busy when either is empty; then nothing is taken."""
        now = self._clock.seconds()
        with self._guard:
            common = _filled(self._common, self._all, now)
            own = _filled(self._buckets.get(key or "", (self._one.burst, now)), self._one, now)
            kept = int(self._all.burst * _KEPT) if key is None else 0
            if common < 1 + kept or (key is not None and own < 1):
                raise Busy
            self._common = (common - 1, now)
            if key is None:
                return
            self._buckets[key] = (own - 1, now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)


def _filled(bucket: tuple[float, float], rate: Rate, now: float) -> float:
    left, at = bucket
    return min(rate.burst, left + max(now - at, 0.0) * rate.per_second)
