"""Prove: that the rules have no dead row, no gap and no destination nobody can reach.

Exact, not sampled. Each column of a table falls into classes of values that no row tells apart;
one of each is tried in every combination. Facts that are sets (acts, tags, implicated kinds) need
only their smallest members: a larger set fits every row its parts fit, so it can reach no row
and miss no row that they do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any, Protocol

from hotline.routing import recusal
from hotline.routing.classify import Types
from hotline.routing.profile import Profile
from hotline.routing.rules import Cell, Column, Row, Rules, Table, implicable
from hotline.routing.tables import Problem
from hotline.tips import (
    Act,
    Certainty,
    Channel,
    Classification,
    ClassifiedTip,
    Decision,
    Place,
    Tip,
    Urgency,
)

_NOTHING: Cell = frozenset()


def check(profile: Profile, types: Types, rules: Rules, day: date) -> list[Problem]:
    """Everything wrong with the rules of ``profile`` on ``day``, in the order of the file."""
    problems: list[Problem] = []
    places = place_classes(profile, rules)
    for table in rules:
        reached = _reached(table, profile, types, places)
        problems += [
            row.problem("no tip can reach it: the rows above take them all")
            for row in table.rows
            if row.id not in reached
        ]
        if table.name == "destination":
            for row in table.rows:
                problems += _destinations(profile, row, reached.get(row.id, []), day)
    problems += _unknown_places(profile, rules)
    return sorted({*problems, *_desks(profile, rules)})


def place_classes(profile: Profile, rules: Rules) -> tuple[tuple[Place, Cell], ...]:
    """Every kind of place the rules or the bodies could tell apart, with its facts: each
    municipality that is named anywhere and one that is not, each state, elsewhere, abroad,
    unknown."""
    named = {one.jurisdiction for one in profile.agencies.values() if ":" in one.jurisdiction}
    named |= {v for table in rules for v in table.values(Column.PLACE) if ":" in v}
    certain = Certainty.CERTAIN
    classes: list[tuple[Place, Cell]] = []
    for unnamed, state in profile.samples():
        for key in (unnamed, *sorted(k for k in named if profile.state_of(k) == state)):
            place = Place(key, None, state, profile.country, certain)
            classes.append((place, frozenset({key, state, "here"})))
        place = Place(None, None, state, profile.country, Certainty.PROBABLE)
        classes.append((place, frozenset({state, "state"})))
    elsewhere = Place(None, None, f"{profile.country}-ZZ", profile.country, Certainty.PROBABLE)
    abroad = Place(None, None, None, "ZZ", Certainty.PROBABLE)
    classes += [(elsewhere, frozenset({"elsewhere"})), (abroad, frozenset({"abroad"}))]
    return (*classes, (Place(), frozenset({"unknown"})))


def reach(profile: Profile, spec: str, scopes: Sequence[str], day: date) -> str | None:
    """The agency a destination means at a place: an id, or ``@function`` with the nearest of
    ``scopes`` first. None when nobody holds it there on ``day``."""
    if not spec.startswith("@"):
        one = profile.agency(spec)
        return one.id if one is not None and one.valid(day) else None
    function, _, level = spec[1:].partition(":")
    for scope in scopes:
        one = profile.holder(function, scope, day)
        if one is not None and level in ("", one.level):
            return one.id
    return None


def _reached(
    table: Table, profile: Profile, types: Types, places: Sequence[tuple[Place, Cell]]
) -> dict[str, list[Place]]:
    """The rows some tip can reach, with the places from which it can."""
    members: dict[tuple[bool, ...], list[Place]] = {}
    cells: list[Cell] = []
    for place, cell in places:
        mark = _signature(table, Column.PLACE, cell)
        if mark not in members:
            cells.append(cell)
        members.setdefault(mark, []).append(place)
    columns = [
        _distinct(table, Column.ACT, [frozenset({kind.code}) for kind in types]),
        _distinct(table, Column.TAG, [_NOTHING, *({t} for t in sorted(table.values(Column.TAG)))]),
        cells,
        _distinct(table, Column.URGENCY, [{u.value} for u in Urgency]),
        _distinct(table, Column.IMPLICATED, _implicated(profile)),
        _distinct(table, Column.HELD, [{True}, {False}]),
        _distinct(table, Column.THREATS, [{True}, {False}]),
    ]
    reached: dict[str, dict[tuple[bool, ...], None]] = {}
    for facts in product(*columns):
        row = table.first(facts)  # type: ignore[arg-type]  # seven columns, in order
        if row is not None:  # the reader has seen to a last row that takes all
            mark = _signature(table, Column.PLACE, facts[Column.PLACE])
            reached.setdefault(row.id, {})[mark] = None
    return {id: [p for mark in marks for p in members[mark]] for id, marks in reached.items()}


def _signature(table: Table, column: Column, value: Cell) -> tuple[bool, ...]:
    """Which rows accept this value: values with the same answer are one class."""
    return tuple(
        not cell.isdisjoint(value) for row in table.rows for at, cell in row.cells if at is column
    )


def _distinct(table: Table, column: Column, values: Iterable[Iterable[Any]]) -> list[Cell]:
    classes: dict[tuple[bool, ...], Cell] = {}
    for value in map(frozenset, values):
        classes.setdefault(_signature(table, column, value), value)
    return list(classes.values())


def _implicated(profile: Profile) -> list[set[str]]:
    kinds = sorted(implicable(profile) - {"none", "any", "federal"})
    some = [{"any", kind} for kind in kinds]
    return [{"none"}, *some, *(one | {"federal"} for one in some)]


def _destinations(
    profile: Profile, row: Row, places: Iterable[Place], day: date
) -> Iterator[Problem]:
    said: set[str] = set()
    for place in places:
        scopes = recusal.scopes_of(profile, place)
        for spec in row.then.lead:
            id = reach(profile, spec, scopes, day)
            sentence = f"{spec} reaches nobody where the place is {_called(place)}"
            if id is not None:
                inbox = profile.agency(profile.inbox(id))
                sentence = "" if inbox and inbox.receives else f"{id} has no inbox"
            if sentence and sentence not in said:
                said.add(sentence)
                yield row.problem(sentence, "lead")


def _called(place: Place) -> str:
    return place.municipality or place.state or place.country or "unknown"


def _unknown_places(profile: Profile, rules: Rules) -> Iterator[Problem]:
    for table in rules:
        for row in table.rows:
            for place in sorted(row.cell(Column.PLACE) or ()):
                if ":" in place and profile.state_of(place) is None:
                    yield row.problem(f"{place} is no place of this profile", "place")


def _desks(profile: Profile, rules: Rules) -> Iterator[Problem]:
    """Whoever is recused, a desk and an overseer that are not under it must remain."""
    samples = [
        pattern.body(key, state)
        for pattern in profile.patterns
        for key, state in profile.samples()[:1]
    ]
    wanted = {row.then.queue for row in rules.queue.rows}
    for one in (*profile.agencies.values(), *samples):
        file, line = profile.lines.get(one.id, ("agencies.toml", 1))
        for queue in sorted(wanted):
            desks = (queue, *profile.desks)
            if all(profile.under(profile.queues[d].agency, (one.id,)) for d in desks):
                yield Problem(file, line, f"when {one.id} is recused, no desk takes its tips")
        if all(profile.under(id, (one.id,)) for id in profile.oversight):
            yield Problem(file, line, f"when {one.id} is recused, nobody oversees it")


def jdm(table: Table) -> dict[str, object]:
    """The table as a JSON Decision Model, which other engines and spreadsheet-like editors read.
    A cell fits when one of the fact's values is in its list; the answer is the row's id."""
    inputs = [{"id": c.name, "name": c.name, "field": c.name.lower()} for c in Column]
    lines = []
    for row in table.rows:
        cells = {c: row.cell(c) for c in Column}
        line = {c.name: _jdm_cell(cell) for c, cell in cells.items()}
        lines.append({"_id": row.id, **line, "row": json.dumps(row.id)})
    content = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": [{"id": "row", "name": "row", "field": "row"}],
        "rules": lines,
    }
    nodes = [
        {"id": "facts", "type": "inputNode", "name": "facts"},
        {"id": "table", "type": "decisionTableNode", "name": table.name, "content": content},
        {"id": "answer", "type": "outputNode", "name": "answer"},
    ]
    edges = [
        {"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"}
        for a, b in (("facts", "table"), ("table", "answer"))
    ]
    return {"nodes": nodes, "edges": edges}


def _jdm_cell(cell: Cell | None) -> str:
    return "" if cell is None else f"some($, # in {json.dumps(sorted(cell))})"


class Decider(Protocol):
    """What diff and replay need of a Router."""

    @property
    def profile(self) -> Profile: ...
    @property
    def types(self) -> Types: ...
    @property
    def rules(self) -> Rules: ...
    def decide(self, classified: ClassifiedTip) -> Decision: ...
    def explain(self, request: Mapping[str, object]) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One case that two versions of the rules decide differently."""

    case: str
    before: str
    after: str


def diff(old: Decider, new: Decider) -> list[Difference]:
    """Every type at every class of place, at each urgency, that ``new`` sends elsewhere, with
    another priority, or by another row."""
    found, language = [], new.profile.languages[0]
    for kind in new.types:
        for place, _ in place_classes(new.profile, new.rules):
            for urgency in Urgency:
                tip = Tip(channel=Channel.API, language=language, text="", urgency=urgency)
                told = Classification((Act(kind.code, 1.0),))
                classified = ClassifiedTip(tip, told, place)
                before, after = _short(old.decide(classified)), _short(new.decide(classified))
                if before != after:
                    case = f"{kind.code} {_called(place)} {urgency.value}"
                    found.append(Difference(case, before, after))
    return found


def replay(
    old: Decider, new: Decider, requests: Iterable[Mapping[str, object]]
) -> list[Difference]:
    """Requests in the shape of `route explain` that the two versions answer differently; a case
    is named by its number, from 1, never by its words."""
    found = []
    for number, request in enumerate(requests, 1):
        before, after = old.explain(request), new.explain(request)
        if before != after:
            changed = [key for key in after if after[key] != before.get(key)]
            found.append(
                Difference(
                    f"request {number}",
                    "; ".join(f"{key}: {before.get(key)}" for key in changed),
                    "; ".join(f"{key}: {after[key]}" for key in changed),
                )
            )
    return found


def _short(decision: Decision) -> str:
    rows = ", ".join(f"{ref.table}/{ref.row}" for ref in decision.rules)
    leads, copies = ", ".join(decision.leads), ", ".join(decision.copies)
    sent = "automatic" if decision.automatic else "by a person"
    return (
        f"{decision.priority.value} {decision.queue} lead [{leads}] copies [{copies}] "
        f"{decision.deadline} min {sent} by {rows}"
    )
