"""Cube: four noisy tables become one of whole numbers in which everything adds up.

Weighted least squares, in closed form. The tables of nation, state and cell treat all types alike,
and the table of municipalities speaks of the sum over types alone: so differences between types
are a tree (nation, state, area) of their own, and so is the sum, where cells and municipality
measure the same. Post-processing of what is noisy already: it costs no privacy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hotline.analysis.domain import NATION, STATES, Domain, Ints

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Variances:
    """Of the noise in one cell of each main table."""

    nation: float
    state: float
    municipality: float
    cell: float


@dataclass(frozen=True, slots=True)
class Cube:
    """``leaves`` [area, fine type] and ``states`` [state, type], whole and signed. A state's fine
    types are the sums of its leaves; a nation's types the sums of its states. Nobody else's
    figures are kept, so no two of them can disagree."""

    leaves: Ints
    states: Ints


def reconcile(
    domain: Domain, nation: Ints, state: Ints, place: Ints, cell: Ints, v: Variances
) -> Cube:
    """From noisy tables, shaped as in ``observations.Counts``."""
    fine = domain.fine
    x, held = _tree(domain, cell.astype(float), state[:, fine], nation[fine], v.cell, v)
    k = len(fine)
    both = 1 / (1 / (k * v.cell) + 1 / v.municipality)
    leaf = (cell.sum(axis=1) / (k * v.cell) + place / v.municipality) * both
    wide = Variances(k * v.nation, k * v.state, 0.0, 0.0)
    totals = (state[:, fine].sum(axis=1, keepdims=True), nation[fine].sum(keepdims=True))
    u, all_held = _tree(domain, leaf[:, None], *totals, both, wide)
    x += (u - x.sum(axis=1, keepdims=True)) / k
    held += (all_held - held.sum()) / k
    whole = diffused(np.vstack([x, held[None, :]]))
    states = np.zeros(state.shape, np.int64)
    states[:-1, fine] = np.add.reduceat(whole[:-1], domain.starts, axis=0)
    states[-1, fine] = whole[-1]
    for kind in domain.of_level(STATES):
        gap = nation[kind] - state[:, kind].sum()
        share = v.state / (len(state) * v.state + v.nation)
        states[:, kind] = steps(state[:, kind] + gap * share)
    for kind in domain.of_level(NATION):
        mean = (nation[kind] / v.nation + state[-1, kind] / v.state) / (1 / v.nation + 1 / v.state)
        states[-1, kind] = round(float(mean))
    return Cube(whole[:-1].astype(np.int64), states)


def _tree(
    domain: Domain, leaf: Reals, state: Ints, nation: Ints, v_leaf: float, v: Variances
) -> tuple[Reals, Reals]:
    """Least squares of nation = Σ states + withheld, state = Σ its areas: areas and withheld."""
    n = domain.widths[: len(domain.starts), None]
    sums = np.add.reduceat(leaf, domain.starts, axis=0)
    spread = 1 / (1 / v.state + 1 / (n * v_leaf))
    middle = (state[:-1] / v.state + sums / (n * v_leaf)) * spread
    gap = (nation - middle.sum(axis=0) - state[-1]) / (spread.sum() + v.state + v.nation)
    settled = middle + spread * gap
    return leaf + np.repeat((settled - sums) / n, n[:, 0], axis=0), state[-1] + v.state * gap


def diffused(x: Reals) -> Ints:
    """Whole numbers: what rounding takes from one row is given to the next, so that each column's
    sum from the top to any row is off by less than one, each cell by less than two, and each
    row's sum by at most one."""
    whole = np.empty(x.shape, np.int64)
    owed = np.zeros(x.shape[1])
    for number, row in enumerate(x):
        due = row + owed
        low = np.floor(due)
        up = round(float(due.sum() - low.sum()))
        if up:
            low[np.argsort(low - due, kind="stable")[:up]] += 1
        whole[number] = low
        owed = due - low
    return whole


def steps(x: Reals, axis: int = 0) -> Ints:
    """The same along one axis alone: differences of the rounded running sums."""
    running = np.rint(np.cumsum(x, axis=axis)).astype(np.int64)
    return np.diff(running, axis=axis, prepend=0)


def beside(domain: Domain, states: Ints, table: Ints) -> Ints:
    """A side table [state, group, …values] moved so that each state's group adds up to the cube's:
    what is missing is shared among the values alike, which is least squares for equal noise."""
    held = grouped(domain, states)
    flat = table.reshape(*table.shape[:2], -1).astype(float)
    flat += (held - flat.sum(axis=2))[:, :, None] / flat.shape[2]
    whole = steps(flat, axis=2)
    only = np.array(
        [all(t.level == NATION for t in domain.types if t.group == g) for g in domain.groups]
    )
    whole[:-1, only] = 0
    return whole.reshape(table.shape)


def grouped(domain: Domain, states: Ints) -> Ints:
    """[state, type] → [state, group]."""
    held = np.zeros((len(states), len(domain.groups)), np.int64)
    np.add.at(held.T, domain.group_of, states.T)
    return held
