"""Backup: a sealed copy of the line at one instant, taken while it runs.

Nothing is in clear on the disk at any moment: rows go from one read transaction through the cipher
into a file that gets its name when it is whole. What a killed run leaves is sealed, has no end and
another name, and the next run deletes it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

from hotline import __version__
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.founding import AUDIT_KEY
from hotline.keeping.archive import Archive, Part, Tell
from hotline.keeping.dead import known_dead
from hotline.keeping.names import LIFE, PUBLIC_HALF, Copy, Name, files_for
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.keystore import key_database
from hotline.store.migrate import current
from hotline.store.snapshot import snapshot
from hotline.vault.copies import BadBackup, CopyWriter, SealedCopy, read_public
from hotline.vault.directory import Directory, NoKey, write_file
from hotline.vault.seal import key_name
from hotline.vault.signing import public_of

_PART = ".part"


class NoPublicHalf(HotlineError):
    """The line has no backup key: a copy would lie in clear."""

    code = "no_public_half"
    message = "This line has no backup key, so nothing can be sealed to it."
    hint = "Run 'hotline backup keygen' offline, then 'hotline backup use' with the public half."


class AnotherLine(HotlineError):
    """A copy of another line than the home's."""

    code = "another_line"
    message = "This copy is of another line."
    hint = "Its first lines say of which; 'hotline doctor' shows the directory of this one."


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Who makes a copy. ``name`` is the line's, as in its signed notes."""

    name: str
    key: bytes
    public_half: bytes

    @classmethod
    def of(cls, settings: Settings) -> Signer:
        """Raises NoPublicHalf, NoKey, UntrustedDirectory."""
        try:
            half = read_public((settings.public / PUBLIC_HALF).read_text())
        except OSError:
            raise NoPublicHalf from None
        try:
            key = (settings.staff / AUDIT_KEY).read_bytes()
        except OSError:
            raise NoKey from None
        return cls(line_name(Directory.load(settings.public).fingerprint), key, half)

    @property
    def public(self) -> bytes:
        return public_of(self.key)


def line_name(fingerprint: str) -> str:
    """The line's name in its copies; not that of its audit log, so neither note poses as the
    other."""
    return f"hotline/backup/{fingerprint[:16]}"


def use(settings: Settings, public_half: str) -> str:
    """Makes a backup key the line's own; returns its name. Raises NoBackupKey."""
    raw = read_public(public_half)
    database = Database(settings.database_url)
    try:
        AuditLog(database).note("backup_key", key=key_name(raw).hex())
    finally:
        database.close()
    write_file(settings.public / PUBLIC_HALF, public_half.encode(), 0o644)
    return key_name(raw).hex()


def back_up(
    settings: Settings, folder: Path, copy: Copy, clock: Clock, tell: Tell
) -> tuple[Path, list[Part]]:
    """Writes a new copy into ``folder``, reads it back and checks the line's signature over it.
    Raises NoPublicHalf, NoKey, DatabaseUnavailable, OSError; then there is no file."""
    signer, name = Signer.of(settings), Name.fresh(copy, clock.today())
    header = {
        "name": name.text,
        "copy": copy.value,
        "day": name.day.isoformat(),
        "until": name.until.isoformat(),
        "line": signer.name,
    }
    database = Database(settings.database_url)
    try:
        # Whoever makes a copy of everything leaves a mark like whoever opens one tip.
        AuditLog(database).note("backed_up", copy=copy.value, file=name.text)
        with _fresh(folder, name.text) as file:
            sealed = CopyWriter(file, header, signer.public_half)
            fill = _data if copy is Copy.DATA else _keys
            parts = fill(settings, database, signer, sealed, tell)
            sealed.end(signer.name, signer.key)
            file.flush()
            os.fsync(file.fileno())
            SealedCopy.open(file).verify(signer.name, signer.public)
    finally:
        database.close()
    return folder / name.text, parts


def _data(
    settings: Settings, database: Database, signer: Signer, sealed: CopyWriter, tell: Tell
) -> list[Part]:
    # The head before the rows: what was signed then is among them.
    head = _head(Copy.DATA, signer) | {"schema": current(database), "tree": _tree(database)}
    with snapshot(database) as held:
        archive = Archive(sealed.write, head, tell)
        for table, columns in held.tables().items():
            archive.table(table, columns, held.rows(table))
    return _files(settings, Copy.DATA, archive)


def _keys(
    settings: Settings, database: Database, signer: Signer, sealed: CopyWriter, tell: Tell
) -> list[Part]:
    # The audit first: what it says about keys from here on is done again when they come back.
    dead = known_dead(AuditLog(database))
    store = key_database(settings.staff)
    try:
        archive = Archive(sealed.write, _head(Copy.KEYS, signer) | {"dead": dead.tell()}, tell)
        with snapshot(store) as held:
            for table, columns in held.tables().items():
                archive.table(table, columns, held.rows(table))
    finally:
        store.close()
    return _files(settings, Copy.KEYS, archive)


def _head(copy: Copy, signer: Signer) -> dict[str, Any]:
    return {
        "copy": copy.value,
        "line": signer.name,
        "audit": signer.public.hex(),
        "program": __version__,
    }


def _tree(database: Database) -> dict[str, Any]:
    """Size and root of the newest signed head of the audit tree (C2SP tlog-checkpoint)."""
    head = AuditLog(database).head()
    return {"size": head[0], "root": head[1].split("\n")[2]} if head else {"size": 0, "root": ""}


def _files(settings: Settings, copy: Copy, archive: Archive) -> list[Part]:
    for path, file in files_for(settings, copy):
        archive.file(path, file.read_bytes())
    archive.end()
    return archive.parts


@contextmanager
def _fresh(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """A file for its owner alone, which gets its name when the block ends well. Deletes what
    killed runs left: the kernel has freed their locks."""
    for left in folder.glob(f".hotline-*{_PART}"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
    part = folder / f".{name}{_PART}"
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            part.rename(folder / name)
        _sync(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check(settings: Settings, file: Path) -> Name:
    """Whether a copy is whole, unaltered, under its own name and this line's, without opening it.
    Raises BadBackup, AnotherLine."""
    signer = Signer.of(settings)
    with file.open("rb") as opened:
        sealed = SealedCopy.open(opened)
        if sealed.header.get("line") != signer.name:
            raise AnotherLine
        sealed.verify(signer.name, signer.public)
        return named(sealed, file)


def named(sealed: SealedCopy, file: Path) -> Name:
    """The copy's name, when the file bears it and says nothing else of itself. A copy under
    another's name would be deleted too late, or restored for another day. Raises BadBackup."""
    name, header = Name.read(file.name), sealed.header
    told = [header.get(field) for field in ("name", "copy", "day", "until")]
    if name is None or told != [name.text, name.copy, str(name.day), str(name.until)]:
        raise BadBackup
    return name


def expire(settings: Settings, folder: Path, today: date, keep: Mapping[Copy, int]) -> list[str]:
    """Deletes this line's copies in ``folder`` whose days are over, by name and header: those of
    ``keep``, at most those of their kind. Their names."""
    ours, gone = line_name(Directory.load(settings.public).fingerprint), []
    for file in sorted(folder.glob("hotline-*.sealed")):
        name = Name.read(file.name)
        if name is None:
            continue
        days = min(LIFE[name.copy], keep.get(name.copy, LIFE[name.copy]))
        if name.day + timedelta(days=days) >= today:
            continue
        with file.open("rb") as opened, suppress(BadBackup):
            if SealedCopy.open(opened).header.get("line") == ours:
                file.unlink()
                gone.append(name.text)
    return gone
