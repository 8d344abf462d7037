"""Directory: the signed list of recipients' public keys, pinned by intake.

Two signatures, Ed25519 and ML-DSA-65, and both must hold: forging one of today's algorithms
tomorrow does not forge the list. The signing key is made at ``init``, printed nowhere, and may be
kept offline: intake only ever reads the list and the pin.

A good signature is not enough: an old list is signed too, and holds keys that somebody who left may
have copied. So each list has a serial number one above the last. Who reads one remembers the
highest number in a file beside it, the staff's process in the database as well, and refuses a lower
one: an old list comes back only together with an old file and an old database. And each list ends
with the last month it has keys for: after it nothing is sealed, even to a key of no month.

Agencies that hold their own key sign what they ask of the line: the keys that verify it stand in
the same list, so that whoever can write to the database cannot speak for an agency.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from hotline.errors import Unavailable
from hotline.vault.format import digest
from hotline.vault.seal import PublicKey
from hotline.vault.suites import X_WING

LIST = "directory.signed"
PIN = "directory.pin"
SEEN = "directory.seen"
HELD = "0000-00"  # the month of a key that an agency holds itself: valid until it is replaced
_ED_KEY, _ED_SIGNATURE, SIGNATURE_BYTES = 32, 64, 64 + 3309
_CONTEXT = b"hotline/directory/1"


class NoKey(Unavailable):
    """No signed key for a recipient and month: intake refuses rather than store in clear."""

    code = "no_recipient_key"
    hint = "The people who run the line must run 'hotline keys check' before it takes reports."


class UntrustedDirectory(NoKey):
    """The list is missing, altered, or signed by another key than the pinned one."""

    code = "untrusted_directory"


class OldDirectory(UntrustedDirectory):
    """A list with a lower serial number than one seen here before: somebody put an old one back."""

    code = "old_directory"
    hint = "Put the newest directory.signed back; if this home was restored, restore all of it."


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


def publish(
    folder: Path,
    keys: Iterable[PublicKey],
    signer: DirectoryKey,
    *,
    serial: int = 1,
    suite: int = X_WING,
    signers: Mapping[str, bytes] | None = None,
) -> None:
    """Writes the pin and the signed list. One file holds list and signature, so that a crash leaves
    the old list or the new one, never one without the other. ``suite`` is what new keys are made
    in: receipts and the months to come; ``signers`` are agencies' Ed25519 keys."""
    named = {name: base64.b64encode(raw).decode() for name, raw in sorted((signers or {}).items())}
    entries = sorted(
        ([k.recipient, k.epoch, base64.b64encode(k.raw).decode()] for k in keys),
    )
    document = {
        "version": 1,
        "serial": serial,
        "expires": max((epoch for _, epoch, _ in entries), default=""),
        "suite": suite,
        "keys": entries,
        **({"signers": named} if named else {}),
    }
    content = json.dumps(document, separators=(",", ":")).encode()
    write_file(folder / PIN, signer.pin(), 0o644)
    write_file(folder / LIST, signer.sign(content) + content, 0o644)


@dataclass(frozen=True, slots=True)
class Directory:
    """Public keys by recipient and month. ``fingerprint`` is hex of SHA-256 of the pin; ``expires``
    the last month in which anything may be sealed by this list."""

    keys: dict[tuple[str, str], bytes]
    fingerprint: str
    serial: int
    expires: str
    suite: int
    signers: Mapping[str, bytes] = field(default_factory=dict)
    _last: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        months = sorted((epoch, name) for name, epoch in self.keys if epoch != HELD)
        object.__setattr__(self, "_last", {name: epoch for epoch, name in months})

    @classmethod
    def load(cls, folder: Path) -> Directory:
        """Reads, verifies, and remembers the serial number. Raises UntrustedDirectory,
        OldDirectory."""
        try:
            pin = (folder / PIN).read_bytes()
            signed = (folder / LIST).read_bytes()
        except OSError:
            raise UntrustedDirectory from None
        signature, content = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
        verify(pin, content, signature)
        document = json.loads(content)
        _remember(folder, document["serial"])
        return cls(
            {(name, epoch): base64.b64decode(raw) for name, epoch, raw in document["keys"]},
            digest(pin).hex(),
            document["serial"],
            document["expires"],
            document["suite"],
            {n: base64.b64decode(raw) for n, raw in document.get("signers", {}).items()},
        )

    def key(self, recipient: str, epoch: str) -> PublicKey:
        """The key to seal to in a month: the recipient's own, where it holds one itself. Raises
        NoKey, also for a month after the list's last."""
        if epoch > self.expires:
            raise NoKey
        for month in (HELD, epoch):
            if (raw := self.keys.get((recipient, month))) is not None:
                return PublicKey(recipient, month, raw)
        raise NoKey

    def held(self, recipient: str) -> bool:
        """Whether the recipient alone has the private half."""
        return (recipient, HELD) in self.keys

    def recipients(self) -> frozenset[str]:
        return frozenset(recipient for recipient, _ in self.keys)

    def last_epoch(self, recipient: str) -> str:
        """The latest month for which the recipient has a key, or an empty string."""
        return self._last.get(recipient, "")


def _remember(folder: Path, serial: int) -> None:
    """Only ever upwards. What cannot be read or written counts as an attack, not as a first time:
    the file is made with the first list, and whoever can remove it could change this program."""
    file = folder / SEEN
    try:
        seen = int(file.read_text()) if file.exists() else 0
        if seen > serial:
            raise OldDirectory
        if seen < serial:
            with suppress(FileNotFoundError):  # another process has just written the same
                write_file(file, str(serial).encode(), 0o644)
    except (OSError, ValueError):
        raise UntrustedDirectory from None
