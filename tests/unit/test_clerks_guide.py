"""The clerk's guide: what it tells a person to type is typed here, and answers as it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.terminal import Typed

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "clerks-guide.md"
STEP = re.compile(
    r"^```console\n(?P<typed>.*?)^```$"
    r"|^<!-- file (?P<file>\S+) -->\n\n```\w+\n(?P<content>.*?)^```$"
    r"|^<!-- sheet (?P<sheet>\w+), (?P<how>above|row) (?P<row>\S+) -->\n\n"
    r"(?P<table>(?:\|[^\n]*\n)+)",
    re.M | re.S,
)
LEFT_OUT = "…"
OFFICERS = "--officer ana --officer bruno"
PASSPHRASES = {"ana": "three herons at noon", "bruno": "a bicycle without brakes"}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a copy of the program, as a clerk has it: terms may be added to it. Beside it
    the home of a line."""
    place = tmp_path / "desk"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "hotline", place / "hotline", ignore=ignored)
    command = place / "bin" / "hotline"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hotline.cli "$@"\n')
    command.chmod(0o755)
    said = "".join(f"{words}\n" for words in PASSPHRASES.values())
    told = answered(place, f"HOTLINE_HOME=home hotline init {OFFICERS}", said)
    assert (place / "home" / "rules").is_dir(), told
    (place / "told").write_text("\n".join(told))
    return place


def said_to(desk: Path, command: str) -> str:
    """What the officers of a command type when it asks who they are."""
    named = re.findall(r"--(?:by|and) (\w+)", command)
    url = f"sqlite:///{desk / 'home' / 'hotline.db'}"
    return Typed.printed(url, (desk / "told").read_text(), PASSPHRASES)(*named)


def answered(desk: Path, command: str, typed: str = "") -> list[str]:
    # Compiled once for all commands: the copy comes without what Python keeps of it.
    kept = [name for name in os.environ if "HOTLINE" not in name and "BYTECODE" not in name]
    environ = {name: os.environ[name] for name in kept}
    environ |= {"PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(desk)}
    environ |= {"PYTHONUTF8": "1"}
    said = subprocess.run(
        ["bash", "-c", command],
        cwd=desk,
        env=environ,
        input=typed.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return said.stdout.decode().splitlines()


def same(shown: list[str], answer: list[str]) -> bool:
    """Line by line; ``…`` alone stands for lines left out, within a line for a part of it."""
    if not shown:
        return not answer
    if shown[0] == LEFT_OUT:
        return any(same(shown[1:], answer[at:]) for at in range(len(answer) + 1))
    if not answer:
        return False
    line = ".*".join(map(re.escape, shown[0].split(LEFT_OUT)))
    return bool(re.fullmatch(line, answer[0])) and same(shown[1:], answer[1:])


def commands(typed: str) -> list[tuple[str, list[str]]]:
    first, *parts = re.split(r"^\$ ", typed, flags=re.M)
    assert not first
    return [(part.splitlines()[0], part.splitlines()[1:]) for part in parts]


def edit(book: Path, sheet: str, how: str, row: str, table: str) -> None:
    """Does in the workbook what the guide tells the clerk to do there."""
    lines = [[c.strip() for c in line.strip("|\n ").split("|")] for line in table.splitlines()]
    cells = dict(zip(lines[0], lines[2], strict=True))
    work = openpyxl.load_workbook(book)
    page = work[sheet]
    at = next(cell.row for (cell,) in page["A1:A500"] if cell.value == row)
    if how == "above":
        page.insert_rows(at)
    named = {cell.value: cell.column for cell in page[1]}
    for column, text in cells.items():
        page.cell(at, named[column]).value = text
    work.save(book)


def test_every_command_of_the_guide_answers_what_the_guide_shows(desk: Path) -> None:
    typed = 0
    for step in STEP.finditer(GUIDE.read_text(encoding="utf-8")):
        if step["file"]:
            (desk / step["file"]).write_text(step["content"], encoding="utf-8")
        elif step["sheet"]:
            edit(desk / "rules.xlsx", step["sheet"], step["how"], step["row"], step["table"])
        else:
            for command, shown in commands(step["typed"]):
                answer = answered(desk, command, said_to(desk, command))
                assert same(shown, answer), "\n".join([command, *answer])
                typed += 1
    assert typed == GUIDE.read_text(encoding="utf-8").count("\n$ ") >= 10


def test_every_error_of_the_guide_is_one_the_line_says() -> None:
    listed = GUIDE.read_text(encoding="utf-8").partition("## What an error means")[2]
    sentences = re.findall(r"^\| `([^`]+)` \|", listed, re.M)
    source = "".join(path.read_text() for path in (ROOT / "hotline").rglob("*.py"))
    assert len(sentences) >= 12
    assert [sentence for sentence in sentences if sentence not in source] == []


def test_the_guide_names_every_column_and_table() -> None:
    from hotline.routing.sheets import THEN, columns

    guide = GUIDE.read_text(encoding="utf-8")
    for table in THEN:
        assert f"| `{table}` |" in guide
        assert all(f"`{column}`" in guide for column in columns(table))


def test_left_out_lines_may_be_many_but_what_is_shown_is_there() -> None:
    assert same(["a", "…", "d"], ["a", "b", "c", "d"])
    assert same(["ab…"], ["abc"])
    assert same(["…b: c"], ["2026 b: c"]) and not same(["…b: c"], ["2026 b: cd"])
    assert not same(["a", "…", "e"], ["a", "b", "d"])
    assert not same(["a"], ["a", "b"])
    assert not same([], ["a"])
