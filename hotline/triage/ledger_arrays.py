"""Ledger arrays: every tip that was received, shredded or has a row, compared by id.

Ids are sorted arrays: three million take 48 MB, where a set of bytes takes ten times that.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hotline.store.ledger import RECEIVED, SHREDDED, Ledger

SHOWN = 20
Ids = NDArray[np.void]
Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Compared:
    """``problems``: code → how many tips and the first of them; ``months``: the five figures of
    each month of arrival."""

    received: int
    shredded: int
    problems: dict[str, tuple[int, tuple[bytes, ...]]]
    months: dict[str, dict[str, int]]


def compared(book: Ledger, names: Mapping[str, str]) -> Compared:
    """``names``: what a tip's state counts as."""
    labels = _Labels()
    came, came_in = _gathered((tip, labels[month]) for tip, month in book.named(RECEIVED))
    went, _ = _gathered((tip, 0) for tip, _ in book.named(SHREDDED))
    there, there_as = _gathered(
        (tip, labels[f"{month} {names[state]}"]) for tip, month, state in book.tips()
    )
    once, ended = np.unique(came), np.unique(went)
    problems = {
        "lost": _without(_without(once, there), ended),
        "resurrected": ended[np.isin(ended, there, assume_unique=True)],
        "unrecorded": _without(there, once),
        "doubled": np.union1d(_twice(came), _twice(went)),
        "unreceived": _without(ended, once),
    }
    months: dict[str, dict[str, int]] = {}
    for label, count in labels.counted(came_in).items():
        _figures(months, label)["received"] = count
    for label, count in labels.counted(there_as).items():
        month, _, name = label.partition(" ")
        _figures(months, month)[name] += count
    for label, count in labels.counted(came_in[np.isin(came, ended)]).items():
        _figures(months, label)["shredded"] = count
    return Compared(
        len(came),
        len(went),
        {
            code: (len(ids), tuple(bytes(one) for one in ids[:SHOWN]))
            for code, ids in problems.items()
        },
        months,
    )


class _Labels:
    """Months and states as small numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __getitem__(self, label: str) -> int:
        return self._numbers.setdefault(label, len(self._numbers))

    def counted(self, numbers: Numbers) -> dict[str, int]:
        counts = np.bincount(numbers, minlength=len(self._numbers))
        return {label: int(counts[n]) for label, n in self._numbers.items() if counts[n]}


def _gathered(rows: Iterable[tuple[bytes, int]]) -> tuple[Ids, Numbers]:
    """Ids in order, and the number of each."""
    raw, numbers = bytearray(), array("i")
    for tip, number in rows:
        raw += tip
        numbers.append(number)
    ids = np.frombuffer(bytes(raw), dtype="V16")
    order = np.argsort(ids)
    return ids[order], np.array(numbers, dtype=np.int32)[order]


def _without(these: Ids, those: Ids) -> Ids:
    return np.setdiff1d(these, those, assume_unique=True)


def _twice(ids: Ids) -> Ids:
    """Those that stand twice; ``ids`` are in order."""
    return np.unique(ids[1:][ids[1:] == ids[:-1]])


def _figures(months: dict[str, dict[str, int]], month: str) -> dict[str, int]:
    names = ("received", "waiting", "forwarded", "closed", "shredded")
    return months.setdefault(month, dict.fromkeys(names, 0))
