"""Snapshot: every row of a database at one instant, and the way back into an empty one.

One export for both engines, through the driver the line runs on: PostgreSQL's own client would
have to be installed in the server's version beside the staff process and be given the password;
SQLite's copy would put a second database on the disk. Rows are streamed, so nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, MetaData, Result, delete, insert, literal, select

from hotline.errors import HotlineError
from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import Meta

# What must not outlive its hours or come back: marks are of 48 h and handover notes of 24, and a
# session, an invitation, a lease or an approval that ended or was spent since would be alive again.
LEFT_OUT = frozenset(
    {"marks", "sessions", "claims", "invitations", "requests", "presences", "handovers"}
)
_SCHEMA = "alembic_version"  # said once, in the manifest
_AT_ONCE = 100  # rows held in memory; some are pictures of megabytes

RESTORED = "restored"  # the fact that names the copy a database came from

Row = tuple[Any, ...]
T = TypeVar("T")


class OtherSchema(HotlineError):
    """A table of the backup is not in the schema it says it has."""

    code = "other_schema"
    message = "What the backup holds does not fit its own schema."
    hint = "Restore it with the version of the program that made it, then upgrade."


class NewerSchema(HotlineError):
    """A schema that only a newer program knows."""

    code = "newer_schema"
    message = "This program does not know the schema that is asked for."
    hint = "Use the version of the program that wrote it, or a newer one."


class Snapshot:
    """One read transaction: what was committed before it began, and nothing after."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: Result[Any] | None = None
        metadata = MetaData()
        metadata.reflect(connection)
        self._tables = {t.name: t for t in metadata.sorted_tables}

    def tables(self) -> dict[str, list[str]]:
        """Every table that belongs into a backup, with its columns."""
        return {
            name: [column.name for column in table.columns]
            for name, table in sorted(self._tables.items())
            if name not in LEFT_OUT and name != _SCHEMA
        }

    def rows(self, name: str) -> Iterator[Row]:
        """In the order of their random ids, so that a copy does not even keep the order of
        arrival; the audit in its own order, what has no place yet last."""
        table = self._tables[name]
        every = select(table).execution_options(yield_per=_AT_ONCE)
        keys = table.primary_key.columns
        if "position" in table.columns:
            # Two questions, each in the order of an index: nothing is sorted in memory.
            place = table.columns["position"]
            queries = [
                every.where(place.is_not(None)).order_by(place),
                every.where(place.is_(None)).order_by(*keys),
            ]
        else:
            queries = [every.order_by(*keys)]
        for query in queries:
            # Closed by whoever opened the snapshot: a reader that gives up leaves no cursor behind.
            self._open = self._connection.execute(query)
            for row in self._open:
                yield tuple(row)

    def has_rows(self, name: str) -> bool:
        query = select(literal(1)).select_from(self._tables[name]).limit(1)
        return self._connection.execute(query).scalar() is not None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()


@contextmanager
def snapshot(database: Database) -> Iterator[Snapshot]:
    """On SQLite a read transaction sees one state of the WAL for as long as it lasts, on
    PostgreSQL REPEATABLE READ does. Writers wait for nothing; until the end neither engine can
    reuse what they replace. Raises DatabaseUnavailable."""
    with database.read() as connection:
        if not database.sqlite:
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        held = Snapshot(connection)
        try:
            yield held
        finally:
            held.close()


def is_empty(database: Database) -> bool:
    """Whether there is no row in any table: an empty database, or one with a bare schema."""
    with snapshot(database) as held:
        return not any(map(held.has_rows, held.tables()))


class Loader:
    """The way back: one transaction, kept only when everything in it went well."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = MetaData()
        self._tables.reflect(connection)

    def table(self, name: str, columns: list[str], rows: Iterable[Row]) -> None:
        """Puts rows into a table that the schema has. Raises OtherSchema."""
        table = self._tables.tables.get(name)
        if table is None or [column.name for column in table.columns] != columns:
            raise OtherSchema
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(dict(zip(columns, row, strict=True)))
            if len(batch) == _AT_ONCE:
                self._connection.execute(insert(table), batch)
                batch = []
        if batch:
            self._connection.execute(insert(table), batch)

    def came_from(self, file: str) -> None:
        """Says in the database and in its audit which copy it was restored from."""
        self._connection.execute(delete(Meta).where(Meta.name == RESTORED))
        self._connection.execute(insert(Meta).values(name=RESTORED, value=file))
        note(self._connection, "restored", file=file)


def load(database: Database, work: Callable[[Loader], T]) -> T:
    """Runs ``work`` in one durable transaction. Raises whatever it raises; then nothing is kept."""
    return database.write(lambda connection: work(Loader(connection)))
