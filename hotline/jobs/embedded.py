"""Embedded: reads the outbox in threads of the staff process; for lines without Redis.

Every lane has threads of its own, so that danger waits neither for a recording that is listened to
for a minute nor for a hundred agencies that do not answer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

from hotline.errors import HotlineError
from hotline.jobs.runner import Runner
from hotline.lanes import LANES, URGENT, Lane

PAUSE_SECONDS = 0.5
# Danger is committed by another process. Looking twenty times a second costs 1 % of a core, and no
# channel between two processes that may not trust one another (docs/jobs.md has the figures).
URGENT_PAUSE_SECONDS = 0.05
AT_ONCE = 50
STOP_SECONDS = 30


class _Feed:
    """What is ready in one lane, handed out to its threads one by one."""

    def __init__(self, runner: Runner, lane: str) -> None:
        self._runner = runner
        self._lane = lane
        self._lock = threading.Lock()
        self._found: deque[bytes] = deque()

    def next(self) -> bytes | None:
        with self._lock:
            if not self._found:
                self._found.extend(self._runner.ready(AT_ONCE, self._lane))
            return self._found.popleft() if self._found else None


class EmbeddedJobs:
    """The same tasks as the RQ workers. ``lanes``: only these; ``pause``: seconds between two looks
    for danger."""

    def __init__(
        self,
        runner: Runner,
        lanes: Iterable[Lane] = LANES,
        pause: float = URGENT_PAUSE_SECONDS,
    ) -> None:
        self._runner = runner
        self._stop = threading.Event()
        self._threads = []
        for lane in lanes:
            feed = _Feed(runner, lane.name)
            wait = pause if lane.name == URGENT else PAUSE_SECONDS
            self._threads += [
                threading.Thread(
                    target=self._loop, args=(feed, wait), name=f"jobs-{lane.name}", daemon=True
                )
                for _ in range(lane.threads)
            ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Lets the running errands finish, for so long all together. What is cut off then comes
        back when its lease ends."""
        self._stop.set()
        end = time.monotonic() + seconds
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=max(0.0, end - time.monotonic()))

    def drain(self) -> int:
        """Does everything that is ready now; returns how many were tried."""
        done = 0
        while ready := self._runner.ready(AT_ONCE):
            tried = sum(self._runner.run(identity) for identity in ready)
            done += tried
            if not tried:
                break
        return done

    def _loop(self, feed: _Feed, pause: float) -> None:
        while not self._stop.is_set():
            try:
                if (identity := feed.next()) is not None:
                    self._runner.run(identity)
                    continue
            except HotlineError:
                # The database is away: nothing is lost, the rows wait.
                self._stop.wait(5)
            self._stop.wait(pause)
