"""Embedded: reads the outbox in a thread of the staff process; for lines without Redis."""

from __future__ import annotations

import threading

from hotline.errors import HotlineError
from hotline.jobs.runner import Runner

PAUSE_SECONDS = 0.5
AT_ONCE = 4  # then it looks again: danger never waits for a provider that hangs a hundred times


class EmbeddedJobs:
    """The same tasks as the RQ workers, one after the other."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Lets the running errand finish."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def drain(self) -> int:
        """Does everything that is ready now; returns how many were tried."""
        done = 0
        while ready := self._runner.ready(AT_ONCE):
            tried = sum(self._runner.run(identity) for identity in ready)
            done += tried
            if not tried:
                break
        return done

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self.drain()
            except HotlineError:
                # The database is away: nothing is lost, the rows wait.
                self._stop.wait(5)
            self._stop.wait(PAUSE_SECONDS)
