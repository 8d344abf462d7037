"""Audit: content-free records in a Merkle tree, under checkpoints that nobody can take back.

Heads are C2SP tlog-checkpoints: signed notes that an outsider keeps and later shows to ``verify``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.routing.profile import Profile
from hotline.settings import Settings
from hotline.store.audit import AuditLog, Placed
from hotline.store.database import AlreadyThere, Database
from hotline.store.ledger import RECEIVED, SHREDDED, Ledger
from hotline.store.tips import Tips
from hotline.tips import State
from hotline.triage.tree import Frontier, leaf_hash
from hotline.triage.witness import Witness
from hotline.vault.directory import Directory
from hotline.vault.signing import NoteKey, sign_note, verify_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")
HOUR = "%Y-%m-%dT%HZ"
STUCK_HOURS = 2  # a record may wait for its hour to end, and then for nothing


class AuditBroken(HotlineError):
    """The records no longer give the head that was signed over them."""

    code = "audit_broken"
    message = "The audit records were altered."
    hint = "Run 'hotline audit verify' and keep a copy of the database as it is."


class Books(Protocol):
    """What the audit needs of the staff line."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def database(self) -> Database: ...
    @property
    def tips(self) -> Tips: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def audit_key(self) -> bytes: ...


def origin(line: Books) -> str:
    """The name of this line's log, in its checkpoints and as its key's name: what it first signed
    by, for a log that changed its name would look like another log."""
    head = line.audit.head()
    if head is not None:
        return head[1].partition("\n")[0]
    return f"hotline/{line.profile.id}/{line.directory.fingerprint[:16]}"


def key_of(line: Books) -> NoteKey:
    """What an outsider checks this line's checkpoints with."""
    return NoteKey.of(origin(line), line.audit_key)


def write_checkpoint(name: str, size: int, root: bytes) -> str:
    """C2SP tlog-checkpoint: origin, size, root hash."""
    return f"{name}\n{size}\n{base64.b64encode(root).decode()}\n"


def read_checkpoint(key: NoteKey, note: str) -> tuple[int, bytes] | None:
    """Size and root of a checkpoint that ``key`` signed, or None."""
    text = verify_note(key, note)
    # No lines after the third: the format knows them, this line never signs any.
    lines = (text or "").split("\n")
    if len(lines) != 4 or lines[0] != key.name:
        return None
    if not _SIZE.fullmatch(lines[1]) or not _ROOT.fullmatch(lines[2]):
        return None
    return int(lines[1]), base64.b64decode(lines[2])


def leaf(row: Placed, position: int) -> bytes:
    """The leaf of a record, which must stand at ``position``. Its columns are what the line counts
    and finds by, so they must say what the record says. Raises AuditBroken."""
    # No value of a record holds a quotation mark, so this is what a parser would find, in a tenth
    # of the time.
    said = f'"event":"{row.event}","' in row.record and f'"id":"{row.id.hex()}"' in row.record
    if not said or row.position != position:
        raise AuditBroken
    return leaf_hash(row.record.encode())


class Sequencer:
    """Puts records in order and signs the tree. Keep one: it then reads new records only, and
    once a day all of them, so that what was altered below a head is found without being asked.

    Measured: a million records take 18 s of one core, in constant memory. The tree's frontier
    could be kept beside the head instead, but then a start would prove nothing."""

    def __init__(self, line: Books) -> None:
        self._line = line
        self._tree = Frontier()
        self._day = ""
        self._signed: tuple[str, int] = ("", -1)
        self._broken = False
        self._witness = Witness(line.settings)

    def run(self, *, arrivals: bool = False) -> int:
        """Orders what waits and signs a head over it; the size of the tree. What follows a
        reporter is ordered once an hour, or at once with ``arrivals``. Raises AuditBroken
        rather than sign over altered records. One caller at a time."""
        if self._broken:
            raise AuditBroken
        try:
            return self._run(arrivals)
        except AuditBroken:
            self._broken = True
            raise

    def _run(self, arrivals: bool) -> int:
        log, now = self._line.audit, self._line.clock.now()
        key, hour, day = key_of(self._line), now.strftime(HOUR), now.strftime("%Y-%m-%d")
        if self._day != day:
            self._tree = self._recalled(key)
            self._day = day
        arrivals = arrivals or log.swept() != hour
        before, _ = log.sequence(arrivals=arrivals, hour=hour)
        if before < self._tree.size:
            raise AuditBroken
        head = log.head()  # before the records: another sequencer may add and sign meanwhile
        for row in log.rows(self._tree.size):
            self._tree.add(leaf(row, self._tree.size))
        signed = head[0] if head else 0
        if signed > self._tree.size:
            raise AuditBroken
        if signed < self._tree.size:
            head = self._sign(key.name, hour)
        elif head and read_checkpoint(key, head[1]) != (signed, self._tree.root()):
            raise AuditBroken
        if head is not None:
            self._witness.keep(*head, day)
        return self._tree.size

    def _sign(self, name: str, hour: str) -> tuple[int, str]:
        size = self._tree.size
        text = write_checkpoint(name, size, self._tree.root())
        # One head an hour is kept, the last: every two seconds would be millions.
        last_hour, last = self._signed
        signed = sign_note(name, self._line.audit_key, text)
        self._line.audit.sign(size, signed, last if last_hour == hour else None)
        self._signed = hour, size
        return size, signed

    def _recalled(self, key: NoteKey) -> Frontier:
        """The tree as it was signed last, computed from the records."""
        tree = Frontier()
        if (head := self._line.audit.head()) is not None:
            for row in self._line.audit.rows():
                if tree.size == head[0]:
                    break
                tree.add(leaf(row, tree.size))
            if read_checkpoint(key, head[1]) != (tree.size, tree.root()):
                raise AuditBroken
        return tree


def sequence_and_sign(line: Books) -> int:
    """Orders and signs everything that waits, arrivals too; the size of the tree."""
    return Sequencer(line).run(arrivals=True)


def catch_up(line: Books) -> None:
    """The same as the serving process does, for a command that may run beside it."""
    with suppress(AlreadyThere):  # the serving process was faster
        Sequencer(line).run()


def stuck(line: Books) -> bool:
    """Whether records wait although their hour is long over: nobody puts them in order, or the
    sequencer refuses to sign over altered ones."""
    swept = line.audit.swept()
    if not line.audit.waiting():
        return False
    late = line.clock.seconds() - STUCK_HOURS * 3600
    return swept < Clock(source=lambda: late).now().strftime(HOUR) if swept else _old(line)


def _old(line: Books) -> bool:
    """A line that never put anything in order is new, unless something was signed."""
    return line.audit.head() is not None


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


def verify(line: Books, checkpoint: str | None = None, key: NoteKey | None = None) -> Report:
    """Computes the tree from all records and compares it with every kept head and, if given, with
    a checkpoint somebody kept, by the ``key`` somebody kept (default: the line's)."""
    own = key_of(line)
    problems, marks = list[str](), dict[int, list[tuple[bytes, str]]]()
    heads = line.audit.heads()
    for _, note in heads:
        signed = read_checkpoint(own, note)
        if signed is None:
            problems.append("The signature of a kept head does not hold.")
        else:
            newest = note is heads[-1][1]
            sentence = (
                f"The records do not give {'the newest' if newest else 'an older'} signed head."
            )
            marks.setdefault(signed[0], []).append((signed[1], sentence))
    checked = 0
    if key is not None and key != own:
        problems.append("The line signs with another key than the one that was kept.")
    if checkpoint is not None:
        kept = read_checkpoint(key or own, checkpoint)
        if kept is None:
            problems.append("The checkpoint was not signed by this line.")
        else:
            checked = kept[0]
            marks.setdefault(checked, []).append(
                (kept[1], "The records do not give the checkpoint: the past was altered.")
            )
    tree = Frontier()
    try:
        for position, row in enumerate(line.audit.rows()):
            problems += _missed(marks, tree)
            tree.add(leaf(row, position))
    except AuditBroken:
        problems.append(f"Record {tree.size} is missing, out of order or altered.")
    problems += _missed(marks, tree)
    problems += [sentence for rest in marks.values() for _, sentence in rest]
    if tree.size and not heads:
        problems.append("There are records in order but no signed head.")
    return Report(
        tree.size, tree.root(), line.audit.waiting(), checked, tuple(dict.fromkeys(problems))
    )


def _missed(marks: dict[int, list[tuple[bytes, str]]], tree: Frontier) -> Iterator[str]:
    """What the heads of this size say against the tree; they are then done with."""
    for root, sentence in marks.pop(tree.size, ()):
        if root != tree.root():
            yield sentence


def ledger(line: Books) -> dict[str, int]:
    """Promise 4: what came in, and where each tip is, at one instant."""
    with Ledger.of(line.database) as book:
        return figures(book.states(), book.told(RECEIVED), book.told(SHREDDED))


def figures(states: Mapping[str, int], received: int, shredded: int) -> dict[str, int]:
    """The five figures. ``states`` are the tips that have a row, by state."""
    return {
        "received": received,
        "waiting": states.get(State.OPEN, 0) + states.get(State.WAITING, 0),
        "forwarded": states.get(State.FORWARDED, 0),
        "closed": states.get(State.CLOSED, 0),
        "shredded": shredded,
    }


def balanced(figures: dict[str, int]) -> bool:
    """received = waiting + forwarded + closed + shredded."""
    return figures["received"] == sum(figures.values()) - figures["received"]
