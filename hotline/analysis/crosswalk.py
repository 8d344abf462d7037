"""Crosswalk: crime types beside the UNODC's classification and the titles a publisher counts by.

``crosswalk.csv`` has the types, ``crosswalk.toml`` the titles and the sources of both.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from hotline.errors import HotlineError

FILE = "crosswalk.csv"
FITS = ("same", "narrower", "wider", "overlaps")
COUNTED = ("victims", "cases", "not_said")
COLUMNS = ("crime_type", "iccs", "iccs_confidence", "isp_rj", "fit", "version")


class CrosswalkProblem(HotlineError):
    """The shipped table does not add up."""

    code = "crosswalk_problem"
    message = "The table of crime types and published titles cannot be read."
    hint = "Put crosswalk.csv and crosswalk.toml back as they were shipped."


@dataclass(frozen=True, slots=True)
class Pair:
    """A type and what it is compared with: ``columns`` of the publisher, added up; none where
    nothing published is like it. ``fit``: out of FITS, how the type lies to the titles."""

    crime_type: str
    iccs: tuple[str, ...]
    confidence: str
    columns: tuple[str, ...]
    fit: str


@dataclass(frozen=True, slots=True)
class Category:
    """What a published figure counts, and the types that are compared with it. ``id`` names it in
    an address; ``title`` is the publisher's, in the publisher's language; ``counted`` out of
    COUNTED."""

    id: str
    title: str
    counted: str
    columns: tuple[str, ...]
    types: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """``titles``: column → title and what it counts; ``area`` the state the titles are of."""

    version: str
    pairs: tuple[Pair, ...]
    titles: Mapping[str, tuple[str, str]]
    area: str
    sources: tuple[str, ...]

    def categories(self) -> tuple[Category, ...]:
        """The published titles some type is compared with, in the order of the titles."""
        found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for pair in self.pairs:
            if pair.columns:
                found.setdefault(pair.columns, []).append((pair.crime_type, pair.fit))
        order = list(self.titles)
        return tuple(
            Category(
                "+".join(columns),
                self.title(columns),
                self.titles[columns[0]][1],
                columns,
                tuple(found[columns]),
            )
            for columns in sorted(found, key=lambda columns: order.index(columns[0]))
        )

    def title(self, columns: Iterable[str]) -> str:
        return " + ".join(self.titles[name][0] for name in columns)

    def within(self, code: str) -> tuple[tuple[str, str], ...]:
        """The types whose first ICCS code is this one or below it, as extracts group them."""
        of = {pair.crime_type: pair.iccs[0] for pair in self.pairs if pair.iccs}
        return tuple(
            (kind, "same" if first == code else "narrower")
            for kind, first in of.items()
            if first.startswith(code)
        )


@lru_cache(maxsize=1)
def crosswalk() -> Crosswalk:
    """The shipped one. Raises CrosswalkProblem."""
    try:
        told = tomllib.loads(_text("crosswalk.toml"))
        titles = {name: (title, counted) for name, (title, counted) in told["titles"].items()}
        rows = list(csv.DictReader(text().splitlines()))
        pairs = tuple(_pair(row, titles, told["version"]) for row in rows)
        sources = tuple(f"{one['name']}, {one['year']}" for one in told["source"])
        area = told["isp_rj"]["area"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CrosswalkProblem from None
    if any(counted not in COUNTED for _, counted in titles.values()):
        raise CrosswalkProblem
    return Crosswalk(told["version"], pairs, MappingProxyType(titles), area, sources)


def text() -> str:
    """The table as anybody may have it."""
    return _text(FILE)


def _text(name: str) -> str:
    return files("hotline").joinpath("analysis", name).read_text(encoding="utf-8")


def _pair(row: Mapping[str, str], titles: Mapping[str, object], version: str) -> Pair:
    columns = tuple(filter(None, row["isp_rj"].split("|")))
    sound = row["fit"] in FITS if columns else not row["fit"]
    if not sound or not set(columns) <= titles.keys() or row["version"] != version:
        raise ValueError
    iccs = tuple(filter(None, row["iccs"].split("|")))
    return Pair(row["crime_type"], iccs, row["iccs_confidence"], columns, row["fit"])
