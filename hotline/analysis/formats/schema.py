"""Schema: the columns of a table as a Frictionless Table Schema, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from hotline.analysis.formats.words import Say, guarded, plain, tidy
from hotline.analysis.table import REAL, TEXT, Column, Table

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-\d\d")
_GUARDED = frozenset({"csv", "xlsx"})  # what spreadsheets open


def schema(table: Table, format: str, say: Say, dialect: str = "") -> dict[str, Any]:
    """Fields with name, type, title, description and the closed list of values, if there is one.
    Nothing is nothing: an empty cell, or null."""
    return {
        "fields": [_field(table, column, format, say, dialect) for column in table.columns],
        "missingValues": [""],
    }


def _field(table: Table, column: Column, format: str, say: Say, dialect: str) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": column.kind}
    dated = of_time(column, table.data[column.name].tolist())
    if dated:
        field["type"] = "date" if dated == "date" or format == "xlsx" else "yearmonth"
    field["title"] = plain(said(say, column.title))
    field["description"] = plain(said(say, column.description))
    if column.kind == REAL and dialect:
        field["decimalChar"] = ","
    if column.codes:
        each: Callable[[str], str] = guarded if format in _GUARDED else plain
        # A month of a sheet is a date, the first of it.
        first = "-01" if dated == "yearmonth" and format == "xlsx" else ""
        field["constraints"] = {"enum": [each(code) + first for code in column.codes]}
    return field


def of_time(column: Column, values: list[Any]) -> str:
    """``yearmonth`` for a column ``month``, ``date`` for one that ends in ``_start`` or ``_end``
    or in ``date``, when all it holds is that; else nothing."""
    if column.kind != TEXT:
        return ""
    held = {value for value in values if value is not None}
    if column.name == "month" and all(_MONTH.fullmatch(value) for value in held):
        return "yearmonth"
    if column.name.endswith(("_start", "_end", "date")) and all(map(_is_day, held)):
        return "date"
    return ""


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def spoken(about: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """What a table is about, its sentences in the reader's language."""
    told: dict[str, Any] = tidy(about)
    for name in ("title", "notes"):
        if told.get(name):
            held = told[name]
            told[name] = said(say, held) if isinstance(held, str) else [said(say, n) for n in held]
    return told


def said(say: Say, message: str) -> str:
    """The message in the reader's language; nothing stays nothing (gettext would answer its
    heading)."""
    return say(message) if message else ""
