"""Overdue: packages that bodies owe an answer for, raised once a stage as deadlines are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, update

from hotline.store.database import Database
from hotline.store.desk import Package, as_package
from hotline.store.outbox import put
from hotline.store.tables import PackageRow, TipRow
from hotline.store.tallies import count
from hotline.tips import Errand, State

AT_ONCE = 500  # raised in one commit; the rest with the next run


@dataclass(frozen=True, slots=True)
class Term:
    """A stage: packages of ``states`` sent before day ``before`` have come to it. ``tally`` what is
    counted when they do; ``above``: not while somebody has to look at the tip again."""

    stage: int
    states: tuple[str, ...]
    before: str
    tally: str
    above: bool


class Overdue:
    def __init__(self, database: Database) -> None:
        self._database = database

    def raise_late(self, terms: Sequence[Term], remind: Callable[[Package, int], Errand]) -> int:
        """Raises packages to the stage they have come to, the highest first, each with its errand
        in the same commit; how many were raised. Killed before the commit nothing was raised; run
        twice or by two, the second finds nothing."""
        raised = 0
        for term in terms:
            with self._database.read() as connection:
                # Looked at without the writer's lock first: nearly always there is nothing.
                found = connection.execute(_behind(term)).all()
            if found:
                late = [(as_package(row), row.stage) for row in found]
                raised += self._raise(term, terms, late, remind)
        return raised

    def _raise(
        self,
        term: Term,
        terms: Sequence[Term],
        late: Sequence[tuple[Package, int]],
        remind: Callable[[Package, int], Errand],
    ) -> int:
        errands = {package.id: remind(package, term.stage) for package, _ in late}

        def work(connection: Connection) -> int:
            moved = 0
            for package, stage in late:
                # Only from where it was seen: what moved meanwhile is looked at again.
                mine = (PackageRow.id == package.id) & (PackageRow.stage == stage)
                mine &= PackageRow.state == package.state
                done = update(PackageRow).where(mine).values(stage=term.stage)
                if connection.execute(done).rowcount != 1:
                    continue
                moved += 1
                put(connection, [errands[package.id]])
                passed = [t for t in terms if stage < t.stage <= term.stage and t.tally]
                missed = [(t.tally, 1) for t in passed if package.state in t.states]
                count(connection, package.id, missed)
            return moved

        return self._database.write(work)

    def listed(self, terms: Sequence[Term], queues: Iterable[str], most: int) -> list[Package]:
        """Packages of tips in these queues that still owe what they were raised for, the longest
        waiting first."""
        query = (
            select(PackageRow)
            .join(TipRow, TipRow.id == PackageRow.tip)
            .where(_owing(terms), TipRow.queue.in_(list(queues)))
            .order_by(PackageRow.day, PackageRow.id)
            .limit(most)
        )
        with self._database.read() as connection:
            return [as_package(row) for row in connection.execute(query)]

    def told_above(self, terms: Sequence[Term]) -> dict[str, int]:
        """By agency: packages of which the body above it was told and that still owe it."""
        query = (
            select(PackageRow.agency, func.count())
            .join(TipRow, TipRow.id == PackageRow.tip)
            .where(_owing([term for term in terms if term.above]), TipRow.state == State.FORWARDED)
            .group_by(PackageRow.agency)
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def quiet(self, packages: Iterable[bytes], stage: int) -> None:
        """These are never raised again: ``stage`` is beyond all."""
        mine = update(PackageRow).where(PackageRow.id.in_(list(packages)))
        self._database.write(lambda connection: connection.execute(mine.values(stage=stage)))


def _behind(term: Term) -> Select[Any]:
    query = select(PackageRow).where(
        PackageRow.state.in_(term.states),
        PackageRow.day < term.before,
        # One by one, so that the index passes over what was raised, however much of it there is.
        PackageRow.stage.in_(range(term.stage)),
        PackageRow.role == "lead",
    )
    if term.above:
        forwarded = (TipRow.id == PackageRow.tip) & (TipRow.state == State.FORWARDED)
        query = query.join(TipRow, forwarded)
    return query.limit(AT_ONCE)


def _owing(terms: Sequence[Term]) -> ColumnElement[bool]:
    owing = (and_(PackageRow.stage == t.stage, PackageRow.state.in_(t.states)) for t in terms)
    return or_(*owing)
