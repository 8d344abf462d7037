"""CSV sheets: five files in a directory, one a table, as any spreadsheet writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from hotline.routing.sheets import THEN, Page, Wrong, clean, columns, guarded, page

LARGEST = 5_000_000  # bytes a file
_DELIMITERS = ",;\t"


def write(folder: Path, tables: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """RFC 4180 in UTF-8, with the mark by which Excel knows it. Raises FileExistsError."""
    folder.mkdir(parents=True)
    for table, rows in tables.items():
        with (folder / f"{table}.csv").open("x", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([[guarded(cell) for cell in row] for row in rows])


def read(folder: Path, problems: list[Wrong]) -> dict[str, Page]:
    """The tables found in ``folder``; adds to ``problems`` each that cannot be read."""
    return {
        table: found
        for table in THEN
        if (found := _read(table, folder / f"{table}.csv", problems)) is not None
    }


def _read(table: str, file: Path, problems: list[Wrong]) -> Page | None:
    def refused(sentence: str, hint: str) -> None:
        problems.append(Wrong(file.name, 0, "", "", sentence, hint))

    if not file.is_file():
        refused("the file is missing", "Export again: each of the five tables is one file.")
        return None
    if file.stat().st_size > LARGEST:
        refused("the file is larger than 5 MB", "Save only the table, without empty rows.")
        return None
    text = decoded(file.read_bytes())
    if text is None:
        refused("this is no text a spreadsheet writes", 'Save it as "CSV UTF-8".')
        return None
    try:
        return page(table, file.name, _rows(table, text), problems)
    except csv.Error:
        refused("quotes or cells do not end", 'Save it again as "CSV UTF-8".')
        return None


def decoded(content: bytes) -> str | None:
    """The text of UTF-8, UTF-16 with its mark, or Windows-1252; None when it is none of them."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Windows-1252 reads nearly anything: a text holds no control characters.
        return text if not any(c < " " and c not in "\t\r\n" for c in text) else None
    return None


def _rows(table: str, text: str) -> list[list[str]]:
    """The cells, by the delimiter with which the first row names the most columns: a spreadsheet
    in Brazil or Colombia writes semicolons."""
    known = set(columns(table))

    def named(delimiter: str) -> int:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        return len({clean(cell).casefold() for cell in first} & known)

    delimiter = max(_DELIMITERS, key=named)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
