"""Limits: at most so many at once, at most so many in so many seconds, over all workers together.

One primitive: a place among ``most`` that is held for ``seconds``, then falls free by itself. Given
back earlier it is a limit of concurrency; never given back, a limit of rate. What finds no place
has not failed: NotYet, which is no attempt.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from hotline.jobs.runner import NotYet
from hotline.vault.small import random_id

# The telephone provider, whom every worker calls; danger is never held back.
PROVIDER_AT_ONCE, PROVIDER_PER_SECOND = 8, 50
LONGEST_CALL = 130  # seconds: a worker gives an errand up after 120
BUSY_SECONDS = 2  # until somebody who found no place looks again


class Places(Protocol):
    """Where places are counted."""

    def take(self, name: str, most: int, seconds: float) -> tuple[bytes | None, float]:
        """A token, or None and the seconds until the next place falls free at the latest."""

    def give(self, name: str, token: bytes) -> None:
        """Gives a place back; one that has fallen free already is nobody's."""


class Limits:
    """What tasks use."""

    def __init__(self, places: Places) -> None:
        self._places = places

    @contextmanager
    def slot(self, name: str, most: int, seconds: float) -> Iterator[None]:
        """Holds one of ``most`` places of ``name`` meanwhile, for ``seconds`` at the longest: more
        than the work inside can take. Raises NotYet."""
        token, _ = self._places.take(name, most, seconds)
        if token is None:
            raise NotYet(BUSY_SECONDS, "busy")
        try:
            yield
        finally:
            self._places.give(name, token)

    def pace(self, name: str, most: int, seconds: float = 1) -> None:
        """Lets ``most`` pass in any ``seconds``. Raises NotYet."""
        token, wait = self._places.take(name, most, seconds)
        if token is None:
            raise NotYet(max(1, math.ceil(wait)), "paced")

    @contextmanager
    def provider(self) -> Iterator[None]:
        """Around what calls the provider and is not danger. Raises NotYet."""
        with self.slot("provider", PROVIDER_AT_ONCE, LONGEST_CALL):
            self.pace("provider:calls", PROVIDER_PER_SECOND)
            yield


class MemoryPlaces:
    """For the embedded engine: one process does everything. ``now`` in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._held: dict[str, dict[bytes, float]] = {}

    def take(self, name: str, most: int, seconds: float) -> tuple[bytes | None, float]:
        with self._lock:
            now = self._now()
            held = {t: until for t, until in self._held.get(name, {}).items() if until > now}
            self._held[name] = held
            if len(held) >= most:
                return None, min(held.values(), default=now) - now
            token = random_id()
            held[token] = now + seconds
            return token, 0.0

    def give(self, name: str, token: bytes) -> None:
        with self._lock:
            self._held.get(name, {}).pop(token, None)
