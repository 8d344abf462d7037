"""Points: a table as GeoJSON, one feature a municipality, at its seat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hotline.analysis.formats.schema import spoken
from hotline.analysis.formats.words import NoMunicipality, Say, columns
from hotline.analysis.question import DIMENSIONS
from hotline.analysis.table import REAL, Table
from hotline.routing.register import countries, read

KEYS = ("municipality_code", "municipality")
# What stands in the place of a municipality and is none.
_NOWHERE = frozenset({"unknown", "abroad", "not_published"})
SOURCES: tuple[Mapping[str, str], ...] = (
    {
        "title": "Seats of municipalities: GeoNames, CC BY 4.0, rounded to three decimals",
        "path": "https://www.geonames.org/",
    },
    {
        "title": "A few of them: SimpleMaps World Cities, CC BY 4.0, rounded to three decimals",
        "path": "https://simplemaps.com/data/world-cities",
    },
    {
        "title": "Eight of Brazil's: IBGE, by ibge-utils, GPL 3 or later, rounded as well",
        "path": "https://www.ibge.gov.br/",
    },
)
# Whether the table of seats knows where a municipality is: said with each feature.
STATUS, SEAT, NO_SEAT = "seat_status", "known", "unknown"


def country_of(table: Table) -> str:
    """ISO letters, from the jurisdiction (``br-rj``); Brazil where it does not begin with any."""
    letters = str(table.about.get("jurisdiction") or "").upper().partition("-")[0]
    return letters if letters in countries() else "BR"


def seat(code: str, country: str = "BR") -> tuple[float, float] | None:
    """Longitude and latitude of a municipality's seat, from its key (``BR:IBGE:3303302``) or its
    bare code in ``country``; None where the tables have none."""
    letters = code.partition(":")[0] if ":" in code else country
    if letters != "BR" and letters not in countries():
        return None
    key = code if ":" in code else f"{letters}:{read(letters).scheme}:{code}"
    place = read(letters).by_key.get(key)
    if place is None or not (place.latitude and place.longitude):
        return None
    return float(place.longitude), float(place.latitude)


def as_geojson(table: Table, say: Say) -> bytes:
    """RFC 7946. What is told of a municipality once is a property by its column's name; a figure
    of one month or type among several is one by ``column_2026-01_DRG-01``. Rows without a
    municipality are left out; one without a known seat has no geometry, and its ``seat_status``
    says so. Raises NoMunicipality."""
    country = country_of(table)
    features = ",\n".join(
        _feature(code, country, held) for code, held in _properties(table).items()
    )
    about = json.dumps(spoken(table.about, say), ensure_ascii=False, allow_nan=False)
    source = json.dumps("; ".join(one["title"] for one in SOURCES), ensure_ascii=False)
    return (
        f'{{"type": "FeatureCollection", "about": {about}, "attribution": {source},\n'
        f'"features": [\n{features}\n]}}\n'
    ).encode()


def _feature(code: str, country: str, properties: dict[str, Any]) -> str:
    point = seat(code, country)
    geometry = None if point is None else {"type": "Point", "coordinates": list(point)}
    told = properties | {STATUS: NO_SEAT if point is None else SEAT}
    return json.dumps(
        {"type": "Feature", "id": code, "geometry": geometry, "properties": told},
        ensure_ascii=False,
    )


def _properties(table: Table) -> dict[str, dict[str, Any]]:
    """By municipality, in the order of the rows."""
    names = [column.name for column in table.columns]
    key = next((name for name in KEYS if name in names), None)
    if key is None:
        raise NoMunicipality
    held = dict(zip(names, columns(table), strict=True))
    rows: dict[str, list[int]] = {}
    for at, code in enumerate(held[key]):
        if code and code not in _NOWHERE:
            rows.setdefault(code, []).append(at)
    varied = [
        name
        for name in DIMENSIONS
        if name in held and any(len({held[name][at] for at in mine}) > 1 for mine in rows.values())
    ]
    # By their names, not by what they hold: a figure is a figure though it never changes.
    reals = [column.name for column in table.columns if column.kind == REAL]
    told = [n for n in names if n in reals or n.startswith(tuple(f"{real}_" for real in reals))]
    # A label says again what its code says, which is part of the name.
    again = tuple(f"{dimension}_" for dimension in varied)
    fixed = [n for n in names if n not in told and n not in varied and not n.startswith(again)]
    return {code: _told(held, mine, fixed, varied, told) for code, mine in rows.items()}


def _told(
    held: Mapping[str, list[Any]],
    mine: list[int],
    fixed: list[str],
    varied: list[str],
    told: list[str],
) -> dict[str, Any]:
    properties = {name: held[name][mine[0]] for name in fixed}
    for at in mine:
        cell = "_".join(str(held[name][at]) for name in varied)
        properties |= {f"{name}_{cell}" if cell else name: held[name][at] for name in told}
    return properties
