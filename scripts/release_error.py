"""How far releases are from the truth: a synthetic million of tips, released month by month.

    python scripts/release_error.py [--json] [--months 12] [--open 2000]

The ground: 1,000,000 tips of twelve equal months over Brazil's 5,571 municipalities (Zipf 0.95, in
an order drawn once) and the table's types (Zipf 1.1, in the table's order shuffled once), each tip
drawn by itself with numpy's PCG64 of seed 2026; the noise is OpenDP's, fresh at each run. Errors
are mean absolute, of what extracts sum: signed whole numbers, before anything is left empty. Types
that no municipality or state is told of are left out where they are not told.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from hotline.analysis.cube import grouped
from hotline.analysis.domain import NATION, Domain
from hotline.analysis.observations import Counter, Counts
from hotline.analysis.policy import Policy
from hotline.analysis.release import published
from hotline.routing.classify import Types
from hotline.routing.places import Places

TIPS, SEED = 1_000_000, 2026
LIMITS = {"cells": 1.0, "states": 4.0, "nation": 12.0, "seconds": 60.0}


def zipf(count: int, power: float, order: np.random.Generator) -> np.ndarray:
    weights = 1 / np.arange(1, count + 1) ** power
    return order.permutation(weights / weights.sum())


def month(domain: Domain, policy: Policy, rows: np.ndarray, kinds: np.ndarray) -> Counts:
    """Counts of tips drawn as (municipality, type); every side value the list's first."""
    empty = Counter(domain, policy, "2026-01").done()
    last = len(domain.states) - 1
    levels = np.array([kind.level == NATION for kind in domain.types])
    state = np.where(levels[kinds], last, domain.state_of[rows])
    np.add.at(empty.state, (state, kinds), 1)
    column = np.full(len(domain.types), -1)
    column[domain.fine] = np.arange(len(domain.fine))
    told = column[kinds] >= 0
    np.add.at(empty.cell, (rows[told], column[kinds[told]]), 1)
    held = grouped(domain, empty.state)
    for side in policy.sides:
        table = empty.sides[side.name]
        if side.name == "acts":
            table += empty.state
        else:
            table.reshape(*held.shape, -1)[:, :, 0] += held
    return replace(
        empty, nation=empty.state.sum(axis=0), municipality=empty.cell.sum(axis=1), tips=len(rows)
    )


def adds_up(domain: Domain, arrays: dict[str, Any]) -> bool:
    leaves = np.add.reduceat(arrays["leaves"], domain.starts, axis=0)
    held = grouped(domain, arrays["states"])
    sides = [a for n, a in arrays.items() if n not in ("leaves", "states", "acts")]
    return bool((leaves == arrays["states"][:-1][:, domain.fine]).all()) and all(
        bool((side.reshape(*held.shape, -1).sum(axis=2) == held).all()) for side in sides
    )


def opening(count: int) -> float:
    """Seconds to open and read one sealed count, of ``count`` tried."""
    from hotline.vault import format as fmt
    from hotline.vault.envelope import OBSERVATION_BYTES, STATISTICS
    from hotline.vault.keys import new_seed, open_small
    from hotline.vault.private import public_bytes
    from hotline.vault.seal import PublicKey, seal_small
    from hotline.vault.small import random_id

    seed = new_seed()
    to = PublicKey(STATISTICS, "2026-01", public_bytes(seed))
    payload = json.dumps({"month": "2026-01", "type": "ORG-01"}).encode()
    sealed = [
        (one, seal_small(fmt.COUNT, one, to, payload, OBSERVATION_BYTES))
        for one in (random_id() for _ in range(count))
    ]
    began = time.perf_counter()
    for one, raw in sealed:
        json.loads(open_small(seed, fmt.COUNT, one, STATISTICS, "2026-01", raw))
    return (time.perf_counter() - began) / count


def measure(months: int) -> dict[str, Any]:
    policy, types = Policy.load(), Types.load()
    domain = Domain.of("BR", Places.load("BR"), types, types.version, policy)
    order = np.random.default_rng(SEED)
    towns = np.array([n for n, area in enumerate(domain.areas) if ":" in area.key])
    places, kinds = zipf(len(towns), 0.95, order), zipf(len(domain.types), 1.1, order)
    state_told = np.array([kind.level != NATION for kind in domain.types])
    errors: dict[str, list[float]] = {"cells": [], "states": [], "nation": []}
    exact, seconds, large = True, [], 0
    for _ in range(months):
        at = order.choice(towns, TIPS // 12, p=places)
        of = order.choice(len(domain.types), TIPS // 12, p=kinds)
        true = month(domain, policy, at, of)
        began = time.perf_counter()
        arrays = published(true, domain, policy)
        seconds.append(time.perf_counter() - began)
        wrong = np.abs(arrays["leaves"] - true.cell)[true.cell >= 10]
        large += len(wrong)
        errors["cells"] += wrong.tolist()
        apart = np.abs(arrays["states"] - true.state)
        errors["states"] += apart[:27][:, state_told].ravel().tolist()
        nation = arrays["states"].sum(axis=0) - true.nation
        errors["nation"] += np.abs(nation).tolist()
        exact = exact and adds_up(domain, arrays)
    return {
        **{name: round(float(np.mean(found)), 3) for name, found in errors.items()},
        "large_cells": large,
        "sums_exact": exact,
        "seconds": round(max(seconds), 2),
        "months": months,
        "types": len(domain.types),
        "epsilon": round(policy.epsilon, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--open", type=int, default=2000, metavar="COUNTS")
    wanted = parser.parse_args()
    found = measure(wanted.months)
    each = opening(wanted.open)
    found |= {"open_us": round(each * 1e6, 1), "open_300000_s": round(each * 300_000, 1)}
    sound = found["sums_exact"] and all(found[name] <= most for name, most in LIMITS.items())
    found |= {"limits": LIMITS, "sound": sound}
    if wanted.json:
        print(json.dumps(found, indent=2))
    else:
        print(f"municipality × type × month, 10 or more: {found['cells']:.2f} (at most 1.0)")
        print(f"state × type × month: {found['states']:.2f} (at most 4)")
        print(f"nation × type × month: {found['nation']:.2f} (at most 12)")
        print(f"every sum exact: {found['sums_exact']}")
        print(f"slowest month: {found['seconds']} s; opening 300,000: {found['open_300000_s']} s")
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
