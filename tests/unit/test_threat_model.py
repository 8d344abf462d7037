"""The threat model is that of this code: each proof and each room it names is there, and no test of
a promise goes unnamed."""

from __future__ import annotations

import re

import pytest

from tests.pages import ROOT, functions_in, ticked

PAGE = (ROOT / "docs" / "threat-model.md").read_text()
PROMISES = 12
_PROMISE = re.compile(r"^### (\d+)\. .+?$(.*?)(?=^##)", re.M | re.S)
_PROOF = re.compile(r"^- \*\*proof\*\* `([^`]+)`: (.+)$", re.M)
_CODE = re.compile(r"^- \*\*code\*\* (.+)$", re.M)
SECTIONS = {int(number): body for number, body in _PROMISE.findall(PAGE)}


def test_all_promises_are_there() -> None:
    assert list(SECTIONS) == list(range(1, PROMISES + 1))


@pytest.mark.parametrize("number", SECTIONS)
def test_a_promise_names_proofs_and_code_that_exist(number: int) -> None:
    proofs, rooms = _PROOF.findall(SECTIONS[number]), _CODE.findall(SECTIONS[number])
    assert any(path.startswith("tests/promises/test_") for path, _ in proofs) and len(rooms) == 1
    for path, names in proofs:
        assert (ROOT / path).is_file(), path
        assert ticked(names), path
        assert set(ticked(names)) <= functions_in(path), path
    for room in ticked(rooms[0]):
        assert room.startswith("hotline/") and (ROOT / room).is_file(), room


def test_each_line_of_a_promise_is_read() -> None:
    """A proof in another form would be believed and never looked at."""
    for number, body in SECTIONS.items():
        lines = [line for line in body.splitlines() if line.startswith("- ")]
        assert len(lines) == len(_PROOF.findall(body)) + len(_CODE.findall(body)), number


def test_no_test_of_a_promise_goes_unnamed() -> None:
    named = {path for body in SECTIONS.values() for path, _ in _PROOF.findall(body)}
    files = {f"tests/promises/{path.name}" for path in (ROOT / "tests/promises").glob("test_*.py")}
    assert files and files <= named, files - named


def test_whatever_else_the_page_names_is_there() -> None:
    for path in re.findall(r"`((?:hotline|scripts|tests|docs)/[\w./-]+)`", PAGE):
        assert (ROOT / path).exists(), path


def test_the_check_sees_what_is_not_there() -> None:
    assert "test_nothing_of_the_kind" not in functions_in("tests/unit/test_threat_model.py")
    assert "test_all_promises_are_there" in functions_in("tests/unit/test_threat_model.py")
