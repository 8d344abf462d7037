"""Cell: what a child gives up before it looks at a stranger's bytes.

``shut`` needs nothing but the kernel's limits, which every Unix has; what only Linux or only root
can do comes on top. After it the process cannot open a file or a socket (no descriptor is left to
be had), start another process, write a file, or use more memory and time than its share.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys

from hotline.intake.attachments.limits import CPU_SECONDS, MEMORY
from hotline.process import harden

_NEW_NETWORK = 0x40000000
_NEW_USER = 0x10000000
_NO_NEW_PRIVILEGES = 38
_NOBODY = 65534


def enter() -> None:
    """First, before the decoders are loaded: memory, time, no file written, no network."""
    harden(secret=True)
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_FSIZE, 0)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        # A network of its own, without an address: as root, else in a user namespace of its own
        # where the kernel lets one be made. Where neither is allowed, ``shut`` has to do.
        if libc.unshare(_NEW_NETWORK) != 0:
            libc.unshare(_NEW_USER | _NEW_NETWORK)


def shut() -> None:
    """Last, when all code is loaded: no new descriptor, no new process, no rights of root."""
    if os.geteuid() == 0:
        # Root may lift its own limits.
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 0)


def _limit(what: int, most: int) -> None:
    _, ceiling = resource.getrlimit(what)
    most = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
    resource.setrlimit(what, (most, most))
