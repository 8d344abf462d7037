"""Pages: tips like this one, links between them, and bursts. Nothing here says that tips confirm
each other: who wrote them is not known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flask import render_template, request

from hotline.assembly import StaffLine
from hotline.tips import Doubt, Priority, Redacted, State
from hotline.triage.access import SignedIn
from hotline.triage.bursts import Burst, burst_of, bursts
from hotline.triage.links import Nearby, OtherDesk, Verdict, judge, nearby
from hotline.triage.opening import Opened, read_tip
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.told import Segment, segments
from hotline.triage.sketches import shelf
from hotline.web.i18n import N_

_EXTRACT = 1200  # characters of each tip where two are seen side by side

WHY = {
    "plate": N_("same number plate"),
    "number": N_("same phone, account or profile"),
    "address": N_("same address"),
    "name": N_("same name or nickname"),
    "street": N_("same street"),
    "place_day": N_("same municipality, at most a day apart"),
    "place_week": N_("same municipality, same week"),
    "place": N_("same municipality"),
    "text": N_("nearly the same text"),
    "words": N_("uncommon words in common"),
    "told": N_("much the same is told"),
}


@dataclass(frozen=True, slots=True, repr=False)
class Similar(Redacted):
    """The part of a tip's page about others. ``ask``: somebody wanted to close it as a duplicate,
    and it is linked with none."""

    nearby: Nearby
    burst: Burst | None
    ask: bool
    why = WHY

    @property
    def linked(self) -> frozenset[str]:
        """The hex ids of the tips it is linked with."""
        return frozenset(one.row.id.hex() for one in self.nearby.linked)

    @staticmethod
    def day(ordinal: int) -> str:
        return date.fromordinal(ordinal).isoformat() if ordinal else ""


@dataclass(frozen=True, slots=True, repr=False)
class Extract(Redacted):
    """The beginning of one of two tips side by side."""

    tip: str
    day: str
    language: str
    priority: Priority
    state: State
    place: str | None
    types: tuple[str, ...]
    words: list[Segment]
    doubts: tuple[Doubt, ...]


def beside(line: StaffLine, me: SignedIn, opened: Opened) -> Similar:
    """What is shown beside a tip."""
    held, place = shelf(line, me, opened.row.queue), opened.content.classified.place
    primary = opened.content.classified.primary
    group = line.types.get(primary).group if primary in line.types else ""
    burst = burst_of(held.rows, line.clock.today(), place.municipality or "", group)
    return Similar(nearby(line, opened, held), burst, request.args.get("done") == "link_first")


def link_first(line: StaffLine, me: SignedIn, opened: Opened) -> bool:
    """Whether a tip is to be closed as a duplicate, is linked with none, and others are like it.
    Asked once: a second reader, and who says "without a link", are not held up."""
    form = request.form
    if form.get("reason") != "duplicate" or "anyway" in form or opened.close_request:
        return False
    found = nearby(line, opened, shelf(line, me, opened.row.queue))
    return bool(found.suggested) and not found.linked


def all_bursts(line: StaffLine, me: SignedIn, queues: Iterable[str]) -> list[tuple[str, Burst]]:
    """The bursts of the queues this person may open, each with its queue."""
    today = line.clock.today()
    return [(q, burst) for q in queues for burst in bursts(shelf(line, me, q).rows, today)]


def install(console: Console) -> None:
    """Two tips side by side, and what is said of them."""
    from hotline.triage.pages.deeds import view_of  # whose closing asks for a link first
    from hotline.triage.pages.tip import read_id  # whose page shows what is said here

    line = console.line

    @console.act("/tips/<tip>/beside", *READERS, name="beside")
    def side_by_side(tip: str) -> str:
        # A post, so that no address, and no browser's history, joins two tips.
        me = who()
        own = read_tip(line, me, read_id(tip))
        other = read_tip(line, me, read_id(request.form.get("other", "")))
        if own.row.queue != other.row.queue:
            raise OtherDesk
        holder = console.claims.holder(own.row.id)
        free = holder is None or holder.person == me.person.id
        return render_template(
            "console/beside.html",
            own=_extract(own),
            other=_extract(other),
            version=own.row.version,
            free=free and own.row.id != other.row.id,
            similar=beside(line, me, own),
        )

    def said(verdict: Verdict, done: str, name: str) -> None:
        def deed(line: StaffLine, me: SignedIn, opened: Opened) -> str:
            judge(line, me, opened, read_id(request.form.get("other", "")), verdict)
            return done

        console.act(f"/tips/<tip>/{name}", *READERS, name=name)(view_of(console, deed))

    said(Verdict.LINKED, "linked", "link")
    said(Verdict.TAKEN_BACK, "unlinked", "unlink")
    said(Verdict.APART, "told_apart", "apart")


def _extract(opened: Opened) -> Extract:
    told, words = opened.content.tip, opened.content.tip.words
    cut = words[:_EXTRACT] + (" …" if len(words) > _EXTRACT else "")
    return Extract(
        opened.row.id.hex(),
        opened.content.day,
        told.language.tag,
        opened.row.priority,
        opened.row.state,
        opened.content.classified.place.name,
        tuple(act.code for act in opened.content.classified.classification.acts),
        segments(cut, told.doubts),
        told.doubts,
    )
