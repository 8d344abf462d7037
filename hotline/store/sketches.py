"""Sketches at rest: one sealed row a tip, of one size; gone with the tip, or with its queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hotline.store.database import Database, Transaction
from hotline.store.tables import SketchRow


@dataclass(frozen=True, slots=True)
class Sketched:
    """A sketch as it lies: sealed under the key of ``recipient``'s month ``epoch``."""

    tip: bytes
    recipient: str
    epoch: str
    sealed: bytes


Renew = Callable[[Sketched | None], Sketched | None]


class Sketches:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tip: bytes) -> Sketched | None:
        with self._database.read() as connection:
            row = connection.execute(select(SketchRow).where(SketchRow.tip == tip)).first()
        return Sketched(row.tip, row.recipient, row.epoch, row.sealed) if row else None

    def newest(self, recipient: str, epochs: Iterable[str], most: int) -> list[Sketched]:
        """Of a queue's months, the newest first, at most ``most``: of a month that is too large a
        random part, for its rows lie in the order of random ids."""
        found: list[Sketched] = []
        query = select(SketchRow.tip, SketchRow.sealed).where(SketchRow.recipient == recipient)
        with self._database.read() as connection:
            for epoch in sorted(epochs, reverse=True):
                wanted = query.where(SketchRow.epoch == epoch).limit(most - len(found))
                rows = connection.execute(wanted)
                found += [Sketched(tip, recipient, epoch, sealed) for tip, sealed in rows]
                if len(found) >= most:
                    break
        return found

    def of_month(self, recipient: str, epoch: str, after: bytes, most: int) -> list[Sketched]:
        """By rising tip, beginning behind ``after``."""
        query = (
            select(SketchRow)
            .where(SketchRow.recipient == recipient, SketchRow.epoch == epoch)
            .where(SketchRow.tip > after)
            .order_by(SketchRow.tip)
            .limit(most)
        )
        with self._database.read() as connection:
            rows = connection.execute(query)
            return [Sketched(row.tip, row.recipient, row.epoch, row.sealed) for row in rows]

    def renew(self, tip: bytes, fresh: Renew) -> None:
        """Puts what ``fresh`` makes of the row in its place, in a commit of its own."""
        self._database.write(lambda connection: renew(connection, tip, fresh))

    def replace(self, old: Sketched, sealed: bytes) -> bool:
        """Other bytes for the same row, if it still stands as ``old``."""
        mine = update(SketchRow).where(SketchRow.tip == old.tip, SketchRow.sealed == old.sealed)
        changed: int = self._database.write(
            lambda connection: connection.execute(mine.values(sealed=sealed)).rowcount
        )
        return bool(changed)


def renew(connection: Transaction, tip: bytes, fresh: Renew) -> None:
    """As ``Sketches.renew``, in a transaction that does more. Nobody else changes the row in
    between: SQLite has one writer, PostgreSQL locks it."""
    row = connection.execute(
        select(SketchRow).where(SketchRow.tip == tip).with_for_update()
    ).first()
    made = fresh(Sketched(row.tip, row.recipient, row.epoch, row.sealed) if row else None)
    if made is None:
        return
    if row is not None and (row.recipient, row.epoch) != (made.recipient, made.epoch):
        connection.execute(delete(SketchRow).where(SketchRow.tip == tip))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {name: getattr(made, name) for name in Sketched.__slots__}
    put = dialect.insert(SketchRow).values(**values)
    key = [SketchRow.recipient, SketchRow.epoch, SketchRow.tip]
    connection.execute(
        put.on_conflict_do_update(index_elements=key, set_={"sealed": put.excluded.sealed})
    )
