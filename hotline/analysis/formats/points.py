"""Points: a table as GeoJSON, one feature a municipality, at its seat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hotline.analysis.formats.words import NoMunicipality, columns, tidy
from hotline.analysis.question import DIMENSIONS
from hotline.analysis.table import TEXT, Table
from hotline.routing.register import countries, read

KEYS = ("municipality_code", "municipality")
# Large or near, and missing from the table of seats: São Paulo, Mesquita, Trajano de Moraes.
_BY_HAND: Mapping[str, tuple[float, float]] = {
    "BR:IBGE:3550308": (-46.633, -23.550),
    "BR:IBGE:3302858": (-43.429, -22.783),
    "BR:IBGE:3305901": (-42.066, -22.063),
}
SOURCE: Mapping[str, str] = {
    "title": "Seats of municipalities: GeoNames, CC BY 4.0, rounded to three decimals",
    "path": "https://www.geonames.org/",
}


def seat(code: str) -> tuple[float, float] | None:
    """Longitude and latitude of a municipality's seat, from its key (``BR:IBGE:3303302``) or its
    bare code in Brazil; None where the tables have none."""
    key = code if ":" in code else f"BR:IBGE:{code}"
    country = key.partition(":")[0]
    if key in _BY_HAND:
        return _BY_HAND[key]
    if country != "BR" and country not in countries():
        return None
    place = read(country).by_key.get(key)
    if place is None or not (place.latitude and place.longitude):
        return None
    return float(place.longitude), float(place.latitude)


def as_geojson(table: Table) -> bytes:
    """RFC 7946. What is the same on all rows of a municipality is a property by its column's
    name; a figure of one month or type among several is one by ``column_2026-01_DRG-01``. Rows
    without a municipality are left out; one without a known seat has no geometry. Raises
    NoMunicipality."""
    features = ",\n".join(_feature(code, held) for code, held in _properties(table).items())
    about = json.dumps(tidy(table.about), ensure_ascii=False, allow_nan=False)
    source = json.dumps(SOURCE["title"], ensure_ascii=False)
    return (
        f'{{"type": "FeatureCollection", "about": {about}, "attribution": {source},\n'
        f'"features": [\n{features}\n]}}\n'
    ).encode()


def _feature(code: str, properties: dict[str, Any]) -> str:
    point = seat(code)
    geometry = None if point is None else {"type": "Point", "coordinates": list(point)}
    return json.dumps(
        {"type": "Feature", "id": code, "geometry": geometry, "properties": properties},
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
        if code:
            rows.setdefault(code, []).append(at)
    fixed = {
        name
        for name, values in held.items()
        if all(len({values[at] for at in mine}) == 1 for mine in rows.values())
    }
    varied = [name for name in DIMENSIONS if name in held and name not in fixed]
    # A label says again what its code says, which is part of the name.
    labels = {
        column.name
        for column in table.columns
        if column.kind == TEXT and column.name.startswith(tuple(f"{one}_" for one in varied))
    }
    told = [name for name in names if name not in fixed | labels and name not in varied]
    return {code: _told(held, mine, names, fixed, varied, told) for code, mine in rows.items()}


def _told(
    held: Mapping[str, list[Any]],
    mine: list[int],
    names: list[str],
    fixed: set[str],
    varied: list[str],
    told: list[str],
) -> dict[str, Any]:
    properties = {name: held[name][mine[0]] for name in names if name in fixed}
    for at in mine:
        cell = "_".join(str(held[name][at]) for name in varied)
        properties |= {f"{name}_{cell}" if cell else name: held[name][at] for name in told}
    return properties
