"""Gazetteer: what is known of one country's places, and how their names are found.

Read by ``register``; what is covered: docs/places.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeVar

_Meaning = TypeVar("_Meaning")

STATES = {
    "AC": "Acre", "AL": "Alagoas", "AM": "Amazonas", "AP": "Amapá", "BA": "Bahia", "CE": "Ceará",
    "DF": "Distrito Federal", "ES": "Espírito Santo", "GO": "Goiás", "MA": "Maranhão",
    "MG": "Minas Gerais", "MS": "Mato Grosso do Sul", "MT": "Mato Grosso", "PA": "Pará",
    "PB": "Paraíba", "PE": "Pernambuco", "PI": "Piauí", "PR": "Paraná", "RJ": "Rio de Janeiro",
    "RN": "Rio Grande do Norte", "RO": "Rondônia", "RR": "Roraima", "RS": "Rio Grande do Sul",
    "SC": "Santa Catarina", "SE": "Sergipe", "SP": "São Paulo", "TO": "Tocantins",
}  # fmt: skip
STATE_LETTERS = frozenset(code.lower() for code in STATES)

# Written short before a full stop or with a capital: "S. Gonçalo", "Gov. Valadares".
ABBREVIATIONS = {
    "sao": "s", "nova": "n", "novo": "n", "governador": "gov", "presidente": "pres",
    "coronel": "cel", "marechal": "mal", "senador": "sen", "engenheiro": "eng", "doutor": "dr",
    "general": "gal", "conselheiro": "cons", "capitao": "cap", "padre": "pe",
}  # fmt: skip
SHORTENED = frozenset(ABBREVIATIONS.values())


class Kind(IntEnum):
    """How a name names its municipality, best evidence first (``data/aliases.toml``)."""

    NAME = 0
    OTHER = 1
    SHORT = 2
    TOWN = 3
    DISTRICT = 4
    LOCAL = 5
    STATE = 6


class Municipality(NamedTuple):
    """``key`` is ``BR:IBGE:code``, ``state`` ``BR-RJ`` (empty where a country has one level only);
    ``everyday`` names are also words."""

    key: str
    name: str
    state: str
    everyday: bool
    latitude: str
    longitude: str


class Sense(NamedTuple):
    """One thing a name may mean. ``place`` is None for a state; ``label`` is our spelling."""

    kind: Kind
    label: str
    state: str
    place: Municipality | None
    everyday: bool = False


class Names(dict[str, _Meaning]):
    """What folded names mean. ``lengths`` are the word counts, longest first, by first word.

    ``telling`` holds the longest word of each name, without which the name cannot be there, with
    how many words may stand before it and how many the name has."""

    __slots__ = ("lengths", "telling")

    def __init__(self, meanings: Mapping[str, _Meaning]) -> None:
        super().__init__(meanings)
        lengths: dict[str, set[int]] = defaultdict(set)
        telling: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for name in self:
            split = name.split(" ")
            lengths[split[0]].add(len(split))
            longest = max(range(len(split)), key=lambda at: (len(split[at]), at))
            telling[split[longest]].add((longest, len(split)))
        self.lengths = {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}
        self.telling = {word: tuple(found) for word, found in telling.items()}

    def find(self, folded: Sequence[str]) -> list[tuple[int, int, _Meaning]]:
        """The longest name at each place with its start and end, left to right, none overlapping.
        Most texts hold no telling word and cost one look-up a word."""
        telling, lengths = self.telling, self.lengths
        if telling.keys().isdisjoint(folded):
            return []
        found = []
        for at in [at for at, word in enumerate(folded) if word in telling]:
            for before, count in telling[folded[at]]:
                start, end = at - before, at - before + count
                if start < 0 or end > len(folded) or folded[start] not in lengths:
                    continue
                name = " ".join(folded[start:end])
                if name in self:
                    found.append((start, -end, name))
        return self._apart(found) if found else []

    def _apart(self, found: list[tuple[int, int, str]]) -> list[tuple[int, int, _Meaning]]:
        kept, free = [], 0
        for start, end, name in sorted(found):
            if start >= free:
                free = -end
                kept.append((start, free, self[name]))
        return kept


@dataclass(frozen=True, slots=True)
class Cues:
    """What the words around a name say about it, folded (``data/place_cues.toml``)."""

    glue: frozenset[str]
    here: frozenset[str]
    thither: frozenset[str]
    inside: frozenset[str]
    at: frozenset[str]
    towards: frozenset[str]
    town: frozenset[str]
    area: frozenset[str]
    road: frozenset[str]
    behind: frozenset[str]
    institution: frozenset[str]
    person: frozenset[str]
    crime: frozenset[str]
    elsewhere: frozenset[str]
    origin: frozenset[str]
    wordlike: frozenset[str]
    state_glue: frozenset[str]
    filler: frozenset[str]
    link: frozenset[str]
    not_a_town: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """``senses`` and ``names`` by folded name, ``states`` names by key, ``codes`` the state
    letters people write, ``cep5`` rows of (first, last, IBGE codes), ``dialling`` states by DDD,
    ``meant`` the key of the place that people mean by a folded name that several bear."""

    country: str
    scheme: str
    states: dict[str, str]
    codes: frozenset[str]
    by_key: dict[str, Municipality]
    senses: Names[tuple[Sense, ...]]
    names: dict[str, tuple[Municipality, ...]]
    meant: dict[str, str]
    cep5: tuple[tuple[int, int, str], ...]
    cues: Cues
    dialling: dict[str, frozenset[str]]
