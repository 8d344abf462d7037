"""Key store: wrapped epoch seeds in a file of their own, never in the database's backups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, insert, select

from hotline.store.database import Database, own_file
from hotline.store.tables import GrantRow, KeyBase

FILE = "keys.db"


@dataclass(frozen=True, slots=True)
class Grant:
    """One month's seed of one recipient, sealed to one person. ``key``: see ``key_name``."""

    recipient: str
    epoch: str
    person: bytes
    sealed: bytes
    key: bytes = b""


class KeyStore:
    def __init__(self, folder: Path) -> None:
        own_file(folder / FILE)
        self._database = Database(f"sqlite:///{folder / FILE}")
        KeyBase.metadata.create_all(self._database.engine)

    def add(self, grants: Iterable[Grant]) -> None:
        """Adds grants; one that exists already stays as it is."""
        rows = [{name: getattr(g, name) for name in Grant.__slots__} for g in grants]
        if rows:
            statement = insert(GrantRow).prefix_with("OR IGNORE")
            self._database.write(lambda c: c.execute(statement, rows))

    def of_epoch(self, recipient: str, epoch: str, person: bytes) -> list[Grant]:
        """One grant a key: more than one after a rotation."""
        return [grant for grant in self.of(person, recipient) if grant.epoch == epoch]

    def of(self, person: bytes, recipient: str | None = None) -> list[Grant]:
        query = select(GrantRow).where(GrantRow.person == person)
        if recipient is not None:
            query = query.where(GrantRow.recipient == recipient)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Grant(row.recipient, row.epoch, row.person, row.sealed, row.key) for row in rows]

    def recipients(self, person: bytes) -> frozenset[str]:
        """The recipients whose tips this person can open."""
        with self._database.read() as connection:
            return frozenset(
                connection.execute(
                    select(GrantRow.recipient).where(GrantRow.person == person).distinct()
                ).scalars()
            )

    def members(self, recipient: str) -> frozenset[bytes]:
        with self._database.read() as connection:
            return frozenset(
                connection.execute(
                    select(GrantRow.person).where(GrantRow.recipient == recipient).distinct()
                ).scalars()
            )

    def revoke(self, person: bytes, recipient: str | None = None) -> int:
        """Deletes a person's grants. What was read before cannot be un-known."""
        statement = delete(GrantRow).where(GrantRow.person == person)
        if recipient is not None:
            statement = statement.where(GrantRow.recipient == recipient)
        count: int = self._database.write(lambda c: c.execute(statement).rowcount)
        self._database.wipe_journal()
        return count

    def destroy(self, recipient: str, epoch: str) -> int:
        """Ends an epoch: nobody opens its tips any more, in any backup."""
        statement = delete(GrantRow).where(GrantRow.recipient == recipient, GrantRow.epoch == epoch)
        count: int = self._database.write(lambda c: c.execute(statement).rowcount)
        self._database.wipe_journal()
        return count

    def close(self) -> None:
        self._database.close()
