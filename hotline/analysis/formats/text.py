"""Text: a table as CSV and as JSON, in UTF-8."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from hotline.analysis.formats.schema import schema, spoken
from hotline.analysis.formats.words import Say, columns, guarded, plain
from hotline.analysis.table import Column, Table

EXCEL_BR = "excel-br"


def as_csv(table: Table, dialect: str = "") -> bytes:
    """RFC 4180, with line feeds; ``excel-br``: semicolons, decimal commas, CRLF and the mark by
    which Excel knows UTF-8. Nothing is written where there is nothing."""
    brazilian = dialect == EXCEL_BR
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=";" if brazilian else ",",
        lineterminator="\r\n" if brazilian else "\n",
    )
    writer.writerow([column.name for column in table.columns])
    point = "," if brazilian else "."
    held = [_written(values, point) for values in columns(table, guarded)]
    writer.writerows(zip(*held, strict=True))
    return out.getvalue().encode("utf-8-sig" if brazilian else "utf-8")


def _written(values: list[Any], point: str) -> list[Any]:
    """csv writes None as nothing, int and str as they are, float as its shortest form."""
    if point == ".":
        return values
    return [repr(v).replace(".", point) if isinstance(v, float) else v for v in values]


def as_json(table: Table, say: Say) -> bytes:
    """``{"about", "schema", "data"}``: schema is a Frictionless Table Schema, data a list of rows,
    one on each line, each with all columns."""
    about = json.dumps(spoken(table.about, say), ensure_ascii=False, allow_nan=False)
    fields = json.dumps(schema(table, "json", say), ensure_ascii=False)
    rows = ",\n".join(_rows(table))
    return f'{{"about": {about},\n"schema": {fields},\n"data": [\n{rows}\n]}}\n'.encode()


def _rows(table: Table) -> Iterator[str]:
    named = [
        _named(column, values)
        for column, values in zip(table.columns, columns(table, plain), strict=True)
    ]
    for row in zip(*named, strict=True):
        yield "{" + ", ".join(row) + "}"


def _named(column: Column, values: list[Any]) -> list[str]:
    head = json.dumps(column.name) + ": "
    known: dict[Any, str] = {}
    encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False).encode
    return [known.get(value) or known.setdefault(value, head + encode(value)) for value in values]
