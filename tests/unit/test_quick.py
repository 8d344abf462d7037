"""Quick: what it reads is what ``tomllib`` reads, whatever stands between the lists."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import hotline
from hotline.routing import quick

SHIPPED = sorted(Path(hotline.__file__).parent.rglob("*.toml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_shipped_table_is_read_alike(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert quick.loads(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        'a = ["x", "y",]\nb = [ "z" ]\n[c]\nd = [["x", "y"], ["z"]]',
        '# ["in", "a comment"]\na = ["x"]',
        'a = \'within ["a"] a text\'\nb = ["x"]',
        "a = '[\"all of it\"]'",
        'a = """\n["in", "lines"]\n"""',
        'a = ["\\u001A0", "x"]\nb = ["y"]',
        'a = "\\u001A0"\nb = ["y"]',
        'a = [\n  "x", # why\n  "y",\n]',
        "a = [1, 2]\nb = []",
        '"[\\"k\\"]" = ["x"]',
        '"k" = ["x"]\n\'["k"]\' = 1',
    ],
)
def test_lists_that_are_none_stay_what_they_are(text: str) -> None:
    assert quick.loads(text) == tomllib.loads(text)


def test_what_is_wrong_is_said_of_the_text_that_was_given() -> None:
    text = 'a = ["x",\n"y"]\nb = ["x"] oops\n'
    with pytest.raises(tomllib.TOMLDecodeError) as told:
        tomllib.loads(text)
    with pytest.raises(tomllib.TOMLDecodeError) as ours:
        quick.loads(text)
    assert str(ours.value) == str(told.value)
