"""Attachments: a cleaned picture or document as two bodies: a small card, and its pages apart.

The card is sealed like what the tip says, and holds the key of the pages. So a tip that moves
takes its files along at no cost, a list of them opens without a picture, and a body that is sent
one file gets that file's key and never the tip's.
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from hotline.tips import Body, Redacted
from hotline.vault import format as fmt
from hotline.vault.format import Damaged, Kind
from hotline.vault.seal import seal_body
from hotline.vault.small import random_id, random_key

_COUNT = struct.Struct(">H")
_LENGTH = struct.Struct(">I")
_JPEG = b"\xff\xd8\xff"


class CleanFile(Protocol):
    """A file without what it carried beside what it shows. ``sound`` is empty for what has
    pages; ``thumbnail`` is a small, grey, blurred JPEG of the first."""

    @property
    def kind(self) -> str: ...
    @property
    def pages(self) -> tuple[bytes, ...]: ...
    @property
    def sound(self) -> bytes: ...
    @property
    def thumbnail(self) -> bytes: ...


@dataclass(frozen=True, slots=True, repr=False)
class Card(Redacted):
    """What is known of a file before anybody looks. ``id`` is the card's; ``kind`` image or
    document; ``pages`` how many; ``key`` opens the pages."""

    id: bytes
    kind: str
    pages: int
    thumbnail: bytes
    key: bytes

    def document(self) -> dict[str, Any]:
        """As JSON values, for the card itself and for what an agency is sent."""
        return {
            "id": self.id.hex(),
            "kind": self.kind,
            "pages": self.pages,
            "thumbnail": b64encode(self.thumbnail).decode(),
            "key": self.key.hex(),
        }

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Card:
        """Inverse of ``document``."""
        return cls(
            bytes.fromhex(raw["id"]),
            raw["kind"],
            raw["pages"],
            b64decode(raw["thumbnail"]),
            bytes.fromhex(raw["key"]),
        )


def pages_id(card: bytes) -> bytes:
    """The id of the pages: whoever has the card's id needs no list."""
    return fmt.digest(b"pages" + card)[: fmt.ID_BYTES]


def seal_file(key: bytes, tip: bytes, file: CleanFile) -> tuple[Body, Body]:
    """The card under ``key``, the pages under a key of their own."""
    card = Card(random_id(), file.kind, len(file.pages), file.thumbnail, random_key())
    payload = json.dumps({"version": 1, **card.document()}).encode()
    bound = join(file.pages)
    size = max(fmt.SMALLEST, fmt.padme(len(bound) + _LENGTH.size))
    return (
        seal_body(key, card.id, tip, Kind.CARD, payload),
        seal_body(card.key, pages_id(card.id), tip, Kind.ATTACHMENT, bound, size),
    )


def read_card(identity: bytes, payload: bytes) -> Card:
    """The card in an opened body, which alone says its id."""
    return replace(Card.read(json.loads(payload)), id=identity)


def join(pages: Sequence[bytes]) -> bytes:
    """``u16 count``, then ``u32 length | JPEG`` a page."""
    parts = [part for page in pages for part in (_LENGTH.pack(len(page)), page)]
    return _COUNT.pack(len(pages)) + b"".join(parts)


def page_of(payload: bytes, number: int) -> bytes:
    """Page ``number``, from 1. Raises Damaged: sealing needs no secret, so what comes out is
    believed to be a picture only when it begins like one."""
    at = _COUNT.size
    try:
        (count,) = _COUNT.unpack_from(payload)
        for _ in range(number - 1):
            at += _LENGTH.size + _LENGTH.unpack_from(payload, at)[0]
        (length,) = _LENGTH.unpack_from(payload, at)
    except struct.error:
        raise Damaged from None
    page = payload[at + _LENGTH.size : at + _LENGTH.size + length]
    if not 1 <= number <= count or len(page) != length:
        raise Damaged
    return picture(page)


def picture(data: bytes) -> bytes:
    """The same bytes, when they are a JPEG. Raises Damaged."""
    if not data.startswith(_JPEG):
        raise Damaged
    return data
