"""Heard: what a text says in the words of our tables: terms, concepts, and concepts close together.

A word may stand for ten concepts, so which of them were said is kept as sets of numbers; where they
were said is looked up only for the few pairings whose concepts were all said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hotline.routing.terms import FOREIGN, Fit, Pairing, Scan, TermTable

_NEAR = 14  # words between paired concepts
_MOST_OF_A_FAMILY = 40  # bounds the work on a text made of one word

Terms = tuple[str, ...]  # one term, or the paired ones
Levels = dict[float, set[int]]  # marks (TermTable.marks) by how surely they were said


class Pair(NamedTuple):
    """A pairing by the marks of its concepts."""

    marks: tuple[int, ...]
    wanted: frozenset[int]
    pairing: Pairing


# Where a concept was said, how surely (negative, so that the surest of one place sorts first), by
# which term, and whether that was denied.
_Place = tuple[int, float, str, bool]
Pairs = Mapping[int, Sequence[Pair]]


def pairs(table: TermTable) -> Pairs:
    """The pairings, each under the mark of the concept that fewest of them share. A concept
    without a term is never said, nor is a pairing with it."""
    often: dict[str, int] = defaultdict(int)
    for one in table.pairings:
        for name in one.concepts:
            often[name] += 1
    found: dict[int, list[Pair]] = defaultdict(list)
    for one in table.pairings:
        marks = [table.marks.get(f"concept {name}", -1) for name in one.concepts]
        rarest = min(range(len(marks)), key=lambda at: often[one.concepts[at]])
        found[marks[rarest]].append(Pair(tuple(marks), frozenset(marks), one))
    return dict(found)


def weigh(found: dict[Terms, float], terms: Terms, weight: float) -> None:
    """A term said twice counts once."""
    if weight > found.get(terms, 0.0):
        found[terms] = weight


class Heard:
    """What is heard in the scan of one text. ``types`` are the weights of each type's terms and
    pairings, ``threats`` those told even where denied, ``tags`` what is told of circumstances;
    ``said`` and ``denied`` are all marks, ``words`` those of the text."""

    __slots__ = ("_scan", "denied", "said", "tags", "threats", "types", "words")

    def __init__(self, scan: Scan, pairs: Pairs) -> None:
        self._scan = scan
        self.words = scan.words
        self.said: Levels = defaultdict(set)
        self.denied: Levels = defaultdict(set)
        self.types: dict[str, dict[Terms, float]] = defaultdict(dict)
        self.threats: dict[str, list[Terms]] = defaultdict(list)
        self.tags: set[str] = set()
        if scan.denied or scan.doubted:
            self._mark_each()
        else:
            self._mark(self.said, 1.0, scan.spots)
        self._tell()
        self._pair(pairs)

    def _mark_each(self) -> None:
        denied, doubted = self._scan.denied, self._scan.doubted
        alike: dict[tuple[bool, float], list[Fit]] = defaultdict(list)
        for fit, places in self._scan.spots.items():
            for at in places:
                alike[at in denied, doubted.get(at, 1.0)].append(fit)
        for (deny, sure), fits in alike.items():
            self._mark(self.denied if deny else self.said, sure, fits)

    @staticmethod
    def _mark(levels: Levels, sure: float, fits: Iterable[Fit]) -> None:
        levels[sure].update(*[fit.near for fit in fits])
        levels[sure * FOREIGN].update(*[fit.far for fit in fits])

    def _tell(self) -> None:
        told: set[tuple[int, str]] = set()  # a word that fits two terms of a type counts once
        spots, within, denied, doubted, _ = self._scan
        for fit, places in spots.items():
            for entry, much in fit.others:
                if entry.kind == "threat":
                    self._threaten(entry.subject, (entry.term,))
                    continue
                for at in places:
                    if at in denied:
                        continue
                    if entry.kind == "tag":
                        self.tags.add(entry.subject)
                    elif (fit, at) not in within and (at, entry.subject) not in told:
                        told.add((at, entry.subject))
                        sure = doubted.get(at, 1.0) * much
                        weigh(self.types[entry.subject], (entry.term,), entry.weight * sure)

    def _threaten(self, subject: str, terms: Terms) -> None:
        if terms not in self.threats[subject]:
            self.threats[subject].append(terms)

    def _pair(self, pairs: Pairs) -> None:
        """Concepts close together. A denied word still counts for a threat, for nothing else."""
        said = set().union(*self.said.values())
        every = said.union(*self.denied.values())
        close = [
            pair
            for mark in sorted(pairs.keys() & every)
            for pair in pairs[mark]
            if pair.wanted <= said or (pair.pairing.kind == "threat" and pair.wanted <= every)
        ]
        if close:
            standing = self._standing(frozenset().union(*[pair.wanted for pair in close]))
            for pair in close:
                self._weigh_pair(pair, standing)

    def _standing(self, wanted: frozenset[int]) -> Mapping[int, list[_Place]]:
        """Where these concepts stand in the text, from its beginning."""
        denied, doubted = self._scan.denied, self._scan.doubted
        plain = not (denied or doubted)
        found: dict[int, list[_Place]] = {mark: [] for mark in wanted}
        for fit, places in self._scan.spots.items():
            for mark, (term, much) in fit.named.items():
                if mark not in found:
                    continue
                found[mark] += (
                    [(at, -much, term, False) for at in places]
                    if plain
                    else [(at, -much * doubted.get(at, 1.0), term, at in denied) for at in places]
                )
        for said in found.values():
            if len(said) > 1:
                said.sort()
        return found

    def _weigh_pair(self, pair: Pair, standing: Mapping[int, list[_Place]]) -> None:
        kind, subject = pair.pairing.kind, pair.pairing.subject
        threat = kind == "threat"
        families = [standing[mark] for mark in pair.marks]
        if self._scan.denied and not threat:
            families = [[place for place in family if not place[3]] for family in families]
        together = _together(families)
        if not together:
            return
        terms = tuple([term for _, _, term, _ in together])
        if threat:
            self._threaten(subject, terms)
        elif kind == "tag":
            self.tags.add(subject)
        else:
            weight = pair.pairing.weight * -max([sure for _, sure, _, _ in together])
            weigh(self.types[subject], terms, weight)

    def term(self, mark: int) -> str:
        """The first term by which a concept, tag or threat was said. Raises KeyError."""
        for fit, places in self._scan.spots.items():
            if mark in fit.named and not self._scan.denied.issuperset(places):
                return fit.named[mark][0]
        raise KeyError(mark)


def _together(families: Sequence[Sequence[_Place]]) -> list[_Place] | None:
    """The first words of each family that stand within _NEAR words of the first one's."""
    if not all(families):
        return None
    first, *others = [family[:_MOST_OF_A_FAMILY] for family in families]
    for anchor in first:
        near = [anchor]
        earliest, latest = anchor[0] - _NEAR, anchor[0] + _NEAR
        for family in others:
            for one in family:
                if earliest <= one[0] <= latest:
                    near.append(one)
                    break
            else:
                break
        else:
            return near
    return None
