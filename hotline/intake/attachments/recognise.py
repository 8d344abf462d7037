"""Recognise: what a file is, by its bytes; its name and what it is said to be count for nothing."""

from __future__ import annotations

from hotline.intake.attachments.refusals import UnknownKind, UnknownPhoto, Video
from hotline.intake.attachments.sounds import sound_type

_IMAGES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
)
_VIDEO = (b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1")
# Brands of the pictures that telephones keep in the same boxes as their films.
_PHOTOS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}


def media_type_of(data: bytes) -> str:
    """One of ``ACCEPTED``. Raises a FileRefused that says why not."""
    for mark, media_type in _IMAGES:
        if data.startswith(mark):
            return media_type
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    # PDFium looks for the mark anywhere in the first kilobyte; who hides it behind other bytes
    # wants two programs to see two files.
    if data.startswith(b"%PDF-"):
        return "application/pdf"
    if data.startswith(_VIDEO) or (data.startswith(b"RIFF") and data[8:12] == b"AVI "):
        raise Video
    if data[4:8] == b"ftyp" and data[8:12] in _PHOTOS:
        raise UnknownPhoto
    sound = sound_type(data)
    if sound is None:
        raise UnknownKind
    return sound
