"""Codebook: every column that a file may have, every code that a column may hold, in words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.analysis.codebook import COUNTED, FILES, FITS, entries
from hotline.analysis.columns import STATUSES, columns_of
from hotline.analysis.crosswalk import COLUMNS, crosswalk, text
from hotline.analysis.crosswalk import COUNTED as KNOWN
from hotline.analysis.crosswalk import FITS as SHAPES
from hotline.analysis.extract import extract
from hotline.analysis.formats.words import english
from hotline.analysis.meanings import MEANINGS
from hotline.analysis.published import TIDY
from hotline.analysis.question import DIMENSIONS, Question
from hotline.analysis.releases import Releases
from hotline.analysts.drawn import Drawn
from hotline.routing.classify import GROUPS, type_groups
from hotline.tips import Language
from tests.conftest import MovableClock
from tests.releases import POLICY
from tests.trends import Site, released, rows


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Iterator[Site]:
    made = Site.of(tmp_path, clock)
    yield made
    made.accounts.store.close()


def test_every_value_of_a_closed_list_has_a_meaning_and_no_other() -> None:
    for name, values in POLICY.values.items():
        assert set(MEANINGS[name]) == set(values), name
    assert set(MEANINGS["tip_count_status"]) == set(STATUSES)
    assert set(MEANINGS["crime_group"]) == GROUPS
    sections = {pair.iccs[0][:2] for pair in crosswalk().pairs if pair.iccs}
    assert sections <= set(MEANINGS["iccs_section"])
    assert (set(FITS), set(COUNTED)) == (set(SHAPES), set(KNOWN))


@pytest.mark.parametrize("name", DIMENSIONS)
def test_every_column_and_code_of_an_extract_stands_in_it(site: Site, name: str) -> None:
    """Whatever a table holds, the codebook says; places and types stand in their own tables."""
    released(site.folder, ("2026-03",))
    question = Question.asked("2026-03", "2026-03", name, {})
    table = extract(Releases(site.folder), question)
    known = {one.name: one for one in entries("trends.*", english, "BR")}
    for column in table.columns:
        entry = known[column.name]
        assert (entry.title, entry.description) == (column.title, column.description)
        codes = {code for code, _ in entry.values}
        if codes and column.name not in ("state", "country", "municipality_code"):
            assert set(table.data[column.name].tolist()) <= codes, column.name


def test_the_other_files_columns_stand_in_it(site: Site) -> None:
    released(site.folder, ("2026-03",))
    told = {file: [one.name for one in entries(file, english)] for _, file in FILES}
    assert told["epsilon.csv"] == Releases(site.folder).ledger().splitlines()[0].split(",")
    assert told["crosswalk.csv"] == list(COLUMNS) == text().splitlines()[0].split(",")
    assert told["published/*.csv"] == list(TIDY)
    dimensions = [column.name for name in DIMENSIONS for column in columns_of(name)]
    assert told["trends.*"][: len(dimensions)] == dimensions


def test_the_crosswalk_is_that_of_the_types() -> None:
    shipped = Path("hotline/routing/data/crime_types.csv").read_text(encoding="utf-8")
    types = {row["code"]: row for row in csv.DictReader(io.StringIO(shipped))}
    walk = crosswalk()
    assert {pair.crime_type for pair in walk.pairs} == types.keys()
    for pair in walk.pairs:
        assert "|".join(pair.iccs) == types[pair.crime_type]["iccs"]
        assert pair.confidence == types[pair.crime_type]["iccs_confidence"]
    assert {column for pair in walk.pairs for column in pair.columns} == walk.titles.keys()
    assert [one.id for one in walk.categories() if not one.types] == []
    sexual = ("GBV-05", "CHD-01", "CHD-02", "CHD-03")
    assert walk.within("03") == tuple((code, "narrower") for code in sexual)
    assert ("ORG-10", "same") in walk.within("0101")


def test_the_page_is_everybodys_and_the_table_a_file(site: Site) -> None:
    page = site.client.get("/codebook?language=en").text
    for code in type_groups():
        assert f"<code>{code}</code>" in page
    for words in ("Text message (SMS)", "Nordeste", "Estelionato", "fmun_cod", "0401"):
        assert words in page
    (robbery,) = [one for one in rows(page) if one[0].startswith("PRP-01")]
    assert robbery[1].startswith("04 ") and "Total de roubos" in robbery[4]
    file = site.client.get("/crosswalk.csv")
    assert file.mimetype == "text/csv" and file.text == text()
    assert not (site.folder / "analysts.db").exists()


@pytest.mark.parametrize("language", list(Language))
def test_it_speaks_every_language(site: Site, language: Language) -> None:
    page = site.client.get(f"/codebook?language={language.value}").text
    assert f'<html lang="{language.tag}">' in page
    if language != Language.EN:
        for english_words in ("Text message", "Lower end", "Firearm", "Robbery and theft"):
            assert english_words not in page


def test_names_are_those_of_the_files(site: Site) -> None:
    """One source: what an extract calls a type, the codebook calls it."""
    released(site.folder, ("2026-03",))
    table = Drawn(site.folder).answer(Question("2026-03", "2026-03", ("crime_type",)))
    page = site.client.get("/codebook?language=en").text
    for code, name in zip(table.data["crime_type"], table.data["crime_type_label"], strict=True):
        assert f"<code>{code}</code> {name}" in page.replace("&#39;", "'")
