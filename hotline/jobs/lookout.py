"""Lookout: the chore that sees what is wrong with the line and rings, once in its quiet time.

Each look is a few indexed queries, however many tips are stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from hotline.assembly import StaffLine
from hotline.clock import months_ahead
from hotline.delivery import erasure
from hotline.delivery.alarming import AlarmCode, raise_alarm
from hotline.jobs.escalation import URGENT
from hotline.log import Log
from hotline.store.deadlines import Deadlines
from hotline.store.facts import Facts
from hotline.store.line_alarms import SEEN, LineAlarms
from hotline.triage import recovery
from hotline.triage.ledger import unbalanced
from hotline.vault.directory import NoKey

# Errands that carry something to an agency, and after how many failed tries that is a failure of
# the way and not of the moment: with the runner's pauses, after about a quarter of an hour.
CARRYING = ("notify", "deliver", "remind")
MANY_TRIES = 4
JUMP_SECONDS = 60  # a clock that is set right at start moves by less, one that drifts by far less
MONTHS_LEFT = 2  # keys for this month and the next at least: about sixty days


class Lookout:
    """Raises every alarm whose cause stands, and ends those that somebody saw and whose cause is
    gone. Safe to repeat, to miss, and beside another."""

    def __init__(self, line: StaffLine, log: Log) -> None:
        self._line = line
        self._log = log
        self._alarms = LineAlarms(line.database)
        self._causes: Mapping[AlarmCode, Callable[[], bool]] = {
            AlarmCode.BURIED: self._buried,
            AlarmCode.OVERDUE: self._overdue,
            AlarmCode.ERASURE_LATE: self._erasure_late,
            AlarmCode.RELAY_UNACKNOWLEDGED: self._unattended,
            AlarmCode.KEYS_UNVERIFIED: self._keys_unverified,
            AlarmCode.DELIVERY_FAILING: self._delivery_failing,
            AlarmCode.LEDGER_UNBALANCED: lambda: unbalanced(self._line),
        }

    def run(self) -> int:
        """How many alarms rang."""
        seen = {one.code for one in self._alarms.all() if one.state == SEEN}
        rang = 0
        for code, cause in self._causes.items():
            if cause():
                rang += self._raise(code)
            elif code in seen:
                self._alarms.end(code)
        if AlarmCode.CLOCK_JUMP in seen:  # a jump is over as soon as it was seen
            self._alarms.end(AlarmCode.CLOCK_JUMP)
        return rang

    def _raise(self, code: AlarmCode) -> bool:
        rang = raise_alarm(self._line, code)
        if rang:
            self._log.event("line_alarm_raised", code=str(code))
        return rang

    def _now(self) -> int:
        return int(self._line.clock.seconds())

    def _buried(self) -> bool:
        return any(
            kind != "alarm" and state == "buried" for kind, state in self._line.outbox.counts()
        )

    def _overdue(self) -> bool:
        return bool(Deadlines(self._line.database).long_late(self._now()))

    def _erasure_late(self) -> bool:
        if not self._line.settings.twilio_account_sid:
            return False
        facts = Facts(self._line.database)
        return bool(erasure.alarms(self._line.outbox, facts, self._line.clock.seconds()))

    def _unattended(self) -> bool:
        """Urgent, past its time, and nobody has it: whatever became of the relay itself."""
        return bool(Deadlines(self._line.database).unattended(self._now(), URGENT))

    def _keys_unverified(self) -> bool:
        """Recovery never tried, or keys that end soon. A demonstration's keys are nobody's."""
        line = self._line
        if line.settings.demo:
            return False
        if recovery.standing(line).state != "sound":
            return True
        ahead = months_ahead(line.clock.month(), MONTHS_LEFT + 1)[-1]
        try:
            for recipient in line.profile.recipients():
                line.directory.key(recipient, ahead)
        except NoKey:
            return True
        return False

    def _delivery_failing(self) -> bool:
        return self._line.outbox.failing(CARRYING, MANY_TRIES)


def _steady() -> float:
    """Seconds that no administrator sets and that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ClockWatch:
    """Rings when the wall clock and the steady one part: deadlines, epochs and terms follow the
    wall clock. Keep one; it rings once a jump."""

    def __init__(self, line: StaffLine, log: Log, steady: Callable[[], float] = _steady) -> None:
        self._line = line
        self._log = log
        self._steady = steady
        self._apart = self._difference()

    def run(self) -> bool:
        """Whether it rang."""
        apart = self._difference()
        jumped = abs(apart - self._apart) > JUMP_SECONDS
        self._apart = apart
        if not jumped:
            return False
        self._log.event("clock_jumped")
        return raise_alarm(self._line, AlarmCode.CLOCK_JUMP)

    def _difference(self) -> float:
        return self._line.clock.seconds() - self._steady()
