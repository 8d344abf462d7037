#!/usr/bin/env python3
"""How well stripping does on the labelled tips, and other tools beside it in the same run.

    .venv/bin/python scripts/evaluate_stripping.py                     the test part
    .venv/bin/python scripts/evaluate_stripping.py --part development --leaks
    .venv/bin/python scripts/evaluate_stripping.py --compare           with the extra `compare`

A reporter's span is removed when at least 80 % of its letters and digits are hidden (removed or
masked as doubtful), a detail kept when at most 20 % are. A leak is a tip not held in which a
reporter's span is not removed. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.stripping import compared
from tests.stripping.labelled import PARTS, STRUCTURED, Outcome, Tip, digest, tips

ROUNDS = 3  # the least disturbed of these counts as a tip's time


@dataclass
class Count:
    """``good`` of ``all``."""

    good: int = 0
    all: int = 0

    def add(self, good: bool) -> None:
        self.good += good
        self.all += 1

    def json(self) -> dict[str, float | int | None]:
        low, high = wilson(self.good, self.all)
        share = self.good / self.all if self.all else None
        return {"good": self.good, "of": self.all, "share": share, "low": low, "high": high}

    def __str__(self) -> str:
        if not self.all:
            return "    –                    "
        low, high = wilson(self.good, self.all)
        return f"{self.good / self.all:.3f} [{low:.3f} {high:.3f}] {self.good:4}/{self.all:<4}"


def wilson(good: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share. Source: E. B. Wilson, JASA 22 (1927), 209–212."""
    if not total:
        return 0.0, 1.0
    p, denominator = good / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / denominator
    half = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / denominator
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass
class Figures:
    """The figures over some tips."""

    removed: Count = field(default_factory=Count)
    after: Count = field(default_factory=Count)
    structured: Count = field(default_factory=Count)
    kept: Count = field(default_factory=Count)
    held: Count = field(default_factory=Count)
    leaking: Count = field(default_factory=Count)

    def add(self, outcome: Outcome) -> None:
        self.held.add(outcome.held)
        if not outcome.held:
            self.leaking.add(outcome.leaks)
        for label in outcome.of("r"):
            gone = outcome.removed(label)
            self.removed.add(gone)
            self.after.add(gone or outcome.held)
            if label.kind in STRUCTURED:
                self.structured.add(gone)
        for label in outcome.of("k"):
            self.kept.add(outcome.kept(label))

    def json(self) -> dict[str, object]:
        return {name: count.json() for name, count in vars(self).items()}


def figures(outcomes: Iterable[Outcome]) -> Figures:
    total = Figures()
    for outcome in outcomes:
        total.add(outcome)
    return total


def by(outcomes: list[Outcome], key: Callable[[Tip], Iterable[str]]) -> dict[str, Figures]:
    groups: dict[str, Figures] = defaultdict(Figures)
    for outcome in outcomes:
        for name in key(outcome.tip):
            groups[name].add(outcome)
    return dict(sorted(groups.items(), key=lambda item: -item[1].held.all))


def by_kind(outcomes: list[Outcome]) -> dict[str, tuple[Count, Count]]:
    """Per kind: reporter's spans removed, and details kept."""
    groups: dict[str, tuple[Count, Count]] = defaultdict(lambda: (Count(), Count()))
    for outcome in outcomes:
        for label in outcome.of("r"):
            groups[label.kind][0].add(outcome.removed(label))
        for label in outcome.of("k"):
            groups[label.kind][1].add(outcome.kept(label))
    return dict(sorted(groups.items(), key=lambda item: -item[1][0].all))


@dataclass
class Run:
    """An engine over all tips; ``times`` in milliseconds, one a tip."""

    name: str
    outcomes: list[Outcome]
    times: list[float]


def run(name: str, engine: compared.Engine, chosen: list[Tip]) -> Run:
    outcomes, times = [], []
    for tip in chosen:
        best = math.inf
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            hidden, held = engine(tip.text, tip.language)
            best = min(best, time.perf_counter() - begun)
        outcomes.append(Outcome(tip, frozenset(hidden), held))
        times.append(best * 1000)
    return Run(name, outcomes, times)


def speed(each: Run) -> dict[str, float]:
    """Median and 99th percentile in ms, of all tips and of those an SMS can hold (≤ 320)."""
    short = [t for o, t in zip(each.outcomes, each.times, strict=True) if len(o.tip.text) <= 320]
    return {
        "median_ms": statistics.median(each.times),
        "sms_median_ms": statistics.median(short),
        "sms_p99_ms": sorted(short)[max(0, math.ceil(len(short) * 0.99) - 1)],
    }


def report(each: Run) -> dict[str, object]:
    return {
        "engine": each.name,
        "all": figures(each.outcomes).json(),
        "language": {k: f.json() for k, f in by(each.outcomes, lambda t: [t.language]).items()},
        "trick": {k: f.json() for k, f in by(each.outcomes, lambda t: t.tricks).items()},
        "voice": {k: f.json() for k, f in by(each.outcomes, lambda t: [t.voice]).items()},
        "kind": {
            k: {"removed": r.json(), "kept": s.json()}
            for k, (r, s) in by_kind(each.outcomes).items()
        },
        "speed": speed(each),
    }


def show(each: Run) -> None:
    total, pace = figures(each.outcomes), speed(each)
    print(f"\n== {each.name}")
    print(f"reporter's spans removed    {total.removed}")
    print(f"  after holding             {total.after}")
    print(f"  structured identifiers    {total.structured}")
    print(f"crime detail kept           {total.kept}")
    print(f"tips held                   {total.held}")
    print(f"leaks among tips not held   {total.leaking}")
    print(
        f"time a tip: median {pace['median_ms']:.2f} ms; SMS median {pace['sms_median_ms']:.2f} ms,"
        f" p99 {pace['sms_p99_ms']:.2f} ms"
    )


def show_groups(each: Run) -> None:
    groups = {
        "language": by(each.outcomes, lambda tip: [tip.language]),
        "trick": by(each.outcomes, lambda tip: tip.tricks or ["none"]),
        "voice": by(each.outcomes, lambda tip: [tip.voice]),
    }
    for title, table in groups.items():
        print(f"\n{title:24}{'removed':30}{'kept':30}{'held':30}leaks")
        for name, f in table.items():
            if f.held.all >= 5:
                print(f"{name[:22]:24}{f.removed!s:30}{f.kept!s:30}{f.held!s:30}{f.leaking}")
    print(f"\n{'kind':24}{'removed':30}kept")
    for name, (removed, kept) in by_kind(each.outcomes).items():
        print(f"{name:24}{removed!s:30}{kept}")


def show_misses(each: Run) -> None:
    for outcome in each.outcomes:
        left = [label for label in outcome.of("r") if not outcome.removed(label)]
        lost = [label for label in outcome.of("k") if not outcome.kept(label)]
        if left or lost:
            tip, words = outcome.tip, outcome.tip.text
            mark = "held" if outcome.held else "LEAK" if left else ""
            masked = "".join("▒" if i in outcome.hidden else c for i, c in enumerate(words))
            print(f"\n{tip.id} {tip.language} {mark}\n  {words!r}\n  {masked!r}")
            for name, labels in (("left", left), ("lost", lost)):
                for label in labels:
                    print(f"  {name} {label.kind}: {words[label.start : label.end]!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, default="test")
    parser.add_argument("--hand", action="append", default=[], help="only this file (stem)")
    parser.add_argument("--language", help="only tips in this language")
    parser.add_argument("--compare", action="store_true", help="run the other tools too")
    parser.add_argument("--leaks", action="store_true", help="show each miss (development only)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.leaks and options.part == "test":
        parser.error("the test part is opened to measure, not to look")
    chosen = [
        tip for tip in tips(options.part, options.hand) if options.language in (None, tip.language)
    ]
    engines = compared.engines() if options.compare else {"hotline": compared.hotline()}
    runs = [run(name, engine, chosen) for name, engine in engines.items()]
    head = {"part": options.part, "tips": len(chosen), "sha256": digest(options.part)}
    if options.json:
        print(json.dumps({**head, "runs": [report(each) for each in runs]}, indent=1))
        return 0
    print(f"{head['part']} part, {head['tips']} tips, SHA-256 {head['sha256']}")
    for each in runs:
        show(each)
    show_groups(runs[0])
    if options.leaks:
        show_misses(runs[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
