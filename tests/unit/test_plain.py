"""Passphrases that anybody would try first are refused, in the console and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hotline.cli import root
from hotline.settings import NAMES
from hotline.triage.invitations import check_passphrase
from hotline.triage.plain import CONTEXT, TooPlain, check_plain

PLAIN = [
    "passwordpassword",
    "123456789012345",
    "qwertyuiopasdfghjkl",
    "abcdefghijklmnopqrst",
    "0987654321 qwerty",
    "hotline hotline 2026",
    "Disque-Denúncia 2026!",
    "operador operador 1",
    "Administrator12345",
    "senha senha senha",
    "abc" * 9,
    "a" * 40,
    "               ",
]
SOUND = [
    "quatro telhas azuis no mar",
    "four quiet rivers bend",
    "only for the demo",
    "Ça va mieux là-bas",
    "senha: tucano roxo dormindo",
    "kizjwqypvtrbmxne",
]


@pytest.mark.parametrize("words", PLAIN)
def test_what_everybody_would_try_is_refused(words: str) -> None:
    with pytest.raises(TooPlain):
        check_plain(words)
    with pytest.raises(TooPlain):
        check_passphrase(words, words)


@pytest.mark.parametrize("words", SOUND)
def test_words_that_nobody_expects_together_are_taken(words: str) -> None:
    check_passphrase(words, words)


def test_the_command_line_refuses_them_too(tmp_path: Path) -> None:
    clean: dict[str, str | None] = dict.fromkeys([*NAMES, *(n + "_FILE" for n in NAMES)])
    run = CliRunner(env=clean | {"HOTLINE_HOME": str(tmp_path / "home")})
    asked = ["init", "--officer", "ana", "--officer", "bia"]
    answer = run.invoke(root, asked, input="passwordpassword\nquatro telhas azuis no mar\n")
    assert isinstance(answer.exception, TooPlain)
    assert not (tmp_path / "home" / "staff" / "directory.key").exists()


def test_the_list_is_told_to_members() -> None:
    page = (Path(__file__).parents[2] / "docs" / "people.md").read_text()
    assert "hotline/triage/plain.py" in page
    assert len(set(CONTEXT)) == len(CONTEXT)
    assert all(word.isascii() and word.isalpha() and word.islower() for word in CONTEXT)
