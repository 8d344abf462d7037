"""Voice: WAV files in memory as samples. Only what a telephone provider sends is read.

Everything else is refused and left to a person. A general decoder would take any container, but
the formats it guesses at include playlists that name other files and addresses.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotline.intake.voice.engine import NotHeard

LONGEST_SECONDS = 600
_EXTENSIBLE = 0xFFFE  # the coding stands further on
_RATES = range(4_000, 192_001)

Samples = NDArray[np.float32]


def decode(sound: bytes) -> tuple[Samples, int]:
    """Samples from -1 to 1, channels mixed, and their number a second. Raises NotHeard."""
    if sound[:4] != b"RIFF" or sound[8:12] != b"WAVE":
        raise NotHeard("sound_unknown")
    parts = dict(_chunks(sound))
    try:
        coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", parts[b"fmt "])
        if coding == _EXTENSIBLE:
            (coding,) = struct.unpack_from("<H", parts[b"fmt "], 24)
        data = parts[b"data"]
    except (KeyError, struct.error):
        raise NotHeard("sound_unknown") from None
    if not 1 <= channels <= 8 or rate not in _RATES or bits not in (8, 16, 24, 32):
        raise NotHeard("sound_unknown")
    frame = channels * bits // 8
    if len(data) > LONGEST_SECONDS * rate * frame:
        raise NotHeard("sound_long")
    samples = _samples(coding, bits, data[: len(data) // frame * frame])
    mixed: Samples = samples.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mixed, rate


def at_rate(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at another rate, by its spectrum: nothing is added above what was there."""
    if rate == wanted or not len(samples):
        return samples
    length = round(len(samples) * wanted / rate)
    spectrum = np.fft.rfft(samples)
    kept = length // 2 + 1
    spectrum = np.pad(spectrum[:kept], (0, max(0, kept - len(spectrum))))
    turned: Samples = (np.fft.irfft(spectrum, length) * (length / len(samples))).astype(np.float32)
    return turned


def _chunks(sound: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(sound):
        name, (size,) = sound[at : at + 4], struct.unpack_from("<I", sound, at + 4)
        # A length that was never filled in means "to the end"; slicing stops there anyway.
        yield name, sound[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _samples(coding: int, bits: int, data: bytes) -> Samples:
    match coding, bits:  # 1 is PCM; 6 and 7 are what telephones speak
        case (1, 8):
            raw: NDArray[Any] = np.frombuffer(data, np.uint8).astype(np.float32) - 128
            return (raw / 128).astype(np.float32)
        case (1, 16):
            return (np.frombuffer(data, "<i2") / 32_768).astype(np.float32)
        case (1, 24):
            # The three bytes become the upper ones of four.
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return (wide.view("<i4").ravel() / 2**31).astype(np.float32)
        case (1, 32):
            return (np.frombuffer(data, "<i4") / 2**31).astype(np.float32)
        case (7, 8):
            return _mulaw(np.frombuffer(data, np.uint8))
        case (6, 8):
            return _alaw(np.frombuffer(data, np.uint8))
        case _:
            raise NotHeard("sound_unknown")


def _mulaw(coded: NDArray[np.uint8]) -> Samples:
    """ITU-T G.711 µ-law. Python's own decoder left the standard library with 3.13."""
    told = (~coded).astype(np.int32)
    size = (((told & 0x0F) << 3) + 0x84 << (told >> 4 & 7)) - 0x84
    return (np.where(told & 0x80, -size, size) / 32_768).astype(np.float32)


def _alaw(coded: NDArray[np.uint8]) -> Samples:
    """ITU-T G.711 A-law."""
    told = (coded ^ 0x55).astype(np.int32)
    step, size = told >> 4 & 7, (told & 0x0F) << 4
    size = np.where(step == 0, size + 8, (size + 0x108) << np.maximum(step - 1, 0))
    return (np.where(told & 0x80, size, -size) / 32_768).astype(np.float32)
