"""Private: seeds become private keys, for as long as somebody works with them. Never in intake.

What is in memory cannot be hidden from who reads memory; what can be done is to keep it short. A
parsed key is made again for 0.1 ms, so one that was not used for a minute is let go, and all of
them when somebody signs out. The ``bytes`` of a seed cannot be overwritten in Python: the
processes run with an allocator that overwrites what is freed.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM1024PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM1024P384PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hotline.vault.format import KEY_BYTES, Damaged
from hotline.vault.suites import LARGE, X_WING, scheme_of

KEPT_SECONDS = 60.0
_KEPT_MOST = 64
_WIDTH = 1 + KEY_BYTES


def _x_wing(secret: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    # expandDecapsulationKey of draft-connolly-cfrg-xwing-kem: SHAKE-256, 64 + 32 bytes.
    expanded = hashlib.shake_256(secret).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )


def _large(secret: bytes) -> tuple[MLKEM1024PrivateKey, ec.EllipticCurvePrivateKey]:
    # MLKEM1024-P384 of draft-irtf-cfrg-concrete-hybrid-kems: SHAKE-256, 64 bytes, then 48-byte
    # candidates for the scalar. The first is not below the order once in 2^190: the library
    # refuses it then, and making the key fails before anything is sealed to it.
    expanded = hashlib.shake_256(secret).digest(112)
    return (
        MLKEM1024PrivateKey.from_seed_bytes(expanded[:64]),
        ec.derive_private_key(int.from_bytes(expanded[64:], "big"), ec.SECP384R1()),
    )


_HALVES: dict[int, Callable[[bytes], tuple[Any, Any]]] = {X_WING: _x_wing, LARGE: _large}
_JOIN: dict[int, Callable[[Any, Any], Any]] = {
    X_WING: MLKEM768X25519PrivateKey,
    LARGE: MLKEM1024P384PrivateKey,
}


def _halves(seed: bytes) -> tuple[int, Any, Any]:
    suite = scheme_of(seed).number
    if len(seed) != _WIDTH:
        raise Damaged
    return (suite, *_HALVES[suite](seed[1:]))


def public_bytes(seed: bytes) -> bytes:
    """The public key of a seed: suite byte, 1,216 bytes (132 µs); in suite 2 1,665."""
    suite, lattice, curve = _halves(seed)
    public = curve.public_key()
    if suite == X_WING:
        raw = public.public_bytes_raw()
    else:
        raw = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return b"".join((bytes([suite]), lattice.public_key().public_bytes_raw(), raw))


class _Kept:
    """Parsed private keys by seed, each for a minute after its last use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[bytes, tuple[float, Any]] = {}

    def get(self, seed: bytes) -> Any:
        now = time.monotonic()
        with self._lock:
            known = self._keys.pop(seed, None)
            while self._keys and (
                len(self._keys) >= _KEPT_MOST
                or now - next(iter(self._keys.values()))[0] > KEPT_SECONDS
            ):
                del self._keys[next(iter(self._keys))]
        if known is None or now - known[0] > KEPT_SECONDS:
            suite, lattice, curve = _halves(seed)
            known = (now, _JOIN[suite](lattice, curve))
        with self._lock:
            self._keys[seed] = (now, known[1])  # the last used is the last to go
        return known[1]

    def clear(self) -> None:
        with self._lock:
            self._keys.clear()

    def __len__(self) -> int:
        return len(self._keys)


_kept = _Kept()


def forget_parsed() -> None:
    """Lets go of every parsed private key of this process: somebody signed out."""
    _kept.clear()


def opened(seed: bytes, sealed: bytes, info: bytes) -> bytes:
    """What HPKE sealed to a seed's public key. Raises Damaged."""
    scheme = scheme_of(sealed)
    if scheme.number != seed[0]:
        raise Damaged
    try:
        return scheme.hpke.decrypt(sealed[1:], _kept.get(seed), info)
    except (InvalidTag, ValueError):
        raise Damaged from None
