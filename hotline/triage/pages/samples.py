"""Pages: what supervisors read again of what was closed without being forwarded."""

from __future__ import annotations

from flask import redirect, render_template
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import NotAllowed
from hotline.store.samples import Samples
from hotline.triage import dispositions, sampling
from hotline.triage.canaries import Canaries
from hotline.triage.opening import open_tip, visible
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.undoing import keep, offer


def install(console: Console) -> None:
    line = console.line

    @console.page("/samples", "supervisor")
    def samples() -> str:
        queues = line.access.queues(who())
        rows = Samples(line.database).waiting(queues)
        return render_template("console/samples.html", rows=rows, share=sampling.rate().share)

    @console.act("/samples/draw", "supervisor")
    def draw_samples() -> BaseResponse:
        queues = frozenset(line.access.queues(who()))
        sampling.draw(line, queues, Canaries(line).planted())
        return redirect("/samples?done=drawn", 303)

    @console.act("/tips/<tip>/agree", "supervisor", name="agree_sample")
    def agree(tip: str) -> BaseResponse:
        opened = open_tip(line, who(), _drawn(tip))
        sampling.agree(line, who(), opened)
        return redirect("/samples?done=sample_agreed", 303)

    @console.act("/tips/<tip>/disagree", "supervisor", name="disagree_sample")
    def disagree(tip: str) -> BaseResponse:
        """The tip waits again for an operator; who closed it is not told off by a machine."""
        console.claims.require(who().person.id, _drawn(tip))
        opened = open_tip(line, who(), read_id(tip))
        dispositions.reopen(line, who(), opened, keep=keep)
        console.claims.release(who().person.id, opened.row.id)
        offer(console)
        return redirect("/samples?done=reopened", 303)

    def _drawn(tip: str) -> bytes:
        row = visible(line, who(), read_id(tip))
        if not Samples(line.database).drawn(row.id):
            raise NotAllowed
        return row.id
