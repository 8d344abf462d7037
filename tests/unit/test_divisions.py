"""Divisions: the other countries' places, and how well texts of five languages are read."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from hotline.routing import register
from hotline.routing.places import Places
from hotline.routing.words import words
from hotline.tips import Certainty

ROOT = Path(__file__).resolve().parents[2]
DATA = files("hotline.routing") / "data"
LABELLED = ROOT / "tests" / "unit" / "data" / "places.tsv"
LANGUAGES = {"pt", "es", "en", "fr", "ht"}
# What each table holds, as docs/places.md says.
COUNTS = {
    "AG": 8, "AI": 14, "AR": 529, "BB": 11, "BL": 1, "BO": 112, "BQ": 3, "BS": 32, "BZ": 6,
    "CL": 345, "CO": 1121, "CR": 82, "CU": 167, "DM": 10, "DO": 155, "EC": 221, "GD": 7,
    "GF": 22, "GP": 32, "GT": 340, "GY": 10, "HN": 298, "HT": 42, "JM": 14, "KN": 14, "KY": 6,
    "LC": 10, "MF": 1, "MQ": 34, "MS": 3, "MX": 2471, "NI": 153, "PA": 82, "PE": 1893, "PR": 78,
    "PY": 246, "SR": 10, "SV": 44, "TT": 15, "UY": 124, "VC": 6, "VE": 335, "VI": 3,
}  # fmt: skip


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.load()


@pytest.mark.parametrize("country", sorted(COUNTS))
def test_each_country_has_the_divisions_the_docs_say(country: str) -> None:
    tables = register.read(country)
    assert len(tables.by_key) == COUNTS[country]
    scheme = register.countries()[country]["scheme"]
    assert all(key.split(":")[:2] == [country, scheme] for key in tables.by_key)
    known = tables.states.keys() | {""}
    assert all(place.name and place.state in known for place in tables.by_key.values())


def test_every_country_listed_has_its_table() -> None:
    assert register.countries().keys() - {"BR"} == COUNTS.keys()
    assert sum(COUNTS.values()) == 9110
    shown = (ROOT / "docs" / "places.md").read_text(encoding="utf-8")
    for country, count in COUNTS.items():
        assert f"| {country} | {count:,} |" in shown, country


def test_every_alias_abroad_fits_a_division() -> None:
    for country in COUNTS:
        register.read(country)  # raises AliasProblem
    headings = tomllib.loads((DATA / "aliases_abroad.toml").read_text("utf-8"))
    assert {heading[:2] for heading in headings} <= COUNTS.keys()
    assert len(headings) > 150


def test_everyday_names_abroad_are_sorted_and_each_marks_a_row() -> None:
    listed = (DATA / "everyday_abroad.txt").read_text(encoding="utf-8").split("\n")[:-1]
    folded = [" ".join(words(name)) for name in listed]
    assert folded == sorted(set(folded))
    rows = [row for country in COUNTS for row in register.rows_of(f"countries/{country}.csv")]
    marked = {" ".join(words(row[3])) for row in rows if row[4]}
    assert marked <= set(folded)


def test_the_tables_of_all_countries_stay_small() -> None:
    folder = DATA / "countries"
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 700_000


def test_a_line_at_home_reads_only_the_tables_it_needs() -> None:
    code = (
        "from hotline.routing.places import Places; from hotline.routing import register\n"
        "places = Places.load(); places.find('tráfico em Niterói')\n"
        "print(register.read.cache_info().currsize)\n"
        "places.find('droga em Leticia, Colômbia')\n"
        "print(register.read.cache_info().currsize)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)
    assert told.stdout.split() == [b"1", b"2"]


@pytest.mark.parametrize(
    ("country", "text", "name", "certainty"),
    [
        ("MX", "balacera en Culiacán", "Culiacán", "certain"),
        ("MX", "en Benito Juárez, Quintana Roo", "Benito Juárez", "certain"),
        ("MX", "venden en Neza", "Ciudad Nezahualcóyotl", "probable"),
        ("MX", "tráfico em Niterói, Brasil", "Niterói", "certain"),
        ("HT", "yo tire moun nan Kafou", "Port-au-Prince", "probable"),
        ("HT", "kidnapping à Pétion-Ville", "Port-au-Prince", "probable"),
        ("PE", "distrito de Ate", "Ate", "certain"),
        ("PE", "asalto en Comas, Lima", "Comas", "certain"),
        ("AR", "venden en Mar del Plata", "General Pueyrredón", "probable"),
        ("CL", "robo en la comuna de Maipú", "Maipú", "certain"),
        ("CO", "extorsión en Barranquilla", "Barranquilla", "certain"),
    ],
)
def test_a_line_in_another_country_reads_its_own_places_first(
    country: str, text: str, name: str, certainty: str
) -> None:
    found = Places.load(country).find(text)
    assert (found.name, found.certainty.value) == (name, certainty)


@pytest.mark.parametrize("country", ["MX", "PE", "CO", "AR", "CL", "HT"])
def test_every_name_with_its_region_is_found_again(country: str) -> None:
    """The whole table, as a reporter would answer it; namesakes in one region are asked about."""
    tables = register.read(country)
    places, missed = Places.load(country), []
    for key, place in tables.by_key.items():
        found = places.answer(f"{place.name}, {tables.states[place.state]}")
        if found.municipality != key and key not in found.candidates:
            missed.append(place.name)
    assert len(missed) <= len(tables.by_key) // 50, missed


@pytest.mark.parametrize(
    ("text", "country"),
    [("Buenos Aires, Argentina", "AR"), ("em Montevidéu, Uruguai", "UY"), ("em Cuzco, Peru", "PE")],
)
def test_a_country_named_beside_a_place_is_told(places: Places, text: str, country: str) -> None:
    assert places.find(text).country == country


@pytest.mark.parametrize(
    "text", ["droga do Paraguai", "Rua Argentina, 5", "é boliviano", "o Chile ganhou", "em Cuba"]
)
def test_a_country_alone_in_a_text_is_no_place(places: Places, text: str) -> None:
    found = places.find(text)
    assert (found.municipality, found.certainty) == (None, Certainty.NONE)


def test_a_small_namesake_of_a_great_city_abroad_is_asked_about(places: Places) -> None:
    assert places.find("em Buenos Aires").certainty is Certainty.AMBIGUOUS
    assert places.find("em Buenos Aires - PE").name == "Buenos Aires"


def test_a_key_of_another_country_is_known(places: Places) -> None:
    found = places.by_key("MX:INEGI:25006")
    assert found is not None
    assert (found.name, found.state, found.country) == ("Culiacán", "MX-SIN", "MX")
    assert places.by_key("MX:INEGI:99999") is None
    assert places.by_key("XX:Y:1") is None


def test_where_somebody_is_from_is_never_where_it_happened(places: Places) -> None:
    for text in ("o cara é de Recife", "veio de Manaus", "he is from Recife", "il vient de Manaus"):
        assert places.find(text).municipality is None, text


# The labelled texts


def labelled() -> list[tuple[str, str, str]]:
    lines = LABELLED.read_text(encoding="utf-8").splitlines()
    rows = csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t")
    return [(language, expected, text) for language, expected, text in rows]


def test_there_are_300_labelled_texts_of_five_languages_nearly_half_of_them_traps() -> None:
    rows = labelled()
    assert len(rows) >= 300
    assert {language for language, _, _ in rows} == LANGUAGES
    assert sum(expected == "-" for _, expected, _ in rows) >= 0.45 * len(rows)
    assert len({text for _, _, text in rows}) == len(rows)


def test_labelled_texts_are_read_with_the_precision_and_recall_asked_for(places: Places) -> None:
    right, wrong, missed = 0, [], []
    for _, expected, text in labelled():
        found = places.find(text)
        if found.municipality is None:
            missed += [text] if expected != "-" else []
            continue
        home = f"{found.name}/{(found.state or '')[3:]}"
        told = home if found.country == "BR" else f"{found.country}:{found.name}"
        right += told == expected
        wrong += [] if told == expected else [f"{told}: {text}"]
    precision = right / (right + len(wrong))
    recall = right / sum(expected != "-" for _, expected, _ in labelled())
    print(f"\nplaces: precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.98, wrong
    assert recall >= 0.95, missed


def test_reading_places_keeps_its_pace(places: Places) -> None:
    """A floor far below the measured pace (docs/places.md), for machines that are shared."""
    texts = [text for _, _, text in labelled()]
    best = min(_seconds(places, texts) for _ in range(5))
    print(f"\nplaces: {len(texts) / best:,.0f} texts a second on one core")
    assert len(texts) / best > 3_000


def _seconds(places: Places, texts: list[str]) -> float:
    began = time.process_time()
    for text in texts:
        places.find(text)
    return time.process_time() - began
