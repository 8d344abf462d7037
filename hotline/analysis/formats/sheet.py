"""Sheet: a table as an XLSX workbook of three sheets, without one formula."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from hotline.analysis.formats.schema import of_time, schema, spoken
from hotline.analysis.formats.words import N_, NO_LICENCE, Say, SheetTooLarge, columns, guarded
from hotline.analysis.table import TEXT, Column, Table

MOST_ROWS, LONGEST = 1_048_575, 32_767  # below the header; characters of a cell: the format's own
_ONCE = datetime(2000, 1, 1)  # noqa: DTZ001 - a file of the same table has the same bytes for ever
_DICTIONARY = (
    N_("Column"),
    N_("Type"),
    N_("Title"),
    N_("Description"),
    N_("Values"),
)


def as_xlsx(table: Table, say: Say) -> bytes:
    """Sheets ``data`` (header frozen; numbers are numbers, months and days are dates),
    ``dictionary`` and ``about``. Raises SheetTooLarge."""
    import xlsxwriter

    if len(table) > MOST_ROWS:
        raise SheetTooLarge
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": _ONCE, "author": "hotline"})
    bold = book.add_format({"bold": True})
    _data(book, book.add_worksheet("data"), table, bold)
    _words(book.add_worksheet("dictionary"), _dictionary(table, say), bold)
    _words(book.add_worksheet("about"), _about(table.about, say), bold)
    book.close()
    return out.getvalue()


def _data(book: Any, sheet: Any, table: Table, bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    shapes = {
        "yearmonth": book.add_format({"num_format": "yyyy-mm"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for at, (column, values) in enumerate(zip(table.columns, columns(table, _text), strict=True)):
        sheet.write_string(0, at, _text(column.name), bold)
        sheet.set_column(at, at, _width(column, values))
        dated = of_time(column, table.data[column.name].tolist())
        if dated:
            days = {day: _day(day) for day in set(values) if day is not None}
            _put(sheet.write_datetime, at, map(days.get, values), shapes[dated])
        elif column.kind == TEXT:
            # As text whatever it looks like: no formula, link or number is made of it.
            _put(sheet.write_string, at, values)
        else:
            _put(sheet.write_number, at, values)


def _put(write: Callable[..., Any], column: int, values: Iterable[Any], look: Any = None) -> None:
    for row, value in enumerate(values, 1):
        if value is not None:
            write(row, column, value, look)


def _text(text: str) -> str:
    """Guarded, and whole: the library would leave a longer one out without a word."""
    if len(text) > LONGEST - 1:
        raise SheetTooLarge
    return guarded(text)


def _day(told: str) -> date:
    return date.fromisoformat(told if len(told) == len("2026-01-01") else f"{told}-01")


def _width(column: Column, values: list[Any]) -> int:
    longest = max((len(str(value)) for value in set(values)), default=0)
    return min(44, max(len(column.name), longest) + 2)


def _words(sheet: Any, rows: Sequence[Sequence[str]], bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows):
        for at, text in enumerate(row):
            sheet.write_string(number, at, _text(text), bold if number == 0 else None)
    for at, cells in enumerate(zip(*rows, strict=True)):
        sheet.set_column(at, at, min(60, max(map(len, cells)) + 2))


def _dictionary(table: Table, say: Say) -> list[tuple[str, ...]]:
    rows = [tuple(say(word) for word in _DICTIONARY)]
    for column, field in zip(table.columns, schema(table, "xlsx", say)["fields"], strict=True):
        listed = ", ".join(column.codes)
        shown = listed if len(listed) <= LONGEST // 2 else f"{listed[: LONGEST // 2]}…"
        rows.append((field["name"], field["type"], field["title"], field["description"], shown))
    return rows


def _about(about: Mapping[str, Any], say: Say) -> list[tuple[str, str]]:
    rows = [(say(N_("About this table")), "")]
    for name, value in spoken(about, say).items():
        if name == "licence" and not value:
            rows.append((name, say(NO_LICENCE)))
        elif isinstance(value, dict):
            rows += [(f"{name} {key}", str(one)) for key, one in value.items()]
        elif isinstance(value, list):
            rows += [(name, str(one)) for one in value]
        else:
            rows.append((name, "" if value is None else str(value)))
    return rows
