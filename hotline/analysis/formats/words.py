"""Words: what a cell may hold, whoever opens the file, and how its sentences are marked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotline.analysis.table import REAL, TEXT, Column, Table
from hotline.errors import BadInput, TooLarge

# Says a catalogue message in the reader's language; values fill its {places}.
Say = Callable[..., str]

# What makes a spreadsheet run a text; full-width signs count where Japanese does.
_RUNS = tuple("=+-@\t\r\n＝＋－＠")
_ENDS = re.compile("\r\n?|[\u2028\u2029\u0085]")
# Control characters and what no XML may hold: no two readers agree on them.
_NEVER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def N_(message: str) -> str:  # noqa: N802 - gettext's own name; hotline.web is no room of ours
    """Marks a sentence for translation where it is written down."""
    return message


def english(message: str, **values: object) -> str:
    """The ``Say`` of whoever asks for no language."""
    return message.format(**values) if values else message


NO_LICENCE = N_("The line has named none. Ask it before you pass this on.")


class BadFormat(BadInput):
    """A format or dialect nobody writes."""

    code = "bad_format"
    message = "This format is not known."
    hint = "Choose csv, xlsx, parquet, json or geojson. Only csv has a dialect: excel-br."


class NoMunicipality(BadInput):
    """A table that no map file can hold."""

    code = "no_municipality"
    message = "This table does not say where: a map file needs municipalities."
    hint = "Group by municipality, or choose another format."


class SheetTooLarge(TooLarge):
    """More than a sheet takes."""

    code = "sheet_too_large"
    message = "This table is larger than a sheet can be."
    hint = "Choose csv or parquet, or ask for fewer months."


def plain(text: str) -> str:
    """The text with one kind of line end and without control characters."""
    return _NEVER.sub("", _ENDS.sub("\n", text))


def guarded(text: str) -> str:
    """``plain``, and no spreadsheet runs it: with an apostrophe before, which ``bare`` removes."""
    text = plain(text)
    return f"'{text}" if text.lstrip("'").startswith(_RUNS) else text


def bare(cell: str) -> str:
    """What ``guarded`` was given, line ends and control characters aside."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_RUNS) else cell


def cells(column: Column, values: NDArray[Any], each: Callable[[str], str]) -> list[Any]:
    """A column as str (through ``each``), int or float; None where there is nothing."""
    if column.kind == TEXT:
        known = {value: None if value is None else each(value) for value in set(values.tolist())}
        return [known[value] for value in values.tolist()]
    if column.kind == REAL:
        return [_real(value) for value in values.tolist()]
    return list(values.tolist())


def _real(value: float) -> float | int | None:
    """A whole figure as a whole number: 12, not 12.0, and no negative zero."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def columns(table: Table, each: Callable[[str], str] = plain) -> list[list[Any]]:
    """All columns as ``cells`` of Python's own."""
    return [cells(column, table.data[column.name], each) for column in table.columns]


def tidy(value: Any) -> Any:
    """What ``about`` holds, as JSON holds it: mappings, lists, text, numbers."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping | MappingProxyType):
        return {plain(str(key)): tidy(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        listed = sorted(value) if isinstance(value, set | frozenset) else value
        return [tidy(one) for one in listed]
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, bool | int | float) else plain(str(value))
