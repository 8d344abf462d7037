"""Tables: rule files read with their line numbers, so that an error names file and line.

TOML has no notion of lines once parsed; a second, naive look at the text finds where each block
and key began. Problems are collected, never thrown one by one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Any

from hotline.errors import HotlineError

_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*[\"']?([A-Za-z0-9_.-]+)[\"']?\s*=")
_LONG = re.compile(r'"""|\'\'\'')
_LIKE, _LIKE_SHORT = 0.6, 0.5  # likeness from which a name may be a slip of another
_FEW = 12  # names that a hint still lists
_KINDS: dict[type, tuple[str, str]] = {
    str: ("text in quotes", 'Write {key} = "…".'),
    bool: ("true or false", "Write true or false, without quotes."),
    int: ("a whole number", "Write the digits, without quotes."),
    date: ("a date such as 2026-11-30", "Write year-month-day, without quotes and hour."),
    list: ("a list of texts in quotes", 'Write {key} = ["…", "…"].'),
    dict: ("a table", 'Write {key} = {{ urgency = ["now"] }}, or as this key needs it.'),
}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a rule file, and what the clerk should do about it:
    ``rules.toml:14: no agency is called pcerjj``, ``Did you mean "pcerj"?``. ``cell`` is the key
    inside ``when`` or ``then``, where one is to blame: a spreadsheet's column."""

    file: str
    line: int
    sentence: str
    hint: str
    cell: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}\n  hint: {self.hint}"


class RuleFileProblem(HotlineError):
    """The profile or its rules cannot be trusted with a tip; ``problems`` says all of why."""

    code = "rule_file"
    message = "The rule files of this jurisdiction have a problem."
    hint = "Correct the lines named, then run `hotline rules check`."

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        listed = "\n".join(str(problem) for problem in self.problems)
        super().__init__(f"The rule files of this jurisdiction cannot be used:\n{listed}")


def nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    """A hint for a name nobody knows: the known one it may be a slip of, else ``otherwise``, with
    all that are known where they are few."""
    names = sorted({name for name in known if name})
    folded = {name.casefold(): name for name in names}
    slip = word.casefold()
    close = get_close_matches(slip, folded, 2, _LIKE if len(slip) > 3 else _LIKE_SHORT)
    if close:
        alike = [SequenceMatcher(None, name, slip).ratio() for name in close]
        best = [name for name, ratio in zip(close, alike, strict=True) if ratio == alike[0]]
        names = [f'"{folded[name]}"' for name in sorted(best)]
        return f"Did you mean {' or '.join(names)}?"
    return f"{otherwise} Known are: {', '.join(names)}." if 0 < len(names) <= _FEW else otherwise


@dataclass(slots=True)
class Entry:
    """One ``[[block]]``. Every look-up marks its key as known; ``close`` reports the others."""

    file: str
    line: int
    values: dict[str, Any]
    problems: list[Problem]
    lines: dict[str, int] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def problem(self, sentence: str, hint: str, key: str = "") -> None:
        """``key`` may name a key of an inner table: ``when.place``."""
        outer, _, cell = key.partition(".")
        line = self.lines.get(key, self.lines.get(outer, self.line))
        self.problems.append(Problem(self.file, line, sentence, hint, cell))

    def _get(self, key: str, kind: type) -> Any:
        """None when it is not there or, which is a problem, of another kind."""
        self.asked.add(key)
        value = self.values.get(key)
        if value is not None and type(value) is not kind:
            what, hint = _KINDS[kind]
            self.problem(f"{key} must be {what}", hint.format(key=key), key)
            return None
        return value

    def _missing(self, key: str) -> None:
        if key not in self.values:
            self.problem(f"{key} is missing", f"Add a line that begins with {key} = to this block.")

    def text(self, key: str, *, required: bool = True) -> str:
        value: str | None = self._get(key, str)
        if value is None:
            if required:
                self._missing(key)
            return ""
        if not value.strip():
            self.problem(f"{key} is empty", "Write it between the quotes.", key)
            return ""
        if value != value.strip():
            self.problem(f"{key} begins or ends with a space", "Take the space out.", key)
        return value.strip()

    def flag(self, key: str, *, default: bool = False) -> bool:
        value: bool | None = self._get(key, bool)
        return default if value is None else value

    def number(self, key: str, default: int) -> int:
        value: int | None = self._get(key, int)
        return default if value is None else value

    def day(self, key: str, *, required: bool = False) -> date | None:
        value: date | None = self._get(key, date)
        if required:
            self._missing(key)
        return value

    def days(self, key: str) -> tuple[date, ...]:
        """The dates of a list; nothing when it is not there."""
        value: list[Any] = self._get(key, list) or []
        if any(type(one) is not date for one in value):
            hint = f"Write {key} = [2026-12-25, 2027-01-01], without quotes and hours."
            self.problem(f"{key} must be a list of dates", hint, key)
            return ()
        for one in sorted({one for one in value if value.count(one) > 1}):
            self.problem(f"{one} stands twice in {key}", "Delete one, or correct it.", key)
        return tuple(dict.fromkeys(value))

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        value: list[Any] | None = self._get(key, list)
        if value is None:
            if required:
                self._missing(key)
            return ()
        return self.listed(key, value, key)

    def listed(
        self, key: str, value: object, place: str, *, empty: bool = False
    ) -> tuple[str, ...]:
        """The texts of a list that stands under ``key``, by its full name ``place``."""
        what, hint = _KINDS[list]
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            self.problem(f"{key} must be {what}", hint.format(key=key), place)
            return ()
        if not value and not empty:
            self.problem(f"{key} is an empty list", f"Name at least one, or delete {key}.", place)
        for one in sorted({one for one in value if value.count(one) > 1}):
            self.problem(f"{one} stands twice in {key}", "Delete one, or correct it.", place)
        return tuple(dict.fromkeys(value))

    def table(self, key: str) -> dict[str, Any]:
        return dict(self._get(key, dict) or {})

    def close(self) -> None:
        for key in sorted(self.values.keys() - self.asked):
            hint = nearest(key, self.asked, "Delete it.")
            self.problem(f"nothing here is called {key}", hint, key)


@dataclass(slots=True)
class Document:
    """One TOML file. ``top`` holds what stands before the first block; ``broken`` that nothing of
    it could be read."""

    file: str
    data: dict[str, Any]
    problems: list[Problem]
    top: Entry
    blocks: dict[str, list[tuple[int, dict[str, int]]]]
    broken: bool

    @classmethod
    def read(cls, path: Path, problems: list[Problem]) -> Document:
        """Never raises: a file that is missing or no TOML is a problem and reads as empty. Windows
        line ends and a byte order mark, as spreadsheets and Notepad write them, are fine."""
        text, data, wrong = "", dict[str, Any](), None
        try:
            raw = path.read_bytes()
            text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
            data = tomllib.loads(text)
            if not data:
                wrong = 1, "this file is empty", "Copy it from a built-in profile, then edit it."
        except OSError:
            wrong = 1, "this file is missing", "Copy it from a built-in profile, then edit it."
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            wrong = line, "this is not UTF-8", "Save the file again as UTF-8 text."
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            # tomllib ends its sentence with the place: "... (at line 3, column 5)"
            found = re.search(r"line (\d+)", str(error))
            line = int(found[1]) if found else max(text.rstrip().count("\n") + 1, 1)
            hint = "Look here and one line above for a quote, bracket, comma or = too few or many."
            wrong = line, "this is not TOML", hint
        if wrong is not None:
            problems.append(Problem(path.name, *wrong))
            data = {}
        head, blocks = _lines(text)
        top = Entry(path.name, 1, {}, problems, head)
        top.values = {k: v for k, v in data.items() if not _is_block(v)}
        return cls(path.name, data, problems, top, blocks, wrong is not None)

    def entries(self, header: str) -> Iterator[Entry]:
        """Every ``[[header]]`` (or the one ``[header]``) in the order of the file."""
        value: Any = self.data
        for part in header.split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        values = [value] if isinstance(value, dict) and value else value
        places = self.blocks.get(header, [])
        blocks = [one for one in values if isinstance(one, dict)] if _is_block(values) else []
        for at, one in enumerate(blocks):
            line, lines = places[at] if at < len(places) else (1, {})
            yield Entry(self.file, line, dict(one), self.problems, lines)

    def check_headers(self, known: frozenset[str]) -> None:
        """Reports blocks and lines before the first block that no such file has."""
        for header in sorted(self.blocks.keys() - known):
            hint = nearest(header, known, "Delete this block.")
            line = self.blocks[header][0][0]
            self.problems.append(Problem(self.file, line, f"no block is called {header}", hint))
        self.top.close()


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def _lines(text: str) -> tuple[dict[str, int], dict[str, list[tuple[int, dict[str, int]]]]]:
    head: dict[str, int] = {}
    blocks: dict[str, list[tuple[int, dict[str, int]]]] = {}
    current, inside = head, False
    for number, line in enumerate(text.split("\n"), 1):
        if inside := inside ^ (len(_LONG.findall(line)) % 2 == 1):
            continue
        if found := _HEADER.match(line):
            current = {}
            header = re.sub(r"[\"' ]", "", found[1])
            blocks.setdefault(header, []).append((number, current))
        elif found := _KEY.match(line):
            current.setdefault(found[1], number)
    return head, blocks
