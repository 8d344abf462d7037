"""Chores: what the staff process does by the clock: lapse, end sessions, forget, sweep."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hotline.assembly import StaffLine
from hotline.errors import HotlineError
from hotline.jobs.answering import raise_unanswered
from hotline.jobs.escalation import raise_late
from hotline.jobs.forgetting import finish
from hotline.log import Log
from hotline.routing.retention import later
from hotline.store.leases import Lease
from hotline.store.seen import Seen
from hotline.store.shift import Shift
from hotline.store.tips import Change
from hotline.tips import State
from hotline.triage import freezing
from hotline.triage.access import ABSOLUTE_SECONDS, IDLE_SECONDS
from hotline.triage.invitations import Invitations

SEEN_MONTHS = 12  # a reporter comes back within weeks


@dataclass(frozen=True, slots=True)
class Chore:
    """Done every ``seconds`` by the staff process; safe to repeat and to miss."""

    name: str
    seconds: int
    do: Callable[[], object]


def chores(line: StaffLine, push: Callable[[], object] | None = None) -> list[Chore]:
    """The table. ``push`` tells RQ workers of everything that is still ready."""
    table = [
        Chore("lapse", 60, lambda: lapse(line)),
        Chore("raise_late", 60, lambda: raise_late(line)),
        Chore("raise_unanswered", 600, lambda: raise_unanswered(line)),
        Chore("end_sessions", 60, lambda: end_sessions(line)),
        Chore("forget_shift", 60, lambda: Shift(line.database).forget(int(line.clock.seconds()))),
        Chore("forget_marks", 3600, line.once.forget),
        Chore("settle_seen", 86_400, lambda: settle_seen(line)),
        Chore("forget_invitations", 3600, lambda: forget_invitations(line)),
        Chore("forget_requests", 3600, line.approvals.forget),
        Chore("release", 6 * 3600, lambda: freezing.run(line)),
        Chore("finish_erasures", 60, lambda: finish(line)),
        # The worker's key lives for months: what it did may not lie sealed in the journal either.
        Chore("wipe_journal", 3600, line.database.wipe_journal),
    ]
    if push is not None:
        table.append(Chore("sweep", 2, push))
    return table


def lapse(line: StaffLine) -> int:
    """Tips whose conversation never ended (the process died with it) and whose deadline has come
    wait for the unresolved desk like any other; returns how many."""
    now = int(line.clock.seconds())
    count = 0
    for row in line.tips.queue(list(line.profile.queues), [State.OPEN], most=1000):
        if row.due_at and row.due_at <= now:
            line.tips.apply(
                Change(row.id, row.version, state=State.WAITING, events=(("lapsed", {}),))
            )
            count += 1
    return count


def settle_seen(line: StaffLine) -> int:
    """Once a day signs of reading lose the order in which they came, and old ones go."""
    month = line.clock.month()
    return Seen(line.database).settle(month, later(month, -SEEN_MONTHS))


def end_sessions(line: StaffLine) -> int:
    now = int(line.clock.seconds())
    return line.access.people.end_idle(now - IDLE_SECONDS, now - ABSOLUTE_SECONDS)


def forget_invitations(line: StaffLine) -> int:
    return Invitations(line.database, line.access, line.clock).forget()


class Beat:
    """A thread that keeps this process's part in who leads: nothing else may hold it up."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="beat", daemon=True)

    def start(self) -> None:
        self._look()  # a line alone does its chores at once
        self._thread.start()

    def stop(self) -> None:
        """Last of all: another process may begin at once."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        with suppress(HotlineError):
            self._lease.release()

    def _loop(self) -> None:
        while not self._stop.wait(1):
            self._look()

    def _look(self) -> None:
        # The database is away: whoever leads then writes nothing either.
        with suppress(HotlineError):
            self._lease.leads()


class Housekeeper:
    """One thread that does the chores when their time comes, while this process leads."""

    def __init__(self, table: list[Chore], log: Log, lease: Lease) -> None:
        self._due = {chore.name: 0.0 for chore in table}
        self._table = table
        self._log = log
        self._lease = lease
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="chores", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def _loop(self) -> None:
        elapsed = 0.0
        while not self._stop.is_set():
            for chore in self._table:
                if elapsed >= self._due[chore.name] and self._lease.leading:
                    self._due[chore.name] = elapsed + chore.seconds
                    self.do(chore)
            self._stop.wait(1)
            elapsed += 1

    def do(self, chore: Chore) -> None:
        """What it writes is written only while this process still leads."""
        try:
            with self._lease.fence():
                chore.do()
        except HotlineError as problem:
            self._log.event("chore_failed", kind=chore.name, code=problem.code)
        except Exception as error:  # noqa: BLE001 - one chore's bug must not stop the others
            self._log.incident(error)
