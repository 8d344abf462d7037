"""What the labelled tips tell of: types of crime, implicated bodies, place, danger.

``plain`` (for development) and ``fresh`` (for tests) were written for this, each by hands that
had seen neither the terms nor the gazetteer nor one another, as people write to a line: mostly
plain, skewed as real lines are. ``more`` (for development) tells of types alone, by one hand that
knew the terms and what they had missed in ``plain``. ``lived`` (for tests) is by one that knew
neither: people tell of a crime in passing while they tell of themselves; ``oblique`` (for
development) by one more, in everyday words that never name the crime. Their labels are of types,
places and danger alone. ``development`` and ``test`` are texts of ``tests/stripping`` without their
marks, which tell of crime in passing, labelled by hands of their own. A label follows the text
alone: the main act first, the municipality only where the text names it or something known to lie
in one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.stripping import labelled

HERE = Path(__file__).parent
PARTS = ("development", "test", "plain", "fresh", "more", "lived", "oblique")


@dataclass(frozen=True)
class Told:
    """``types`` are codes, the main act's first, none where no crime is told; ``group`` is the main
    act's or empty; ``place`` the municipality's official name with its state and ISO 3166 country,
    or nothing; ``implicated`` what kinds of public bodies it accuses, such as ``police``."""

    id: str
    language: str
    text: str
    types: tuple[str, ...]
    group: str
    place: tuple[str, str, str] | None
    danger: bool
    implicated: tuple[str, ...]


@lru_cache(maxsize=1)
def _texts() -> dict[str, tuple[str, str]]:
    told = (tip for part in ("development", "indirect") for tip in labelled.tips(part))
    return {tip.id: (tip.language, tip.text) for tip in told}


def tips(part: str) -> list[Told]:
    """The labelled tips of a part, by id. Raises KeyError for a label without its text."""
    texts, found = _texts(), []
    for line in (HERE / f"{part}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        language, text = (row["language"], row["text"]) if "text" in row else texts[row["id"]]
        place = row["place"]
        where = (place["name"], place["region"] or "", place["country"]) if place else None
        types = tuple(row["types"])
        found.append(
            Told(
                row["id"],
                language,
                text,
                types,
                row["group"] or "",
                where,
                row["danger"],
                tuple(body["kind"] for body in row["implicated"]),
            )
        )
    return found
