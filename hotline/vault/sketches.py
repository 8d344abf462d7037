"""Sketches: what is kept to tell similar tips, sealed under a key that only members' sessions have.

A sketch is sealed as a whole, with a random nonce and of one size, under a key that comes from the
private seed of its queue's month. Whoever has the database alone sees noise: no word to try, no
two rows that agree in a part, so no graph of similar tips. Intake has no seed at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from hotline.vault.format import SYMMETRIC, local_context
from hotline.vault.small import NONCE, derive, seal

LABEL = "hotline/sketch/1"


def sketch_key(seed: bytes) -> bytes:
    """The key of a queue's month, from its seed."""
    return derive(seed, LABEL)


def seal_sketch(key: bytes, tip: bytes, payload: bytes) -> bytes:
    """Bound to its tip: a sketch moved to another opens nothing. The caller keeps one size."""
    return seal(key, _context(tip), payload)


def open_sketches(keys: Sequence[bytes], sealed: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Of each ``(tip, sealed)`` what is in it by the first of ``keys`` that opens it, or nothing.
    As ``small.unseal``, with the ciphers made once: a queue has 20,000."""
    ciphers, found = [AESGCMSIV(key) for key in keys], []
    for tip, blob in sealed:
        nonce, body, bound = blob[1 : 1 + NONCE], blob[1 + NONCE :], local_context(_context(tip))
        opened = b""
        for cipher in ciphers if blob[:1] == bytes([SYMMETRIC]) else ():
            try:
                opened = cipher.decrypt(nonce, body, bound)
                break
            except (InvalidTag, ValueError):
                continue
        found.append(opened)
    return found


def _context(tip: bytes) -> str:
    return f"sketch/{tip.hex()}"
