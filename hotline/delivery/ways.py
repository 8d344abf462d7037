"""Ways: with what patience packages leave the line, from ``data/ways.toml``; why one did not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from hotline.clock import Clock
from hotline.errors import HotlineError


class NotDelivered(HotlineError):
    """An agency, or the mail server, did not take it now. ``reason`` is a code of ours; ``wait``
    the seconds before which trying again is of no use."""

    code = "not_delivered"

    def __init__(self, reason: str, wait: int = 0) -> None:
        super().__init__(
            "A package was not taken.", "docs/delivery.md says what each reason means."
        )
        self.reason = reason
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Webhook:
    """``connect``, ``silence`` and ``total`` in seconds, ``longest_answer`` in bytes."""

    connect: float
    silence: float
    total: float
    longest_answer: int
    waits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Away:
    """After ``after`` failures in a row nobody asks an agency again for ``pauses`` seconds."""

    after: int
    pauses: tuple[int, ...]

    def pause(self, failures: int) -> int:
        """Seconds to leave an agency alone that failed so often in a row."""
        if failures < self.after:
            return 0
        return self.pauses[min(failures - self.after, len(self.pauses) - 1)]


@dataclass(frozen=True, slots=True)
class Mail:
    """``hours`` of the line's day, ascending."""

    hours: tuple[int, ...]

    def next(self, clock: Clock) -> datetime:
        """The hour at which an agency hears of what came now."""
        return self._around(clock)[1]

    def last(self, clock: Clock) -> datetime:
        """The hour that began last."""
        return self._around(clock)[0]

    def _around(self, clock: Clock) -> tuple[datetime, datetime]:
        now = clock.now().astimezone(clock.zone)
        days = [now.date() + timedelta(days=days) for days in (-1, 0, 1)]
        hours = [
            datetime.combine(day, time(hour), clock.zone) for day in days for hour in self.hours
        ]
        return max(h for h in hours if h <= now), min(h for h in hours if h > now)


@dataclass(frozen=True, slots=True)
class Patience:
    webhook: Webhook
    away: Away
    mail: Mail


@cache
def patience() -> Patience:
    raw = tomllib.loads(files("hotline").joinpath("delivery", "data", "ways.toml").read_text())

    def part(name: str) -> dict[str, Any]:
        return {k: tuple(v) if isinstance(v, list) else v for k, v in raw[name].items()}

    return Patience(Webhook(**part("webhook")), Away(**part("away")), Mail(**part("mail")))
