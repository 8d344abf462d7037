"""Signing: Ed25519 for the audit tree's checkpoints (C2SP signed notes)."""

from __future__ import annotations

import base64
import hashlib
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = b"\x01"  # Ed25519 in C2SP signed-note


def new_signer() -> bytes:
    """A 32-byte Ed25519 seed."""
    return os.urandom(32)


def public_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes that name a key in a signed note."""
    return hashlib.sha256(name.encode() + b"\n" + ALGORITHM + public).digest()[:4]


def sign_note(name: str, seed: bytes, text: str) -> str:
    """``text`` (ending in a newline) with its signature line, as C2SP signed-note."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    blob = base64.b64encode(key_id(name, public_of(seed)) + signature).decode()
    return f"{text}\n— {name} {blob}\n"


def verify_note(name: str, public: bytes, note: str) -> str | None:
    """The signed text, or None when the signature of ``name`` does not hold."""
    text, found, tail = note.rpartition("\n— " + name + " ")
    if not found:
        return None
    try:
        blob = base64.b64decode(tail.strip(), validate=True)
        if blob[:4] != key_id(name, public):
            return None
        Ed25519PublicKey.from_public_bytes(public).verify(blob[4:], text.encode())
    except (InvalidSignature, ValueError):
        return None
    return text
