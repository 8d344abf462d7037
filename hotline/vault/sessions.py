"""Sessions: a signed-in person's seed, split between the server's row and the cookie.

The row holds the seed sealed under a key derived from the cookie; the cookie is nowhere on the
server. Neither database nor Redis opens anything alone.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from hotline.vault.format import KEY_BYTES, Damaged
from hotline.vault.small import derive, random_key, seal, unseal


@dataclass(frozen=True, slots=True, repr=False)
class Cookie:
    """32 random bytes that the browser keeps; ``id`` names the row, ``key`` opens it."""

    secret: bytes

    @classmethod
    def new(cls) -> Cookie:
        return cls(random_key())

    @classmethod
    def parse(cls, value: str) -> Cookie | None:
        try:
            secret = base64.urlsafe_b64decode(value + "=")
        except (binascii.Error, ValueError):
            return None
        return cls(secret) if len(secret) == KEY_BYTES else None

    @property
    def value(self) -> str:
        return base64.urlsafe_b64encode(self.secret).decode().rstrip("=")

    @property
    def id(self) -> bytes:
        return derive(self.secret, "hotline/session-id/1")

    @property
    def form_token(self) -> str:
        """A second secret for the forms of this session (cross-site posts lack it)."""
        return derive(self.secret, "hotline/form-token/1").hex()

    def hide(self, seed: bytes, person: bytes) -> bytes:
        """Bound to the person: who may write to the database cannot lend their own session the
        name, and with it the roles, of another."""
        key = derive(self.secret, "hotline/session-key/1")
        return seal(key, f"session/{person.hex()}", seed)

    def reveal(self, sealed: bytes, person: bytes) -> bytes | None:
        key = derive(self.secret, "hotline/session-key/1")
        try:
            return unseal(key, f"session/{person.hex()}", sealed)
        except Damaged:
            return None
