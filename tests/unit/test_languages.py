"""A language is there whole or not at all: every table that has one a language has all of them."""

from __future__ import annotations

import csv
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from hotline.analysis.meanings import MEANINGS
from hotline.commands import prompts
from hotline.intake.speaking import VOICES
from hotline.intake.stripping import numbers
from hotline.tips import Language
from hotline.triage import cautions
from hotline.web.i18n import NATIVE

ROOT = Path(__file__).parents[2]
HOTLINE = ROOT / "hotline"
GUIDE = ROOT / "docs" / "translating.md"


def columns(path: Path) -> set[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return set(next(csv.reader(file)))


def tables(folder: Path) -> set[str]:
    """Languages that any term of types has."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.toml"))
    return set(re.findall(r"^\[[A-Z]{2,4}-\d\d\.([a-z]{2})\]", text, re.M))


RELEASE = tomllib.loads((HOTLINE / "analysis/release.toml").read_text(encoding="utf-8"))
THREATS = tomllib.loads((HOTLINE / "routing/data/threats.toml").read_text(encoding="utf-8"))
PLACES: dict[str, set[str]] = {
    "hotline/web/i18n.py": {str(language) for language in NATIVE},
    "scripts/messages": {
        locale[:2] for locale in runpy.run_path(str(ROOT / "scripts/messages"))["LOCALES"]
    },
    "hotline/commands/prompts.py": {str(language) for language in prompts.VOICES},
    "hotline/intake/speaking.py": {str(language) for language in VOICES},
    "hotline/intake/stripping/data/": {
        path.stem for path in (HOTLINE / "intake/stripping/data").glob("??.toml")
    },
    "hotline/intake/stripping/numbers.py": {str(language) for language in numbers._REGIONS},
    "hotline/triage/cautions.py": {str(language) for language in cautions._AS_REPORTER},
    "crime_types.csv": {
        name.removeprefix("name_") for name in columns(HOTLINE / "routing/data/crime_types.csv")
    },
    "hotline/routing/data/terms/": tables(HOTLINE / "routing/data/terms"),
    "threats.toml": set.intersection(*({*threat} for threat in THREATS.values())),
    "hotline/analysis/release.toml": set(RELEASE["values"]["language"]),
    "hotline/analysis/meanings.py": set(MEANINGS["language"]),
}
# The provider has no voice for it: recorded, or said in French.
WITHOUT = {("hotline/intake/speaking.py", Language.HT)}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("place", PLACES)
def test_no_table_lacks_a_language(place: str, language: Language) -> None:
    if (place, language) in WITHOUT:
        assert language not in PLACES[place], "take it off the list"
    else:
        assert language in PLACES[place], f"docs/translating.md says what to do in {place}"


@pytest.mark.parametrize("place", PLACES)
def test_the_guide_leads_to_each(place: str) -> None:
    assert f"`{place}`" in GUIDE.read_text(encoding="utf-8")


def test_the_guide_is_found_from_where_people_begin() -> None:
    assert "(docs/translating.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs/how-to-change-things.md").read_text(encoding="utf-8")
    assert "(translating.md)" in page
