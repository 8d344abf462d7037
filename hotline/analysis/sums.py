"""Sums: releases added up along the groups of a question, with their variance.

Sums of whole numbers below 2^53 are exact in doubles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hotline.analysis.cube import Reals
from hotline.analysis.domain import PLACES, STATES, Domain, Ints
from hotline.analysis.noise import variance
from hotline.analysis.plan import Plan
from hotline.analysis.release import ACTS, LEAVES, STATES_ARRAY
from hotline.analysis.releases import Frozen
from hotline.analysis.spread import spread, spread_beside


@dataclass(frozen=True, slots=True)
class Sums:
    """What is added up, [period, place, type, value]: figures, their variance, and how many
    published cells are in each."""

    values: Reals
    spread: Reals
    cells: Reals

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Sums:
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def add(self, plan: Plan, one: Frozen) -> None:
        """One month. Raises BadRelease."""
        areas, withheld, kinds, sides = plan.maps[one.domain.digest]
        if not (_any(withheld) or _any(areas)) or not _any(kinds) or not _any(sides):
            return
        period = plan.period_number(one.month)
        if plan.table == ACTS:
            self._add_acts(plan, one, period)
        elif plan.table:
            self._add_side(plan, one, period)
        else:
            self._add_cube(plan, one, period)

    def _add_cube(self, plan: Plan, one: Frozen, period: int) -> None:
        areas, withheld, kinds, _ = plan.maps[one.domain.digest]
        into, cells = self.values[period, :, :, 0], self.cells[period, :, :, 0]
        told = told_of(one.domain, plan.fine)
        into += _fold(np.where(told, one.array(STATES_ARRAY), 0), withheld, kinds, into.shape)
        cells += _fold(told, withheld, kinds, into.shape)
        if plan.fine:
            leaves, fine = one.array(LEAVES), kinds[one.domain.fine]
            into += _fold(leaves, areas, fine, into.shape)
            rows = np.bincount(areas[areas >= 0], minlength=into.shape[0])
            columns = np.bincount(fine[fine >= 0], minlength=into.shape[1])
            cells += np.outer(rows, columns)
        self.spread[period, :, :, 0] += _spread(plan, one, into.shape)

    def _add_side(self, plan: Plan, one: Frozen, period: int) -> None:
        _, withheld, groups, sides = plan.maps[one.domain.digest]
        shape = self.values.shape[1:]
        array = one.array(plan.table)
        flat = array.reshape(*array.shape[:2], -1)
        told = np.ones(array.shape[:2])
        only = ~told_of(one.domain, fine=False)
        for group in range(len(one.domain.groups)):
            told[only[:, one.domain.group_of == group].all(axis=1), group] = 0
        blocks = _fold(told, withheld, groups, shape[:2])
        held = _spread(plan, one, shape[:2])
        noise = variance(one.spent[plan.table].scale)
        for value in range(shape[2]):
            mine = sides == value
            part = flat[:, :, mine].sum(axis=2)
            self.values[period, :, :, value] += _fold(part, withheld, groups, shape[:2])
            kept = np.full(shape[:2], float(mine.sum()))
            self.cells[period, :, :, value] += blocks
            spread = spread_beside(flat.shape[2], blocks, kept, noise, held)
            self.spread[period, :, :, value] += spread

    def _add_acts(self, plan: Plan, one: Frozen, period: int) -> None:
        """Each cell has noise of its own: nothing is reconciled, for acts add up to no tips."""
        _, withheld, _, acts = plan.maps[one.domain.digest]
        into = self.values[period, :, 0, :]
        told = told_of(one.domain, fine=False)
        cells = _fold(told, withheld, acts, into.shape)
        into += _fold(np.where(told, one.array(ACTS), 0), withheld, acts, into.shape)
        self.cells[period, :, 0, :] += cells
        self.spread[period, :, 0, :] += cells * variance(one.spent[ACTS].scale)


def told_of(domain: Domain, fine: bool) -> Any:
    """[state, type]: which figures of the states' table are taken. With municipalities only those
    that no municipality is told of; else whatever is told of a state."""
    told = np.zeros((len(domain.states), len(domain.types)), dtype=bool)
    told[:-1] = [
        kind.level == STATES or (not fine and kind.level == PLACES) for kind in domain.types
    ]
    told[-1] = True
    return told


def _spread(plan: Plan, one: Frozen, shape: tuple[int, ...]) -> Reals:
    """Variances of the cube's sums, the same for all months of one domain and one noise."""
    key = (one.domain.digest, repr(one.variances))
    if key not in plan.variances:
        areas, withheld, kinds, _ = plan.maps[one.domain.digest]
        if len(kinds) != len(one.domain.types):
            kinds = kinds[one.domain.group_of]
        found = spread(one.domain, one.variances, areas, withheld, kinds)
        whole = np.zeros(shape)
        whole[: found.shape[0], : found.shape[1]] = found
        plan.variances[key] = whole
    return plan.variances[key]


def _fold(array: Any, rows: Ints, columns: Ints, shape: tuple[int, ...]) -> Reals:
    """Sums of a matrix by the groups of its rows and columns; -1 is left out."""
    if (rows < 0).any():
        array, rows = array[rows >= 0], rows[rows >= 0]
    if (columns < 0).any():
        array, columns = array[:, columns >= 0], columns[columns >= 0]
    if shape[1] == 1:
        return _binned(rows, array.sum(axis=1), shape[0])[:, None]
    at = rows[:, None] * shape[1] + columns[None, :]
    size = shape[0] * shape[1]
    return _binned(at.ravel(), np.ravel(array), size).reshape(shape[:2])


def _binned(groups: Ints, weights: Any, size: int) -> Reals:
    return np.asarray(np.bincount(groups, weights, size), dtype=np.float64)


def _any(groups: Ints) -> bool:
    return bool((groups >= 0).any())
