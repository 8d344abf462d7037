"""Rules: first-hit decision tables that a clerk can edit, compiled to sets.

Every cell of a row, and every fact of a tip, is a set of values; a cell fits when the two share
one. That makes the tables finite, so that prove.py can decide exactly whether a row is dead or a
case is uncovered. What the cells mean is told at the top of each rules.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from hotline.routing.classify import CrimeType, Types
from hotline.routing.profile import Profile
from hotline.routing.tables import Document, Entry, Problem, nearest
from hotline.routing.wordlists import TAGS
from hotline.tips import Priority, QueueKind, Urgency

Cell = frozenset[Any]


class Column(IntEnum):
    """The facts a row may ask about, in the order of a tip's Facts."""

    ACT = 0
    TAG = 1
    PLACE = 2
    URGENCY = 3
    IMPLICATED = 4
    HELD = 5
    THREATS = 6


Facts = tuple[Cell, Cell, Cell, Cell, Cell, Cell, Cell]
WHERE = ("here", "state", "elsewhere", "abroad", "unknown")
TABLES: Mapping[str, frozenset[str]] = {
    "priority": frozenset({"at_least", "at_most"}),
    "review": frozenset({"second_reader"}),
    "queue": frozenset({"queue", "deadline"}),
    "destination": frozenset({"lead", "copies"}),
    "automatic": frozenset({"automatic"}),
}
_ACT_CELLS = ("crime_type", "group", "kind", "flag")
_WORD_CELLS = {
    "tags": Column.TAG,
    "place": Column.PLACE,
    "urgency": Column.URGENCY,
    "implicated": Column.IMPLICATED,
}
_CELLS = frozenset({*_ACT_CELLS, *_WORD_CELLS, "held", "threats"})
_LEVELS = ("municipality", "state", "country")
# What each table's `then` cannot go without, and a hint; a row of `priority` may change nothing.
_NEEDED = {
    "review": {"second_reader": "Write then = { second_reader = true } or false."},
    "queue": {"queue": 'Write then = { queue = "general" } or another kind.'},
    "destination": {"lead": "Write lead = [] to leave it to a person."},
    "automatic": {"automatic": "Write then = { automatic = true } or false."},
}


@dataclass(frozen=True, slots=True)
class Then:
    """What a row decides; each table uses its own part."""

    at_least: Priority | None = None
    at_most: Priority | None = None
    second_reader: bool = False
    queue: str = ""
    deadline: int | None = None
    lead: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    table: str
    id: str
    cells: tuple[tuple[Column, Cell], ...]
    then: Then
    file: str
    line: int

    def fits(self, facts: Facts) -> bool:
        return all(not cell.isdisjoint(facts[column]) for column, cell in self.cells)

    def cell(self, column: Column) -> Cell | None:
        """The values it accepts there, or None when it accepts all."""
        return next((cell for at, cell in self.cells if at is column), None)

    def problem(self, sentence: str, hint: str, cell: str = "") -> Problem:
        said = f"{self.table} row {self.id}: {sentence}"
        return Problem(self.file, self.line, said, hint, cell)


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    rows: tuple[Row, ...]

    def first(self, facts: Facts) -> Row | None:
        """The first row that fits; None only where prove.py would have found a gap."""
        for row in self.rows:
            for column, cell in row.cells:
                if cell.isdisjoint(facts[column]):
                    break
            else:
                return row
        return None

    def values(self, column: Column) -> Cell:
        """Every value some row asks for in this column."""
        return frozenset(
            v for row in self.rows for at, cell in row.cells if at is column for v in cell
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The five tables of one profile."""

    priority: Table
    review: Table
    queue: Table
    destination: Table
    automatic: Table

    def __iter__(self) -> Iterator[Table]:
        return iter((self.priority, self.review, self.queue, self.destination, self.automatic))


def read(profile: Profile, types: Types, problems: list[Problem]) -> Rules:
    """The tables of ``profile``. Adds to ``problems`` every cell that cannot be understood."""
    document = Document.read(profile.folder / "rules.toml", problems)
    document.check_headers(frozenset(f"{name}.row" for name in TABLES))
    reader = _Reader(profile, types)
    tables = {}
    for name in TABLES:
        rows = [reader.row(name, entry) for entry in document.entries(f"{name}.row")]
        seen: dict[str, Row] = {}
        for row in rows:
            if row.id in seen:
                hint = f"Rename this one or the one on line {seen[row.id].line}."
                problems.append(row.problem("another row of this table has the same id", hint))
            seen[row.id] = row
        if not document.broken and (not rows or rows[-1].cells):
            line = rows[-1].line if rows else 1
            sentence = f"{name} has no last row without `when` to take all that is left"
            hint = f"End the table with a [[{name}.row]] that has no `when`."
            problems.append(Problem(document.file, line, sentence, hint))
        tables[name] = Table(name, tuple(rows))
    return Rules(**tables)


@dataclass(frozen=True, slots=True)
class _Reader:
    profile: Profile
    types: Types

    def row(self, table: str, entry: Entry) -> Row:
        id, when, then = entry.text("id"), entry.table("when"), entry.table("then")
        entry.close()
        for cell in sorted(when.keys() - _CELLS):
            hint = nearest(cell, _CELLS, "Delete it.")
            entry.problem(f"no cell is called {cell}", hint, f"when.{cell}")
        for key in sorted(then.keys() - TABLES[table]):
            hint = nearest(key, TABLES[table], "Move it to the table it belongs to.")
            entry.problem(f"{key} cannot be decided by the table {table}", hint, f"then.{key}")
        cells = tuple(self._cells(entry, when))
        return Row(table, id, cells, self._then(entry, table, then), entry.file, entry.line)

    def _cells(self, entry: Entry, when: Mapping[str, Any]) -> Iterator[tuple[Column, Cell]]:
        acts = [
            self._acts(entry, name, entry.listed(name, when[name], f"when.{name}"))
            for name in _ACT_CELLS
            if name in when
        ]
        if acts:
            common = frozenset.intersection(*acts)
            if not common and all(acts):
                hint = "The cells are all asked of one type: delete or widen one of them."
                entry.problem("no crime type fits all of its cells", hint, "when")
            yield Column.ACT, common
        known = {
            "tags": TAGS,
            "urgency": frozenset(u.value for u in Urgency),
            "implicated": implicable(self.profile),
        }
        for name, column in _WORD_CELLS.items():
            if name in when:
                words = entry.listed(name, when[name], f"when.{name}")
                for word in words if name in known else ():
                    if word not in known[name]:
                        hint = nearest(word, known[name], "Take a known one.")
                        entry.problem(
                            f"{word} is not known in the cell {name}", hint, f"when.{name}"
                        )
                for place in words if name == "place" else ():
                    self._place(entry, place)
                yield column, frozenset(words)
        for name, column in (("held", Column.HELD), ("threats", Column.THREATS)):
            if name in when:
                yield column, _truths(entry, name, when[name])

    def _acts(self, entry: Entry, name: str, wanted: Iterable[str]) -> Cell:
        found: set[str] = set()
        for word in wanted:
            some = {kind.code for kind in self.types if _is(kind, name, word)}
            if not some:
                hint = nearest(word, words_of(self.types, name), "Take one of the table of types.")
                entry.problem(f"no crime type has the {name} {word}", hint, f"when.{name}")
            found |= some
        return frozenset(found)

    def _place(self, entry: Entry, place: str) -> None:
        known = {*WHERE, *self.profile.state_keys}
        if place not in known and self.profile.state_of(place) is None:
            hint = nearest(place, known, "Take a state or a municipality of this profile.")
            entry.problem(f"{place} is no place of this profile", hint, "when.place")

    def _then(self, entry: Entry, table: str, then: Mapping[str, Any]) -> Then:
        for key in _NEEDED.get(table, ()):
            if key not in then:
                entry.problem(f"{key} is missing", _NEEDED[table][key], f"then.{key}")
        for key in ("second_reader", "automatic"):
            if key in then and type(then[key]) is not bool:
                hint = "Write true or false, without quotes."
                entry.problem(f"{key} must be true or false", hint, f"then.{key}")
        least, most = (
            self._priority(entry, then, "at_least"),
            self._priority(entry, then, "at_most"),
        )
        if least and most and least < most:
            hint = (
                f"P0 is the most urgent: let at_most be {least} or sooner, or delete one of them."
            )
            entry.problem(f"at_least {least} contradicts at_most {most}", hint, "then.at_most")
        return Then(
            at_least=least,
            at_most=most,
            second_reader=then.get("second_reader") is True,
            queue=self._queue(entry, then["queue"]) if "queue" in then else "",
            deadline=_deadline(entry, then.get("deadline")),
            lead=self._bodies(entry, then, "lead"),
            copies=self._bodies(entry, then, "copies"),
            automatic=then.get("automatic") is True,
        )

    def _priority(self, entry: Entry, then: Mapping[str, Any], key: str) -> Priority | None:
        value = then.get(key)
        if value is None or value in tuple(Priority):
            return None if value is None else Priority(value)
        hint = "P0 is relayed at once; P1 has 30 minutes, P2 4 hours, P3 a day, P4 three days."
        entry.problem(f"{key} must be P0, P1, P2, P3 or P4 in quotes", hint, f"then.{key}")
        return None

    def _queue(self, entry: Entry, name: object) -> str:
        if not isinstance(name, str):
            hint = 'Write queue = "general" or another kind.'
            entry.problem("queue must be text in quotes", hint, "then.queue")
            return ""
        full = f"{name}:{self.profile.suffix}" if name in set(QueueKind) else name
        if full not in self.profile.queues:
            known = (*QueueKind, *self.profile.queues)
            hint = nearest(name, known, "Take a queue of queues.toml.")
            if name in known:
                hint = f"Add {full} to queues.toml."
            entry.problem(f"no queue is called {full or 'nothing'}", hint, "then.queue")
        elif not self.profile.queues[full].staffed:
            hint = "Name a queue that is, or write staffed = true in queues.toml when people are."
            entry.problem(f"nobody staffs the queue {full}", hint, "then.queue")
        return full

    def _bodies(self, entry: Entry, then: Mapping[str, Any], key: str) -> tuple[str, ...]:
        if key not in then:
            return ()
        specs = entry.listed(key, then[key], f"then.{key}", empty=True)
        for spec in specs:
            sentence, hint = self._body(spec)
            if sentence:
                entry.problem(sentence, hint, f"then.{key}")
            elif key == "copies" and spec in then.get("lead", ()):
                hint = "Delete it from copies: who leads knows already."
                entry.problem(f"{spec} leads and is copied", hint, "then.copies")
        return specs

    def _body(self, spec: str) -> tuple[str, str]:
        """What is wrong with the name of a destination, and a hint; empty when nothing is."""
        profile = self.profile
        known = [*profile.agencies.values(), *(pattern.entry for pattern in profile.patterns)]
        held = {f"@{function}" for one in known for function in one.functions}
        if not spec.startswith("@"):
            one = profile.agency(spec)
            if one is None:
                hint = "Take an id of agencies.toml, or @ and a function."
                return f"no agency is called {spec}", nearest(
                    spec, {*profile.agencies, *held}, hint
                )
            hint = "Name a body that has one, or delete receives = false in agencies.toml."
            return ("", "") if one.receives else (f"{spec} has no inbox", hint)
        function, _, level = spec.partition(":")
        if level not in ("", *_LEVELS):
            hint = nearest(level, _LEVELS, "Write it as @security:state.")
            return f"{spec} names no level (municipality, state or country)", hint
        if function in held:
            return "", ""
        hint = nearest(function, held, "Give it to a body in agencies.toml (functions).")
        return f"nobody holds {function[1:]}", hint


def implicable(profile: Profile) -> Cell:
    """The values of the column ``implicated``."""
    kinds = {one.kind for one in profile.agencies.values()}
    kinds |= {pattern.entry.kind for pattern in profile.patterns}
    return frozenset({"none", "any", "federal", *kinds})


def _is(kind: CrimeType, cell: str, word: str) -> bool:
    if cell == "crime_type":
        return kind.code.startswith(word[:-1]) if word.endswith("*") else kind.code == word
    if cell == "group":
        return kind.group == word
    if cell == "kind":
        return kind.queue.value == word
    return word in kind.flags


def words_of(types: Types, cell: str) -> set[str]:
    """What a cell about the type may ask for."""
    if cell == "crime_type":
        codes = {kind.code for kind in types}
        return codes | {f"{code.partition('-')[0]}-*" for code in codes}
    if cell == "flag":
        return {flag for kind in types for flag in kind.flags}
    return {kind.group if cell == "group" else kind.queue.value for kind in types}


def _deadline(entry: Entry, value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or value <= 0:
        hint = "Write minutes as digits without quotes, or delete it."
        entry.problem("deadline must be minutes, more than none", hint, "then.deadline")
        return None
    if value > Priority.P4.minutes:
        hint = f"It only ever shortens; the longest is {Priority.P4.minutes} minutes. Delete it."
        entry.problem("deadline is longer than every priority's own", hint, "then.deadline")
    return value


def _truths(entry: Entry, name: str, value: object) -> Cell:
    values = value if isinstance(value, list) else [value]
    if not values or not all(type(one) is bool for one in values):
        hint = "Write it without quotes, in brackets."
        entry.problem(f"{name} must be [true] or [false]", hint, f"when.{name}")
    elif len(values) > 1:
        hint = f"Write one of them, or delete {name}."
        entry.problem(f"{name} asks for nothing: it takes both", hint, f"when.{name}")
    return frozenset(one for one in values if type(one) is bool)
