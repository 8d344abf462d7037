"""Alarming: what is wrong with the line itself, told to its own operators and to nobody else.

An alarm is a code of a closed list. What leaves the line is that code and the line's name: no tip,
desk, agency, count or hour, so that neither a mail server nor a pager learns anything of a tip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, Protocol

from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.store.database import Database
from hotline.store.line_alarms import RINGING, SEEN, LineAlarms
from hotline.tips import Errand
from hotline.vault.envelope import Envelope
from hotline.vault.small import random_id

HOUR: Final = 3600
# Hours of the clock left out between two rings while the cause lasts: until somebody looked, and
# after.
QUIET: Final = {RINGING: 0, SEEN: 24}


class AlarmCode(StrEnum):
    """What can be wrong. docs/status.md says of each what it means and what to do."""

    BURIED = "buried"
    OVERDUE = "overdue"
    ERASURE_LATE = "erasure_late"
    RELAY_UNACKNOWLEDGED = "relay_unacknowledged"
    KEYS_UNVERIFIED = "keys_unverified"
    CLOCK_JUMP = "clock_jump"
    DELIVERY_FAILING = "delivery_failing"
    LEDGER_UNBALANCED = "ledger_unbalanced"


class Line(Protocol):
    """What alarming needs of the staff line."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def envelope(self) -> Envelope: ...


def raise_alarm(line: Line, code: AlarmCode) -> bool:
    """Rings, unless it rang a moment ago: call it as often as the cause is seen. Returns whether
    people are told now. One errand ``alarm``, whose subject is no tip's; safe beside another
    process and after a kill. Raises what the database raises."""
    hour, alarms = int(line.clock.seconds()) // HOUR, LineAlarms(line.database)
    known = alarms.get(code)
    if known is not None and 0 <= hour - known.rung <= QUIET.get(known.state, -1):
        return False  # most calls end here: no write, no sealing
    facts = {"code": str(code), "hour": str(hour)}
    errand = line.envelope.errand("alarm", random_id(), facts, urgent=True)
    return alarms.ring(str(code), hour, QUIET, [errand])


class NotTold(HotlineError):
    """The operators could not be told now by some way."""

    code = "not_told"


Way = Callable[[str, AlarmCode], None]


class Bell:
    """The task ``alarm``. ``ways`` each tell ``(line's name, code)`` or raise NotTold; all are
    tried. After a kill somebody may be told twice."""

    def __init__(self, database: Database, ways: Sequence[Way], name: str) -> None:
        self._alarms = LineAlarms(database)
        self._ways = ways
        self._name = name

    def ring(self, facts: dict[str, str]) -> Sequence[Errand]:
        """Tells, unless it rang again since or somebody has looked: then a later errand tells, or
        nobody needs to be told. Raises NotTold when some way failed."""
        code = AlarmCode(facts["code"])
        known = self._alarms.get(code)
        if known is None or known.state != RINGING or known.rung > int(facts["hour"]):
            return ()
        failed = False
        for way in self._ways:
            try:
                way(self._name, code)
            except NotTold:
                failed = True
        if failed:
            raise NotTold
        return ()
