"""Watch: what in people's reading is unusual, found in the audit records alone.

Nothing here is asked of the reader, and nothing the reader can reach is read but the records that
the reading wrote. What a person usually reads is counted in memory, never kept: a table of it would
be a ranking of people, and would join them to tips.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from hotline.errors import BadInput, HotlineError, NotAllowed
from hotline.routing.watch import Hours, Watching
from hotline.store.alarms import NEW, Alarms
from hotline.store.audit import Placed
from hotline.web.i18n import N_

HOUR, SHIFT = 3600, 12 * 3600
HISTORY_DAYS = 14

READING = frozenset({"read", "revealed", "listened", "file_opened", "file_previewed"})
PACKAGES = frozenset(
    {"package_opened", "package_read", "package_downloaded", "package_file_opened"}
    | {"package_file_previewed", "package_printed"}
)
# Reading what one neither took nor decided, once half an hour has passed in which one could have.
# A second reader, a colleague who helps or a supervisor who looks do it a few times a shift.
UNTAKEN, GRACE = 30, 1800
# Against one's own usual: three times the best hour of the last days, and never below a number
# that a lively hour reaches. Whoever was here less than five days has no usual yet.
TIMES, LEAST_HOUR, KNOWN_DAYS = 3, 30, 5
DOWNLOADS = 20  # sealed packages fetched within an hour
EXPORTED = 5000  # audit records exported in a day

KIND_NAMES: Mapping[str, str] = {
    "canary": N_("Read a planted tip"),
    "spree": N_("Read very many tips"),
    "untaken": N_("Read many tips without taking them"),
    "off_hours": N_("Read outside working hours"),
    "export": N_("Took out very much at once"),
    "list_altered": N_("The list of planted tips was altered"),
}
ACK_REASONS: Mapping[str, str] = {
    "on_duty": N_("Was called in or on duty"),
    "busy_day": N_("A very busy day"),
    "second_look": N_("Checked the work of others"),
    "talked": N_("Explained by the person"),
    "sent_away": N_("Keys or sessions were taken away"),
    "test": N_("A test of the alarms"),
}


class OwnReading(HotlineError):
    """Nobody acknowledges an alarm about themselves or sets their own hours."""

    code = "own_reading"
    status = 403
    message = "This is about you."
    hint = "Ask another officer to look at it."


class NoReason(BadInput):
    """An alarm acknowledged for nothing."""

    code = "no_alarm_reason"
    message = "No reason was chosen."
    hint = "Choose the reason that fits best."


@dataclass(frozen=True, slots=True)
class Found:
    """Something unusual. ``key`` is what makes it one alarm: another with the same kind, person
    and key is the same."""

    kind: str
    person: str
    key: str
    day: str
    record: str


@dataclass(slots=True)
class _Person:
    """What one person did of late; ids and seconds, oldest first."""

    read: dict[str, float] = field(default_factory=dict)
    untaken: dict[str, float] = field(default_factory=dict)
    mine: dict[str, float] = field(default_factory=dict)
    downloads: dict[str, float] = field(default_factory=dict)
    exported: dict[str, int] = field(default_factory=dict)
    best: dict[str, int] = field(default_factory=dict)
    last: float = 0.0
    record: str = ""


class Watch:
    """Feed it every record in order. ``hours`` gives a person's own; ``planted`` is the second in
    which a tip was planted, None for any other tip."""

    def __init__(
        self,
        watching: Watching,
        zone: tzinfo,
        hours: Callable[[str], Hours | None],
        planted: Callable[[str], float | None],
    ) -> None:
        self._watching = watching
        self._zone = zone
        self._hours = hours
        self._planted = planted
        self._people: dict[str, _Person] = {}

    def see(self, row: Placed) -> Iterator[Found]:
        """What this record makes unusual."""
        said = json.loads(row.record)
        by, at_text = said.get("by"), said.get("at", "")
        subject = said.get("tip") or said.get("package") or ""
        if by is None or len(at_text) != 20:
            return
        at = datetime.fromisoformat(at_text).timestamp()
        person = self._people.setdefault(by, _Person())
        person.last, person.record = at, said["id"]
        if subject and (since := self._planted(subject)) is not None and at > since:
            yield self._one("canary", by, subject, at)
        if row.event == "audit_exported":
            yield from self._exports(by, person, int(said["count"]), at)
        elif row.event in READING | PACKAGES:
            yield from self._reads(by, person, row.event, subject, at)
        elif "tip" in said:
            _again(person.mine, subject, at, HISTORY_DAYS * 2 * SHIFT)
            person.untaken.pop(subject, None)

    def later(self, now: float) -> Iterator[Found]:
        """What has become unusual by nothing more being done. Whoever is quiet for a shift has
        nothing left to be counted."""
        for by, person in self._people.items():
            if person.untaken and GRACE <= now - person.last <= 2 * SHIFT:
                yield from self._left(by, person, person.last + GRACE)

    def _reads(
        self, by: str, person: _Person, event: str, subject: str, at: float
    ) -> Iterator[Found]:
        hours = self._hours(by) or self._watching.hours
        local = datetime.fromtimestamp(at, self._zone)
        if not hours.within(local.hour * 60 + local.minute):
            # Of one night, whichever side of midnight.
            night = (local - timedelta(hours=12)).date().isoformat()
            yield self._one("off_hours", by, night, at)
        _again(person.read, subject, at, SHIFT)
        if event in READING and subject not in person.mine:
            if subject not in person.untaken:
                person.untaken[subject] = at
            _prune(person.untaken, at - SHIFT)
        if event == "package_downloaded":
            _again(person.downloads, subject, at, HOUR)
            if len(person.downloads) > DOWNLOADS:
                yield self._one("export", by, self._day(at), at)
        yield from self._spree(by, person, at)
        yield from self._left(by, person, at)

    def _spree(self, by: str, person: _Person, at: float) -> Iterator[Found]:
        day = self._day(at)
        within = sum(1 for seen in person.read.values() if seen > at - HOUR)
        before = [best for known, best in person.best.items() if known != day]
        bound = self._watching.an_hour
        if len(before) >= KNOWN_DAYS:
            bound = min(bound, max(LEAST_HOUR, TIMES * max(before)))
        person.best[day] = max(person.best.get(day, 0), within)
        while len(person.best) > HISTORY_DAYS:
            del person.best[next(iter(person.best))]
        if within > bound or len(person.read) > self._watching.a_shift:
            yield self._one("spree", by, day, at)

    def _left(self, by: str, person: _Person, at: float) -> Iterator[Found]:
        left = sum(1 for seen in person.untaken.values() if at - SHIFT < seen <= at - GRACE)
        if left > UNTAKEN:
            yield self._one("untaken", by, self._day(at), at)

    def _exports(self, by: str, person: _Person, count: int, at: float) -> Iterator[Found]:
        day = self._day(at)
        person.exported = {day: person.exported.get(day, 0) + count}
        if person.exported[day] > EXPORTED:
            yield self._one("export", by, day, at)

    def _one(self, kind: str, by: str, key: str, at: float) -> Found:
        return Found(kind, by, key, self._day(at), self._people[by].record)

    def _day(self, at: float) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone).date().isoformat()


def _again(seen: dict[str, float], subject: str, at: float, keep: float) -> None:
    """Newest last, and nothing older than ``keep`` seconds."""
    seen.pop(subject, None)
    seen[subject] = at
    _prune(seen, at - keep)


def _prune(seen: dict[str, float], before: float) -> None:
    while seen and (first := next(iter(seen))) and seen[first] <= before:
        del seen[first]


def acknowledge(alarms: Alarms, by: bytes, identity: bytes, reason: str) -> None:
    """An officer has looked. Raises NoReason, OwnReading, NotAllowed."""
    one = alarms.get(identity)
    if reason not in ACK_REASONS:
        raise NoReason
    if one is None or one.state != NEW:
        raise NotAllowed
    if one.person == by:
        raise OwnReading
    alarms.acknowledge(identity, by, reason)
