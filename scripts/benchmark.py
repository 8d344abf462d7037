#!/usr/bin/env python3
"""How well and how fast tips are routed: types, places, decisions.

    .venv/bin/python scripts/benchmark.py [--part test|development] [--json]

Quality is measured on the labelled tips of tests/routing. Speed is on one core, the best of some
rounds, beside a floor measured in the same run: splitting the same texts into lower-case words,
and looking a decision up under its facts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.route import Router
from hotline.tips import Certainty, Channel, ClassifiedTip, Language, Tip
from tests.routing.labelled import PARTS, Told, tips

ROUNDS = 5
SURE = (Certainty.CERTAIN, Certainty.PROBABLE)


def share(good: int, of: int) -> float:
    return round(good / of, 3) if of else 0.0


def types_told(types: Types, told: Sequence[Told]) -> dict[str, object]:
    """Of the main act: its group, type and queue; F1 as the mean over groups; by language."""
    right: Counter[str] = Counter()
    wrongly: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    exact = desk = 0
    spoken: dict[str, list[bool]] = {}
    for tip in told:
        got = types.get(types.classify(tip.text, Language(tip.language)).acts[0].code)
        same = got.group == tip.group
        right[tip.group] += same
        wrongly[got.group] += not same
        missed[tip.group] += not same
        exact += got.code == tip.types[0]
        desk += got.queue is types.get(tip.types[0]).queue
        spoken.setdefault(tip.language, []).append(same)
    f1 = {g: 2 * right[g] / (2 * right[g] + wrongly[g] + missed[g]) for g in sorted(missed)}
    return {
        "tips": len(told),
        "group": share(sum(right.values()), len(told)),
        "macro F1": round(sum(f1.values()) / len(f1), 3),
        "type": share(exact, len(told)),
        "queue": share(desk, len(told)),
        "by language": {k: share(sum(v), len(v)) for k, v in sorted(spoken.items())},
        "F1 by group": {group: round(value, 2) for group, value in f1.items()},
    }


def plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in folded if c.isalnum())


def places_told(told: Sequence[Told], country: str) -> dict[str, object]:
    """Municipalities proposed for tips of ``country``, and for tips that name no place."""
    places = Places.load(country)
    chosen = [tip for tip in told if tip.place is None or tip.place[2] == country]
    proposed = right = named = 0
    for tip in chosen:
        found = places.find(tip.text)
        named += tip.place is not None
        if found.municipality and found.certainty in SURE:
            proposed += 1
            right += tip.place is not None and plain(found.name or "") == plain(tip.place[0])
    return {
        "tips": len(chosen),
        "precision": share(right, proposed),
        "recall": share(right, named),
        "proposed": proposed,
        "named": named,
    }


def rate(work: Callable[[], object], pieces: int) -> int:
    """Pieces a second, the best of ROUNDS."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return round(pieces / best)


def speeds(types: Types, told: Sequence[Told]) -> dict[str, int]:
    """Texts and decisions a second on one core."""
    places, texts = Places.load(), [tip.text for tip in told]
    router = Router.load(Profile.load("br-rj"), types, places)
    facts = [
        ClassifiedTip(
            Tip(text=tip.text, language=Language(tip.language), channel=Channel.WEB),
            types.classify(tip.text, Language(tip.language)),
            places.find(tip.text),
        )
        for tip in told
    ]
    known = {(f.primary, f.place.municipality): n for n, f in enumerate(facts)}
    return {
        "texts split": rate(lambda: [t.casefold().split() for t in texts], len(texts)),
        "texts for places": rate(lambda: [places.find(t) for t in texts], len(texts)),
        "texts for types": rate(
            lambda: [types.classify(t.text, Language(t.language)) for t in told], len(told)
        ),
        "facts looked up": rate(
            lambda: [known[f.primary, f.place.municipality] for f in facts], len(facts)
        ),
        "decisions": rate(lambda: [router.decide(f) for f in facts], len(facts)),
    }


def table(name: str, figures: dict[str, object]) -> None:
    print(f"\n{name}")
    for key, value in figures.items():
        shown = f"{value:,}" if isinstance(value, int) else value
        if isinstance(value, dict):
            shown = "  ".join(f"{k} {v}" for k, v in value.items())
        print(f"  {key:<18} {shown}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="test")
    parser.add_argument("--json", action="store_true", help="figures for a machine")
    options = parser.parse_args()
    told, types = tips(options.part), Types.load()
    report: dict[str, dict[str, object]] = {
        f"types, {options.part} part": types_told(types, told),
        f"places of Brazil, {options.part} part": places_told(told, "BR"),
        "a second, on one core": dict(speeds(types, told)),
    }
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        for name, figures in report.items():
            table(name, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
