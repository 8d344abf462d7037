"""Pages: the officers' page: people and their certificates, and whether the line is ready."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine
from hotline.errors import BadInput, NotAllowed
from hotline.store.people import Person
from hotline.tips import QueueKind
from hotline.triage.audit import balanced, ledger
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id

_DAY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


class BadCertificate(BadInput):
    """A certificate without a kind or a day."""

    code = "bad_certificate"
    message = "The certificate needs a kind and a last day."
    hint = "Choose the kind and write the day as year-month-day."


@dataclass(frozen=True, slots=True)
class Row:
    """A person as officers see them."""

    person: Person
    certificates: dict[str, str]
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What must be in order. ``last_month`` is the last one with keys for everybody."""

    last_month: str
    months_left: int
    records: int
    unsequenced: int
    signed: int
    buried: list[tuple[bytes, str, str]]
    ledger: dict[str, int]
    balanced: bool


def readiness(line: StaffLine) -> Readiness:
    month = line.clock.month()
    last = min(
        (line.directory.last_epoch(name) for name in line.directory.recipients()), default=""
    )
    head = line.audit.head()
    figures = ledger(line)
    waiting = line.audit.waiting()
    return Readiness(
        last_month=last,
        months_left=max(_number(last) - _number(month), 0) if last else 0,
        records=(head[0] if head else 0) + waiting,
        unsequenced=waiting,
        signed=head[0] if head else 0,
        buried=line.outbox.buried(),
        ledger=figures,
        balanced=balanced(figures),
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
            kinds=[kind for kind in QueueKind if kind.special],
        )

    @console.act("/officers/errands/<errand>/retry", "officer")
    def retry(errand: str) -> BaseResponse:
        identity = read_id(errand)
        if identity not in [buried for buried, _, _ in line.outbox.buried()]:
            raise NotAllowed
        line.outbox.retry(identity)
        line.audit.note("errand_retried", by=who().person.id.hex())
        return redirect("/officers?done=retried", 303)

    @console.act("/officers/<person>/certificate", "officer")
    def certify(person: str) -> BaseResponse:
        found = line.access.people.get(read_id(person))
        if found is None:
            raise NotAllowed
        kind, until = request.form.get("kind", ""), request.form.get("until", "")
        if kind not in [k for k in QueueKind if k.special] or not _DAY.fullmatch(until):
            raise BadCertificate
        line.access.certify(who().person.id, found, kind, until)
        return redirect("/officers?done=certified", 303)
