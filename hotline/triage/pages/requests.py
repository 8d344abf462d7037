"""Pages: the page of requests: what needs two people, who asked, and what the second may do."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine
from hotline.errors import BadInput, HotlineError, NotAllowed
from hotline.store.people import Person
from hotline.triage.access import SignedIn, membership, special_kind
from hotline.triage.approvals import Deed, Request, deciding_roles
from hotline.triage.carrying import DEEDS
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.words import OPENING_REASONS


class BadGift(BadInput):
    """A queue for nobody, no queue, or one that the giver does not hold."""

    code = "bad_gift"
    message = "Choose a person, a queue that you hold, and a reason."
    hint = "Go back to the page of people and fill in all three."


@dataclass(frozen=True, slots=True)
class Card:
    """A request and the steps that the reader may take: approve, refuse, withdraw, carry.
    ``elsewhere``: approved, and to be carried out on the command line."""

    request: Request
    steps: tuple[str, ...]
    elsewhere: bool


def cards(line: StaffLine, person: SignedIn) -> list[Card]:
    """Open requests that this person's role may decide, oldest first."""
    found = [one for one in line.approvals.open() if person.has(*deciding_roles(one.deed))]
    return [
        Card(one, _steps(one, person.person.id), one.state == "approved" and one.deed not in DEEDS)
        for one in found
    ]


def _steps(one: Request, reader: bytes) -> tuple[str, ...]:
    approved, steps = one.state == "approved", list[str]()
    if approved and one.deed in DEEDS and reader in (one.by, one.approver):
        steps.append("carry")
    if one.by == reader:
        return (*steps, "withdraw")
    return (*steps, "refuse") if approved else ("approve", "refuse")


def install(console: Console) -> None:
    line = console.line

    @console.page("/requests", "officer", "supervisor")
    def requests() -> str:
        return render_template("console/requests.html", cards=cards(line, who()))

    @console.act("/requests/<asked>/approve", "officer", "supervisor", name="approve_request")
    def approve(asked: str) -> BaseResponse:
        console.confirm()
        done = line.approvals.approve(who().person.id, read_id(asked))
        # What cannot be done with the approver's keys is left for the asker: it stays approved.
        return _said("done" if _carried(line, who(), done) else "approved")

    @console.act("/requests/<asked>/carry", "officer", "supervisor", name="carry_request")
    def carry(asked: str) -> BaseResponse:
        console.confirm()
        found = line.approvals.get(read_id(asked))
        if who().person.id not in (found.by, found.approver) or found.deed not in DEEDS:
            raise NotAllowed
        DEEDS[found.deed](line, who(), found)
        return _said("done")

    @console.act("/requests/<asked>/refuse", "officer", "supervisor", name="refuse_request")
    def refuse(asked: str) -> BaseResponse:
        console.confirm()
        line.approvals.refuse(who().person.id, read_id(asked))
        return _said("refused")

    @console.act("/requests/<asked>/withdraw", "officer", "supervisor", name="withdraw_request")
    def withdraw(asked: str) -> BaseResponse:
        console.confirm()
        line.approvals.withdraw(who().person.id, read_id(asked))
        return _said("withdrawn")

    @console.act("/officers/queue", "officer")
    def give_queue() -> BaseResponse:
        person, recipient, reason = _gift(line, who())
        console.confirm()
        if special_kind(recipient):
            facts = membership(person, recipient)
            line.approvals.ask(who().person.id, Deed.OPEN_QUEUE, facts, reason)
            return _said("asked")
        line.access.grant(who(), person, recipient)
        return redirect("/officers?done=given", 303)


def _gift(line: StaffLine, giver: SignedIn) -> tuple[Person, str, str]:
    """To whom, which queue and why, from the form. Raises BadGift, NotAllowed."""
    form = request.form
    person = line.access.people.get(read_id(form.get("person", "")))
    recipient, reason = form.get("recipient", ""), form.get("reason", "")
    if person is None or not person.active or reason not in OPENING_REASONS:
        raise BadGift
    held = line.keys.recipients(giver.person.id)
    if recipient not in held or not recipient.startswith("queue:"):
        raise BadGift
    return person, recipient, reason


def _carried(line: StaffLine, person: SignedIn, done: Request) -> bool:
    carrier = DEEDS.get(done.deed)
    if carrier is None:
        return False
    try:
        carrier(line, person, done)
    except HotlineError:
        return False
    return True


def _said(step: str) -> BaseResponse:
    return redirect(f"/requests?done=request_{step}", 303)
