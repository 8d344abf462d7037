"""Carrying: what carries each deed out that two people agreed on, with the session of one of them.

A carrier spends the approval itself (``Approvals.spend``), in the transaction of what it does; it
raises what the page then says, and the approval is left for the other of the two. What needs
files that lie offline, or a version to compare, is carried out on the command line and not here.
"""

from __future__ import annotations

from collections.abc import Callable

from hotline.assembly import StaffLine
from hotline.errors import HotlineError, NotAllowed
from hotline.store.database import Transaction
from hotline.store.tips import First
from hotline.triage import forgetting
from hotline.triage.access import SignedIn
from hotline.triage.approvals import Deed, Request

Carrier = Callable[[StaffLine, SignedIn, Request], None]
AboutATip = Callable[[StaffLine, SignedIn, bytes, First], None]


class AtTheMachine(HotlineError):
    """A recovery: three sheets are typed in, and never into a browser."""

    code = "at_the_machine"
    status = 409
    message = "Three custodians must type their sheets at the line's own machine."
    hint = "Go there within three days of the request and run 'hotline keys recover'."


def _recover(line: StaffLine, who: SignedIn, request: Request) -> None:
    raise AtTheMachine


class NotHeld(HotlineError):
    """Nobody gives a key that they do not hold."""

    code = "not_held"
    status = 409
    message = "You do not hold the keys of this queue, so you cannot give them."
    hint = "The other one of the two, who holds them, can carry it out."


def open_queue(line: StaffLine, who: SignedIn, request: Request) -> None:
    """Gives the months of a special queue. Raises NotHeld, NotApproved."""
    person = line.access.people.get(bytes.fromhex(request.facts["person"]))
    if person is None or not person.active:
        raise NotAllowed
    if not line.access.grant(who, person, request.facts["recipient"]):
        raise NotHeld


def _about_a_tip(deed: AboutATip) -> Carrier:
    def carry(line: StaffLine, who: SignedIn, request: Request) -> None:
        def first(connection: Transaction) -> object:
            return line.approvals.spend(connection, request.deed, request.facts, who.person.id)

        deed(line, who, bytes.fromhex(request.facts["tip"]), first)

    return carry


DEEDS: dict[Deed, Carrier] = {
    Deed.OPEN_QUEUE: open_queue,
    Deed.RECOVER: _recover,
    Deed.HOLD: _about_a_tip(forgetting.hold),
    Deed.LIFT: _about_a_tip(forgetting.lift),
    Deed.ERASE: _about_a_tip(forgetting.erase),
}
