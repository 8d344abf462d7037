#!/usr/bin/env python3
"""Whether the time of an answer tells what a receipt is: unknown, wrong, unanswered or answered.

    .venv/bin/python scripts/receipt_timing.py [--rounds 2000] [--by form|api] [--database URL]

Asks a line of its own, with the real Argon2id, in rounds that hold one number of every kind in an
order drawn anew. Prints the median of each kind and the 95 % interval of its difference to numbers
that never existed; ends with 1 when one is not within ± 1 ms, or when status or size differ. 2,000
rounds of five kinds take about five minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline import demo
from hotline.assembly import assemble_public
from hotline.clock import Clock
from tests.forms import app_of
from tests.line import settings_for
from tests.timing import BASE, by_api, by_form, interval, measure, numbers

WITHIN = 1.0  # ms


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--by", choices=("form", "api"), default="api")
    parser.add_argument("--database", help="an empty one; default SQLite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="receipts-") as folder:
        home, clock = Path(folder), Clock()
        settings = settings_for(home, asked.database or f"sqlite:///{home / 'hotline.db'}")
        demo.seed_others(settings, clock, demo.seed_officers(settings, clock))
        line = assemble_public(settings, pool=0)
        try:
            client = app_of(line).test_client()
            ask = (by_form if asked.by == "form" else by_api)(client)
            kinds = numbers(line)
            measure(ask, kinds, 20)  # warm
            times = measure(ask, kinds, asked.rounds)
        finally:
            line.close()
    print(f"by {asked.by}, {asked.rounds} rounds; (status, bytes) seen: {sorted(times.seen)}")
    on_the_wall = told("wall", times.wall)
    told("processor", times.processor)
    return 0 if on_the_wall and len(times.seen) == 1 else 1


def told(clock: str, times: Mapping[str, NDArray[np.float64]]) -> bool:
    """Prints every kind; whether all are within the bound."""
    sound = True
    for kind, taken in times.items():
        middle, low, high = interval(taken, times[BASE])
        within = low >= -WITHIN and high <= WITHIN
        sound = sound and within
        print(
            f"{clock:<10}{kind:<16} median {np.median(taken):7.3f} ms; to '{BASE}' {middle:+.3f}"
            f" ms, 95 % interval {low:+.3f} to {high:+.3f}{'' if within else '  NOT WITHIN 1 ms'}"
        )
    return sound


if __name__ == "__main__":
    raise SystemExit(main())
