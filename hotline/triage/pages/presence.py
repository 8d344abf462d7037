"""Pages: who else is at this tip, and the sign of life that renews a lease.

Known for five minutes after a person's last sign of life, then deleted. It is said on the tip's
page alone, to people who may open it.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import make_response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.store.desk import Claim
from hotline.store.shift import Present
from hotline.triage.opening import visible
from hotline.triage.pages.door import READERS, Console, who

SECONDS = 5 * 60


@dataclass(frozen=True, slots=True)
class Others:
    """``lost``: the page believed this tip to be its reader's, and it is not any more."""

    editing: tuple[bytes, ...]
    viewing: tuple[bytes, ...]
    holder: Claim | None
    lost: bool = False


def arrive(console: Console, tip: bytes, *, editing: bool = False, lost: bool = False) -> Others:
    """Says that this person is here, and who else is."""
    now, me = int(console.line.clock.seconds()), who().person.id
    console.shift.here(tip, Present(me, editing, now + SECONDS), now)
    others = [one for one in console.shift.present(tip, now) if one.person != me]
    return Others(
        tuple(one.person for one in others if one.editing),
        tuple(one.person for one in others if not one.editing),
        console.claims.holder(tip),
        lost,
    )


def install(console: Console) -> None:
    from hotline.triage.pages.tip import read_id  # its page shows what is said here

    @console.act("/tips/<tip>/heartbeat", *READERS)
    def heartbeat(tip: str) -> BaseResponse:
        """The script's sign that somebody is at work here: renews a lease one has. The answer is
        what the page says of others; 409 when it believed in a lease that is over."""
        row, me = visible(console.line, who(), read_id(tip)), who().person.id
        held = console.claims.holder(row.id)
        mine = held is not None and held.person == me
        if mine:
            console.claims.take(me, row.id)
        lost = bool(request.form.get("mine")) and not mine
        others = arrive(console, row.id, editing="editing" in request.form, lost=lost)
        page = render_template("console/presence.html", around=others)
        return make_response(page, 409 if lost else 200)
