"""Statements: by the hour the ledger is checked, by night wholly, by the month said in public."""

from __future__ import annotations

from hotline.assembly import StaffLine
from hotline.delivery.alarming import AlarmCode, raise_alarm
from hotline.jobs.nightly import night_began
from hotline.triage import ledger, statements


class Statements:
    """Safe to repeat and to miss. Keep one: a full check is then made once a night."""

    def __init__(self, line: StaffLine) -> None:
        self._line = line
        self._night = 0

    def run(self) -> ledger.Check:
        line, night = self._line, night_began(self._line.clock)
        check = ledger.quick(line) if night == self._night else ledger.full(line)
        self._night = night
        if check.sound:
            statements.state(line, check.figures)
        else:
            raise_alarm(line, AlarmCode.LEDGER_UNBALANCED)
        return check
