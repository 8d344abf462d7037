"""Tallies: what became of packages, counted by queue, agency and month in the commit it happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from hotline.store.database import Database
from hotline.store.tables import PackageRow, TallyRow, TipRow


@dataclass(frozen=True, slots=True)
class Tally:
    agency: str
    month: str
    what: str
    count: int


def count(connection: Connection, package: bytes, what: Iterable[tuple[str, int]]) -> None:
    """Adds to the tallies of a package's queue, agency and month: ``(what, how many)`` each. Of a
    package whose tip is gone nothing is counted any more."""
    found = connection.execute(
        select(TipRow.queue, PackageRow.agency, PackageRow.day)
        .join(TipRow, TipRow.id == PackageRow.tip)
        .where(PackageRow.id == package)
    ).first()
    if found is None:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # In one order for everybody, so that two commits never wait for each other.
    for name, number in sorted(what):
        row = {"queue": found.queue, "agency": found.agency, "month": found.day[:7], "what": name}
        statement = dialect.insert(TallyRow).values(**row, count=number)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[TallyRow.queue, TallyRow.agency, TallyRow.month, TallyRow.what],
                set_={"count": TallyRow.count + number},
            )
        )


class Tallies:
    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, since: str, queues: Iterable[str] | None, agency: str = "") -> list[Tally]:
        """Counts of packages sent from month ``since`` on, of these queues together (None: of
        all), of one agency or of all."""
        query = select(TallyRow.agency, TallyRow.month, TallyRow.what, TallyRow.count)
        query = query.where(TallyRow.month >= since)
        if queues is not None:
            query = query.where(TallyRow.queue.in_(list(queues)))
        if agency:
            query = query.where(TallyRow.agency == agency)
        with self._database.read() as connection:
            return [Tally(*row) for row in connection.execute(query)]
