"""Answering: packages that bodies owe an answer for are raised, and the bodies reminded.

A chore raises each package once a stage (store.overdue); an errand reminds. A reminder says to a
body that something waits for it, never what; the body above it is told how many, never which.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotline.assembly import StaffLine
from hotline.delivery.scorecard import terms
from hotline.delivery.sending import Sending
from hotline.jobs.recordings import open_facts
from hotline.routing.answering import Stage
from hotline.store.desk import Package
from hotline.store.overdue import Overdue
from hotline.tips import Errand


def raise_unanswered(line: StaffLine) -> int:
    """How many packages came to a further stage. Safe to repeat and to miss: a stage that was
    missed is raised as soon as somebody runs."""

    def errand(package: Package, stage: int) -> Errand:
        facts = {"agency": package.agency, "stage": Stage(stage).name.lower()}
        return line.envelope.errand("remind", package.id, facts)

    found = terms(line.profile, line.clock.today())
    return Overdue(line.database).raise_late(found, errand)


def remind(line: StaffLine, errand: Errand, sending: Sending) -> Sequence[Errand]:
    """The inbox of the body, and of the one above it, shows it by itself; outside the console the
    body is told by its way once more. Safe to repeat."""
    facts = open_facts(line, errand)
    line.audit.note("package_overdue", package=errand.subject.hex(), stage=facts["stage"])
    return sending.errands(errand.subject, facts["agency"])
