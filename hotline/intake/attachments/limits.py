"""Limits: what a file may be, and what the process that opens it may use."""

from __future__ import annotations

MOST_BYTES = 10 * 1024 * 1024  # a file as sent
MOST_FILES = 5  # files a tip
ACCEPTED: tuple[str, ...] = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "application/pdf",
    "audio/ogg",
    "audio/mpeg",
    "audio/mp4",
    "audio/aac",
    "audio/wav",
    "audio/amr",
    "audio/webm",
)
# The same for a browser's file picker, in few bytes: what is not of these is refused when it comes.
PICKED = "image/jpeg,image/png,image/webp,application/pdf,audio/*"

# 50-megapixel telephones pass; a picture of more is a bomb or does not fit in MOST_BYTES anyway.
MOST_PIXELS = 64_000_000
MOST_PAGES = 20

# A longest side is one of these, so that it does not tell which telephone took the picture. The
# largest keeps a page of A4 readable (175 dots an inch); below the smallest nothing is changed.
SIDES = (320, 640, 1024, 1600, 2048)
PAGE_SIDE = SIDES[-1]
QUALITY = 85
THUMBNAIL_SIDE = 160

# The child: 64 million pixels with transparency take 600 MB while they are laid on white.
MEMORY = 768 * 1024 * 1024  # bytes of address space
CPU_SECONDS = 15
SECONDS = 20.0  # by the clock, of the parent
AT_ONCE = 2  # children of one process; more wait
WAIT_SECONDS = 10.0  # for a turn
MOST_ANSWER = 40 * 1024 * 1024  # bytes; twenty dense pages take half of it
