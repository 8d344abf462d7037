"""Attacks: what somebody who may ask anything, for ever, and knows every other tip, learns of one.

The ground is a small country through the real pipeline: opened observations are counted, released,
written as files, and asked by the one function that the command line and the site ask by. Only
the display's threshold is lowered, as anybody can with public files. Noise is fresh and unseeded.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hotline.analysis.domain import Domain, Ints
from hotline.analysis.extract import extract
from hotline.analysis.observations import Counts, count
from hotline.analysis.policy import Policy
from hotline.analysis.question import Question
from hotline.analysis.release import published
from hotline.analysis.releases import Releases
from tests.releases import KINDS, POLICY, Kind, row, write

BEFORE, MONTH = "2026-02", "2026-03"
STATES, TOWNS = 3, 5
FINE = tuple(Kind(f"PRP-{n:02d}", "PROPERTY", ("0401",), {"en": f"p{n}"}) for n in (2, 3, 4))


class Country:
    """Three states of five towns."""

    def states(self) -> tuple[tuple[str, str], ...]:
        return tuple((f"BR-{name}", name) for name in ("AA", "BB", "CC"))

    def in_state(self, state: str) -> tuple[tuple[str, str], ...]:
        number = "ABC".find(state[-1])
        towns = range(1, TOWNS + 1) if number >= 0 else ()
        return tuple((f"BR:IBGE:{number + 1}{n:06d}", f"T{number}{n}") for n in towns)


DOMAIN = Domain.of("BR", Country(), (*KINDS, *FINE), "2026.1", POLICY)
TOWN_KEYS = tuple(area.key for area in DOMAIN.areas if ":" in area.key)
CODES = tuple(DOMAIN.types[number].code for number in DOMAIN.fine)
TARGET: dict[str, Any] = {
    "municipality": TOWN_KEYS[1],
    "state": "BR-AA",
    "type": "ORG-01",
    "acts": ["ORG-01"],
}
AREA = next(n for n, area in enumerate(DOMAIN.areas) if area.key == TARGET["municipality"])
STATE = next(n for n, state in enumerate(DOMAIN.states) if state[0] == TARGET["state"])
TYPE = next(n for n, kind in enumerate(DOMAIN.types) if kind.code == TARGET["type"])
COLUMN = CODES.index("ORG-01")


def crowd(seed: int = 2026) -> list[bytes]:
    """Everybody else's tips of a month: few, and skewed, as in small towns."""
    order = np.random.default_rng(seed)
    places, kinds = 1 / np.arange(1, 16) ** 0.95, 1 / np.arange(1, len(DOMAIN.types) + 1) ** 1.1
    drawn = zip(
        order.choice(15, 160, p=places / places.sum()),
        order.choice(len(DOMAIN.types), 160, p=kinds / kinds.sum()),
        strict=True,
    )
    return [tip(DOMAIN.types[kind].code, TOWN_KEYS[place]) for place, kind in drawn]


def tip(code: str, town: str, month: str = MONTH, **told: Any) -> bytes:
    state = f"BR-{'ABC'[int(town[8]) - 1] * 2}"
    facts = {"municipality": town, "state": state, "type": code, "acts": [code]}
    return row(month, **facts | told)


def victim(month: str = MONTH) -> bytes:
    """The tip that attackers want to find."""
    return row(month, **TARGET)


def counted(rows: Iterable[bytes]) -> Counts:
    return count(rows, DOMAIN, POLICY, MONTH)


# What may be asked.


@dataclass(frozen=True)
class Analyst:
    """Somebody with all released months, and nothing else."""

    releases: Releases

    def ask(
        self, by: str = "", *, since: str = MONTH, until: str = MONTH, **only: str
    ) -> dict[tuple[str, ...], int]:
        """Figures by the values grouped by."""
        question = Question.asked(since, until, by, only)
        table = extract(self.releases, question)
        names = [name + "_code" if name == "municipality" else name for name in question.by]
        keys = zip(*(table.data[name] for name in names), strict=True) if names else [()]
        figures = np.nan_to_num(table.data["tip_count"].astype(float))
        return {tuple(key): int(figure) for key, figure in zip(keys, figures, strict=True)}


def analyst(folder: Path, months: dict[str, dict[str, Ints]]) -> Analyst:
    """From files as a release writes them, with no threshold of display."""
    for month, arrays in months.items():
        write(folder, month, arrays, DOMAIN)
        file = folder / f"{month}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"threshold": -(10**9)}))
    return Analyst(Releases(folder))


Attack = Callable[[Analyst], float]
TOWN = TARGET["municipality"].rpartition(":")[2]
KIND = "ORG-01"
OTHER_TOWNS = tuple(key.rpartition(":")[2] for key in TOWN_KEYS if key[8:] != TOWN)


def honest(who: Analyst) -> float:
    """One question: the town, the type, the month."""
    return who.ask("municipality,crime_type")[(TOWN, KIND)]


def repeat(who: Analyst) -> float:
    """The same again and again, for the average."""
    return float(np.mean([honest(who) for _ in range(10)]))


def respell(who: Analyst) -> float:
    """The same in other words."""
    asked = [
        who.ask("crime_type,municipality")[(TOWN, KIND)],
        who.ask("municipality", crime_type=KIND)[(TOWN,)],
        who.ask("crime_type", municipality=TOWN)[(KIND,)],
        who.ask("", municipality=f"BR:IBGE:{TOWN}", crime_type=KIND)[()],
        who.ask("month,state", municipality=TOWN, crime_type=KIND)[(MONTH, "BR-AA")],
        who.ask("country", municipality=TOWN, crime_type=KIND, crime_group="ORGCRIME")[("BR",)],
        who.ask("year,iccs_code", municipality=TOWN, crime_type=KIND)[("2026", "060121")],
    ]
    return float(np.mean(asked))


def partition(who: Analyst) -> float:
    """Wholes less all the other parts, however the whole is cut."""
    by_town = who.ask("municipality", crime_type=KIND)
    by_kind = who.ask("crime_type", municipality=TOWN)
    both = who.ask("municipality,crime_type")
    wholes = [
        who.ask("", crime_type=KIND)[()] - sum(n for (t,), n in by_town.items() if t != TOWN),
        who.ask("", municipality=TOWN)[()] - sum(n for (k,), n in by_kind.items() if k != KIND),
        who.ask()[()] - sum(n for key, n in both.items() if key != (TOWN, KIND)),
    ]
    return float(np.mean(wholes))


def difference(who: Analyst) -> float:
    """Sets of towns with and without the one."""
    order, found = np.random.default_rng(1), []
    for _ in range(10):
        towns = [town for town in OTHER_TOWNS if order.random() < 0.5] or [OTHER_TOWNS[0]]
        without = who.ask("", municipality=",".join(towns), crime_type=KIND)[()]
        found.append(
            who.ask("", municipality=",".join([*towns, TOWN]), crime_type=KIND)[()] - without
        )
    return float(np.mean(found))


def window(who: Analyst) -> float:
    """Periods that differ by the month."""
    only = {"municipality": TOWN, "crime_type": KIND}
    before = who.ask("", since=BEFORE, until=BEFORE, **only)[()]
    both = who.ask("", since=BEFORE, until=MONTH, **only)[()]
    # A quarter with a month that was not released would tell none: asked by the year.
    long = who.ask("", since="2026-01", until=MONTH, **only)[()]
    return float(np.mean([both - before, long - before]))


def tracker(who: Analyst) -> float:
    """Denning's: the type, and the type outside of the town, padded with another set."""
    pad = who.ask("", crime_type="PRP-01")[()]
    padded = who.ask("", crime_type=f"PRP-01,{KIND}")[()]
    outside = who.ask("municipality", crime_type=f"PRP-01,{KIND}")
    padding = who.ask("municipality", crime_type="PRP-01")
    elsewhere = sum(n for (t,), n in outside.items() if t != TOWN)
    elsewhere -= sum(n for (t,), n in padding.items() if t != TOWN)
    return float(padded - pad - elsewhere)


def complement(who: Analyst) -> float:
    """All less everything else, by states and groups."""
    state = who.ask("", state="BR-AA", crime_group="ORGCRIME", municipality=_towns("1"))[()]
    others = ",".join(t for t in OTHER_TOWNS if t.startswith("1"))
    rest = who.ask("", municipality=others, crime_group="ORGCRIME")[()]
    return float(state - rest - who.ask("", municipality=TOWN, crime_type="ORG-02")[()])


def _towns(state: str) -> str:
    return ",".join(k.rpartition(":")[2] for k in TOWN_KEYS if k[8:].startswith(state))


def reconstruct(who: Analyst) -> float:
    """Two hundred sums of sets that chance chose, solved for every cell of the state at once."""
    order = np.random.default_rng(2)
    towns = [key.rpartition(":")[2] for key in TOWN_KEYS[:TOWNS]]
    rows, sums = [], []
    for _ in range(200):
        a, b = order.random(len(towns)) < 0.5, order.random(len(CODES)) < 0.5
        if not a.any() or not b.any():
            continue
        rows.append(np.outer(a, b).ravel())
        kinds = ",".join(c for c, take in zip(CODES, b, strict=True) if take)
        places = ",".join(t for t, take in zip(towns, a, strict=True) if take)
        sums.append(who.ask("", municipality=places, crime_type=kinds)[()])
    solved = np.linalg.lstsq(np.array(rows, float), np.array(sums, float), rcond=None)[0]
    return float(solved.reshape(len(towns), len(CODES))[towns.index(TOWN), CODES.index(KIND)])


ATTACKS: tuple[Attack, ...] = (
    repeat,
    respell,
    partition,
    difference,
    window,
    tracker,
    complement,
    reconstruct,
)


# Games: the same country with and without one tip.


def world(counts: Counts, policy: Policy = POLICY) -> dict[str, Ints]:
    """One release of these counts, with its own noise."""
    return published(counts, DOMAIN, policy)


def insider(arrays: dict[str, Ints], known: Counts) -> np.ndarray:
    """All that differs, for somebody who knows every other tip: what each released array says more
    than they would, wherever the tip stands."""
    group = int(DOMAIN.group_of[TYPE])
    leaves, states = arrays["leaves"] - known.cell, arrays["states"] - known.state
    found = [
        leaves[AREA, COLUMN],
        leaves[AREA].sum(),
        leaves[DOMAIN.state_of == STATE, COLUMN].sum(),
        states[:, TYPE].sum(),
        states[STATE].sum(),
        states.sum(),
        arrays["acts"][STATE, TYPE] - known.sides["acts"][STATE, TYPE],
    ]
    target = json.loads(victim())
    for side in POLICY.sides[1:]:
        where = tuple(POLICY.values[name].index(target[name]) for name in side.fields)
        at = (STATE, group, *where)
        found.append(arrays[side.name][at] - known.sides[side.name][at])
    x = np.array(found, float)
    # Laplace's likelihood ratio is a step: what counts is on which side of a half it fell.
    return np.concatenate([[1.0], x, np.clip(2 * x - 1, -1, 1)])


@dataclass(frozen=True)
class Played:
    """Scores of many rounds without the tip and with it: the honest question's, and those of the
    best weights that half of the rounds teach for all that is published, on the other half."""

    honest: tuple[np.ndarray, np.ndarray]
    learnt: tuple[np.ndarray, np.ndarray]
    taught: tuple[np.ndarray, np.ndarray]


def play(rounds: int, policy: Policy = POLICY) -> Played:
    rows = crowd()
    known = counted(rows)
    both = (known, counted([*rows, victim()]))
    seen = [np.array([insider(world(c, policy), known) for _ in range(rounds)]) for c in both]
    half = rounds // 2
    weights = _logistic(np.vstack([s[:half] for s in seen]), np.repeat([0.0, 1.0], half))
    learnt = [s @ weights for s in seen]
    return Played(
        (seen[0][:, 1], seen[1][:, 1]),
        (learnt[0][half:], learnt[1][half:]),
        (learnt[0][:half], learnt[1][:half]),
    )


def _logistic(x: np.ndarray, y: np.ndarray, ridge: float = 3.0) -> np.ndarray:
    """Newton's method."""
    weights = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (y - p) - ridge * weights
        bend = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(weights))
        weights += np.linalg.solve(bend, slope)
    return weights


def advantage(scores: tuple[np.ndarray, np.ndarray], above: float) -> float:
    """True less false positives of saying "it is in" above this."""
    return float((scores[1] > above).mean() - (scores[0] > above).mean())


# How much a mechanism gives away at least.


def at_least(hits: int, tries: int, doubt: float) -> float:
    """Clopper and Pearson's lower bound of a chance, wrong with probability ``doubt`` at most."""
    if hits == 0:
        return 0.0
    low, high = 0.0, hits / tries
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(hits, tries, middle) < doubt else (low, middle)
    return low


def at_most(hits: int, tries: int, doubt: float) -> float:
    return 1 - at_least(tries - hits, tries, doubt)


def _tail(hits: int, tries: int, chance: float) -> float:
    """Of ``hits`` or more."""
    if chance <= 0:
        return 0.0
    k, factorial = np.arange(hits, tries + 1), _log_factorials(tries)
    of = factorial[tries] - factorial[k] - factorial[tries - k]
    return float(np.exp(of + k * math.log(chance) + (tries - k) * math.log1p(-chance)).sum())


@lru_cache(maxsize=4)
def _log_factorials(most: int) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def epsilon(without: Sequence[bool], within: Sequence[bool], doubt: float) -> float:
    """A lower bound of ε from how often something happened in two neighbouring worlds."""
    a, b = int(np.sum(within)), int(np.sum(without))
    best = 0.0
    for p, q in (((a, len(within)), (b, len(without))), ((b, len(without)), (a, len(within)))):
        for (hits, n), (misses, m) in ((p, q), ((p[1] - p[0], p[1]), (q[1] - q[0], q[1]))):
            low, high = at_least(hits, n, doubt), at_most(misses, m, doubt)
            if low > 0 and high > 0:
                best = max(best, math.log(low / high))
    return best


def audit(played: Played, doubt: float) -> float:
    """The whole release: a threshold chosen on the rounds that taught, judged on the others."""
    marks = np.quantile(np.concatenate(played.taught), np.linspace(0.02, 0.98, 49))
    bounds = [epsilon(played.taught[0] > m, played.taught[1] > m, 0.05) for m in marks]
    mark = marks[int(np.argmax(bounds))]
    return epsilon(played.learnt[0] > mark, played.learnt[1] > mark, doubt)


def scaled(policy: Policy, factor: float) -> Policy:
    """A mechanism that promises what it does not keep: the noise is that of a greater ε."""
    main = {n: replace(s, epsilon=s.epsilon / factor) for n, s in policy.main.items()}
    sides = tuple(replace(s, epsilon=s.epsilon / factor) for s in policy.sides)
    return replace(policy, main=main, sides=sides)


def recovered(rounds: int) -> dict[str, float]:
    """How often each way tells the exact number of a cell that holds one to three tips."""
    rows = crowd()
    counts = counted([*rows, victim()])
    with tempfile.TemporaryDirectory() as folder:
        hits = dict.fromkeys(("honest", *(a.__name__ for a in ATTACKS)), 0)
        for number in range(rounds):
            months = {BEFORE: world(counts), MONTH: world(counts)}
            who = analyst(Path(folder) / str(number), months)
            for attack in (honest, *ATTACKS):
                hits[attack.__name__] += round(attack(who)) == counts.cell[AREA, COLUMN]
    return {name: found / rounds for name, found in hits.items()}
