"""Seal: everything that needs public keys only. Intake imports this and nothing private."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.cobblestone import Cobblestone256Encryptor
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from hotline.tips import Body, Wrap
from hotline.vault import format as fmt
from hotline.vault.format import SUITE, Kind

PUBLIC_KEY_BYTES = 1216
_MLKEM_BYTES = 1184

HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One recipient's key of one month. ``raw`` is X-Wing's 1,216 bytes."""

    recipient: str
    epoch: str
    raw: bytes


def key_name(raw: bytes) -> bytes:
    """Eight bytes that name a public key where several of one month stand side by side."""
    return fmt.digest(raw)[:8]


@lru_cache(maxsize=4096)
def load_public(raw: bytes) -> MLKEM768X25519PublicKey:
    """Parses X-Wing's public bytes (26 µs; hence the cache)."""
    if len(raw) != PUBLIC_KEY_BYTES:
        raise fmt.Damaged
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_BYTES]),
        X25519PublicKey.from_public_bytes(raw[_MLKEM_BYTES:]),
    )


def seal_body(
    key: bytes, subject: bytes, tip: bytes, kind: Kind, payload: bytes, size: int | None = None
) -> Body:
    """Pads and encrypts ``payload`` under a tip key.

    One key may seal several bodies: Cobblestone derives a fresh key a message from a random
    24-byte salt, and ``subject`` and ``kind`` are in its context."""
    encryptor = Cobblestone256Encryptor(key, fmt.body_context(subject, kind))
    sealed = encryptor.update(fmt.pad(payload, size)) + encryptor.finalize()
    return Body(subject, tip, int(kind), bytes([SUITE]) + sealed)


def wrap_key(key: bytes, subject: bytes, body_hash: bytes, recipient: PublicKey) -> Wrap:
    """Seals a tip key to one recipient, bound to the ciphertext it opens.

    HPKE does not say who sealed: whether a tip is genuine rests on the audit tree."""
    info = fmt.wrap_info(subject, recipient.recipient, recipient.epoch, body_hash)
    sealed = HPKE.encrypt(key, load_public(recipient.raw), info)
    return Wrap(subject, recipient.recipient, recipient.epoch, bytes([SUITE]) + sealed)


def seal_small(
    label: bytes, subject: bytes, recipient: PublicKey, payload: bytes, size: int
) -> bytes:
    """A short message of fixed ``size`` straight to a key: observations, worker payloads,
    replies, receipts. 1,137 bytes longer than ``size``."""
    info = fmt.small_info(label, subject, recipient.recipient, recipient.epoch)
    return bytes([SUITE]) + HPKE.encrypt(fmt.pad(payload, size), load_public(recipient.raw), info)
