"""Cases: which row decides which case, found exactly and not by samples.

Each row is a bit, each value of a fact the set of rows that accept it, and the first row of a case
the lowest bit that all its facts share. Every combination of values that some row tells apart is
tried (universe.py says why these are all).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, NamedTuple

from hotline.routing import recusal
from hotline.routing.classify import Types
from hotline.routing.profile import Profile
from hotline.routing.rules import Cell, Column, Row, Rules, Table
from hotline.routing.universe import Case, Kinds, Recused, Spot, spots
from hotline.tips import Urgency

_Masks = Callable[[Column, Cell | set[Any]], int]
_NOBODY: Kinds = frozenset()


class Group(NamedTuple):
    """Places that neither the rows of a table nor recusal tells apart."""

    mask: int
    spots: tuple[Spot, ...]


class Found(NamedTuple):
    """Places from which a row is reached, and by which case from the first of them."""

    spots: tuple[Spot, ...]
    case: Callable[[], Case]


@dataclass(frozen=True, slots=True)
class Proof:
    recused: Recused
    acts: Mapping[str, Kinds]  # by what the type recuses by itself
    tags: Mapping[str | None, Kinds]
    spots: tuple[Spot, ...]
    _families: dict[object, Mapping[Kinds, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, profile: Profile, types: Types, rules: Rules, cues: recusal.Cues) -> Proof:
        asked = {v for table in rules for v in table.values(Column.IMPLICATED)}
        tags = {t for table in rules for t in table.values(Column.TAG)} | cues.by_tag.keys()
        return cls(
            Recused(profile, frozenset(asked - {"none", "any", "federal"})),
            {kind.code: cues.by_type.get(kind.code, _NOBODY) for kind in types},
            {None: _NOBODY, **{tag: cues.by_tag.get(tag, _NOBODY) for tag in sorted(tags)}},
            tuple(spots(profile, rules)),
        )

    def reached(self, table: Table) -> dict[str, list[Found]]:
        """The rows that some case reaches."""
        found: dict[tuple[str, int], Found] = {}
        for mask, at, group, case in self.cases(table):
            if mask:  # the reader has seen to a last row that takes all
                key = table.rows[(mask & -mask).bit_length() - 1].id, at
                if key not in found:
                    found[key] = Found(group.spots, case)
        rows: dict[str, list[Found]] = {}
        for (id, _), one in found.items():
            rows.setdefault(id, []).append(one)
        return rows

    def cases(self, table: Table) -> Iterator[tuple[int, int, Group, Callable[[], Case]]]:
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

    def _groups(self, by: _Masks) -> list[Group]:
        groups: dict[tuple[int, object], list[Spot]] = {}
        for spot in self.spots:
            groups.setdefault((by(Column.PLACE, spot.cell), spot.shape), []).append(spot)
        return [Group(mask, tuple(some)) for (mask, _), some in groups.items()]

    def _kinds(
        self, by: _Masks, group: Group
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


def witnesses(
    profile: Profile, types: Types, rules: Rules, cues: recusal.Cues
) -> Iterator[tuple[Row, Case]]:
    """For each row that can be reached, a case that reaches it."""
    proof = Proof.of(profile, types, rules, cues)
    for table in rules:
        reached = proof.reached(table)
        yield from ((r, reached[r.id][0].case()) for r in table.rows if r.id in reached)
