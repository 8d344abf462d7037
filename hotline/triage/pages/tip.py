"""Pages: one tip, read by an operator, and the lease on it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, redirect, render_template
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import NotAllowed
from hotline.tips import Language, Redacted
from hotline.triage import destinations, dispositions
from hotline.triage.messages import QUESTIONS, REPLIES
from hotline.triage.opening import read_tip, visible
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.told import beside, held_because, removed_kinds, segments
from hotline.triage.recordings import DESTROY_REASONS
from hotline.web.i18n import current, say


def read_id(text: str) -> bytes:
    """A random id as the address spells it. Raises NotAllowed."""
    try:
        identity = bytes.fromhex(text)
    except ValueError:
        raise NotAllowed from None
    if len(identity) != 16:
        raise NotAllowed
    return identity


def canned(sentences: dict[str, str], to: Language) -> list[tuple[str, str, str]]:
    """``(code, in the reporter's language, in the reader's)``."""
    return [(code, say(to, text), say(current(), text)) for code, text in sentences.items()]


@dataclass(frozen=True, slots=True, repr=False)
class Sound(Redacted):
    """A recording to be played in this very page, as a ``data:`` address."""

    id: bytes
    address: str


def show(console: Console, tip: str, *, reveal: bool = False, sound: Sound | None = None) -> str:
    """The page of a tip, with its doubtful words or with a recording that was asked for."""
    line, me, identity = console.line, who(), read_id(tip)
    opened = read_tip(line, me, identity)
    if reveal:
        line.audit.note("revealed", tip=identity.hex(), by=me.person.id.hex())
    holder = console.claims.holder(identity)
    leads, copies = destinations.offered(line, opened)
    told = opened.content.tip
    request_ = opened.close_request
    return render_template(
        "console/tip.html",
        tip=opened,
        told=told,
        text=segments(told.text, told.doubts),
        answers={q: segments(words, told.doubts) for q, words in told.answers.items()},
        additions=[(a, segments(a.text, a.doubts)) for a in opened.additions],
        beside=beside(told),
        removed=removed_kinds(told.removed),
        held=held_because(told),
        classified=opened.content.classified,
        decision=opened.content.decision,
        reveal=reveal,
        sound=sound,
        holder=holder,
        mine=holder is not None and holder.person == me.person.id,
        leads=leads,
        copies=copies,
        others=destinations.others(line, opened),
        sent={package.agency for package in opened.packages},
        queues=destinations.queues_offered(line, opened),
        second=dispositions.needs_second(line, opened),
        asked_by_me=request_ is not None and request_.by == me.person.id.hex(),
        types=list(line.types),
        questions=canned(dict(QUESTIONS), told.language),
        replies=canned(dict(REPLIES), told.language),
        forward_reasons=dispositions.FORWARD_REASONS,
        close_reasons=dispositions.CLOSE_REASONS,
        reroute_reasons=dispositions.REROUTE_REASONS,
        destroy_reasons=DESTROY_REASONS,
    )


def install(console: Console) -> None:
    """Reading, and the lease."""
    line = console.line

    @console.page("/tips/<tip>", *READERS)
    def tip_page(tip: str) -> str:
        return show(console, tip)

    @console.act("/tips/<tip>/reveal", *READERS)
    def reveal(tip: str) -> str:
        return show(console, tip, reveal=True)

    @console.act("/tips/<tip>/take", *READERS)
    def take(tip: str) -> BaseResponse:
        row = visible(line, who(), read_id(tip))
        console.claims.require(who().person.id, row.id)
        return redirect(f"/tips/{tip}", 303)

    @console.act("/tips/<tip>/heartbeat", *READERS)
    def heartbeat(tip: str) -> BaseResponse:
        """The script's sign that somebody still works here; renews only a lease one has."""
        row = visible(line, who(), read_id(tip))
        held = console.claims.holder(row.id)
        if held is None or held.person != who().person.id:
            return Response(status=409)
        console.claims.take(who().person.id, row.id)
        return Response(status=204)

    @console.act("/tips/<tip>/release", *READERS)
    def release(tip: str) -> BaseResponse:
        row = visible(line, who(), read_id(tip))
        console.claims.release(who().person.id, row.id, aside=True)
        return redirect("/desk?done=aside", 303)
