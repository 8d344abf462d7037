"""Pages: lists of tips by address, and the views that a person saved of them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.store.tips import Listed
from hotline.store.waiting import Group
from hotline.tips import Priority
from hotline.triage.bulk import members
from hotline.triage.closings import CLOSE_REASONS
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.queue import (
    COUNT_MOST,
    LATE_NAMES,
    SORT_NAMES,
    STATES,
    Filter,
    counted,
    paged,
)

VIEWS = ("", "late=0", "mine=yes")  # everybody has these
MOST_VIEWS = 12


@dataclass(frozen=True, slots=True)
class View:
    """A list that is one press away. ``saved``: by this person, who may remove it."""

    wanted: Filter
    count: int
    saved: bool

    @property
    def more(self) -> bool:
        """Whether it may hold more than was counted."""
        return self.wanted.state in ("forwarded", "closed", "all") and self.count >= COUNT_MOST


def install(console: Console) -> None:
    line = console.line

    @console.page("/tips", *READERS)
    def tips() -> str:
        me = who()
        queues, now = line.access.queues(me), int(line.clock.seconds())
        wanted = Filter.read(request.args, queues)
        running = console.claims.running()
        mine = [tip for tip, claim in running.items() if claim.person == me.person.id]
        page = paged(console.waiting, queues, wanted, mine, now)
        held = console.waiting.some(mine)
        found = views(console, queues, console.waiting.groups(now), held, now)
        return render_template(
            "console/tips.html",
            page=page,
            wanted=wanted,
            views=found,
            unsaved=wanted.codes not in {view.wanted.codes for view in found},
            queues=queues,
            states=STATES,
            priorities=list(Priority),
            lates=LATE_NAMES,
            sorts=SORT_NAMES,
            claims=running,
            people=assignable(console, page.rows),
            close_reasons=CLOSE_REASONS,
        )

    @console.act("/views", *READERS)
    def views_set() -> BaseResponse:
        """Saves or removes a view of one's own: only what a filter may say is kept."""
        me, form = who().person.id, request.form
        wanted = Filter.read(dict(parse_qsl(form.get("view", ""))), line.access.queues(who()))
        saved = [view for view in console.shift.settings(me, "view") if view != wanted.codes]
        keep = form.get("go") != "remove"
        if keep and wanted.codes not in VIEWS:
            saved = [*saved[: MOST_VIEWS - 1], wanted.codes]
        console.shift.set(me, "view", saved)
        there = wanted.page() if keep else "/tips"
        mark = "&" if "?" in there else "?"
        return redirect(f"{there}{mark}done={'view_saved' if keep else 'view_removed'}", 303)


def views(
    console: Console,
    queues: tuple[str, ...],
    groups: list[Group],
    held: list[Listed],
    now: int,
) -> list[View]:
    """Everybody's, then those this person saved, but for queues they may no longer open."""
    saved = console.shift.settings(who().person.id, "view")
    found = []
    for codes in dict.fromkeys((*VIEWS, *saved)):
        wanted = Filter.read(dict(parse_qsl(codes)), queues)
        if wanted.codes == codes:
            count = counted(console.waiting, queues, wanted, groups, held, now)
            found.append(View(wanted, count, codes not in VIEWS))
    return found


def assignable(console: Console, rows: list[Listed]) -> list[tuple[str, str]]:
    """``(hex id, name)`` of those into whose hands tips may be put: by a supervisor anybody of the
    listed queues, by others only themselves."""
    me = who()
    if not me.has("supervisor"):
        return [(me.person.id.hex(), me.person.name)]
    queues = {row.queue for row in rows}
    people = {p.id: p.name for q in queues for p in members(console.line, q).values()}
    return sorted(((one.hex(), name) for one, name in people.items()), key=lambda one: one[1])
