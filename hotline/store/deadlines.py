"""Deadlines at rest: what is late, and how far that was raised, once for each stage."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, update

from hotline.store.database import Database
from hotline.store.outbox import put
from hotline.store.tables import ClaimRow, DeadlineRow
from hotline.tips import Errand, Priority, State

LEAST_LONG = 15  # minutes: a desk that takes five minutes for P0 is slow, not gone
AT_ONCE = 500  # raised in one commit; the rest a minute later


class Stage(IntEnum):
    """LATE: past its deadline. LONG: as long again as the whole term, at least 15 minutes."""

    NONE = 0
    LATE = 1
    LONG = 2


def long_minutes(priority: Priority) -> int:
    """How late a tip of this priority is when the line is not as it should be."""
    return max(priority.minutes, LEAST_LONG)


def near_minutes(priority: Priority) -> int:
    """How long before its deadline a tip is shown as nearly late: a quarter of its term."""
    return priority.minutes // 4


# What is raised: not what is still being told, which lapses at its deadline and waits from then on.
_WAITING = DeadlineRow.state == State.WAITING


class Deadlines:
    def __init__(self, database: Database) -> None:
        self._database = database

    def standing(self, queues: Iterable[str], now: int) -> dict[str, tuple[int, int]]:
        """By queue: undecided tips past their deadline and those near it; queues with neither
        are left out."""
        minutes = {p: near_minutes(p) * 60 for p in Priority}
        ahead = case(minutes, value=DeadlineRow.priority)
        late = case((DeadlineRow.due_at <= now, 1), else_=0)
        with self._database.read() as connection:
            rows = connection.execute(
                select(DeadlineRow.queue, func.sum(late), func.count())
                .where(
                    DeadlineRow.due_at <= now + max(minutes.values()),
                    DeadlineRow.due_at - ahead <= now,
                    DeadlineRow.queue.in_(list(queues)),
                )
                .group_by(DeadlineRow.queue)
            ).all()
        return {row[0]: (int(row[1]), int(row[2]) - int(row[1])) for row in rows}

    def long_late(self, now: int) -> dict[str, int]:
        """By queue: tips whose lateness is beyond the limit."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(DeadlineRow.queue, func.count())
                .where(DeadlineRow.due_at <= now, _past_limit(now))
                .group_by(DeadlineRow.queue)
            ).all()
        return {row[0]: row[1] for row in rows}

    def unattended(self, now: int, priorities: Iterable[Priority]) -> set[str]:
        """Queues with a waiting tip past its deadline on which nobody has a lease."""
        with self._database.read() as connection:
            found = connection.execute(
                select(DeadlineRow.queue)
                .distinct()
                .outerjoin(ClaimRow, and_(ClaimRow.tip == DeadlineRow.tip, ClaimRow.until > now))
                .where(
                    DeadlineRow.due_at <= now,
                    DeadlineRow.priority.in_(list(priorities)),
                    ClaimRow.tip.is_(None),
                    _WAITING,
                )
            ).scalars()
            return set(found)

    def raise_late(self, now: int, urgent: Iterable[Priority], errand: Errand) -> int:
        """Raises waiting tips to the stage they have come to; how many were raised. With one of an
        ``urgent`` priority among them the errand is put in the same commit: killed before it,
        nothing was raised; run twice or by two, the second finds nothing to raise."""
        with self._database.read() as connection:
            # Looked at without the writer's lock first: nearly always there is nothing.
            found = connection.execute(_behind(now)).all()
        if not found:
            return 0
        wanted = frozenset(urgent)

        def work(connection: Connection) -> int:
            raised = [row for row in found if _raised(connection, row.tip, row.come)]
            if any(row.priority in wanted for row in raised):
                put(connection, [errand])
            return len(raised)

        return self._database.write(work)


def _past_limit(now: int) -> ColumnElement[bool]:
    return or_(
        *(
            and_(DeadlineRow.priority == p, DeadlineRow.due_at <= now - long_minutes(p) * 60)
            for p in Priority
        )
    )


def _behind(now: int) -> Select[*tuple[Any, ...]]:
    come = case((_past_limit(now), int(Stage.LONG)), else_=int(Stage.LATE))
    return (
        select(DeadlineRow.tip, DeadlineRow.priority, come.label("come"))
        .where(DeadlineRow.due_at <= now, DeadlineRow.stage < come, _WAITING)
        .limit(AT_ONCE)
    )


def _raised(connection: Connection, tip: bytes, stage: int) -> bool:
    mine = update(DeadlineRow).where(DeadlineRow.tip == tip, DeadlineRow.stage < stage)
    return connection.execute(mine.values(stage=stage)).rowcount == 1
