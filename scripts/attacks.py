#!/usr/bin/env python3
"""What attackers learn of one tip from all that is released: more than one honest question tells?

    .venv/bin/python scripts/attacks.py [--rounds 4000] [--trials 500000] [--json]

A country of three states and fifteen towns with 160 tips of a month, drawn with numpy's PCG64 of
seed 2026, is counted, released and asked as the line does it (tests/attacks.py); the noise is
OpenDP's, fresh and unseeded.

* recovered: how often each way of asking tells the exact number of a cell of two tips.
* told apart: with and without one tip, by somebody who knows all the others: true less false
  positives of one honest question, and of the best weights that half of the rounds teach for
  everything that is published, on the other half.
* ε: Clopper-Pearson's lower bound (99.9 %) of what each noisy table, and a whole release, gives
  away, beside what is stated. The same of a release with half the noise shows the audit's reach.

Ends with 1 when an attack gains more than 0.15 or a bound is above what is stated.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline.analysis.noise import noisy
from hotline.analysis.policy import Spent
from tests.attacks import Played, advantage, audit, epsilon, play, recovered, scaled
from tests.releases import POLICY

MOST_GAIN = 0.15
DOUBT = 0.001  # of each bound; both of a ratio together are wrong once in 100,000 runs


def of_table(spent: Spent, trials: int) -> float:
    """A lower bound of the ε of one table, where one tip shows in as many cells as it may."""
    cells = np.zeros((trials, spent.sensitivity), np.int64)
    without, within = ((noisy(cells + tips, spent) >= 1).all(axis=1) for tips in (0, 1))
    return epsilon(without, within, DOUBT)


def apart(played: Played) -> tuple[float, float]:
    """Advantage of the honest question, and of all that is published."""
    return advantage(played.honest, 0.5), advantage(played.learnt, 0)


def measure(rounds: int, trials: int) -> dict[str, Any]:
    played, half = play(rounds), play(rounds // 2, scaled(POLICY, 1 / 2))
    found = recovered(max(1, rounds // 40))
    one = found.pop("honest")
    honest, everything = apart(played)
    tables = {
        spent.name: {"stated": spent.epsilon, "shown": round(of_table(spent, trials), 3)}
        for spent in (*POLICY.main.values(), *POLICY.sides)
    }
    tables["release"] = {
        "stated": round(POLICY.epsilon, 3),
        "shown": round(audit(played, DOUBT), 3),
    }
    gain = max(everything - honest, max(found.values()) - one)
    sound = all(table["shown"] <= table["stated"] for table in tables.values())
    return {
        "recovered": {"one question": one, **found},
        "told_apart": {"one question": round(honest, 3), "everything": round(everything, 3)},
        "with_half_the_noise": {
            "one question": round(apart(half)[0], 3),
            "release": round(audit(half, DOUBT), 3),
        },
        "epsilon": tables,
        "gain": round(gain, 3),
        "rounds": rounds,
        "trials": trials,
        "sound": sound and gain <= MOST_GAIN,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=4000)
    parser.add_argument("--trials", type=int, default=500_000)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    found = measure(wanted.rounds, wanted.trials)
    if wanted.json:
        print(json.dumps(found, indent=2))
    else:
        for name in ("recovered", "told_apart", "with_half_the_noise"):
            for way, figure in found[name].items():
                print(f"{name.replace('_', ' '):<22}{way:<20}{figure:>8.3f}")
        for name, table in found["epsilon"].items():
            print(f"{'ε':<22}{name:<20}{table['shown']:>8.3f}  of {table['stated']:.2f}")
        print(f"{'gain':<42}{found['gain']:>8.3f}  of {MOST_GAIN}")
    sys.exit(0 if found["sound"] else 1)


if __name__ == "__main__":
    main()
