"""Alarms at rest: unusual reading that a security officer must look at, and working hours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from hotline.store.audit import note
from hotline.store.database import AlreadyThere, Database
from hotline.store.outbox import put
from hotline.store.tables import AlarmRow, HoursRow
from hotline.tips import Errand

NEW, ACKNOWLEDGED = "new", "acknowledged"


@dataclass(frozen=True, slots=True)
class Alarm:
    """``record`` is the id of the audit record that made it ring, ``day`` of the jurisdiction."""

    id: bytes
    kind: str
    person: bytes
    day: str
    record: bytes
    state: str = NEW
    by: bytes | None = None
    reason: str = ""


class Alarms:
    def __init__(self, database: Database) -> None:
        self._database = database

    def ring(self, alarm: Alarm, errands: Iterable[Errand]) -> bool:
        """Raises it with its audit record and the errands, once; False when it was raised before:
        who is killed after, or runs beside another, raises nothing twice."""
        values = {name: getattr(alarm, name) for name in Alarm.__slots__}

        def work(connection: Connection) -> None:
            connection.execute(insert(AlarmRow).values(**values))
            put(connection, errands)
            person, identity = alarm.person.hex(), alarm.id.hex()
            note(connection, "alarm_raised", person=person, alarm=identity, code=alarm.kind)

        if self._known(alarm.id):
            return False
        try:
            self._database.write(work)
        except AlreadyThere:
            return False
        return True

    def _known(self, identity: bytes) -> bool:
        with self._database.read() as connection:
            query = select(AlarmRow.id).where(AlarmRow.id == identity)
            return connection.execute(query).first() is not None

    def waiting(self) -> int:
        """How many nobody has acknowledged."""
        with self._database.read() as connection:
            query = select(func.count()).select_from(AlarmRow).where(AlarmRow.state == NEW)
            return connection.execute(query).scalar_one()

    def listed(self, most: int = 200) -> list[Alarm]:
        """Those that wait first, then the newest."""
        order = (AlarmRow.state.desc(), AlarmRow.day.desc(), AlarmRow.id)
        return self._list(select(AlarmRow).order_by(*order).limit(most))

    def get(self, identity: bytes) -> Alarm | None:
        found = self._list(select(AlarmRow).where(AlarmRow.id == identity))
        return found[0] if found else None

    def _list(self, query: Select[AlarmRow]) -> list[Alarm]:
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [Alarm(**{name: row[name] for name in Alarm.__slots__}) for row in rows]

    def acknowledge(self, identity: bytes, by: bytes, reason: str) -> bool:
        """Whether it waited and is about somebody else: nobody acknowledges their own reading."""

        def work(connection: Connection) -> bool:
            mine = update(AlarmRow).where(
                AlarmRow.id == identity, AlarmRow.state == NEW, AlarmRow.person != by
            )
            values = {"state": ACKNOWLEDGED, "by": by, "reason": reason}
            if connection.execute(mine.values(**values)).rowcount != 1:
                return False
            note(connection, "alarm_acknowledged", alarm=identity.hex(), by=by.hex(), reason=reason)
            return True

        return self._database.write(work)

    def forget(self, before: str) -> int:
        """Deletes what was acknowledged and rang on days before ``before``; the records stay."""
        old = delete(AlarmRow).where(AlarmRow.state == ACKNOWLEDGED, AlarmRow.day < before)
        return self._database.write(lambda connection: connection.execute(old).rowcount)

    def hours(self) -> dict[bytes, tuple[int, int]]:
        """Working hours by person, in minutes since midnight."""
        with self._database.read() as connection:
            rows = connection.execute(select(HoursRow.person, HoursRow.begins, HoursRow.ends))
            return {row.person: (row.begins, row.ends) for row in rows}

    def set_hours(self, by: bytes, person: bytes, hours: tuple[int, int] | None) -> None:
        """None: the profile's hours hold again."""

        def work(connection: Connection) -> None:
            connection.execute(delete(HoursRow).where(HoursRow.person == person))
            if hours is not None:
                values = {"person": person, "begins": hours[0], "ends": hours[1]}
                connection.execute(insert(HoursRow).values(**values))
            note(connection, "hours_set", by=by.hex(), person=person.hex())

        self._database.write(work)
