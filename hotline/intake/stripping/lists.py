"""Stripping: the lists of first names and surnames (sources and licences: docs/NOTICE.md)."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


def _read(name: str) -> frozenset[str]:
    data = files("hotline.intake.stripping") / "data" / f"{name}.txt"
    return frozenset(data.read_text(encoding="ascii").split())


@lru_cache(maxsize=1)
def first_names() -> frozenset[str]:
    """First names of the Americas as single folded words."""
    return _read("first_names")


@lru_cache(maxsize=1)
def surnames() -> frozenset[str]:
    """Surnames of the Americas as single folded words."""
    return _read("surnames")
