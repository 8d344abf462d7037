"""Planted mistakes: each is refused by file and line, with a hint, and nothing else is said.

The catalogue is data/planted_mistakes.toml; its first lines say what its keys mean.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hotline import assembly
from hotline.cli import root
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile, built_ins, find
from hotline.routing.route import Router
from hotline.routing.tables import Problem, RuleFileProblem

CATALOGUE = Path(__file__).parent / "data" / "planted_mistakes.toml"
DAMAGES = 40  # values replaced by odd ones, a profile
ODD = (
    *("1", "-1", "true", "[]", "{}", '""', '" "', '"x"', '["x"]', "[1]", "[[]]", '[["x"]]', "1.5"),
    *("nan", "2026-01-01", "2026-01-01T00:00:00Z", "{ x = 1 }", "{ x = [] }", '[{ x = "y" }]'),
    *('"{key}"', '"@"', '"@x:y"', '":"', '["@:"]', "'''x'''", "99999999999999999999"),
)
MISTAKES: list[dict[str, Any]] = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["mistake"]


@pytest.fixture(scope="module")
def types() -> Types:
    return Types.load()


@pytest.fixture(scope="module")
def places() -> Places:
    return places_of("BR")


@cache
def places_of(country: str) -> Places:
    return Places.load(country)


def planted(mistake: dict[str, Any], folder: Path) -> Path:
    shutil.copytree(find(mistake.get("profile", "br-rj")), folder)
    path = folder / mistake["file"]
    if "new" not in mistake:
        path.unlink()
        return folder
    text, new = path.read_text(encoding="utf-8"), mistake["new"]
    if "old" in mistake:
        assert mistake["old"] in text, "this profile no longer holds the text to be replaced"
        text = text.replace(mistake["old"], new, 1)
    else:
        text = new if mistake.get("all") else f"{text}\n{new}"
    path.write_text(text, encoding=mistake.get("encoding", "utf-8"))
    if "also" in mistake:
        old, new, file = mistake["also"]
        text = (folder / file).read_text(encoding="utf-8")
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def expected(mistake: dict[str, Any], folder: Path) -> tuple[str, int]:
    """The file and the line: of the ``nth`` text ``at`` (after a text ``after``), or of the last
    line before it that holds ``before``."""
    file = mistake.get("in", mistake["file"])
    at = mistake.get("at", mistake.get("new", "").partition("\n")[0])
    if not at or "line" in mistake or not (folder / file).is_file():
        return file, mistake.get("line", 1)
    encoding = mistake.get("encoding", "utf-8")
    lines = (folder / file).read_text(encoding=encoding).split("\n")
    start = next((n for n, x in enumerate(lines) if mistake.get("after", "") in x), 0)
    found = [n for n, x in enumerate(lines) if at in x and n >= start]
    line = found[mistake.get("nth", 1) - 1]
    if "before" in mistake:
        line = max(n for n in range(line + 1) if mistake["before"] in lines[n])
    return file, line + 1


def refused(folder: Path, types: Types, places: Places) -> tuple[Problem, ...]:
    with pytest.raises(RuleFileProblem) as caught:
        Router.load(Profile.load(folder), types, places)
    for problem in caught.value.problems:
        assert str(problem) in caught.value.message
    return caught.value.problems


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one["name"] for one in MISTAKES])
def test_a_planted_mistake_is_refused_with_its_line_and_a_hint(
    mistake: dict[str, Any],
    tmp_path: Path,
    types: Types,
    places: Places,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = planted(mistake, tmp_path / "profile")
    problems = refused(folder, types, places)
    file, line = expected(mistake, folder)
    (found,) = [p for p in problems if mistake["sentence"] in p.sentence and p.line == line]
    assert found.file == file
    assert mistake["hint"] in found.hint
    assert len(problems) == mistake.get("count", 1), problems
    assert all(p.hint.endswith((".", "?")) and p.sentence for p in problems)
    assert list(problems) == sorted(problems)

    monkeypatch.setattr(assembly.Types, "load", lambda: types)
    monkeypatch.setattr(assembly.Places, "load", lambda country: places)
    told = CliRunner().invoke(root, ["rules", "check", str(folder)])
    assert told.exit_code == 1
    assert f"{file}:{line}: {found.sentence}\n  hint: {found.hint}\n" in told.output


def test_the_catalogue_covers_every_file_of_a_profile() -> None:
    assert len(MISTAKES) >= 100
    assert len({one["name"] for one in MISTAKES}) == len(MISTAKES)
    files = {path.name for name in built_ins() for path in find(name).glob("*.toml")}
    assert {one["file"] for one in MISTAKES} == files


def test_the_command_itself_refuses_and_says_sound(tmp_path: Path) -> None:
    mistake = next(one for one in MISTAKES if one["name"] == "an unknown agency")
    folder = planted(mistake, tmp_path / "profile")
    check = [sys.executable, "-m", "hotline.cli", "rules", "check"]
    told = subprocess.run([*check, str(folder)], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    file, line = expected(mistake, folder)
    head = f'{file}:{line}: no agency is called mp-eleitoal\n  hint: Did you mean "mp-eleitoral"?\n'
    assert told.stdout.startswith(head)
    assert told.stdout.endswith(": 1 problem\n") and not told.stderr
    told = subprocess.run(
        [*check, str(folder), "--json"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    proof = json.loads(told.stdout)
    assert proof["problems"] == [
        {
            "file": file,
            "line": line,
            "sentence": "no agency is called mp-eleitoal",
            "hint": 'Did you mean "mp-eleitoral"?',
            "cell": "lead",
        }
    ]
    assert proof["profile"] == str(folder)
    assert 0 < len(proof["unconfirmed"]) < proof["inboxes"]
    (folder / "queues.toml").unlink()
    told = subprocess.run(
        [*check, str(folder), "--json"], capture_output=True, text=True, check=False
    )
    proof = json.loads(told.stdout)
    assert [problem["file"] for problem in proof["problems"]] == ["queues.toml"]
    assert proof["inboxes"] is None and proof["unconfirmed"] is None
    sound = subprocess.run([*check, "br"], capture_output=True, text=True, check=False)
    assert (sound.returncode, sound.stdout) == (0, "br: sound\n")


@pytest.mark.parametrize("name", built_ins())
def test_files_saved_on_windows_are_read_as_any_other(
    name: str, tmp_path: Path, types: Types
) -> None:
    folder, places = tmp_path / name, places_of(Profile.load(name).country)
    shutil.copytree(find(name), folder)
    for path in folder.glob("*.toml"):
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    profile = Profile.load(folder)
    assert Router.load(profile, types, places).check() == []
    assert profile.lines == Profile.load(name).lines
    rules = folder / "rules.toml"
    rules.write_bytes(rules.read_bytes().replace(b'urgency = ["soon"]', b'urgency = ["sooon"]'))
    (problem,) = refused(folder, types, places)
    lines = rules.read_text(encoding="utf-8-sig").split("\n")
    assert "sooon" in lines[problem.line - 1]


@pytest.mark.parametrize("name", built_ins())
def test_a_file_damaged_anywhere_is_read_or_refused_never_a_crash(
    name: str, tmp_path: Path, types: Types
) -> None:
    folder, chance = tmp_path / name, random.Random(f"damage to {name}")
    places = places_of(Profile.load(name).country)
    shutil.copytree(find(name), folder)
    files = sorted(path for path in folder.glob("*.toml") if path.name != "municipalities.toml")
    refusals = 0
    for _ in range(DAMAGES):
        path = chance.choice(files)
        kept = path.read_text(encoding="utf-8")
        lines = kept.split("\n")
        at = chance.choice([n for n, line in enumerate(lines) if line and not line.startswith("#")])
        key, equals, _ = lines[at].partition(" = ")
        value = chance.choice(ODD) if equals else chance.choice(("", "[x]", "[[x]]", "x = 1"))
        lines[at] = f"{key} = {value}" if equals else value
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            Router.load(Profile.load(folder), types, places)
        except RuleFileProblem as refusal:
            refusals += 1
            assert all(p.sentence and p.hint and p.line >= 1 for p in refusal.problems)
        path.write_text(kept, encoding="utf-8")
    assert refusals > DAMAGES * 0.7
