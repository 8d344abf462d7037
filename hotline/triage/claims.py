"""Claims: an operator pulls the next tip; a lease keeps two people off one tip."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hotline.clock import Clock
from hotline.errors import BadInput, HotlineError
from hotline.store.database import AlreadyThere, Database
from hotline.store.desk import Claim, Desk
from hotline.store.shift import Shift
from hotline.store.tips import UNDECIDED, Listed, Tips
from hotline.store.waiting import Waiting, Wanted
from hotline.tips import Priority, QueueKind, State
from hotline.triage.order import ranked
from hotline.triage.wellbeing import passes

LEASE_SECONDS = 15 * 60
ASIDE_SECONDS = 3600
# As long as a person may need to come to what was put into their hands.
ASSIGNED_SECONDS = 3600
# How many tips a person may hold at once, unless a supervisor set it otherwise: what they read and
# what they were given. Each of them is one that nobody else sees as free.
HOLDS, HOLDS_MOST = 5, 20
_LOOK_AT = 4  # of each queue and priority: others pull at the same instant


class Claimed(HotlineError):
    """Somebody else's lease on this tip still runs."""

    code = "claimed"
    status = 409
    message = "Somebody else is working on this tip."
    hint = "What you typed is kept below. Talk to them, or take the next tip."


class HoldsEnough(HotlineError):
    """This person holds as many tips as one may."""

    code = "holds_enough"
    status = 409
    message = "One person may not hold more tips at once."
    hint = "Decide one of those in hand or give it back. What you typed is kept below."


class BadCapacity(BadInput):
    """No number of tips that a person could hold."""

    code = "bad_capacity"
    message = "This is not a number of tips that one person can hold."
    hint = "Choose one of the numbers that are offered."


class Claims:
    """Leases of one console. What a person set aside, and whose turn it is for an old tip, is
    remembered by this process only: losing it costs nobody more than seeing a tip twice."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._desk = Desk(database)
        self._tips = Tips(database)
        self._waiting = Waiting(database)
        self._shift = Shift(database)
        self._clock = clock
        self._lock = threading.Lock()
        self._aside: dict[tuple[bytes, bytes], int] = {}
        self._pulled: Counter[bytes] = Counter()

    def next(
        self, person: bytes, queues: Sequence[str], later: frozenset[QueueKind] = frozenset()
    ) -> Listed | None:
        """Claims the tip that ``order`` puts first and that nobody else works on. Tips still being
        told come last, and of kinds in ``later`` too, as ``wellbeing.passes`` says."""
        now = self._now()
        steps = [(s, *step) for s in (State.WAITING, State.OPEN) for step in passes(queues, later)]
        for state, some, kinds in steps:
            wanted = Wanted(some, (state,), kinds)
            while found := self._offered(person, queues, wanted, now):
                for row in found:
                    if fresh := self._pull(person, row, queues):
                        return fresh
                if len(found) < _LOOK_AT:
                    break  # others took the few there were
        return None

    def _offered(
        self, person: bytes, queues: Sequence[str], wanted: Wanted, now: int
    ) -> list[Listed]:
        running = self._desk.claims(now)
        mine = [tip for tip, claim in running.items() if claim.person == person]
        rows = self._waiting.some(mine)
        held = [row for row in rows if row.queue in queues and row.state in UNDECIDED]
        but = {*running, *self._set_aside(person, now)}
        # Whose hands are full is still offered danger.
        if len(mine) >= self.holds(person):
            danger = [kind for kind in wanted.priorities if kind is Priority.P0]
            wanted = replace(wanted, priorities=danger)
        free = self._waiting.heads(wanted, _LOOK_AT, but)
        with self._lock:
            pulled = self._pulled[person]
        return ranked(held, free, pulled=pulled, now=now)

    def _pull(self, person: bytes, row: Listed, queues: Sequence[str]) -> Listed | None:
        held = self.holder(row.id)
        if not self.take(person, row.id, beyond=row.priority is Priority.P0):
            return None
        fresh = self._still(row, queues)
        if fresh is None:
            self.release(person, row.id)
        elif held is None:
            with self._lock:
                self._pulled[person] += 1
        return fresh

    def take(self, person: bytes, tip: bytes, *, beyond: bool = False) -> bool:
        """Takes or renews a lease of 15 minutes; False while somebody else's runs. A longer one
        that the person has is not cut. ``beyond``: for a deed that is done at once, also by
        somebody whose hands are full. Raises HoldsEnough."""
        now = self._now()
        running = self._desk.claims(now)
        held = running.get(tip)
        mine = sum(claim.person == person for claim in running.values())
        if held is None and not beyond and mine >= self.holds(person):
            raise HoldsEnough
        until = now + LEASE_SECONDS
        if held is not None and held.person == person:
            until = max(until, held.until)
        for _ in range(2):
            try:
                return self._desk.claim(Claim(tip, person, until), now)
            except AlreadyThere:  # somebody took it in the same instant: look again who
                continue
        return False

    def assign(self, by: bytes, person: bytes, tip: bytes) -> None:
        """Puts a tip that nobody else holds into somebody's hands for an hour. Raises Claimed,
        HoldsEnough."""
        now = self._now()
        running = self._desk.claims(now)
        held = running.get(tip)
        if held is not None and held.person not in (by, person):
            raise Claimed
        others = sum(one.person == person for one in running.values() if one.tip != tip)
        if others >= self.holds(person):
            raise HoldsEnough
        if not self._desk.assign(Claim(tip, person, now + ASSIGNED_SECONDS), by, now):
            raise Claimed

    def require(self, person: bytes, tip: bytes) -> None:
        """Raises Claimed, HoldsEnough."""
        if not self.take(person, tip):
            raise Claimed

    def holds(self, person: bytes) -> int:
        """How many tips somebody may hold at once."""
        return next(map(int, self._shift.settings(person, "holds")), HOLDS)

    def set_holds(self, person: bytes, count: int) -> None:
        """Raises BadCapacity."""
        if not 1 <= count <= HOLDS_MOST:
            raise BadCapacity
        self._shift.set(person, "holds", [] if count == HOLDS else [str(count)])

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
        undecided = now is not None and now.state in UNDECIDED
        return now if now is not None and undecided and now.queue in queues else None

    def _set_aside(self, person: bytes, now: int) -> frozenset[bytes]:
        with self._lock:
            self._aside = {key: until for key, until in self._aside.items() if until > now}
            return frozenset(tip for owner, tip in self._aside if owner == person)

    def _now(self) -> int:
        return int(self._clock.seconds())
