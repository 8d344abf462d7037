"""Voice: how recorded prompts are named and found. The files themselves are a line's own."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hotline.tips import Language

FOLDER = "recordings"
SUFFIX = ".mp3"
# In this order: a person's recording, then what a machine made meanwhile (script.py).
CONTENT_TYPES = {SUFFIX: "audio/mpeg", ".wav": "audio/wav"}


def file_name(sentence: str, said: str = "") -> str:
    """``type-gang`` and key ``4`` → ``type-gang-4.mp3``: a name ends in the digit it says, so that
    nobody swaps two keys unheard. A sentence may lie there as ``.wav`` just as well."""
    said = "".join(ch for ch in said if ch.isalnum())
    return f"{sentence}-{said}{SUFFIX}" if said else f"{sentence}{SUFFIX}"


@lru_cache(maxsize=64)
def folder(home: Path, language: Language) -> Path:
    """Where a language's recordings lie: ``<home>/public/recordings/<language>/``."""
    return home / "public" / FOLDER / language.value


def recorded(home: Path, language: Language, name: str) -> Path | None:
    """The recording of a sentence, whichever format its ``name`` has, if it is there. A name may
    come from outside: letters, digits and hyphens only."""
    stem, dot, suffix = name.rpartition(".")
    plain = stem.replace("-", "")
    if dot + suffix not in CONTENT_TYPES or not (plain.isascii() and plain.isalnum()):
        return None
    paths = (folder(home, language) / f"{stem}{each}" for each in CONTENT_TYPES)
    return next((path for path in paths if path.is_file()), None)


def content_type(path: Path) -> str:
    return CONTENT_TYPES[path.suffix]
