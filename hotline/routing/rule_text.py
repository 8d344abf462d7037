"""Rule text: rules.toml with its comments, read into lines and written back the same way always.

A comment right above a row, or inside it, is that row's note. What stands before a table's first
row, with an empty line between, is its heading; headings and the end of the file belong to nobody
and are kept from the file as it was.
"""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hotline.routing.sheets import THEN, WHEN, Book, Line, clean

WIDTH = 110  # of a row's keys
_NOTE_WIDTH = 98
_HEADER = re.compile(r"\[\[([a-z_]+)\.row\]\]")
_BEFORE_COMMENT = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\'[^\']*\'|[^"\'#])*')
_TITLES = {
    "priority": "how soon a person must decide",
    "review": "when one person's eyes are not enough",
    "queue": "which desk reads it first",
    "destination": "who must act, who is informed",
    "automatic": "may the masked package leave before a person reads it?",
}


@dataclass(slots=True)
class Frame:
    """What a rules.toml holds besides its rules. ``notes`` are by table, one a row."""

    header: str = ""
    headings: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    tail: str = ""


def frame(text: str) -> Frame:
    """The comments of a rules.toml, also of one that is broken."""
    found, table, waiting = Frame(), "", list[str]()
    for line in text.split("\n"):
        bare = line.strip()
        if header := _HEADER.match(bare):
            _begin(found, header[1], waiting)
            table, waiting = header[1], []
        elif not bare or bare.startswith("#"):
            waiting.append(bare)
        elif table:
            trailing = _BEFORE_COMMENT.sub("", bare, count=1)
            inside = [w for w in (*waiting, trailing) if w.startswith("#")]
            notes = found.notes[table]
            notes[-1] = clean("\n".join(filter(None, [notes[-1], _said(inside)])))
            waiting = []
    found.tail = "\n".join(waiting).strip()
    return found


def _begin(found: Frame, table: str, waiting: Sequence[str]) -> None:
    """Shares out the comments that stand before the first or a further row of ``table``."""
    blocks = [block.split("\n") for block in re.split(r"\n{2,}", "\n".join(waiting).strip("\n"))]
    blocks = [block for block in blocks if block != [""]]
    right_above = bool(blocks) and waiting[-1] != "" and not blocks[-1][0].startswith("# --")
    note = blocks.pop() if right_above else []
    if table in found.notes:
        note = [line for block in (*blocks, note) for line in (*block, "#")][:-1]
    else:
        if not found.notes:
            last = -1 if blocks and blocks[-1][0].startswith("# --") else len(blocks)
            found.header = "\n\n".join("\n".join(block) for block in blocks[:last])
            blocks = blocks[last:] if last == -1 else []
        found.headings[table] = "\n\n".join("\n".join(block) for block in blocks)
    found.notes.setdefault(table, []).append(clean(_said(note)))


def _said(comments: Sequence[str]) -> str:
    return "\n".join(line[1:].removeprefix(" ").rstrip() for line in comments)


def book_of(text: str) -> Book:
    """The lines of a sound rules.toml. Raises TOMLDecodeError, and KeyError and its like for a
    file that rules.read refuses."""
    data, notes = tomllib.loads(text), frame(text).notes
    book: dict[str, tuple[Line, ...]] = {}
    for table in THEN:
        rows = data[table]["row"]
        said = notes.get(table, [])
        # Rows written another way than [[table.row]] have no comments that could be told apart.
        said = said if len(said) == len(rows) else [""] * len(rows)
        book[table] = tuple(_line(row, note) for row, note in zip(rows, said, strict=True))
    return book


def _line(row: Mapping[str, Any], note: str) -> Line:
    def many(value: Any) -> tuple[Any, ...]:
        return tuple(value) if isinstance(value, list) else (value,)

    when = {key: many(value) for key, value in row.get("when", {}).items()}
    then = {k: tuple(v) if isinstance(v, list) else v for k, v in row.get("then", {}).items()}
    return Line(row["id"], when, then, note)


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a rules.toml, and for each of its lines the table and the row (from 0)."""

    text: str
    origins: Mapping[int, tuple[str, int]]


def write(book: Book, kept: Frame, before: Book | None = None) -> Written:
    """``before`` lends the order of the keys inside its rows, so that a row nobody changed is
    written as it was."""
    orders = {
        (t, line.id): (*line.when, *line.then)
        for t, rows in (before or {}).items()
        for line in rows
    }
    lines: list[str] = [kept.header, ""] if kept.header else []
    origins: dict[int, tuple[str, int]] = {}
    for table in THEN:
        heading = kept.headings.get(table, "" if kept.headings else _title(table))
        lines += [*heading.split("\n"), ""] if heading else []
        for at, line in enumerate(book[table]):
            block = list(_block(table, line, orders.get((table, line.id), ())))
            # The header is one item of many lines: count what is really written.
            first = sum(item.count("\n") + 1 for item in lines) + 1
            origins |= {first + n: (table, at) for n in range(len(block))}
            lines += [*block, ""]
    lines += [kept.tail, ""] if kept.tail else []
    return Written("\n".join(lines), origins)


def _title(table: str) -> str:
    return f"# ---- {table}: {_TITLES[table]} ".ljust(100, "-")


def _block(table: str, line: Line, order: Sequence[str]) -> Iterator[str]:
    for words in line.note.split("\n") if line.note else ():
        wrapped = textwrap.wrap(words, _NOTE_WIDTH, break_long_words=False, break_on_hyphens=False)
        for part in wrapped if len(words) > _NOTE_WIDTH else [words]:
            yield f"# {part}".rstrip()
    yield f"[[{table}.row]]"
    yield f"id = {_toml(line.id)}"
    for name, values, known in (("when", line.when, WHEN), ("then", line.then, THEN[table])):
        keys = sorted(values, key=lambda k: (order.index(k) if k in order else 99, known.index(k)))
        pairs = [(key, values[key]) for key in keys]
        one = f"{name} = {{ {', '.join(f'{key} = {_toml(value)}' for key, value in pairs)} }}"
        if pairs and len(one) <= WIDTH:
            yield one
        elif pairs:
            for key, value in pairs:
                yield from _long(f"{name}.{key}", value)


def _long(key: str, value: Any) -> Iterator[str]:
    """A key on a line of its own, its list broken where it is longer than a line."""
    one = f"{key} = {_toml(value)}"
    if len(one) <= WIDTH or not isinstance(value, tuple):
        yield one
        return
    yield f"{key} = ["
    row = "   "
    for item in map(_toml, value):
        if len(row) + len(item) + 2 > WIDTH and row.strip():
            yield row
            row = "   "
        row += f" {item},"
    yield row
    yield "]"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
