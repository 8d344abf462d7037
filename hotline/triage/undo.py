"""Undo: for ten seconds whoever decided may take a decision back; nobody outside saw it.

What it takes is in the memory of this console only: a restart loses the offer, never a decision.
"""

from __future__ import annotations

import threading

from hotline.clock import Clock
from hotline.store.tips import Tips
from hotline.store.undoing import Before, TooLate

SECONDS = 10


def leaves_at(clock: Clock) -> int:
    """From when, in seconds since 1970, a decision made now may leave the line: never before the
    time to undo it is over."""
    return int(clock.seconds()) + SECONDS + 1


class Undoing:
    """The last decision of each person."""

    def __init__(self, tips: Tips, clock: Clock) -> None:
        self._tips = tips
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[bytes, tuple[float, Before]] = {}

    def offer(self, person: bytes, kept: Before) -> None:
        """``person`` may undo this one from now on, and nothing before it."""
        now = self._clock.seconds()
        with self._lock:
            self._kept = {p: held for p, held in self._kept.items() if held[0] > now}
            self._kept[person] = (now + SECONDS, kept)

    def left(self, person: bytes) -> int:
        """Whole seconds in which ``person`` may still undo something; 0 when nothing."""
        until, _ = self._kept.get(person, (0.0, None))
        return max(int(until - self._clock.seconds()), 0)

    def kept(self, person: bytes) -> Before:
        """What ``person`` may undo. Raises TooLate."""
        until, kept = self._kept.get(person, (0.0, None))
        if kept is None or until <= self._clock.seconds():
            raise TooLate
        return kept

    def undo(self, person: bytes) -> bytes:
        """The tip is as it was before; its id. Raises TooLate."""
        kept = self.kept(person)
        with self._lock:
            self._kept.pop(person, None)
        self._tips.undo(kept, person)
        return kept.tip
