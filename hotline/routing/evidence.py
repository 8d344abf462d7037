"""Evidence: how much each thing said points to each crime type, as labelled tips have shown.

The terms say what a text tells of; which act that makes likeliest is a matter of many small
weights, and those are not guessed but fitted (scripts/fit_types.py) on the labelled development
tips of tests/routing, as a multinomial logistic regression. ``evidence.csv`` holds the weights, a
line for each concept, tag or threat, so that a person can read what speaks for what. A type whose
terms were added yesterday is weighed like any other by the line ``own terms``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from math import log1p

import numpy as np
from numpy.typing import NDArray

from hotline.errors import HotlineError

OWN, BEST, ALWAYS = "own terms", "best terms of the group", "always"
DENIED = "not "

_Floats = NDArray[np.float64]  # by type, or by line and type


class EvidenceProblem(HotlineError):
    """The table of evidence cannot be used."""

    code = "evidence_problem"
    message = "The table of evidence cannot be read."
    hint = "Make it anew with scripts/fit_types.py, or correct the named line."


@dataclass(frozen=True, slots=True)
class Weighed:
    """How likely each type is, all of them together 1."""

    places: Mapping[str, int]
    members: Mapping[str, tuple[int, ...]]
    chances: Sequence[float]

    def chance(self, code: str) -> float:
        return self.chances[self.places[code]]

    def group(self, name: str) -> float:
        """The chance that it is some type of a group."""
        return sum(self.chances[at] for at in self.members[name])

    def likeliest(self) -> str:
        return max(zip(self.chances, self.places, strict=True))[1]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The fitted weights. ``places`` says where each type stands among the weights, ``members``
    where the types of each group do."""

    group_of: Mapping[str, str]
    places: Mapping[str, int]
    members: Mapping[str, tuple[int, ...]]
    own: float
    best: float
    always: _Floats
    lines: Mapping[str, int]
    said: _Floats

    @classmethod
    def load(cls, file: Traversable, group_of: Mapping[str, str]) -> Evidence:
        """Reads the table for the types of ``group_of``. Raises EvidenceProblem with the line."""
        places = {code: at for at, code in enumerate(sorted(group_of))}
        members = {
            group: tuple(at for code, at in places.items() if group_of[code] == group)
            for group in sorted(set(group_of.values()))
        }
        numbers: dict[str, float] = {}
        said: dict[str, _Floats] = {}
        with file.open(encoding="utf-8") as table:
            for line, row in enumerate(csv.DictReader(table), 2):
                try:
                    name, written = row["said"], row["points to"]
                    if name in (OWN, BEST):
                        numbers[name] = float(written)
                    else:
                        said[name] = _weights(written, places, members)
                except (KeyError, ValueError, TypeError, AttributeError):
                    raise EvidenceProblem(f"{file.name}:{line}: it cannot be used.") from None
        missing = {OWN, BEST, ALWAYS} - numbers.keys() - said.keys()
        if missing:
            raise EvidenceProblem(f"{file.name}:1: no line for “{min(missing)}”.")
        always = said.pop(ALWAYS)
        lines = {name: at for at, name in enumerate(said)}
        weights = np.array(list(said.values())).reshape(len(said), len(places))
        return cls(group_of, places, members, numbers[OWN], numbers[BEST], always, lines, weights)

    def weigh(self, totals: Mapping[str, float], said: Mapping[str, float]) -> Weighed:
        """The chance of each type, given the weight of its own terms and how surely each concept,
        tag or threat (0 to 1) was said. What the table does not know says nothing."""
        heard = [name for name in said if name in self.lines]
        sums = self.always.copy()
        if heard:
            sums += np.array([said[n] for n in heard]) @ self.said[[self.lines[n] for n in heard]]
        best: dict[str, float] = {}
        for code, total in totals.items():
            loud = log1p(total)
            sums[self.places[code]] += self.own * loud
            best[self.group_of[code]] = max(loud, best.get(self.group_of[code], 0.0))
        for group, loud in best.items():
            sums[list(self.members[group])] += self.best * loud
        parts = np.exp(sums - sums.max())
        return Weighed(self.places, self.members, (parts / parts.sum()).tolist())

    def speaking(self, code: str, said: Iterable[str]) -> list[str]:
        """What of ``said`` speaks for a type, the loudest first."""
        at = self.places[code]
        heard = {name: self.said[self.lines[name], at] for name in said if name in self.lines}
        return sorted((n for n in heard if heard[n] > 0), key=lambda name: (-heard[name], name))


def _weights(
    written: str, places: Mapping[str, int], members: Mapping[str, tuple[int, ...]]
) -> _Floats:
    """``ORGCRIME:0.42 ORG-01:-0.2``: a group's weight counts for each of its types."""
    weights = np.zeros(len(places))
    for name, _, value in (word.partition(":") for word in written.split()):
        weights[list(members[name]) if name in members else places[name]] += float(value)
    return weights
