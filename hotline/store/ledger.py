"""Ledger at rest: what the records say came and went, beside what the tables hold.

The records of arrival are leaves of the audit tree: whoever deletes a tip's rows leaves its record,
and whoever deletes that too breaks a signed head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from hotline.store.database import Database
from hotline.store.tables import AuditRow, TipRow

RECEIVED, SHREDDED = "received", "shredded"
PAGE = 5000
_SOME = 500  # ids in one question; SQLite takes no more than a few thousand
_TIP, _MONTH = '"tip":"', '"month":"'


class Ledger:
    """All answers of one object are of one instant: a tip that comes meanwhile is in both or in
    neither. Use ``of``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @staticmethod
    @contextmanager
    def of(database: Database) -> Iterator[Ledger]:
        with database.snapshot() as connection:
            yield Ledger(connection)

    def size(self) -> int:
        """How many records have a place in the tree."""
        top = self._connection.execute(select(func.max(AuditRow.position))).scalar()
        return 0 if top is None else top + 1

    def told(self, event: str, since: int = 0) -> int:
        """Records of an event from the place ``since`` on, those without a place too."""
        return int(self._connection.execute(_records(event, since, func.count())).scalar_one())

    def unplaced(self, event: str) -> int:
        """Records of an event that wait for their place."""
        query = select(func.count()).where(AuditRow.event == event, AuditRow.position.is_(None))
        return self._connection.execute(query).scalar_one()

    def named(self, event: str, since: int = 0) -> Iterator[tuple[bytes, str]]:
        """The tip and month (empty where the record has none) of each such record."""
        query = _records(event, since, AuditRow.record)
        options = {"yield_per": PAGE}
        for record in self._connection.execute(query, execution_options=options).scalars():
            yield bytes.fromhex(_after(record, _TIP, 32)), _after(record, _MONTH, 7)

    def states(self) -> dict[str, int]:
        """Tips by state: one pass over an index."""
        rows = self._connection.execute(select(TipRow.state, func.count()).group_by(TipRow.state))
        return {row[0]: row[1] for row in rows}

    def queues(self) -> dict[tuple[str, str], int]:
        """Tips by (queue, state)."""
        query = select(TipRow.queue, TipRow.state, func.count())
        rows = self._connection.execute(query.group_by(TipRow.queue, TipRow.state))
        return {(row[0], row[1]): row[2] for row in rows}

    def tips(self) -> Iterator[tuple[bytes, str, str]]:
        """Id, month and state of every tip."""
        query = select(TipRow.id, TipRow.month, TipRow.state)
        for row in self._connection.execute(query, execution_options={"yield_per": PAGE}):
            yield row[0], row[1], row[2]

    def there(self, tips: Iterable[bytes]) -> set[bytes]:
        """Those of these tips that have a row."""
        wanted, found = list(tips), set[bytes]()
        for at in range(0, len(wanted), _SOME):
            query = select(TipRow.id).where(TipRow.id.in_(wanted[at : at + _SOME]))
            found.update(self._connection.execute(query).scalars())
        return found


def _records(event: str, since: int, what: Any) -> Select[Any]:
    query = select(what).where(AuditRow.event == event)
    if since:
        # By place and not by event: what came since is little, what ever came is not.
        query = query.where(or_(AuditRow.position >= since, AuditRow.position.is_(None)))
    return query


def _after(record: str, key: str, length: int) -> str:
    """No value of a record holds a quotation mark, so this is what a parser would find."""
    at = record.find(key)
    return "" if at < 0 else record[at + len(key) : at + len(key) + length]
