"""Evidence: how much each thing said points to each crime type, as labelled tips have shown.

The terms say what a text tells of; which act that makes likeliest is a matter of many small
weights, and those are not guessed but fitted (scripts/fit_types.py) on the labelled development
tips of tests/routing, as a multinomial logistic regression. ``evidence.csv`` holds the weights, a
line for each concept, tag or threat, so that a person can read what speaks for what. A type whose
terms were added yesterday is weighed like any other by the line ``own terms``. Everyday words that
no table of terms holds speak a little too (``word padaria``), where several tips have said them.

Weights are whole hundredths and are added as such: whole numbers, though kept as floating ones,
which are faster to add. So the order of adding changes nothing and every machine comes to the same
sum.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from itertools import islice
from math import log1p

import numpy as np
from numpy.typing import NDArray

from hotline.errors import HotlineError

OWN, BEST, ALWAYS = "own terms", "best terms of the group", "always"
DENIED = "not "
WORD = "word "

Levels = Mapping[float, Set[int]]  # marks (TermTable.marks) by how surely they were said
_Weights = NDArray[np.float64]  # whole hundredths, by type, or by mark and type


class EvidenceProblem(HotlineError):
    """The table of evidence cannot be used."""

    code = "evidence_problem"
    message = "The table of evidence cannot be read."
    hint = "Make it anew with scripts/fit_types.py, or correct the named line."


@dataclass(frozen=True, slots=True)
class Weighed:
    """How likely each type is, all of them together 1."""

    places: Mapping[str, int]
    members: Mapping[str, list[int]]
    chances: Sequence[float]

    def chance(self, code: str) -> float:
        return self.chances[self.places[code]]

    def group(self, name: str) -> float:
        """The chance that it is some type of a group."""
        return sum([self.chances[at] for at in self.members[name]])

    def likeliest(self) -> str:
        at = self.chances.index(max(self.chances))
        return next(islice(self.places, at, None))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The fitted weights in hundredths. ``places`` says where each type stands among the weights,
    ``members`` where the types of each group do, ``belongs`` the same in ones and zeros.
    ``weights`` are those of the marks of the tables of terms, zeros where the table of evidence
    knows nothing; then those of the same marks denied; then what counts always; and last those of
    ``words``."""

    group_of: Mapping[str, str]
    places: Mapping[str, int]
    members: Mapping[str, list[int]]
    belongs: Mapping[str, _Weights]
    own: float
    best: float
    lines: frozenset[str]
    denials: int
    words: Mapping[str, int]
    weights: _Weights

    @classmethod
    def load(
        cls, file: Traversable, group_of: Mapping[str, str], marks: Mapping[str, int]
    ) -> Evidence:
        """Reads the table for the types of ``group_of`` and the ``marks`` with their places.
        Raises EvidenceProblem with the line."""
        places = {code: at for at, code in enumerate(sorted(group_of))}
        members = {
            group: [at for code, at in places.items() if group_of[code] == group]
            for group in sorted(set(group_of.values()))
        }
        belongs = {group: np.zeros(len(places)) for group in members}
        for group, positions in members.items():
            belongs[group][positions] = 1.0
        numbers: dict[str, float] = {}
        lines: dict[str, _Weights] = {}
        with file.open(encoding="utf-8") as table:
            for line, row in enumerate(csv.DictReader(table), 2):
                try:
                    name, written = row["said"], row["points to"]
                    if name in (OWN, BEST):
                        numbers[name] = float(written)
                    else:
                        lines[name] = _weights(written, places, members)
                except (KeyError, ValueError, TypeError, AttributeError):
                    raise EvidenceProblem(f"{file.name}:{line}: it cannot be used.") from None
        missing = {OWN, BEST, ALWAYS} - numbers.keys() - lines.keys()
        if missing:
            raise EvidenceProblem(f"{file.name}:1: no line for “{min(missing)}”.")
        always = lines.pop(ALWAYS)
        zeros = np.zeros_like(always)
        said = [lines.get(mark, zeros) for mark in marks]
        denied = [lines.get(DENIED + mark, zeros) for mark in marks]
        own, best = numbers[OWN], numbers[BEST]
        spoken = [name for name in lines if name.startswith(WORD)]
        words = {name[len(WORD) :]: 2 * len(marks) + 1 + at for at, name in enumerate(spoken)}
        weights = np.array([*said, *denied, always, *(lines.pop(name) for name in spoken)])
        known = frozenset(lines)
        return cls(group_of, places, members, belongs, own, best, known, len(marks), words, weights)

    def weigh(
        self, totals: Mapping[str, float], said: Levels, denied: Levels, words: Set[str]
    ) -> Weighed:
        """The chance of each type, given the weight of its own terms, how surely each concept, tag
        or threat (0 to 1) was said or denied, and the words of the text."""
        rows = [2 * self.denials, *[self.words[word] for word in words if word in self.words]]
        much = [100] * len(rows)
        for levels, first in ((said, 0), (denied, self.denials)):
            counted: set[int] = set()  # what was said twice counts as it was said most surely
            for sure in sorted(levels, reverse=True):
                marks = levels[sure] - counted
                counted |= marks
                rows += [first + mark for mark in marks] if first else marks
                much += [round(sure * 100)] * len(marks)
        sums = np.array(much, dtype=np.float64) @ self.weights.take(rows, axis=0) / 10_000.0
        best: dict[str, float] = {}
        for code, total in totals.items():
            loud = log1p(total)
            sums[self.places[code]] += self.own * loud
            group = self.group_of[code]
            if loud > best.get(group, 0.0):
                best[group] = loud
        for group, loud in best.items():
            sums += self.belongs[group] * (self.best * loud)
        parts = np.exp(sums - np.maximum.reduce(sums))
        return Weighed(self.places, self.members, (parts / np.add.reduce(parts)).tolist())

    def speaking(self, code: str, said: Iterable[int]) -> list[int]:
        """The marks of ``said`` that speak for a type, the loudest first."""
        weights = self.weights[:, self.places[code]]
        return sorted((m for m in said if weights[m] > 0), key=lambda m: (-weights[m], m))


def _weights(written: str, places: Mapping[str, int], members: Mapping[str, list[int]]) -> _Weights:
    """``ORGCRIME:0.42 ORG-01:-0.2``: a group's weight counts for each of its types."""
    weights = np.zeros(len(places), dtype=np.float64)
    for name, _, value in (word.partition(":") for word in written.split()):
        chosen = members[name] if name in members else [places[name]]
        weights[chosen] += round(float(value) * 100)
    return weights
