"""Seal: everything that needs public keys only. Intake imports this and nothing private."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.cobblestone import Cobblestone256Encryptor

from hotline.tips import Body, Wrap
from hotline.vault import format as fmt
from hotline.vault.format import SYMMETRIC, Kind
from hotline.vault.suites import Scheme, parse_public


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One recipient's key of one month. ``raw`` is its suite's byte, then the public bytes."""

    recipient: str
    epoch: str
    raw: bytes


def key_name(raw: bytes) -> bytes:
    """Eight bytes that name a public key where several of one month stand side by side."""
    return fmt.digest(raw)[:8]


@lru_cache(maxsize=4096)
def load_public(raw: bytes) -> tuple[Scheme, Any]:
    """Parses a public key (26 µs, 90 µs in suite 2; hence the cache). Raises Damaged."""
    return parse_public(raw)


def seal_body(
    key: bytes, subject: bytes, tip: bytes, kind: Kind, payload: bytes, size: int | None = None
) -> Body:
    """Pads and encrypts ``payload`` under a tip key.

    One key may seal several bodies: Cobblestone derives a fresh key a message from a random
    24-byte salt, and ``subject`` and ``kind`` are in its context. 2^32 bodies under one key would
    repeat a salt with probability 2^-129; a tip has tens."""
    encryptor = Cobblestone256Encryptor(key, fmt.body_context(subject, kind))
    sealed = encryptor.update(fmt.pad(payload, size)) + encryptor.finalize()
    return Body(subject, tip, int(kind), bytes([SYMMETRIC]) + sealed)


def wrap_key(key: bytes, subject: bytes, body_hash: bytes, recipient: PublicKey) -> Wrap:
    """Seals a tip key to one recipient, bound to the ciphertext it opens.

    HPKE does not say who sealed: whoever writes to the database can put a tip of their own there,
    or, having read one, another text under its key. What they cannot do is read, move or shorten
    one. Whether a tip is genuine rests on the audit tree."""
    scheme, public = load_public(recipient.raw)
    info = fmt.wrap_info(scheme.number, subject, recipient.recipient, recipient.epoch, body_hash)
    sealed = scheme.hpke.encrypt(key, public, info)
    return Wrap(subject, recipient.recipient, recipient.epoch, bytes([scheme.number]) + sealed)


def seal_small(
    label: bytes, subject: bytes, recipient: PublicKey, payload: bytes, size: int
) -> bytes:
    """A short message of fixed ``size`` straight to a key: observations, worker payloads,
    replies, receipts. 1,137 bytes longer than ``size``, in suite 2 1,682."""
    scheme, public = load_public(recipient.raw)
    info = fmt.small_info(scheme.number, label, subject, recipient.recipient, recipient.epoch)
    sealed = scheme.hpke.encrypt(fmt.pad(payload, size), public, info)
    return bytes([scheme.number]) + sealed
