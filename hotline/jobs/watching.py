"""Watching: the chore that follows the audit records and raises what is unusual, once each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from hotline.assembly import StaffLine
from hotline.jobs.escalation import ring_watch
from hotline.jobs.nightly import AT
from hotline.log import Log
from hotline.routing.watch import Hours
from hotline.store.alarms import Alarm, Alarms
from hotline.store.audit import PAGE, Placed
from hotline.store.facts import Facts
from hotline.triage.canaries import Canaries, ListAltered
from hotline.triage.watch import HISTORY_DAYS, Found, Watch
from hotline.vault.small import derive, mac

WATCHED = "watched"  # the fact: up to which record everything was looked at
DAY = 86400
KEPT_DAYS = 365  # of acknowledged alarms; their audit records stay
_LABEL = "hotline/alarms/1"


def _by_time(rows: Iterator[Placed]) -> Iterator[Placed]:
    """What got its place at once stands in the order of random ids: half an hour of it after the
    sequencer was away. A page of the sequencer's is put in order again; what tells no time comes
    first, and is nobody's reading."""
    while page := list(islice(rows, PAGE)):
        yield from sorted(page, key=_at)


def _at(row: Placed) -> str:
    return str(json.loads(row.record).get("at", ""))


class Watcher:
    """Keep one: it then reads new records only. At its start it reads the last fortnight's, so that
    it knows what is usual; it raises only what the line has not looked at yet. Two that run beside
    each other find the same and raise it once."""

    def __init__(self, line: StaffLine, log: Log) -> None:
        self._line = line
        self._log = log
        self._alarms, self._facts = Alarms(line.database), Facts(line.database)
        self._canaries = Canaries(line)
        self._key = derive(line.audit_key, _LABEL)
        self._hours: dict[str, Hours] = {}
        self._planted: dict[str, int] = {}
        self._watch: Watch | None = None
        self._next = self._news = 0

    def run(self) -> int:
        """How many alarms it raised. Safe to repeat, to miss and to be killed in."""
        raised = self._look()
        self._hours = {p.hex(): Hours(*hours) for p, hours in self._alarms.hours().items()}
        seen = self._facts.get(WATCHED)
        watch = self._watch or self._begin(seen)
        last = self._next
        for row in _by_time(self._line.audit.rows(self._next)):
            for found in watch.see(row):
                if row.position >= self._news:
                    raised += self._ring(found)
            last = max(last, row.position + 1)
        for found in watch.later(self._line.clock.seconds()):
            raised += self._ring(found)
        self._watch, self._next = watch, last
        if str(last) != seen:
            self._facts.swap(WATCHED, seen, str(last))
        return raised

    def night(self) -> None:
        """Takes the shredded off the list, and puts its length on record when it has changed. At
        night, so that the record does not say in which minute something was planted."""
        line = self._line
        if line.clock.now().astimezone(line.clock.zone).hour != AT:
            return
        gone = {tip for tip in self._canaries.all() if line.tips.one(bytes.fromhex(tip)) is None}
        count = len(self._canaries.all()) - len(gone)
        if count != self._counted():
            # Before it grows shorter: killed between the two, nothing looks altered.
            line.audit.note("canaries_counted", count=str(count))
        if gone:
            self._canaries.drop(frozenset(gone))
        old = line.clock.today() - timedelta(days=KEPT_DAYS)
        self._alarms.forget(old.isoformat())

    def _counted(self) -> int:
        said = self._line.audit.told(["canaries_counted"])
        return int(json.loads(said[-1])["count"]) if said else 0

    def _begin(self, seen: str) -> Watch:
        line = self._line
        self._next = line.audit.began(line.clock.seconds() - HISTORY_DAYS * DAY)
        self._news = self._start(seen)
        return Watch(line.profile.watch, line.clock.zone, self._hours.get, self._planted_at)

    def _start(self, seen: str) -> int:
        """From where on records are news. Without a trustworthy mark, the last day: whoever deletes
        or advances it hides nothing that way."""
        day = self._line.audit.began(self._line.clock.seconds() - DAY)
        return min(int(seen), day) if seen.isdigit() else day

    def _planted_at(self, tip: str) -> float | None:
        return self._planted.get(tip)

    def _look(self) -> int:
        """Reads the list of planted tips again. One that does not open, or has become shorter than
        was counted at night, rings: for nobody, as nobody knows who."""
        nobody, day = bytes(16).hex(), self._line.clock.day()
        try:
            self._canaries.begin()
            self._planted = self._canaries.all()
        except ListAltered:
            return self._ring(Found("list_altered", nobody, day, day, nobody))
        if len(self._planted) < self._counted():
            return self._ring(Found("list_altered", nobody, day, day, nobody))
        return 0

    def _ring(self, found: Found) -> int:
        # Under a key: else whoever has the database tries which tip an alarm is about.
        identity = mac(self._key, found.kind, found.person, found.key)[:16]
        alarm = Alarm(
            identity,
            found.kind,
            bytes.fromhex(found.person),
            found.day,
            bytes.fromhex(found.record),
        )
        raised = self._alarms.ring(alarm, [ring_watch(self._line)])
        if raised:
            self._log.event("alarm_raised", kind=found.kind)
        return raised
