"""Pages: the desk: the next tip, what is in hand, queues by age, the supervisors' board."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import NotAllowed
from hotline.triage import handover
from hotline.triage.access import special_kind
from hotline.triage.bulk import members
from hotline.triage.certificates import due, read
from hotline.triage.claims import HOLDS_MOST
from hotline.triage.pages import similar
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.wellbeing import rest_of
from hotline.triage.queue import ages, board


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
        mine = [tip for tip, claim in running.items() if claim.person == me.person.id]
        return render_template(
            "console/desk.html",
            ages=board(console.waiting.groups(now), queues),
            closed=closed,
            mine=[row for row in console.waiting.some(mine) if row.queue in queues],
            holds=console.claims.holds(me.person.id),
            told=handover.told(line, console.shift, me, queues),
            queues=queues,
            longest=handover.LONGEST,
            rest=rest_of(console.exposure, me),
            renew=due(read(line.access.people.certificates(me.person.id), line.clock.day())),
        )

    @console.act("/next", *READERS)
    def next_tip() -> BaseResponse:
        me = who()
        if console.exposure.resting(me):
            return redirect("/desk", 303)
        later = console.exposure.later(me)
        row = console.claims.next(me.person.id, line.access.queues(me), later)
        return redirect(f"/tips/{row.id.hex()}" if row else "/desk?done=none", 303)

    @console.page("/board", "supervisor")
    def board_page() -> str:
        # Not even counts of a desk one may not open: how many tips there are about a body is
        # something that body may not learn (promise 5).
        queues = line.access.queues(who())
        groups = console.waiting.groups(int(line.clock.seconds()))
        people = {p.id: p for queue in queues for p in members(line, queue).values()}
        staff = sorted(people.values(), key=lambda person: person.name)
        return render_template(
            "console/board.html",
            rows=[(age, ages(groups, age.queue)) for age in board(groups, queues)],
            staff=[(person, console.claims.holds(person.id)) for person in staff],
            numbers=range(1, HOLDS_MOST + 1),
            bursts=similar.all_bursts(line, who(), queues),
        )

    @console.act("/board/holds", "supervisor")
    def set_holds() -> BaseResponse:
        """How many tips somebody of one's own queues may hold at once."""
        try:
            person = bytes.fromhex(request.form.get("person", ""))
        except ValueError:
            raise NotAllowed from None
        if not any(person in members(line, queue) for queue in line.access.queues(who())):
            raise NotAllowed
        count = request.form.get("count", 0, int)
        console.claims.set_holds(person, count)
        me = who().person.id
        line.audit.note("capacity_set", by=me.hex(), person=person.hex(), count=str(count))
        return redirect("/board?done=capacity", 303)
