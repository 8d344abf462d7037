"""Outbox: side effects committed with their cause, claimed by one worker at a time."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, insert, select, update

from hotline.store.database import Database
from hotline.store.tables import OutboxRow
from hotline.tips import Errand

LEASE_SECONDS = 120


def put(connection: Connection, errands: Iterable[Errand]) -> None:
    """Adds errands to the running transaction."""
    for errand in errands:
        connection.execute(
            insert(OutboxRow).values(
                id=errand.id,
                kind=errand.kind,
                subject=errand.subject,
                epoch=errand.epoch,
                payload=errand.payload,
                urgent=errand.urgent,
                state="ready",
                attempts=0,
                due_at=errand.due_at,
                problem="",
            )
        )


class Outbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *errands: Errand) -> None:
        self._database.write(lambda connection: put(connection, errands))

    def ready(self, now: float, most: int = 100) -> list[bytes]:
        """Ids that may be done now: ready and due, or running with an expired lease."""
        with self._database.read() as connection:
            return list(
                connection.execute(
                    select(OutboxRow.id)
                    .where(OutboxRow.state.in_(("ready", "running")), OutboxRow.due_at <= now)
                    .order_by(OutboxRow.urgent.desc(), OutboxRow.due_at)
                    .limit(most)
                ).scalars()
            )

    def ready_urgent(self, now: float, most: int = 100) -> list[tuple[bytes, bool]]:
        """As ``ready``, each with whether it is urgent."""
        ids = self.ready(now, most)
        query = select(OutboxRow.id, OutboxRow.urgent).where(OutboxRow.id.in_(ids))
        with self._database.read() as connection:
            return [(row.id, row.urgent) for row in connection.execute(query)]

    def claim(self, identity: bytes, now: float) -> tuple[Errand, int] | None:
        """The errand and its number of attempts before this one, or None when somebody else has
        it or it is done. The lease outlives a killed worker by two minutes."""

        def work(connection: Connection) -> tuple[Errand, int] | None:
            free = (
                select(OutboxRow.id)
                .where(
                    OutboxRow.id == identity,
                    OutboxRow.state.in_(("ready", "running")),
                    OutboxRow.due_at <= now,
                )
                .with_for_update(skip_locked=True)
            )
            row = connection.execute(
                update(OutboxRow)
                .where(OutboxRow.id.in_(free))
                .values(
                    state="running",
                    attempts=OutboxRow.attempts + 1,
                    due_at=int(now) + LEASE_SECONDS,
                )
                .returning(OutboxRow)
            ).first()
            if row is None:
                return None
            errand = Errand(row.id, row.kind, row.subject, row.epoch, row.payload, row.urgent)
            return errand, row.attempts - 1

        return self._database.write(work)

    def done(self, identity: bytes, *more: Errand) -> None:
        """Deletes the row and adds what follows from it, in one commit."""

        def work(connection: Connection) -> None:
            connection.execute(delete(OutboxRow).where(OutboxRow.id == identity))
            put(connection, more)

        self._database.write(work)

    def again(self, identity: bytes, at: float, problem: str) -> None:
        """To be tried again at ``at`` (seconds since 1970). ``problem`` is a code of ours."""
        self._set(identity, state="ready", due_at=int(at), problem=problem)

    def bury(self, identity: bytes, problem: str) -> None:
        """Given up: stays, with an alarm, until a person retries it."""
        self._set(identity, state="buried", problem=problem)

    def retry(self, identity: bytes) -> None:
        self._set(identity, state="ready", attempts=0, due_at=0)

    def _set(self, identity: bytes, **values: object) -> None:
        self._database.write(
            lambda connection: connection.execute(
                update(OutboxRow).where(OutboxRow.id == identity).values(**values)
            )
        )

    def counts(self) -> dict[tuple[str, str], int]:
        """Rows by (kind, state)."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow.kind, OutboxRow.state, func.count()).group_by(
                    OutboxRow.kind, OutboxRow.state
                )
            ).all()
        return {(row[0], row[1]): row[2] for row in rows}

    def buried(self) -> list[tuple[bytes, str, str]]:
        """``(id, kind, problem)`` of what was given up."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow.id, OutboxRow.kind, OutboxRow.problem).where(
                    OutboxRow.state == "buried"
                )
            ).all()
        return [(row.id, row.kind, row.problem) for row in rows]
