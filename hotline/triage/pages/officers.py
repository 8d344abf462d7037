"""Pages: the officers' page: people, and whether the line is ready."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine
from hotline.delivery.erasure import alarms
from hotline.errors import NotAllowed
from hotline.store.facts import Facts
from hotline.store.people import Person
from hotline.triage.access import ROLES
from hotline.triage.approvals import Deed
from hotline.triage.audit import balanced, ledger
from hotline.triage.invitations import waits_for_second
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.words import OPENING_REASONS
from hotline.triage.recovery import Standing, standing


@dataclass(frozen=True, slots=True)
class Row:
    """A person as officers see them."""

    person: Person
    certificates: dict[str, str]
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What must be in order. ``officers`` are the active ones: two are needed; ``last_month`` is
    the last one with keys for everybody."""

    officers: int
    last_month: str
    months_left: int
    records: int
    unsequenced: int
    signed: int
    buried: list[tuple[bytes, str, str]]
    provider: dict[str, int]
    ledger: dict[str, int]
    balanced: bool
    recovery: Standing


def readiness(line: StaffLine) -> Readiness:
    month = line.clock.month()
    last = min(
        (line.directory.last_epoch(name) for name in line.directory.recipients()), default=""
    )
    head = line.audit.head()
    figures = ledger(line)
    waiting = line.audit.waiting()
    return Readiness(
        officers=len(line.approvals.deciders(Deed.DIRECTORY)),
        last_month=last,
        months_left=max(_number(last) - _number(month), 0) if last else 0,
        records=(head[0] if head else 0) + waiting,
        unsequenced=waiting,
        signed=head[0] if head else 0,
        buried=line.outbox.buried(),
        provider=alarms(line.outbox, Facts(line.database), line.clock.seconds()),
        ledger=figures,
        balanced=balanced(figures),
        recovery=standing(line),
    )


def _number(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number)


def install(console: Console) -> None:
    line = console.line

    @console.page("/officers", "officer")
    def officers() -> str:
        people = line.access.people
        rows = [
            Row(
                person,
                people.certificates(person.id),
                tuple(
                    name.removeprefix("queue:")
                    for name in sorted(line.keys.recipients(person.id))
                    if name.startswith("queue:")
                ),
            )
            for person in people.all()
        ]
        return render_template(
            "console/officers.html",
            rows=rows,
            ready=readiness(line),
            today=line.clock.day(),
            mine=next((row.queues for row in rows if row.person.id == who().person.id), ()),
            reasons=OPENING_REASONS,
            invitations=[(one, waits_for_second(one)) for one in console.invitations.running()],
            roles=ROLES,
            inboxes=line.profile.inboxes(),
        )

    @console.act("/officers/errands/<errand>/retry", "officer")
    def retry(errand: str) -> BaseResponse:
        identity = read_id(errand)
        if identity not in [buried for buried, _, _ in line.outbox.buried()]:
            raise NotAllowed
        line.outbox.retry(identity)
        line.audit.note("errand_retried", by=who().person.id.hex())
        return redirect("/officers?done=retried", 303)
