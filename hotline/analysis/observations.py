"""Observations: what sealed rows say, once opened, becomes counts; nothing of a row is kept.

A tip stands in one cell of each table but that of acts, where it may stand in three: that is the
whole of what the privacy of a release rests on, so it is written here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hotline.analysis.domain import (
    ABROAD,
    NATION,
    OTHER,
    PLACES,
    UNKNOWN,
    WITHHELD,
    Domain,
    Ints,
)
from hotline.analysis.policy import MOST_ACTS, Policy
from hotline.errors import HotlineError

PLANTED = "planted"  # the outcome of a tip that nobody reported: it is not counted


class BadObservation(HotlineError):
    """An opened row says nothing that can be counted."""

    code = "bad_observation"
    message = "A count of this month cannot be read."
    hint = "Nothing was released. Keep the database as it is and ask whoever maintains the program."


@dataclass(frozen=True, slots=True)
class Counts:
    """Exact counts of one month: never written anywhere. ``nation`` [type], ``state`` [state,
    type], ``municipality`` [area], ``cell`` [area, fine type]; ``sides`` by name: acts [state,
    type], the others [state, group, value of the first field, …of the second]. ``tips`` is how
    many were counted."""

    nation: Ints
    state: Ints
    municipality: Ints
    cell: Ints
    sides: Mapping[str, Ints]
    tips: int

    def table(self, name: str) -> Ints:
        found: Ints = getattr(self, name)
        return found


class Counter:
    """Takes opened rows one by one."""

    def __init__(self, domain: Domain, policy: Policy, month: str) -> None:
        self._domain, self._policy, self._month = domain, policy, month
        states, types = len(domain.states), len(domain.types)
        self._states = {key: number for number, (key, _, _) in enumerate(domain.states)}
        self._types = {kind.code: number for number, kind in enumerate(domain.types)}
        self._fine = {int(number): column for column, number in enumerate(domain.fine)}
        self._areas = {a.key: n for n, a in enumerate(domain.areas) if ":" in a.key}
        # The last area of each state is the one of its tips without a municipality.
        self._unplaced = domain.starts + domain.widths[: len(domain.starts)] - 1
        self._state = np.zeros((states, types), np.int64)
        self._cell = np.zeros((len(domain.areas), len(domain.fine)), np.int64)
        self._sides = {
            side.name: np.zeros(shape_of(side.fields, side.name, domain, policy.values), np.int64)
            for side in policy.sides
        }
        self._values = {
            name: {value: number for number, value in enumerate(values)}
            for name, values in policy.values.items()
        }

    def add(self, payload: bytes) -> None:
        """One row's JSON (``vault.content.observation``). Raises BadObservation."""
        try:
            row = json.loads(payload)
            if row["month"] != self._month:
                raise BadObservation
            if row["outcome"] != PLANTED:
                self._count(row)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadObservation from None

    def _count(self, row: Mapping[str, Any]) -> None:
        domain, other = self._domain, self._types[OTHER]
        kind = self._types.get(row["type"], other)
        level = domain.types[kind].level
        area, state = self._place(row)
        if level == NATION or row["integrity"]:
            state = self._states[WITHHELD]
        elif level == PLACES:
            self._cell[area, self._fine[kind]] += 1
        self._state[state, kind] += 1
        group = int(domain.group_of[kind])
        for side in self._policy.sides:
            if side.name == "acts":
                for act in {self._types.get(code, other) for code in row["acts"][:MOST_ACTS]}:
                    # An act of officials is told of no state, whatever the main act is.
                    alone = domain.types[act].level == NATION
                    self._sides["acts"][self._states[WITHHELD] if alone else state, act] += 1
                continue
            where = tuple(self._value(name, row.get(name)) for name in side.fields)
            self._sides[side.name][(state, group, *where)] += 1

    def _place(self, row: Mapping[str, Any]) -> tuple[int, int]:
        """Area and state."""
        place, state = row["municipality"], row["state"]
        area = self._areas.get(place)
        if area is not None:
            return area, int(self._domain.state_of[area])
        away = f"{self._domain.country}:"
        if place != UNKNOWN and not place.startswith(away):
            state = ABROAD
        elif state not in self._states or state == WITHHELD:
            there = state[2:3] == "-" and state[:2] != self._domain.country
            state = ABROAD if there else UNKNOWN
        number = self._states[state]
        return int(self._unplaced[number]), number

    def _value(self, name: str, told: object) -> int:
        return self._values[name].get(str(told), len(self._values[name]) - 1)

    def done(self) -> Counts:
        return Counts(
            self._state.sum(axis=0),
            self._state,
            self._cell.sum(axis=1),
            self._cell,
            self._sides,
            int(self._state.sum()),
        )


def count(payloads: Iterable[bytes], domain: Domain, policy: Policy, month: str) -> Counts:
    """Of all rows of a month. Raises BadObservation."""
    counter = Counter(domain, policy, month)
    for payload in payloads:
        counter.add(payload)
    return counter.done()


def shape_of(
    fields: tuple[str, ...], name: str, domain: Domain, values: Mapping[str, tuple[str, ...]]
) -> tuple[int, ...]:
    """Of a side table."""
    if name == "acts":
        return len(domain.states), len(domain.types)
    return (len(domain.states), len(domain.groups), *(len(values[one]) for one in fields))
