"""Pages: one's own limits, breaks and pauses. Nobody else has a page that shows them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.triage.access import SignedIn
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.wellbeing import BREAKS, Exposure, sealed_limits


@dataclass(frozen=True, slots=True)
class Rest:
    """For the desk: a break that runs (until seconds since 1970), and whether to offer one."""

    until: int
    prompt: str
    breaks: tuple[int, ...] = BREAKS


def rest_of(exposure: Exposure, me: SignedIn) -> Rest:
    return Rest(exposure.resting(me), exposure.prompt(me))


def install(console: Console) -> None:
    line, exposure = console.line, console.exposure

    @console.page("/limits", *READERS, name="limits_page")
    def limits() -> str:
        me = who()
        mine = {queue.partition(":")[0] for queue in line.access.queues(me)}
        return render_template(
            "console/limits.html",
            budgets=exposure.budgets(me),
            mine=mine,
            began=exposure.began(me),
            rest=rest_of(exposure, me),
        )

    @console.act("/limits", *READERS)
    def set_limits() -> BaseResponse:
        sealed = sealed_limits(who(), request.form)
        line.access.people.change(who().person.id, limits=sealed)
        return redirect("/limits?done=limits", 303)

    @console.act("/break", *READERS, name="take_break")
    def rest() -> BaseResponse:
        exposure.rest(who(), request.form.get("minutes", -1, int))
        return redirect("/desk", 303)

    @console.act("/go-on", *READERS)
    def go_on() -> BaseResponse:
        exposure.go_on(who())
        return redirect("/desk", 303)
