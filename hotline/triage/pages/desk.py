"""Pages: the operator's desk: counts, the next tip, lists by address, the board of ages."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.tips import Priority, State
from hotline.triage.access import special_kind
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.queue import PAGE, Filter, board, listed


def install(console: Console) -> None:
    line = console.line

    @console.page("/desk", *READERS)
    def desk() -> str:
        me = who()
        queues = line.access.queues(me)
        granted = line.keys.recipients(me.person.id)
        closed = [
            name.removeprefix("queue:")
            for name in sorted(granted)
            if (kind := special_kind(name)) is not None and kind not in me.certificates
        ]
        now = int(line.clock.seconds())
        running = console.claims.running()
        mine = [line.tips.one(tip) for tip, c in running.items() if c.person == me.person.id]
        return render_template(
            "console/desk.html",
            ages=board(line.tips, queues, now),
            closed=closed,
            mine=[row for row in mine if row is not None and row.queue in queues],
        )

    @console.act("/next", *READERS)
    def next_tip() -> BaseResponse:
        me = who()
        row = console.claims.next(me.person.id, line.access.queues(me))
        return redirect(f"/tips/{row.id.hex()}" if row else "/desk?done=none", 303)

    @console.page("/tips", *READERS)
    def tips() -> str:
        queues = line.access.queues(who())
        wanted = Filter.read(request.args, queues)
        return render_template(
            "console/tips.html",
            rows=listed(line.tips, queues, wanted),
            wanted=wanted,
            queues=queues,
            states=[*State, "all"],
            priorities=list(Priority),
            most=PAGE,
            claims=console.claims.running(),
        )

    @console.page("/board", "supervisor")
    def board_page() -> str:
        now = int(line.clock.seconds())
        # Not even counts of a desk one may not open: how many tips there are about a body is
        # something that body may not learn (promise 5).
        queues = line.access.queues(who())
        return render_template("console/board.html", ages=board(line.tips, queues, now))
