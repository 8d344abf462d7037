"""Clock: the one place that asks what time it is, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Clock:
    """``now()`` is aware, in UTC. Months and deadlines follow the jurisdiction's ``zone``."""

    zone: tzinfo = UTC
    source: Callable[[], float] = time.time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.source(), UTC)

    def seconds(self) -> float:
        """Seconds since 1970, UTC."""
        return self.source()

    def month(self) -> str:
        """``YYYY-MM`` in the jurisdiction's zone."""
        return self.now().astimezone(self.zone).strftime("%Y-%m")

    def day(self) -> str:
        """``YYYY-MM-DD`` in the jurisdiction's zone."""
        return self.today().isoformat()

    def today(self) -> date:
        """The day in the jurisdiction's zone."""
        return self.now().astimezone(self.zone).date()


def coarse_due(now: datetime, minutes: int, *, urgent: bool) -> datetime:
    """When a decision is due, rounded up to 5 minutes (P0, P1) or to the hour, so that the side
    table does not tell the minute of arrival (DESIGN §10)."""
    step = 300 if urgent else 3600
    due = (now + timedelta(minutes=minutes)).timestamp()
    return datetime.fromtimestamp(-(-due // step) * step, UTC)


def months_ahead(month: str, count: int) -> list[str]:
    """``count`` months as ``YYYY-MM``, beginning with ``month``."""
    year, number = (int(part) for part in month.split("-"))
    return [
        f"{year + (number - 1 + i) // 12:04d}-{(number - 1 + i) % 12 + 1:02d}" for i in range(count)
    ]
