"""Terms: until when a tip lives, as triage decides about it."""

from __future__ import annotations

from typing import Protocol

from hotline.clock import Clock
from hotline.routing.profile import Profile
from hotline.routing.retention import FORWARDED, UNDECIDED
from hotline.store.tips import Listed
from hotline.tips import State, queue_kind


class Calendar(Protocol):
    """Terms and the present month."""

    @property
    def clock(self) -> Clock: ...
    @property
    def profile(self) -> Profile: ...


def last_month(line: Calendar, row: Listed, end: str, queue: str = "") -> str:
    """The last month of a tip that ends so now, in ``queue`` if it moves there. Only what stands
    in clear counts, its desk: a term by its exact type would tell the type from the month."""
    kind = queue_kind(queue or row.queue)
    return line.profile.retention.until(kind, end, row.month, line.clock.month())


def moved_until(line: Calendar, row: Listed, queue: str, closed: str) -> str | None:
    """The last month of a tip that another desk takes over as it stands; ``closed`` is the reason
    for which it was closed, if it is. None when it stays where it is."""
    if queue == row.queue:
        return None
    ends = {State.FORWARDED: FORWARDED, State.CLOSED: closed or FORWARDED}
    return last_month(line, row, ends.get(row.state, UNDECIDED), queue)
