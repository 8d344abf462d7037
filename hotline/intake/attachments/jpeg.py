"""JPEG: whether a picture is bare: the segments a decoder needs, and nothing before or behind.

The parent asks this of every picture the child hands over, so that even a child taken over by a
hostile file cannot pass on the camera's data or bytes behind the picture.
"""

from __future__ import annotations

import re
import struct

_START = b"\xff\xd8"
_END = b"\xff\xd9"
_JFIF = b"\xff\xe0\x00\x10JFIF\0"
_FRAME, _SCAN = 0xC0, 0xDA
_NEEDED = {0xDB, 0xC4, _FRAME, _SCAN}  # tables, the frame, its one scan
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def size_of_bare(data: bytes) -> tuple[int, int]:
    """Width and height. Raises ValueError when there is more than a picture, or less."""
    if not data.startswith(_START + _JFIF) or not data.endswith(_END):
        raise ValueError("not framed as a picture")
    at, size = 2 + 2 + 16, (0, 0)
    while True:
        mark, kind, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or kind not in _NEEDED:
            raise ValueError("a segment that no picture needs")
        if kind == _FRAME:
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = width, height
        at += 2 + length
        if kind == _SCAN:
            break
    found = _MARKER.search(data, at)
    if found is None or found.start() != len(data) - 2:
        raise ValueError("more than one scan")
    return size
