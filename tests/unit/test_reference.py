"""Reference pages: they say what the code says, and nothing in them is without a sentence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click

from hotline.cli import root
from hotline.settings import NAMES

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def test_the_reference_says_what_the_code_says() -> None:
    script = ROOT / "scripts" / "reference"
    checked = subprocess.run([sys.executable, script, "--check"], check=False)
    assert checked.returncode == 0


def test_every_setting_has_a_sentence() -> None:
    rows = re.findall(
        r"^\| `(HOTLINE_\w+)` \|.*\| ([^|]+) \|$", (REFERENCE / "settings.md").read_text(), re.M
    )
    assert {name for name, says in rows if says.strip()} == set(NAMES)


def test_every_command_has_a_heading() -> None:
    page = (REFERENCE / "cli.md").read_text()
    context = click.Context(root)
    for name in root.list_commands(context):
        assert f"## `hotline {name}`\n" in page, name


def test_the_readme_leads_to_each_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in REFERENCE.glob("*.md"):
        assert f"(docs/reference/{page.name})" in readme, page.name
