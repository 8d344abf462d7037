"""Remember: what a test process need not work out twice, because the same comes out each time.

Every test has a line of its own, copied from one: the same passphrases under the same salts, the
same signed list of keys, the same templates. Working these out again was half of the time of a
journey and proved nothing new. Child processes start without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from hotline.vault import directory, keys, receipts


class Compiled(BytecodeCache):
    """Templates as code, by their name, place and source."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code
        self._known[bucket.key, bucket.checksum] = bucket.code


@lru_cache(maxsize=1024)
def _stretched(words: bytes, settings: tuple[tuple[str, Any], ...]) -> bytes:
    return Argon2id(**dict(settings)).derive(words)


@dataclass(frozen=True)
class Stretch:
    """Argon2id, with what it gave before for the same words, salt and cost."""

    settings: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, **settings: Any) -> Stretch:
        return cls(tuple(sorted(settings.items())))

    def derive(self, words: bytes) -> bytes:
        return _stretched(words, self.settings)

    def derive_into(self, words: bytes, buffer: bytearray) -> int:
        buffer[:] = found = self.derive(words)
        return len(found)


def remember(patch: pytest.MonkeyPatch) -> None:
    """Until ``patch`` is undone."""
    patch.setattr(Flask, "jinja_options", {"bytecode_cache": Compiled()})
    patch.setattr(keys, "Argon2id", Stretch.of)
    patch.setattr(receipts, "Argon2id", Stretch.of)
    # What is refused is not remembered: an exception is no result.
    patch.setattr(directory, "verify", lru_cache(maxsize=8)(directory.verify))
