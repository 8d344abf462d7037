"""Dispositions: what triage decides about a tip: forward, close, ask, answer, send elsewhere.

Each is one commit: the row's new state, packages, the reporter's status, the count for statistics
and the audit record. Each takes the version that was read; a tip that moved on raises StaleTip.
Each can be undone for ten seconds by whom ``keep`` gave what that takes (``triage.undo``): what
cannot be called back, a package in an inbox and the end of a recording, waits that long.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from hotline.clock import coarse_due
from hotline.errors import BadInput, HotlineError
from hotline.routing.retention import FORWARDED, UNDECIDED
from hotline.store.tips import Change, Keep, StaleTip
from hotline.tips import (
    Body,
    Errand,
    Observation,
    QueueKind,
    State,
    queue_kind,
)
from hotline.triage import closings, messages, sampling
from hotline.triage.access import SignedIn
from hotline.triage.closings import BadReason
from hotline.triage.destinations import packages, queues_offered, to_queue
from hotline.triage.opening import Bench, Opened
from hotline.triage.terms import last_month
from hotline.triage.undo import leaves_at
from hotline.vault.envelope import STATISTICS
from hotline.vault.format import Kind
from hotline.vault.seal import seal_body
from hotline.vault.small import random_id
from hotline.web.i18n import N_

FORWARD_REASONS: Mapping[str, str] = {
    "credible": N_("Can be acted on"),
    "intelligence": N_("Useful for a wider picture"),
    "danger": N_("Somebody may be in danger"),
    "duty": N_("Must be passed on by law"),
}
REROUTE_REASONS: Mapping[str, str] = {
    "wrong_queue": N_("Belongs to another desk"),
    "training": N_("Needs people with special training"),
    "recusal": N_("Somebody here may be involved"),
    "place": N_("The place has to be found out"),
}

QUESTION, REPLY = "question", "reply"  # what is said to a reporter
ANSWER_HOURS = 24  # how long a reporter has before a tip with a question is due again


class Undecided(HotlineError):
    """Doubtful words are never forwarded undecided."""

    code = "undecided"
    status = 409
    message = "Some words in this tip may point to the reporter."
    hint = "Decide each of them first: keep it or remove it. Then forward the tip."


class Unheard(HotlineError):
    """What a caller said is not decided unheard."""

    code = "unheard"
    status = 409
    message = "Nobody has listened to the recording of this tip."
    hint = "Listen to it and type what was said, or destroy it with a reason. Then go on."


class NoAgency(BadInput):
    """Forwarding to nobody."""

    code = "no_agency"
    message = "No body was chosen."
    hint = "Choose at least one body that must act."


class SecondReader(HotlineError):
    """The same person asked for and tried to confirm a closing."""

    code = "second_reader"
    status = 409
    message = "A second person must confirm this."
    hint = "Your request is recorded. Somebody else of this queue has to read and confirm it."


class BadQueue(BadInput):
    """A queue that does not exist, is this one, or belongs to a recused body."""

    code = "bad_queue"
    message = "The tip cannot go to this queue."
    hint = "Choose one of the queues that are offered."


def check_version(opened: Opened, version: int) -> None:
    """Raises StaleTip when the tip is not the one that was read."""
    if opened.row.version != version:
        raise StaleTip


def needs_second(bench: Bench, opened: Opened) -> bool:
    """Tips about children and threats are not closed by one person alone."""
    told = opened.content.classified.classification
    flagged = any(
        act.code in bench.types and "second_reader" in bench.types.get(act.code).flags
        for act in told.acts
    )
    here = queue_kind(opened.row.queue) is QueueKind.CHILDREN
    return here or bool(told.threats) or flagged or opened.needed_second


def still_second(bench: Bench, who: SignedIn, opened: Opened) -> tuple[Body, ...]:
    """A note that a tip still needs two to be closed, for a change after which nothing else would
    say so: else one person could call it something else, or move it, and then close it alone."""
    if opened.needed_second or not needs_second(bench, opened):
        return ()
    return (seal_note(bench, opened, who, "second_reader"),)


def forward(
    bench: Bench,
    who: SignedIn,
    opened: Opened,
    *,
    leads: Sequence[str],
    copies: Sequence[str] = (),
    reason: str,
    keep: Keep | None = None,
) -> None:
    """Seals a masked package to each body's inbox; recordings end with it. Raises Undecided,
    Unheard, NoAgency, AgencyRecused, BadReason, StaleTip."""
    _require(reason, FORWARD_REASONS)
    if opened.content.tip.doubts:
        raise Undecided
    if any(recording.waits for recording in opened.recordings):
        raise Unheard
    if not leads:
        raise NoAgency
    sealed = packages(bench, opened, leads, copies)
    at = leaves_at(bench.clock)
    notices = [
        bench.envelope.errand("notify", p.id, {"agency": p.agency, "role": p.role}, due_at=at)
        for p in sealed
    ]
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            state=State.FORWARDED,
            until=last_month(bench, opened.row, FORWARDED),
            packages=tuple(sealed),
            errands=(*notices, *_sounds_end(bench, opened, who)),
            replies=(_status(bench, opened, "forwarded"),),
            observation=_count(bench, opened, "forwarded"),
            events=(
                (
                    "forwarded",
                    {
                        "by": _by(who),
                        "reason": reason,
                        "packages": ",".join(p.id.hex() for p in sealed),
                    },
                ),
            ),
        ),
        keep=keep,
    )


def close(
    bench: Bench,
    who: SignedIn,
    opened: Opened,
    *,
    reason: str,
    kind: str = "",
    outcome: str = "closed",
    keep: Keep | None = None,
) -> bool:
    """Closes, or records the request when a second person must confirm; whether it is closed.
    ``kind`` is a code of ``CLOSE_KINDS``. Recordings end with it, and it may be drawn for a
    supervisor to read again. Raises BadReason, SecondReader, StaleTip."""
    closings.check(reason, kind)
    if needs_second(bench, opened):
        asked = opened.close_request
        if asked is not None and asked.by == _by(who):
            raise SecondReader
        if asked is None:
            note = seal_note(bench, opened, who, "close_request", "", reason, kind)
            _keep(bench, opened, note, "close_requested", keep, by=_by(who), reason=reason)
            return False
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            state=State.CLOSED,
            until=last_month(bench, opened.row, reason),
            bodies=(seal_note(bench, opened, who, "closed", "", reason, kind),),
            errands=_sounds_end(bench, opened, who),
            lot=sampling.lot(reason),
            replies=(_status(bench, opened, closings.told(reason)),),
            observation=_count(bench, opened, outcome),
            events=(("closed", {"by": _by(who), "reason": reason}),),
        ),
        keep=keep,
    )
    return True


def refuse_close(bench: Bench, who: SignedIn, opened: Opened, *, keep: Keep | None = None) -> None:
    """The second reader does not agree: the tip stays and the request is spent. Raises
    SecondReader when it is the same person."""
    asked = opened.close_request
    if asked is None:
        return
    if asked.by == _by(who):
        raise SecondReader
    note = seal_note(bench, opened, who, "close_refused", "", asked.reason)
    _keep(bench, opened, note, "close_refused", keep, by=_by(who))


def reopen(bench: Bench, who: SignedIn, opened: Opened, *, keep: Keep | None = None) -> None:
    """A decided tip waits again, as long as if it came now."""
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            state=State.WAITING,
            until=last_month(bench, opened.row, UNDECIDED),
            due_at=bench.envelope.due(opened.content.decision),
            replies=(_status(bench, opened, "waiting"),),
            observation=_count(bench, opened, "none"),
            events=(("reopened", {"by": _by(who)}),),
        ),
        keep=keep,
    )


def say(
    bench: Bench,
    who: SignedIn,
    opened: Opened,
    *,
    kind: str,
    text: str,
    keep: Keep | None = None,
) -> None:
    """A ``question`` or a ``reply`` to the reporter, in their language. A question lets the tip
    wait another day. Raises Empty, TooLong, StaleTip."""
    tip, content = opened.content.tip, opened.content
    number = sum(1 for note in opened.notes if note.kind in (QUESTION, REPLY))
    day = bench.clock.day()
    lookup, key, sign = content.lookup, content.reply_key, random_id()
    replies = [messages.message(lookup, key, kind, text, tip.language, day, number, sign)]
    asking = kind == QUESTION
    if asking:
        replies.append(_status(bench, opened, "asked"))
    waits = asking and opened.row.state is State.WAITING
    due = coarse_due(bench.clock.now(), ANSWER_HOURS * 60, urgent=False)
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            bodies=(seal_note(bench, opened, who, kind, text.strip(), about=sign.hex()),),
            replies=tuple(replies),
            due_at=int(due.timestamp()) if waits else None,
            events=(("asked" if asking else "replied", {"by": _by(who)}),),
        ),
        keep=keep,
    )


def wish_language(bench: Bench, who: SignedIn, opened: Opened) -> None:
    """Says to colleagues, sealed with the tip, that somebody who reads its language is wanted.
    Raises StaleTip."""
    _keep(bench, opened, seal_note(bench, opened, who, "language"), "noted", by=_by(who))


def write_note(bench: Bench, who: SignedIn, opened: Opened, *, text: str) -> None:
    """A note for colleagues, sealed with the tip. Raises Empty, TooLong, StaleTip."""
    text = text.strip()
    if not text:
        raise messages.Empty
    if len(text) > 10 * messages.LONGEST:
        raise messages.TooLong
    _keep(bench, opened, seal_note(bench, opened, who, "note", text, ""), "noted", by=_by(who))


def reroute(
    bench: Bench,
    who: SignedIn,
    opened: Opened,
    *,
    queue: str,
    reason: str,
    keep: Keep | None = None,
) -> None:
    """To another queue: the key is sealed to it and taken from this one; the reporter's receipt
    follows. Raises BadReason, BadQueue, NoKey, StaleTip."""
    _require(reason, REROUTE_REASONS)
    if queue not in queues_offered(bench, opened):
        raise BadQueue
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            state=State.WAITING,
            until=last_month(bench, opened.row, UNDECIDED, queue),
            due_at=opened.row.due_at or bench.envelope.due(opened.content.decision),
            bodies=still_second(bench, who, opened),
            **to_queue(bench, opened, opened.whole, queue),
            replies=(_status(bench, opened, "waiting"),),
            observation=_count(bench, opened, "none"),
            events=(("rerouted", {"by": _by(who), "queue": queue, "reason": reason}),),
        ),
        keep=keep,
    )


def _status(bench: Bench, opened: Opened, code: str) -> messages.Reply:
    content = opened.content
    return messages.status(content.lookup, content.reply_key, code, bench.clock.day())


def _count(bench: Bench, opened: Opened, outcome: str) -> Observation | None:
    """The tip's count again, while its month has a key."""
    month = opened.row.month
    if (STATISTICS, month) not in bench.directory.keys:
        return None
    return bench.envelope.observe(opened.content, month, outcome=outcome)


def seal_note(
    bench: Bench,
    opened: Opened,
    who: SignedIn,
    kind: str,
    text: str = "",
    reason: str = "",
    about: str = "",
    slot: bytes = b"",
) -> Body:
    """A note under the tip's key: see ``opening.Note``. One with a ``slot`` of its own is written
    over by the next."""
    document = {
        "kind": kind,
        "text": text,
        "reason": reason,
        "by": _by(who),
        "day": bench.clock.day(),
        "number": len(opened.notes),
        "about": about,
    }
    payload = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return seal_body(opened.key.key, slot or random_id(), opened.row.id, Kind.NOTE, payload)


def _sounds_end(bench: Bench, opened: Opened, who: SignedIn) -> tuple[Errand, ...]:
    """A decided tip keeps no voice; but while the decision can be undone, it can be heard."""
    facts = {"tip": opened.row.id.hex(), "by": _by(who)}
    at = leaves_at(bench.clock)
    return tuple(
        bench.envelope.errand(
            "end_recording", random_id(), {**facts, "body": recording.id.hex()}, due_at=at
        )
        for recording in opened.recordings
    )


def _keep(
    bench: Bench,
    opened: Opened,
    note: Body,
    event: str,
    keep: Keep | None = None,
    **fields: str,
) -> None:
    bench.tips.apply(
        Change(opened.row.id, opened.row.version, bodies=(note,), events=((event, fields),)),
        keep=keep,
    )


def _require(reason: str, known: Mapping[str, str]) -> None:
    if reason not in known:
        raise BadReason


def _by(who: SignedIn) -> str:
    return who.person.id.hex()
