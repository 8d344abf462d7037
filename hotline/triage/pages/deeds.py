"""Pages: what an operator does with a tip. Each deed needs the lease and the version that was read.

A deed returns the code of what was done (see ``door.DONE``).
"""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine
from hotline.triage import checklist, corrections, dispositions, recordings, victims
from hotline.triage.access import SignedIn
from hotline.triage.opening import Opened, open_tip, visible
from hotline.triage.pages import deciding, similar
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.undoing import keep as undoable
from hotline.triage.pages.undoing import offer
from hotline.vault.content import TipContent

Deed = Callable[[StaffLine, SignedIn, Opened], str]

# After these the person goes on to the desk; after ``_ASIDE`` the tip is not offered to them soon.
_LEAVES = frozenset({"forwarded", "closed", "close_requested", "rerouted"})
_ASIDE = frozenset({"close_requested"})
_NEXT = "decided_one"  # the next doubtful words get the focus


def forward(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    form = request.form
    leads = [agency for agency in (*form.getlist("lead"), form.get("other", "")) if agency]
    copies, reason = form.getlist("copy"), form.get("reason", "")
    dispositions.forward(line, me, opened, leads=leads, copies=copies, reason=reason, keep=undoable)
    return "forwarded"


def close(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    """``reason`` is a code, or a code and its kind with a colon between."""
    reason, _, kind = request.form.get("reason", "").partition(":")
    if similar.link_first(line, me, opened):
        return "link_first"
    closed = dispositions.close(line, me, opened, reason=reason, kind=kind, keep=undoable)
    return "closed" if closed else "close_requested"


def keep(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    dispositions.refuse_close(line, me, opened, keep=undoable)
    return "close_refused"


def reopen(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    dispositions.reopen(line, me, opened, keep=undoable)
    return "reopened"


def note(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    dispositions.write_note(line, me, opened, text=request.form.get("text", ""))
    return "noted"


def reroute(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    queue, reason = request.form.get("queue", ""), request.form.get("reason", "")
    dispositions.reroute(line, me, opened, queue=queue, reason=reason, keep=undoable)
    return "rerouted"


def doubts(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    verdicts = {
        doubt.token: request.form.get(f"doubt-{number}", "")
        for number, doubt in enumerate(opened.content.tip.doubts, 1)
    }
    corrections.decide_doubts(line, me, opened, verdicts)
    decided = {corrections.KEEP, corrections.REMOVE}.issuperset(verdicts.values())
    return "decided" if decided else _NEXT


def correct(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    types, place = request.form.getlist("type"), request.form.get("place", "")
    queue = corrections.correct(line, me, opened, types=types, place=place)
    return "corrected" if queue == opened.row.queue else "rerouted"


def choose(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    types, place = deciding.corrected(line, opened, request.form.get("choice", ""))
    queue = corrections.correct(line, me, opened, types=types, place=place)
    return "corrected" if queue == opened.row.queue else "rerouted"


def victim(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    victims.describe(
        line, me, opened, {name: request.form.get(name, "") for name in victims.FIELDS}
    )
    return "victim_described"


def check(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    checklist.tick(line, me, opened, request.form.getlist("check"))
    return "checked"


def fold(line: StaffLine, me: SignedIn, opened: Opened) -> str:
    identity = read_id(request.form.get("addition", ""))
    heard = next((a for a in opened.additions if a.id == identity and a.machine), None)
    if heard is not None:
        return after(line, opened, recordings.take_up(line, me, opened, heard), "folded")
    corrections.fold(line, me, opened, identity)
    return "folded"


def after(line: StaffLine, opened: Opened, content: TipContent, done: str) -> str:
    """What a person is told once spoken words are part of a tip."""
    if recordings.queue_of(line, opened, content) != opened.row.queue:
        return "rerouted"
    return done if content.decision.queue == opened.row.queue else "typed_elsewhere"


DEEDS: tuple[Deed, ...] = (
    forward,
    close,
    keep,
    reopen,
    note,
    reroute,
    doubts,
    correct,
    choose,
    victim,
    check,
    fold,
)


def install(console: Console) -> None:
    for deed in DEEDS:
        name = deed.__name__
        console.act(f"/tips/<tip>/{name}", *READERS, name=name)(view_of(console, deed))


def view_of(console: Console, deed: Deed) -> Callable[[str], BaseResponse]:
    """A deed as a post: with the lease, on the version that was read."""

    def view(tip: str) -> BaseResponse:
        line, me, identity = console.line, who(), read_id(tip)
        row = visible(line, me, identity)
        console.claims.require(me.person.id, row.id)
        opened = open_tip(line, me, identity)
        dispositions.check_version(opened, request.form.get("version", -1, int))
        done = deed(line, me, opened)
        offer(console)
        if done == _NEXT:
            return _next_doubt(tip)
        if done not in _LEAVES:
            return redirect(f"/tips/{tip}?done={done}", 303)
        console.claims.release(me.person.id, identity, aside=done in _ASIDE)
        console.shift.gone(me.person.id, identity)
        return redirect(f"/desk?done={done}", 303)

    return view


def _next_doubt(tip: str) -> BaseResponse:
    """Back to the tip. Whoever saw the words goes on seeing them: the same form, posted once more
    to the page that shows and records them."""
    shown = "shown" in request.form
    path = f"/tips/{tip}/reveal" if shown else f"/tips/{tip}"
    return redirect(f"{path}?done={_NEXT}#doubt-1", 307 if shown else 303)
