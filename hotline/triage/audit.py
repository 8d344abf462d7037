"""Audit: content-free records in a Merkle tree, under checkpoints that nobody can take back.

Heads are C2SP tlog-checkpoints: signed notes that an outsider keeps and later shows to ``verify``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hotline.errors import HotlineError
from hotline.routing.profile import Profile
from hotline.store.audit import AuditLog
from hotline.store.tips import Tips
from hotline.tips import State
from hotline.triage.tree import Frontier, leaf_hash, root_of
from hotline.vault.directory import Directory
from hotline.vault.signing import public_of, sign_note, verify_note


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
