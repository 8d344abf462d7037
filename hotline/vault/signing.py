"""Signing: Ed25519 for the audit tree's checkpoints (C2SP signed-note v1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = b"\x01"  # Ed25519 in C2SP signed-note
LONGEST_NOTE = 100_000  # bytes; room for sixteen signatures of other kinds, as the format asks
_NAME = re.compile(r"[^\s+]+")
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


def new_signer() -> bytes:
    """A 32-byte Ed25519 seed."""
    return os.urandom(32)


def public_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign_bytes(seed: bytes, message: bytes) -> bytes:
    """64 bytes. The message begins with a label of its own: no signature is of two things."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def signed_bytes(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that name a key in a signed note."""
    return hashlib.sha256(name.encode() + b"\n" + ALGORITHM + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class NoteKey:
    """The public half of who signs notes, with the name it signs by."""

    name: str
    public: bytes

    @classmethod
    def of(cls, name: str, seed: bytes) -> NoteKey:
        return cls(name, public_of(seed))

    def __str__(self) -> str:
        """``name+id+key``, as Go's golang.org/x/mod/sumdb/note writes verifier keys."""
        encoded = base64.b64encode(ALGORITHM + self.public).decode()
        return f"{self.name}+{key_id(self.name, self.public).hex()}+{encoded}"

    @classmethod
    def read(cls, text: str) -> NoteKey | None:
        """The key in such a line, or None."""
        name, _, rest = text.strip().partition("+")
        named, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        if raw is None or len(raw) != 33 or raw[:1] != ALGORITHM or not _NAME.fullmatch(name):
            return None
        return cls(name, raw[1:]) if named == key_id(name, raw[1:]).hex() else None


def sign_note(name: str, seed: bytes, text: str) -> str:
    """``text`` (ending in a newline) with its signature line, as C2SP signed-note."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    blob = base64.b64encode(key_id(name, public_of(seed)) + signature).decode()
    return f"{text}\n— {name} {blob}\n"


def verify_note(key: NoteKey, note: str) -> str | None:
    """The signed text, or None when ``key`` did not sign it. Signatures of others (witnesses add
    theirs) are ignored, as the format demands; one of ``key`` that fails condemns the note."""
    text, found, tail = note.rpartition("\n\n")
    text += "\n"
    if not found or len(note) > LONGEST_NOTE or not tail.endswith("\n"):
        return None
    if any(ord(char) < 0x20 and char != "\n" for char in note):
        return None
    signed = False
    for line in tail[:-1].split("\n"):
        parts = _LINE.fullmatch(line)
        blob = _decoded(parts[2]) if parts else None
        if parts is None or blob is None or len(blob) < 5:
            return None
        if parts[1] != key.name or blob[:4] != key_id(key.name, key.public):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(blob[4:], text.encode())
        except (InvalidSignature, ValueError):
            return None
        signed = True
    return text if signed else None


def _decoded(encoded: str) -> bytes | None:
    """Standard base64 in its one canonical spelling, or None."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode() == encoded else None
