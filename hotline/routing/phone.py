"""Phone: when operators of a line take calls, as ``[phone]`` of its profile says.

Keys and recordings work day and night; only the offer of a person has hours. A profile without
``[phone]`` offers nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from hotline.routing.tables import Document, Entry, Problem, nearest
from hotline.tips import Language

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
# A conversation's memory lasts 20 minutes from the last key (sessions.py): who waited longer would
# come back to a line that has forgotten them.
LONGEST_WAIT, USUAL_WAIT = 15, 5
_SPAN = re.compile(r"([a-z]{2})(?:-([a-z]{2}))? ([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)")
_SHAPE = 'Write it as "Mo-Fr 08:00-20:00" or "Sa 09:00-13:00".'


@dataclass(frozen=True, slots=True)
class Phone:
    """``spans`` are (day of the week, first minute, minute after the last), Monday 0;
    ``languages`` those that every operator speaks; ``wait_minutes`` how long somebody may wait."""

    spans: tuple[tuple[int, int, int], ...]
    zone: ZoneInfo
    holidays: frozenset[date]
    languages: tuple[Language, ...]
    wait_minutes: int = USUAL_WAIT

    @property
    def wait_seconds(self) -> int:
        return 60 * self.wait_minutes

    def open(self, now: datetime) -> bool:
        """Whether operators take calls at ``now``, which is aware."""
        local = now.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        return local.date() not in self.holidays and any(
            day == local.weekday() and first <= minute < after for day, first, after in self.spans
        )


def read(sheet: Document, zone: ZoneInfo, spoken: tuple[Language, ...]) -> Phone | None:
    """``[phone]`` of a profile, or None. ``zone`` and ``spoken`` are the profile's: its own time
    zone and languages where the block names none."""
    entries = list(sheet.entries("phone"))
    if not entries:
        if "phone" in sheet.data:
            line = sheet.blocks.get("phone", [(1, {})])[0][0]
            hint = 'Add hours = ["Mo-Fr 08:00-20:00"], or delete the block.'
            sheet.problems.append(Problem(sheet.file, line, "this block is empty", hint))
        return None
    for other in entries[1:]:
        other.problem("there is a second [phone]", "Keep one.")
    return _phone(entries[0], zone, spoken)


def _phone(entry: Entry, zone: ZoneInfo, spoken: tuple[Language, ...]) -> Phone:
    found = tuple(
        span for text in entry.texts("hours", required=True) for span in spans(entry, text)
    )
    for at, (day, first, after) in enumerate(found):
        if any(d == day and f < after and first < a for d, f, a in found[:at]):
            entry.problem(f"hours: two spans of {DAYS[day]} overlap", "Join them.", "hours")
            break
    minutes = entry.number("wait_minutes", USUAL_WAIT)
    if not 1 <= minutes <= LONGEST_WAIT:
        hint = f"Write 1 to {LONGEST_WAIT}: after that the line has forgotten the caller."
        entry.problem(f"wait_minutes is {minutes}", hint, "wait_minutes")
    phone = Phone(
        spans=found,
        zone=_zone(entry, zone),
        holidays=frozenset(entry.days("holidays")),
        languages=_languages(entry, spoken),
        wait_minutes=minutes,
    )
    entry.close()
    return phone


def spans(entry: Entry, text: str) -> Iterator[tuple[int, int, int]]:
    """``Mo-Fr 08:00-20:00`` as (day, first minute, minute after the last) for each day."""
    found = _SPAN.fullmatch(text.casefold())
    if found is None:
        entry.problem(f"hours: {text} is no span of hours", _SHAPE, "hours")
        return
    begins, ends = found[1], found[2] or found[1]
    for day in (begins, ends):
        if day not in DAYS:
            hint = nearest(day, DAYS, "Take the first two letters of the English name.")
            entry.problem(f"hours: {day} is no day of the week", hint, "hours")
            return
    first, after = (int(found[n]) * 60 + int(found[n + 1]) for n in (3, 5))
    if DAYS.index(begins) > DAYS.index(ends):
        entry.problem(f"hours: {text} ends before it begins", "A week begins on Mo.", "hours")
    elif not first < after <= 24 * 60:
        hint = 'Past midnight takes two: "Fr 20:00-24:00" and "Sa 00:00-02:00".'
        entry.problem(f"hours: {text} does not lie within one day", hint, "hours")
    else:
        for day_ in range(DAYS.index(begins), DAYS.index(ends) + 1):
            yield day_, first, after


def _zone(entry: Entry, usual: ZoneInfo) -> ZoneInfo:
    name = entry.text("time_zone", required=False)
    try:
        return ZoneInfo(name) if name else usual
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = nearest(name, available_timezones(), "Take one of the IANA list.")
        entry.problem("time_zone is not a zone such as America/Sao_Paulo", hint, "time_zone")
        return usual


def _languages(entry: Entry, spoken: tuple[Language, ...]) -> tuple[Language, ...]:
    found = []
    for text in entry.texts("languages"):
        language = Language.parse(text)
        if language is None or language not in spoken:
            hint = nearest(text, spoken, "Take one of the profile's languages.")
            entry.problem(f"languages: {text} is none of this profile's", hint, "languages")
        else:
            found.append(language)
    return tuple(found) or spoken
