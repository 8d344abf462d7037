"""Pages: Undo, on whatever page the person who decided looks at in the next ten seconds."""

from __future__ import annotations

from flask import g, redirect
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import NotAllowed
from hotline.store.undoing import Before
from hotline.triage.pages.door import READERS, Console, who


def keep(kept: Before) -> None:
    """What the deed of this request did, to be offered to the person when it is done."""
    g.kept = kept


def offer(console: Console) -> None:
    """Only after the deed: one that failed half-way has nothing to take back."""
    if (kept := g.pop("kept", None)) is not None:
        console.undoing.offer(who().person.id, kept)


def install(console: Console) -> None:
    @console.act("/undo", *READERS)
    def undo() -> BaseResponse:
        """Takes the tip back into the person's hands, if nobody else has it by now."""
        me = who().person.id
        kept = console.undoing.kept(me)
        if kept.queue not in console.line.access.queues(who()):
            raise NotAllowed
        console.claims.require(me, kept.tip)
        tip = console.undoing.undo(me)
        return redirect(f"/tips/{tip.hex()}?done=undone", 303)
