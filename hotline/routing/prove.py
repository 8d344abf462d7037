"""Prove: that the rules leave no gap, have no dead row, reach every destination, and keep every
recused body out.

Exact, not sampled: each row is a bit, each value of a fact the set of rows that accept it, and the
first row of a case the lowest bit that all its facts share. Every combination of values that some
row tells apart is tried (universe.py says why these are all); a last row without cells, which the
reader demands, leaves no gap.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple, Protocol

from hotline.routing import recusal
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.rules import Cell, Column, Row, Rules, Table
from hotline.routing.tables import Problem
from hotline.routing.universe import Case, Kinds, Recused, Spot, place_classes, spots
from hotline.tips import (
    Act,
    Channel,
    Classification,
    ClassifiedTip,
    Decision,
    Place,
    Tip,
    Urgency,
)

__all__ = ["check", "diff", "jdm", "place_classes", "reach", "replay", "witnesses"]
_Masks = Callable[[Column, Cell | set[Any]], int]
_NOBODY: Kinds = frozenset()
_MANY = 3  # rows astray in the same places from which one cause is likelier than many
_SLIP = 0.85  # likeness from which a name that nothing asks for is one that something asks for


def check(
    profile: Profile, types: Types, rules: Rules, cues: recusal.Cues, places: Places, day: date
) -> list[Problem]:
    """Everything wrong with the rules of ``profile`` from ``day`` on, by file and line."""
    proof = _Proof.of(profile, types, rules, cues)
    problems = [*_unknown_places(profile, rules, places), *_slips(profile, rules, cues)]
    for table in rules:
        reached = proof.reached(table)
        problems += _dead(proof, table, reached)
        if table.name == "destination":
            problems += _destinations(profile, table, reached, day)
    problems += _recusals(profile, rules, cues, proof.spots, day)
    return sorted(set(problems))


def witnesses(
    profile: Profile, types: Types, rules: Rules, cues: recusal.Cues
) -> Iterator[tuple[Row, Case]]:
    """For each row that can be reached, a case that reaches it."""
    proof = _Proof.of(profile, types, rules, cues)
    for table in rules:
        reached = proof.reached(table)
        yield from ((r, reached[r.id][0].case()) for r in table.rows if r.id in reached)


class _Group(NamedTuple):
    """Places that neither the rows of a table nor recusal tells apart."""

    mask: int
    spots: tuple[Spot, ...]


class _Found(NamedTuple):
    """Places from which a row is reached, and by which case from the first of them."""

    spots: tuple[Spot, ...]
    case: Callable[[], Case]


@dataclass(frozen=True, slots=True)
class _Proof:
    recused: Recused
    acts: Mapping[str, Kinds]  # by what the type recuses by itself
    tags: Mapping[str | None, Kinds]
    spots: tuple[Spot, ...]
    _families: dict[object, Mapping[Kinds, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: Profile, types: Types, rules: Rules, cues: recusal.Cues) -> _Proof:
        asked = {v for table in rules for v in table.values(Column.IMPLICATED)}
        tags = {t for table in rules for t in table.values(Column.TAG)} | cues.by_tag.keys()
        return cls(
            Recused(profile, frozenset(asked - {"none", "any", "federal"})),
            {kind.code: cues.by_type.get(kind.code, _NOBODY) for kind in types},
            {None: _NOBODY, **{tag: cues.by_tag.get(tag, _NOBODY) for tag in sorted(tags)}},
            tuple(spots(profile, rules)),
        )

    def reached(self, table: Table) -> dict[str, list[_Found]]:
        """The rows that some case reaches."""
        found: dict[tuple[str, int], _Found] = {}
        for mask, at, group, case in self.cases(table):
            if mask:  # the reader has seen to a last row that takes all
                key = table.rows[(mask & -mask).bit_length() - 1].id, at
                if key not in found:
                    found[key] = _Found(group.spots, case)
        rows: dict[str, list[_Found]] = {}
        for (id, _), one in found.items():
            rows.setdefault(id, []).append(one)
        return rows

    def cases(self, table: Table) -> Iterator[tuple[int, int, _Group, Callable[[], Case]]]:
        """Every case that the table can tell from another: the rows that accept it, a bit each,
        the number of its group of places, and the case."""
        by = _masks(table)
        acts = {(by(Column.ACT, {act}), ks): act for act, ks in self.acts.items()}
        tags = {(by(Column.TAG, {tag}), ks): tag for tag, ks in self.tags.items()}
        urgencies = {by(Column.URGENCY, {u.value}): u for u in Urgency}
        helds = {by(Column.HELD, {value}): value for value in (False, True)}
        threats = {by(Column.THREATS, {value}): value for value in (False, True)}
        rest = [(u & h & t, u, h, t) for u, h, t in product(urgencies, helds, threats)]
        for at, group in enumerate(self._groups(by)):
            place, kinds = group.spots[0].place, self._kinds(by, group)
            for act, tag in product(acts, tags):
                for bits, named in kinds[act[1], tag[1]].items():
                    some = act[0] & tag[0] & group.mask & bits
                    for mask, u, h, t in rest if some else ():
                        facts = acts[act], tags[tag], place, urgencies[u], named
                        yield some & mask, at, group, partial(Case, *facts, helds[h], threats[t])

    def _groups(self, by: _Masks) -> list[_Group]:
        groups: dict[tuple[int, object], list[Spot]] = {}
        for spot in self.spots:
            groups.setdefault((by(Column.PLACE, spot.cell), spot.shape), []).append(spot)
        return [_Group(mask, tuple(some)) for (mask, _), some in groups.items()]

    def _kinds(
        self, by: _Masks, group: _Group
    ) -> dict[tuple[Kinds, Kinds], dict[int, tuple[str, ...]]]:
        """For what a type and a tag recuse there by themselves: the rows that accept what may be
        recused, with what the reporter must name."""
        found = {}
        for pair in product({*self.acts.values()}, {*self.tags.values()}):
            base = self.recused.by_kind(pair, group.spots[0].place)
            if base not in self._families:
                self._families[base] = self.recused.together(base)
            family = self._families[base].items()
            found[pair] = {by(Column.IMPLICATED, some): named for some, named in family}
        return found


def _masks(table: Table) -> _Masks:
    """By a column and a fact, the rows that accept it, a bit each: facts with the same rows are
    one class."""
    cells = {
        column: [(n, row.cell(column)) for n, row in enumerate(table.rows)] for column in Column
    }
    free = {c: sum(1 << n for n, cell in rows if cell is None) for c, rows in cells.items()}
    asked = {c: [(1 << n, cell) for n, cell in rows if cell] for c, rows in cells.items()}

    def mask(column: Column, fact: Cell | set[Any]) -> int:
        return free[column] + sum(bit for bit, cell in asked[column] if not cell.isdisjoint(fact))

    return mask


def _dead(proof: _Proof, table: Table, reached: Mapping[str, object]) -> Iterator[Problem]:
    for at, row in enumerate(table.rows[:-1]):
        if not row.cells:
            left = len(table.rows) - at - 1
            sentence = f"it takes every tip, so that the {left} below it can never be reached"
            yield row.problem(sentence, "Give it a `when`, or move it to the end of the table.")
            break
    else:
        at = len(table.rows)
    dead = [n for n, row in enumerate(table.rows[: at + 1]) if row.id not in reached]
    taken: dict[int, set[int]] = {n: set() for n in dead}
    for mask, *_ in proof.cases(table) if dead else ():
        for n in dead:
            if mask >> n & 1:
                taken[n].add(mask & ((1 << n) - 1))
    for n, cases in taken.items():
        names = " and ".join(table.rows[i].id for i in _cover(cases))
        sentence, hint = "takes them all", f"Move it above {names}, or delete it."
        if " and " in names:
            sentence, hint = "take them all", f"Narrow {names}, move it above them, or delete it."
        if names:
            yield table.rows[n].problem(f"no tip can reach it: {names} above {sentence}", hint)
        else:
            hint = "Its cells exclude each other (a type may recuse by itself): correct one."
            yield table.rows[n].problem("no tip can reach it: none has all its cells", hint)


def _cover(cases: set[int]) -> list[int]:
    """A few rows of which each case has one, the row that takes most first."""
    rows = []
    while cases:
        count = {n: sum(case >> n & 1 for case in cases) for n in range(max(cases).bit_length())}
        best = max(count, key=lambda n: (count[n], n))
        cases = {case for case in cases if not case >> best & 1}
        rows.append(best)
    return sorted(rows)


def reach(profile: Profile, spec: str, scopes: Iterable[str], day: date) -> str | None:
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


def _destinations(
    profile: Profile, table: Table, reached: Mapping[str, list[_Found]], day: date
) -> Iterator[Problem]:
    """Whether each body a row names has an inbox wherever the row decides, on that day and each
    day on which bodies begin or end. A copy may be for some places only, where the municipality
    is not known."""
    days, said = (day, *profile.changes(day)), set[tuple[str, str]]()
    found: dict[object, list[Problem]] = {}
    for when, row in product(days, table.rows):
        spots = [one.spots for one in reached.get(row.id, ())]
        for spec in dict.fromkeys((*row.then.lead, *row.then.copies)):
            wrong = _astray(profile, spec, spots, when)
            if spec not in row.then.lead and _only_somewhere(wrong, spots):
                continue
            for (sentence, hint), names in wrong.items() if (row.id, spec) not in said else ():
                said.add((row.id, spec))
                more = f" and {n} more" if (n := len(set(names)) - 1) else ""
                since = "" if when == day else f" from {when} on"
                where = f" where the place is {names[0]}{more}{since}"
                found.setdefault((tuple(names), when), []).append(
                    row.problem(f"{sentence}{where}", hint)
                )
    for problems in found.values():
        if len(problems) <= _MANY:
            yield from problems
        else:
            likewise = f" ({len(problems) - 1} rows likewise)"
            yield replace(problems[0], sentence=problems[0].sentence + likewise)


def _astray(
    profile: Profile, spec: str, spots: Iterable[tuple[Spot, ...]], day: date
) -> dict[tuple[str, str], list[str]]:
    """What is wrong with a destination, with the places where it is."""
    wrong: dict[tuple[str, str], list[str]] = {}
    for some in spots:
        if found := _target(profile, spec, some[0].scopes, day):
            wrong.setdefault(found, []).extend(_called(one.place) for one in some)
    return wrong


def _only_somewhere(
    wrong: Mapping[tuple[str, str], list[str]], spots: Iterable[tuple[Spot, ...]]
) -> bool:
    """Whether it reaches somebody elsewhere, and everywhere that the municipality is known."""
    names = [name for some in wrong.values() for name in some]
    return len(names) < sum(map(len, spots)) and not any(":" in name for name in names)


def _target(
    profile: Profile, spec: str, scopes: tuple[str, ...], day: date
) -> tuple[str, str] | None:
    """What is wrong with a destination at a place, and a hint."""
    id = reach(profile, spec, scopes, day)
    if id is None:
        hint = "Give a body that serves that place the function, or put a row for it above."
        if not spec.startswith("@"):
            hint = "Name its successor, or correct valid_from and valid_to in agencies.toml."
        return f"{spec} reaches nobody", hint
    inbox = profile.agency(profile.inbox(id))
    if inbox is None or not inbox.receives:
        return f"{spec} reaches a body without an inbox", "Name one that has, or give it a via."
    if not inbox.valid(day):
        hint = "Let the via name another body, or correct valid_from and valid_to."
        return f"{spec} is received by {inbox.id}, which does not exist then", hint
    return None


def _called(place: Place) -> str:
    return place.municipality or place.state or place.country or "unknown"


def _unknown_places(profile: Profile, rules: Rules, places: Places) -> Iterator[Problem]:
    states = dict(places.states())
    for prefix, state in profile.states.items():
        line = profile.lines[state]
        some = places.one_in(state)
        if state not in states or some is None:
            hint = "Take the letters of ISO 3166-2, such as BR-RJ."
            yield Problem(*line, f"{state} is in no table of places", hint)
        elif not some.startswith(f"{profile.scheme}:{prefix}"):
            hint = f"A municipality of it is {some}: correct prefix here or places in profile.toml."
            yield Problem(*line, f"no municipality of {state} begins with {prefix}", hint)
    hint = "Correct its digits, or ask for the state instead."
    for one in profile.agencies.values():
        if ":" in one.jurisdiction and one.jurisdiction not in places:
            line = profile.lines[f"{one.id}.jurisdiction"]
            yield Problem(*line, f"{one.jurisdiction} is no municipality", hint)
    for table in rules:
        for row in table.rows:
            for key in sorted(row.cell(Column.PLACE) or ()):
                if ":" in key and key not in places:
                    yield row.problem(f"{key} is no municipality", hint)


def _slips(profile: Profile, rules: Rules, cues: recusal.Cues) -> Iterator[Problem]:
    """Functions and kinds that nothing asks for, but that are nearly what something asks for: a
    slip there sends tips past the body, or lets it escape recusal."""
    specs = {s for row in rules.destination.rows for s in (*row.then.lead, *row.then.copies)}
    functions = {s[1:].partition(":")[0] for s in specs if s.startswith("@")}
    functions |= {f for body in cues.bodies.values() for f in body.functions}
    kinds = {k for some in (*cues.by_type.values(), *cues.by_tag.values()) for k in some}
    kinds |= {k for body in cues.bodies.values() for k in body.kinds} | cues.unsure
    kinds |= {k for one in profile.agencies.values() for k in one.stands_for}
    kinds |= {k for table in rules for k in table.values(Column.IMPLICATED)}
    nearly = cache(lambda name, asked: get_close_matches(name, asked, 1, _SLIP))
    patterns = (pattern.entry for pattern in profile.patterns)
    for one in (*profile.agencies.values(), *patterns):
        for key, has, asked in (
            ("functions", one.functions, frozenset(functions)),
            ("kind", frozenset({one.kind}), frozenset(kinds)),
        ):
            for name in sorted(has - asked):
                if close := nearly(name, asked):
                    hint = f'Did you mean "{close[0]}"? If not, call it something less like it.'
                    line = profile.lines[f"{one.id}.{key}"]
                    yield Problem(*line, f"no rule and no cue asks for {name}", hint)


def _recusals(
    profile: Profile,
    rules: Rules,
    cues: recusal.Cues,
    spots: Iterable[Spot],
    day: date,
) -> Iterator[Problem]:
    """Whoever is recused, alone or by one cue, a desk and an overseer that are not under it must
    remain."""
    under: dict[str, frozenset[str]] = {}  # by body, whose recusal takes it along

    def free(id: str, roots: frozenset[str]) -> bool:
        if id not in under:
            under[id] = profile.over(id)
        return under[id].isdisjoint(roots)

    wanted = {row.then.queue for row in rules.queue.rows}
    queues = {
        (profile.queues[q].agency, *(profile.queues[d].agency for d in profile.desks))
        for q in wanted
    }
    deskless: dict[str, None] = {}
    orphaned: dict[str, None] = {}
    for roots in _together(profile, cues, spots, day):
        names = " with ".join(sorted(roots))
        if not all(any(free(one, roots) for one in desks) for desks in queues):
            deskless[names] = None
        if not any(free(id, roots) for id in recusal.overseers(profile, roots, day)):
            orphaned[names] = None
    for key, found, sentence, hint in (
        ("desks", deskless, "no desk takes its tips", "Add a desk of another body to desks."),
        ("oversight", orphaned, "nobody oversees it", "Add an independent body to oversight."),
    ):
        if found:
            first, *others = found
            more = f" (and {len(others)} more)" if others else ""
            line = profile.lines[f"profile.{key}"]
            yield Problem(*line, f"when {first} is recused{more}, {sentence}", hint)


def _together(
    profile: Profile, cues: recusal.Cues, spots: Iterable[Spot], day: date
) -> Iterator[frozenset[str]]:
    """Each body alone, and all that one cue recuses at one place."""
    implied = {one.id for key, _ in profile.samples()[:1] for one in profile.municipal(key)}
    yield from (frozenset({id}) for id in (*profile.agencies, *sorted(implied)))
    kinds = {*cues.by_type.values(), *cues.by_tag.values(), cues.unsure}
    for place in {spot.shape: spot.place for spot in spots}.values():
        for some in kinds:
            yield frozenset(recusal.of_kinds(profile, some, place))
        for body in cues.bodies.values():
            yield frozenset(recusal.of_body(profile, cues, body, place, day))


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
