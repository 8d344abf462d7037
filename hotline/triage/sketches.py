"""Sketches: kept at a tip's first opening, and compared in the session of somebody of its queue.

A queue's sketches are unsealed for one request and nothing of them is kept: what stayed in memory
would be the queue's graph of similar tips, for 0.3 s of work. Only tips that somebody has opened
are compared, and only within one queue: neither the database nor intake has a key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hotline.store.sketches import Sketched, Sketches
from hotline.tips import Redacted
from hotline.triage.access import SignedIn
from hotline.triage.features import features
from hotline.triage.likeness import ROW, Rows, Told, open_rows, pack
from hotline.triage.opening import Bench, Opened
from hotline.vault.envelope import queue_recipient
from hotline.vault.seal import key_name
from hotline.vault.sketches import open_sketches, seal_sketch, sketch_key

# Of a queue, the newest months first. Every page of a tip opens and compares them all: 20,000 took
# 0.8 s of a busy core, for tips of last year that nobody looks for.
MOST = 6_000
_JUDGED = ("others", "verdicts", "numbers")
_ABOUT_TIP = tuple(name for name in ROW.names or () if name not in _JUDGED)
Keys = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True, repr=False)
class Shelf(Redacted):
    """A queue's sketches, open: ``ids[i]`` is the tip of ``rows[i]``."""

    ids: Sequence[bytes]
    rows: Rows


def told_of(bench: Bench, opened: Opened) -> Told:
    """What of a tip is compared."""
    classified = opened.content.classified
    return Told(
        features(opened.content.tip, bench.types),
        opened.content.day,
        classified.place.municipality or "",
        bench.types.get(classified.primary).group if classified.primary in bench.types else "",
    )


def keys_of(bench: Bench, who: SignedIn, queue: str) -> Keys:
    """By month the keys of a queue's sketches, the present one first: after a rotation a month has
    two. Raises NoCertificate."""
    recipient = queue_recipient(queue)
    found = {}
    for epoch, seeds in bench.access.seeds_of(who, recipient, bench.clock.month()).items():
        raw = bench.directory.keys.get((recipient, epoch))
        first = key_name(raw) if raw else b""
        named = sorted(seeds, key=lambda name, first=first: name != first)  # type: ignore[misc]
        found[epoch] = [sketch_key(seeds[name]) for name in named]
    return found


def keep(bench: Bench, who: SignedIn, opened: Opened) -> None:
    """Writes the tip's sketch, at its first opening and when the tip has changed since. It lies
    under the month that the tip itself is sealed to, and ends with it. Of a tip that only its
    legal hold still opens there is none."""
    store, keys = Sketches(bench.database), keys_of(bench, who, opened.row.queue)
    epoch = _month(bench, opened)
    if epoch not in keys:
        return
    recipient = queue_recipient(opened.row.queue)
    row = pack(told_of(bench, opened))
    old = store.of(opened.row.id)
    if old is not None and (before := unsealed(keys, old)) is not None:
        gone = _gone(bench, before)
        same = all((before[name] == row[name]).all() for name in _ABOUT_TIP)
        if same and not gone and (old.recipient, old.epoch) == (recipient, epoch):
            return
    place = (recipient, epoch, keys)
    store.renew(opened.row.id, partial(_fresh, bench, opened.row.id, row, place))


def _fresh(
    bench: Bench, tip: bytes, row: Rows, place: tuple[str, str, Keys], old: Sketched | None
) -> Sketched:
    """The sketch with the verdicts of the one it replaces, but for those on tips that are gone."""
    recipient, epoch, keys = place
    before = unsealed(keys, old) if old and old.recipient == recipient else None
    if before is not None:
        gone, at = _gone(bench, before), 0
        for other, verdict, number in judged(before):
            if other not in gone:
                put(row, at, other, verdict, number)
                at += 1
    return sealed(keys, tip, recipient, epoch, row)


def sealed(keys: Keys, tip: bytes, recipient: str, epoch: str, row: Rows) -> Sketched:
    return Sketched(tip, recipient, epoch, seal_sketch(keys[epoch][0], tip, row.tobytes()))


def unsealed(keys: Keys, row: Sketched) -> Rows | None:
    """A copy that may be changed; None when it does not open, or is of a former form."""
    (payload,) = open_sketches(keys.get(row.epoch, ()), [(row.tip, row.sealed)])
    rows = open_rows([payload]).copy()
    return rows if rows["version"][0] else None


def judged(row: Any) -> list[tuple[bytes, int, int]]:
    """``(other tip, verdict, number)`` of what was told of a tip's likeness."""
    return [
        (other.tobytes(), int(verdict), int(number))
        for other, verdict, number in zip(*(row[name][0] for name in _JUDGED), strict=True)
        if verdict
    ]


def put(row: Any, at: int, other: bytes, verdict: int, number: int) -> None:
    row["others"][0, at] = list(other)
    row["verdicts"][0, at], row["numbers"][0, at] = verdict, number


def shelf(bench: Bench, who: SignedIn, queue: str) -> Shelf:
    """The newest sketches of a queue, open. Raises NoCertificate."""
    keys = keys_of(bench, who, queue)
    found = Sketches(bench.database).newest(queue_recipient(queue), keys, MOST)
    payloads: list[bytes] = []
    for epoch in dict.fromkeys(row.epoch for row in found):
        of_it = [(row.tip, row.sealed) for row in found if row.epoch == epoch]
        payloads += open_sketches(keys[epoch], of_it)
    return Shelf([row.tip for row in found], open_rows(payloads))


def _month(bench: Bench, opened: Opened) -> str:
    mine = queue_recipient(opened.row.queue)
    wraps = bench.tips.wraps([opened.row.id])
    return max((wrap.epoch for wrap in wraps if wrap.recipient == mine), default="")


def _gone(bench: Bench, row: Rows) -> set[bytes]:
    others = {other for other, _, _ in judged(row)}
    return others - bench.tips.present(others) if others else set()
