"""Sounds: containers told by their bytes; tags cut where that needs no decoder.

The sound itself is given on as it came: it goes to the voice path, which hears it once and destroys
it. Comments inside Ogg and WebM streams stay until then; to cut them would mean writing the stream
anew.
"""

from __future__ import annotations

import re
import struct

from hotline.intake.attachments.boxes import mp4_sound, without_tags
from hotline.intake.attachments.refusals import Damaged, Video

_ID3V1_BYTES = 128
_APE_BYTES = 32
_MOST_ID3 = 8
_CLUSTER = b"\x1f\x43\xb6\x75"  # where the header of Matroska ends and the sound begins
_CODEC = re.compile(rb"\x86[\x80-\xff]([AV])_[A-Z]")
_OGG_SOUND = (b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC")
_OGG_VIDEO = (b"\x80theora", b"BBCD\0", b"fishead\0", b"\x4fVP80")
_KILOBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HERTZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def sound_type(data: bytes) -> str | None:
    """The media type of a sound, or None. Raises Video for moving pictures, Damaged."""
    if data.startswith(b"OggS"):
        return _ogg(data)
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(data)
    if data[4:8] == b"ftyp":
        return mp4_sound(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
        return "audio/wav"
    if data.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
        return "audio/amr"
    return _frames(data[_id3_ends(data) :])


def untagged(data: bytes, media_type: str) -> bytes:
    """The sound without the tags that can be cut without a decoder. Raises Damaged."""
    match media_type:
        case "audio/mpeg" | "audio/aac":
            return _without_end_tags(data[_id3_ends(data) :])
        case "audio/wav":
            return _bare_wave(data)
        case "audio/mp4":
            return without_tags(data)
        case _:
            return data


def _ogg(data: bytes) -> str | None:
    start = data[: 64 * 1024]  # the first pages of all streams stand together at the beginning
    if any(mark in start for mark in _OGG_VIDEO):
        raise Video
    return "audio/ogg" if any(mark in start for mark in _OGG_SOUND) else None


def _matroska(data: bytes) -> str | None:
    ends = data.find(_CLUSTER)
    codecs = set(_CODEC.findall(data, 0, ends if ends >= 0 else len(data)))
    if b"V" in codecs:
        raise Video
    return "audio/webm" if codecs else None


def _id3_ends(data: bytes) -> int:
    """Where ID3v2 tags at the start end; there may be several."""
    at = 0
    for _ in range(_MOST_ID3):
        if data[at : at + 3] != b"ID3" or len(data) < at + 10:
            break
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    return at


def _frames(data: bytes) -> str | None:
    """MPEG layer III or AAC in ADTS: a sound header, and another where it says the next one is."""
    if len(data) < 7 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    adts = data[1] & 0xF6 == 0xF0
    length = _adts_length(data) if adts else _layer_three_length(data)
    following = data[length : length + 2] if length else b"no"
    if following and (following[0] != 0xFF or following[-1] & 0xE0 != 0xE0):
        return None
    return "audio/aac" if adts else "audio/mpeg"


def _adts_length(data: bytes) -> int:
    length = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
    return length if length >= 7 else 0


def _layer_three_length(data: bytes) -> int:
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    bits, rate = data[2] >> 4, data[2] >> 2 & 3
    if layer != 1 or version == 1 or not 1 <= bits <= 14 or rate == 3:
        return 0
    first = version == 3
    per_frame = 144_000 if first else 72_000
    return per_frame * _KILOBITS[first][bits - 1] // _HERTZ[version][rate] + (data[2] >> 1 & 1)


def _without_end_tags(data: bytes) -> bytes:
    """Without ID3v1 and APE, which stand at the end in this order from behind."""
    if data[-_ID3V1_BYTES:].startswith(b"TAG"):
        data = data[:-_ID3V1_BYTES]
    footer = data[-_APE_BYTES:]
    if footer.startswith(b"APETAGEX") and len(footer) == _APE_BYTES:
        size, _, flags = struct.unpack_from("<III", footer, 12)
        size += _APE_BYTES if flags & 0x80000000 else 0
        data = data[: max(0, len(data) - size)]
    return data


def _bare_wave(data: bytes) -> bytes:
    """Built anew of the three chunks that make the sound; all others, and what trails, fall."""
    kept: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = data[at + 8 : at + 8 + size]
        if name in (b"fmt ", b"fact", b"data"):
            kept.setdefault(name, body)
        at += 8 + size + size % 2
    if not {b"fmt ", b"data"} <= kept.keys():
        raise Damaged
    chunks = b"WAVE" + b"".join(
        name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for name, body in kept.items()
    )
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks
