"""Sweeping: frees what finished requests left in memory, without making anybody wait for it."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SWEEP_SECONDS = 1.0
SWEEPS = 3600


class Requests:
    """Counts the requests that a WSGI application is answering."""

    def __init__(self) -> None:
        self._door = threading.Condition()
        self._inside = 0

    def counted(self, app: WSGIApplication) -> WSGIApplication:
        """The same application, its requests counted until their answers are closed."""

        def counting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            with self._door:
                self._inside += 1
            try:
                return ClosingIterator(app(environ, start_response), self._left)
            except BaseException:
                self._left()
                raise

        return counting

    def _left(self) -> None:
        with self._door:
            self._inside -= 1
            self._door.notify_all()

    @contextmanager
    def shut_out(self, seconds: float) -> Iterator[bool]:
        """Whether within so many seconds there was a moment without a request; if so, none begins
        before this ends."""
        with self._door:
            yield self._door.wait_for(lambda: not self._inside, seconds)


def sweep_memory(requests: Requests, after: threading.Thread) -> None:
    """Starts a thread that frees, once a second, what finished requests left in cycles: the
    interpreter by itself lets them lie until enough has gathered. What was loaded is set aside
    first (when ``after`` ends): a look through its 670,000 objects takes a third of a second, and
    everybody waits for it. It is looked through again every hour."""

    def sweep() -> None:
        after.join()
        while True:
            while not set_aside(requests):
                time.sleep(SWEEP_SECONDS)
            for _ in range(SWEEPS):
                time.sleep(SWEEP_SECONDS)
                gc.collect()

    threading.Thread(target=sweep, name="sweep", daemon=True).start()


def set_aside(requests: Requests, seconds: float = 10) -> bool:
    """Frees every cycle and has the collector look at nothing that is left. Only between requests:
    what one of just then leaves behind would stay until the next time. Whether there was such a
    moment."""
    with requests.shut_out(seconds) as alone:
        if alone:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        return alone
