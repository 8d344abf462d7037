"""Format: the bytes of everything sealed, with fixed widths, so that nothing can be glued.

Every blob and every key begins with a byte that says by what: a suite for what is sealed to a
public key (suites.py), ``SYMMETRIC`` for what is sealed under a key both sides have. What a blob is
bound to (HPKE's ``info``, Cobblestone's context, the associated data) begins with a label of 24
bytes of its own, repeats that byte, and holds nothing of variable length: names enter as SHA-256.
So two different sets of facts never give the same bytes, no blob opens as another kind of thing,
and changing the first byte to another valid one changes the binding too, and opens nothing.
"""

from __future__ import annotations

import hashlib
import struct
from enum import IntEnum

from hotline.errors import HotlineError

SYMMETRIC = 1  # Cobblestone-256 for bodies, AES-256-GCM-SIV for small things
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
    CARD = 8  # what is known of an attachment, and the key of its pages
    ANSWER = 9  # what a body said of a package, for it and for the desk


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
LOCAL = _label("hotline/local/1")
BACKUP = _label("hotline/backup/1")
SHIFT = _label("hotline/handover/1")


def digest(value: str | bytes) -> bytes:
    """SHA-256: turns a name of any length into a fixed-width binding."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()


def epoch_bytes(epoch: str) -> bytes:
    """``2026-11`` as the big-endian number 202611 in four bytes."""
    year, month = epoch.split("-")
    return struct.pack(">I", int(year) * 100 + int(month))


def body_context(subject: bytes, kind: Kind) -> bytes:
    """What a body is bound to: 24 + 1 + 16 + 1 bytes."""
    return BODY + bytes([SYMMETRIC]) + _exact(subject, ID_BYTES) + bytes([kind])


def wrap_info(suite: int, subject: bytes, recipient: str, epoch: str, body_hash: bytes) -> bytes:
    """What a wrapped key is bound to: 24 + 1 + 16 + 32 + 4 + 32 bytes.

    HPKE's ciphers do not commit to their key: who makes a wrap could make one that two recipients
    open to two different tip keys. The hash of the body is why that gains nothing. A body commits
    to its key (Cobblestone's 32 bytes), and the wrap opens for this very body only; so of two
    keys at most one opens it, and nobody can show two people two texts of one tip. They do see the
    same text or, one of them, an error."""
    return (
        WRAP
        + bytes([suite])
        + _exact(subject, ID_BYTES)
        + digest(recipient)
        + epoch_bytes(epoch)
        + _exact(body_hash, 32)
    )


def small_info(suite: int, label: bytes, subject: bytes, recipient: str, epoch: str) -> bytes:
    """What a small direct HPKE message is bound to: 24 + 1 + 32 + 32 + 4 bytes.

    Nothing commits to the key here, and nothing has to: each has one recipient, whose key is
    random, so there is no second opening to show and no set of likely keys to try at once. Where
    a key comes from twenty digits, whoever seals cannot aim at many numbers in one message: what
    a KEM gives for a key it was not made for is unknown to the sender."""
    return label + bytes([suite]) + digest(subject) + digest(recipient) + epoch_bytes(epoch)


def local_context(context: str) -> bytes:
    """What a thing under a symmetric key is bound to: 24 + 1 + 32 bytes."""
    return LOCAL + bytes([SYMMETRIC]) + digest(context)


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
    # Counted, not looked through one by one: a reporter's answers must not take longer to open.
    if length > len(padded) - 4 or padded.count(0, 4 + length) != len(padded) - 4 - length:
        raise Damaged
    return padded[4 : 4 + length]
