"""Sweeping: frees what finished requests left in memory, without making anybody wait for it."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SWEEP_SECONDS = 1.0
SHUT_SECONDS = 0.25
LOADED, HOUR = 5, 3600  # sweeps


class Requests:
    """Counts the requests that a WSGI application is answering. ``shut``: new ones wait."""

    def __init__(self) -> None:
        lock = threading.Lock()
        self._empty, self._open = threading.Condition(lock), threading.Condition(lock)
        self._inside = 0
        self.shut = False

    def counted(self, app: WSGIApplication) -> WSGIApplication:
        """The same application, its requests counted until their answers are closed."""

        def counting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            with self._open:
                self._open.wait_for(lambda: not self.shut)
                self._inside += 1
            try:
                return ClosingIterator(app(environ, start_response), self._left)
            except BaseException:
                self._left()
                raise

        return counting

    def _left(self) -> None:
        with self._empty:
            self._inside -= 1
            if not self._inside:
                self._empty.notify_all()

    @contextmanager
    def shut_out(self, seconds: float, shut: float = 0.0) -> Iterator[bool]:
        """Whether within so many seconds there was a moment without a request; if so, none begins
        before this ends. Where there is none, as on a busy day, new ones wait outside for at most
        ``shut`` seconds until the others are answered: no longer, for one who sends slowly must
        not keep everybody out."""
        with self._empty:
            alone = self._empty.wait_for(lambda: not self._inside, seconds)
            if not alone:
                self.shut = True
                alone = self._empty.wait_for(lambda: not self._inside, shut)
                self.shut = False
                self._open.notify_all()  # they wake when this lock is free
            yield alone


def sweep_memory(requests: Requests, after: threading.Thread) -> None:
    """Starts a thread that frees, once a second, what finished requests left in cycles: the
    interpreter by itself lets them lie until enough has gathered. What was loaded is set aside,
    when ``after`` ends and each five seconds, for the tables are worked out as words of theirs
    are first said: a look through 670,000 objects takes a third of a second, and everybody waits
    for it. What is set aside is looked through every hour."""

    def sweep() -> None:
        after.join()
        every = False
        for second in count():
            every = every or second % HOUR == HOUR - 1
            if second % LOADED == 0 and set_aside(requests, SWEEP_SECONDS, every=every):
                every = False
            else:
                gc.collect()
            time.sleep(SWEEP_SECONDS)

    gc.freeze()
    threading.Thread(target=sweep, name="sweep", daemon=True).start()


def set_aside(requests: Requests, seconds: float, *, every: bool) -> bool:
    """Frees every cycle, also (``every``) among what was set aside before, and has the collector
    look at nothing that is left. Only between requests: what one of just then leaves behind would
    stay until the next time. Whether there was such a moment."""
    with requests.shut_out(seconds, SHUT_SECONDS) as alone:
        if alone:
            if every:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
        return alone
