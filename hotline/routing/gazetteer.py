"""Gazetteer: the committed tables of Brazilian places, read once and indexed by folded words.

Tables and their sources: ``data/municipalities.csv`` and ``data/cep5.csv`` are built by
``scripts/build_places.py``, ``data/aliases.toml`` is edited by a clerk; licences in
docs/NOTICE.md.
"""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources import files
from typing import NamedTuple

from hotline.errors import HotlineError

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
    DISTRICT = 3
    LOCAL = 4
    STATE = 5


class Municipality(NamedTuple):
    """``key`` is ``BR:IBGE:code``, ``state`` ``BR-RJ``; ``everyday`` names are also words."""

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


class AliasProblem(HotlineError):
    """The clerk's file of other names does not fit the table of municipalities."""

    code = "alias_problem"
    message = "aliases.toml has an entry that fits no municipality."
    hint = 'Write each heading as "Municipality/STATE" and below it only lists of names.'


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
    towards: frozenset[str]
    town: frozenset[str]
    area: frozenset[str]
    road: frozenset[str]
    institution: frozenset[str]
    person: frozenset[str]
    crime: frozenset[str]
    elsewhere: frozenset[str]
    wordlike: frozenset[str]
    state_glue: frozenset[str]
    filler: frozenset[str]
    link: frozenset[str]
    not_a_town: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """``senses`` and ``names`` by folded name, ``lengths`` the word counts (longest first) by
    first word, ``cep5`` rows of (first, last, IBGE codes), ``dialling`` state codes by DDD."""

    by_key: dict[str, Municipality]
    senses: dict[str, tuple[Sense, ...]]
    lengths: dict[str, tuple[int, ...]]
    names: dict[str, tuple[Municipality, ...]]
    cep5: tuple[tuple[int, int, str], ...]
    cues: Cues
    dialling: dict[str, frozenset[str]]


def read(country: str) -> Gazetteer:
    """All tables of the country. Raises AliasProblem."""
    rows = [
        Municipality(f"{country}:IBGE:{code}", name, f"{country}-{state}", bool(everyday), lat, lon)
        for code, state, name, everyday, lat, lon in _rows("municipalities.csv")
    ]
    index: dict[str, list[Sense]] = {}
    lengths: dict[str, set[int]] = {}
    names: dict[str, list[Municipality]] = {}

    def add(name: str, sense: Sense) -> list[str]:
        folded = words(name)
        for variant in _variants(folded):
            known = index.setdefault(" ".join(variant), [])
            if all(s.place is not sense.place for s in known):
                known.append(sense)
            lengths.setdefault(variant[0], set()).add(len(variant))
        return folded

    for row in rows:
        folded = add(row.name, Sense(Kind.NAME, row.name, row.state, row))
        names.setdefault(" ".join(folded), []).append(row)
    for sense in _aliases({f"{row.name}/{row.state[-2:]}": row for row in rows}):
        add(sense.label, sense)
    for code, state in STATES.items():
        add(state, Sense(Kind.STATE, state, f"{country}-{code}", None))
    around = tomllib.loads(_text("place_cues.toml"))
    return Gazetteer(
        by_key={row.key: row for row in rows},
        senses={name: tuple(sorted(found, key=lambda s: s.kind)) for name, found in index.items()},
        lengths={word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()},
        names={name: tuple(found) for name, found in names.items()},
        cep5=tuple((int(first), int(last), codes) for first, last, codes in _rows("cep5.csv")),
        cues=_cues(around["cues"]),
        dialling=_dialling(around["dialling"]),
    )


def _cues(table: dict[str, str]) -> Cues:
    sets = {name: frozenset(listed.split()) for name, listed in table.items()}
    return Cues(**sets, not_a_town=sets["road"] | sets["institution"] | sets["person"])


def _dialling(table: dict[str, str]) -> dict[str, frozenset[str]]:
    """``{"RJ": "21-22 24"}`` turned round."""
    codes: dict[str, set[str]] = {}
    for state, spans in table.items():
        for span in spans.split():
            first, _, last = span.partition("-")
            for code in range(int(first), int(last or first) + 1):
                codes.setdefault(str(code), set()).add(state)
    return {code: frozenset(states) for code, states in codes.items()}


def _text(name: str) -> str:
    return (files("hotline.routing") / "data" / name).read_text(encoding="utf-8")


def _rows(name: str) -> Iterator[list[str]]:
    rows = csv.reader(_text(name).splitlines())
    next(rows)
    return rows


def _variants(name: list[str]) -> Iterable[list[str]]:
    """The name, and how else it is written: ``d'Oeste`` as ``do Oeste``, ``Doeste``;
    ``Sant'Ana`` as ``Santana``; the first word shortened."""
    spelled = [name]
    if "d" in name[:-1]:
        at = name.index("d")
        before, after = name[:at], name[at + 1 :]
        spelled += [[*before, glue, *after] for glue in ("do", "da", "de")]
        spelled.append([*before, "d" + after[0], *after[1:]])
    if name[:2] == ["sant", "ana"]:
        spelled.append(["santana", *name[2:]])
    for variant in spelled:
        yield variant
        if len(variant) > 1 and variant[0] in ABBREVIATIONS:
            yield [ABBREVIATIONS[variant[0]], *variant[1:]]


def _aliases(places: dict[str, Municipality]) -> Iterator[Sense]:
    kinds = {
        "names": Kind.OTHER,
        "short": Kind.SHORT,
        "districts": Kind.DISTRICT,
        "local": Kind.LOCAL,
    }
    for heading, lists in tomllib.loads(_text("aliases.toml")).items():
        place = places.get(heading)
        if place is None or not isinstance(lists, dict) or lists.keys() - kinds.keys():
            raise AliasProblem(f"aliases.toml: the entry {heading} fits no municipality.")
        for kind, labels in lists.items():
            for label in labels:
                if not words(label):
                    raise AliasProblem(f"aliases.toml: an empty name under {heading}.")
                yield Sense(kinds[kind], label, place.state, place)
