"""Shift: what a desk keeps for hours: who is at a tip, notes to the next shift, own settings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import HandoverRow, PreferenceRow, PresenceRow


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody with a tip before them, until seconds since 1970."""

    person: bytes
    editing: bool
    until: int


@dataclass(frozen=True, slots=True)
class Handover:
    """A sealed note to the next shift of a queue; gone after ``until``, seconds since 1970."""

    id: bytes
    queue: str
    epoch: str
    until: int
    sealed: bytes


class Shift:
    def __init__(self, database: Database) -> None:
        self._database = database

    def here(self, tip: bytes, one: Present, now: int) -> None:
        """Says that somebody is at a tip; who left is forgotten in the same commit."""

        def work(connection: Connection) -> None:
            connection.execute(delete(PresenceRow).where(PresenceRow.until <= now))
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(PresenceRow).values(
                tip=tip, person=one.person, editing=one.editing, until=one.until
            )
            kept = {"editing": statement.excluded.editing, "until": statement.excluded.until}
            key = [PresenceRow.tip, PresenceRow.person]
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=kept))

        self._database.write(work)

    def gone(self, person: bytes, tip: bytes | None = None) -> None:
        """Somebody left a tip, or all of them."""
        mine = delete(PresenceRow).where(PresenceRow.person == person)
        mine = mine if tip is None else mine.where(PresenceRow.tip == tip)
        self._database.write(lambda connection: connection.execute(mine))

    def present(self, tip: bytes, now: int) -> list[Present]:
        query = select(PresenceRow).where(PresenceRow.tip == tip, PresenceRow.until > now)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(PresenceRow.person)).all()
        return [Present(row.person, row.editing, row.until) for row in rows]

    def hand_over(self, one: Handover, by: bytes) -> None:
        """Keeps a note."""

        def work(connection: Connection) -> None:
            values = {name: getattr(one, name) for name in Handover.__slots__}
            connection.execute(insert(HandoverRow).values(**values))
            note(connection, "handover_written", by=by.hex(), queue=one.queue)

        self._database.write(work)

    def handovers(self, queues: list[str], now: int) -> list[Handover]:
        """What these queues were told, what ends first first."""
        query = select(HandoverRow).where(HandoverRow.queue.in_(queues), HandoverRow.until > now)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(HandoverRow.until, HandoverRow.id)).all()
        return [Handover(r.id, r.queue, r.epoch, r.until, r.sealed) for r in rows]

    def end_handover(self, one: Handover, by: bytes) -> None:
        """A note was read by those who had to: it is deleted."""

        def work(connection: Connection) -> None:
            mine = delete(HandoverRow).where(HandoverRow.id == one.id)
            if connection.execute(mine).rowcount:
                note(connection, "handover_ended", by=by.hex(), queue=one.queue)

        self._database.write(work)
        self._database.wipe_journal()

    def forget(self, now: int) -> int:
        """Deletes presences and notes whose time is over; how many."""

        def work(connection: Connection) -> int:
            gone = connection.execute(delete(PresenceRow).where(PresenceRow.until <= now)).rowcount
            return (
                gone
                + connection.execute(delete(HandoverRow).where(HandoverRow.until <= now)).rowcount
            )

        return self._database.write(work)

    def settings(self, person: bytes, name: str) -> list[str]:
        """What somebody set under a name: ``view`` or ``holds``."""
        mine = (PreferenceRow.person == person, PreferenceRow.name == name)
        query = select(PreferenceRow.value).where(*mine).order_by(PreferenceRow.value)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def set(self, person: bytes, name: str, values: list[str]) -> None:
        """Replaces what somebody set under a name."""

        def work(connection: Connection) -> None:
            mine = (PreferenceRow.person == person, PreferenceRow.name == name)
            connection.execute(delete(PreferenceRow).where(*mine))
            rows = [{"person": person, "name": name, "value": value} for value in values]
            if rows:
                connection.execute(insert(PreferenceRow), rows)

        self._database.write(work)
