"""Order: which tip somebody is given next. The one place where this is decided.

1. Danger comes first: a P0 that nobody has goes before anything else, whatever a person holds.
2. What somebody holds comes before anything new: nothing is left half read.
3. Urgency: then the most urgent tip, among equals the one with the earliest deadline.
4. Age: but of each four tips that a person is given, the fourth is the one with the earliest
   deadline of all that are late, whatever its priority.

Why so. A score of urgency times age lets old tips pass urgent ones as soon as a desk cannot keep
up: after a week of backlog every P3 would be before a P1 of this minute. Urgency alone lets a P3
wait for ever beside a stream of P1, and such a stream can be sent on purpose. With rule 4 whatever
waits beside a tip, at most those with an earlier deadline are before it, so it is given after at
most four times as many pulls, and urgent tips never lose more than a quarter of the desk. The age
that counts is the deadline passed, not the hours waited: the deadline is what the line promised.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotline.store.tips import Listed
from hotline.tips import Priority

TURNS = 4


def by_urgency(tip: Listed) -> tuple[str, int, bytes]:
    return (tip.priority, tip.due_at, tip.id)


def by_age(tip: Listed) -> tuple[int, str, bytes]:
    return (tip.due_at, tip.priority, tip.id)


def ranked(
    held: Iterable[Listed], free: Iterable[Listed], *, pulled: int, now: int
) -> list[Listed]:
    """Everything one person may be given, best first. ``free`` must hold the tip with the earliest
    deadline of each queue and priority; ``pulled`` is how many they were given before."""
    held, free = sorted(held, key=by_urgency), sorted(free, key=by_urgency)
    danger = [tip for tip in (*held, *free) if tip.priority is Priority.P0]
    late = [tip for tip in free if tip.due_at <= now] if pulled % TURNS == TURNS - 1 else []
    order = (*danger, *held, *sorted(late, key=by_age), *free)
    return list({tip.id: tip for tip in order}.values())
