"""Statements: once a month the line says in public how many reports it has and where they are.

Totals of the whole line only: anything smaller could tell an implicated body that somebody reported
it (promise 5). Each is a signed note that names the one before it by its hash, so that none can be
changed, dropped or slipped in once anybody has kept a later one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.errors import HotlineError
from hotline.routing.retention import later
from hotline.settings import Settings
from hotline.triage.audit import Books, balanced, key_of
from hotline.vault.directory import write_file
from hotline.vault.signing import NoteKey, sign_note, verify_note

FOLDER = "ledger"
KEY = "key"
FIRST = "0" * 64
FIGURES = ("received", "waiting", "forwarded", "closed", "shredded")
_TITLE = "hotline ledger statement 1"
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_LINES = re.compile(
    rf"{_TITLE}\nline (\S+)\nmonth ({_MONTH.pattern})\n"
    + "".join(rf"{name} (0|[1-9]\d{{0,11}})\n" for name in FIGURES)
    + r"before ([0-9a-f]{64})\n"
)


class BadStatement(HotlineError):
    """A statement, or the chain of them, does not hold."""

    code = "bad_statement"
    hint = "Fetch all statements and the key again, and compare the key with one kept elsewhere."


@dataclass(frozen=True, slots=True)
class Statement:
    """How the line stood when ``month`` had ended. ``before`` is the SHA-256 of the whole note of
    the statement before it, or zeros."""

    line: str
    month: str
    figures: Mapping[str, int]
    before: str

    def text(self) -> str:
        figures = "".join(f"{name} {self.figures[name]}\n" for name in FIGURES)
        return f"{_TITLE}\nline {self.line}\nmonth {self.month}\n{figures}before {self.before}\n"

    @classmethod
    def read(cls, key: NoteKey, note: str) -> Statement | None:
        """The statement of a note that ``key`` signed, or None."""
        found = _LINES.fullmatch(verify_note(key, note) or "")
        if found is None or found[1] != key.name:
            return None
        numbers = map(int, found.groups()[3:-1])
        return cls(found[1], found[2], dict(zip(FIGURES, numbers, strict=True)), found.groups()[-1])


def folder(settings: Settings) -> Path:
    """Where they lie: the public process serves what is there and writes nothing."""
    return settings.public / FOLDER


def kept(settings: Settings) -> list[tuple[str, str]]:
    """``(month, note)`` of every statement, oldest first."""
    found = sorted(folder(settings).glob("????-??.txt"))
    return [(one.stem, one.read_text(encoding="utf-8")) for one in found if _MONTH.match(one.stem)]


def state(line: Books, figures: Mapping[str, int]) -> str | None:
    """Writes the statement of the month that has ended, with ``figures`` of a check that was sound;
    its month, or None when it is there. Figures that do not balance are never stated. Safe to
    repeat: a file is whole or not there."""
    month = later(line.clock.month(), -1)
    there = kept(line.settings)
    if not balanced(dict(figures)) or (there and there[-1][0] >= month):
        return None
    key = key_of(line)
    before = _hash(there[-1][1]) if there else FIRST
    text = Statement(key.name, month, figures, before).text()
    folder(line.settings).mkdir(mode=0o755, exist_ok=True)
    write_file(folder(line.settings) / KEY, f"{key}\n".encode(), 0o644)
    note = sign_note(key.name, line.audit_key, text)
    write_file(folder(line.settings) / f"{month}.txt", note.encode(), 0o644)
    return month


def verify(key: NoteKey, notes: Sequence[str]) -> list[Statement]:
    """The statements of these notes, oldest first. Raises BadStatement unless each was signed by
    ``key``, balances, and names the one before it; the first may be any."""
    found: list[Statement] = []
    last = ""
    for number, note in enumerate(notes, 1):
        one = Statement.read(key, note)
        if one is None:
            raise BadStatement(f"Statement {number} was not signed by this line's key.")
        if not balanced(dict(one.figures)):
            raise BadStatement(f"The statement of {one.month} does not balance.")
        if found and (one.before != _hash(last) or one.month <= found[-1].month):
            raise BadStatement(f"The statement of {one.month} does not follow the one before it.")
        if found and one.figures["received"] < found[-1].figures["received"]:
            raise BadStatement(f"The statement of {one.month} has received less than before.")
        found.append(one)
        last = note
    return found


def _hash(note: str) -> str:
    return hashlib.sha256(note.encode()).hexdigest()
