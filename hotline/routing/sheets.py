"""Sheets: a rule as a row of a spreadsheet, cell for cell, and back.

A clerk edits spreadsheets. One sheet is one table, one row one rule, in order. A cell is text: an
empty one asks nothing, several values stand with commas between them. What spreadsheets do to
text is undone here; what they could do with it (run it) is prevented here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hotline.errors import HotlineError
from hotline.routing.vocabulary import MEANING

_ACTS = ("crime_type", "group", "kind", "flag")
WHEN = (*_ACTS, "tags", "place", "urgency", "implicated", "held", "threats")
THEN: Mapping[str, tuple[str, ...]] = {
    "priority": ("at_least", "at_most"),
    "review": ("second_reader",),
    "queue": ("queue", "deadline"),
    "destination": ("lead", "copies"),
    "automatic": ("automatic",),
}
ID, NOTE = "id", "note"
NOBODY = "nobody"  # an empty list, which an empty cell could not say
MOST_ROWS, MOST_COLUMNS, LONGEST = 5_000, 100, 32_767  # the last is a spreadsheet's own limit

_LISTED = 50  # problems that a person is shown at once
_TRUTHS = frozenset({"held", "threats", "second_reader", "automatic"})
_MANY = frozenset({*WHEN, "lead", "copies"})
_TRUE = frozenset({"true", "verdadeiro", "verdadero", "vrai"})
_FALSE = frozenset({"false", "falso", "faux"})
_QUOTES = " \t\"'`´“”„‟«»‹›‘’‚‛"
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u3000"), " ") | {0x2028: "\n", 0x2029: "\n"}
_SPACES |= {0xFFFE: "", 0xFFFF: ""}  # no XML may hold them
# What makes a spreadsheet run a text, in any of them; full-width signs count where Japanese does.
_RUNS = "=+@＝＋－＠-"
_GUARDED = re.compile(rf"'+[{_RUNS}]")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule. ``when`` holds tuples of texts or truths, ``then`` what rules.toml holds."""

    id: str
    when: Mapping[str, tuple[Any, ...]]
    then: Mapping[str, Any]
    note: str = ""


Book = Mapping[str, tuple[Line, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Wrong:
    """One thing wrong, as the spreadsheet shows it: ``sheet queue, cell G7, column place``."""

    where: str
    row: int
    column: str
    letter: str
    sentence: str
    hint: str

    def __str__(self) -> str:
        at = f", cell {self.letter}{self.row}" if self.letter else f", row {self.row}"
        column = f", column {self.column}" if self.column else ""
        where = f"{self.where}{at if self.row else ''}{column}"
        return f"{where}: {self.sentence} ({self.hint})"


class SheetProblem(HotlineError):
    """The spreadsheet cannot become rules; ``problems`` says all of why. Nothing was written."""

    code = "rule_sheet"
    message = "The spreadsheet cannot be used."
    hint = "Correct the cells named and import again. Nothing was written."

    def __init__(self, problems: Iterable[Wrong]) -> None:
        self.problems = tuple(sorted(set(problems)))
        listed = [str(problem) for problem in self.problems[:_LISTED]]
        more = len(self.problems) - len(listed)
        listed += [f"and {more:,} more"] if more else []
        super().__init__("\n".join(("The spreadsheet cannot be used:", *listed)))


@dataclass(frozen=True, slots=True)
class Page:
    """A table as it was read: its lines, each with its row in the spreadsheet, and the letter of
    each column."""

    where: str
    lines: tuple[Line, ...]
    rows: tuple[int, ...]
    letters: Mapping[str, str]


def columns(table: str) -> tuple[str, ...]:
    return (ID, *WHEN, *THEN[table], NOTE)


def clean(text: str) -> str:
    """The text without what spreadsheets and keyboards add unseen: other spaces, line ends and
    invisible characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_SPACES)
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return "".join(kept).strip()


def guarded(text: str, runs: str = _RUNS) -> str:
    """The text as no spreadsheet runs it: with an apostrophe before, which ``bare`` removes."""
    first = text.lstrip("'")[:1]
    runs = _RUNS if text.startswith("'") else runs
    return f"'{text}" if first in tuple(runs) else text


def bare(text: str) -> str:
    return text[1:] if _GUARDED.match(text) else text


def cells_of(table: str, line: Line) -> tuple[str, ...]:
    """The row of a line, in the order of ``columns``. Raises SheetProblem when a spreadsheet
    could not hold it and give it back the same."""
    values = {ID: line.id, NOTE: line.note, **line.when, **line.then}
    cells = tuple(_shown(values[c]) if c in values else "" for c in columns(table))
    again: list[str] = []
    read = {c: clean(bare(guarded(text))) for c, text in zip(columns(table), cells, strict=True)}
    back = line_of(table, read, lambda *_: again.append(""))
    if again or back != line or max(map(len, cells)) > LONGEST:
        sentence = f"row {line.id} holds a value that no cell can hold (a comma, a quote, a space)"
        hint = "Change it in rules.toml, then export again."
        raise SheetProblem([Wrong(f"sheet {table}", 0, "", "", sentence, hint)])
    return cells


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, tuple | list):
        return ", ".join(map(_shown, value)) or NOBODY
    return str(value)


Tell = Callable[[str, str], None]


def line_of(table: str, cells: Mapping[str, str], tell: Tell) -> Line:
    """The rule that a row says. Every cell that cannot be understood is told: column, sentence."""
    id = cells.get(ID, "").strip(_QUOTES)
    if not id:
        tell(ID, "the row has no id")
    said = {c: cells[c] for c in (*WHEN, *THEN[table]) if cells.get(c)}
    values = {column: _value(column, text, tell) for column, text in said.items()}
    when = {c: values[c] for c in WHEN if c in values}
    then = {c: values[c] for c in THEN[table] if c in values}
    return Line(id, when, then, cells.get(NOTE, ""))


def _value(column: str, text: str, tell: Tell) -> Any:
    words = [word for part in re.split("[,;\n]", text) if (word := part.strip(_QUOTES))]
    if not words:
        tell(column, "the cell holds no value")
    if column in _TRUTHS:
        truths = tuple(_truth(column, word, tell) for word in words)
    if column in _MANY:
        if column in _TRUTHS:
            return truths
        nobody = column in THEN["destination"] and [w.casefold() for w in words] == [NOBODY]
        return () if nobody else tuple(words)
    if column == "deadline":
        return _minutes(text, tell)
    if len(words) > 1:
        tell(column, "the cell must hold one value")
    if not words:
        return ""
    return truths[0] if column in _TRUTHS else words[0]


def _truth(column: str, word: str, tell: Tell) -> bool:
    if word.casefold() not in _TRUE | _FALSE:
        tell(column, f"{word} is neither TRUE nor FALSE")
    return word.casefold() in _TRUE


def _minutes(text: str, tell: Tell) -> int:
    found = re.fullmatch(r"([0-9]{1,6})(?:[.,]0+)?", text.strip(_QUOTES))
    if not found:
        tell("deadline", "the cell must hold whole minutes")
    return int(found[1]) if found else 0


Grid = Iterable[Sequence[str]]


def page(table: str, where: str, grid: Grid, problems: list[Wrong]) -> Page:
    """Reads the texts of a sheet, row by row. Adds to ``problems`` whatever cannot be understood;
    a text that begins with ``=`` is a formula and refused."""
    sheet = _Sheet(table, where, problems)
    lines, rows = [], []
    for number, texts in enumerate(grid, 1):
        if number > MOST_ROWS + 1 or len(texts) > MOST_COLUMNS:
            sentence = f"more than {MOST_ROWS:,} rows or {MOST_COLUMNS} columns"
            sheet.wrong(number, sentence, "Delete what is empty around the table.")
            break
        cells = sheet.cells(number, texts)
        if not any(cells):
            continue
        if not sheet.names:
            sheet.head(number, cells)
        else:
            lines.append(sheet.line(number, cells))
            rows.append(number)
    if not sheet.names:
        sheet.wrong(0, "the sheet is empty", "Export again and copy your rows over.")
    return Page(where, tuple(lines), tuple(rows), sheet.letters)


@dataclass(slots=True)
class _Sheet:
    """A sheet while it is read: which column stands where, and what is wrong."""

    table: str
    where: str
    problems: list[Wrong]
    names: list[str] = field(default_factory=list)
    letters: dict[str, str] = field(default_factory=dict)

    def wrong(
        self, row: int, sentence: str, hint: str, column: str = "", at: int | None = None
    ) -> None:
        named = self.letters.get(column, "") if at is None else letter(at)
        self.problems.append(Wrong(self.where, row, column, named, sentence, hint))

    def cells(self, row: int, texts: Sequence[str]) -> list[str]:
        for at, text in enumerate(texts):
            if clean(text).startswith(("=", "＝")):
                hint = "Type the value itself; with '= in front a text stays text."
                self.wrong(row, "a formula is no value", hint, at=at)
        return [clean(bare(clean(text))) for text in texts]

    def head(self, row: int, cells: Sequence[str]) -> None:
        known = columns(self.table)
        for at, cell in enumerate(cells):
            name = re.sub(r"[\s-]+", "_", cell.strip(_QUOTES).casefold())
            if name and name not in known:
                sentence = f"no column of {self.table} is called {name[:40]}"
                self.wrong(row, sentence, f"Its columns are {', '.join(known)}.", at=at)
            elif name in self.letters:
                hint = "Keep one of the two."
                self.wrong(row, "the column stands here twice", hint, name, at)
            elif name:
                self.letters[name] = letter(at)
            self.names.append(name)
        # Not taken for empty: an empty cell means "any", and the rules would silently grow wider.
        for name in known:
            if name not in self.letters:
                hint = "The first row names all columns; export again to see them."
                self.wrong(row, "the column is missing", hint, name)

    def line(self, row: int, cells: Sequence[str]) -> Line:
        for at, cell in enumerate(cells):
            if cell and not (self.names[at] if at < len(self.names) else ""):
                hint = "Empty the cell, or write the name of its column there."
                self.wrong(row, "this column has no name in the first row", hint, at=at)
        named = {name: cell for name, cell in zip(self.names, cells, strict=False) if name}
        return line_of(self.table, named, partial(self._tell, row))

    def _tell(self, row: int, column: str, sentence: str) -> None:
        self.wrong(row, sentence, MEANING[column], column)


def letter(at: int) -> str:
    """A spreadsheet's name of a column, from 0: ``A``, ``Z``, ``AA``."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(65 + rest) + name
    return name
