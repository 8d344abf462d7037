"""Small: symmetric keys for things that live hours: marks, sessions, form fields, cookies."""

from __future__ import annotations

import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hotline.vault.format import KEY_BYTES, Damaged

_NONCE = 12


def random_key() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def random_id() -> bytes:
    """16 random bytes: no time order, nothing to count."""
    return os.urandom(16)


def mac(key: bytes, *parts: str | bytes) -> bytes:
    """HMAC-SHA-256 over length-prefixed parts: 32 bytes."""
    framed = bytearray()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        framed += len(raw).to_bytes(4, "big") + raw
    return hmac.digest(key, bytes(framed), "sha256")


def derive(key: bytes, label: str) -> bytes:
    """A 32-byte sub-key of a uniformly random ``key``."""
    return HKDFExpand(SHA256(), KEY_BYTES, label.encode()).derive(key)


def seal(key: bytes, context: str, plaintext: bytes) -> bytes:
    """AES-256-GCM-SIV under a random nonce, bound to ``context``. 28 bytes longer."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCMSIV(key).encrypt(nonce, plaintext, context.encode())


def unseal(key: bytes, context: str, sealed: bytes) -> bytes:
    """Inverse of ``seal``; raises Damaged."""
    try:
        return AESGCMSIV(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError):
        raise Damaged from None


def same(left: bytes, right: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(left, right)
