"""Audit at rest: content-free records, put in order by one sequencer, and their signed heads."""

from __future__ import annotations

import json
import secrets

from sqlalchemy import Connection, func, insert, select, update

from hotline.store.database import Database
from hotline.store.tables import AuditRow, HeadRow


def note(connection: Connection, event: str, **fields: str) -> None:
    """Writes a record in the transaction it belongs to. ``fields`` hold ids and codes only."""
    identity = secrets.token_bytes(16)
    # The random id is in the record too: equal events give different leaves, and whoever knows
    # what happened cannot recompute a leaf.
    record = json.dumps(
        {"event": event, "id": identity.hex(), **fields}, sort_keys=True, separators=(",", ":")
    )
    connection.execute(insert(AuditRow).values(id=identity, event=event, record=record))


class AuditLog:
    """The ordered records and the heads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, event: str, **fields: str) -> None:
        """A record of its own transaction: for reading, which changes nothing else."""
        self._database.write(lambda connection: note(connection, event, **fields))

    def sequence(self) -> int:
        """Gives every waiting record its place; returns the size of the tree. One caller only."""

        def work(connection: Connection) -> int:
            size = connection.execute(select(func.max(AuditRow.position))).scalar()
            size = -1 if size is None else size
            waiting = connection.execute(
                select(AuditRow.id).where(AuditRow.position.is_(None)).limit(5000)
            ).scalars()
            for identity in list(waiting):
                size += 1
                connection.execute(
                    update(AuditRow).where(AuditRow.id == identity).values(position=size)
                )
            return size + 1

        return self._database.write(work)

    def records(self, start: int = 0) -> list[str]:
        """Sequenced records from ``start``, in order."""
        with self._database.read() as connection:
            return list(
                connection.execute(
                    select(AuditRow.record)
                    .where(AuditRow.position >= start)
                    .order_by(AuditRow.position)
                ).scalars()
            )

    def waiting(self) -> int:
        """How many records have no place yet."""
        with self._database.read() as connection:
            query = select(func.count()).select_from(AuditRow).where(AuditRow.position.is_(None))
            return connection.execute(query).scalar_one()

    def count(self, event: str) -> int:
        with self._database.read() as connection:
            query = select(func.count()).select_from(AuditRow).where(AuditRow.event == event)
            return connection.execute(query).scalar_one()

    def head(self) -> tuple[int, str] | None:
        """Size and signed note of the newest checkpoint."""
        with self._database.read() as connection:
            row = connection.execute(
                select(HeadRow.size, HeadRow.note).order_by(HeadRow.size.desc()).limit(1)
            ).first()
        return (row.size, row.note) if row else None

    def sign(self, size: int, signed: str) -> None:
        self._database.write(
            lambda connection: connection.execute(insert(HeadRow).values(size=size, note=signed))
        )
