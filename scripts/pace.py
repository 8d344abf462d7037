"""Pace: how fast something is on one core, though others use the machine too."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

ROUNDS = 12
SLICE = 50  # pieces: some milliseconds, mostly less than the system lets another process wait
Piece = TypeVar("Piece")


def seconds(
    work: Callable[[Piece], object], pieces: Sequence[Piece], rounds: int = ROUNDS
) -> float:
    """For all pieces once: of each slice the best of some rounds, added up. What others take from
    this processor is left out so, what is slow in the work itself is not."""
    slices = [pieces[at : at + SLICE] for at in range(0, len(pieces), SLICE)]
    best = [float("inf")] * len(slices)
    for _ in range(rounds):
        for at, some in enumerate(slices):
            begun = time.perf_counter()
            for piece in some:
                work(piece)
            best[at] = min(best[at], time.perf_counter() - begun)
    return sum(best)


def rate(work: Callable[[Piece], object], pieces: Sequence[Piece], rounds: int = ROUNDS) -> int:
    """Pieces a second."""
    return round(len(pieces) / seconds(work, pieces, rounds))
