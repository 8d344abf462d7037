"""Process: what each of our processes does first: leave no core, die with its parent.

Run as a program it tells, as JSON, what a process that did so looks like from inside.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PR_SET_PDEATHSIG = 1
_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4
_PERTURB = 170

# What is freed is overwritten, so that no copy of a report stays in the memory of the process after
# its request. glibc does not overwrite what it keeps in its thread caches, so there are none; the
# server's own buffers are jemalloc's.
WIPE_MEMORY = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": f"glibc.malloc.perturb={_PERTURB}:glibc.malloc.tcache_count=0",
    "_RJEM_MALLOC_CONF": "junk:free",
}
SWEEP_SECONDS = 1.0
SWEEPS = 3600


class Requests:
    """Counts the requests that a WSGI application is answering."""

    def __init__(self) -> None:
        self._door = threading.Condition()
        self._inside = 0

    def counted(self, app: WSGIApplication) -> WSGIApplication:
        """The same application, its requests counted until their answers are closed."""
        from werkzeug.wsgi import ClosingIterator  # processes without requests start faster

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


def harden(*, secret: bool, parent: int | None = None) -> None:
    """No core dumps; on Linux ends when the parent does and, with ``secret``, cannot be traced
    by other processes of the same user. ``parent`` is the process that must be there; by default
    the one that multiprocessing started this one from, if any. Exits when it is gone already."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if secret:
            libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if parent is None and (started_by := multiprocessing.parent_process()) is not None:
        parent = started_by.pid
    # The kernel tells only of deaths after the question above; on a slow machine a parent can be
    # gone while its child still imports, and that child would answer for nobody, for ever.
    if parent is not None and os.getppid() != parent:
        raise SystemExit(0)


def look() -> dict[str, int | bool]:
    """``core``: the largest core file; ``dumpable``; ``wiped``: whether malloc overwrites. It fills
    what it gives with the complement of what it writes over what it gets back."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    fresh = libc.malloc(ctypes.c_size_t(4096))
    held = ctypes.string_at(fresh, 4096)
    libc.free(ctypes.c_void_p(fresh))
    return {
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "dumpable": libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) if sys.platform == "linux" else 1,
        "wiped": held == bytes([_PERTURB ^ 0xFF]) * 4096,
    }


if __name__ == "__main__":
    harden(secret=True)
    print(json.dumps(look()))  # noqa: T201 - its one answer
