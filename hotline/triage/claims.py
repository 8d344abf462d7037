"""Claims: an operator pulls the next tip; a lease keeps two people off one tip."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.store.database import AlreadyThere
from hotline.store.desk import Claim, Desk
from hotline.store.tips import Listed, Tips
from hotline.tips import State

LEASE_SECONDS = 15 * 60
ASIDE_SECONDS = 3600
_LOOK_AT = 40


class Claimed(HotlineError):
    """Somebody else's lease on this tip still runs."""

    code = "claimed"
    status = 409
    message = "Somebody else is working on this tip."
    hint = "What you typed is kept below. Talk to them, or take the next tip."


class Claims:
    """Leases of one console. What a person set aside is remembered by this process only: losing
    it costs nobody more than seeing a tip twice."""

    def __init__(self, desk: Desk, tips: Tips, clock: Clock) -> None:
        self._desk = desk
        self._tips = tips
        self._clock = clock
        self._lock = threading.Lock()
        self._aside: dict[tuple[bytes, bytes], int] = {}

    def next(self, person: bytes, queues: Sequence[str]) -> Listed | None:
        """Claims the most urgent tip that has waited longest and that nobody else works on. Who
        holds one already gets that one again. Tips still being told come last."""
        now = self._now()
        running = self._desk.claims(now)
        aside = self._set_aside(person, now)
        most = _LOOK_AT + len(running) + len(aside)
        for state in (State.WAITING, State.OPEN):
            rows = self._tips.queue(queues, [state], most)
            mine = [row for row in rows if (c := running.get(row.id)) and c.person == person]
            free = [row for row in rows if row.id not in running and row.id not in aside]
            for row in (*mine, *free):
                if self.take(person, row.id):
                    if fresh := self._still(row, queues):
                        return fresh
                    self.release(person, row.id)
        return None

    def take(self, person: bytes, tip: bytes) -> bool:
        """Takes or renews a lease of 15 minutes; False while somebody else's runs."""
        now = self._now()
        for _ in range(2):
            try:
                return self._desk.claim(Claim(tip, person, now + LEASE_SECONDS), now)
            except AlreadyThere:  # somebody took it in the same instant: look again who
                continue
        return False

    def require(self, person: bytes, tip: bytes) -> None:
        """Raises Claimed."""
        if not self.take(person, tip):
            raise Claimed

    def holder(self, tip: bytes) -> Claim | None:
        return self._desk.claims(self._now()).get(tip)

    def running(self) -> dict[bytes, Claim]:
        return self._desk.claims(self._now())

    def release(self, person: bytes, tip: bytes, *, aside: bool = False) -> None:
        """Ends the lease. ``aside``: this person is not offered the tip again for an hour; no
        reason is asked."""
        self._desk.release(tip, person)
        if aside:
            with self._lock:
                self._aside[person, tip] = self._now() + ASIDE_SECONDS

    def _still(self, row: Listed, queues: Sequence[str]) -> Listed | None:
        """The row as it is now, if it still waits here: between list and lease another person may
        have decided it."""
        now = self._tips.one(row.id)
        undecided = now is not None and now.state in (State.WAITING, State.OPEN)
        return now if now is not None and undecided and now.queue in queues else None

    def _set_aside(self, person: bytes, now: int) -> frozenset[bytes]:
        with self._lock:
            self._aside = {key: until for key, until in self._aside.items() if until > now}
            return frozenset(tip for owner, tip in self._aside if owner == person)

    def _now(self) -> int:
        return int(self._clock.seconds())
