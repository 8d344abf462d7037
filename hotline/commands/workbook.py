"""Workbook: the rules as one xlsx file, with a guide in front and lists to choose from.

The only room that imports openpyxl. A workbook that comes in is a stranger's zip file: it is
bounded before it is opened, and read without formulas, links or entities.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from hotline.routing.sheets import NOTE, THEN, WHEN, Page, Wrong, columns, guarded, letter, page
from hotline.routing.vocabulary import MEANING

LARGEST = 5_000_000  # bytes of the file
_UNPACKED = 40_000_000  # bytes of all it unpacks to
_MEMBERS = 500
_LISTED_ROWS = 500  # rows that offer lists; more may be filled in
_ONE_VALUE = frozenset({"at_least", "at_most", "second_reader", "queue", "automatic", "threats"})
_BOLD = Font(bold=True)
_TOP = Alignment(vertical="top", wrap_text=True)
_ASKS, _DECIDES, _TELLS = (
    PatternFill("solid", fgColor=colour) for colour in ("FFDDE8F5", "FFE0F0DC", "FFEEEEEE")
)
_GUIDE = """\
How to read these tables

Each sheet is one table; each row is one rule. For every tip the line reads a table from the top \
and stops at the first row that fits. That row decides; the rows below it do not count.
A row fits when all its blue cells fit. An empty cell fits everything. A cell with several values, \
separated by commas, fits when one of them does.
The green cells say what is decided. The last row of each table has no blue cells filled: it takes \
every tip that is left. It must stay, and stay last.
Order is meaning: never sort a sheet. To add a rule, insert a row above the first row that would \
take its tips otherwise. Do not merge cells, and write no formulas.
In the tables destination and automatic the crime type is the one that chose the desk; in the \
other tables any crime type of the tip counts.
Nothing changes by saving this file. `hotline rules import` checks every row; only a set of rules \
that is proved can be put in force, by a command of its own.
The sheet Values lists what may stand in the cells.
""".splitlines()
_TABLES = {
    "priority": "How soon must a person decide?",
    "review": "Must a second person agree?",
    "queue": "Which desk reads the tip first?",
    "destination": "Who must act, and who is informed?",
    "automatic": "May the masked package leave before a person reads it?",
}


def write(
    path: Path,
    tables: Mapping[str, Sequence[Sequence[str]]],
    known: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
) -> None:
    """``tables`` with their first row. Raises FileExistsError: a clerk's work is not replaced."""
    book = openpyxl.Workbook()
    book.properties.creator = "hotline"
    _guide(book.active)
    sheets = {table: book.create_sheet(table) for table in tables}
    places = _values(book.create_sheet("Values"), known, names)
    for table, rows in tables.items():
        _table(sheets[table], table, rows)
        _lists(sheets[table], table, places)
    with path.open("xb") as file:
        book.save(file)


def _guide(sheet: Any) -> None:
    sheet.title = "Guide"
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 18, 90
    rows = [(sentence, "") for sentence in _GUIDE]
    rows += [("Table", "answers"), *_TABLES.items(), ("", ""), ("Column", "what it takes")]
    for number, (first, second) in enumerate((*rows, *MEANING.items()), 1):
        _put(sheet, number, 1, first)
        _put(sheet, number, 2, second)
        if number <= len(_GUIDE) and first:
            sheet.merge_cells(start_row=number, end_row=number, start_column=1, end_column=2)
            sheet.row_dimensions[number].height = 15 * (1 + len(first) // 105)
        if number == 1 or first in ("Table", "Column"):
            sheet.cell(number, 1).font = sheet.cell(number, 2).font = _BOLD


def _put(sheet: Any, row: int, column: int, text: str) -> Any:
    """A cell of text that stays text: its kind says so, and its format when somebody edits it."""
    cell = sheet.cell(row, column)
    # A program that looks at the first sign only must not find the sign of a formula.
    cell.value = guarded(text, "=＝") or None
    cell.data_type = "s" if text else "n"  # also "#N/A", which openpyxl takes for an error
    cell.number_format, cell.alignment = "@", _TOP
    return cell


def _table(sheet: Any, table: str, rows: Sequence[Sequence[str]]) -> None:
    for at, name in enumerate(columns(table)):
        dimension = sheet.column_dimensions[letter(at)]
        dimension.width = 60 if name == NOTE else 28 if name in ("id", "lead", "copies") else 16
        dimension.number_format = "@"
    for number, row in enumerate(rows, 1):
        for at, text in enumerate(row):
            cell = _put(sheet, number, at + 1, text)
            if number == 1:
                cell.font = _BOLD
                cell.fill = _ASKS if text in WHEN else _DECIDES if text in THEN[table] else _TELLS
    sheet.freeze_panes = "B2"


def _values(
    sheet: Any, known: Mapping[str, Sequence[str]], names: Mapping[str, str]
) -> dict[str, str]:
    """One column a list, beside it what codes are called; answers where each list stands."""
    places: dict[str, str] = {}
    at = 0
    for column, words in known.items():
        _put(sheet, 1, at + 1, column).font = _BOLD
        for number, word in enumerate(words, 2):
            _put(sheet, number, at + 1, word)
            if word in names:
                _put(sheet, number, at + 2, names[word])
        places[column] = f"Values!${letter(at)}$2:${letter(at)}${len(words) + 1}"
        sheet.column_dimensions[letter(at)].width = 22
        at += 2 if any(word in names for word in words) else 1
    sheet.freeze_panes = "A2"
    return places


def _lists(sheet: Any, table: str, places: Mapping[str, str]) -> None:
    for at, column in enumerate(columns(table)):
        if column in places:
            # Where several values may stand the list only offers; elsewhere it insists.
            offered = DataValidation("list", formula1=places[column], allow_blank=True)
            offered.showErrorMessage = column in _ONE_VALUE
            offered.add(f"{letter(at)}2:{letter(at)}{_LISTED_ROWS}")
            sheet.add_data_validation(offered)


def read(path: Path, problems: list[Wrong]) -> dict[str, Page]:
    """The tables found in the workbook; adds to ``problems`` whatever cannot be read."""
    sentence = _unsafe(path)
    if sentence:
        problems.append(Wrong("the workbook", 0, "", "", sentence, 'Save it again as "xlsx".'))
        return {}
    assert openpyxl.DEFUSEDXML  # entities in a stranger's file are refused
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts it does not know: charts, themes, extensions
            with path.open("rb") as file:
                book = openpyxl.load_workbook(file, read_only=True, keep_links=False)
                with closing(book):
                    return _pages(book, path, problems)
    # A malformed part makes openpyxl, its parsers and zlib raise nearly anything, and whatever it
    # is means the same to the clerk.
    except Exception:  # noqa: BLE001
        sentence = "this is no workbook that can be read"
        problems.append(Wrong("the workbook", 0, "", "", sentence, 'Save it again as "xlsx".'))
        return {}


def _unsafe(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        return "the file is larger than 5 MB"
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        return "this is no workbook (xlsx)"
    # The sizes are declared by the file, and zipfile never unpacks more than is declared.
    if len(members) > _MEMBERS or sum(one.file_size for one in members) > _UNPACKED:
        return "the file unpacks to far more than rules need"
    return ""


def _pages(book: Any, path: Path, problems: list[Wrong]) -> dict[str, Page]:
    pages: dict[str, Page] = {}
    titles = {title.strip().casefold(): title for title in book.sheetnames}
    for table in THEN:
        where = f"sheet {table}"
        if table not in titles:
            hint = "Each of the five tables is a sheet of its own; do not rename them."
            problems.append(Wrong(where, 0, "", "", "the sheet is missing", hint))
            continue
        sheet = book[titles[table]]
        with zipfile.ZipFile(path) as archive:
            merged = b"mergeCell " in archive.read(sheet._worksheet_path)
        if merged:
            # All but the first of merged cells would read as empty, and empty means "any".
            hint = "Unmerge them and give each row its own value."
            problems.append(Wrong(where, 0, "", "", "cells are merged", hint))
            continue
        sheet.reset_dimensions()
        pages[table] = page(table, where, _texts(sheet, where, problems), problems)
    return pages


def _texts(sheet: Any, where: str, problems: list[Wrong]) -> Iterator[list[str]]:
    for row, cells in enumerate(sheet.iter_rows(), 1):
        texts = []
        for at, cell in enumerate(cells):
            texts.append(_text(cell))
            if cell.data_type in ("d", "e"):
                sentence = "a date is no value" if cell.data_type == "d" else "an error is no value"
                problems.append(Wrong(where, row, "", letter(at), sentence, "Type it as text."))
        yield texts


def _text(cell: Any) -> str:
    value = cell.value
    if value is None or cell.data_type in ("d", "e"):
        return ""
    if cell.data_type == "f":
        return "="  # whatever it computes; the reader refuses the sign
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
