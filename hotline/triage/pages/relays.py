"""Pages: the urgent relay, live: what rings now, who was tried, and the key to say "I have it".

Shown to those who may open the tip's queue: an implicated body runs none of them. Posts are named,
never their numbers. The page asks for itself again by its own header, without a script, until
somebody stops that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine
from hotline.delivery.relay import Notice
from hotline.errors import NotAllowed
from hotline.intake import answering
from hotline.routing.duty import Duty, Way
from hotline.tips import State
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.words import named
from hotline.vault.errands import open_errand
from hotline.vault.format import Damaged
from hotline.web.i18n import N_

REFRESH_SECONDS = 10
WAYS = {
    Way.CALL.value: N_("Telephone call"),
    Way.SMS.value: N_("Text message"),
    Way.WEBHOOK.value: N_("Message to their system"),
}


@dataclass(frozen=True, slots=True)
class Ringing:
    """A relay that rings. ``since`` is 0 before its first step; ``step`` is what is out now,
    ``tried`` the posts tried so far; ``late``: an alarm was raised for it."""

    id: str
    tip: str
    queue: str
    type: str
    place: str
    since: int
    step: tuple[str, str] | None
    tried: tuple[str, ...]
    round: int
    late: bool
    said: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """A relay that was acknowledged within the last hour."""

    queue: str
    since: int
    at: int
    by: str
    post: str


def post_name(line: StaffLine, post: Duty) -> str:
    agency = line.profile.agency(post.agency)
    name = agency.name if agency else post.agency
    return f"{post.post}, {name}" if post.post else name


def ringing(line: StaffLine, queues: tuple[str, ...]) -> list[Ringing]:
    """Of these queues, the oldest first."""
    found = []
    for errand in line.outbox.pending("relay"):
        with suppress(KeyError, Damaged):
            notice = Notice.read(open_errand(line.worker, errand))
            row = line.tips.one(notice.tip)
            if row and row.queue in queues and row.state in (State.OPEN, State.WAITING):
                said = answering.acknowledged(line.once, errand.id) is not None
                found.append(_ringing(line, errand.id, notice, row.queue, said))
    return sorted(found, key=lambda one: (one.since or 2**40, one.id))


def _ringing(line: StaffLine, id: bytes, notice: Notice, queue: str, said: bool) -> Ringing:
    standing, ladder = notice.standing, notice.ladder(line.profile)
    tried: tuple[str, ...] = ()
    step: tuple[str, str] | None = None
    if standing is not None:
        tried = tuple(dict.fromkeys(post_name(line, r.post) for r in ladder[: standing.tried]))
        if standing.ref and standing.at < len(ladder):
            rung = ladder[standing.at]
            step = (rung.way.value, post_name(line, rung.post))
    place = line.places.called(notice.municipality) if notice.municipality else notice.place
    return Ringing(
        id=id.hex(),
        tip=notice.tip.hex(),
        queue=queue,
        type=notice.type,
        place=place,
        since=standing.since if standing else 0,
        step=step,
        tried=tried,
        round=standing.round + 1 if standing else 1,
        late=bool(standing and standing.alarmed),
        said=said,
    )


def taken(line: StaffLine, queues: tuple[str, ...]) -> list[Taken]:
    """Of these queues, the newest first."""
    posts = {post.key: post_name(line, post) for post in line.profile.duty}
    found = []
    for errand in line.outbox.pending("relay_over"):
        with suppress(KeyError, Damaged):
            facts = open_errand(line.worker, errand)
            if facts["queue"] in queues:
                post = posts.get(facts["post"], "")
                found.append(
                    Taken(facts["queue"], int(facts["since"]), int(facts["at"]), facts["by"], post)
                )
    return sorted(found, key=lambda one: -one.at)


def install(console: Console) -> None:
    line = console.line

    @console.page("/relay", *READERS)
    def relay() -> BaseResponse:
        queues = line.access.queues(who())
        still = "still" in request.args
        page = render_template(
            "console/relay.html",
            ringing=ringing(line, queues),
            taken=taken(line, queues),
            way=named(WAYS),
            still=still,
            seconds=REFRESH_SECONDS,
        )
        response = make_response(page)
        if not still:
            response.headers["Refresh"] = str(REFRESH_SECONDS)
        return response

    @console.act("/relay/<relay>/acknowledge", *READERS, name="acknowledge_relay")
    def acknowledge_relay(relay: str) -> BaseResponse:
        """Safe to repeat; who was first stays."""
        identity, queues = read_id(relay), line.access.queues(who())
        known = {one.id for one in ringing(line, queues)}
        if identity.hex() not in known:
            # Over meanwhile, or of a desk that is not theirs: the board says which, alike for all.
            if not queues:
                raise NotAllowed
            return redirect("/relay", 303)
        me = who().person.id
        answering.acknowledge(line.once, line.tips, line.envelope, identity, me)
        return redirect("/relay?done=relay_taken", 303)
