"""The repository keeps its own rules: layout, locks, first lines, layers, no machine's traces."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "compose.yaml",
    "docs",
    "hotline",
    "pyproject.toml",
    "requirements-test.lock",
    "requirements.lock",
    "scripts",
    "tests",
    "translations",
}
LOCKS = ["requirements.lock", "requirements-test.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IGNORED = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split())]

# Written apart, so that this file does not find itself.
MACHINE_PATH = re.compile(rb"(?<![\w.~/-])/(?:" + b"|".join([b"work", b"root", b"tmp"]) + rb")/\w")
HOME_PATH = re.compile(rb"/(?:home|Users)" + rb"/[a-z]\w*/")
REGISTRY = re.compile(rb"pypi" + rb"\.org|files\.python" + rb"hosted\.org|find" + rb"-links\s*=")


def is_ours(name: str) -> bool:
    return not any(fnmatch.fnmatch(name, pattern) for pattern in IGNORED)


def files() -> Iterator[Path]:
    """Every file that a commit would hold; without git, so that an archive passes as well."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = filter(is_ours, folders)
        yield from (Path(folder, name) for name in names if is_ours(name))


def modules() -> dict[str, Path]:
    """Dotted name → path, packages by their own name."""
    found = {}
    for path in files():
        relative = path.relative_to(ROOT)
        if path.suffix == ".py" and relative.parts[0] == "hotline":
            parts = relative.with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


def requirements(lock: str) -> dict[str, list[str]]:
    """Requirement line (name, version, marker) → its hashes."""
    found: dict[str, list[str]] = {}
    entry: list[str] = []
    for line in (ROOT / lock).read_text().splitlines():
        word = line.strip().removesuffix("\\").strip()
        if line.startswith(" "):
            entry.append(word)
        else:
            entry = found[word] = []
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_top_level_is_exactly_the_design_card() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in files()}
    assert found == TOP_LEVEL


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_names_versions_and_hashes_only(lock: str) -> None:
    entries = requirements(lock)
    assert entries
    for line, hashes in entries.items():
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][\w.!+]*( ; [\w.<>=!' ()]+)?", line), line
        assert hashes, f"{line} has no hash"
        for word in hashes:
            assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word), word


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements.lock", PROJECT["build-system"]["requires"]),
        ("requirements-test.lock", PROJECT["project"]["optional-dependencies"]["test"]),
    ],
)
def test_lock_agrees_with_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    locked = {line.split(" ;")[0] for line in requirements(lock)}
    names = {pin.split("==")[0] for pin in locked}
    for requirement in wanted:
        name, _, version = requirement.partition("==")
        name = canonical(re.split(r"[\[<>=~! ]", name)[0])
        assert name in names, f"{requirement}: run scripts/lock"
        assert not version or f"{name}=={version}" in locked, f"{requirement}: run scripts/lock"


def test_tests_run_on_the_very_packages_that_start_installs() -> None:
    started, tested = (requirements(lock) for lock in LOCKS)
    assert {line: tested.get(line) for line in started} == started


def test_no_file_names_a_machine_a_home_or_a_registry() -> None:
    traces = [
        f"{path.relative_to(ROOT)}: {match[0].decode(errors='replace')}"
        for path in files()
        if b"\0" not in (content := path.read_bytes())
        for pattern in (MACHINE_PATH, HOME_PATH, REGISTRY)
        for match in pattern.finditer(content)
    ]
    assert not traces


def test_every_module_says_in_its_first_line_what_room_it_is() -> None:
    silent = [
        name
        for name, path in modules().items()
        if not (ast.get_docstring(ast.parse(path.read_bytes())) or "").split("\n")[0].strip()
    ]
    assert not silent


def test_every_module_stands_in_a_layer() -> None:
    """A room that no import contract knows could import anything: give it a line in
    pyproject.toml. A package whose rooms stand in several layers holds no code itself."""
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rooms = {room.strip(" ()") for layer in layers for room in re.split("[:|]", layer)}
    for name, path in modules().items():
        parts = name.split(".")
        if {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)} & rooms:
            continue
        body = ast.parse(path.read_bytes()).body
        assert path.name == "__init__.py", f"{name} stands in no layer"
        assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in body), name


@pytest.mark.parametrize(
    "script",
    [
        "scripts/start",
        "scripts/test",
        "scripts/lock",
        "scripts/wheel",
        "scripts/stranger",
        ".ci/run",
    ],
)
def test_scripts_run_and_stop_at_the_first_surprise(script: str) -> None:
    path = ROOT / script
    lines = path.read_text().splitlines()
    assert os.access(path, os.X_OK)
    assert lines[0] == "#!/usr/bin/env bash"
    assert any(line.startswith("set -") and "u" in line for line in lines)


def test_licence_is_the_agpl_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "GNU AFFERO GENERAL PUBLIC LICENSE\n                       Version 3" in text
    assert "13. Remote Network Interaction" in text
    assert "END OF TERMS AND CONDITIONS" in text
