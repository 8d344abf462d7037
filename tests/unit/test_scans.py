"""What scanners found, as docs/scans.json has it; and the bill of materials, whole."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import subprocess
import sys
import tomllib

import pytest

from hotline.simulate import phone
from tests.unit.test_repository import LOCKS, ROOT, canonical, requirements

ROWS = {row["tool"]: row for row in json.loads((ROOT / "docs" / "scans.json").read_text())}
WANTED = {"bandit", "schemathesis", "sqlmap", "wapiti", "sslyze", "axe", "MDN HTTP Observatory"}
# What has no answer without a network beyond the package index.
MAY_BE_MISSING = {"pip-audit"}
PAGE = (ROOT / "docs" / "scans.md").read_text()


def test_every_scanner_of_the_script_has_its_row() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "scan", "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(ROWS) == done.stdout.splitlines()
    ran = {name.split(" (")[0] for name, row in ROWS.items() if row["ran"]}
    assert ran | MAY_BE_MISSING >= WANTED | MAY_BE_MISSING
    assert {name for name, row in ROWS.items() if not row["ran"]} <= MAY_BE_MISSING


@pytest.mark.parametrize("name", ROWS)
def test_no_finding_of_medium_or_higher_is_open(name: str) -> None:
    row = ROWS[name]
    assert row["version"] and re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"])
    if not row["ran"]:
        assert row["note"] and f"**not run**: {row['note']}" in PAGE
        return
    assert row["command"] in PAGE
    assert not [each for each in row["listed"] if not each["false"]]
    serious = sum(row["findings"][severity] for severity in ("medium", "high", "critical"))
    assert bool(serious) == bool(row["listed"]), "each kind is listed with its argument"


def test_every_argument_is_still_needed_and_stands_on_the_page() -> None:
    arguments = tomllib.loads((ROOT / "scripts" / "scan_arguments.toml").read_text())["false"]
    used = {each["false"] for row in ROWS.values() for each in row["listed"]}
    assert {each["why"] for each in arguments} == used
    assert all(why in PAGE for why in used)


def test_a_mark_that_silences_bandit_names_its_check() -> None:
    folders = (ROOT / "hotline", ROOT / "scripts")
    marks = [
        line
        for folder in folders
        for path in folder.rglob("*.py")
        for line in path.read_text().splitlines()
        if "# nosec" in line
    ]
    assert marks
    assert not [line for line in marks if not re.search(r"# nosec B\d{3}\b", line)]


def bill(*words: str) -> bytes:
    script = [sys.executable, "-W", "ignore", ROOT / "scripts" / "sbom", *words]
    return subprocess.run(script, capture_output=True, check=True).stdout


@pytest.mark.parametrize("lock", LOCKS)
def test_the_bill_of_materials_names_every_locked_package(lock: str) -> None:
    told = json.loads(bill(lock, "--no-validate"))  # which takes seconds; the next test validates
    assert told["bomFormat"] == "CycloneDX"
    named = {(canonical(one["name"]), one["version"]) for one in told["components"]}
    pins = (line.split(" ;")[0].split("==") for line in requirements(lock))
    assert named == {(canonical(name), version) for name, version in pins}


def test_the_bill_of_materials_is_sound_and_the_same_again() -> None:
    assert bill() == bill("requirements.lock", "--no-validate")


def test_the_simulated_telephone_opens_no_entity() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaa">]><Response><Message>&a;</Message></Response>'
    with pytest.raises(phone.NoAnswer):
        phone.texts(bomb)
    assert phone.texts(b"<Response><Message>ok</Message></Response>") == ["ok"]


SAID = """
____________ POST /api/v1/tips ____________
1. Test Case ID: a

- ST202 Schema-valid request rejected

[422] `{"errors": [{"pointer": "/urgency", "detail": "no"}]}`

2. Test Case ID: b

- Server error

____________ GET /api/v1/questions ____________
1. Test Case ID: c

- Server error

== SUMMARY ==
"""


def test_what_schemathesis_says_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    scanners = importlib.import_module("scanners")
    assert [(found.what, found.where) for found in scanners.failures(SAID)] == [
        ("Schema-valid request rejected", "POST /api/v1/tips /urgency"),
        ("Server error", "POST /api/v1/tips"),
        ("Server error", "GET /api/v1/questions"),
    ]


def test_an_argument_covers_only_what_it_speaks_of() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "scan"))
    argued, finding = script["argued"], script["Finding"]
    for where, covered in (
        ("POST /api/v1/tips /attachments/0", True),
        ("POST /api/v1/tips /urgency", False),
        ("POST /api/v1/tips /attachments/0 /urgency", False),
    ):
        refused = finding("medium", "Schema-valid request rejected", where)
        assert bool(argued("schemathesis", refused)) == covered
        assert not argued("bandit", refused)
