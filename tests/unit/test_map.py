"""The README's map is the house: rooms, first lines, settings and commands."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hotline.cli import root
from hotline.settings import NAMES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MODULES = sorted((ROOT / "hotline").rglob("*.py"))


def test_the_map_says_what_the_rooms_say() -> None:
    checked = subprocess.run([sys.executable, ROOT / "scripts" / "map", "--check"], check=False)
    assert checked.returncode == 0


def test_every_package_stands_on_the_map() -> None:
    packages = {f"hotline/{p.parent.name}/" for p in (ROOT / "hotline").glob("*/__init__.py")}
    assert packages == set(re.findall(r"^\| `(hotline/\w+/)`", README, re.M))


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ROOT)))
def test_each_module_says_what_room_it_is(module: Path) -> None:
    if "versions" in module.parts:
        return
    first = (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0]
    assert re.match(r"[A-Z][\w' ]*: .+", first), first


def test_every_setting_is_documented() -> None:
    assert set(NAMES) == set(re.findall(r"^\| `(HOTLINE_\w+)`", README, re.M))


def test_every_command_is_documented() -> None:
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        assert re.search(rf"`(hotline )?{name}( |`)", README), name
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                assert re.search(rf"`(hotline )?({name} )?{sub}[ `]", README), f"{name} {sub}"
