"""Keys: private halves: seeds, wraps opened, person keys under a passphrase. Never in intake."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from functools import lru_cache

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hotline.errors import HotlineError
from hotline.tips import Body, Wrap
from hotline.vault import format as fmt
from hotline.vault.format import SUITE, Damaged, Kind
from hotline.vault.seal import HPKE, PublicKey, seal_small

SHORTEST_PASSPHRASE = 15


class WeakPassphrase(HotlineError):
    """A passphrase shorter than 15 characters."""

    code = "weak_passphrase"
    status = 422
    message = "The passphrase is too short."
    hint = f"Use at least {SHORTEST_PASSPHRASE} characters: four or five words you can remember."


def new_seed() -> bytes:
    """X-Wing's 32-byte seed: the library cannot store its private keys, the seed can be."""
    return secrets.token_bytes(32)


def _halves(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    # expandDecapsulationKey of draft-connolly-cfrg-xwing-kem: SHAKE-256, 64 + 32 bytes.
    expanded = hashlib.shake_256(seed).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )


def public_bytes(seed: bytes) -> bytes:
    """The 1,216 public bytes of a seed (132 µs)."""
    kem, curve = _halves(seed)
    return kem.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()


@lru_cache(maxsize=64)
def _private(seed: bytes) -> MLKEM768X25519PrivateKey:
    return MLKEM768X25519PrivateKey(*_halves(seed))


def _decrypt(seed: bytes, sealed: bytes, info: bytes) -> bytes:
    if not sealed or sealed[0] != SUITE:
        raise Damaged
    try:
        return HPKE.decrypt(sealed[1:], _private(seed), info)
    except (InvalidTag, ValueError):
        raise Damaged from None


def open_body(key: bytes, body: Body) -> bytes:
    """The payload of a body. Raises Damaged; nothing is returned before the end is verified."""
    if not body.sealed or body.sealed[0] != SUITE:
        raise Damaged
    try:
        decryptor = Cobblestone256Decryptor(key, fmt.body_context(body.id, Kind(body.kind)))
        padded = decryptor.update(body.sealed[1:]) + decryptor.finalize()
    except (InvalidTag, ValueError):
        raise Damaged from None
    return fmt.unpad(padded)


def open_wrap(seed: bytes, wrap: Wrap, body: Body) -> bytes:
    """The tip key in a wrap; fails if the wrap belongs to another body, recipient or month."""
    info = fmt.wrap_info(body.id, wrap.recipient, wrap.epoch, fmt.digest(body.sealed))
    return _decrypt(seed, wrap.sealed, info)


def open_small(
    seed: bytes, label: bytes, subject: bytes, recipient: str, epoch: str, sealed: bytes
) -> bytes:
    """Inverse of ``seal.seal_small``."""
    info = fmt.small_info(label, subject, recipient, epoch)
    return fmt.unpad(_decrypt(seed, sealed, info))


@dataclass(frozen=True, slots=True, repr=False)
class PersonKey:
    """A person's own key at rest: opened only by the passphrase. No password hash exists: a
    passphrase is right when the seal opens."""

    public: bytes
    salt: bytes
    sealed: bytes


def _kek(passphrase: str, salt: bytes) -> bytes:
    # 64 MiB, t = 3 (DESIGN §9): 159 ms of one core; sign-in is limited to two at a time.
    return Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=64 * 1024).derive(
        passphrase.encode()
    )


def new_person(person: bytes, passphrase: str, seed: bytes | None = None) -> PersonKey:
    """A key pair under a passphrase of at least 15 characters."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise WeakPassphrase
    seed = seed or new_seed()
    salt = secrets.token_bytes(16)
    nonce = secrets.token_bytes(12)
    sealed = AESGCMSIV(_kek(passphrase, salt)).encrypt(nonce, seed, fmt.PERSON + person)
    return PersonKey(public_bytes(seed), salt, nonce + sealed)


def open_person(person: bytes, key: PersonKey, passphrase: str) -> bytes | None:
    """The person's seed, or None when the passphrase is wrong."""
    try:
        return AESGCMSIV(_kek(passphrase, key.salt)).decrypt(
            key.sealed[:12], key.sealed[12:], fmt.PERSON + person
        )
    except InvalidTag:
        return None


def grant(seed: bytes, recipient: str, epoch: str, person: bytes, public: bytes) -> bytes:
    """An epoch seed sealed to a member: what membership of a queue is, one row a month."""
    to = PublicKey(recipient, epoch, public)
    return seal_small(fmt.SEED, person, to, seed, 64)


def open_grant(own_seed: bytes, recipient: str, epoch: str, person: bytes, sealed: bytes) -> bytes:
    """The epoch seed a member was granted."""
    return open_small(own_seed, fmt.SEED, person, recipient, epoch, sealed)
