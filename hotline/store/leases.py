"""Leases: one of several processes leads; another follows within seconds when it dies.

A fact holds ``term.holder.beat``: the leader changes the beat, and whoever has seen the same text
for a while by its own clock, which no other machine and no change of the hour can move, takes it
over with the next term. A leader that was stopped and wakes up finds another term in the database
in the very transaction in which it would have written, and writes nothing.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, select

from hotline.errors import HotlineError
from hotline.store.database import Database, fenced
from hotline.store.facts import Facts
from hotline.store.tables import Meta

BEAT_SECONDS = 3.0
LOST_SECONDS = 12.0  # the same beat for so long: its holder is dead or stuck


class NoLongerLeading(HotlineError):
    """Another process leads since."""

    code = "no_longer_leading"
    message = "Another process does this work now."
    hint = "Nothing needs to be done."


class Lease:
    """This process's part in one lease. ``now``: seconds that only grow."""

    def __init__(
        self, database: Database, name: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._database, self._facts = database, Facts(database)
        self._name = "lease:" + name
        self._now = now
        self._holder = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._mine = ""  # the text that this process wrote last, while it leads
        self._seen, self._since = "", 0.0

    def leads(self) -> bool:
        """Whether this process leads; beats, takes over, or gives way. Call it every second."""
        with self._lock:
            now, seen = self._now(), self._facts.get(self._name)
            if self._mine and seen == self._mine:
                if now - self._since >= BEAT_SECONDS:
                    self._take(seen, now)
                return bool(self._mine)
            self._mine = ""
            if seen != self._seen:
                self._seen, self._since = seen, now
            free = not seen or seen.endswith(".free")
            if free or now - self._since >= LOST_SECONDS:
                self._take(seen, now)
            return bool(self._mine)

    @property
    def leading(self) -> bool:
        """What ``leads`` said last."""
        return bool(self._mine)

    @contextmanager
    def fence(self) -> Iterator[None]:
        """What is written meanwhile is written only while this process leads. Raises
        NoLongerLeading, here or in a write."""
        with self._lock:
            mine = self._mine
        if not mine:
            raise NoLongerLeading
        term = mine.rpartition(".")[0]
        query = select(Meta.value).where(Meta.name == self._name).with_for_update(read=True)

        def check(connection: Connection) -> None:
            # The row is locked (PostgreSQL) or nobody else writes (SQLite): no other process takes
            # over between this look and the commit.
            value = connection.execute(query).scalar() or ""
            if value.rpartition(".")[0] != term:
                raise NoLongerLeading

        with fenced(self._database, check):
            yield

    def release(self) -> None:
        """Another may lead at once."""
        with self._lock:
            if self._mine:
                self._facts.swap(self._name, self._mine, self._mine.rpartition(".")[0] + ".free")
            self._mine = ""

    def _take(self, seen: str, now: float) -> None:
        """Writes a beat of this term, or the first of the next."""
        number, _, rest = seen.partition(".")
        if self._mine:
            beat = int(rest.rpartition(".")[2]) + 1
            text = f"{number}.{self._holder}.{beat}"
        else:
            text = f"{int(number or 0) + 1}.{self._holder}.0"
        won = self._facts.swap(self._name, seen, text)
        self._mine = text if won else ""
        self._seen, self._since = text if won else seen, now
