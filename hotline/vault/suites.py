"""Suites: which public-key primitives a sealed thing uses, by its first byte. Kept to two.

1 is what a line seals with: X-Wing (ML-KEM-768 with X25519), HKDF-SHA256, AES-256-GCM. Being a
hybrid it stands while either half stands, so no second suite is needed on the day one half falls.
2 is where to go then, because on that day only the other half is left: ML-KEM-1024 with P-384,
HKDF-SHA384, ChaCha20-Poly1305. It is slower and larger, and shares with 1 nothing but the kind of
lattice (at the largest size there is) and Keccak: another curve over another field, another hash,
another cipher. X-Wing with ChaCha20 alone would have been no refuge: what is likely to fall is a
KEM, and the bodies that AES would take with it are not wrapped in anything else.

There is no way to say "none", and a key names its own suite: nobody who can write to the database
or the wire can talk a sealer down to a weaker one, for sealers read suites from the signed list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey, MLKEM1024PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PublicKey,
    MLKEM1024P384PublicKey,
    Suite,
)

from hotline.vault.format import Damaged

X_WING, LARGE = 1, 2


@dataclass(frozen=True, slots=True)
class Scheme:
    """``public_bytes`` are a public key's without its suite byte, the first ``lattice`` of them
    ML-KEM's; ``enc_bytes`` what HPKE sets before the ciphertext."""

    number: int
    hpke: Suite
    lattice: int
    public_bytes: int
    enc_bytes: int
    join: Callable[[bytes, bytes], Any]


def _x_wing(lattice: bytes, curve: bytes) -> MLKEM768X25519PublicKey:
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(lattice), X25519PublicKey.from_public_bytes(curve)
    )


def _large(lattice: bytes, curve: bytes) -> MLKEM1024P384PublicKey:
    return MLKEM1024P384PublicKey(
        MLKEM1024PublicKey.from_public_bytes(lattice),
        EllipticCurvePublicKey.from_encoded_point(SECP384R1(), curve),
    )


SCHEMES = {
    scheme.number: scheme
    for scheme in (
        Scheme(
            X_WING,
            Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
            *(1184, 1184 + 32, 1088 + 32),
            _x_wing,
        ),
        Scheme(
            LARGE,
            Suite(KEM.MLKEM1024_P384, KDF.HKDF_SHA384, AEAD.CHACHA20_POLY1305),
            *(1568, 1568 + 97, 1568 + 97),
            _large,
        ),
    )
}


def scheme_of(blob: bytes) -> Scheme:
    """By the first byte of anything sealed, or of a key. Raises Damaged."""
    scheme = SCHEMES.get(blob[0]) if blob else None
    if scheme is None:
        raise Damaged
    return scheme


def parse_public(raw: bytes) -> tuple[Scheme, Any]:
    """A public key with its suite byte. Raises Damaged: the library checks that the lattice half
    is reduced and that a point of P-384 lies on the curve."""
    scheme, body = scheme_of(raw), raw[1:]
    if len(body) != scheme.public_bytes:
        raise Damaged
    try:
        return scheme, scheme.join(body[: scheme.lattice], body[scheme.lattice :])
    except (ValueError, UnsupportedAlgorithm):
        raise Damaged from None
