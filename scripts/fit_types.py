#!/usr/bin/env python3
"""Fits the evidence for crime types on the labelled tips of tests/routing that are no test.

    .venv/bin/python scripts/fit_types.py [--check-only]

Needs the extra ``fit``. Prints how often the group, the type and the desk of the main act are found
for tips of hands that were left out of the fit, then writes hotline/routing/data/evidence.csv.
To be run again when concepts are added or labelled tips grow; a term added to a type needs no fit.

A multinomial logistic regression over the types: each concept, tag, threat and word has a weight
for each group and a smaller one for each type, held near zero by a quadratic penalty, and two
weights shared by all types count the type's own terms. Tips written for this set count more than
those that tell of crime in passing, because they are how people write to a line.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline.routing.classify import OTHER, Types
from hotline.routing.evidence import ALWAYS, BEST, OWN, WORD
from hotline.tips import Language
from tests.routing.labelled import Told, tips

TAUGHT = ("development", "plain", "more")  # the parts "test" and "fresh" only measure
UNFIT = (OTHER, "ORG-11")  # types that no evidence may suggest
FILE = Path(__file__).parent.parent / "hotline" / "routing" / "data" / "evidence.csv"
PLAINLY = frozenset(tip.id for part in ("plain", "more") for tip in tips(part))
PLAIN = 2.5  # a tip written for this set, against one that tells of crime in passing
GROUP, TYPE, BIAS = 6.0, 15.0, 0.5  # penalties on weights
GROUP_WORD, TYPE_WORD = 3.0, 15.0  # the same for words that are no term
OFTEN = 3  # tips that must say a thing before it is weighed
LEAST_WORD = 3  # letters of a word that is weighed
LEAST_GROUP, LEAST_TYPE = 0.05, 0.1  # smaller weights are left out of the table

Floats = NDArray[np.float64]


class Data(NamedTuple):
    """Tips as numbers: ``said`` (tips, features), ``own`` and ``best`` (tips, types), the main
    act's column and each tip's weight."""

    said: Floats
    own: Floats
    best: Floats
    main: NDArray[np.int64]
    weight: Floats


class Fitted(NamedTuple):
    """Weights: of own terms, of the group's best terms, (features, groups), (features, types)."""

    own: float
    best: float
    group: Floats
    type: Floats


class Table:
    """Types, groups and features by column. The last feature is there in every tip."""

    def __init__(self, types: Types, told: Sequence[Told]) -> None:
        kinds = [k for k in types if "human_only" not in k.flags and k.code != OTHER]
        self.types = types
        self.codes = sorted(kind.code for kind in kinds)
        self.groups = sorted({kind.group for kind in kinds})
        self.member = np.array(
            [[types.get(code).group == group for group in self.groups] for code in self.codes],
            dtype=np.float64,
        )
        self.read = {tip.id: types.told(tip.text, Language(tip.language)) for tip in told}
        often: dict[str, int] = {}
        for _, said in self.read.values():
            for name in said:
                often[name] = often.get(name, 0) + 1
        known = (n for n, count in often.items() if count >= OFTEN and not _slight(n))
        self.features = [*sorted(known), ALWAYS]

    def data(self, told: Sequence[Told]) -> Data:
        columns = {name: at for at, name in enumerate(self.features)}
        said = np.zeros((len(told), len(self.features)))
        own = np.zeros((len(told), len(self.codes)))
        said[:, -1] = 1.0
        for row, tip in enumerate(told):
            totals, heard = self.read[tip.id]
            for name, sure in heard.items():
                if name in columns:
                    said[row, columns[name]] = sure
            own[row] = [np.log1p(totals.get(code, 0.0)) for code in self.codes]
        best = np.zeros_like(own)
        for at in range(len(self.groups)):
            members = self.member[:, at] > 0
            best[:, members] = own[:, members].max(axis=1, keepdims=True)
        main = np.array([self.codes.index(tip.types[0]) for tip in told])
        return Data(said, own, best, main, np.array([PLAIN if _plain(t) else 1.0 for t in told]))

    def fit(self, data: Data) -> Fitted:
        features, groups, codes = len(self.features), len(self.groups), len(self.codes)
        wanted = np.zeros((len(data.main), codes))
        wanted[np.arange(len(data.main)), data.main] = 1.0
        words = np.array([[name.startswith(WORD)] for name in self.features])
        of_group = np.where(words, GROUP_WORD, GROUP)
        of_type = np.where(words, TYPE_WORD, TYPE)
        of_group[-1], of_type[-1] = BIAS, 2 * BIAS

        def loss(packed: Floats) -> tuple[float, Floats]:
            now = unpack(packed)
            scores = self.scores(now, data)
            scores -= scores.max(axis=1, keepdims=True)
            logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
            wrong = (np.exp(logs) - wanted) * data.weight[:, None]
            by_type = data.said.T @ wrong
            slope = [
                [(wrong * data.own).sum(), (wrong * data.best).sum()],
                (by_type @ self.member + of_group * now.group).ravel(),
                (by_type + of_type * now.type).ravel(),
            ]
            penalty = (of_group * now.group**2).sum() + (of_type * now.type**2).sum()
            missed = -(logs * wanted * data.weight[:, None]).sum()
            return float(missed + penalty / 2), np.concatenate(slope)

        def unpack(packed: Floats) -> Fitted:
            cut = 2 + features * groups
            return Fitted(
                packed[0],
                packed[1],
                packed[2:cut].reshape(features, groups),
                packed[cut:].reshape(features, codes),
            )

        start = np.zeros(2 + features * (groups + codes))
        start[:2] = 1.0
        return unpack(
            minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150}).x
        )

    def scores(self, fitted: Fitted, data: Data) -> Floats:
        known = data.said @ (fitted.group @ self.member.T + fitted.type)
        return np.asarray(known + fitted.own * data.own + fitted.best * data.best)


def _slight(name: str) -> bool:
    word = name.removeprefix(WORD)
    return word != name and (len(word) < LEAST_WORD or not word.isalpha())


def _plain(tip: Told) -> bool:
    return tip.id in PLAINLY


def left_out(table: Table, told: Sequence[Told]) -> None:
    """Prints how well tips of each plain hand are told by a fit on all the other hands."""
    right = np.zeros(3)
    hands = sorted({tip.id.partition("-")[0] for tip in told if _plain(tip)})
    plain = sum(map(_plain, told))
    for hand in hands:
        mine = [tip for tip in told if tip.id.startswith(f"{hand}-")]
        others = table.data([tip for tip in told if tip not in mine])
        found = table.scores(table.fit(others), table.data(mine)).argmax(axis=1)
        kinds = [table.types.get(table.codes[at]) for at in found]
        wanted = [table.types.get(tip.types[0]) for tip in mine]
        hits = [
            (a.group == b.group, a.code == b.code, a.queue is b.queue)
            for a, b in zip(kinds, wanted, strict=True)
        ]
        right += np.sum(hits, axis=0)
        group, code, queue = np.mean(hits, axis=0)
        print(f"without {hand}: group {group:.3f}  type {code:.3f}  queue {queue:.3f}", flush=True)
    group, code, queue = right / plain
    print(f"all plain tips: group {group:.3f}  type {code:.3f}  queue {queue:.3f}")


def write(table: Table, fitted: Fitted) -> None:
    with FILE.open("w", encoding="utf-8", newline="") as out:
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(("said", "points to"))
        lines.writerow((OWN, f"{fitted.own:.2f}"))
        lines.writerow((BEST, f"{fitted.best:.2f}"))
        for name, group, kind in zip(table.features, fitted.group, fitted.type, strict=True):
            loud = [
                (n, w) for n, w in zip(table.groups, group, strict=True) if abs(w) >= LEAST_GROUP
            ]
            loud += [(n, w) for n, w in zip(table.codes, kind, strict=True) if abs(w) >= LEAST_TYPE]
            loud.sort(key=lambda one: (-round(one[1], 2), one[0]))
            lines.writerow((name, " ".join(f"{n}:{w:.2f}" for n, w in loud)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check-only", action="store_true", help="print figures, write nothing")
    only = parser.parse_args().check_only
    told = [t for part in TAUGHT for t in tips(part) if t.types and t.types[0] not in UNFIT]
    table = Table(Types.load(), told)
    left_out(table, told)
    if not only:
        write(table, table.fit(table.data(told)))
        print(f"{len(table.features)} lines of evidence from {len(told)} tips")


if __name__ == "__main__":
    main()
