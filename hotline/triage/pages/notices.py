"""Pages: what stands above every page until somebody has looked: lateness, and alarms."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from hotline.assembly import StaffLine
from hotline.delivery.scorecard import overdue
from hotline.errors import HotlineError
from hotline.store.alarms import Alarms
from hotline.store.deadlines import Deadlines
from hotline.store.line_alarms import LineAlarms
from hotline.triage.access import SignedIn


@dataclass(frozen=True, slots=True)
class Notices:
    """``late`` and ``near`` count tips of desks that a supervisor may open, ``alarms`` what waits
    for an officer, ``owed`` what bodies owe for tips of a supervisor's desks, ``line`` what is
    wrong with the line itself."""

    late: int = 0
    near: int = 0
    alarms: int = 0
    owed: int = 0
    line: int = 0


def notices(line: StaffLine, who: SignedIn) -> Notices:
    """Counted from the deadlines themselves, so it stands even when no job runs. A page that tells
    of a failing database never fails for this."""
    late = near = waiting = owed = wrong = 0
    with suppress(HotlineError):
        if who.has("supervisor"):
            now = int(line.clock.seconds())
            found = Deadlines(line.database).standing(line.access.queues(who), now).values()
            owed = len(overdue(line, who))
            late, near = sum(one for one, _ in found), sum(two for _, two in found)
        if who.has("officer"):
            waiting = Alarms(line.database).waiting()
            wrong = len(LineAlarms(line.database).waiting())
    return Notices(late, near, waiting, owed, wrong)
