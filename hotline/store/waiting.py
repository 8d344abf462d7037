"""Waiting: what the desk lists and counts, read from the ends of indexes.

An index holds undecided tips by queue, state, priority and deadline, another all tips by queue,
state, priority and id. A list is the merged heads of such runs, so its cost follows what is shown
and not what is stored.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select, tuple_

from hotline.store.database import Database
from hotline.store.tables import DeadlineRow, TipRow
from hotline.store.tips import UNDECIDED, Listed, listed, listing
from hotline.tips import Priority, State

LARGE, KEPT_SECONDS = 20_000, 5
_LATER = 1 << 40  # a decided tip has no deadline: it stands after all that have one


_RUN = (DeadlineRow.queue, DeadlineRow.state, DeadlineRow.priority)
_GROUPS = select(
    *_RUN,
    func.count(),
    func.sum(case((DeadlineRow.due_at <= bindparam("now"), 1), else_=0)),
    func.min(DeadlineRow.due_at),
).group_by(*_RUN)
_NAMES = ("queue", "state", "priority")
_UNDECIDED: Select[*tuple[Any, ...]] = select(DeadlineRow.due_at, DeadlineRow.tip).where(
    *(getattr(DeadlineRow, name) == bindparam(name) for name in _NAMES)
)
_DUE = _UNDECIDED.where(DeadlineRow.due_at <= bindparam("due_by"))
_DECIDED: Select[*tuple[Any, ...]] = select(TipRow.id.label("tip")).where(
    *(getattr(TipRow, name) == bindparam(name) for name in _NAMES)
)


@dataclass(frozen=True, slots=True)
class Group:
    """Undecided tips of one run: how many, how many past their deadline, the earliest one."""

    queue: str
    state: State
    priority: Priority
    count: int
    late: int
    oldest: int


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A place in a list: after what stands on one page, before what stands on the next. ``rank``
    is the priority's number, or 0 in a list by deadline alone."""

    rank: int
    due_at: int
    tip: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tips. ``due_by``: only those whose deadline is no later, in seconds since 1970."""

    queues: Sequence[str]
    states: Sequence[State]
    priorities: Sequence[Priority] = tuple(Priority)
    due_by: int | None = None

    def runs(self) -> list[tuple[str, State, Priority]]:
        decided = [] if self.due_by is None else [s for s in self.states if s not in UNDECIDED]
        states = [state for state in self.states if state not in decided]
        return list(product(self.queues, states, self.priorities))


class Waiting:
    """Reads only, on SQLite and PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: tuple[float, list[Group]] = (0.0, [])

    def groups(self, now: int) -> list[Group]:
        """Every run with a tip in it: one scan of the index of undecided tips. It is the dearest
        thing a page of the desk asks for: of a desk so large that a few more or less say nothing,
        the figures may be some seconds old."""
        counted, known = self._counted
        if time.monotonic() < counted + KEPT_SECONDS:
            return known
        with self._database.read() as connection:
            rows = connection.execute(_GROUPS, {"now": now}).all()
        found = [
            Group(r[0], State(r[1]), Priority(r[2]), int(r[3]), int(r[4]), int(r[5])) for r in rows
        ]
        if sum(group.count for group in found) >= LARGE:
            self._counted = (time.monotonic(), found)
        return found

    def heads(self, wanted: Wanted, most: int, but: Collection[bytes] = ()) -> list[Listed]:
        """Of each run of undecided tips the ``most`` with the earliest deadlines, without
        ``but``."""
        found: list[bytes] = []
        with self._database.read() as connection:
            for run in wanted.runs():
                rows = _next_of(connection, run, most=most + len(but))
                found += [row.tip for row in rows if row.tip not in but][:most]
            return _rows(connection, found)

    def page(
        self,
        wanted: Wanted,
        most: int,
        *,
        by_priority: bool = True,
        after: Spot | None = None,
        before: Spot | None = None,
    ) -> list[Listed]:
        """``most`` tips in order, those next to ``after`` or to ``before`` if one is given."""
        spots: list[Spot] = []
        with self._database.read() as connection:
            for run in wanted.runs():
                rank = int(run[2][1:]) if by_priority else 0
                spots += _spots(connection, run, rank, wanted.due_by, most, after, before)
            spots.sort(reverse=before is not None)
            chosen = sorted(spots[:most])
            return _rows(connection, [spot.tip for spot in chosen])

    def some(self, tips: Iterable[bytes]) -> list[Listed]:
        """Those of these tips that there are, in the order given."""
        with self._database.read() as connection:
            return _rows(connection, list(tips))

    def count(self, wanted: Wanted, most: int) -> int:
        """How many tips there are, ``most`` when there are as many or more."""
        total = 0
        with self._database.read() as connection:
            for run in wanted.runs():
                query, given = _run(run, wanted.due_by)
                few = query.limit(most - total).subquery()
                counting = select(func.count()).select_from(few)
                total += connection.execute(counting, given).scalar_one()
                if total >= most:
                    break
        return total


def spot_of(row: Listed, *, by_priority: bool = True) -> Spot:
    """Where a row stands in a list."""
    due = row.due_at if row.state in UNDECIDED else _LATER
    return Spot(int(row.priority[1:]) if by_priority else 0, due, row.id)


def _run(
    run: tuple[str, State, Priority], due_by: int | None
) -> tuple[Select[*tuple[Any, ...]], dict[str, object]]:
    """The tips of one run, and the values of its statement."""
    given: dict[str, object] = dict(zip(_NAMES, run, strict=True))
    if run[1] in UNDECIDED and due_by is not None:
        return _DUE, {**given, "due_by": due_by}
    return (_UNDECIDED if run[1] in UNDECIDED else _DECIDED), given


@cache
def _ordered(query: Select[*tuple[Any, ...]], waits: bool, side: str) -> Select[*tuple[Any, ...]]:
    """At most ``most`` of a run, next ``after`` or ``before`` a spot, its first or its ``last``.
    Each is made once: a page asks fifty, and making one anew costs more than its answer."""
    key = (DeadlineRow.due_at, DeadlineRow.tip) if waits else (TipRow.id,)
    mark = tuple_(*((bindparam("at"),) if waits else ()), bindparam("tip"))
    if side in ("after", "before"):
        query = query.where(tuple_(*key) > mark if side == "after" else tuple_(*key) < mark)
    order = [column.desc() for column in key] if side in ("before", "last") else list(key)
    return query.order_by(*order).limit(bindparam("most"))


def _next_of(
    connection: Connection,
    run: tuple[str, State, Priority],
    *,
    most: int,
    due_by: int | None = None,
    side: str = "",
    spot: Spot | None = None,
) -> Sequence[Any]:
    query, given = _run(run, due_by)
    waits = run[1] in UNDECIDED
    given["most"] = most
    if spot is not None:
        given["tip"] = spot.tip
        given |= {"at": spot.due_at} if waits else {}
    return connection.execute(_ordered(query, waits, side), given).all()


def _spots(
    connection: Connection,
    run: tuple[str, State, Priority],
    rank: int,
    due_by: int | None,
    most: int,
    after: Spot | None,
    before: Spot | None,
) -> list[Spot]:
    """At most ``most`` places of one run, next to where the page begins."""
    waits = run[1] in UNDECIDED
    spot, side = (before, "before") if before is not None else (after, "after")
    within = spot
    if spot is not None:
        here, there = (rank, *(() if waits else (_LATER,))), (spot.rank, spot.due_at)
        if here != there[: len(here)]:  # the whole run lies on one side of the spot
            if (here > there[: len(here)]) != (side == "after"):
                return []
            within = None
    if within is None:  # from the run's end that is nearest to the page
        side = "last" if side == "before" else ""
    rows = _next_of(connection, run, most=most, due_by=due_by, side=side, spot=within)
    return [Spot(rank, row.due_at if waits else _LATER, row.tip) for row in rows]


def _rows(connection: Connection, ids: list[bytes]) -> list[Listed]:
    if not ids:
        return []
    rows = connection.execute(listing().where(TipRow.id.in_(ids)))
    found = {row.id: listed(row) for row in rows}
    return [found[tip] for tip in ids if tip in found]
