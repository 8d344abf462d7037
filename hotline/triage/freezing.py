"""Freezing: a closed month's sealed counts become its release; then key and counts are destroyed.

The order is what makes it safe: the release is on the disk, whole and signed, before the key ends,
and the key ends before the rows go. A kill at any moment leaves a month either unreleased with its
key, or released, and whoever runs next ends what is left. The name of the header is the mark: it is
written last.

Who opens the counts is an officer at the command line, or, when officers have decided so ("hotline
release arm"), this machine by itself: the seeds then lie in a file of the staff's, as the worker's.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from hotline.analysis.domain import Domain
from hotline.analysis.observations import Counter
from hotline.analysis.policy import Policy
from hotline.analysis.release import Release, freeze, note_text, published
from hotline.analysis.releases import LEDGER, MONTH, BadRelease, Releases, cells_name
from hotline.errors import HotlineError, NotAllowed
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.retention import later
from hotline.store.forgetting import Forgetting
from hotline.store.keystore import KeyStore
from hotline.store.people import Person
from hotline.store.wraps import Sealed, Wraps
from hotline.triage.audit import Books, key_of
from hotline.vault import format as fmt
from hotline.vault.directory import write_file
from hotline.vault.envelope import STATISTICS
from hotline.vault.format import Damaged
from hotline.vault.keys import open_grant, open_small
from hotline.vault.signing import sign_note, verify_note

FOLDER, SEEDS = "releases", "release.json"
DAY = 5  # of the next month: by then what came on the last day is classified
BATCH = 1000
Tell = Callable[[str, int], None]


class NotClosed(HotlineError):
    """A month that is not over, or is none."""

    code = "month_not_closed"
    message = "This month is not over."
    hint = "A month is released from the first day of the next one."


class AlreadyReleased(HotlineError):
    """A second release would spend the privacy of the same tips again."""

    code = "already_released"
    message = "This month was released. It is never computed again."
    hint = "'hotline release list' shows it."


class NoStatisticsKey(HotlineError):
    """Nobody here holds the month's key."""

    code = "no_statistics_key"
    message = "The key of this month's counts is not here."
    hint = "Run 'hotline release build --by OFFICER', or 'hotline release arm --by OFFICER' once."


class Unreadable(HotlineError):
    """Counts that none of the keys opens."""

    code = "unreadable_counts"
    message = "Some counts of this month do not open, so nothing was released."
    hint = (
        "Somebody wrote to the database, or a former key is missing. --without-unreadable goes on."
    )


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
    with _locked(line):
        line.audit.note("releases_armed", by=who.id.hex(), count=str(len(fresh)))
        _write_seeds(line, _read_seeds(line) | fresh)
    return len(fresh)


def own_seeds(line: Books, month: str) -> list[bytes]:
    """The month's seeds that this machine was given. Raises NoStatisticsKey."""
    seeds = _read_seeds(line)
    if month not in seeds:
        raise NoStatisticsKey
    return [bytes.fromhex(seed) for seed in seeds[month]]


def due(line: Office) -> list[str]:
    """Closed months whose key is still there, from the fifth of the next one on."""
    month = line.clock.month()
    last = later(month, -1 if line.clock.today().day >= DAY else -2)
    return sorted(e for name, e in line.keys.epochs() if name == STATISTICS and e <= last)


def run(line: Office) -> list[str]:
    """What the clock does: ends what was begun, then releases each month that is due. Raises
    NoStatisticsKey when a month is due and this machine was not given its key."""
    finish(line)
    months = due(line)
    for month in months:
        build(line, month, own_seeds(line, month))
    return months


def finish(line: Office) -> None:
    """Ends keys and counts of every released month: after a kill, and after a backup brought
    counts back."""
    if not folder(line).is_dir():
        return
    with _locked(line):
        for month in Releases(folder(line)).months():
            _end(line, month)


def build(
    line: Office,
    month: str,
    seeds: Sequence[bytes],
    *,
    without_unreadable: bool = False,
    tell: Tell = lambda step, count: None,
) -> Release:
    """Releases a month and destroys what it was made of. Raises NotClosed, AlreadyReleased (after
    ending what an earlier run left), Unreadable, BadObservation."""
    with _locked(line):
        _refuse(line, month)
        release = _computed(line, month, seeds, without_unreadable, tell)
        _end(line, month)
    return release


def ready(line: Office, month: str) -> None:
    """Before anybody types a passphrase. Raises NotClosed, AlreadyReleased as ``build`` does."""
    with _locked(line):
        _refuse(line, month)


def _refuse(line: Office, month: str) -> None:
    if not MONTH.fullmatch(month) or month >= line.clock.month():
        raise NotClosed
    if month in Releases(folder(line)):
        _end(line, month)
        raise AlreadyReleased


def _computed(
    line: Office, month: str, seeds: Sequence[bytes], without_unreadable: bool, tell: Tell
) -> Release:
    policy = Policy.load()
    types = line.types
    domain = Domain.of(line.profile.country, line.places, types, types.version, policy)
    counter, shut = Counter(domain, policy, month), 0
    for read, row in enumerate(_rows(line, month), 1):
        try:
            counter.add(_opened(row, month, seeds))
        except Damaged:
            shut += 1
        if not read % BATCH:
            tell("opened", read)
    if shut and not without_unreadable:
        raise Unreadable
    arrays = published(counter.done(), domain, policy, lambda step: tell(step, 0))
    key = key_of(line)
    release = freeze(month, arrays, domain, policy, line=key.name, jurisdiction=line.profile.id)
    note = sign_note(key.name, line.audit_key, note_text(release, key.name))
    line.audit.note("month_released", month=month, digest=release.digest, unread=str(shut))
    _write(folder(line), release, domain, note)
    return release


def _rows(line: Office, month: str) -> Iterator[Sealed]:
    wraps, after = Wraps(line.database), b""
    while rows := wraps.observations(STATISTICS, month, after, BATCH):
        yield from rows
        after = rows[-1].subject


def _opened(row: Sealed, month: str, seeds: Sequence[bytes]) -> bytes:
    """Raises Damaged."""
    for seed in seeds:
        try:
            return open_small(seed, fmt.COUNT, row.subject, STATISTICS, month, row.sealed)
        except Damaged:
            continue
    raise Damaged


def _write(where: Path, release: Release, domain: Domain, note: str) -> None:
    """The header last: it says that the rest is there. What a kill leaves without one nobody may
    read but us: the next run draws other noise, and two draws would tell more than one."""
    for name, content, mode in (
        (cells_name(domain.digest), domain.dump(), 0o644),
        (f"{release.month}.npy", release.numbers, 0o600),
        (f"{release.month}.txt", note.encode(), 0o644),
        (f"{release.month}.json", release.header, 0o644),
    ):
        write_file(where / name, content, mode)
    _sync(where)


def _end(line: Office, month: str) -> None:
    """Key, then counts, once the release is proved to be there."""
    prove(line, month)
    (folder(line) / f"{month}.npy").chmod(0o644)
    seeds = _read_seeds(line)
    if (STATISTICS, month) in line.keys.epochs() or month in seeds:
        # The record first: restored copies of the keys go by it.
        line.audit.note("epoch_destroyed", epoch=month, recipients=STATISTICS)
        line.keys.destroy(STATISTICS, month)
        if seeds.pop(month, None) is not None:
            _write_seeds(line, seeds)
    store = Forgetting(line.database)
    store.end_observations(month)
    store.tidy()
    ledger = Releases(folder(line)).ledger().encode()
    place = folder(line) / LEDGER
    if not place.exists() or place.read_bytes() != ledger:
        write_file(place, ledger, 0o644)


def prove(line: Books, month: str) -> str:
    """The digest of a release whose every file is as the line signed it. Raises BadRelease."""
    one = Releases(folder(line)).one(month)
    for told in one.header["arrays"]:
        one.array(told["name"])
    key = key_of(line)
    try:
        text = verify_note(key, (folder(line) / f"{month}.txt").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise BadRelease from None
    header = (folder(line) / f"{month}.json").read_bytes()
    if text != note_text(Release(month, header, b""), key.name):
        raise BadRelease
    return one.digest


def _read_seeds(line: Books) -> dict[str, list[str]]:
    place = line.settings.staff / SEEDS
    if not place.exists():
        return {}
    told: dict[str, list[str]] = json.loads(place.read_bytes())
    return told


def _write_seeds(line: Books, seeds: dict[str, list[str]]) -> None:
    write_file(line.settings.staff / SEEDS, json.dumps(seeds).encode())


@contextmanager
def _locked(line: Books) -> Iterator[None]:
    """One process at a time."""
    where = folder(line)
    where.mkdir(mode=0o755, exist_ok=True)
    handle = os.open(where, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync(where: Path) -> None:
    handle = os.open(where, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
