"""Synthetic: invented tips, skewed as real lines are, for the demo and for measurements."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from hotline.tips import Channel, Contact, Language, Question, Urgency

_WORDS = {"where": Question.WHERE, "when": Question.WHEN}


def templates(country: str) -> list[dict[str, Any]]:
    """The invented tips of a country, those of Brazil where it has none."""
    every = tomllib.loads((files("hotline") / "synthetic.toml").read_text(encoding="utf-8"))["tip"]
    own = [one for one in every if one.get("country", "BR") == country]
    return own or [one for one in every if "country" not in one]


def contacts(count: int, country: str = "BR", seed: int = 1) -> Iterator[Contact]:
    """``count`` contacts drawn by weight; the same ones for the same seed. Each template comes
    once before any comes twice."""
    drawn = templates(country)
    draw = random.Random(seed)
    first = list(drawn)
    draw.shuffle(first)
    more = draw.choices(drawn, [t["weight"] for t in drawn], k=max(0, count - len(first)))
    for template in [*first, *more][:count]:
        yield Contact(
            channel=Channel(template["channel"]),
            text=template["text"],
            language=Language(template["language"]),
            answers={q: template[name] for name, q in _WORDS.items() if name in template},
            crime_types=tuple(template.get("types", ())),
            municipality=template.get("municipality"),
            urgency=Urgency(template.get("urgency", "unknown")),
        )
