"""Synthetic: invented tips, skewed as real lines are, for the demo and for measurements."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from importlib.resources import files

from hotline.tips import Channel, Contact, Language, Question, Urgency

_WORDS = {"where": Question.WHERE, "when": Question.WHEN}


def contacts(count: int, seed: int = 1) -> Iterator[Contact]:
    """``count`` contacts drawn by weight; the same ones for the same seed. Each template comes
    once before any comes twice."""
    templates = tomllib.loads((files("hotline") / "synthetic.toml").read_text())["tip"]
    draw = random.Random(seed)
    first = list(templates)
    draw.shuffle(first)
    more = draw.choices(templates, [t["weight"] for t in templates], k=max(0, count - len(first)))
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
