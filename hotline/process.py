"""Process: what each of our processes does first: leave no core, die with its parent.

Run as a program it tells, as JSON, what a process that did so looks like from inside.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4
_PERTURB = 170

# What is freed is overwritten, so that no copy of a report stays in the memory of the process after
# its request. glibc does not overwrite what it keeps in its thread caches, so there are none; the
# server's own buffers are jemalloc's. Large pages win back a tenth of what wiping costs a tip.
WIPE_MEMORY = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": (
        f"glibc.malloc.perturb={_PERTURB}:glibc.malloc.tcache_count=0:glibc.malloc.hugetlb=1"
    ),
    "_RJEM_MALLOC_CONF": "junk:free",
}


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
