"""Corrections: an operator decides doubtful words, type and place; the tip is sealed anew.

The body is rewritten under its key, earlier versions are deleted, and the key is sealed again to
the tip's queue, because a wrap is bound to the very bytes it opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hotline.errors import BadInput, HotlineError
from hotline.intake.stripping.grammar import replacements
from hotline.store.tips import Change
from hotline.tips import (
    Act,
    Body,
    Certainty,
    Doubt,
    Place,
    Question,
    Removed,
    State,
    Tip,
)
from hotline.triage.access import SignedIn
from hotline.triage.destinations import to_queue
from hotline.triage.dispositions import still_second
from hotline.triage.opening import Addition, Bench, Opened, summaries_to
from hotline.triage.terms import moved_until
from hotline.vault.content import TipContent
from hotline.vault.envelope import STATISTICS
from hotline.web.i18n import N_

KEEP, REMOVE = "keep", "remove"
BY_OPERATOR = N_("decided by an operator")
_MOST_ACTS = 5


class StillTold(HotlineError):
    """The reporter's conversation still runs: what is rewritten now, it would write over."""

    code = "still_told"
    status = 409
    message = "The reporter is still telling."
    hint = "Wait until the conversation is over, at most 20 minutes. You can forward it already."


class UnknownPlace(BadInput):
    """A place that is not one municipality."""

    code = "unknown_place"
    message = "This place is not one municipality that we know."
    hint = "Write the municipality and its state or department, or its postal code."


class UnknownType(BadInput):
    """A type that is not in the table."""

    code = "unknown_type"
    message = "No type was chosen."
    hint = "Choose the type that fits best."


def decide_doubts(bench: Bench, who: SignedIn, opened: Opened, verdicts: Mapping[str, str]) -> None:
    """``verdicts`` by token: ``keep`` puts the words back, ``remove`` takes them out for good.
    Doubts not named stay. Raises StillTold, StaleTip."""
    tip = opened.content.tip
    for doubt in tip.doubts:
        verdict = verdicts.get(doubt.token)
        if verdict in (KEEP, REMOVE):
            tip = _decided(tip, doubt, keep=verdict == KEEP)
    rewrite(bench, who, opened, opened.content.with_tip(tip), "doubts_decided")
    bench.database.wipe_journal()


def correct(
    bench: Bench, who: SignedIn, opened: Opened, *, types: Sequence[str], place: str
) -> str:
    """Types (the primary first) and place as a person knows them; the rules decide again, and
    nothing recused before is forgotten. Returns the queue the tip is in now. Raises UnknownType,
    UnknownPlace, StillTold, StaleTip."""
    old = opened.content
    acts = tuple(Act(code, 1.0, (BY_OPERATOR,)) for code in dict.fromkeys(types) if code)
    if not acts or any(act.code not in bench.types for act in acts):
        raise UnknownType
    where = _place(bench, place, old.classified.place)
    told = replace(old.classified.classification, acts=acts[:_MOST_ACTS])
    classified = replace(old.classified, classification=told, place=where)
    decision = bench.router.decide(classified)
    recused = {r.agency: r for r in (*opened.recusals, *decision.recused)}
    decision = replace(decision, recused=tuple(recused.values()))
    content = replace(old, classified=classified, decision=decision)
    queue = _queue(bench, opened, content)
    kept = still_second(bench, who, opened)
    rewrite(bench, who, opened, content, "corrected", queue, beside=kept)
    return queue


def fold(bench: Bench, who: SignedIn, opened: Opened, identity: bytes) -> None:
    """Puts what the reporter added later into the tip, its doubts included. Raises StillTold,
    StaleTip."""
    addition = next((a for a in opened.additions if a.id == identity), None)
    if addition is None:
        return
    content = opened.content.with_tip(joined(opened.content.tip, addition))
    rest = replace(opened, additions=tuple(a for a in opened.additions if a is not addition))
    if addition.number:
        told = summaries_to(opened.row.id, addition.number)
        rest = replace(rest, included=addition.number, summaries=told)
    rewrite(bench, who, rest, content, "folded", drop=(addition.id,))


def _decided(tip: Tip, doubt: Doubt, *, keep: bool) -> Tip:
    words = replacements(tip.language)
    label = words["removed"].format(kind=words.get(doubt.kind, doubt.kind))
    instead = doubt.text if keep else f"[{label}]"
    removed = tip.removed if keep else (*tip.removed, Removed(doubt.kind, BY_OPERATOR))
    return replace(
        tip,
        text=tip.text.replace(doubt.token, instead),
        answers={q: words.replace(doubt.token, instead) for q, words in tip.answers.items()},
        details={i: words.replace(doubt.token, instead) for i, words in tip.details.items()},
        doubts=tuple(d for d in tip.doubts if d.token != doubt.token),
        removed=removed,
    )


def joined(tip: Tip, addition: Addition) -> Tip:
    """The tip with an addition under ``more``; its tokens stay distinct."""
    text, taken, fresh = addition.text, {d.token for d in tip.doubts}, []
    for doubt in addition.doubts:
        token, number = doubt.token, 2
        while token in taken:
            token, number = f"{doubt.token[:-1]}.{number}]", number + 1
        text = text.replace(doubt.token, token, 1)
        taken.add(token)
        fresh.append(replace(doubt, token=token))
    more = "\n".join(part for part in (tip.answers.get(Question.MORE), text) if part)
    if addition.machine is not None:
        tip = _as_held(tip, addition.machine.tip)
    return replace(tip, answers={**tip.answers, Question.MORE: more}, doubts=(*tip.doubts, *fresh))


def _as_held(tip: Tip, heard: Tip) -> Tip:
    """What stripping found in a transcript stays known of the tip that takes it up."""
    return replace(
        tip,
        removed=tip.removed + heard.removed,
        risk=max(tip.risk, heard.risk),
        held=tip.held or heard.held,
        hold_reasons=tuple(dict.fromkeys((*tip.hold_reasons, *heard.hold_reasons))),
        heard=tuple(dict.fromkeys((*tip.heard, *heard.heard))),
        alarms=tuple(dict.fromkeys((*tip.alarms, *heard.alarms))),
        heard_place=tip.heard_place or heard.heard_place,
    )


def _place(bench: Bench, typed: str, old: Place) -> Place:
    typed = typed.strip()[:200]
    if not typed or typed == old.name:
        return old
    found = bench.places.by_key(typed) or bench.places.answer(typed, state=bench.profile.state)
    if found.municipality is None:
        raise UnknownPlace
    return replace(found, certainty=Certainty.CERTAIN, reasons=(BY_OPERATOR,), candidates=())


def _queue(bench: Bench, opened: Opened, content: TipContent) -> str:
    """Where the corrected tip belongs; it stays when that queue's body is recused."""
    queue = content.decision.queue
    agency = bench.profile.queues[queue].agency
    recused = [recusal.agency for recusal in content.decision.recused]
    return opened.row.queue if bench.profile.under(agency, recused) else queue


def rewrite(
    bench: Bench,
    who: SignedIn,
    opened: Opened,
    content: TipContent,
    event: str,
    queue: str | None = None,
    drop: tuple[bytes, ...] = (),
    beside: tuple[Body, ...] = (),
) -> None:
    """Seals the tip anew, to its queue or another, without what is in ``drop`` and with the notes
    ``beside`` it. Raises StillTold,
    StaleTip, NoKey."""
    if opened.row.state is State.OPEN:
        raise StillTold
    queue = queue or opened.row.queue
    content = replace(content, included=opened.included)
    whole = bench.envelope.body(content, opened.key)
    month = opened.row.month
    counted = (STATISTICS, month) in bench.directory.keys
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            priority=content.decision.priority,
            bodies=(whole, *beside),
            drop_bodies=(*opened.summaries, *drop),
            until=moved_until(bench, opened.row, queue, opened.closed_for),
            **to_queue(bench, replace(opened, content=content), whole, queue),
            observation=bench.envelope.observe(content, month) if counted else None,
            events=((event, {"by": who.person.id.hex()}),),
        )
    )
