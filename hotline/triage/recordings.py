"""Recordings: a caller's voice is heard, typed and destroyed. A voice identifies: none is kept.

The sound never leaves the page it is played in; what was said goes through stripping like any
text; body and key go in the same commit that keeps the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hotline.errors import BadInput, NotAllowed
from hotline.intake.merge import merge
from hotline.store.tips import Change
from hotline.tips import ClassifiedTip, Contact, Question, Tip
from hotline.triage.access import SignedIn
from hotline.triage.closings import BadReason
from hotline.triage.corrections import BY_OPERATOR, joined, rewrite
from hotline.triage.dispositions import Unheard, seal_note
from hotline.triage.opening import Addition, Bench, Opened, Recording
from hotline.vault.content import TipContent
from hotline.vault.envelope import transcript_id
from hotline.vault.keys import open_body
from hotline.web.i18n import N_

DESTROY_REASONS: Mapping[str, str] = {
    "silent": N_("Nothing is said"),
    "unclear": N_("It cannot be understood"),
    "identity_only": N_("It only says who is calling"),
    "repeats": N_("It repeats what the tip says"),
}


class NothingTyped(BadInput):
    """A recording would be destroyed and nothing kept of it."""

    code = "nothing_typed"
    message = "Nothing was typed, so the recording is still there."
    hint = "Type what was said. If nothing useful is said, destroy it with a reason."


def listen(bench: Bench, who: SignedIn, opened: Opened, identity: bytes) -> bytes:
    """The sound, after the audit tree knows of it (promise 11). Raises NotAllowed, StaleTip."""
    recording, key = _found(opened, identity)
    by, tip = who.person.id.hex(), opened.row.id
    if recording.heard:
        bench.audit.note("listened", tip=tip.hex(), by=by)
    else:
        note = seal_note(bench, opened, who, "listened", about=identity.hex())
        bench.tips.apply(
            Change(tip, opened.row.version, bodies=(note,), events=(("listened", {"by": by}),))
        )
    return open_body(key, recording.sealed)


def type_up(bench: Bench, who: SignedIn, opened: Opened, identity: bytes, typed: str) -> TipContent:
    """What was said becomes part of the tip, stripped, and the recording is gone; what a machine
    heard in it goes too, as a person has heard better. The rules decide again, but the tip stays
    in its queue, unless that now belongs to an implicated body. Returns the tip as it is now.
    Raises NotAllowed, Unheard, NothingTyped, TooLarge, StillTold, StaleTip."""
    recording, _ = _found(opened, identity)
    if not recording.heard:
        raise Unheard
    if not typed.strip():
        raise NothingTyped
    content = _decided(bench, opened, _with(opened.content.tip, typed.strip()))
    gone = (identity, transcript_id(identity))
    rewrite(
        bench,
        who,
        replace(
            opened,
            recordings=tuple(other for other in opened.recordings if other.id not in gone),
            additions=tuple(other for other in opened.additions if other.id not in gone),
        ),
        content,
        "recording_destroyed",
        queue_of(bench, opened, content),
        drop=gone,
    )
    bench.database.wipe_journal()
    return content


def take_up(bench: Bench, who: SignedIn, opened: Opened, addition: Addition) -> TipContent:
    """What a machine heard becomes part of the tip, which stays held; the rules decide again as
    in ``type_up``. Its recording, if it was kept, stays. Raises StillTold, StaleTip."""
    before = opened.content.tip
    content = _decided(bench, opened, _as_text(before, joined(before, addition)))
    rest = tuple(other for other in opened.additions if other is not addition)
    queue = queue_of(bench, opened, content)
    rewrite(
        bench,
        who,
        replace(opened, additions=rest),
        content,
        "folded",
        queue,
        drop=(addition.id,),
    )
    return content


def destroy(bench: Bench, who: SignedIn, opened: Opened, identity: bytes, reason: str) -> None:
    """Without typing: a note says why. Raises NotAllowed, BadReason, StaleTip."""
    if reason not in DESTROY_REASONS:
        raise BadReason
    recording, _ = _found(opened, identity)
    fields = {"by": who.person.id.hex(), "reason": reason}
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            bodies=(seal_note(bench, opened, who, "destroyed", reason=reason),),
            drop_bodies=(recording.id,),
            events=(("recording_destroyed", fields),),
        )
    )
    bench.database.wipe_journal()


def queue_of(bench: Bench, opened: Opened, content: TipContent) -> str:
    """The queue a tip is in, or the one the rules name when its own belongs to a body that the
    words implicate (promise 5)."""
    recused = {*opened.recused, *(recusal.agency for recusal in content.decision.recused)}
    here, there = opened.row.queue, content.decision.queue

    def implicated(queue: str) -> bool:
        return bench.profile.under(bench.profile.queues[queue].agency, recused)

    return there if implicated(here) and not implicated(there) else here


def _found(opened: Opened, identity: bytes) -> tuple[Recording, bytes]:
    """A recording that this person can open, with its key."""
    for recording in opened.recordings:
        if recording.id == identity and recording.key is not None:
            return recording, recording.key
    raise NotAllowed


def _with(tip: Tip, typed: str) -> Tip:
    """The tip with what a person typed."""
    said = Contact(channel=tip.channel, text=typed, language=tip.language, transcript=True)
    fuller, _ = merge(tip, said, ())
    return _as_text(tip, fuller)


def _as_text(before: Tip, fuller: Tip) -> Tip:
    """What was added is the text of a tip that had none."""
    if before.text or Question.MORE in before.answers:
        return fuller
    answers = dict(fuller.answers)
    return replace(fuller, text=answers.pop(Question.MORE, ""), answers=answers)


def _decided(bench: Bench, opened: Opened, tip: Tip) -> TipContent:
    """Classified, located and routed again. What a person decided before stays decided, and
    nothing recused before is forgotten."""
    old = opened.content
    told = bench.types.classify(
        tip.words, tip.language, chosen=tip.crime_types, heard=tip.heard, alarms=tip.alarms
    )
    place = bench.router.locate(tip)
    before = old.classified
    if any(BY_OPERATOR in act.reasons for act in before.classification.acts):
        told = replace(told, acts=before.classification.acts)
    if BY_OPERATOR in before.place.reasons:
        place = before.place
    classified = ClassifiedTip(tip, told, place)
    decision = bench.router.decide(classified)
    recused = {r.agency: r for r in (*opened.recusals, *decision.recused)}
    return replace(
        old,
        classified=classified,
        decision=replace(decision, recused=tuple(recused.values())),
    )
