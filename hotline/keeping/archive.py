"""Archive: what is inside a sealed copy: tables and files, then what there must have been.

Records are one letter ‖ u32 length ‖ bytes: ``H`` head, ``T`` table, ``R`` rows, ``F`` file (u16
length of its name ‖ name ‖ content), ``E`` end. Head, table and end are JSON. The end lists every
table and file with its bytes and SHA-256, so that a reader knows all of it was there, in order.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from hotline.vault.copies import BadBackup

VERSION = 1
_BATCH = 1 << 20
_LARGEST = 1 << 28  # a row holds at most a few pictures

Row = tuple[Any, ...]
Tell = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One table or file. ``rows`` is None for a file; ``size`` in bytes."""

    name: str
    rows: int | None
    size: int
    sha256: str


class Archive:
    """Writes into ``put``; ``tell`` hears of each table's rows as they go."""

    def __init__(self, put: Callable[[bytes], None], head: dict[str, Any], tell: Tell) -> None:
        self._put, self._tell = put, tell
        self.parts: list[Part] = []
        self._record(b"H", _json({"version": VERSION, **head}))

    def table(self, name: str, columns: list[str], rows: Iterable[Row]) -> None:
        told = _json({"name": name, "columns": columns})
        self._record(b"T", told)
        running, size, count = hashlib.sha256(told), len(told), 0
        batch = bytearray()
        for row in rows:
            batch += _pack(row)
            count += 1
            if len(batch) >= _BATCH:
                running.update(batch)
                size += len(batch)
                self._record(b"R", bytes(batch))
                batch.clear()
                self._tell(name, count)
        if batch:
            running.update(batch)
            size += len(batch)
            self._record(b"R", bytes(batch))
        self._tell(name, count)
        self.parts.append(Part(name, count, size, running.hexdigest()))

    def file(self, name: str, content: bytes) -> None:
        told = name.encode()
        self._record(b"F", struct.pack(">H", len(told)) + told + content)
        self.parts.append(Part(name, None, len(content), hashlib.sha256(content).hexdigest()))

    def end(self) -> None:
        self._record(b"E", _json({"parts": [_listed(part) for part in self.parts]}))

    def _record(self, kind: bytes, payload: bytes) -> None:
        self._put(kind + struct.pack(">I", len(payload)))
        self._put(payload)


class Sink(Protocol):
    """Whoever takes what an archive holds. ``rows`` must be taken to their end."""

    def head(self, head: dict[str, Any]) -> None: ...
    def table(self, name: str, columns: list[str], rows: Iterator[Row]) -> None: ...
    def file(self, name: str, content: bytes) -> None: ...


def read(pieces: Iterable[bytes], sink: Sink) -> list[Part]:
    """Gives everything to ``sink``, in order. Returns the parts once the end has confirmed them
    and the stream is over; raises BadBackup otherwise, so whoever keeps something waits for it."""
    reader = _Reader(_records(pieces))
    sink.head(reader.head())
    while reader.peek() in (b"T", b"F"):
        reader.part(sink)
    kind, payload = reader.next()
    if kind != b"E" or _unjson(payload).get("parts") != [_listed(p) for p in reader.parts]:
        raise BadBackup
    if reader.peek() != b"":
        raise BadBackup
    return reader.parts


def head_of(pieces: Iterable[bytes]) -> dict[str, Any]:
    """The head alone, authentic but not yet confirmed by the end. Raises BadBackup."""
    return _Reader(_records(pieces)).head()


@dataclass(slots=True)
class _Reader:
    records: Iterator[tuple[bytes, bytes]]
    parts: list[Part] = field(default_factory=list)
    _held: tuple[bytes, bytes] | None = None

    def peek(self) -> bytes:
        """The kind of the next record, empty at the end."""
        if self._held is None:
            self._held = next(self.records, (b"", b""))
        return self._held[0]

    def next(self) -> tuple[bytes, bytes]:
        self.peek()
        assert self._held is not None
        held, self._held = self._held, None
        return held

    def head(self) -> dict[str, Any]:
        kind, payload = self.next()
        head = _unjson(payload) if kind == b"H" else {}
        if head.get("version") != VERSION:
            raise BadBackup
        return head

    def part(self, sink: Sink) -> None:
        kind, payload = self.next()
        if kind == b"F":
            length = int.from_bytes(payload[:2], "big")
            name, content = _utf8(payload[2 : 2 + length]), payload[2 + length :]
            digest = hashlib.sha256(content).hexdigest()
            self.parts.append(Part(name, None, len(content), digest))
            sink.file(name, content)
            return
        table = _unjson(payload)
        title, columns = table.get("name"), table.get("columns")
        if not isinstance(title, str) or not isinstance(columns, list):
            raise BadBackup
        counted = _Counted(self, len(columns), hashlib.sha256(payload), len(payload))
        sink.table(title, columns, iter(counted))
        self.parts.append(Part(title, counted.rows, counted.size, counted.running.hexdigest()))


@dataclass(slots=True)
class _Counted:
    """The rows of one table, counted and hashed as they pass."""

    reader: _Reader
    width: int
    running: hashlib._Hash
    size: int
    rows: int = 0

    def __iter__(self) -> Iterator[Row]:
        while self.reader.peek() == b"R":
            _, payload = self.reader.next()
            self.running.update(payload)
            self.size += len(payload)
            for row in _unpack(payload, self.width):
                self.rows += 1
                yield row


def _records(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        start = 0
        while len(buffer) - start >= 5:
            (length,) = struct.unpack_from(">I", buffer, start + 1)
            if length > _LARGEST:
                raise BadBackup
            if len(buffer) - start < 5 + length:
                break
            yield bytes(buffer[start : start + 1]), bytes(buffer[start + 5 : start + 5 + length])
            start += 5 + length
        del buffer[:start]
    if buffer:
        raise BadBackup


def _pack(row: Row) -> bytes:
    """Each value as its kind, then its bytes; what a database can hold and no more."""
    out = bytearray()
    for value in row:
        match value:
            case None:
                out += b"N"
            case bool():
                out += b"T" if value else b"F"
            case int():
                out += b"I" + value.to_bytes(8, "big", signed=True)
            case str():
                raw = value.encode("utf-8", "surrogatepass")
                out += b"S" + struct.pack(">I", len(raw)) + raw
            case bytes():
                out += b"B" + struct.pack(">I", len(value)) + value
            case _:
                raise TypeError("a column holds a kind of value that no table of ours has")
    return bytes(out)


_FIXED = {ord("N"): None, ord("T"): True, ord("F"): False}


def _unpack(payload: bytes, width: int) -> Iterator[Row]:
    at = 0
    row: list[Any] = []
    while at < len(payload):
        kind, at = payload[at], at + 1
        if kind in _FIXED:
            row.append(_FIXED[kind])
        elif kind == ord("I") and at + 8 <= len(payload):
            row.append(int.from_bytes(payload[at : at + 8], "big", signed=True))
            at += 8
        elif kind in b"SB" and at + 4 <= len(payload):
            (length,) = struct.unpack_from(">I", payload, at)
            raw, at = payload[at + 4 : at + 4 + length], at + 4 + length
            if len(raw) != length:
                raise BadBackup
            row.append(_utf8(raw) if kind == ord("S") else raw)
        else:
            raise BadBackup
        if len(row) == width:
            yield tuple(row)
            row = []
    if row:
        raise BadBackup


def _listed(part: Part) -> list[Any]:
    return [part.name, part.rows, part.size, part.sha256]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _unjson(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        raise BadBackup from None
    if not isinstance(value, dict):
        raise BadBackup
    return value


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8", "surrogatepass")
    except ValueError:
        raise BadBackup from None
