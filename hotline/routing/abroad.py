"""Abroad: which other countries a text speaks of, so that only their tables are read.

A country counts by its own name, by the name of one of its regions that nothing else bears, or by
a large town that no second country has (``data/countries/distant.csv``). Nothing here decides
where a tip happened: ``places`` reads the text again with that country's tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from hotline.routing import register
from hotline.routing.gazetteer import Gazetteer, Kind, Names
from hotline.routing.matching import Reading
from hotline.routing.words import words
from hotline.tips import Certainty, Place

_WORDS = "de da do del na no en em in la el y e of au aux en du d ile nan"
_GLUE = frozenset(_WORDS.split())
_MOST = 3  # countries read for one text: a list of countries is no place


class Hit(NamedTuple):
    """A name of another country in a text. ``own``: the country's own name."""

    start: int
    end: int
    country: str
    own: bool


class Land(NamedTuple):
    """A country spoken of: its tables, and where its own name stands in the text."""

    tables: Gazetteer
    starts: tuple[int, ...]


def beside(end: int, start: int, folded: tuple[str, ...]) -> bool:
    """Whether a country's name at ``start`` belongs to the place that ends at ``end``:
    "Encarnación, no Paraguai"."""
    return 0 <= start - end <= 2 and _GLUE.issuperset(folded[end:start])


class Abroad:
    """The names by which other countries are known."""

    def __init__(
        self, home: str, names: dict[str, tuple[str, bool]], shared: frozenset[str]
    ) -> None:
        self._home = home
        self.shared = shared  # names of home that a great city abroad bears too
        self._names = Names(names)
        self._own = {name.split(" ")[0] for name, (_, own) in names.items() if own}
        self._covering = {name.split(" ")[0] for name in names if " " in name}

    @classmethod
    def besides(cls, home: Gazetteer) -> Abroad:
        """The names of all countries but the home one; none that home's own places bear, save
        those of countries, which then count beside a place only."""
        names: dict[str, tuple[str, bool]] = {}
        regions = defaultdict(set)
        for code, name in register.rows_of("countries/regions.csv"):
            regions[" ".join(words(name))].add(code[:2])
        common = {" ".join(words(w)) for w in register.text_of("everyday_abroad.txt").split("\n")}
        for name, lands in regions.items():
            # Of one word only, too many are words or people: Meta, Portuguesa, Duarte.
            clear = " " in name and name not in common and name not in home.senses
            if len(lands) == 1 and clear:
                names[name] = (lands.pop(), False)
        shared = set()
        for land, name, _ in register.rows_of("countries/distant.csv"):
            folded = " ".join(words(name))
            if folded not in home.senses:
                names[folded] = (land, False)
            elif land != home.country:
                shared |= {s.label for s in home.senses[folded] if s.kind is Kind.NAME}
        for land, known in register.countries().items():
            for name in (known["name"], *known["called"]):
                names[" ".join(words(name))] = (land, True)
        others = {name: value for name, value in names.items() if value[0] != home.country}
        return cls(home.country, others, frozenset(shared))

    def tables(self, country: str) -> Gazetteer | None:
        """The tables of another country, read when they are first asked for."""
        known = country != self._home and country in register.countries()
        return register.read(country) if known else None

    def spoken(self, reading: Reading, found: Place) -> bool:
        """Whether another country's name may be meant: most texts have none."""
        if not self._names.find(reading.words):
            return False
        if found.certainty in (Certainty.CERTAIN, Certainty.PROBABLE):
            at = (reading.words[mention.span[0]] for mention in reading.mentions)
            return not self._own.isdisjoint(reading.words) or not self._covering.isdisjoint(at)
        return True

    def named(self, reading: Reading, found: Place, answer: bool) -> Iterator[Land]:
        """The countries spoken of. Where home has a place already, only those that stand beside
        that place or whose name holds it."""
        hits = self._hits(reading.words)
        ends = {mention.span[1] for mention in reading.mentions}
        here = bool(found.candidates or found.state) and not self._covered(reading, hits)
        lands: dict[str, list[Hit]] = {}
        for hit in hits:
            after = {other.end for other in hits if not other.own and other.country == hit.country}
            attached = hit.own and any(
                beside(end, hit.start, reading.words) for end in ends | after
            )
            if attached or not here:
                lands.setdefault(hit.country, []).append(hit)
        if len(lands) > _MOST:
            return
        for land, named in lands.items():
            if tables := self.tables(land):
                yield Land(tables, tuple(hit.start for hit in named if hit.own))

    def _hits(self, folded: tuple[str, ...]) -> list[Hit]:
        """The text's last name reaches beyond it where a longer one may have been meant: the
        country then comes before the town of home that is called like it."""
        hits, size, lengths = [], len(folded), self._names.lengths
        for start, end, (country, own) in self._names.find(folded):
            cut = end == size and start + lengths[folded[start]][0] > size
            hits.append(Hit(start, end + cut, country, own))
        return hits

    @staticmethod
    def _covered(reading: Reading, hits: list[Hit]) -> bool:
        """Whether every name of home is part of a longer one: Santa Cruz de la Sierra."""
        spans = [mention.span for mention in reading.mentions]
        return all(any(h.start <= a and b < h.end for h in hits) for a, b in spans)
