"""Copies: backups as sealed streams, for one key whose private half lies offline.

A file: ``01`` ‖ label ‖ u32 length ‖ header ‖ file key ‖ body ‖ signed note ‖ u32 length of note.
The header is JSON in clear and says what the file is called; the file key is a small message
sealed to the backup key and bound to the header; the body is Cobblestone-256 under the file key,
bound to the header too. The note is the line's signature over size and hash of all before it: HPKE
says nothing of who sealed, and without it whoever has the public half could make a backup.

The file key is not bound to a hash of the body, as a tip's is: the body is a stream whose hash is
known only at its end. The key is used for this one file, and Cobblestone commits to it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from hotline.errors import HotlineError
from hotline.vault import format as fmt
from hotline.vault.format import SYMMETRIC, Damaged
from hotline.vault.keys import new_seed, open_small
from hotline.vault.private import public_bytes
from hotline.vault.seal import PublicKey, key_name, load_public, seal_small
from hotline.vault.signing import NoteKey, sign_note, verify_note
from hotline.vault.small import random_key
from hotline.vault.suites import scheme_of

_RECIPIENT, _EPOCH = "backup", "0000-00"  # the backup key belongs to no month
_START = bytes([SYMMETRIC]) + fmt.BACKUP
_FILE_KEY, _TAG = 64, 16  # bytes, the file key padded
_LARGEST_HEADER = _LARGEST_NOTE = 4096
_PIECE = 1 << 20
_PRIVATE, _PUBLIC = "hotline-backup-private-1 ", "hotline-backup-public-1 "


class BadBackup(HotlineError):
    """A backup that was altered, cut, glued or renamed, or is sealed to another key."""

    code = "bad_backup"
    message = "This file is no whole backup, was altered, or is sealed to another key."
    hint = "Fetch it again from where you keep it, under its own name, or use another day's."


class NoBackupKey(HotlineError):
    """What was given as a backup key is none."""

    code = "no_backup_key"
    message = "This is not a backup key."
    hint = "'hotline backup keygen' makes a pair; the private half stays offline."


def new_pair() -> tuple[str, str]:
    """A fresh backup key as one line of text each: the private half, the public half."""
    seed = new_seed()
    return _PRIVATE + _text(seed), _PUBLIC + _text(public_bytes(seed))


def read_private(line: str) -> bytes:
    """The seed in a private half. Raises NoBackupKey."""
    seed = _read(line, _PRIVATE)
    if len(seed) != 1 + 32:
        raise NoBackupKey
    return seed


def read_public(line: str) -> bytes:
    """The bytes of a public half, its suite's first. Raises NoBackupKey."""
    raw = _read(line, _PUBLIC)
    try:
        load_public(raw)
    except Damaged:
        raise NoBackupKey from None
    return raw


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode() + "\n"


def _read(line: str, kind: str) -> bytes:
    try:
        raw = base64.b64decode(line.strip().removeprefix(kind), validate=True)
    except (binascii.Error, ValueError):
        raise NoBackupKey from None
    if not line.startswith(kind):
        raise NoBackupKey
    return raw


class NotWritten(HotlineError):
    """The disk is full, or no longer there. What was written is no copy yet and is deleted."""

    code = "not_written"
    message = "The copy could not be written."
    hint = "See that there is room for it where it should go, then make it again."


class CopyWriter:
    """Writes one sealed file; ``end`` makes it whole."""

    def __init__(self, file: IO[bytes], header: Mapping[str, str], backup_key: bytes) -> None:
        self._file, self._hash, self._size = file, hashlib.sha256(), 0
        told = json.dumps({**header, "key": key_name(backup_key).hex()}, sort_keys=True).encode()
        key = random_key()
        to = PublicKey(_RECIPIENT, _EPOCH, backup_key)
        self._put(_START + struct.pack(">I", len(told)) + told)
        self._put(seal_small(fmt.BACKUP, told, to, key, _FILE_KEY))
        self._encryptor = Cobblestone256Encryptor(key, _context(told))

    def write(self, plain: bytes) -> None:
        self._put(self._encryptor.update(plain))

    def end(self, name: str, signer: bytes) -> None:
        """``name`` and ``signer`` are the line's own, see ``signing.sign_note``."""
        self._put(self._encryptor.finalize())
        note = sign_note(name, signer, _claim(name, self._size, self._hash.digest())).encode()
        self._file.write(note + struct.pack(">I", len(note)))

    def _put(self, raw: bytes) -> None:
        try:
            self._file.write(raw)
        except OSError:
            raise NotWritten from None
        self._hash.update(raw)
        self._size += len(raw)


@dataclass(frozen=True, slots=True, repr=False)
class SealedCopy:
    """An open backup: its header as it says itself, nothing verified yet."""

    file: IO[bytes]
    header: Mapping[str, str]
    told: bytes
    size: int  # bytes that are signed
    note: str

    @classmethod
    def open(cls, file: IO[bytes]) -> SealedCopy:
        """Raises BadBackup."""
        end = file.seek(0, 2)
        file.seek(0)
        start = file.read(len(_START) + 4)
        length = int.from_bytes(start[len(_START) :], "big")
        if start[: len(_START)] != _START or length > _LARGEST_HEADER:
            raise BadBackup
        told = file.read(length)
        file.seek(max(end - 4, 0))
        tail = int.from_bytes(file.read(4), "big")
        size = end - 4 - tail
        if tail > _LARGEST_NOTE or size < len(start) + length:
            raise BadBackup
        file.seek(size)
        try:
            header, note = json.loads(told), file.read(tail).decode()
        except ValueError:
            raise BadBackup from None
        if not isinstance(header, dict) or not all(isinstance(v, str) for v in header.values()):
            raise BadBackup
        return cls(file, header, told, size, note)

    def verify(self, name: str, public: bytes) -> None:
        """Whether the line called ``name`` signed exactly these bytes: whole, unaltered, without
        anything being opened. Raises BadBackup."""
        running = hashlib.sha256()
        for piece in self._pieces(0):
            running.update(piece)
        self.verify_hash(name, public, running.digest())

    def verify_hash(self, name: str, public: bytes, found: bytes) -> None:
        if verify_note(NoteKey(name, public), self.note) != _claim(name, self.size, found):
            raise BadBackup

    def plain(self, seed: bytes, running: hashlib._Hash) -> Iterator[bytes]:
        """What is inside, piece by piece; ``running`` takes the hash of the sealed bytes. Each
        piece is authentic when it comes; that none is missing is known at the end only. Raises
        BadBackup."""
        to = _START + struct.pack(">I", len(self.told)) + self.told
        self.file.seek(len(to))
        try:
            first = self.file.read(1)
            sealed_key = first + self.file.read(scheme_of(first).enc_bytes + _FILE_KEY + _TAG)
            running.update(to + sealed_key)
            key = open_small(seed, fmt.BACKUP, self.told, _RECIPIENT, _EPOCH, sealed_key)
            decryptor = Cobblestone256Decryptor(key, _context(self.told))
            for piece in self._pieces(len(to) + len(sealed_key)):
                running.update(piece)
                yield decryptor.update(piece)
            yield decryptor.finalize()
        except (Damaged, InvalidTag, ValueError):
            raise BadBackup from None

    def _pieces(self, start: int) -> Iterator[bytes]:
        self.file.seek(start)
        left = self.size - start
        while left > 0:
            piece = self.file.read(min(left, _PIECE))
            if not piece:
                raise BadBackup
            left -= len(piece)
            yield piece


def _context(told: bytes) -> bytes:
    return fmt.BACKUP + bytes([SYMMETRIC]) + fmt.digest(told)


def _claim(name: str, size: int, found: bytes) -> str:
    # Not a tree's checkpoint: its first line is another name, so that neither poses as the other.
    return f"{name}\n{size}\n{base64.b64encode(found).decode()}\n"
