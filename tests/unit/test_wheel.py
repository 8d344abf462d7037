"""Wheel: two builds are the same bytes, nothing is missing, and what is in it runs alone."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

PATIENCE = 90  # seconds
ROOT = Path(__file__).resolve().parents[2]
PARTS = ("hotline", "translations", "pyproject.toml", "README.md", "LICENSE", ".gitignore")


def build(place: Path, mask: int, second: int) -> Path:
    """The wheel of a copy of this tree; every file of it with that mask and that time."""
    tree = place / "tree"
    tree.mkdir(parents=True)
    for name in PARTS:
        if (ROOT / name).is_dir():
            unborn = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / name, tree / name, ignore=unborn)
        else:
            shutil.copy(ROOT / name, tree)
    for path in tree.rglob("*"):
        os.utime(path, (second, second))
        path.chmod(path.stat().st_mode & ~mask)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = place.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"), 0, 1_700_000_000)


def test_two_builds_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    other = build(tmp_path / "other", 0o077, 1_000_000_000)
    assert other.name == wheel.name
    one, two = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (wheel, other))
    assert one == two


def test_every_file_of_the_program_is_in_it_and_nothing_else(wheel: Path) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "hotline").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    catalogues = (path for path in (ROOT / "translations").rglob("*") if path.is_file())
    wanted |= {f"hotline/{path.relative_to(ROOT)}" for path in catalogues}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == wanted
    assert {name.split(".")[-1] for name in found} >= {"html", "css", "js", "po", "toml", "csv"}


@pytest.fixture
def line(wheel: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a demonstration that runs from the unpacked wheel, far from the checkout."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "home"
    elsewhere.mkdir()
    # The project is installed in place for the tests: its own tree must not be found first.
    start = (
        "import hotline, sys; from hotline.cli import main;"
        f"assert hotline.__file__.startswith({str(tmp_path)!r}), hotline.__file__; main()"
    )
    ports = [f"--{name}-port=0" for name in ("public", "console", "analyst")]
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "HOTLINE_HOME": str(home)}
    said = tmp_path / "said"
    with said.open("w") as out:
        demo = subprocess.Popen(
            [sys.executable, "-c", start, "demo", *ports],
            cwd=elsewhere,
            env=environ | {"PYTHONPATH": str(tmp_path / "installed")},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"answers at (\S+)/ after", said.read_text())):
            assert demo.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        yield found[1]
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=PATIENCE)


def test_it_runs_a_line_that_speaks_five_languages_and_answers(line: str) -> None:
    def first_page(language: str) -> str:
        return requests.get(line, headers={"Accept-Language": language}, timeout=PATIENCE).text

    assert len({first_page(language) for language in ("pt-BR", "es", "en", "fr", "ht")}) == 5
    told = {"description": "They sell drugs at the square of Niterói at night."}
    taken = requests.post(line + "/api/v1/tips", json=told, timeout=PATIENCE)
    assert taken.status_code == 201
    asked = {"receipt": taken.json()["receipt"]}
    status = requests.post(line + "/api/v1/follow-ups", json=asked, timeout=PATIENCE)
    assert status.json()["status"] == "waiting"
