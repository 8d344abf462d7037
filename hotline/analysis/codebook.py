"""Codebook: every column of every file, with its type, its unit and what its values mean.

Titles and descriptions are those that travel with the files (``columns``, ``formats.schema``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hotline.analysis.columns import FIGURES, columns_of
from hotline.analysis.crosswalk import crosswalk
from hotline.analysis.domain import regions_of
from hotline.analysis.formats.schema import said, schema
from hotline.analysis.formats.words import N_, Say
from hotline.analysis.meanings import MEANINGS, PLACES
from hotline.analysis.policy import Policy
from hotline.analysis.question import DIMENSIONS
from hotline.analysis.table import REAL, TEXT, WHOLE, Column, Table

_REPORTS = N_("Reports")
_UNITS: Mapping[str, str] = {
    "tip_count": _REPORTS,
    "interval_low": _REPORTS,
    "interval_high": _REPORTS,
    "count": N_("What the publisher counts: victims or cases"),
}
_EPSILON = (
    Column("month", TEXT, N_("Month"), N_("The month that was released.")),
    Column(
        "revision",
        WHOLE,
        N_("Revision"),
        N_("Always 1: what was released is never computed again."),
    ),
    Column("table", TEXT, N_("Table"), N_("The noisy table that the privacy was spent on.")),
    Column("epsilon", REAL, N_("Privacy spent"), N_("How much of it this table cost.")),
    Column(
        "sensitivity", WHOLE, N_("Sensitivity"), N_("In how many cells one report stands at most.")
    ),
    Column("release_sha256", TEXT, N_("Digest"), N_("SHA-256 of the release's header.")),
)
_CROSSWALK = (
    Column("crime_type", TEXT, N_("Crime type"), N_("The line's code of the main act.")),
    Column(
        "iccs",
        TEXT,
        N_("ICCS codes"),
        N_("Codes of the UNODC's classification, with | between several; extracts use the first."),
    ),
    Column(
        "iccs_confidence",
        TEXT,
        N_("How sure"),
        N_("S: seen in a source. K: known. ?: to be checked. n/a: not a crime."),
    ),
    Column(
        "isp_rj",
        TEXT,
        N_("Columns of ISP-RJ"),
        N_("Columns of the publisher's base that are added up; empty where nothing is like it."),
    ),
    Column(
        "fit",
        TEXT,
        N_("Fit"),
        N_("How the line's type lies to the published title."),
        ("same", "narrower", "wider", "overlaps"),
    ),
    Column("version", TEXT, N_("Version"), N_("Of this table.")),
)
_TIDY = (
    Column("month", TEXT, N_("Month"), N_("The month the publisher counts, as 2026-01.")),
    Column(
        "area",
        TEXT,
        N_("Area"),
        N_("ISO 3166-1 or 3166-2, or the official code of a municipality."),
    ),
    Column("iccs", TEXT, N_("ICCS code"), N_("A section or a code of the classification.")),
    Column("count", WHOLE, N_("Count"), N_("As it was published; empty where it was not.")),
)
FITS: Mapping[str, str] = {
    "same": N_("The same"),
    "narrower": N_("The type is a part of the title"),
    "wider": N_("The title is a part of the type"),
    "overlaps": N_("They overlap"),
}
COUNTED: Mapping[str, str] = {
    "victims": N_("Victims"),
    "cases": N_("Cases"),
    "not_said": N_("Not said what is counted"),
}
FILES = (
    (N_("Extracts"), "trends.*"),
    (N_("Privacy spent"), "epsilon.csv"),
    (N_("Crosswalk"), "crosswalk.csv"),
    (N_("Published figures"), "published/*.csv"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A column as the reader sees it; ``kind`` is the Frictionless type, ``unit`` may be empty,
    ``values`` are (code, what it means, or the code again)."""

    name: str
    kind: str
    title: str
    description: str
    unit: str
    values: tuple[tuple[str, str], ...]


def entries(file: str, say: Say, country: str = "") -> list[Entry]:
    """The columns of one of FILES, by its second name. Regions are those of ``country``."""
    columns = {
        "trends.*": tuple(_extract(country)),
        "epsilon.csv": _EPSILON,
        "crosswalk.csv": _CROSSWALK,
        "published/*.csv": _TIDY,
    }[file]
    nothing = np.empty(0, dtype=object)
    table = Table(columns, {column.name: nothing for column in columns}, {})
    told = schema(table, "csv", say)["fields"]
    return [
        Entry(
            column.name,
            field["type"],
            field["title"],
            field["description"],
            said(say, _UNITS.get(column.name, "")),
            tuple((code, say(_meanings(column.name).get(code, code))) for code in column.codes),
        )
        for column, field in zip(columns, told, strict=True)
    ]


def _meanings(column: str) -> Mapping[str, str]:
    return FITS if column == "fit" else MEANINGS.get(column, {})


def _extract(country: str) -> Iterator[Column]:
    for name in DIMENSIONS:
        yield from columns_of(name, _codes(name, country))
    yield from FIGURES


def _codes(name: str, country: str) -> tuple[str, ...]:
    """The closed list of a dimension, as far as it fits a page: types stand in the crosswalk,
    places in their register."""
    if name == "region":
        return (*regions_of(country), *PLACES)
    if name in ("municipality", "state", "country"):
        return tuple(PLACES)
    if name == "iccs_code":
        codes = {pair.iccs[0] for pair in crosswalk().pairs if pair.iccs}
        return (*sorted(codes), *MEANINGS[name])
    return Policy.load().values.get(name) or tuple(MEANINGS.get(name, ()))
