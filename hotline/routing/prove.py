"""Prove: that the rules leave no gap, have no dead row, reach every destination, and keep every
recused body out.

What row decides what case is found exactly (cases.py); a last row without cells, which the reader
demands, leaves no gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from functools import cache
from itertools import product

from hotline.routing import recusal
from hotline.routing.cases import Found, Proof
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.rules import Column, Rules, Table
from hotline.routing.tables import Problem
from hotline.routing.universe import Spot, called

_MANY = 3  # rows astray in the same places from which one cause is likelier than many
_SLIP = 0.85  # likeness from which a name that nothing asks for is one that something asks for


def check(
    profile: Profile, types: Types, rules: Rules, cues: recusal.Cues, places: Places, day: date
) -> list[Problem]:
    """Everything wrong with the rules of ``profile`` from ``day`` on, by file and line."""
    proof = Proof.of(profile, types, rules, cues)
    problems = [*_unknown_places(profile, rules, places), *_slips(profile, rules, cues)]
    for table in rules:
        reached = proof.reached(table)
        problems += _dead(proof, table, reached)
        if table.name == "destination":
            problems += _destinations(profile, table, reached, day)
    problems += _recusals(profile, rules, cues, proof.spots, day)
    return sorted(set(problems))


def _dead(proof: Proof, table: Table, reached: Mapping[str, object]) -> Iterator[Problem]:
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
    profile: Profile, table: Table, reached: Mapping[str, list[Found]], day: date
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
            cell = "lead" if spec in row.then.lead else "copies"
            if cell == "copies" and _only_somewhere(wrong, spots):
                continue
            for (sentence, hint), names in wrong.items() if (row.id, spec) not in said else ():
                said.add((row.id, spec))
                more = f" and {n} more" if (n := len(set(names)) - 1) else ""
                since = "" if when == day else f" from {when} on"
                where = f" where the place is {names[0]}{more}{since}"
                found.setdefault((tuple(names), when), []).append(
                    row.problem(f"{sentence}{where}", hint, cell)
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
            wrong.setdefault(found, []).extend(called(one.place) for one in some)
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
                    yield row.problem(f"{key} is no municipality", hint, "place")


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
