#!/usr/bin/env python3
"""Fits the weights of ``hotline.triage.likeness`` on the development part of tests/linking.

    .venv/bin/python scripts/fit_likeness.py

Logistic regression with a small penalty, on every pair of the part; prints the weights and what
each threshold gives on that part. Copy them by hand; never fit on what is for measuring.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from linking import sketched

from hotline.triage import likeness
from hotline.triage.likeness import THROUGH, WEIGHTS, _line, measures, through

_PENALTY = 0.5
_STEPS = 50


def main() -> None:
    tips, told, rows = sketched("dev")
    event = np.array([tip.event for tip in tips])
    names = [name for name in WEIGHTS if name != "bias"]
    readable = [at for at, one in enumerate(told) if one.features.words]
    tables = {at: measures(rows, at) for at in readable}
    rest = {at: np.arange(len(told)) != at for at in readable}
    x = np.concatenate([np.c_[*(tables[at][n][rest[at]] for n in names)] for at in readable])
    y = np.concatenate([(event == event[at])[rest[at]] for at in readable]).astype(float)
    likeness.WEIGHTS = shown("WEIGHTS", names, fitted(np.c_[np.ones(len(x)), x], y))
    again, same = [], []
    for at in readable:
        direct = _line(likeness.WEIGHTS, tables[at])
        direct[at] = -np.inf
        near = np.argsort(-direct, kind="stable")[:400]
        table = through(rows, near, direct)
        keep = near != at
        again.append(np.c_[*(table[name][keep] for name in list(THROUGH)[1:])])
        same.append((event == event[at])[near[keep]])
    x, y = np.concatenate(again), np.concatenate(same).astype(float)
    final = fitted(np.c_[np.ones(len(x)), x], y)
    shown("THROUGH", list(THROUGH)[1:], final)
    chance = 1 / (1 + np.exp(-(x @ final[1:] + final[0])))
    for threshold in (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8):
        said = chance >= threshold
        right = (said & (y > 0)).sum()
        print(f"{threshold}: precision {right / said.sum():.3f} recall {right / y.sum():.3f}")


def shown(name: str, names: list[str], weights: np.ndarray) -> dict[str, float]:
    table = {k: round(float(w), 2) for k, w in zip(["bias", *names], weights, strict=True)}
    print(f"{name} = {{")
    for key, weight in table.items():
        print(f'    "{key}": {weight:.2f},')
    print("}")
    return table


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
