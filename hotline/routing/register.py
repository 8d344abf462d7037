"""Register: reads the committed tables of places, and indexes them by folded words.

``data/municipalities.csv``, ``data/cep5.csv`` and ``data/countries/`` are built by
``scripts/build_places.py``; ``data/aliases.toml`` and ``data/aliases_abroad.toml`` are edited by a
clerk. Licences: docs/NOTICE.md.
"""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from operator import itemgetter
from typing import Any

from hotline.errors import HotlineError
from hotline.routing.gazetteer import (
    ABBREVIATIONS,
    STATES,
    Cues,
    Gazetteer,
    Kind,
    Municipality,
    Names,
    Sense,
)
from hotline.routing.words import words

_KINDS = {
    "names": Kind.OTHER,
    "short": Kind.SHORT,
    "towns": Kind.TOWN,
    "districts": Kind.DISTRICT,
    "local": Kind.LOCAL,
}
_MEANT = "meant"


class AliasProblem(HotlineError):
    """The clerk's file of other names does not fit the table of municipalities."""

    code = "alias_problem"
    message = "aliases.toml has an entry that fits no municipality."
    hint = 'Write each heading as "Municipality/STATE" and below it only lists of names.'


class Index:
    """What is collected of the names while the tables are read."""

    def __init__(self) -> None:
        self.senses: dict[str, list[Sense]] = {}
        self.names: dict[str, list[Municipality]] = {}
        self.meant: dict[str, str] = {}

    def add(self, name: str, sense: Sense) -> None:
        folded = words(name)
        for variant in _variants(folded):
            known = self.senses.setdefault(" ".join(variant), [])
            if sense.place is None or all(s.place is not sense.place for s in known):
                known.append(sense)
        if sense.kind is Kind.NAME and sense.place:
            self.names.setdefault(" ".join(folded), []).append(sense.place)

    def take(self, file: str, places: dict[str, Municipality], country: str = "") -> None:
        """A clerk's file of other names; of the one for all other countries, what ``country`` has.
        Raises AliasProblem."""
        for heading, lists in _toml(file).items():
            if country and not heading.startswith(f"{country}/"):
                continue
            place = places.get(heading)
            if place is None or not isinstance(lists, dict) or lists.keys() - {*_KINDS, _MEANT}:
                raise AliasProblem(f"{file}: the entry {heading} fits no municipality.")
            for kind in (*_KINDS, _MEANT):
                for label in lists.get(kind, ()):
                    self._alias(kind, label, place, f"{file}: {{}} under {heading}.")

    def _alias(self, kind: str, label: str, place: Municipality, problem: str) -> None:
        folded = " ".join(words(label))
        if not folded:
            raise AliasProblem(problem.format("an empty name"))
        if kind in _KINDS:
            self.add(label, Sense(_KINDS[kind], label, place.state, place))
        elif folded in self.meant or place not in [s.place for s in self.senses.get(folded, ())]:
            raise AliasProblem(problem.format("a name that is not its own, or meant twice,"))
        else:
            self.meant[folded] = place.key

    def gazetteer(self, country: str, rows: Iterable[Municipality], **others: Any) -> Gazetteer:
        around, senses = _toml("place_cues.toml"), self.senses.items()
        return Gazetteer(
            country=country,
            by_key={row.key: row for row in rows},
            senses=Names({name: tuple(sorted(found, key=itemgetter(0))) for name, found in senses}),
            names={name: tuple(found) for name, found in self.names.items()},
            meant=self.meant,
            cues=_cues(around["cues"], around["abroad"] if country != "BR" else {}),
            **others,
        )


@cache
def read(country: str) -> Gazetteer:
    """All tables of the country, read once a process. Raises AliasProblem."""
    return _brazil() if country == "BR" else _other(country)


def _brazil() -> Gazetteer:
    rows = [
        Municipality(f"BR:IBGE:{code}", name, f"BR-{state}", bool(everyday), lat, lon)
        for code, state, name, everyday, lat, lon in rows_of("municipalities.csv")
    ]
    index = Index()
    for row in rows:
        index.add(row.name, Sense(Kind.NAME, row.name, row.state, row, row.everyday))
    index.take("aliases.toml", {f"{row.name}/{row.state[3:]}": row for row in rows})
    for code, state in STATES.items():
        index.add(state, Sense(Kind.STATE, state, f"BR-{code}", None))
    around = _toml("place_cues.toml")
    return index.gazetteer(
        "BR",
        rows,
        scheme="IBGE",
        states={f"BR-{code}": state for code, state in STATES.items()},
        codes=frozenset(STATES),
        cep5=tuple((int(first), int(last), codes) for first, last, codes in rows_of("cep5.csv")),
        dialling=_dialling(around["dialling"]),
    )


@cache
def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(text_of(name))


@cache
def countries() -> dict[str, dict[str, Any]]:
    """``data/countries.toml`` by ISO letters."""
    return _toml("countries.toml")


def _other(country: str) -> Gazetteer:
    known = countries()[country]
    scheme, called = known["scheme"], known.get("regions", {})
    states = {code: name for code, name in rows_of("countries/regions.csv") if code[:2] == country}
    states |= {f"{country}-{code}": names[0] for code, names in called.items()}
    places: dict[str, Municipality] = {}
    index, towns = Index(), []
    for kind, code, parent, name, everyday, lat, lon in rows_of(f"countries/{country}.csv"):
        if kind == "t":
            towns.append((code, name, bool(everyday)))
            continue
        state = f"{country}-{parent}" if parent else ""
        place = Municipality(f"{country}:{scheme}:{code}", name, state, bool(everyday), lat, lon)
        places[code] = place
        index.add(name, Sense(Kind.NAME, name, state, place, place.everyday))
    headed = {" ".join(words(name)) for name in states.values()}
    for code, name, common in towns:
        if " ".join(words(name)) in headed:
            continue
        index.add(name, Sense(Kind.TOWN, name, places[code].state, places[code], common))
    headings = {f"{country}/{place.state[3:]}/{place.name}": place for place in places.values()}
    index.take("aliases_abroad.toml", headings, country)
    alone = {place.state: place.name for place in places.values()}
    shared = Counter(place.state for place in places.values())
    for state, name in states.items():
        if shared[state] == 1 and words(alone[state]) == words(name):
            continue  # Asunción is its own region
        for label in dict.fromkeys([name, *called.get(state[3:], ())]):
            index.add(label, Sense(Kind.STATE, label, state, None))
    nothing: dict[str, frozenset[str]] = {}
    return index.gazetteer(
        country,
        places.values(),
        scheme=scheme,
        states=states,
        codes=frozenset(),
        cep5=(),
        dialling=nothing,
    )


def _cues(table: dict[str, str], abroad: dict[str, str]) -> Cues:
    """``abroad`` moves words that mean a municipality in the other countries."""
    sets = {name: frozenset(listed.split()) for name, listed in table.items()}
    if abroad:
        moved = frozenset(abroad["town"].split())
        sets |= {"town": sets["town"] | moved, "area": sets["area"] - moved}
    return Cues(**sets, not_a_town=sets["road"] | sets["institution"] | sets["person"])


def _dialling(table: dict[str, str]) -> dict[str, frozenset[str]]:
    """``{"RJ": "21-22 24"}`` turned round, with the states' keys."""
    codes: dict[str, set[str]] = {}
    for state, spans in table.items():
        for span in spans.split():
            first, _, last = span.partition("-")
            for code in range(int(first), int(last or first) + 1):
                codes.setdefault(str(code), set()).add(f"BR-{state}")
    return {code: frozenset(states) for code, states in codes.items()}


def text_of(name: str) -> str:
    return (files("hotline.routing") / "data" / name).read_text(encoding="utf-8")


def rows_of(name: str) -> Iterator[list[str]]:
    rows = csv.reader(text_of(name).splitlines())
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
