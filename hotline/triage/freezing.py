"""Freezing: a closed month's sealed counts become its release; then key and counts are destroyed.

The order is what makes it safe: the release is on the disk, whole and signed, before the key ends,
and the key ends before the rows go. A kill at any moment leaves a month either unreleased with its
key, or released, and whoever runs next ends what is left. The name of the header is the mark: it is
written last. Who opens the counts is said in ``arming``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hotline.analysis.domain import Domain
from hotline.analysis.observations import Counter
from hotline.analysis.policy import Policy
from hotline.analysis.release import Release, freeze, note_text, published
from hotline.analysis.releases import LEDGER, MONTH, BadRelease, Releases, cells_name
from hotline.errors import HotlineError
from hotline.routing.retention import later
from hotline.store.forgetting import Forgetting
from hotline.store.wraps import Sealed, Wraps
from hotline.triage.arming import Office, armed, disarm, folder, locked, own_seeds
from hotline.triage.audit import Books, key_of
from hotline.vault import format as fmt
from hotline.vault.directory import write_file
from hotline.vault.envelope import STATISTICS
from hotline.vault.format import Damaged
from hotline.vault.keys import open_small
from hotline.vault.signing import sign_note, verify_note

DAY = 5  # of the next month: by then what came on the last day is classified
# Forty megabytes at a time: to find where a batch begins, PostgreSQL may read all of the month.
BATCH = 20_000
STEP = 1000  # rows between two words on how far it is
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


class Unreadable(HotlineError):
    """Counts that none of the keys opens."""

    code = "unreadable_counts"
    message = "Some counts of this month do not open, so nothing was released."
    hint = (
        "Somebody wrote to the database, or a former key is missing. --without-unreadable goes on."
    )


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
    with locked(line):
        for month in Releases(folder(line)).months():
            _end(line, month)


def build(
    line: Office,
    month: str,
    seeds: Sequence[bytes],
    *,
    without_unreadable: bool = False,
    invented: bool = False,
    tell: Tell = lambda step, count: None,
) -> Release:
    """Releases a month and destroys what it was made of; ``invented`` marks a demonstration's.
    Raises NotClosed, AlreadyReleased (after ending what an earlier run left), Unreadable,
    BadObservation."""
    with locked(line):
        _refuse(line, month)
        release = _computed(line, month, seeds, without_unreadable, invented, tell)
        _end(line, month)
    return release


def ready(line: Office, month: str) -> None:
    """Before anybody types a passphrase. Raises NotClosed, AlreadyReleased as ``build`` does."""
    with locked(line):
        _refuse(line, month)


def _refuse(line: Office, month: str) -> None:
    if not MONTH.fullmatch(month) or month >= line.clock.month():
        raise NotClosed
    if month in Releases(folder(line)):
        _end(line, month)
        raise AlreadyReleased


def _computed(
    line: Office,
    month: str,
    seeds: Sequence[bytes],
    without_unreadable: bool,
    invented: bool,
    tell: Tell,
) -> Release:
    policy, types = Policy.load(), line.types
    domain = Domain.of(line.profile.country, line.places, types, types.version, policy)
    counter = Counter(domain, policy, month)
    shut = _counted(line, counter, month, seeds, tell)
    if shut and not without_unreadable:
        raise Unreadable
    arrays = published(counter.done(), domain, policy, lambda step: tell(step, 0))
    key = key_of(line)
    release = freeze(
        month,
        arrays,
        domain,
        policy,
        line=key.name,
        jurisdiction=line.profile.id,
        licence=line.profile.data_licence,
        invented=invented,
    )
    note = sign_note(key.name, line.audit_key, note_text(release, key.name))
    line.audit.note("month_released", month=month, digest=release.digest, unread=str(shut))
    _write(folder(line), release, domain, note)
    return release


def _counted(line: Office, counter: Counter, month: str, seeds: Sequence[bytes], tell: Tell) -> int:
    """Counts a month's rows; how many of them did not open."""
    shut = 0
    for read, row in enumerate(_rows(line, month), 1):
        try:
            counter.add(_opened(row, month, seeds))
        except Damaged:
            shut += 1
        if not read % STEP:
            tell("opened", read)
    return shut


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
    if (STATISTICS, month) in line.keys.epochs() or armed(line, month):
        # The record first: restored copies of the keys go by it.
        line.audit.note("epoch_destroyed", epoch=month, recipients=STATISTICS)
        line.keys.destroy(STATISTICS, month)
        disarm(line, month)
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


def _sync(where: Path) -> None:
    handle = os.open(where, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
