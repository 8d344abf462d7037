"""Line alarms: what is wrong with the line itself, one row a code. No content, no history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select, update

from hotline.store.audit import note
from hotline.store.database import AlreadyThere, Database
from hotline.store.outbox import put
from hotline.store.tables import LineAlarmRow
from hotline.tips import Errand

RINGING, SEEN, OVER = "ringing", "seen", "over"


@dataclass(frozen=True, slots=True)
class LineAlarm:
    """``rung``: when people were last told, whole hours since 1970; ``state`` ringing, seen (a
    person acknowledged it) or over (its cause is gone)."""

    code: str
    state: str
    rung: int
    by: bytes | None


class LineAlarms:
    def __init__(self, database: Database) -> None:
        self._database = database

    def ring(self, code: str, hour: int, quiet: dict[str, int], errands: Iterable[Errand]) -> bool:
        """Rings with the errands that tell people, in one commit. False within the quiet time of
        its state (``quiet``: hours by state; one that is over rings at once), and when another
        process was faster. A ring in the future is a clock's mistake and quietens nothing."""
        due = [(LineAlarmRow.state == OVER), (LineAlarmRow.rung > hour)]
        due += [
            (LineAlarmRow.state == state) & (LineAlarmRow.rung < hour - hours)
            for state, hours in quiet.items()
        ]
        again = (
            update(LineAlarmRow)
            .where(LineAlarmRow.code == code, or_(*due))
            .values(state=RINGING, rung=hour, by=None)
        )
        there = select(LineAlarmRow.code).where(LineAlarmRow.code == code)

        def work(connection: Connection) -> bool:
            if not connection.execute(again).rowcount:
                if connection.execute(there).first() is not None:
                    return False
                values = {"code": code, "state": RINGING, "rung": hour}
                connection.execute(insert(LineAlarmRow).values(**values))
            put(connection, errands)
            note(connection, "line_alarm", code=code)
            return True

        try:
            return self._database.write(work)
        except AlreadyThere:
            return False

    def get(self, code: str) -> LineAlarm | None:
        found = [one for one in self.all() if one.code == code]
        return found[0] if found else None

    def all(self) -> list[LineAlarm]:
        """Every code that ever rang, by code."""
        row = LineAlarmRow
        query = select(row.code, row.state, row.rung, row.by).order_by(row.code)
        with self._database.read() as connection:
            return [LineAlarm(*found) for found in connection.execute(query)]

    def waiting(self) -> list[LineAlarm]:
        """Those that nobody has acknowledged."""
        return [one for one in self.all() if one.state == RINGING]

    def acknowledge(self, code: str, by: bytes) -> bool:
        """Whether it rang. It stays quiet for its longer time, then rings again if it must."""
        mine = update(LineAlarmRow).where(LineAlarmRow.code == code, LineAlarmRow.state == RINGING)

        def work(connection: Connection) -> bool:
            if not connection.execute(mine.values(state=SEEN, by=by)).rowcount:
                return False
            note(connection, "line_alarm_seen", by=by.hex(), code=code)
            return True

        return self._database.write(work)

    def end(self, code: str) -> bool:
        """Its cause is gone and somebody has seen it: the next time it rings at once. One that
        nobody saw stays, for it did happen."""
        mine = update(LineAlarmRow).where(LineAlarmRow.code == code, LineAlarmRow.state == SEEN)
        values = {"state": OVER, "by": None}
        return self._database.write(lambda c: bool(c.execute(mine.values(**values)).rowcount))
