"""Voice: how recorded prompts are named and found. The files themselves are a line's own."""

from __future__ import annotations

from pathlib import Path

from hotline.tips import Language

FOLDER = "recordings"
SUFFIX = ".mp3"


def file_name(sentence: str, said: str = "") -> str:
    """``type-gang`` and key ``4`` → ``type-gang-4.mp3``: a name ends in the digit it says, so that
    nobody swaps two keys unheard."""
    return f"{sentence}-{said}{SUFFIX}" if said else f"{sentence}{SUFFIX}"


def recorded(home: Path, language: Language, name: str) -> Path | None:
    """The recording of a sentence in ``<home>/public/recordings/<language>/``, if it is there."""
    path = home / "public" / FOLDER / language.value / name
    return path if path.is_file() else None
