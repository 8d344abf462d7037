"""Errands: what a side effect carries, opened again with the worker's key."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress

from hotline.tips import Errand
from hotline.vault import format as fmt
from hotline.vault.envelope import GUARD, WORKER
from hotline.vault.format import Damaged
from hotline.vault.keys import open_small


def open_errand(worker: Mapping[str, bytes], errand: Errand) -> dict[str, str]:
    """``worker`` are its seeds by month, former ones of a month under ``month/key``. Raises
    KeyError without one, Damaged when none opens it."""
    seeds = [worker[errand.epoch]]
    seeds += [seed for name, seed in worker.items() if name.startswith(errand.epoch + "/")]
    for seed in seeds:
        with suppress(Damaged):
            raw = open_small(seed, fmt.SMALL, errand.id, WORKER, errand.epoch, errand.payload)
            facts: dict[str, str] = json.loads(raw)
            return facts
    raise Damaged


def open_guard(worker: Mapping[str, bytes], guard: Mapping[str, str]) -> dict[str, str]:
    """Inverse of ``Envelope.guard``. Raises as ``open_errand``."""
    identity, sealed = bytes.fromhex(guard["id"]), b64decode(guard["sealed"])
    return open_errand(
        worker,
        Errand(id=identity, kind=GUARD, subject=identity, epoch=guard["epoch"], payload=sealed),
    )
