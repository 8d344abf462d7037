#!/usr/bin/env python3
"""Fits the weights of ``hotline.triage.likeness`` on the parts of tests/linking for tuning.

    .venv/bin/python scripts/fit_likeness.py

Logistic regression with a small penalty, on every pair; prints the weights and what each threshold
gives for tips of families that were left out of the fit. Copy them by hand; never fit on what is
for measuring.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from linking import sketched

from hotline.triage import likeness
from hotline.triage.likeness import THROUGH, _line, measures, through

PARTS = ("dev", "more")
_PENALTY = 0.5
_STEPS = 50
_FOLDS = 6


def main() -> None:
    parts = [sketched(part) for part in PARTS]
    tips = [tip for part in parts for tip in part[0]]
    told = [one for part in parts for one in part[1]]
    rows = np.concatenate([part[2] for part in parts])
    event = np.array([tip.event for tip in tips])
    readable = [at for at, one in enumerate(told) if one.features.words]
    tables = {at: measures(rows, at) for at in readable}
    part = dealt([tip.family for tip in tips])
    # Each fold's second step sees the first as it meets tips that it was not fitted on.
    again, same, fold = [], [], []
    for left_out in range(_FOLDS):
        kept = [at for at in readable if part[at] != left_out]
        likeness.WEIGHTS = first_step(tables, kept, event, part != left_out)
        for at in (at for at in readable if part[at] == left_out):
            direct = _line(likeness.WEIGHTS, tables[at])
            direct[at] = -np.inf
            near = np.argsort(-direct, kind="stable")[:400]
            table = through(rows, near, direct)
            keep = near != at
            again.append(np.c_[*(table[name][keep] for name in list(THROUGH)[1:])])
            same.append((event == event[at])[near[keep]])
            fold.append(np.full(keep.sum(), left_out))
    x, y = np.concatenate(again), np.concatenate(same).astype(float)
    folds = np.concatenate(fold)
    line = np.zeros(len(y))
    for left_out in range(_FOLDS):
        held = folds == left_out
        weights = fitted(np.c_[np.ones((~held).sum()), x[~held]], y[~held])
        line[held] = x[held] @ weights[1:] + weights[0]
    shown("WEIGHTS", first_step(tables, readable, event, np.ones(len(tips), bool)))
    shown("THROUGH", named(list(THROUGH)[1:], fitted(np.c_[np.ones(len(x)), x], y)))
    print("tips of families left out:")
    chance = 1 / (1 + np.exp(-line))
    for threshold in (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8):
        said = chance >= threshold
        right = (said & (y > 0)).sum()
        print(f"{threshold}: precision {right / said.sum():.3f} recall {right / y.sum():.3f}")


def dealt(families: list[str]) -> np.ndarray:
    """By tip its fold; a family is never parted."""
    ranks = {family: rank for rank, family in enumerate(sorted(set(families)))}
    return np.array([ranks[family] % _FOLDS for family in families])


def first_step(
    tables: dict[int, dict[str, np.ndarray]], tips: list[int], event: np.ndarray, of: np.ndarray
) -> dict[str, float]:
    """WEIGHTS from every pair of one of ``tips`` and one of ``of``."""
    names = [name for name in likeness.WEIGHTS if name != "bias"]
    rest = {at: of & (np.arange(len(event)) != at) for at in tips}
    x = np.concatenate([np.c_[*(tables[at][n][rest[at]] for n in names)] for at in tips])
    y = np.concatenate([(event == event[at])[rest[at]] for at in tips]).astype(float)
    return named(names, fitted(np.c_[np.ones(len(x)), x], y))


def named(names: list[str], weights: np.ndarray) -> dict[str, float]:
    return {k: round(float(w), 2) for k, w in zip(["bias", *names], weights, strict=True)}


def shown(name: str, table: dict[str, float]) -> None:
    print(f"{name} = {{")
    for key, weight in table.items():
        print(f'    "{key}": {weight:.2f},')
    print("}")


def fitted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Newton's method; the bias is not penalised."""
    weights = np.zeros(x.shape[1])
    penalty = np.diag([0.0] + [_PENALTY] * (x.shape[1] - 1))
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (chance - y) + penalty @ weights
        bend = (x * (chance * (1 - chance))[:, None]).T @ x + penalty
        weights -= np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
    return weights


if __name__ == "__main__":
    main()
