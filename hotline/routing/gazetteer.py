"""Gazetteer: what is known of one country's places, and the folding that finds them in a text.

Read by ``register``; what is covered: docs/places.md.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

WORD = re.compile(r"[^\W_]+")

STATES = {
    "AC": "Acre", "AL": "Alagoas", "AM": "Amazonas", "AP": "Amapá", "BA": "Bahia", "CE": "Ceará",
    "DF": "Distrito Federal", "ES": "Espírito Santo", "GO": "Goiás", "MA": "Maranhão",
    "MG": "Minas Gerais", "MS": "Mato Grosso do Sul", "MT": "Mato Grosso", "PA": "Pará",
    "PB": "Paraíba", "PE": "Pernambuco", "PI": "Piauí", "PR": "Paraná", "RJ": "Rio de Janeiro",
    "RN": "Rio Grande do Norte", "RO": "Rondônia", "RR": "Roraima", "RS": "Rio Grande do Sul",
    "SC": "Santa Catarina", "SE": "Sergipe", "SP": "São Paulo", "TO": "Tocantins",
}  # fmt: skip

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


def fold(text: str) -> str:
    """Lower case, without accents and without what has no Latin letter."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def words(text: str) -> list[str]:
    return WORD.findall(fold(text))


@dataclass(frozen=True, slots=True)
class Cues:
    """What the words around a name say about it, folded (``data/place_cues.toml``)."""

    glue: frozenset[str]
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
    """``senses`` and ``names`` by folded name, ``lengths`` the word counts (longest first) by
    first word, ``states`` names by key, ``codes`` the state letters people write, ``cep5`` rows of
    (first, last, IBGE codes), ``dialling`` states by DDD."""

    country: str
    scheme: str
    states: dict[str, str]
    codes: frozenset[str]
    by_key: dict[str, Municipality]
    senses: dict[str, tuple[Sense, ...]]
    lengths: dict[str, tuple[int, ...]]
    names: dict[str, tuple[Municipality, ...]]
    cep5: tuple[tuple[int, int, str], ...]
    cues: Cues
    dialling: dict[str, frozenset[str]]
