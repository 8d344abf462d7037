"""Small: what is sealed under a symmetric key: a person's key, sessions, marks, form fields.

AES-256-GCM-SIV, because keys of form fields and conversations seal many things for hours: with
random nonces of 12 bytes plain GCM would be safe for 2^32 messages a key and broken by one repeated
nonce; here a repeat shows only that two plaintexts were equal.
"""

from __future__ import annotations

import hmac
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hotline.vault.format import KEY_BYTES, SYMMETRIC, Damaged, local_context

NONCE = 12


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
    """A 32-byte sub-key of a uniformly random ``key``. Keys that differ only by zeros at their end
    give the same (HMAC's padding): whoever takes a key from outside checks its length."""
    return HKDFExpand(SHA256(), KEY_BYTES, label.encode()).derive(key)


def seal(key: bytes | bytearray, context: str, plaintext: bytes) -> bytes:
    """``01``, a random nonce, ciphertext; bound to ``context``. 29 bytes longer."""
    nonce = secrets.token_bytes(NONCE)
    sealed = AESGCMSIV(key).encrypt(nonce, plaintext, local_context(context))
    return bytes([SYMMETRIC]) + nonce + sealed


def unseal(key: bytes | bytearray, context: str, sealed: bytes) -> bytes:
    """Inverse of ``seal``; raises Damaged."""
    if not sealed or sealed[0] != SYMMETRIC:
        raise Damaged
    nonce, body = sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
    try:
        return AESGCMSIV(key).decrypt(nonce, body, local_context(context))
    except (InvalidTag, ValueError):
        raise Damaged from None


def same(left: bytes, right: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(left, right)
