"""Tree: Merkle tree hashes and proofs of RFC 6962, section 2.1: pure, over hashes of leaves.

Leaf ``SHA-256(0x00 | record)``, node ``SHA-256(0x01 | left | right)``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(record: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The roots of the full subtrees of a growing tree, largest first: log n hashes."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        merges, size = 0, self.size
        while size & 1:
            merges, size = merges + 1, size >> 1
        for _ in range(merges):
            leaf = node_hash(self.peaks.pop(), leaf)
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        *rest, whole = self.peaks
        for peak in reversed(rest):
            whole = node_hash(peak, whole)
        return whole


def root_of(leaves: Iterable[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


Range = tuple[int, int]


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The runs of leaves ``[start, end)`` whose roots are the audit path of the leaf at ``index``
    in a tree of ``size`` (RFC 6962, 2.1.1), lowest first."""
    found, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """The same for the proof that the first ``old`` leaves of a tree of ``size`` are those of the
    tree of ``old`` (RFC 6962, 2.1.2)."""
    if not 0 < old < size:
        return []
    found, start, end = [], 0, size
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    # The verifier knows the old root already when it is a whole subtree of the new tree.
    return ([(start, end)] if start else []) + found[::-1]


def roots_of(ranges: Sequence[Range], leaves: Iterable[bytes]) -> list[bytes]:
    """The roots of runs that do not overlap, in the order given. Reads the leaves once: a proof
    over ten million of them needs no memory. Raises IndexError when they are too few."""
    trees = {run: Frontier() for run in ranges}
    waiting = sorted(trees, reverse=True)
    for index, leaf in enumerate(leaves):
        while waiting and waiting[-1][1] <= index:
            waiting.pop()
        if not waiting:
            break
        if waiting[-1][0] <= index:
            trees[waiting[-1]].add(leaf)
    if any(trees[start, end].size != end - start for start, end in ranges):
        raise IndexError
    return [trees[run].root() for run in ranges]


def nodes_of(wanted: Set[Range], leaves: Iterable[bytes]) -> dict[Range, bytes]:
    """The roots of those runs of audit paths, for many records at once: runs may lie within each
    other. Reads the leaves once and keeps what was asked for. Absent: the leaves were too few."""
    found: dict[Range, bytes] = {}
    peaks: list[tuple[int, int, bytes]] = []

    def keep(start: int, end: int, root: bytes) -> None:
        if (start, end) in wanted:
            found[start, end] = root

    end = 0
    for index, leaf in enumerate(leaves):
        start, end, root = index, index + 1, leaf
        keep(start, end, root)
        # A run is whole when the one before it is as long.
        while peaks and peaks[-1][1] - peaks[-1][0] == end - start:
            start, _, left = peaks.pop()
            root = node_hash(left, root)
            keep(start, end, root)
        peaks.append((start, end, root))
    whole = b""
    for start, _, peak in reversed(peaks):
        whole = node_hash(peak, whole) if whole else peak
        keep(start, end, whole)
    return found


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of a leaf, lowest first. ``leaves`` are hashes."""
    return roots_of(inclusion_ranges(index, len(leaves)), leaves)


def consistency(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Proves that the first ``old`` leaves are unchanged."""
    return roots_of(consistency_ranges(old, len(leaves)), leaves)


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves that a leaf stands at ``index`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Checks a consistency proof (RFC 9162, 2.1.4.2)."""
    if old == new:
        return old_root == new_root and not proof
    if not 0 < old < new or not proof:
        return old == 0
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
