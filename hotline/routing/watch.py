"""Watch: what reading is usual at a line, as ``[watch]`` of its profile says, or by default."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hotline.routing.tables import Document, Entry

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody works, in minutes since midnight of the jurisdiction; past midnight when they
    begin later than they end, day and night when both are the same."""

    begins: int
    ends: int

    def within(self, minute: int) -> bool:
        if self.begins < self.ends:
            return self.begins <= minute < self.ends
        return minute >= self.begins or minute < self.ends

    def __str__(self) -> str:
        return (
            f"{self.begins // 60:02}:{self.begins % 60:02}-{self.ends // 60:02}:{self.ends % 60:02}"
        )


def minutes(text: str) -> int | None:
    """``22:00`` → 1320; None for what is no time of day."""
    found = _TIME.fullmatch(text)
    return int(found[1]) * 60 + int(found[2]) if found else None


@dataclass(frozen=True, slots=True)
class Watching:
    """``an_hour`` and ``a_shift`` (12 hours, the longest session): different tips that one person
    may read before somebody looks."""

    # A desk works in daylight and evening; whoever works at night is few, and is given hours of
    # their own. Wider hours would call no night unusual, narrower ones ring for every early shift.
    hours: Hours = Hours(6 * 60, 22 * 60)
    # A tip takes three minutes to read and decide at the very least: twenty an hour. Three times
    # that is no work; nor are more than a full shift at that pace.
    an_hour: int = 60
    a_shift: int = 250


def read(sheet: Document) -> Watching:
    """``[watch]`` of a profile; what it does not say is as by default."""
    usual, entries = Watching(), list(sheet.entries("watch"))
    if not entries:
        return usual
    for other in entries[1:]:
        other.problem("there is a second [watch]", "Keep one.")
    entry = entries[0]
    found = Watching(
        Hours(_time(entry, "begins", usual.hours.begins), _time(entry, "ends", usual.hours.ends)),
        _bound(entry, "an_hour", usual.an_hour),
        _bound(entry, "a_shift", usual.a_shift),
    )
    entry.close()
    return found


def _time(entry: Entry, key: str, usual: int) -> int:
    text = entry.text(key, required=False)
    found = minutes(text) if text else usual
    if found is None:
        entry.problem(f"{key} is no time of day", 'Write it as "06:00".', key)
        return usual
    return found


def _bound(entry: Entry, key: str, usual: int) -> int:
    found = entry.number(key, usual)
    if not 1 <= found <= 10_000:
        entry.problem(f"{key} is {found}", "Write 1 to 10000; leave it out for the default.", key)
        return usual
    return found
