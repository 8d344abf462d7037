"""Witness: where checkpoints are laid down for people outside to keep.

They are not served to the public: how fast the tree grows tells how much is reported, and that is
what the frozen releases protect.
"""

from __future__ import annotations

from pathlib import Path

from hotline.errors import HotlineError
from hotline.settings import Settings
from hotline.vault.directory import write_file

CHECKPOINT = "checkpoint"


class NotKept(HotlineError):
    """Signed, but not laid down where outsiders fetch it."""

    code = "checkpoint_not_kept"
    message = "The newest checkpoint could not be written for outsiders to keep."
    hint = "Look at the disk, and at the directory that HOTLINE_WITNESS names."


class Witness:
    """``public/checkpoint`` in the home is the newest. In the directory of HOTLINE_WITNESS (a
    mounted medium, a share of another body) lies the last of each day (UTC)."""

    def __init__(self, settings: Settings) -> None:
        self._newest = settings.public / CHECKPOINT
        self._folder = settings.witness
        self._kept: tuple[int, str] | None = None

    def keep(self, size: int, note: str, day: str) -> None:
        """Safe to repeat; writes when something is new. Raises NotKept."""
        if self._kept == (size, day):
            return
        try:
            # Not secret, and made to be fetched: everybody may read it.
            write_file(self._newest, note.encode(), 0o644)
            if self._folder is not None:
                write_file(self._folder / f"{CHECKPOINT}-{day}", note.encode(), 0o644)
        except OSError:
            raise NotKept from None
        self._kept = size, day


def missing(settings: Settings, note: str) -> list[Path]:
    """The places where the newest checkpoint should lie and does not."""
    places = [settings.public / CHECKPOINT]
    if settings.witness is not None:
        days = sorted(settings.witness.glob(f"{CHECKPOINT}-????-??-??"))
        places.append(days[-1] if days else settings.witness / CHECKPOINT)
    return [place for place in places if not place.is_file() or place.read_text() != note]
