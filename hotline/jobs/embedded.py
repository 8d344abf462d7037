"""Embedded: reads the outbox in a thread of the staff process; for lines without Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hotline.errors import HotlineError
from hotline.jobs.runner import Runner

PAUSE_SECONDS = 0.5
AT_ONCE = 4  # then it looks again: danger never waits for a provider that hangs a hundred times


class EmbeddedJobs:
    """The same tasks as the RQ workers, one after the other; what is urgent has a thread of its
    own beside, because a recording may be listened to for a minute and more."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(work,), name="jobs", daemon=True)
            for work in (self.drain, self._urgent)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets the running errands finish."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=30)

    def drain(self) -> int:
        """Does everything that is ready now; returns how many were tried."""
        done = 0
        while ready := self._runner.ready(AT_ONCE):
            tried = sum(self._runner.run(identity) for identity in ready)
            done += tried
            if not tried:
                break
        return done

    def _urgent(self) -> int:
        return sum(self._runner.run(identity) for identity in self._runner.ready_urgent())

    def _loop(self, work: Callable[[], int]) -> None:
        while not self._stop.is_set():
            try:
                work()
            except HotlineError:
                # The database is away: nothing is lost, the rows wait.
                self._stop.wait(5)
            self._stop.wait(PAUSE_SECONDS)
