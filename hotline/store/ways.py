"""Ways: how it stands with each agency that packages are sent to, for all processes together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update

from hotline.store.database import AlreadyThere, Database
from hotline.store.tables import WayRow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """``failures`` in a row; nobody asks before ``until`` (seconds since 1970); ``told``: the hour
    up to which it was told by e-mail that something waits."""

    failures: int = 0
    until: int = 0
    told: str = ""


class Ways:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, agency: str) -> Standing:
        with self._database.read() as connection:
            row = connection.execute(select(WayRow).where(WayRow.agency == agency)).first()
        return Standing(row.failures, row.until, row.told) if row else Standing()

    def failed(self, agency: str, now: float, pause: Callable[[int], int]) -> Standing:
        """One more failure in a row; ``pause`` gives the seconds to stay away after so many."""

        def work(connection: Connection) -> Standing:
            mine = WayRow.agency == agency
            row = connection.execute(select(WayRow).where(mine).with_for_update()).first()
            failures = min((row.failures if row else 0) + 1, 10_000)
            until = int(now) + pause(failures) if pause(failures) else 0
            values = {"failures": failures, "until": max(until, row.until if row else 0)}
            if row:
                connection.execute(update(WayRow).where(mine).values(**values))
            else:
                connection.execute(insert(WayRow).values(agency=agency, told="", **values))
            return Standing(failures, values["until"], row.told if row else "")

        return self._first(work)

    def well(self, agency: str) -> None:
        """It took something: its failures are forgotten."""
        mine = update(WayRow).where(WayRow.agency == agency).values(failures=0, until=0)
        self._database.write(lambda connection: connection.execute(mine))

    def told(self, agency: str, hour: str) -> None:
        """It was told of everything up to ``hour``; never of less than before."""

        def work(connection: Connection) -> None:
            mine = WayRow.agency == agency
            row = connection.execute(select(WayRow).where(mine).with_for_update()).first()
            if row is None:
                values = {"agency": agency, "failures": 0, "until": 0, "told": hour}
                connection.execute(insert(WayRow).values(**values))
            elif row.told < hour:
                connection.execute(update(WayRow).where(mine).values(told=hour))

        self._first(work)

    def _first(self, work: Callable[[Connection], T]) -> T:
        """Two processes may meet an agency for the first time at once: the second finds its row."""
        try:
            return self._database.write(work)
        except AlreadyThere:
            return self._database.write(work)
