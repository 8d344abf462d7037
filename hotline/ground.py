"""Ground: what the machine under a line must give and newcomers forget, for ``hotline doctor``.

Each check returns a sentence, or raises HotlineError with what to do. None of them writes.
"""

from __future__ import annotations

import ctypes
import difflib
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hotline import settings as settings_module
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.premises import files, mode
from hotline.settings import NAMES, Settings

LEAST_SPACE = 2**30  # bytes: about 100,000 tips, or one good copy of a small line
_AHEAD = 120  # seconds that a file may be younger than now
_UNSYNC = 0x0040  # STA_UNSYNC of adjtimex(2)
_OURS = "HOTLINE_"
_ZONE = "America/Sao_Paulo"


def names() -> str:
    """Settings that nothing reads: a slip of the pen leaves the default in force, silently."""
    if unknown := settings_module.unknown():
        ours = [name.removeprefix(_OURS) for name in NAMES]
        near = difflib.get_close_matches(unknown[0].removeprefix(_OURS), ours, 1)
        raise HotlineError(
            f"No such setting: {', '.join(unknown)}.",
            f"Did you mean {_OURS}{near[0]}?" if near else "Unset it; README.md lists them.",
        )
    return "every HOTLINE_… of the environment is a setting"


def secrets() -> str:
    """Files of secrets that other users of the machine may read."""
    named = settings_module.secret_files()
    loose = [name for name, path in named.items() if mode(path) & stat.S_IRWXO]
    if loose:
        raise HotlineError(
            f"Every user of this machine may read the file of {', '.join(loose)}.",
            "chmod o= FILE; then have a new secret made, for this one may be known.",
        )
    return f"{len(named)} come from files, closed to other users" if named else "none from files"


def packages() -> str:
    """Whether the environment holds the versions the program was tested with."""
    other = [
        f"{name} {have or 'missing'} (wanted {wanted})"
        for name, wanted in _pinned()
        if (have := _installed(name)) != wanted
    ]
    if other:
        raise HotlineError(
            f"Other packages than the program's own: {', '.join(other)}.",
            "Install it again into an empty environment, from requirements.lock.",
        )
    return f"Python {sys.version.split()[0]}, packages as pinned"


def _pinned() -> Iterator[tuple[str, str]]:
    for line in requires("hotline") or []:
        if "extra ==" not in line and (pin := re.match(r"([\w.-]+)(?:\[\w+\])?==([\w.+!]+)", line)):
            yield pin[1], pin[2]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def time_zones() -> str:
    """Months and deadlines follow the line's own zone; small images come without the zones."""
    try:
        ZoneInfo.no_cache(_ZONE)
    except (ZoneInfoNotFoundError, OSError):
        raise HotlineError(
            "This machine has no time zones: months and deadlines would be wrong.",
            "apt-get install tzdata, or pip install tzdata.",
        ) from None
    return "known"


class _Timex(ctypes.Structure):
    """The head of Linux's struct timex; the tail is room for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("tail", ctypes.c_char * 512),
    )


def kernel_status() -> int | None:
    """The status bits of the kernel's clock; None where it does not tell (containers, macOS)."""
    asked = _Timex()
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return None
    return int(asked.status) if answer >= 0 else None


def kept_clock(settings: Settings, clock: Clock) -> str:
    """One-time codes allow half a minute; deadlines, months and certificates are dates."""
    now = clock.seconds()
    newest = max((path.stat().st_mtime for path in files(settings)), default=now)
    if newest > now + _AHEAD:
        hours = (newest - now) / 3600
        raise HotlineError(
            f"The clock is wrong: files of the home are {hours:.1f} hours younger than now.",
            "Set it (timedatectl), then have systemd-timesyncd or chrony keep it.",
        )
    status = kernel_status()
    if status is None:
        return "not before the files of the home; the system does not say who keeps it"
    if status & _UNSYNC:
        raise HotlineError(
            "Nothing keeps this machine's clock right: one-time codes will be refused.",
            "apt-get install systemd-timesyncd (or chrony), then look at 'timedatectl'.",
        )
    return "kept by a time service"


def disk(settings: Settings) -> str:
    """A full disk refuses reports, which is said to people, but late."""
    free = shutil.disk_usage(settings.home).free
    if free < LEAST_SPACE:
        raise HotlineError(
            f"The disk of the home has {free // 2**20} MB left.",
            "Make room, or move the home: a full disk refuses every report.",
        )
    return f"{free // 2**30} GB free"
