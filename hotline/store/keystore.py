"""Key store: wrapped epoch seeds in a file of their own, never in the database's backups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, tuple_

from hotline.store.database import Database, own_file
from hotline.store.tables import ErasedRow, GrantRow, KeyBase, RecoveryRow

FILE = "keys.db"
GRANTS = GrantRow.__tablename__
# Whom the seeds on the custodians' sheets are sealed to. Nobody who signs in has this id, and
# nobody is counted under it: a recipient with this holder alone has no members.
RECOVERY = b"hotline/recovery"


@dataclass(frozen=True, slots=True)
class Grant:
    """One month's seed of one recipient, sealed to one person. ``key``: see ``key_name``."""

    recipient: str
    epoch: str
    person: bytes
    sealed: bytes
    key: bytes = b""


def key_database(folder: Path) -> Database:
    """The key store's own database, made when it is not there."""
    own_file(folder / FILE)
    database = Database(f"sqlite:///{folder / FILE}")
    database.create(KeyBase.metadata)
    return database


def key_names(database: Database) -> frozenset[tuple[str, str, bytes]]:
    """(recipient, epoch, name) of every key somebody holds."""
    query = select(GrantRow.recipient, GrantRow.epoch, GrantRow.key).distinct()
    with database.read() as connection:
        return frozenset((row[0], row[1], row[2]) for row in connection.execute(query))


class KeyStore:
    def __init__(self, folder: Path) -> None:
        self._database = key_database(folder)

    def add(self, grants: Iterable[Grant]) -> None:
        """Adds grants; one that exists already stays as it is."""
        rows = _rows(grants)
        if rows:
            statement = insert(GrantRow).prefix_with("OR IGNORE")
            self._database.write(lambda c: c.execute(statement, rows))

    def recovery(self) -> bytes:
        """The signed record of the recovery key, or nothing."""
        with self._database.read() as connection:
            return connection.execute(select(RecoveryRow.record)).scalar() or b""

    def renew_recovery(self, record: bytes, grants: Iterable[Grant]) -> None:
        """Another recovery key with all that is sealed to it, in one commit; what was sealed to
        the former one is gone."""
        rows = _rows(grants)

        def work(connection: Connection) -> None:
            connection.execute(delete(GrantRow).where(GrantRow.person == RECOVERY))
            connection.execute(delete(RecoveryRow))
            connection.execute(insert(RecoveryRow).values(record=record))
            if rows:
                connection.execute(insert(GrantRow), rows)

        self._database.write(work)
        self._database.wipe_journal()

    def held(self, person: bytes | None = None) -> frozenset[tuple[str, str, bytes]]:
        """Recipient, month and key name of all that is sealed to a person, or to anybody."""
        query = select(GrantRow.recipient, GrantRow.epoch, GrantRow.key).distinct()
        if person is not None:
            query = query.where(GrantRow.person == person)
        with self._database.read() as connection:
            return frozenset((r.recipient, r.epoch, r.key) for r in connection.execute(query))

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

    def months(self) -> frozenset[tuple[str, str]]:
        """Every recipient and month that somebody can still open: not destroyed."""
        with self._database.read() as connection:
            rows = connection.execute(select(GrantRow.recipient, GrantRow.epoch).distinct()).all()
        return frozenset((row.recipient, row.epoch) for row in rows)

    def members(self, recipient: str) -> frozenset[bytes]:
        """People, and never the sheets."""
        query = select(GrantRow.person).where(GrantRow.recipient == recipient).distinct()
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars()) - {RECOVERY}

    def revoke(self, person: bytes, recipient: str | None = None) -> int:
        """Deletes a person's grants. What was read before cannot be un-known."""
        statement = delete(GrantRow).where(GrantRow.person == person)
        if recipient is not None:
            statement = statement.where(GrantRow.recipient == recipient)
        count: int = self._database.write(lambda c: c.execute(statement).rowcount)
        self._database.wipe_journal()
        return count

    def destroy(self, recipient: str, epoch: str) -> int:
        """Ends an epoch, whoever holds it: nobody opens its tips any more, in any backup."""
        return self.destroy_all([(recipient, epoch)])

    def destroy_all(self, epochs: Iterable[tuple[str, str]]) -> int:
        """Ends months of recipients, all at once."""
        mine = tuple_(GrantRow.recipient, GrantRow.epoch).in_(list(epochs))
        count: int = self._database.write(
            lambda c: c.execute(delete(GrantRow).where(mine)).rowcount
        )
        self._database.wipe_journal()
        return count

    def epochs(self) -> frozenset[tuple[str, str]]:
        """Every recipient's month for which somebody holds a seed."""
        query = select(GrantRow.recipient, GrantRow.epoch).distinct()
        with self._database.read() as connection:
            return frozenset((row.recipient, row.epoch) for row in connection.execute(query))

    def erase(self, ids: Iterable[bytes], month: str) -> None:
        """Writes down what two people had erased in ``month``: see ``ErasedRow``."""
        rows = [{"id": one, "month": month} for one in ids]
        statement = insert(ErasedRow).prefix_with("OR IGNORE")
        self._database.write(lambda c: c.execute(statement, rows))

    def spare(self, ids: Iterable[bytes]) -> None:
        """Takes that back."""
        mine = delete(ErasedRow).where(ErasedRow.id.in_(list(ids)))
        self._database.write(lambda c: c.execute(mine))

    def erased(self) -> list[bytes]:
        with self._database.read() as connection:
            return list(connection.execute(select(ErasedRow.id)).scalars())

    def tidy(self, before: str) -> bool:
        """Forgets what was erased in months before ``before``, and overwrites what was deleted,
        also by a process that was killed before it could."""
        over = delete(ErasedRow).where(ErasedRow.month < before)
        self._database.write(lambda c: c.execute(over))
        return self._database.wipe_journal()

    def close(self) -> None:
        self._database.close()


def _rows(grants: Iterable[Grant]) -> list[dict[str, object]]:
    return [{name: getattr(g, name) for name in Grant.__slots__} for g in grants]
