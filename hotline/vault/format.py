"""Format: the bytes of everything sealed, with fixed widths, so that nothing can be glued.

Suite 1 (the first byte of every blob): bodies in C2SP chunked encryption (Cobblestone-256,
key-committing), keys by HPKE base mode with X-Wing (draft-connolly-cfrg-xwing-kem), HKDF-SHA256
and AES-256-GCM. A new suite gets a new byte; old blobs stay readable.
"""

from __future__ import annotations

import hashlib
import struct
from enum import IntEnum

from hotline.errors import HotlineError

SUITE = 1
ID_BYTES = 16
KEY_BYTES = 32
SMALLEST = 2048


class Kind(IntEnum):
    """What a sealed body holds. Part of its binding: a note cannot pose as a tip."""

    TIP = 1
    SUPPLEMENT = 2
    ATTACHMENT = 3
    RECORDING = 4
    PACKAGE = 5
    NOTE = 6
    SUMMARY = 7  # the tip as it stood after a later answer


class Damaged(HotlineError):
    """A blob does not open: wrong key, moved, cut, glued or of an unknown suite."""

    code = "damaged"
    status = 500
    message = "A sealed record does not open."
    hint = "Run 'hotline doctor'; the record may belong to another month's key."


def _label(text: str) -> bytes:
    return text.encode().ljust(24, b"\0")


BODY = _label("hotline/body/1")
WRAP = _label("hotline/wrap/1")
SMALL = _label("hotline/small/1")
REPLY = _label("hotline/reply/1")
PLACED = _label("hotline/receipt/1")
COUNT = _label("hotline/observation/1")
SEED = _label("hotline/epoch-seed/1")
PERSON = _label("hotline/person/1")


def digest(value: str | bytes) -> bytes:
    """SHA-256: turns a name of any length into a fixed-width binding."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()


def epoch_bytes(epoch: str) -> bytes:
    """``2026-11`` as the big-endian number 202611 in four bytes."""
    year, month = epoch.split("-")
    return struct.pack(">I", int(year) * 100 + int(month))


def body_context(subject: bytes, kind: Kind) -> bytes:
    """What a body is bound to: 24 + 1 + 16 + 1 bytes."""
    return BODY + bytes([SUITE]) + _exact(subject, ID_BYTES) + bytes([kind])


def wrap_info(subject: bytes, recipient: str, epoch: str, body_hash: bytes) -> bytes:
    """What a wrapped key is bound to: 24 + 1 + 16 + 32 + 4 + 32 bytes."""
    return (
        WRAP
        + bytes([SUITE])
        + _exact(subject, ID_BYTES)
        + digest(recipient)
        + epoch_bytes(epoch)
        + _exact(body_hash, 32)
    )


def small_info(label: bytes, subject: bytes, recipient: str, epoch: str) -> bytes:
    """What a small direct HPKE message is bound to: 24 + 1 + 32 + 32 + 4 bytes."""
    return label + bytes([SUITE]) + digest(subject) + digest(recipient) + epoch_bytes(epoch)


def _exact(value: bytes, width: int) -> bytes:
    if len(value) != width:
        raise ValueError("a binding has the wrong width")
    return value


def pad(payload: bytes, size: int | None = None) -> bytes:
    """``u32 length | payload | zeros`` to ``size``, or to 2 KiB, 4 KiB, 8 KiB, … (DESIGN §9).

    Buckets, not random padding: random padding averages out over many tips."""
    need = len(payload) + 4
    if size is None:
        size = SMALLEST
        while size < need:
            size *= 2
    if need > size:
        raise ValueError("the payload does not fit its fixed size")
    return struct.pack(">I", len(payload)) + payload + bytes(size - need)


def padme(length: int) -> int:
    """Size bucket for attachments (Padmé: at most 12 % overhead, log log leakage)."""
    if length < 2:
        return 2
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << max(low_bits, 0)) - 1
    return (length + mask) & ~mask


def unpad(padded: bytes) -> bytes:
    """Inverse of ``pad``; raises Damaged when the frame is wrong."""
    if len(padded) < 4:
        raise Damaged
    (length,) = struct.unpack(">I", padded[:4])
    if length > len(padded) - 4 or any(padded[4 + length :]):
        raise Damaged
    return padded[4 : 4 + length]
