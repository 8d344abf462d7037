"""Boxes: the nested boxes of MP4 and M4A: which tracks there are, and tags blotted out in place.

Tags are overwritten, not cut: a cut would move the sound, whose place the file counts in bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hotline.intake.attachments.refusals import Damaged, Video

_INSIDE = {b"moov", b"trak", b"mdia"}
# What players need of the levels we walk; everything else is blotted out, known or not.
_NEEDED = _INSIDE | {
    *(b"ftyp", b"styp", b"mdat", b"moof", b"mfra", b"sidx"),
    *(b"mvhd", b"mvex", b"iods", b"tkhd", b"edts", b"tref", b"mdhd", b"hdlr", b"minf"),
}
_DATED = {b"mvhd", b"tkhd", b"mdhd"}  # when it was recorded and changed, to the second
_MOST_BOXES = 10_000

Box = tuple[bytes, int, int, int]  # name, where it starts, where its body starts, where it ends


def mp4_sound(data: bytes) -> str | None:
    """``audio/mp4`` when there are sound tracks alone. Raises Video, Damaged."""
    handlers = {data[body + 8 : body + 12] for name, _, body, _ in _walk(data) if name == b"hdlr"}
    if b"vide" in handlers:
        raise Video
    return "audio/mp4" if b"soun" in handlers else None


def without_tags(data: bytes) -> bytes:
    """The same length, with names, places, covers and dates overwritten by zeros."""
    blotted = bytearray(data)
    for name, start, body, end in list(_walk(data)):
        if name not in _NEEDED:
            blotted[start + 4 : start + 8] = b"free"
            blotted[body:end] = bytes(end - body)
        elif name in _DATED and end - body >= 20:
            wide = 16 if data[body] == 1 else 8
            blotted[body + 4 : body + 4 + wide] = bytes(wide)
        elif name == b"hdlr" and end - body > 24:
            blotted[body + 24 : end] = bytes(end - body - 24)  # the recorder's name
    return bytes(blotted)


def _walk(data: bytes) -> Iterator[Box]:
    """All boxes, and those inside the ones that hold boxes; a bad length ends in Damaged."""
    spans, seen = [(0, len(data))], 0
    while spans:
        at, ends = spans.pop()
        while at < ends:
            seen += 1
            if seen > _MOST_BOXES:
                raise Damaged
            name, body, end = _box(data, at, ends)
            yield name, at, body, end
            if name in _INSIDE:
                spans.append((body, end))
            at = end


def _box(data: bytes, at: int, ends: int) -> tuple[bytes, int, int]:
    if at + 8 > ends:
        raise Damaged
    size, name = struct.unpack_from(">I4s", data, at)
    body = at + 8
    if size == 1 and body + 8 <= ends:
        size, body = struct.unpack_from(">Q", data, body)[0], body + 8
    elif size == 0:
        size = ends - at
    if not body <= at + size <= ends:
        raise Damaged
    return name, body, at + size
