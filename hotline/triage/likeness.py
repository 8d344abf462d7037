"""Likeness: the bytes of a sketch, and how alike two tips are by them.

A likeness is a hint to look, worth what the operator sees in it. It says nothing of who reported:
the same person may have written twice, or one text gone round a whole street.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hotline.tips import Redacted
from hotline.triage.features import (
    CONCEPTS,
    FACTS,
    IDEAS,
    TYPES,
    WORDS,
    Features,
    background,
    common,
    kind_of,
)

VERSION = 2
VERDICTS = 32
PLACE, GROUP = 40, 16  # as wide as the clear columns of the queues that have them
ROW = np.dtype(
    [
        ("version", "u1"),
        ("day", "<u4"),  # of arrival, counted from 0001-01-01
        ("place", f"S{PLACE}"),
        ("group", f"S{GROUP}"),
        ("words", "<u4", WORDS),
        ("concepts", "<u4", CONCEPTS),
        ("types", "<u4", TYPES),
        ("chances", "u1", TYPES),  # the square root, in 255ths
        ("facts", "<u4", FACTS),
        ("others", "u1", (VERDICTS, 16)),
        ("verdicts", "u1", VERDICTS),
        ("numbers", "u1", VERDICTS),
        ("ideas", "<u4", IDEAS),
    ]
)
# The first form had no ideas and was the same before them. It still compares by all else, keeps
# its verdicts, and is written anew when its tip is next opened.
_FORMER, _WITHOUT = 1, ROW.itemsize - ROW["ideas"].itemsize
Rows = NDArray[np.void]
Column = NDArray[np.float64]
Numbers = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, repr=False)
class Told(Redacted):
    """What of a tip is compared."""

    features: Features
    day: str
    place: str
    group: str


@dataclass(frozen=True, slots=True, repr=False)
class Alike(Redacted):
    """One row that is alike: its index, how much (a chance between 0 and 1 by the labelled set),
    and why: codes."""

    row: int
    chance: float
    why: tuple[str, ...]


# Both from scripts/fit_likeness.py on the parts of tests/linking for tuning.
WEIGHTS = {
    "bias": -4.23,
    "rare": -0.21,
    "usual": 0.08,
    "cosine": 1.43,
    "copied": -0.96,
    "contained": -0.72,
    "concepts": 2.64,
    "concepts in all": -0.03,
    "ideas": 2.97,
    "ideas in all": 0.59,
    "types": 2.61,
    "rare and types": 2.66,
    "plate": 0.71,
    "number": 0.00,
    "address": 0.00,
    "name": 0.91,
    "place": 3.61,
    "other place": -5.53,
    "same group": -2.49,
    "coincidence": 3.74,
    "days": -1.07,
}
# A tip that is like one that is like this: people tell of one event in words of their own, and a
# third has words of both.
THROUGH = {
    "bias": 0.15,
    "itself": 1.09,
    "through": 5.44,
    "through all": -3.38,
}
THRESHOLD = 0.6
_NEAR = 400  # rows that are looked at again through others
_BRIDGES = 8
_SURE = 0.3
_OF_KIND = {
    **dict.fromkeys(("phone", "account", "document", "handle", "link"), "number"),
    "plate": "plate",
    "address": "address",
    "alias": "name",
    "street": "street",
}
_COPY = 0.6  # so much of all its words are the other's too: nearly the same text
_WORDS = 2.0  # so much in common: as much as that many words nobody else uses


def pack(told: Told) -> Rows:
    """A sketch without verdicts."""
    row, own = np.zeros(1, ROW), told.features
    row["version"], row["day"] = VERSION, date.fromisoformat(told.day).toordinal()
    row["place"], row["group"] = told.place.encode()[:PLACE], told.group.encode()[:GROUP]
    for name, values in (
        ("words", own.words[:WORDS]),
        ("concepts", own.concepts[:CONCEPTS]),
        ("types", list(own.types)[:TYPES]),
        ("chances", [round(255 * c**0.5) for c in own.types.values()][:TYPES]),
        ("facts", own.facts[:FACTS]),
        ("ideas", own.ideas[:IDEAS]),
    ):
        row[name][0, : len(values)] = values
    return row


def alike(rows: Rows, at: int, most: int = 7) -> list[Alike]:
    """The rows that are like row ``at``, most alike first. Where nobody told anything, a place and
    a day alone make nothing alike."""
    told = np.asarray(rows["words"].any(axis=1))
    if not told[at]:
        return []
    table = measures(rows, at)
    direct = _line(WEIGHTS, table)
    direct[~told] = direct[at] = -np.inf
    near = np.argsort(-direct, kind="stable")[:_NEAR]
    chance = _sigmoid(_line(THROUGH, through(rows, near, direct)))
    best = np.argsort(-chance, kind="stable")[:most]
    return [
        Alike(int(near[one]), float(chance[one]), _why(table, int(near[one])))
        for one in best
        if chance[one] >= THRESHOLD and near[one] != at
    ]


def through(rows: Rows, near: NDArray[np.intp], direct: Column) -> dict[str, Column]:
    """Of the rows ``near``: how alike each is itself, and through the most alike of them."""
    itself = np.clip(direct[near], -10, 10)
    chance, some = _sigmoid(direct[near]), rows[near]
    once, all_of_them = np.zeros(len(near)), np.zeros(len(near))
    for bridge in range(min(_BRIDGES, len(near))):
        if chance[bridge] <= _SURE:
            break
        step = chance[bridge] * _sigmoid(_line(WEIGHTS, measures(some, bridge, of=len(rows))))
        step[bridge] = 0.0
        once, all_of_them = np.maximum(once, step), all_of_them + step
    return {"itself": itself, "through": once, "through all": np.minimum(all_of_them, 2.0)}


def measures(rows: Rows, at: int, of: int = 0) -> dict[str, Column]:
    """What of each row is like row ``at``, by name. ``of``: how many rows the queue has, when
    these are some of them."""
    own, every = rows[at], of or len(rows)
    found = _words(rows, own, every)
    found["concepts"], found["concepts in all"] = _told(rows, own, every, "concepts")
    found["ideas"], found["ideas in all"] = _told(rows, own, every, "ideas")
    found["types"] = _types(rows, own)
    found["rare and types"] = found["rare"] * found["types"]
    found |= _facts(rows, own)
    known = (rows["place"] != b"") & (own["place"] != b"")
    same = known & (rows["place"] == own["place"])
    apart = np.abs(rows["day"].astype(np.int64) - int(own["day"]))
    together = same & (rows["group"] == own["group"]) & (apart <= 7)
    found["place"] = same * _rare_as(same.sum(), every)
    found["other place"] = (known & ~same).astype(float)
    found["coincidence"] = together * _rare_as(together.sum(), every)
    found["same group"] = (rows["group"] == own["group"]).astype(float)
    found["days"] = np.log1p(apart)
    found["same place"] = same.astype(float)
    found["apart"] = apart.astype(float)
    return found


def _rare_as(count: int, every: int) -> float:
    """0 to 1: how much it tells that a row is one of ``count``."""
    return float(np.log(every / max(count, 1)) / np.log(max(every, 2)))


def _words(rows: Rows, own: np.void, every: int) -> dict[str, Column]:
    words = _numbers(own["words"])
    hits = _places(words, rows["words"])
    weight, usual = _rarity(words, hits, every)
    shared = hits >= 0
    rare = np.where(shared & ~usual[hits], weight[hits], 0.0).sum(axis=1)
    much = np.where(shared & usual[hits], weight[hits], 0.0)
    square = (much**2).sum(axis=1)
    cosine, near = np.zeros(len(rows)), np.flatnonzero(square)
    mine = max(float((weight[usual] ** 2).sum()), 0.09)
    theirs = np.maximum(_norms(rows["words"][near], every), 0.09)
    cosine[near] = square[near] / np.sqrt(mine * theirs)
    both, theirs_all = shared.sum(axis=1), (rows["words"] > 0).sum(axis=1)
    return {
        "rare": np.minimum(rare, 6.0),
        "usual": np.minimum(much.sum(axis=1), 6.0),
        "cosine": cosine,
        "shared": rare + much.sum(axis=1),
        "copied": both / np.maximum(np.maximum(theirs_all, len(words)), 1),
        # Of the shorter of the two; three words are no text that could be in another.
        "contained": both / np.maximum(np.minimum(theirs_all, len(words)), 4),
    }


def _told(rows: Rows, own: np.void, every: int, column: str) -> tuple[Column, Column]:
    """How much the rarer of the concepts or ideas told are the same, and how many of them."""
    said = _numbers(own[column])
    if not len(said):
        return np.zeros(len(rows)), np.zeros(len(rows))
    hits = _places(said, rows[column])
    weight, _ = _rarity(said, hits, every)
    each = np.where(hits >= 0, weight[hits], 0.0)
    near, cosine = np.flatnonzero(each.any(axis=1)), np.zeros(len(rows))
    theirs = np.maximum(_norms(rows[column][near], every, all_of_them=True), 0.09)
    mine = max(float((weight**2).sum()), 0.09)
    cosine[near] = (each[near] ** 2).sum(axis=1) / np.sqrt(mine * theirs)
    return cosine, np.minimum(each.sum(axis=1), 4.0)


def _types(rows: Rows, own: np.void) -> Column:
    """How much the chances of the types overlap (Bhattacharyya), 0 to 1."""
    found = np.zeros(len(rows))
    for code, chance in zip(own["types"], own["chances"], strict=True):
        if code:
            found += ((rows["types"] == code) * rows["chances"].astype(float)).sum(axis=1) * chance
    return found / 255.0**2


def _numbers(column: Numbers) -> Numbers:
    return np.sort(column[column > 0])


def _places(own: Numbers, theirs: Numbers) -> NDArray[np.intp]:
    """For each number of ``theirs`` where it stands in the sorted ``own``, or -1."""
    at = np.searchsorted(own, theirs)
    at[at == len(own)] = 0
    return np.where(own[at] == theirs, at, -1)


def _rarity(words: Numbers, hits: NDArray[np.intp], every: int) -> tuple[Column, NDArray[np.bool_]]:
    """0 to 1: a word that stands in no other report is worth 1; and whether it is an ordinary one.
    A small queue does not know yet which words are rare: those of reports are counted with it."""
    here = np.bincount(hits[hits >= 0], minlength=len(words))
    usual = np.array([common().get(int(word), 0) for word in words])
    texts = every + background()
    return np.asarray(np.log(texts / (here + usual + 1)) / np.log(texts)), usual > 0


@lru_cache(maxsize=1)
def _ordinary() -> tuple[Numbers, NDArray[np.int64]]:
    words = np.array(sorted(common()), np.uint32)
    return words, np.array([common()[int(word)] for word in words])


def _norms(words: Numbers, every: int, all_of_them: bool = False) -> Column:
    """The sum of squared weights of each row's ordinary words, or of all."""
    usual, counts = _ordinary()
    texts = every + background()
    weight = np.log(texts / (counts + 1)) / np.log(texts)
    # The last is for those that are not ordinary, whose place is -1.
    squares = np.append(weight**2, float(all_of_them))
    flat = words.ravel()
    full = np.flatnonzero(flat)
    worth = squares[_places(usual, flat[full])]
    return np.asarray(np.bincount(full // words.shape[1], worth, minlength=len(words)), np.float64)


def _facts(rows: Rows, own: np.void) -> dict[str, Column]:
    """By measure, 0 to 1 for each row: what many rows name says little."""
    found = {name: np.zeros(len(rows)) for name in (*_OF_KIND.values(),)}
    for value in own["facts"][own["facts"] > 0]:
        has = (rows["facts"] == value).any(axis=1)
        count = int(has.sum())
        worth = 1.0 if count <= 10 else 1 / (1 + np.log10(count / 10))
        name = _OF_KIND[kind_of(int(value))]
        found[name] = np.maximum(found[name], has * worth)
    return found


def _line(weights: Mapping[str, float], table: Mapping[str, Column]) -> Column:
    names = [name for name in weights if name != "bias"]
    return np.asarray(sum(weights[name] * table[name] for name in names) + weights["bias"])


def _sigmoid(line: Column) -> Column:
    return np.asarray(1 / (1 + np.exp(-np.clip(line, -30, 30))))


def _why(table: Mapping[str, Column], at: int) -> tuple[str, ...]:
    why = [name for name in ("plate", "number", "address", "name") if table[name][at] > 0]
    if table["street"][at] > 0 and "address" not in why:
        why.append("street")
    if table["same place"][at]:
        apart = table["apart"][at]
        why.append("place_day" if apart <= 1 else "place_week" if apart <= 7 else "place")
    if table["copied"][at] >= _COPY:
        why.append("text")
    elif table["shared"][at] >= _WORDS:
        why.append("words")
    elif table["concepts"][at] > 0:
        why.append("told")
    return tuple(why)


def open_rows(payloads: Sequence[bytes]) -> Rows:
    """The rows of unsealed sketches; what has another size is an empty row."""
    return np.frombuffer(b"".join(map(_whole, payloads)), ROW)


def _whole(payload: bytes) -> bytes:
    form, size = payload[:1], ROW.itemsize
    if form == bytes([VERSION]) and len(payload) == size:
        return payload
    if form == bytes([_FORMER]) and len(payload) == _WITHOUT:
        return payload + bytes(size - _WITHOUT)
    return bytes(size)
