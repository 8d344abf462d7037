"""The data map: every column, file, key of Redis, cookie and field of the log is described, and
nothing that is no more."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select

from hotline.assembly import PublicLine, StaffLine
from hotline.log import _INTERNAL_ONLY, ALLOWED
from hotline.store.tables import Meta
from hotline.triage.audit import sequence_and_sign

ROOT = Path(__file__).parents[2]
MAP = runpy.run_path(str(ROOT / "scripts" / "data-map"))
TOLD: dict[str, Any] = MAP["kept"]()
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "hotline").rglob("*.py"))
    if "versions" not in path.parts
}
ALL = "\n".join(SOURCES.values())
FACTS = {"facts", "_facts"}


def test_the_page_says_what_schema_and_code_say() -> None:
    command = [sys.executable, ROOT / "scripts" / "data-map", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_column_nobody_described_is_named_with_a_hint() -> None:
    """And one that is gone, and one in words the page does not explain."""
    tables = {**MAP["schemas"]()}
    assert list(MAP["problems"](TOLD, tables)) == []
    fresh = Table("tips", MetaData(), Column("telephone", Integer, primary_key=True))
    tables["line"] = {**tables["line"], "tips": fresh}
    wrong = list(MAP["problems"](TOLD, tables))
    assert f"column tips.telephone: {MAP['HINT']}" in wrong
    assert "column tips.queue is no more" in wrong
    lonely = {name: table for name, table in MAP["schemas"]()["line"].items() if name != "seen"}
    assert list(MAP["problems"](TOLD, {"line": lonely})) == ["table seen (line) is no more"]
    said = {
        "what": "x",
        "stays": "x",
        "ends": "",
        "columns": {"id": ["sealed", "x", "no sentence"]},
    }
    assert len(list(MAP["of_table"]("tips", said, ["id"]))) == 4


def test_no_figure_is_kept_for_nothing() -> None:
    text = MAP["KEPT"].read_text(encoding="utf-8") + MAP["HEAD"]
    assert set(re.findall(r"(?<!\{)\{(\w+)\}", text)) - {"terms"} == MAP["figures"]().keys()


def test_every_key_of_redis_is_described() -> None:
    used = {f"hotline:{name}" for name in re.findall(r'"hotline:(\w+)', ALL)}
    told = {name.removesuffix(":…") for name in TOLD["redis"]}
    assert told == used | {"rq"}


def test_every_field_of_the_log_is_described() -> None:
    assert TOLD["log"].keys() == ALLOWED | _INTERNAL_ONLY | {"at", "event"}


def test_every_cookie_is_described() -> None:
    named = re.findall(r'cookie = "([\w-]+)" if .*? else "(\w+)"', ALL)
    assert sorted(named) == sorted((one[0], one[1]) for one in TOLD["cookies"].values())
    assert ALL.count(".set_cookie(") == len(named), "each sets one of these"


def test_every_file_of_a_home_is_described(
    public_line: PublicLine, staff_line: StaffLine, founded_home: Path
) -> None:
    """Of a home as it was founded, and of one that has worked for a day."""
    staff_line.once.mark("a message", b"answer")
    sequence_and_sign(staff_line)
    homes = (founded_home, staff_line.settings.home)
    found = {
        file.relative_to(home).as_posix()
        for home in homes
        for file in home.rglob("*")
        if file.is_file()
    }
    assert len(found) > 12
    unknown = {f for f in found if not any(fnmatch.fnmatch(f, p) for p in TOLD["files"])}
    assert unknown == set(), "describe it under [files] of hotline/store/kept.toml"


@pytest.mark.parametrize("pattern", TOLD["files"])
def test_no_file_is_described_that_nothing_writes(pattern: str) -> None:
    """Its name, or that of its folder, stands in the code."""
    folder, _, name = pattern.rpartition("/")
    word = name.replace("*", "").removesuffix(".key") or folder.rpartition("/")[2]
    assert re.search(rf'["/]{re.escape(word)}', ALL), word


def facts(module: ModuleType, tree: ast.AST) -> Iterator[str]:
    """Names of facts that a module reads or writes, as far as they are constants of it."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        on, name = node.func.value, node.args[0]
        asked = on.attr if isinstance(on, ast.Attribute) else getattr(on, "id", "")
        made = isinstance(on, ast.Call) and getattr(on.func, "id", "") == "Facts"
        if node.func.attr in ("get", "swap") and (asked in FACTS or made):
            value = None
            if isinstance(name, ast.Name):
                value = getattr(module, name.id, None)
            elif isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
                value = getattr(getattr(module, name.value.id, None), name.attr, None)
            if isinstance(value, str):
                yield value


def test_every_fact_of_the_line_is_described(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    used = set()
    for path, text in SOURCES.items():
        if "Facts" in text:
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            used |= set(facts(importlib.import_module(dotted), ast.parse(text)))
    assert len(used) > 8
    with staff_line.database.read() as connection:
        used |= set(connection.execute(select(Meta.name)).scalars())
    told = {name for name in TOLD["facts"] if not name.endswith("…")}
    assert {name for name in used if not name.startswith("lease:")} <= told
    assert {name for name in told if f'"{name}"' not in ALL} == set()
