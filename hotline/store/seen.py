"""Seen at rest: signs that messages were read; nothing at rest joins one to a tip or receipt."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from hotline.store.database import Database
from hotline.store.tables import SeenRow

SIGN_BYTES = 16

# Without a conflict target PostgreSQL asks for no SELECT, which intake's role does not have here.
_INSERT = {
    "postgresql": postgresql.insert(SeenRow).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(SeenRow).on_conflict_do_nothing(),
}


class Seen:
    """The signs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, signs: Sequence[bytes]) -> None:
        """Keeps signs; one that is there already stays as it is."""

        def work(connection: Connection) -> None:
            rows = [{"id": sign} for sign in signs]
            connection.execute(_INSERT[connection.dialect.name], rows)

        self._database.write(work)

    def opened(self, sign: bytes) -> None:
        """A receipt was opened: keeps the sign of its newest message, if it has one, among noise.
        Always two rows and one commit, and one of them is always new, so that neither the rows
        nor the time tell whether there was a message, or whether it was read before."""
        self.add((sign or secrets.token_bytes(SIGN_BYTES), secrets.token_bytes(SIGN_BYTES)))

    def among(self, signs: Iterable[bytes]) -> frozenset[bytes]:
        """Those of these signs that were given before the last settling. What came since is told
        to nobody: a page loaded again and again would tell when somebody read, to the minute, and
        phone companies know who was connected then."""
        wanted = list(signs)
        if not wanted:
            return frozenset()
        with self._database.read() as connection:
            rows = connection.execute(
                select(SeenRow.id).where(SeenRow.id.in_(wanted), SeenRow.month != "")
            )
            return frozenset(row.id for row in rows)

    def settle(self, month: str, oldest: str) -> int:
        """Writes what came since the last time anew, in one commit and in the order of the ids,
        and deletes signs of months before ``oldest``; how many were written."""

        def work(connection: Connection) -> int:
            fresh = connection.execute(
                delete(SeenRow).where(SeenRow.month == "").returning(SeenRow.id)
            ).all()
            if fresh:
                rows = [{"id": sign, "month": month} for sign in sorted(row.id for row in fresh)]
                connection.execute(insert(SeenRow), rows)
            connection.execute(delete(SeenRow).where(SeenRow.month < oldest, SeenRow.month != ""))
            return len(fresh)

        return self._database.write(work)
