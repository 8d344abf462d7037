#!/usr/bin/env python3
"""How well and how fast tips are routed: types, places, decisions; how fast a line answers.

    .venv/bin/python scripts/benchmark.py
        [--part fresh|test|lived|oblique|development|plain
                |line|intake|vault|linking|desk|relay|trends]
        [--json]

Quality is measured on the labelled tips of tests/routing. Speed is on one core, undisturbed as far
as that can be had (pace.py), beside a floor of the same run: splitting the same texts into
lower-case words, and looking a decision up under its facts. What other tools make of the same
texts and tables stands beside it where they are installed (peers.py). ``--part line`` starts a
line and measures what people wait for (answers.py); ``--part intake`` loads one with tips on both
databases (intake_pace.py); ``--part vault`` measures sealing, opening,
re-wrapping, receipts and audit records beside the bare libraries (sealing.py); ``--part linking``
finds similar tips in tests/linking (linking.py); ``--part desk`` fills both databases
(``--stored``, ``--open``) and measures the operators' pages (desk_pace.py); ``--part relay``
measures from a text that tells of danger to the first ring (relay_pace.py); ``--part trends``
releases a month of 300,000 observations on both databases and draws from ten years of releases
(trends_pace.py; ``--observations`` for fewer).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import peers
from pace import rate, seconds

from hotline.pipeline import Pipeline
from hotline.routing import register
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.route import SURE, Router
from hotline.tips import Channel, ClassifiedTip, Contact, Language, Tip
from tests.routing.labelled import PARTS, Told, tips

PROFILES = Path(str(files("hotline"))) / "routing" / "data" / "profiles"


def share(good: int, of: int) -> float:
    return round(good / of, 3) if of else 0.0


def types_told(types: Types, told: Sequence[Told]) -> dict[str, object]:
    """Of the main act: its group, type and queue; F1 as the mean over groups; by language."""
    right: Counter[str] = Counter()
    wrongly: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    exact = desk = 0
    spoken: dict[str, list[bool]] = {}
    told = [tip for tip in told if tip.types]
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


def places_told(told: Sequence[Told], country: str, guess: peers.Guess) -> dict[str, object]:
    """Municipalities proposed for tips of ``country``, and for tips that name no place."""
    chosen = [tip for tip in told if tip.place is None or tip.place[2] == country]
    proposed = right = named = 0
    for tip in chosen:
        found = guess(tip.text)
        named += tip.place is not None
        if found:
            proposed += 1
            right += tip.place is not None and plain(found) == plain(tip.place[0])
    return {
        "tips": len(chosen),
        "precision": share(right, proposed),
        "recall": share(right, named),
        "proposed": proposed,
        "named": named,
    }


def sure_of(places: Places) -> peers.Guess:
    def guess(text: str) -> str | None:
        found = places.find(text)
        return found.name if found.municipality and found.certainty in SURE else None

    return guess


def through_intake(router: Router) -> peers.Guess:
    """As ``sure_of``, after stripping, which takes out where reporters live and work."""
    nothing: Any = None  # nothing is sealed or stored
    pipeline = Pipeline(router.profile, router.types, router, *[nothing] * 5)

    def guess(text: str) -> str | None:
        contact = Contact(channel=Channel.WEB, text=text)
        found = pipeline.weigh(contact).classified.place
        return found.name if found.municipality and found.certainty in SURE else None

    return guess


def other_finders(told: Sequence[Told], texts: Sequence[str]) -> dict[str, object]:
    """How fast and how well Brazil's municipalities are found by their names alone."""
    figures: dict[str, object] = {}
    for name, guess in peers.finders():
        if guess is None:
            figures[name] = peers.MISSING.format("compare")
            continue
        quality = places_told(told, "BR", guess)
        kept = {key: quality[key] for key in ("precision", "recall", "proposed", "named")}
        figures[name] = {"a second": rate(guess, texts, 3), **kept}
    return figures


def classified(types: Types, places: Places, told: Sequence[Told]) -> list[ClassifiedTip]:
    return [
        ClassifiedTip(
            Tip(text=tip.text, language=Language(tip.language), channel=Channel.WEB),
            types.classify(tip.text, Language(tip.language)),
            places.find(tip.text),
        )
        for tip in told
    ]


def speeds(
    types: Types, router: Router, told: Sequence[Told], facts: Sequence[ClassifiedTip]
) -> dict[str, object]:
    """Texts and decisions a second on one core."""
    texts = [tip.text for tip in told]
    known = {(f.primary, f.place.municipality): n for n, f in enumerate(facts)}
    return {
        "texts split": rate(lambda text: text.casefold().split(), texts),
        "texts for places": rate(router.places.find, texts),
        "texts for types": rate(lambda t: types.classify(t.text, Language(t.language)), told),
        "facts looked up": rate(lambda f: known[f.primary, f.place.municipality], facts),
        "decisions": rate(router.decide, facts),
    }


def loading(what: Callable[[], object]) -> str:
    """How long the tables take to be read, and what they then hold."""
    caches = (register.read, register.countries, register._toml)
    took = []
    for _ in range(3):
        for cache in caches:
            cache.cache_clear()
        begun = time.perf_counter()
        what()
        took.append(time.perf_counter() - begun)
    for cache in caches:
        cache.cache_clear()
    tracemalloc.start()
    kept = what()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return f"{min(took):.2f} s, {held / 1e6:.1f} MB"


def starting(types: Types, places: Places) -> dict[str, object]:
    """What a start costs: tables read, and every built-in profile proved."""
    figures: dict[str, object] = {"places": loading(Places.load), "types": loading(Types.load)}
    for folder in sorted(PROFILES.iterdir()):
        if (folder / "profile.toml").is_file():
            profile = Profile.load(folder.name)
            own = places if profile.country == "BR" else Places.load(profile.country)
            router = Router.load(profile, types, own)
            figures[f"check {folder.name}"] = f"{seconds(Router.check, [router], 5) * 1e3:.0f} ms"
    return figures


def table(name: str, figures: dict[str, object]) -> None:
    print(f"\n{name}")
    for key, value in figures.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        shown = f"{value:,}" if whole else value
        if isinstance(value, dict):
            shown = "  ".join(f"{k} {v}" for k, v in value.items())
        print(f"  {key:<18} {shown}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--part",
        choices=(*PARTS, "line", "intake", "vault", "linking", "desk", "relay", "trends"),
        default="test",
    )
    parser.add_argument("--stored", type=int, default=3_000_000, help="tips, for --part desk")
    parser.add_argument("--open", type=int, default=100_000, help="undecided ones among them")
    parser.add_argument("--observations", type=int, default=300_000, help="for --part trends")
    parser.add_argument("--json", action="store_true", help="figures for a machine")
    options = parser.parse_args()
    if options.part == "line":
        import answers  # which needs what the tests need

        report = answers.report()
    elif options.part == "intake":
        import intake_pace

        report = intake_pace.report()
    elif options.part == "linking":
        import linking

        report = linking.report()
    elif options.part == "vault":
        import sealing

        report = sealing.report()
    elif options.part == "desk":
        import desk_pace

        report = desk_pace.report(options.stored, options.open)
    elif options.part == "relay":
        import relay_pace

        report = relay_pace.report()
    elif options.part == "trends":
        import trends_pace

        report = trends_pace.report(options.observations)
    else:
        report = routing(options.part)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        for name, figures in report.items():
            table(name, figures)
    return 0


def routing(chosen: str) -> dict[str, dict[str, object]]:
    told, types, places = tips(chosen), Types.load(), Places.load()
    router = Router.load(Profile.load("br-rj"), types, places)
    facts = classified(types, places, told)
    part, texts = f"{chosen} part", [tip.text for tip in told]
    return {
        f"types, {part}": types_told(types, told),
        f"places of Brazil, {part}": places_told(told, "BR", sure_of(places)),
        f"the same as the line hears them, {part}": places_told(told, "BR", through_intake(router)),
        "a second, on one core": speeds(types, router, told, facts),
        f"alternatives: places of Brazil, {part}": other_finders(told, texts),
        "alternatives: five tables, nothing remembered": peers.tables(router, facts),
        "at the start": starting(types, places),
    }


if __name__ == "__main__":
    sys.exit(main())
