#!/usr/bin/env python3
"""Build the lists of first names and surnames that stripping reads, byte for byte.

    pip install '.[names]' && scripts/build_names.py [--check]

Faker's person providers (MIT licence) for the countries served, and our own additions in
scripts/names/*.txt. Folded to lower case without accents; words of everyday language
(scripts/names/not_names.txt) are left out. Names of two letters only from our own lists (Ze, Jo).
Names of places are those that the router knows (hotline/routing/data).
"""

from __future__ import annotations

import argparse
import csv
import importlib
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from hotline.intake.stripping.normalise import matching, tokens  # noqa: E402

FAKER = "40.54.0"
LOCALES = (
    "pt_BR", "pt_PT", "es_MX", "es_CO", "es_AR", "es_CL", "es_ES", "en_US", "en_GB",
    "fr_FR", "fr_CA", "fr_CH",
)  # fmt: skip
OWN = ROOT / "scripts" / "names"
DATA = ROOT / "hotline" / "intake" / "stripping" / "data"
ROUTING = ROOT / "hotline" / "routing" / "data"


def faker(field: str) -> set[str]:
    """Names in the attributes of Faker's providers whose name holds ``field``."""
    found: set[str] = set()
    for locale in LOCALES:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for attribute in dir(provider):
            value = getattr(provider, attribute)
            if field in attribute and isinstance(value, (tuple, list, dict)):
                found.update(str(name) for name in value)
    return found


def words(names: Iterable[str], least: int = 3) -> set[str]:
    parts = {part for name in names for part in matching(name).text.replace("-", " ").split()}
    return {part for part in parts if part.isascii() and part.isalpha() and len(part) >= least}


def own(name: str) -> list[str]:
    lines = (OWN / f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def places() -> Iterator[str]:
    """Municipalities, divisions, towns, regions, and what else people call them."""
    for table in (ROUTING / "municipalities.csv", *sorted((ROUTING / "countries").glob("*.csv"))):
        with table.open(encoding="utf-8") as rows:
            for row in csv.DictReader(rows):
                yield row["name"]
    for table in sorted(ROUTING.glob("aliases*.toml")):
        for names in tomllib.loads(table.read_text("utf-8")).values():
            yield from (name for kind in names.values() for name in kind)


def folded(names: Iterable[str]) -> set[str]:
    """As the words of a text are read: "sao joao de meriti"."""
    made = {" ".join(token.word for token in tokens(matching(name), frozenset())) for name in names}
    return {name for name in made if name.isascii() and len(name) > 3}


def build() -> dict[str, str]:
    dropped = words(own("not_names"))
    first = (words(faker("first_name")) | words(own("first_names"), 2)) - dropped
    last = (words(faker("last_name")) | words(own("surnames"), 2)) - dropped
    return {
        "places.txt": "\n".join(sorted(folded(places()))) + "\n",
        "first_names.txt": "\n".join(sorted(first)) + "\n",
        "surnames.txt": "\n".join(sorted(last)) + "\n",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare with what is there")
    check = parser.parse_args().check
    if version("faker") != FAKER:
        print(f"hotline: error: this needs faker {FAKER}", file=sys.stderr)
        return 1
    different = []
    for name, text in build().items():
        path = DATA / name
        if not path.exists() or path.read_text("ascii") != text:
            different.append(name)
            if not check:
                path.write_text(text, "ascii")
    print(f"different: {', '.join(different) or 'none'}")
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main())
