"""What scanners found, as docs/scans.json has it; and the bill of materials, whole."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

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


@pytest.mark.parametrize("lock", LOCKS)
def test_the_bill_of_materials_names_every_locked_package(lock: str, tmp_path: Path) -> None:
    script = [sys.executable, "-W", "ignore", ROOT / "scripts" / "sbom", lock]
    first, again = (subprocess.run(script, capture_output=True, check=True).stdout for _ in "12")
    assert first == again
    bill = json.loads(first)
    assert bill["bomFormat"] == "CycloneDX"
    named = {(canonical(one["name"]), one["version"]) for one in bill["components"]}
    pins = (line.split(" ;")[0].split("==") for line in requirements(lock))
    assert named == {(canonical(name), version) for name, version in pins}


def test_the_simulated_telephone_opens_no_entity() -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaa">]><Response><Message>&a;</Message></Response>'
    with pytest.raises(phone.NoAnswer):
        phone.texts(bomb)
    assert phone.texts(b"<Response><Message>ok</Message></Response>") == ["ok"]
