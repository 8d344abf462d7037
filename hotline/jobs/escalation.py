"""Escalation: deadlines that pass are raised and rung without anybody's browser.

A chore raises each waiting tip once for each stage (store.deadlines); an errand rings. Nothing that
leaves the line says which tip, which desk, how many or what about.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotline.assembly import StaffLine
from hotline.delivery.senders import Provider
from hotline.jobs.recordings import open_facts
from hotline.jobs.runner import NotYet
from hotline.routing.profile import Profile
from hotline.store.deadlines import Deadlines
from hotline.store.facts import Facts
from hotline.tips import Errand, Priority
from hotline.vault.small import random_id

URGENT = (Priority.P0, Priority.P1)
QUIET = 300  # seconds between two rings: twenty tips that pass within them are one text
RUNG, RUNG_WATCH = "rung", "rung_watch"
LATE_TEXT = "Hotline: something urgent waits beyond its time. Sign in."
WATCH_TEXT = "Hotline: a security officer must look at an alarm. Sign in."


def raise_late(line: StaffLine) -> int:
    """How many tips came to a further stage. Safe to repeat and to miss: a stage that was missed
    is raised as soon as somebody runs."""
    now = int(line.clock.seconds())
    return Deadlines(line.database).raise_late(now, URGENT, ring_late(line))


def ring_late(line: StaffLine) -> Errand:
    """An errand that rings for lateness. Its subject is no tip's."""
    return line.envelope.errand("late", random_id(), _now(line), urgent=True)


def ring_watch(line: StaffLine) -> Errand:
    """An errand that rings for an alarm on reading. Its subject is no tip's."""
    return line.envelope.errand("watch", random_id(), _now(line), urgent=True)


def _now(line: StaffLine) -> dict[str, str]:
    return {"at": str(int(line.clock.seconds()))}


def contacts(profile: Profile, queues: Sequence[str]) -> list[str]:
    """Whom lateness of these queues may ring: those on duty of the body that runs the queue, and
    nobody else. The tip is sealed, so whom it implicates is not known here; but recusal keeps a
    tip out of every queue of an implicated body, so this body is surely none (promise 5)."""
    bodies = {profile.queues[queue].agency for queue in queues if queue in profile.queues}
    numbers = (d.number for d in profile.duty if d.agency in bodies and not d.watch and d.number)
    return list(dict.fromkeys(numbers))


def watchers(profile: Profile) -> list[str]:
    """Whom an alarm on unusual reading rings."""
    return list(dict.fromkeys(d.number for d in profile.duty if d.watch and d.number))


class Rings:
    """The tasks ``late`` and ``watch``. After a kill a contact may hear the same text twice."""

    def __init__(self, line: StaffLine, provider: Provider) -> None:
        self._line = line
        self._provider = provider
        self._facts = Facts(line.database)

    def late(self, errand: Errand) -> Sequence[Errand]:
        """Rings while an urgent tip is late and nobody has it."""
        now = int(self._line.clock.seconds())
        queues = sorted(Deadlines(self._line.database).unattended(now, URGENT))
        return self._ring(errand, RUNG, contacts(self._line.profile, queues), LATE_TEXT)

    def watch(self, errand: Errand) -> Sequence[Errand]:
        """Tells those who watch that an alarm was raised."""
        return self._ring(errand, RUNG_WATCH, watchers(self._line.profile), WATCH_TEXT)

    def _ring(
        self, errand: Errand, fact: str, numbers: Sequence[str], text: str
    ) -> Sequence[Errand]:
        if not numbers:
            return ()  # nobody to ring: doctor says so, and the desk's banner stands
        now, seen = int(self._line.clock.seconds()), self._facts.get(fact)
        if seen and int(seen) > int(open_facts(self._line, errand)["at"]):
            return ()  # what this errand is about was rung meanwhile
        if seen and now - int(seen) < QUIET:
            raise NotYet(QUIET - (now - int(seen)), "rung_just_now")
        for number in numbers:
            self._provider.alert(number, text)
        # Said after the deed: a text twice is better than none.
        self._facts.swap(fact, seen, str(now))
        self._line.audit.note("duty_rung", count=str(len(numbers)))
        return ()
