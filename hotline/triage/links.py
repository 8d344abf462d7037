"""Links: tips that somebody of their queue holds for alike, or says are not. Never a merge: each
stays a tip of its own, with its own state, deadline and reporter.

What was said of two tips stands in one sketch only, that of the tip on whose page it was said: two
rows written in one commit would tell a thief that they belong together. Each saying has a number,
the higher one of the two sketches counts, so a link is seen and undone from both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from hotline.errors import HotlineError
from hotline.store.sketches import Sketched, renew
from hotline.store.tips import Change, Listed
from hotline.tips import Redacted
from hotline.triage.access import SignedIn
from hotline.triage.canaries import Canaries
from hotline.triage.likeness import VERDICTS, alike
from hotline.triage.opening import Bench, Opened, visible
from hotline.triage.sketches import Shelf, judged, keys_of, put, sealed, shelf, unsealed
from hotline.vault.envelope import queue_recipient

SHOWN = 7
_LAST = 255


class Verdict(IntEnum):
    """What somebody said of two tips."""

    LINKED = 1
    APART = 2
    TAKEN_BACK = 3


_EVENTS = {
    Verdict.LINKED: "linked",
    Verdict.APART: "told_apart",
    Verdict.TAKEN_BACK: "unlinked",
}


class OtherDesk(HotlineError):
    """The other tip is gone from this queue, or was never in it."""

    code = "other_desk"
    status = 409
    message = "The other tip is not at this desk any more."
    hint = "Load the page of the tip again."


class TooManyLinks(HotlineError):
    """A sketch has room for so many and no more: its size must not tell how many there are."""

    code = "too_many_links"
    status = 409
    message = "This tip has as many links as it can hold."
    hint = "Open one of the tips it is linked to, and link from there."


@dataclass(frozen=True, slots=True, repr=False)
class Neighbour(Redacted):
    """Another tip of the same queue: its clear facts, day and place of arrival, and why it is
    alike (codes of ``likeness``)."""

    row: Listed
    day: int
    place: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Nearby(Redacted):
    """What the page of a tip shows beside it; ``suggested`` without what was told apart."""

    linked: tuple[Neighbour, ...] = ()
    suggested: tuple[Neighbour, ...] = ()


def nearby(bench: Bench, opened: Opened, open_shelf: Shelf) -> Nearby:
    """The tips linked to one, and those that are like it. Nothing of a tip without a sketch."""
    tip, place = opened.row.id, {each: at for at, each in enumerate(open_shelf.ids)}
    if tip not in place:
        return Nearby()
    said = _said(tip, open_shelf)
    linked = [each for each, (_, verdict) in said.items() if verdict == Verdict.LINKED]
    judged = {each for each, (_, verdict) in said.items() if verdict != Verdict.TAKEN_BACK}
    # Nobody is led to a planted tip, which rings when it is read.
    judged_of = {place[each] for each in judged | Canaries(bench).planted() if each in place}
    # Asked for more than are shown: those that somebody has judged are not shown again.
    found = alike(open_shelf.rows, place[tip], SHOWN + len(judged_of))
    fresh = [(one.row, one.why) for one in found if one.row not in judged_of]
    return Nearby(
        _there(bench, opened, open_shelf, [(place[t], ()) for t in linked if t in place]),
        _there(bench, opened, open_shelf, fresh[:SHOWN]),
    )


def _there(
    bench: Bench, opened: Opened, open_shelf: Shelf, wanted: Sequence[tuple[int, tuple[str, ...]]]
) -> tuple[Neighbour, ...]:
    found = []
    for at, why in wanted:
        row = bench.tips.one(open_shelf.ids[at])
        if row is not None and row.queue == opened.row.queue:
            sketch = open_shelf.rows[at]
            found.append(Neighbour(row, int(sketch["day"]), sketch["place"].decode(), why))
    return tuple(found)


def _said(tip: bytes, open_shelf: Shelf) -> dict[bytes, tuple[int, int]]:
    """Of each other tip ``(number, verdict)`` of what was said last, on either side."""
    found: dict[bytes, tuple[int, int]] = {}
    if not len(open_shelf.rows):
        return found
    others = np.ascontiguousarray(open_shelf.rows["others"]).view("<u8")
    here = np.frombuffer(tip, "<u8")
    hits = (others.reshape(len(open_shelf.rows), VERDICTS, 2) == here).all(axis=2)
    for at, slot in np.argwhere(hits & (open_shelf.rows["verdicts"] > 0)):
        row = open_shelf.rows[at]
        told = (int(row["numbers"][slot]), int(row["verdicts"][slot]))
        found[open_shelf.ids[at]] = told
    if tip in open_shelf.ids:
        at = open_shelf.ids.index(tip)
        for other, verdict, number in judged(open_shelf.rows[at : at + 1]):
            found[other] = max(found.get(other, (0, 0)), (number, verdict))
    return found


def judge(bench: Bench, who: SignedIn, opened: Opened, other: bytes, verdict: Verdict) -> None:
    """Remembers, sealed, what somebody says of two tips of one queue. Raises NotAllowed,
    OtherDesk, TooManyLinks, StaleTip."""
    tip = opened.row.id
    if visible(bench, who, other).queue != opened.row.queue or other == tip:
        raise OtherDesk
    number = _said(tip, shelf(bench, who, opened.row.queue)).get(other, (0, 0))[0] + 1
    if number > _LAST:
        raise TooManyLinks
    keys, recipient = keys_of(bench, who, opened.row.queue), queue_recipient(opened.row.queue)

    def fresh(old: Sketched | None) -> Sketched:
        row = unsealed(keys, old) if old and old.recipient == recipient else None
        if old is None or row is None:
            raise OtherDesk
        slots = [known for known, _, _ in judged(row)]
        at = slots.index(other) if other in slots else len(slots)
        if at == VERDICTS:
            raise TooManyLinks
        put(row, at, other, verdict, number)
        return sealed(keys, tip, recipient, old.epoch, row)

    event = (_EVENTS[verdict], {"by": who.person.id.hex()})
    bench.tips.apply(
        Change(tip, opened.row.version, events=(event,)),
        lambda connection: renew(connection, tip, fresh),
    )
