"""Facts: short texts that the line remembers about itself, changed by one process at a time."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from hotline.store.database import AlreadyThere, Database
from hotline.store.tables import Meta


def put(connection: Connection, name: str, value: str) -> None:
    """Writes a fact in the transaction it belongs to, over whatever it was."""
    mine = update(Meta).where(Meta.name == name).values(value=value)
    if not connection.execute(mine).rowcount:
        connection.execute(insert(Meta).values(name=name, value=value))


class Facts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str:
        """The fact, or an empty text."""
        with self._database.read() as connection:
            query = select(Meta.value).where(Meta.name == name)
            return connection.execute(query).scalar() or ""

    def swap(self, name: str, old: str, new: str) -> bool:
        """Replaces ``old`` (empty: none) by ``new``; False when another process was faster."""

        def work(connection: Connection) -> bool:
            if not old:
                connection.execute(insert(Meta).values(name=name, value=new))
                return True
            mine = update(Meta).where(Meta.name == name, Meta.value == old)
            return bool(connection.execute(mine.values(value=new)).rowcount)

        try:
            return self._database.write(work)
        except AlreadyThere:
            return False
