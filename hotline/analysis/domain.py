"""Domain: which cells there are, told apart from what is in them: public, the same whatever came.

Places and types are known before any tip is. So every cell gets noise, also where nothing is, and
nothing is learnt from a cell's being there.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hotline.analysis.policy import Policy

UNKNOWN, ABROAD, WITHHELD = "unknown", "abroad", "not_published"
PLACES, STATES, NATION = "municipality", "state", "nation"  # how finely a type is told
OTHER = "PUB-99"

Ints = NDArray[np.int64]


class Kind(Protocol):
    """A row of the table of crime types."""

    @property
    def code(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def iccs(self) -> tuple[str, ...]: ...
    @property
    def names(self) -> Mapping[Any, str]: ...


class Register(Protocol):
    """The municipalities of a country."""

    def states(self) -> tuple[tuple[str, str], ...]: ...
    def in_state(self, state: str) -> tuple[tuple[str, str], ...]: ...


@dataclass(frozen=True, slots=True)
class CrimeType:
    """``level`` is how finely it is told; ``iccs`` its first code, or empty."""

    code: str
    group: str
    level: str
    iccs: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Area:
    """A municipality, or what is not told more closely than its state (``code`` is then
    UNKNOWN; ABROAD of the state of that name)."""

    code: str
    key: str
    name: str
    state: int


@dataclass(frozen=True)
class Domain:
    """``states`` are (key, name, region); the last three are UNKNOWN, ABROAD and WITHHELD, which
    has no area. Areas stand in the order of their states, each state's last is its UNKNOWN."""

    country: str
    taxonomy: str
    states: tuple[tuple[str, str, str], ...]
    areas: tuple[Area, ...]
    types: tuple[CrimeType, ...]

    @classmethod
    def of(
        cls, country: str, places: Register, types: Iterable[Kind], taxonomy: str, policy: Policy
    ) -> Domain:
        """Of the tables the line decides by."""
        regions = _regions(country)
        known = sorted(places.states())
        states = [(key, name, regions.get(key, UNKNOWN)) for key, name in known]
        states += [(key, key, key) for key in (UNKNOWN, ABROAD, WITHHELD)]
        areas: list[Area] = []
        for number, (state, _, _) in enumerate(states[:-1]):
            for key, name in sorted(places.in_state(state)):
                areas.append(Area(key.rpartition(":")[2], key, name, number))
            code = ABROAD if state == ABROAD else UNKNOWN
            areas.append(Area(code, code, code, number))
        kinds = tuple(
            CrimeType(
                kind.code,
                kind.group,
                _level(kind.group, policy),
                kind.iccs[0] if kind.iccs else "",
                {str(language): name for language, name in sorted(kind.names.items())},
            )
            for kind in types
        )
        return cls(country, taxonomy, tuple(states), tuple(areas), kinds)

    def dump(self) -> bytes:
        """Canonical JSON, whose SHA-256 names it."""
        value = {
            "country": self.country,
            "taxonomy": self.taxonomy,
            "states": self.states,
            "areas": [[a.code, a.key, a.name, a.state] for a in self.areas],
            "types": [[t.code, t.group, t.level, t.iccs, t.names] for t in self.types],
        }
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def load(cls, raw: bytes) -> Domain:
        """Inverse of ``dump``. Raises ValueError, KeyError, TypeError for what is none."""
        told = json.loads(raw)
        return cls(
            told["country"],
            told["taxonomy"],
            tuple((key, name, region) for key, name, region in told["states"]),
            tuple(Area(*row) for row in told["areas"]),
            tuple(CrimeType(*row) for row in told["types"]),
        )

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.dump()).hexdigest()

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """In the order of the table of types."""
        return tuple(dict.fromkeys(kind.group for kind in self.types))

    @cached_property
    def group_of(self) -> Ints:
        """The number of each type's group."""
        order = {group: number for number, group in enumerate(self.groups)}
        return np.array([order[kind.group] for kind in self.types], dtype=np.int64)

    def of_level(self, level: str) -> Ints:
        """The numbers of the types told as finely as this."""
        found = [number for number, kind in enumerate(self.types) if kind.level == level]
        return np.array(found, dtype=np.int64)

    @cached_property
    def fine(self) -> Ints:
        """The types that municipalities are told of: the columns of the leaves."""
        return self.of_level(PLACES)

    @cached_property
    def state_of(self) -> Ints:
        """The state of each area."""
        return np.array([area.state for area in self.areas], dtype=np.int64)

    @cached_property
    def starts(self) -> Ints:
        """Where each state's areas begin; WITHHELD has none."""
        return np.searchsorted(self.state_of, np.arange(len(self.states) - 1)).astype(np.int64)

    @cached_property
    def widths(self) -> Ints:
        """How many areas each state has."""
        return np.bincount(self.state_of, minlength=len(self.states) - 1).astype(np.int64)


def _level(group: str, policy: Policy) -> str:
    if group in policy.nation_only:
        return NATION
    return STATES if group in policy.state_only else PLACES


def regions_of(country: str) -> tuple[str, ...]:
    """The great regions of a country, as far as they are known here."""
    return tuple(dict.fromkeys(_regions(country).values()))


def _regions(country: str) -> dict[str, str]:
    """State → region, of the countries whose regions are known here."""
    text = files("hotline").joinpath("analysis", "regions.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text).get(country, {})
    return {f"{country}-{state}": region for region, states in told.items() for state in states}
