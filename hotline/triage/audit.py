"""Audit: a Merkle tree over content-free records, and checkpoints that nobody can take back.

Hashes and proofs of RFC 6962 (section 2.1): leaf ``SHA-256(0x00 | record)``, node ``SHA-256(0x01 |
left | right)``. Heads are C2SP tlog-checkpoints: signed notes that an outsider keeps and later
shows to ``verify``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hotline.errors import HotlineError
from hotline.routing.profile import Profile
from hotline.store.audit import AuditLog
from hotline.store.tips import Tips
from hotline.tips import State
from hotline.vault.directory import Directory
from hotline.vault.signing import public_of, sign_note, verify_note

EMPTY = hashlib.sha256(b"").digest()


class AuditBroken(HotlineError):
    """The records no longer give the head that was signed over them."""

    code = "audit_broken"
    message = "The audit records were altered."
    hint = "Run 'hotline audit verify' and keep a copy of the database as it is."


class Books(Protocol):
    """What the audit needs of the staff line."""

    @property
    def profile(self) -> Profile: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def tips(self) -> Tips: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def audit_key(self) -> bytes: ...


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


def root_of(leaves: Sequence[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of a leaf (RFC 6962, 2.1.1), lowest first. ``leaves`` are hashes."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion(leaves[split:], index - split), root_of(leaves[:split])]


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


def consistency(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Proves that the first ``old`` leaves are unchanged (RFC 6962, 2.1.2)."""
    return _subproof(leaves, old, whole=True) if 0 < old < len(leaves) else []


def _subproof(leaves: Sequence[bytes], old: int, *, whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = _split(len(leaves))
    if old <= split:
        return [*_subproof(leaves[:split], old, whole=whole), root_of(leaves[split:])]
    return [*_subproof(leaves[split:], old - split, whole=False), root_of(leaves[:split])]


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


def origin(line: Books) -> str:
    """The name of this line's log, in its checkpoints and as its key's name."""
    return f"hotline/{line.profile.id}/{line.directory.fingerprint[:16]}"


def write_checkpoint(name: str, size: int, root: bytes) -> str:
    """C2SP tlog-checkpoint: origin, size, root hash."""
    return f"{name}\n{size}\n{base64.b64encode(root).decode()}\n"


def read_checkpoint(name: str, public: bytes, note: str) -> tuple[int, bytes] | None:
    """Size and root of a checkpoint with a good signature, or None."""
    text = verify_note(name, public, note)
    lines = (text or "").split("\n")
    if len(lines) < 3 or lines[0] != name or not lines[1].isdecimal():
        return None
    try:
        return int(lines[1]), base64.b64decode(lines[2], validate=True)
    except binascii.Error:
        return None


class Sequencer:
    """Puts records in order and signs the tree. Keep one: it then reads new records only."""

    def __init__(self, line: Books) -> None:
        self._line = line
        self._tree = Frontier()
        self._known = False

    def run(self) -> int:
        """Orders what waits and signs a head over it; the size of the tree. Raises AuditBroken
        rather than sign over altered records. One caller at a time."""
        log, name = self._line.audit, origin(self._line)
        if not self._known:
            self._recall(name)
        size = log.sequence()
        if size == self._tree.size:
            return size
        for record in log.records(self._tree.size):
            self._tree.add(leaf_hash(record.encode()))
        text = write_checkpoint(name, self._tree.size, self._tree.root())
        log.sign(self._tree.size, sign_note(name, self._line.audit_key, text))
        return self._tree.size

    def _recall(self, name: str) -> None:
        """The tree as it was signed last."""
        if (head := self._line.audit.head()) is not None:
            signed = read_checkpoint(name, public_of(self._line.audit_key), head[1])
            for record in self._line.audit.records()[: head[0]]:
                self._tree.add(leaf_hash(record.encode()))
            if signed != (self._tree.size, self._tree.root()):
                raise AuditBroken
        self._known = True


def sequence_and_sign(line: Books) -> int:
    """One run of a fresh Sequencer: for the command line and tests."""
    return Sequencer(line).run()


@dataclass(frozen=True, slots=True)
class Report:
    """What ``verify`` found. ``checked`` is the size of the outsider's checkpoint, or 0."""

    size: int
    root: bytes
    waiting: int
    checked: int
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.problems


def verify(line: Books, checkpoint: str | None = None) -> Report:
    """Computes the tree from all records and compares it with the newest signed head and, if
    given, with a checkpoint somebody kept."""
    public, name = public_of(line.audit_key), origin(line)
    leaves = [leaf_hash(record.encode()) for record in line.audit.records()]
    problems = []
    head = line.audit.head()
    if head is not None:
        signed = read_checkpoint(name, public, head[1])
        if signed is None:
            problems.append("The signature of the newest head does not hold.")
        elif not _holds(leaves, signed):
            problems.append("The records do not give the newest signed head.")
    elif leaves:
        problems.append("There are records in order but no signed head.")
    checked = 0
    if checkpoint is not None:
        kept = read_checkpoint(name, public, checkpoint)
        if kept is None:
            problems.append("The checkpoint was not signed by this line.")
        else:
            checked = kept[0]
            if not _holds(leaves, kept):
                problems.append("The records do not give the checkpoint: the past was altered.")
    return Report(len(leaves), root_of(leaves), line.audit.waiting(), checked, tuple(problems))


def _holds(leaves: Sequence[bytes], head: tuple[int, bytes]) -> bool:
    size, root = head
    return size <= len(leaves) and root_of(leaves[:size]) == root


def ledger(line: Books) -> dict[str, int]:
    """Promise 4: what came in, and where each tip is."""
    counts = dict.fromkeys(State, 0)
    for (_, state), count in line.tips.counts().items():
        counts[State(state)] += count
    return {
        "received": line.audit.count("received"),
        "waiting": counts[State.OPEN] + counts[State.WAITING],
        "forwarded": counts[State.FORWARDED],
        "closed": counts[State.CLOSED],
        "shredded": line.audit.count("shredded"),
    }


def balanced(figures: dict[str, int]) -> bool:
    """received = waiting + forwarded + closed + shredded."""
    return figures["received"] == sum(figures.values()) - figures["received"]
