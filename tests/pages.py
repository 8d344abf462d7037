"""Pages of the documentation as tests read them: what they name, link to and tell to type."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import click

from hotline.cli import root

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.M | re.S)
PAGES = (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))


@lru_cache
def functions_in(path: str) -> frozenset[str]:
    """The names of the test functions of a file, which is named from the top."""
    body = ast.parse((ROOT / path).read_text()).body
    names = (node.name for node in body if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in names if name.startswith("test_"))


def ticked(text: str) -> list[str]:
    """What stands in `ticks`."""
    return re.findall(r"`([^`]+)`", text)


def headings(page: Path) -> set[str]:
    """The anchors of a page, as code hosts make them: small letters, no marks, hyphens."""
    text = _BLOCK.sub("", page.read_text())
    found = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def dead_links(page: Path) -> list[str]:
    """Links of a page to a file or a heading that is not there."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in headings(there)):
            dead.append(link)
    return dead


# Blocks that are typed into a terminal: a console's has the answers too.
SHELL = ("", "sh", "console")
OTHERS = ("json", "nginx", "python", "sql", "text", "toml")


@dataclass(frozen=True, slots=True)
class Typed:
    """One command of a page: its words, with the program first and without what is set before it;
    ``sets`` are the names of variables set for it or by it."""

    page: str
    line: str
    words: tuple[str, ...]
    sets: tuple[str, ...] = ()


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of each fenced block, also of those within lists."""
    for indent, language, text in _BLOCK.findall(page.read_text()):
        yield language, re.sub(f"^{indent}", "", text, flags=re.M)


def commands(page: Path) -> Iterator[Typed]:
    """Every command of the page's shell blocks, one for each part of a pipe or a chain."""
    for language, text in blocks(page):
        if language not in SHELL:
            continue
        for line in text.replace("\\\n", " ").splitlines():
            if language == "console" and not line.startswith("$ "):
                continue  # an answer
            yield from _parts(page, line.removeprefix("$ "))


def _parts(page: Path, line: str) -> Iterator[Typed]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
    lexer.whitespace_split = True
    part: list[str] = []
    for word in [*lexer, ";"]:
        if word in (";", "|", "&&", "||"):
            yield from _one(page, line, part)
            part = []
        else:
            part.append(word)


def _one(page: Path, line: str, words: list[str]) -> Iterator[Typed]:
    sets = []
    while words and (found := re.match(r"([A-Z][A-Z_]*)=", words[0])):
        sets.append(found[1])
        words = words[1:]
    for at, word in enumerate(words):
        if word in (">", ">>", "<"):
            words = words[:at] + words[at + 2 :]
            break
    if words and words[0] == "export":
        sets += [word.partition("=")[0] for word in words[1:]]
    if words or sets:
        yield Typed(page.name, line, tuple(words), tuple(sets))


def understood(words: list[str]) -> click.Command:
    """The command of ``hotline`` that these words name, every option taken by its parser. Fails as
    the command line does."""
    context = click.Context(root, info_name="hotline")
    found: click.Command = root
    while isinstance(found, click.Group):
        if not words:
            return found
        # As it is called: a group may read its first word in its own way.
        found.parse_args(context, list(words))
        name, below, words = found.resolve_command(context, left_to(context))
        assert name is not None and below is not None
        found, context = below, click.Context(below, info_name=name, parent=context)
    _, rest, _ = found.make_parser(context).parse_args(list(words))
    assert not rest, words
    return found


def left_to(context: click.Context) -> list[str]:
    """What a group leaves to the command below it."""
    return [*context._protected_args, *context.args]
