"""Recovery: the public half of the line's recovery key, signed like the directory of keys.

Every epoch seed is sealed to it besides to the members. Its seed is on five sheets of paper and
nowhere else (``vault.shares``). Signed, because whoever could put a key of their own in its place
would be given every later month of every queue.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.vault.directory import (
    PIN,
    SIGNATURE_BYTES,
    DirectoryKey,
    UntrustedDirectory,
    verify,
)
from hotline.vault.format import digest
from hotline.vault.keys import new_seed
from hotline.vault.private import public_bytes
from hotline.vault.shares import Sheet, Strangers, join, split

SEED_BYTES = 32
# Before the signed bytes, so that they can never pass for a directory, which is bare JSON.
_LABEL = b"hotline/recovery/1\0"


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """``public``: X-Wing's 1,216 bytes. ``set_number`` and the day ``made`` stand on the sheets.
    ``suite`` are the bytes of a seed before its 32 random ones, which alone are on the sheets."""

    public: bytes
    set_number: int
    made: str
    suite: bytes = b""

    @property
    def name(self) -> str:
        """Sixteen hex digits that name this key."""
        return digest(self.public)[:8].hex()

    def signed(self, signer: DirectoryKey) -> bytes:
        content = json.dumps(
            {
                "version": 1,
                "made": self.made,
                "set": self.set_number,
                "suite": self.suite.hex(),
                "public": base64.b64encode(self.public).decode(),
            },
            separators=(",", ":"),
        ).encode()
        return signer.sign(_LABEL + content) + content

    @classmethod
    def new(cls, day: str) -> tuple[RecoveryKey, tuple[Sheet, ...]]:
        """A key and its sheets. The seed ends here: the sheets are the only way to it."""
        seed = new_seed()
        sheets = split(seed[-SEED_BYTES:])
        return cls(public_bytes(seed), sheets[0].set_number, day, seed[:-SEED_BYTES]), sheets

    @classmethod
    def load(cls, folder: Path, record: bytes) -> RecoveryKey | None:
        """The key in a record signed by the directory key pinned in ``folder``; None when there is
        no record. Raises UntrustedDirectory."""
        if not record:
            return None
        signature, content = record[:SIGNATURE_BYTES], record[SIGNATURE_BYTES:]
        try:
            pin = (folder / PIN).read_bytes()
        except OSError:
            raise UntrustedDirectory from None
        verify(pin, _LABEL + content, signature)
        facts = json.loads(content)
        suite = bytes.fromhex(facts["suite"])
        return cls(base64.b64decode(facts["public"]), facts["set"], facts["made"], suite)

    def seed(self, sheets: Sequence[Sheet]) -> bytes:
        """The private half, from three sheets. Raises BadSheet."""
        seed = self.suite + join(sheets, self.set_number)
        if public_bytes(seed) != self.public:
            raise Strangers
        return seed
