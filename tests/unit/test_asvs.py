"""The list of OWASP's requirements is whole, and whatever it names is there; and some of what it
says is met is proved here, where no other test looks."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest

from hotline.analysts import access as analysts
from hotline.triage.access import ABSOLUTE_SECONDS, IDLE_SECONDS
from tests.pages import ROOT, functions_in

with (ROOT / "docs" / "asvs.csv").open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))
PAGE = (ROOT / "docs" / "asvs.md").read_text()
TEMPLATES = ROOT / "hotline" / "web" / "templates"
MET, PART, NOT, NONE = "met", "met in part", "not met", "not applicable"

# Of ASVS 5.0.0: for each section, how many requirements are of level 1 or 2. They stand first.
_WHOLE = """
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.1:0 3.2:2 3.3:4 3.4:6 3.5:5
3.6:0 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4
6.5:5 6.6:3 6.7:0 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1
9.1:3 9.2:4 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 11.7:0 12.1:3 12.2:2 12.3:4
13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 15.4:0 16.1:1
16.2:5 16.3:4 16.4:3 16.5:3
"""
WHOLE = {section: int(count) for section, count in re.findall(r"([\d.]+):(\d+)", _WHOLE)}
# Level 3 where it concerns anonymity: sessions, cryptography, data, logs.
THIRD = [
    *("V7.5.3", "V11.1.3", "V11.1.4", "V11.2.4", "V11.2.5", "V11.3.4", "V11.3.5", "V11.5.2"),
    *("V11.6.2", "V11.7.1", "V11.7.2", "V14.2.5", "V14.2.6", "V14.2.7", "V14.2.8", "V16.5.4"),
]
ALTOGETHER = {"V4.3", "V4.4", "V6.6", "V6.8", "V10", "V17"}  # nothing of the kind is here


def test_no_requirement_is_left_out() -> None:
    wanted = {
        f"V{section}.{number}"
        for section, count in WHOLE.items()
        for number in range(1, count + 1)
        if f"V{section}" not in ALTOGETHER
    }
    listed = [row["requirement"] for row in ROWS]
    assert len(set(listed)) == len(listed)
    assert wanted | ALTOGETHER | set(THIRD) <= set(listed)
    rest = set(listed) - wanted - ALTOGETHER
    assert all(row["level"] == "3" for row in ROWS if row["requirement"] in rest)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["requirement"])
def test_what_a_requirement_names_is_there(row: dict[str, str]) -> None:
    assert row["verdict"] in (MET, PART, NOT, NONE) and row["what"]
    for path in row["where"].split():
        assert (ROOT / path).is_file(), path
    for proof in row["proof"].split():
        path, _, name = proof.partition("::")
        assert name in functions_in(path), proof
    if row["verdict"] == MET:
        assert row["where"] and row["proof"], "met, but where is it seen?"
    else:
        assert row["note"], "what is missing, or why not"


def test_the_page_tells_what_the_list_tells() -> None:
    counts = Counter(row["verdict"] for row in ROWS)
    told = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", PAGE, re.M))
    assert told == {verdict: str(count) for verdict, count in counts.items()}
    missing = {row["requirement"] for row in ROWS if row["verdict"] in (PART, NOT)}
    assert missing == set(re.findall(r"^\| (V[\d.]+) \|", PAGE, re.M))
    for row in ROWS:
        if row["requirement"] in missing:
            line = f"| {row['requirement']} | {row['what']} | {row['verdict']} | {row['note']} |"
            assert line in PAGE, line


# --- seen here alone


def test_every_field_of_a_passphrase_hides_it() -> None:
    """And can be pasted into, with room for 64 characters and more."""
    fields = [
        field
        for page in TEMPLATES.rglob("*.html")
        for field in re.findall(r"<input[^>]*>", page.read_text())
        if re.search(r'name="(passphrase|again|new)"', field)
    ]
    assert len(fields) > 6
    for field in fields:
        assert 'type="password"' in field, field
        assert re.search(r'autocomplete="(new|current)-password"', field), field
        assert int(re.findall(r'maxlength="(\d+)"', field)[0]) >= 64, field
    assert not any("onpaste" in page.read_text() for page in TEMPLATES.rglob("*.html"))


def test_signing_out_is_on_every_page_of_a_member() -> None:
    for name in ("console", "analyst"):
        assert 'action="/sign-out"' in (TEMPLATES / name / "layout.html").read_text()


def test_no_script_stores_anything() -> None:
    scripts = list((ROOT / "hotline" / "web" / "static").glob("*.js"))
    assert scripts
    for script in scripts:
        words = r"localStorage|sessionStorage|indexedDB|cookie|caches|innerHTML|eval\(|postMessage"
        assert not re.search(words, script.read_text()), script.name


def test_the_pages_tell_when_sessions_end() -> None:
    page = (ROOT / "docs" / "people.md").read_text()
    idle, whole = IDLE_SECONDS // 60, ABSOLUTE_SECONDS // 3600
    assert f"ends after {idle} minutes without use and after {whole} hours" in page
    assert (analysts.IDLE_SECONDS, analysts.ABSOLUTE_SECONDS) == (3600, 12 * 3600)
    assert "after an hour without use" in page
