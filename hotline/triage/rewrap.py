"""Rewrap: what is stored is sealed again, to the key that its month has now.

For after a rotation (somebody left who may have copied seeds: what the server still stores is then
sealed to keys they never had) and for after a change of suite. A key holder's session does it, with
the seeds in memory only. It asks for no state of its own: whatever the present key opens is done.
So it may be killed and begun again, run beside intake and triage, and run once more after the
public processes were started again with the new list, for what they sealed meanwhile.

A wrap keeps its month: destroying a month must still destroy all of it. Only the 32 bytes of the
tip key are sealed again, never a text; and whoever had opened a tip before, or had copied wraps
and seeds, has what they have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hotline.errors import NotAllowed
from hotline.store.people import Person
from hotline.store.sketches import Sketches
from hotline.store.wraps import Fresh, Sealed, Wraps
from hotline.tips import Wrap
from hotline.triage.opening import Bench
from hotline.vault import format as fmt
from hotline.vault.envelope import OBSERVATION_BYTES, STATISTICS
from hotline.vault.format import Damaged
from hotline.vault.keys import open_grant, open_key, open_small
from hotline.vault.private import public_bytes
from hotline.vault.seal import PublicKey, seal_small, wrap_key
from hotline.vault.sketches import open_sketches, seal_sketch, sketch_key

BATCH = 100


@dataclass(frozen=True, slots=True)
class Counts:
    """``moved`` were changed by somebody else in between (a second run finds them); ``shut`` open
    with none of this person's keys."""

    seen: int = 0
    sealed: int = 0
    done: int = 0
    moved: int = 0
    shut: int = 0

    def __add__(self, more: Counts) -> Counts:
        return Counts(
            self.seen + more.seen,
            self.sealed + more.sealed,
            self.done + more.done,
            self.moved + more.moved,
            self.shut + more.shut,
        )


Progress = Callable[[Counts], None]


def rewrap(
    line: Bench,
    who: Person,
    seed: bytes,
    recipient: str,
    *,
    since: str = "",
    batch: int = BATCH,
    progress: Progress = lambda counts: None,
) -> Counts:
    """Seals everything stored for ``recipient`` (from month ``since`` on) to the present keys of
    its months; observations for ``statistics``. One commit a batch, with its audit record. Raises
    NotAllowed for who is no officer or holds no key of it."""
    months = _months(line, who.id, seed, recipient)
    if "officer" not in who.roles or not months:
        raise NotAllowed
    total, wraps = Counts(), Wraps(line.database)
    pick = wraps.observations if recipient == STATISTICS else wraps.of
    for month in sorted(m for m in months if m >= since):
        for rows in _batches(pick, recipient, month, batch):
            counts = _one_batch(wraps, months[month], rows, who.id)
            total += counts
            progress(total)
        total += _sketches(line, months[month], batch)
        progress(total)
    return total


def _sketches(line: Bench, month: _Month, batch: int) -> Counts:
    """What similar tips are told by, under a key that comes from the month's seed."""
    store, total, after = Sketches(line.database), Counts(), b""
    now, *former = map(sketch_key, month.seeds)
    recipient, epoch = month.now.recipient, month.now.epoch
    while rows := store.of_month(recipient, epoch, after, batch):
        after = rows[-1].tip
        bare = [(row.tip, row.sealed) for row in rows]
        done, old = open_sketches([now], bare), open_sketches(former, bare)
        for row, present, opened in zip(rows, done, old, strict=True):
            if present or not opened:
                total += Counts(1, done=bool(present), shut=not present)
                continue
            sealed = store.replace(row, seal_sketch(now, row.tip, opened))
            total += Counts(1, sealed=sealed, moved=not sealed)
    return total


@dataclass(frozen=True, slots=True, repr=False)
class _Month:
    """``now``: the public key to seal to; ``seeds``: the present one first."""

    now: PublicKey
    seeds: tuple[bytes, ...]


def _months(line: Bench, who: bytes, own: bytes, recipient: str) -> dict[str, _Month]:
    """The months of which this person holds the present key. No certificate is asked for: nothing
    is read, as when an officer grants a key."""
    held: dict[str, list[bytes]] = {}
    for grant in line.access.keys.of(who, recipient):
        seed = open_grant(own, recipient, grant.epoch, who, grant.sealed)
        held.setdefault(grant.epoch, []).append(seed)
    months = {}
    for epoch, seeds in held.items():
        raw = line.directory.keys.get((recipient, epoch))
        publics = {public_bytes(seed): seed for seed in seeds}
        if raw in publics:
            rest = [seed for public, seed in publics.items() if public != raw]
            months[epoch] = _Month(PublicKey(recipient, epoch, raw), (publics[raw], *rest))
    return months


def _batches(
    pick: Callable[[str, str, bytes, int], list[Sealed]], recipient: str, month: str, size: int
) -> Iterator[list[Sealed]]:
    """By rising subject: what is added behind us waits for the next run."""
    after = b""
    while rows := pick(recipient, month, after, size):
        yield rows
        after = rows[-1].subject


def _one_batch(wraps: Wraps, month: _Month, rows: list[Sealed], by: bytes) -> Counts:
    fresh, done, shut = [], 0, 0
    for row in rows:
        try:
            sealed = _resealed(month, row)
        except Damaged:
            shut += 1
            continue
        if sealed:
            fresh.append(Fresh(row, sealed))
        else:
            done += 1
    changed = wraps.replace(fresh, month.now.recipient, month.now.epoch, by) if fresh else 0
    return Counts(len(rows), changed, done, len(fresh) - changed, shut)


def _resealed(month: _Month, row: Sealed) -> bytes:
    """New bytes, or none when the present key opens these. Raises Damaged."""
    for seed in month.seeds:
        try:
            opened = _open(month.now, seed, row)
        except Damaged:
            continue
        if seed == month.seeds[0]:
            return b""
        if row.body_hash is None:
            return seal_small(fmt.COUNT, row.subject, month.now, opened, OBSERVATION_BYTES)
        return wrap_key(opened, row.subject, row.body_hash, month.now).sealed
    raise Damaged


def _open(now: PublicKey, seed: bytes, row: Sealed) -> bytes:
    if row.body_hash is None:
        return open_small(seed, fmt.COUNT, row.subject, now.recipient, now.epoch, row.sealed)
    wrap = Wrap(row.subject, now.recipient, now.epoch, row.sealed)
    return open_key(seed, wrap, row.body_hash)
