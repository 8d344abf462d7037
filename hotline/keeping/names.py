"""Names: what a copy is called, how long it may live, and which file of a home goes into which.

Data are kept for at most 35 days: what was erased early leaves the last backup then. Keys are kept
for at most 7: what was sealed to a destroyed epoch opens nowhere after that (DESIGN §9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from hotline.founding import DIRECTORY_KEY
from hotline.settings import Settings
from hotline.store.keystore import FILE as KEY_STORE
from hotline.triage.arming import SEEDS
from hotline.triage.witness import CHECKPOINT
from hotline.vault.directory import LIST, PIN, SEEN
from hotline.vault.small import random_id

PUBLIC_HALF = "backup.public"
SUFFIX = ".sealed"


class Copy(StrEnum):
    DATA = "data"
    KEYS = "keys"


LIFE: Mapping[Copy, int] = {Copy.DATA: 35, Copy.KEYS: 7}  # days

_NAME = re.compile(
    r"hotline-(\d{4}-\d\d-\d\d)-(data|keys)-until-(\d{4}-\d\d-\d\d)-[0-9a-f]{8}\.sealed"
)
_DATA_FILES = frozenset({f"public/{name}" for name in (LIST, PIN, SEEN, CHECKPOINT, PUBLIC_HALF)})
_DATA_FOLDERS = ("public/prompts/", "public/ledger/", "rules/", "releases/")
# The directory's signing key lies offline, the key store goes as rows; day keys live 48 h and
# would live for days in a copy; the seeds of releases are officers' too, and a copy of the file
# would bring back what was destroyed; the rest is of a moment.
_LEFT_OUT = re.compile(
    rf"staff/{re.escape(DIRECTORY_KEY)}|staff/{re.escape(KEY_STORE)}.*|public/day-.*\.key"
    rf"|staff/{re.escape(SEEDS)}"
    r"|rules/lock|rules/versions/\.new-.*|.*\.new|.*\.tmp"
)


@dataclass(frozen=True, slots=True)
class Name:
    """``hotline-2026-11-22-data-until-2026-12-27-1f2e3d4c.sealed``."""

    text: str
    copy: Copy
    day: date
    until: date

    @classmethod
    def fresh(cls, copy: Copy, day: date) -> Name:
        until = day + timedelta(days=LIFE[copy])
        text = f"hotline-{day}-{copy}-until-{until}-{random_id()[:4].hex()}{SUFFIX}"
        return cls(text, copy, day, until)

    @classmethod
    def read(cls, text: str) -> Name | None:
        """None for what is not a copy of ours, or claims a longer life than its kind has."""
        found = _NAME.fullmatch(text)
        try:
            if found is None:
                return None
            copy, day = Copy(found[2]), date.fromisoformat(found[1])
            until = date.fromisoformat(found[3])
        except ValueError:
            return None
        return cls(text, copy, day, until) if (until - day).days == LIFE[copy] else None


def copy_of(path: str) -> Copy | None:
    """Where a file of the home goes, by its path below the home; None: nowhere.

    What nobody has thought of goes with the keys: it is not lost, and not kept for long."""
    if _LEFT_OUT.fullmatch(path):
        return None
    if path in _DATA_FILES or path.startswith(_DATA_FOLDERS):
        return Copy.DATA
    return Copy.KEYS if path.startswith(("public/", "staff/")) else None


def files_for(settings: Settings, copy: Copy) -> Iterator[tuple[str, Path]]:
    """(path below the home, file) of everything that belongs into a copy, sorted."""
    for file in sorted(settings.home.rglob("*")):
        path = file.relative_to(settings.home).as_posix()
        if file.is_file() and not file.is_symlink() and copy_of(path) is copy:
            yield path, file


def place_for(settings: Settings, copy: Copy, path: str) -> Path | None:
    """Where a file of a copy belongs in the home; None when it belongs into no such copy."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts) or copy_of(path) is not copy:
        return None
    return settings.home.joinpath(*parts)
