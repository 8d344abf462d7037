"""Directory: the signed list of recipients' public keys, pinned by intake.

Two signatures, Ed25519 and ML-DSA-65, and both must hold: forging one of today's algorithms
tomorrow does not forge the list. The signing key is made at ``init``, printed nowhere, and may be
kept offline: intake only ever reads the list and the pin.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from hotline.errors import Unavailable
from hotline.vault.format import digest
from hotline.vault.seal import PublicKey

LIST = "directory.signed"
PIN = "directory.pin"
_ED_KEY, _ED_SIGNATURE, SIGNATURE_BYTES = 32, 64, 64 + 3309
_CONTEXT = b"hotline/directory/1"


class NoKey(Unavailable):
    """No signed key for a recipient and month: intake refuses rather than store in clear."""

    code = "no_recipient_key"
    hint = "The people who run the line must run 'hotline keys check' before it takes reports."


class UntrustedDirectory(NoKey):
    """The list is missing, altered, or signed by another key than the pinned one."""

    code = "untrusted_directory"


def write_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replaces a file at once and durably: a crash leaves the old one or the new one."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@dataclass(frozen=True, slots=True, repr=False)
class DirectoryKey:
    """The signing half, as one 64-byte seed: 32 for Ed25519, 32 for ML-DSA-65."""

    seed: bytes

    @classmethod
    def new(cls) -> DirectoryKey:
        return cls(os.urandom(64))

    def _pair(self) -> tuple[Ed25519PrivateKey, MLDSA65PrivateKey]:
        return (
            Ed25519PrivateKey.from_private_bytes(self.seed[:32]),
            MLDSA65PrivateKey.from_seed_bytes(self.seed[32:]),
        )

    def pin(self) -> bytes:
        classic, lattice = self._pair()
        return classic.public_key().public_bytes_raw() + lattice.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        classic, lattice = self._pair()
        return classic.sign(_CONTEXT + message) + lattice.sign(message, context=_CONTEXT)


def verify(pin: bytes, message: bytes, signature: bytes) -> None:
    """Raises UntrustedDirectory unless both signatures hold."""
    try:
        classic = Ed25519PublicKey.from_public_bytes(pin[:_ED_KEY])
        classic.verify(signature[:_ED_SIGNATURE], _CONTEXT + message)
        lattice = MLDSA65PublicKey.from_public_bytes(pin[_ED_KEY:])
        lattice.verify(signature[_ED_SIGNATURE:], message, context=_CONTEXT)
    except (InvalidSignature, ValueError):
        raise UntrustedDirectory from None


def publish(folder: Path, keys: Iterable[PublicKey], signer: DirectoryKey) -> None:
    """Writes the pin and the signed list. One file holds list and signature, so that a crash leaves
    the old list or the new one, never one without the other."""
    entries = sorted(
        ([k.recipient, k.epoch, base64.b64encode(k.raw).decode()] for k in keys),
    )
    content = json.dumps({"version": 1, "keys": entries}, separators=(",", ":")).encode()
    write_file(folder / PIN, signer.pin(), 0o644)
    write_file(folder / LIST, signer.sign(content) + content, 0o644)


@dataclass(frozen=True, slots=True)
class Directory:
    """Public keys by recipient and month. ``fingerprint`` is hex of SHA-256 of the pin."""

    keys: dict[tuple[str, str], bytes]
    fingerprint: str

    @classmethod
    def load(cls, folder: Path) -> Directory:
        """Reads and verifies. Raises UntrustedDirectory."""
        try:
            pin = (folder / PIN).read_bytes()
            signed = (folder / LIST).read_bytes()
        except OSError:
            raise UntrustedDirectory from None
        signature, content = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
        verify(pin, content, signature)
        entries = json.loads(content)["keys"]
        return cls(
            {(recipient, epoch): base64.b64decode(raw) for recipient, epoch, raw in entries},
            digest(pin).hex(),
        )

    def key(self, recipient: str, epoch: str) -> PublicKey:
        """Raises NoKey."""
        raw = self.keys.get((recipient, epoch))
        if raw is None:
            raise NoKey
        return PublicKey(recipient, epoch, raw)

    def recipients(self) -> frozenset[str]:
        return frozenset(recipient for recipient, _ in self.keys)

    def last_epoch(self, recipient: str) -> str:
        """The latest month for which the recipient has a key, or an empty string."""
        return max((epoch for name, epoch in self.keys if name == recipient), default="")
