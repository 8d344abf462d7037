"""Restore: from sealed copies to a line on a new machine, or to the certainty that it would work.

A copy is put back whole or not at all: rows and files count only when the end of the stream and the
line's signature have confirmed everything before. What was interrupted is run again.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hotline.errors import HotlineError
from hotline.founding import AUDIT_KEY, is_founded, worker_keys
from hotline.keeping.archive import Part, Row, Tell, head_of, read
from hotline.keeping.backup import AnotherLine, line_name
from hotline.keeping.dead import Dead, known_dead
from hotline.keeping.names import Copy, Name, place_for
from hotline.keeping.proof import TreeCheck
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database, own_file
from hotline.store.facts import Facts
from hotline.store.keystore import GRANTS, key_database, key_names
from hotline.store.migrate import upgrade
from hotline.store.snapshot import RESTORED, Loader, is_empty, load
from hotline.vault.copies import BadBackup, SealedCopy
from hotline.vault.directory import LIST, Directory, write_file
from hotline.vault.envelope import WORKER
from hotline.vault.private import public_bytes
from hotline.vault.seal import key_name
from hotline.vault.signing import public_of


class LineExists(HotlineError):
    """Restoring over something would lose it."""

    code = "line_exists"
    message = "There is a line here already, or a part of one."
    hint = "Restore into an empty HOTLINE_HOME and an empty database."


class DataFirst(HotlineError):
    """Keys without the line they belong to."""

    code = "data_first"
    message = "The data of this line are not here yet."
    hint = "Restore the data first, then the keys: 'hotline restore DATA KEYS'."


@dataclass(frozen=True, slots=True)
class Report:
    """What was read. ``tree`` is the size of the audit tree that was checked; ``dropped`` how
    many grants of a copy stay dead; ``orphans`` are keys that nobody here can open with."""

    name: Name
    parts: list[Part]
    tree: int = 0
    dropped: int = 0
    orphans: tuple[tuple[str, str], ...] = ()

    def told(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "file": self.name.text,
            "copy": self.name.copy,
            "parts": [asdict(part) for part in self.parts],
            "tree": self.tree,
            "dropped": self.dropped,
            "orphans": self.orphans,
        }


@dataclass(slots=True, kw_only=True)
class _Taking:
    """Takes what a copy holds: rows into ``loader`` when there is one, files into memory."""

    settings: Settings
    sealed: SealedCopy
    copy: Copy
    tell: Tell
    loader: Loader | None = None
    dead: Dead | None = None
    told: dict[str, Any] = field(default_factory=dict)
    files: dict[Path, bytes] = field(default_factory=dict)
    tree: TreeCheck = field(default_factory=TreeCheck)
    dropped: int = 0

    def run(self, seed: bytes) -> list[Part]:
        """Raises BadBackup."""
        running = hashlib.sha256()
        parts = read(self.sealed.plain(seed, running), self)
        try:
            public = bytes.fromhex(self.told["audit"])
        except (KeyError, TypeError, ValueError):
            raise BadBackup from None
        self.sealed.verify_hash(self.told["line"], public, running.digest())
        self.tree.verify()
        if self.copy is Copy.KEYS:
            self._own_signer(public)
        return parts

    def head(self, head: dict[str, Any]) -> None:
        if (head.get("line"), head.get("copy")) != (self.sealed.header.get("line"), self.copy):
            raise BadBackup
        self.told = head
        if self.copy is Copy.DATA:
            self.tree.expect(head.get("tree"))

    def table(self, name: str, columns: list[str], rows: Iterator[Row]) -> None:
        rows = self._told(name, rows)
        if name == "audit":
            rows = self.tree.watch(columns, rows)
        if self.dead is not None and name == GRANTS:
            rows = self._living(columns, rows, self.dead)
        if self.loader is None:
            deque(rows, maxlen=0)
        else:
            self.loader.table(name, columns, rows)

    def file(self, name: str, content: bytes) -> None:
        place = place_for(self.settings, self.copy, name)
        if place is None:
            raise BadBackup
        self.files[place] = content

    def _told(self, name: str, rows: Iterator[Row]) -> Iterator[Row]:
        count = 0
        for count, row in enumerate(rows, 1):
            yield row
            if count % 10_000 == 0:
                self.tell(name, count)
        self.tell(name, count)

    def _living(self, columns: list[str], rows: Iterator[Row], dead: Dead) -> Iterator[Row]:
        for row in rows:
            grant = dict(zip(columns, row, strict=True))
            if dead.holds(grant["recipient"], grant["epoch"], grant["person"]):
                self.dropped += 1
            else:
                yield row

    def _own_signer(self, public: bytes) -> None:
        """Keys are signed by the very key they bring."""
        seed = self.files.get(self.settings.staff / AUDIT_KEY, b"")
        if len(seed) != len(public) or public_of(seed) != public:
            raise BadBackup


def prove(settings: Settings, sealed: SealedCopy, name: Name, seed: bytes, tell: Tell) -> Report:
    """Reads a copy to its end and keeps nothing. Raises BadBackup."""
    taking = _Taking(settings=settings, sealed=sealed, copy=name.copy, tell=tell)
    parts = taking.run(seed)
    return Report(name, parts, taking.tree.size)


def restore_data(
    settings: Settings, sealed: SealedCopy, name: Name, seed: bytes, tell: Tell
) -> Report:
    """The database and the public part of the home. Raises LineExists, BadBackup, NewerSchema,
    DatabaseUnavailable. The signed list comes last: without it the home is no line yet."""
    if is_founded(settings):
        raise LineExists
    head = head_of(sealed.plain(seed, hashlib.sha256()))
    for folder in (settings.home, settings.public, settings.staff):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database_url)
    try:
        if database.sqlite:
            own_file(Path(database.engine.url.database or ""))
        taking = _Taking(settings=settings, sealed=sealed, copy=Copy.DATA, tell=tell)
        if is_empty(database):
            upgrade(database, str(head.get("schema")))
            parts = load(database, lambda loader: _load(taking, loader, name, seed))
        elif Facts(database).get(RESTORED) == name.text:  # an earlier run came as far
            parts = taking.run(seed)
        else:
            raise LineExists
        _write(taking.files, 0o644, last=settings.public / LIST)
        upgrade(database)
        database.wipe_journal()
    finally:
        database.close()
    return Report(name, parts, taking.tree.size)


def _load(taking: _Taking, loader: Loader, name: Name, seed: bytes) -> list[Part]:
    taking.loader = loader
    parts = taking.run(seed)
    loader.came_from(name.text)
    return parts


def restore_keys(
    settings: Settings, sealed: SealedCopy, name: Name, seed: bytes, tell: Tell
) -> Report:
    """Key store, pepper, worker's and audit's keys, without what is dead. Raises DataFirst,
    AnotherLine, LineExists, BadBackup."""
    if not is_founded(settings):
        raise DataFirst
    directory = Directory.load(settings.public)
    if sealed.header.get("line") != line_name(directory.fingerprint):
        raise AnotherLine
    head = head_of(sealed.plain(seed, hashlib.sha256()))
    database = Database(settings.database_url)
    try:
        audit = AuditLog(database)
        dead = known_dead(audit).with_told(head.get("dead") or {})
        taking = _Taking(settings=settings, sealed=sealed, copy=Copy.KEYS, tell=tell, dead=dead)
        store = key_database(settings.staff)
        try:
            if not is_empty(store):
                raise LineExists
            parts = load(store, lambda loader: _load_keys(taking, loader, seed))
            names = key_names(store)
        finally:
            store.close()
        audit.note("keys_restored", file=name.text)
    finally:
        database.close()
    orphans = _orphans(settings, directory, names)
    return Report(name, parts, dropped=taking.dropped, orphans=orphans)


def _load_keys(taking: _Taking, loader: Loader, seed: bytes) -> list[Part]:
    """Files first, the key store's commit last: what was interrupted finds its own files."""
    taking.loader = loader
    parts = taking.run(seed)
    for place, content in taking.files.items():
        if place.exists() and place.read_bytes() != content:
            raise LineExists
    _write(taking.files, 0o600)
    return parts


def _write(files: dict[Path, bytes], mode: int, last: Path | None = None) -> None:
    for place in sorted(files, key=lambda file: (file == last, file)):
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        write_file(place, files[place], mode)


def _orphans(
    settings: Settings, directory: Directory, names: frozenset[tuple[str, str, bytes]]
) -> tuple[tuple[str, str], ...]:
    """Keys of the signed list that this copy is too old for: nobody opens what they seal."""
    worker = {
        (WORKER, e.partition("/")[0], key_name(public_bytes(s)))
        for e, s in worker_keys(settings).items()
    }
    held = names | worker
    return tuple(
        (recipient, epoch)
        for (recipient, epoch), raw in sorted(directory.keys.items())
        if (recipient, epoch, key_name(raw)) not in held
    )
