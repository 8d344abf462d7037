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
from hotline.routing.tables import Document, Entry, Problem
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

    def problem(self, sentence: str, cell: str = "") -> Problem:
        return Problem(self.file, self.line, f"{self.table} row {self.id}: {sentence}", cell)


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
    document.top.close()
    reader = _Reader(profile, types)
    tables = {}
    for name in TABLES:
        rows = [reader.row(name, entry) for entry in document.entries(f"{name}.row")]
        seen: set[str] = set()
        for row in rows:
            if row.id in seen:
                problems.append(row.problem("another row of this table has the same id"))
            seen.add(row.id)
        if not rows or rows[-1].cells:
            line = rows[-1].line if rows else 1
            sentence = f"{name} has no last row without `when` to take all that is left"
            problems.append(Problem(document.file, line, sentence))
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
            entry.problem(f"no cell is called {cell}", f"when.{cell}")
        for key in sorted(then.keys() - TABLES[table]):
            entry.problem(f"{key} cannot be decided by the table {table}", f"then.{key}")
        cells = tuple(self._cells(entry, when))
        return Row(table, id, cells, self._then(entry, table, then), entry.file, entry.line)

    def _cells(self, entry: Entry, when: Mapping[str, Any]) -> Iterator[tuple[Column, Cell]]:
        acts = [
            self._acts(entry, name, _listed(entry, when, f"when.{name}"))
            for name in _ACT_CELLS
            if name in when
        ]
        if acts:
            common = frozenset.intersection(*acts)
            if not common:
                entry.problem("no crime type fits all of its cells", "when")
            yield Column.ACT, common
        words = {
            name: _listed(entry, when, f"when.{name}") for name in _WORD_CELLS.keys() & when.keys()
        }
        for place in words.get("place", ()):
            if not self._known_place(place):
                entry.problem(f"{place} is no place of this profile", "when.place")
        _among(entry, "tags", words.get("tags", ()), TAGS)
        _among(entry, "urgency", words.get("urgency", ()), frozenset(u.value for u in Urgency))
        _among(entry, "implicated", words.get("implicated", ()), implicable(self.profile))
        for name, column in _WORD_CELLS.items():
            if name in words:
                yield column, frozenset(words[name])
        for name, column in (("held", Column.HELD), ("threats", Column.THREATS)):
            if name in when:
                yield column, _truths(entry, name, when[name])

    def _acts(self, entry: Entry, name: str, wanted: Iterable[str]) -> Cell:
        found: set[str] = set()
        for word in wanted:
            some = {kind.code for kind in self.types if _is(kind, name, word)}
            if not some:
                entry.problem(f"no crime type has the {name} {word}", f"when.{name}")
            found |= some
        return frozenset(found)

    def _known_place(self, place: str) -> bool:
        if ":" in place:
            return self.profile.state_of(place) is not None
        return place in WHERE or place in self.profile.state_keys

    def _then(self, entry: Entry, table: str, then: Mapping[str, Any]) -> Then:
        def priority(key: str) -> Priority | None:
            if key not in then:
                return None
            if then[key] not in Priority.__members__:
                entry.problem(f"{key} must be P0, P1, P2, P3 or P4", f"then.{key}")
                return None
            return Priority(then[key])

        for key in ("second_reader", "automatic"):
            if key in then and type(then[key]) is not bool:
                entry.problem(f"{key} must be true or false", f"then.{key}")
        deadline = then.get("deadline")
        if deadline is not None and (type(deadline) is not int or deadline <= 0):
            entry.problem("deadline must be minutes, more than none", "then.deadline")
        return Then(
            at_least=priority("at_least"),
            at_most=priority("at_most"),
            second_reader=then.get("second_reader") is True,
            queue=self._queue(entry, then) if table == "queue" else "",
            deadline=deadline if type(deadline) is int else None,
            lead=self._bodies(entry, then, "lead") if table == "destination" else (),
            copies=self._bodies(entry, then, "copies") if table == "destination" else (),
            automatic=then.get("automatic") is True,
        )

    def _queue(self, entry: Entry, then: Mapping[str, Any]) -> str:
        name = str(then.get("queue", ""))
        full = f"{name}:{self.profile.suffix}" if name in set(QueueKind) else name
        if full not in self.profile.queues:
            entry.problem(f"no queue is called {full or 'nothing'}", "then.queue")
        elif not self.profile.queues[full].staffed:
            entry.problem(f"nobody staffs the queue {full}", "then.queue")
        return full

    def _bodies(self, entry: Entry, then: Mapping[str, Any], key: str) -> tuple[str, ...]:
        if key == "lead" and key not in then:
            entry.problem("lead is missing; write lead = [] to leave it to a person", "then.lead")
        specs = _listed(entry, then, f"then.{key}", empty=True) if key in then else ()
        for spec in specs:
            sentence = self._body(spec)
            if sentence:
                entry.problem(sentence, f"then.{key}")
        return specs

    def _body(self, spec: str) -> str:
        profile = self.profile
        if not spec.startswith("@"):
            one = profile.agency(spec)
            if one is None:
                return f"no agency is called {spec}"
            return "" if one.receives else f"{spec} has no inbox"
        function, _, level = spec[1:].partition(":")
        if level not in ("", "municipality", "state", "country"):
            return f"{spec} names no level (municipality, state or country)"
        known = [*profile.agencies.values(), *(pattern.entry for pattern in profile.patterns)]
        return "" if any(function in one.functions for one in known) else f"nobody holds {function}"


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


def _listed(
    entry: Entry, values: Mapping[str, Any], path: str, *, empty: bool = False
) -> tuple[str, ...]:
    key = path.partition(".")[2]
    value = values[key]
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        entry.problem(f"{key} must be a list of texts in quotes", path)
        return ()
    if not value and not empty:
        entry.problem(f"{key} is an empty list: the row could never fit", path)
    return tuple(value)


def _among(entry: Entry, name: str, words: Iterable[str], known: Cell) -> None:
    for word in words:
        if word not in known:
            entry.problem(f"{word} is not one of {', '.join(sorted(known))}", f"when.{name}")


def _truths(entry: Entry, name: str, value: object) -> Cell:
    values = value if isinstance(value, list) else [value]
    if not values or not all(type(one) is bool for one in values):
        entry.problem(f"{name} must be [true] or [false]", f"when.{name}")
    return frozenset(one for one in values if type(one) is bool)
