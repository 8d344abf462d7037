"""Pages: one tip, read by an operator, and the lease on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.analysis.meanings import meaning
from hotline.delivery.agencies import STATE_NAMES
from hotline.delivery.scorecard import SAID_NAMES
from hotline.errors import NotAllowed
from hotline.intake.details import answered
from hotline.tips import Redacted
from hotline.triage import destinations, dispositions, forgetting, sampling, victims
from hotline.triage.opening import read_tip, visible
from hotline.triage.pages import deciding, ending, presence, similar
from hotline.triage.pages.checks import checks
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.talk import talk_of
from hotline.triage.pages.told import beside, held_because, removed_kinds, segments
from hotline.triage.pages.words import named
from hotline.triage.recordings import DESTROY_REASONS
from hotline.vault.envelope import transcript_id
from hotline.web.i18n import current


def read_id(text: str) -> bytes:
    """A random id as the address spells it. Raises NotAllowed."""
    try:
        identity = bytes.fromhex(text)
    except ValueError:
        raise NotAllowed from None
    if len(identity) != 16:
        raise NotAllowed
    return identity


@dataclass(frozen=True, slots=True, repr=False)
class Sound(Redacted):
    """A recording to be played in this very page, as a ``data:`` address."""

    id: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Look:
    """A file to be seen in this page. ``page`` counts from 1; 0 is the blurred preview."""

    file: bytes
    page: int


def show(
    console: Console,
    tip: str,
    *,
    reveal: bool = False,
    sound: Sound | None = None,
    look: Look | None = None,
    typed: Sequence[str] = (),
) -> str:
    """The page of a tip, with its doubtful words, a recording or a file that was asked for, or
    what was ``typed`` when it could not be kept."""
    line, me, identity = console.line, who(), read_id(tip)
    opened = read_tip(line, me, identity)
    console.exposure.saw(me, identity, opened.row.queue)
    if reveal:
        line.audit.note("revealed", tip=identity.hex(), by=me.person.id.hex())
    around = presence.arrive(console, identity)
    holder = around.holder
    leads, copies = destinations.offered(line, opened)
    told = opened.content.tip
    request_ = opened.close_request
    end = ending.ending(line, opened)
    return render_template(
        "console/tip.html",
        tip=opened,
        told=told,
        text=segments(told.text, told.doubts),
        answers={q: segments(words, told.doubts) for q, words in told.answers.items()},
        details=[(a, segments(a.words, told.doubts)) for a in answered(told, current())],
        additions=[(a, segments(a.text, a.doubts)) for a in opened.additions],
        typed_over={transcript_id(recording.id) for recording in opened.recordings},
        beside=beside(told),
        removed=removed_kinds(told.removed),
        held=held_because(told),
        classified=opened.content.classified,
        decision=opened.content.decision,
        recusals=opened.recusals,
        ending=end,
        similar=similar.beside(line, me, opened),
        end_reasons=forgetting.REASONS,
        around=around,
        typed=typed,
        reveal=reveal,
        sound=sound,
        look=look,
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
        victim=victims.told(opened.content),
        victim_titles=victims.FIELDS,
        victim_lists=victims.lists(),
        meaning=meaning,
        talk=talk_of(line, opened),
        forward_reasons=dispositions.FORWARD_REASONS,
        ways=deciding.ways(),
        candidates=deciding.candidates(line, opened),
        checks=checks(opened),
        history=[note for note in opened.notes if note.kind != "checked"],
        sampled=me.has("supervisor") and sampling.drawn(line, opened),
        package_state=named(dict(STATE_NAMES)),
        said_name=named(SAID_NAMES),
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

    @console.act("/tips/<tip>/again", *READERS)
    def again(tip: str) -> str:
        """From the page of a conflict: the tip as it is now, and beside it what was typed."""
        return show(console, tip, typed=[words for words in request.form.getlist("typed") if words])

    @console.act("/tips/<tip>/release", *READERS)
    def release(tip: str) -> BaseResponse:
        row = visible(line, who(), read_id(tip))
        console.claims.release(who().person.id, row.id, aside=True)
        console.shift.gone(who().person.id, row.id)
        return redirect("/desk?done=aside", 303)
