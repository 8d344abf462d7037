"""Pages: what two people may do with a tip: erase it early, hold it, lift the hold. Asked here; a
second person decides on the page of requests."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine
from hotline.errors import NotAllowed
from hotline.triage.approvals import Deed, Request, deciding_roles
from hotline.triage.closings import BadReason
from hotline.triage.forgetting import REASONS
from hotline.triage.opening import Opened, visible
from hotline.triage.pages.door import Console, who

ROLES = deciding_roles(Deed.ERASE)


@dataclass(frozen=True, slots=True)
class Ending:
    """What the page says of a tip's end. ``had`` is how many bodies have opened their copy;
    ``pages`` whether deleted rows stay in the database's files for a while."""

    asked: tuple[Request, ...]
    deeds: tuple[Deed, ...]
    had: int
    pages: bool


def ending(line: StaffLine, opened: Opened) -> Ending | None:
    """None for whoever may not decide it: that a hold exists is not for everybody either."""
    if not who().has(*ROLES):
        return None
    facts = {"tip": opened.row.id.hex()}
    asked = tuple(one for one in line.approvals.open() if one.facts == facts)
    possible = [Deed.LIFT] if opened.held else [Deed.HOLD, Deed.ERASE]
    if opened.held and opened.unheld:
        possible.append(Deed.HOLD)
    waiting = {one.deed for one in asked}
    return Ending(
        asked,
        tuple(deed for deed in possible if deed not in waiting),
        sum(package.state != "sent" for package in opened.packages),
        not line.settings.sqlite,
    )


def install(console: Console) -> None:
    from hotline.triage.pages.tip import read_id  # its page shows what is said here

    line = console.line

    @console.act("/tips/<tip>/request/<deed>", *ROLES)
    def request_deed(tip: str, deed: str) -> BaseResponse:
        if deed not in REASONS:
            raise NotAllowed
        row, reason = visible(line, who(), read_id(tip)), request.form.get("reason", "")
        if reason not in REASONS[deed]:
            raise BadReason
        console.confirm()
        line.approvals.ask(who().person.id, Deed(deed), {"tip": row.id.hex()}, reason)
        return redirect(f"/tips/{tip}?done=requested#ending", 303)
