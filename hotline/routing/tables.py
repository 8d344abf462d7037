"""Tables: rule files read with their line numbers, so that an error names file and line.

TOML has no notion of lines once parsed; a second, naive look at the text finds where each block
and key began. Problems are collected, never thrown one by one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from hotline.errors import HotlineError

_HEADER = re.compile(r"\[\[?([A-Za-z0-9_.-]+)\]")
_KEY = re.compile(r"([A-Za-z0-9_.-]+)\s*=")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a rule file: ``rules.toml:14: no agency is called pcerjj``. ``cell`` is
    the key inside ``when`` or ``then``, where one is to blame: a spreadsheet's column."""

    file: str
    line: int
    sentence: str
    cell: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


class RuleFileProblem(HotlineError):
    """The profile or its rules cannot be trusted with a tip; ``problems`` says all of why."""

    code = "rule_file"
    message = "The rule files of this jurisdiction have a problem."
    hint = "Correct the lines named, then run `hotline rules check`."

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        listed = "\n".join(str(problem) for problem in problems)
        super().__init__(f"The rule files of this jurisdiction cannot be used:\n{listed}")


@dataclass(slots=True)
class Entry:
    """One ``[[block]]``. Every look-up marks its key as known; ``close`` reports the others."""

    file: str
    line: int
    values: dict[str, Any]
    problems: list[Problem]
    lines: dict[str, int] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def problem(self, sentence: str, key: str = "") -> None:
        """``key`` may name a key of an inner table: ``when.place``."""
        outer, _, cell = key.partition(".")
        line = self.lines.get(key, self.lines.get(outer, self.line))
        self.problems.append(Problem(self.file, line, sentence, cell))

    def _get(self, key: str, kind: type, what: str, default: Any) -> Any:
        self.asked.add(key)
        value = self.values.get(key, default)
        if value is not default and type(value) is not kind:
            self.problem(f"{key} must be {what}", key)
            return default
        return value

    def text(self, key: str, *, required: bool = True) -> str:
        value: str = self._get(key, str, "text in quotes", "")
        if required and not value:
            self.problem(f"{key} is missing")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        return bool(self._get(key, bool, "true or false", default))

    def number(self, key: str, default: int) -> int:
        return int(self._get(key, int, "a whole number", default))

    def day(self, key: str) -> date | None:
        value: date | None = self._get(key, date, "a date such as 2026-11-30", None)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._get(key, list, "a list", [])
        if not all(isinstance(item, str) and item for item in value):
            self.problem(f"{key} must be a list of texts in quotes", key)
            return ()
        return tuple(value)

    def table(self, key: str) -> dict[str, Any]:
        return dict(self._get(key, dict, "a table such as { urgency = ['now'] }", {}))

    def close(self) -> None:
        for key in sorted(self.values.keys() - self.asked):
            self.problem(f"nothing here is called {key}", key)


@dataclass(slots=True)
class Document:
    """One TOML file. ``top`` holds what stands before the first block."""

    file: str
    data: dict[str, Any]
    problems: list[Problem]
    top: Entry
    blocks: dict[str, list[tuple[int, dict[str, int]]]]

    @classmethod
    def read(cls, path: Path, problems: list[Problem]) -> Document:
        """Never raises: a file that is missing or no TOML is a problem and reads as empty."""
        text, data = "", dict[str, Any]()
        try:
            text = path.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except OSError:
            problems.append(Problem(path.name, 1, "this file is missing"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            # tomllib ends its sentence with the place: "... (at line 3, column 5)"
            found = re.search(r"line (\d+)", str(error))
            problems.append(Problem(path.name, int(found[1]) if found else 1, "this is not TOML"))
        head, blocks = _lines(text)
        top = Entry(path.name, 1, {}, problems, head)
        top.values = {k: v for k, v in data.items() if not _is_block(v)}
        return cls(path.name, data, problems, top, blocks)

    def entries(self, header: str) -> Iterator[Entry]:
        """Every ``[[header]]`` (or the one ``[header]``) in the order of the file."""
        value: Any = self.data
        for part in header.split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        values = [value] if isinstance(value, dict) and value else value or []
        places = self.blocks.get(header, [])
        for at, one in enumerate(values):
            line, lines = places[at] if at < len(places) else (1, {})
            yield Entry(self.file, line, dict(one), self.problems, lines)

    def check_headers(self, known: frozenset[str]) -> None:
        for header in self.blocks.keys() - known:
            line = self.blocks[header][0][0]
            self.problems.append(Problem(self.file, line, f"no block is called {header}"))


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def _lines(text: str) -> tuple[dict[str, int], dict[str, list[tuple[int, dict[str, int]]]]]:
    head: dict[str, int] = {}
    blocks: dict[str, list[tuple[int, dict[str, int]]]] = {}
    current = head
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HEADER.match(line):
            current = {}
            blocks.setdefault(found[1], []).append((number, current))
        elif found := _KEY.match(line):
            current.setdefault(found[1], number)
    return head, blocks
