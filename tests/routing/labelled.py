"""What the labelled tips tell of: types of crime, implicated bodies, place, danger.

The texts are those of ``tests/stripping`` without their marks; each was labelled by one hand that
had seen neither the terms nor the gazetteer. The development part's hands differ from the test
part's. A label follows the text alone: the main act first, the municipality only where the text
names it or something known to lie in one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.stripping import labelled

HERE = Path(__file__).parent
PARTS = ("development", "test")


@dataclass(frozen=True)
class Told:
    """``types`` are codes, the main act's first; ``group`` is the main act's; ``place`` the
    municipality's official name with its state and ISO 3166 country, or nothing."""

    id: str
    language: str
    text: str
    types: tuple[str, ...]
    group: str
    place: tuple[str, str, str] | None
    danger: bool


@lru_cache(maxsize=1)
def _texts() -> dict[str, labelled.Tip]:
    return {tip.id: tip for part in ("development", "indirect") for tip in labelled.tips(part)}


def tips(part: str) -> list[Told]:
    """The labelled tips of a part, by id. Raises KeyError for a label without its text."""
    texts, found = _texts(), []
    for line in (HERE / f"{part}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        tip, place = texts[row["id"]], row["place"]
        where = (place["name"], place["region"] or "", place["country"]) if place else None
        types = tuple(row["types"])
        found.append(
            Told(tip.id, tip.language, tip.text, types, row["group"], where, row["danger"])
        )
    return found
