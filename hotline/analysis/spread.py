"""Spread: how far a published figure may be from the truth: the exact variance of any sum.

The noise's own distribution is public, so its effect can be told to everybody. All formulas follow
the least squares of ``cube``; whole numbers add less than a quarter to a cell's variance.
"""

from __future__ import annotations

import numpy as np

from hotline.analysis.cube import Reals, Variances
from hotline.analysis.domain import NATION, STATES, Domain, Ints

# 95 of 100: 1.96 for a sum of many noises, 2.12 for a single Laplace; the wider one for both.
HALF_WIDTH = 2.12
ROUNDED = 0.25


def spread(domain: Domain, v: Variances, areas: Ints, withheld: Ints, types: Ints) -> Reals:
    """Variances [group of places, group of types] of sums of the cube.

    ``areas``: each area's group; ``withheld``: for each state the group of what its municipalities
    are not told of; ``types``: each type's group. -1 stands for no group."""
    rows, columns = int(max(areas.max(), withheld.max())) + 1, int(types.max()) + 1
    chosen = np.zeros((rows, len(domain.states)))  # how many of a state's areas
    kept = areas >= 0
    np.add.at(chosen, (areas[kept], domain.state_of[kept]), 1.0)
    told = np.zeros((rows, len(domain.states)))  # what is not published of it
    known = np.flatnonzero(withheld >= 0)
    told[withheld[known], known] = 1.0
    per = {level: _per(domain, level, types, columns) for level in (STATES, NATION)}
    fine = _per(domain, "", types, columns)
    k = len(domain.fine)
    plain = _of_tree(domain, chosen, told, v.cell + ROUNDED, v.cell, v)
    both = 1 / (1 / (k * v.cell) + 1 / v.municipality)
    wide = Variances(k * v.nation, k * v.state, 0.0, 0.0)
    total = _of_tree(domain, chosen, told, both + ROUNDED, both, wide)
    found = np.outer(plain, fine - fine**2 / k) + np.outer(total, (fine / k) ** 2)
    told_of = told.sum(axis=1)
    shared = (told_of * v.state) ** 2 / (len(domain.states) * v.state + v.nation)
    found += np.outer(told_of * v.state - shared, per[STATES])
    alone = 1 / (1 / v.nation + 1 / v.state)
    found += np.outer(told[:, -1] * alone, per[NATION])
    return found


def _per(domain: Domain, level: str, types: Ints, columns: int) -> Reals:
    """How many types of a level each group has; of the fine ones for an empty level."""
    numbers = domain.of_level(level) if level else domain.fine
    mine = types[numbers]
    return np.bincount(mine[mine >= 0], minlength=columns).astype(float)


def _of_tree(
    domain: Domain, chosen: Reals, told: Reals, shown: float, v_leaf: float, v: Variances
) -> Reals:
    """Of sums of one tree's areas: what areas of a state differ by, and the states themselves."""
    n = np.append(domain.widths[: len(domain.starts)], 1).astype(float)
    part = chosen / n
    part[:, -1] = told[:, -1]
    within = (shown * chosen * (1 - chosen / n))[:, :-1].sum(axis=1)
    each = np.append(1 / (1 / v.state + 1 / (n[:-1] * v_leaf)), v.state)
    among = (part**2 * each).sum(axis=1) - (part @ each) ** 2 / (each.sum() + v.nation)
    return np.asarray(within + among)


def spread_beside(
    values: int, blocks: Reals, kept: Reals, scale_variance: float, held: Reals
) -> Reals:
    """Of sums of a side table: ``blocks`` state-groups, ``kept`` of their ``values`` values each,
    whose totals in the cube vary by ``held``."""
    part = kept / values
    return scale_variance * blocks * kept * (1 - part) + part**2 * held + ROUNDED * blocks
