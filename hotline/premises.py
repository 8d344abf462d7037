"""Premises: what a line's home must be, and what must not lie in it, for ``hotline doctor``.

Each check returns a sentence, or raises HotlineError with what to do. None of them writes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hotline.assembly import StaffLine
from hotline.clock import Clock
from hotline.demo import LOGINS
from hotline.errors import HotlineError
from hotline.founding import DIRECTORY_KEY, PEPPER
from hotline.keeping.names import PUBLIC_HALF
from hotline.settings import Settings

GRACE = 86_400  # seconds a new line has for what takes people or another machine
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def home(settings: Settings) -> str:
    """Whether there is a home at all; without one nothing else can be looked at."""
    if not settings.home.is_absolute():
        raise HotlineError(
            "HOTLINE_HOME is no absolute path: from another directory it is another home.",
            "Write it from the root on, as /var/lib/hotline.",
        )
    if not settings.home.is_dir():
        raise HotlineError(
            "The directory that HOTLINE_HOME names is not there.",
            "Correct it, or run 'hotline init' for a new line.",
        )
    if not os.access(settings.home, os.R_OK | os.W_OK | os.X_OK):
        raise HotlineError(
            "The home cannot be read and written by you.",
            "Run as the line's own user: sudo -u hotline …",
        )
    return "there, read and written"


def files(settings: Settings) -> Iterator[Path]:
    """What the line keeps in its home: keys, rules, database; not what lies there besides."""
    for folder in (settings.public, settings.staff, settings.rules):
        yield from (path for path in folder.glob("*") if path.is_file())
    yield from settings.home.glob("hotline.db*")


def mode(path: Path) -> int:
    """The bits of a file; 0 when it is not there."""
    return path.stat().st_mode if path.exists() else 0


def modes(settings: Settings) -> str:
    """The home, and within it what is secret, is for one user."""
    secret = [settings.home, settings.public, settings.staff, settings.public / PEPPER]
    secret += [*settings.staff.glob("*"), *settings.home.glob("hotline.db*")]
    loose = [str(path.relative_to(settings.home.parent)) for path in secret if mode(path) & _OTHERS]
    if loose:
        raise HotlineError(
            f"Other users of this machine may open {', '.join(sorted(loose))}.",
            "chmod -R go= on the home; what was open may have been copied: see docs/install.md.",
        )
    return "home, keys and database are closed to other users"


def owner(settings: Settings) -> str:
    """Files made by root cannot be read by the line, and the line would stop in the night."""
    mine = os.geteuid()
    other = sorted({path.stat().st_uid for path in (settings.home, *files(settings))} - {mine})
    if other:
        raise HotlineError(
            f"Files of the home belong to user {', '.join(map(str, other))}, and you are {mine}.",
            "Run every command as the line's user; chown -R hotline: on the home mends it.",
        )
    return "every file of the home is yours"


def demonstration(settings: Settings) -> str:
    """Whether something of a demonstration would meet real reports."""
    made = (settings.home / LOGINS).exists()
    if settings.demo and not made and not settings.training:
        raise HotlineError(
            "HOTLINE_DEMO is set: nobody would be alerted, nothing erased at the provider.",
            "Unset it; 'hotline demo' sets it by itself.",
        )
    if made:
        raise HotlineError(
            "'hotline demo' made this home: everybody may know its passphrase.",
            "Take no report with it: choose another HOTLINE_HOME and run 'hotline init'.",
        )
    return "a training line" if settings.training else "no demonstration"


def address(settings: Settings) -> str:
    """Whether the address people are told is reached from outside, and sealed on the way."""
    url = urlsplit(settings.public_url)
    here = url.hostname in {"localhost", "::1"} or (url.hostname or "").startswith("127.")
    if here and settings.twilio_account_sid:
        raise HotlineError(
            "HOTLINE_PUBLIC_URL is this machine: the provider's messages are signed for another.",
            "Set it to the public https:// address, as it stands in the provider's console.",
        )
    if here:
        return "only this machine; set HOTLINE_PUBLIC_URL before anybody reports"
    if url.scheme != "https":
        raise HotlineError(
            "HOTLINE_PUBLIC_URL is http: reports would travel in clear.",
            "Put a proxy with TLS in front (docs/install.md) and write https://.",
        )
    return "https"


def signing_key(settings: Settings, clock: Clock) -> str:
    """The key that signs whom reports are sealed to belongs offline: a thief of the server with
    it would have new reports sealed to himself."""
    if any(True for folder in _folders(settings) for _ in folder.glob("*.private")):
        raise HotlineError(
            "A private half that belongs offline lies in the home: backup.private.",
            "Move it to a machine without a network, and make another pair: this one was here.",
        )
    if not (settings.staff / DIRECTORY_KEY).exists():
        return "offline"
    if _age(settings, clock) > GRACE:
        raise HotlineError(
            "staff/directory.key still lies on the server: its thief says who reads new reports.",
            "Copy it to two sticks, read them back, delete it here: docs/install.md#key-ceremony.",
        )
    return "staff/directory.key is here: move it offline today"


def _folders(settings: Settings) -> tuple[Path, ...]:
    return settings.home, settings.public, settings.staff


def _age(settings: Settings, clock: Clock) -> float:
    """Seconds since the founding, or since the home came back from its copies."""
    pepper = settings.public / PEPPER
    return clock.seconds() - pepper.stat().st_mtime if pepper.exists() else 0.0


def copies(line: StaffLine) -> str:
    """Whether the line has ever been copied. A disk breaks without asking."""
    made = line.audit.count("backed_up")
    if made:
        return f"{made} were made; prove one a month: 'hotline restore --check'"
    if _age(line.settings, line.clock) <= GRACE:
        return "none yet: see docs/install.md#backup-and-restore-drill today"
    if not (line.settings.public / PUBLIC_HALF).exists():
        raise HotlineError(
            "This line has no backup key and no copy: a broken disk would end it.",
            "'hotline backup keygen' offline, 'hotline backup use', 'hotline backup DIR'.",
        )
    raise HotlineError(
        "No copy of this line was ever made: a broken disk would end it.",
        "'hotline backup DIR' and 'hotline backup keys ANOTHER', each day.",
    )
