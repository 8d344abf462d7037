"""Outcome: what a file has become, and the frame in which the child hands it over.

The frame is a code word and parts, each after its length in four bytes. The parent believes nothing
of it: see ``cleaning``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A file without what it carried beside what it shows.

    ``pages`` are encoded images: one of a picture, one a page of a PDF, none of a sound.
    ``media_type`` is that of the pages or of the sound. ``thumbnail`` is a small, grey, blurred
    JPEG of the first page, to be shown before anybody chooses to look.
    """

    kind: Literal["image", "document", "sound"]
    pages: tuple[bytes, ...]
    sound: bytes = b""
    media_type: str = "image/jpeg"
    thumbnail: bytes = b""


def framed(parts: Sequence[bytes]) -> bytes:
    """The parts as one string of bytes."""
    return b"".join(LENGTH.pack(len(part)) + part for part in parts)


def unframed(data: bytes) -> list[bytes]:
    """The parts again. Raises ValueError when a length is not that of what follows."""
    parts, at = [], 0
    while at < len(data):
        start = at + LENGTH.size
        if start > len(data):
            raise ValueError("cut within a length")
        at = start + LENGTH.unpack_from(data, at)[0]
        if at > len(data):
            raise ValueError("cut within a part")
        parts.append(data[start:at])
    return parts
