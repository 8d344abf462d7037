"""Keys: private halves: seeds, wraps opened, person keys under a passphrase. Never in intake."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hotline.errors import HotlineError
from hotline.tips import Body, Wrap
from hotline.vault import format as fmt
from hotline.vault.format import KEY_BYTES, SYMMETRIC, Damaged, Kind
from hotline.vault.private import opened, public_bytes
from hotline.vault.seal import PublicKey, seal_small
from hotline.vault.small import seal, unseal
from hotline.vault.suites import X_WING

SHORTEST_PASSPHRASE = 15


class WeakPassphrase(HotlineError):
    """A passphrase shorter than 15 characters."""

    code = "weak_passphrase"
    status = 422
    message = "The passphrase is too short."
    hint = f"Use at least {SHORTEST_PASSPHRASE} characters: four or five words you can remember."


def new_seed(suite: int = X_WING) -> bytes:
    """A private key as it is kept: its suite's byte and 32 random ones. The library cannot store
    its private keys, a seed can be. A seed serves one suite only: the byte is part of it."""
    return bytes([suite]) + secrets.token_bytes(KEY_BYTES)


def open_body(key: bytes, body: Body) -> bytes:
    """The payload of a body. Raises Damaged; nothing is returned before the end is verified."""
    if not body.sealed or body.sealed[0] != SYMMETRIC:
        raise Damaged
    try:
        decryptor = Cobblestone256Decryptor(key, fmt.body_context(body.id, Kind(body.kind)))
        padded = decryptor.update(body.sealed[1:]) + decryptor.finalize()
    except (InvalidTag, ValueError):
        raise Damaged from None
    return fmt.unpad(padded)


def open_wrap(seed: bytes, wrap: Wrap, body: Body) -> bytes:
    """The tip key in a wrap; fails if the wrap belongs to another body, recipient or month."""
    return open_key(seed, replace(wrap, subject=body.id), fmt.digest(body.sealed))


def open_key(seed: bytes, wrap: Wrap, body_hash: bytes) -> bytes:
    """The same by the hash of the body, for who does not read it."""
    info = fmt.wrap_info(seed[0], wrap.subject, wrap.recipient, wrap.epoch, body_hash)
    return opened(seed, wrap.sealed, info)


def open_small(
    seed: bytes, label: bytes, subject: bytes, recipient: str, epoch: str, sealed: bytes
) -> bytes:
    """Inverse of ``seal.seal_small``."""
    info = fmt.small_info(seed[0], label, subject, recipient, epoch)
    return fmt.unpad(opened(seed, sealed, info))


@dataclass(frozen=True, slots=True, repr=False)
class PersonKey:
    """A person's own key at rest: opened only by the passphrase. No password hash exists: a
    passphrase is right when the seal opens."""

    public: bytes
    salt: bytes
    sealed: bytes


@contextmanager
def _kek(passphrase: str, salt: bytes) -> Iterator[bytearray]:
    """64 MiB, t = 3: 159 ms of one core; sign-in is limited to two at a time. Overwritten after
    use: one of the few secrets that Python lets us overwrite, since it is never a ``bytes``."""
    kdf = Argon2id(salt=salt, length=KEY_BYTES, iterations=3, lanes=1, memory_cost=64 * 1024)
    key = bytearray(KEY_BYTES)
    kdf.derive_into(passphrase.encode(), key)
    try:
        yield key
    finally:
        key[:] = bytes(KEY_BYTES)


def new_person(person: bytes, passphrase: str, seed: bytes | None = None) -> PersonKey:
    """A key pair under a passphrase of at least 15 characters."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise WeakPassphrase
    seed = seed or new_seed()
    salt = secrets.token_bytes(16)
    with _kek(passphrase, salt) as key:
        return PersonKey(public_bytes(seed), salt, seal(key, _mine(person), seed))


def open_person(person: bytes, key: PersonKey, passphrase: str) -> bytes | None:
    """The person's seed, or None when the passphrase is wrong.

    AES-GCM-SIV does not commit to its key, and here keys come from what people think of: a row
    could be made that opens under any of many passphrases, and each refused sign-in would cross
    off all of them. So the seed must also give the public key of the row, which it does for one
    passphrase only; and a public key that somebody exchanged is noticed when its owner signs in."""
    with _kek(passphrase, key.salt) as kek:
        try:
            seed = unseal(kek, _mine(person), key.sealed)
            return seed if public_bytes(seed) == key.public else None
        except Damaged:
            return None


def _mine(person: bytes) -> str:
    return f"person/{person.hex()}"


def grant(seed: bytes, recipient: str, epoch: str, person: bytes, public: bytes) -> bytes:
    """An epoch seed sealed to a member: what membership of a queue is, one row a month."""
    to = PublicKey(recipient, epoch, public)
    return seal_small(fmt.SEED, person, to, seed, 64)


def open_grant(own_seed: bytes, recipient: str, epoch: str, person: bytes, sealed: bytes) -> bytes:
    """The epoch seed a member was granted."""
    return open_small(own_seed, fmt.SEED, person, recipient, epoch, sealed)
