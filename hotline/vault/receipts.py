"""Receipts: the secret number with which a reporter comes back, and the keys it opens.

20 digits: 19 random (63 bits) and a Damm check digit. ``root = Argon2id(digits, pepper)`` at
19 MiB, t = 2 (OWASP's first choice; 28 ms here); from it a lookup id and a reply key pair. The
server keeps the lookup id and the public key; the pepper is a file outside the database and its
backups, so that a stolen database cannot be searched.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from hotline.tips import SealedReceipt
from hotline.vault import format as fmt
from hotline.vault.keys import new_seed, open_small
from hotline.vault.private import public_bytes
from hotline.vault.seal import PublicKey, seal_small
from hotline.vault.small import derive
from hotline.vault.suites import X_WING, scheme_of

DIGITS = 20
UNREADABLE = "0" * DIGITS  # no receipt: what cannot be read is looked for like any other
REPLY_BYTES = 4096
REPLY_SLOTS = 8
_SALT = b"hotline-receipts"
_EPOCH = "0000-00"  # reply keys belong to no month

# Damm's quasigroup of order 10 (H. Michael Damm, 2004): catches every single wrong digit and
# every swap of neighbours.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def damm(digits: str) -> int:
    """The interim digit: 0 for a number with its right check digit."""
    interim = 0
    for digit in digits:
        interim = int(_DAMM[interim][int(digit)])
    return interim


def new_code() -> str:
    """20 digits, the last one the check digit."""
    body = f"{secrets.randbelow(10 ** (DIGITS - 1)):0{DIGITS - 1}d}"
    return body + str(damm(body))


def grouped(code: str) -> str:
    """``12345678…`` as five groups of four."""
    return " ".join(code[i : i + 4] for i in range(0, DIGITS, 4))


def read_code(typed: str) -> str | None:
    """The 20 digits in what somebody typed, or None when there are not exactly 20 with a right
    check digit. Any spaces, dashes or full-width digits will do."""
    # isdecimal covers Arabic-Indic and full-width digits; int() reads them all.
    digits = "".join(str(int(ch)) for ch in typed[:200] if ch.isdecimal())
    return digits if len(digits) == DIGITS and damm(digits) == 0 else None


@dataclass(frozen=True, slots=True, repr=False)
class ReplyKeys:
    """What a receipt opens. ``secret`` is private and exists only while the reporter is here; each
    suite has a seed of its own, so a receipt from before a change of suite still opens."""

    lookup: bytes
    secret: bytes

    def seed(self, suite: int) -> bytes:
        """The reply key of a suite."""
        return bytes([suite]) + derive(self.secret, f"hotline/reply-key/{suite}")

    @property
    def public(self) -> bytes:
        return self.public_in(X_WING)

    def public_in(self, suite: int) -> bytes:
        """The half that the line keeps."""
        return public_bytes(self.seed(suite))


def stretch(code: str, pepper: bytes) -> ReplyKeys:
    """28 ms of one core. Releases the interpreter lock.

    One salt for all is what makes a number findable without a name; the pepper does a salt's work
    against whoever has the database and not the machine. With both in hand 63 bits at 28 ms each
    are left, which is why the digits are random and nobody chooses them."""
    root = Argon2id(
        salt=_SALT, length=32, iterations=2, lanes=1, memory_cost=19 * 1024, secret=pepper
    ).derive(code.encode())
    return ReplyKeys(derive(root, "hotline/lookup/1"), derive(root, "hotline/reply/1"))


def reply_key(lookup: bytes, raw: bytes) -> PublicKey:
    """The reporter as a recipient."""
    return PublicKey("reporter:" + lookup.hex(), _EPOCH, raw)


def place_receipt(lookup: bytes, raw: bytes, tip: bytes, queue: str) -> SealedReceipt:
    """The row of a receipt: its tip and current queue, sealed to the reply key."""
    payload = tip + queue.encode()
    sealed = seal_small(fmt.PLACED, lookup, reply_key(lookup, raw), payload, 128)
    return SealedReceipt(lookup, raw, sealed)


def find_tip(keys: ReplyKeys, row: SealedReceipt) -> tuple[bytes, str]:
    """Tip id and queue of a receipt row. Raises Damaged."""
    to = reply_key(keys.lookup, b"")
    seed = keys.seed(scheme_of(row.sealed).number)
    payload = open_small(seed, fmt.PLACED, row.lookup, to.recipient, _EPOCH, row.sealed)
    return payload[:16], payload[16:].decode()


def seal_reply(lookup: bytes, raw: bytes, slot: bytes, payload: bytes) -> bytes:
    """A message only the holder of the receipt can read; always of the same size."""
    return seal_small(fmt.REPLY, lookup + slot, reply_key(lookup, raw), payload, REPLY_BYTES)


def open_reply(keys: ReplyKeys, slot: bytes, sealed: bytes) -> bytes:
    """Inverse of ``seal_reply``. Raises Damaged."""
    to = reply_key(keys.lookup, b"")
    seed = keys.seed(scheme_of(sealed).number)
    return open_small(seed, fmt.REPLY, keys.lookup + slot, to.recipient, _EPOCH, sealed)


@lru_cache(maxsize=1)
def _decoy() -> tuple[bytes, bytes]:
    # Well sealed, to a key nobody has. Opening it goes through both key agreements and the cipher
    # and fails at the tag; a blob of zeros would fail at once, at X25519's all-zero check.
    lookup, slot = secrets.token_bytes(32), secrets.token_bytes(fmt.ID_BYTES)
    return slot, seal_reply(lookup, public_bytes(new_seed()), slot, bytes(REPLY_BYTES - 4))


def open_replies(keys: ReplyKeys, slots: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """What of ``(slot, sealed)`` opens. Eight are always tried, so that a number without answers
    costs what one with eight does."""
    opened = []
    for slot, sealed in [*slots, *[_decoy()] * (REPLY_SLOTS - len(slots))][:REPLY_SLOTS]:
        try:
            opened.append(open_reply(keys, slot, sealed))
        except fmt.Damaged:
            continue
    return opened
