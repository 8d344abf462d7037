"""Arming: who opens a month's counts.

An officer at the command line, or, when officers have decided so ("hotline release arm"), this
machine by itself: the seeds then lie in a file of the staff's, as the worker's.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hotline.errors import HotlineError, NotAllowed
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.store.keystore import KeyStore
from hotline.store.people import Person
from hotline.triage.audit import Books
from hotline.vault.directory import write_file
from hotline.vault.envelope import STATISTICS
from hotline.vault.keys import open_grant

FOLDER, SEEDS = "releases", "release.json"


class NoStatisticsKey(HotlineError):
    """Nobody here holds the month's key."""

    code = "no_statistics_key"
    message = "The key of this month's counts is not here."
    hint = "Run 'hotline release build --by OFFICER', or 'hotline release arm --by OFFICER' once."


class Office(Books, Protocol):
    """What freezing needs of the staff's line."""

    @property
    def profile(self) -> Profile: ...
    @property
    def places(self) -> Places: ...
    @property
    def types(self) -> Types: ...
    @property
    def keys(self) -> KeyStore: ...


def folder(line: Books) -> Path:
    """Where releases lie: the analysts' process reads it and nothing else."""
    return line.settings.home / FOLDER


def held(line: Office, who: Person, own: bytes, month: str) -> list[bytes]:
    """The month's seeds that an officer holds. Raises NotAllowed, NoStatisticsKey."""
    if "officer" not in who.roles:
        raise NotAllowed
    grants = line.keys.of_epoch(STATISTICS, month, who.id)
    if not grants:
        raise NoStatisticsKey
    return [open_grant(own, STATISTICS, month, who.id, grant.sealed) for grant in grants]


def arm(line: Office, who: Person, own: bytes) -> int:
    """Gives this machine the seeds of all months an officer holds, so that months are released by
    the clock; how many. Months whose keys are made later need it again. Raises NotAllowed."""
    epochs = sorted({grant.epoch for grant in line.keys.of(who.id, STATISTICS)})
    fresh = {epoch: [s.hex() for s in held(line, who, own, epoch)] for epoch in epochs}
    with locked(line):
        line.audit.note("releases_armed", by=who.id.hex(), count=str(len(fresh)))
        _write_seeds(line, _read_seeds(line) | fresh)
    return len(fresh)


def own_seeds(line: Books, month: str) -> list[bytes]:
    """The month's seeds that this machine was given. Raises NoStatisticsKey."""
    seeds = _read_seeds(line)
    if month not in seeds:
        raise NoStatisticsKey
    return [bytes.fromhex(seed) for seed in seeds[month]]


def armed(line: Books, month: str) -> bool:
    """Whether this machine was given the month's seeds."""
    return month in _read_seeds(line)


def disarm(line: Books, month: str) -> None:
    """Takes a month's seeds from this machine again."""
    seeds = _read_seeds(line)
    if seeds.pop(month, None) is not None:
        _write_seeds(line, seeds)


def _read_seeds(line: Books) -> dict[str, list[str]]:
    place = line.settings.staff / SEEDS
    if not place.exists():
        return {}
    told: dict[str, list[str]] = json.loads(place.read_bytes())
    return told


def _write_seeds(line: Books, seeds: dict[str, list[str]]) -> None:
    write_file(line.settings.staff / SEEDS, json.dumps(seeds).encode())


@contextmanager
def locked(line: Books) -> Iterator[None]:
    """One process at a time."""
    where = folder(line)
    where.mkdir(mode=0o755, exist_ok=True)
    handle = os.open(where, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
