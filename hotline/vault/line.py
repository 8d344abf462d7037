"""Line: the key by which agencies know the line: it signs what it hands them, and what it sends."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from hotline.vault.directory import write_file
from hotline.vault.signing import new_signer
from hotline.vault.small import random_key

LINE_KEY = "line.key"


def line_signer(folder: Path) -> bytes:
    """The Ed25519 seed in the staff's folder. A line that was founded without one gets it when it
    first needs it. Two processes may need it at once: the hard link appears whole or fails, so
    there is one."""
    file = folder / LINE_KEY
    with suppress(FileNotFoundError):
        return file.read_bytes()
    fresh = folder / f"{random_key().hex()[:16]}.tmp"
    write_file(fresh, new_signer())
    with suppress(FileExistsError):
        file.hardlink_to(fresh)
    fresh.unlink()
    return file.read_bytes()
