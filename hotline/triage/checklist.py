"""Checklist: what an operator looked at before deciding, kept sealed with the tip."""

from __future__ import annotations

from collections.abc import Iterable

from hotline.routing.checking import Check, checks_for
from hotline.store.tips import Change
from hotline.triage.access import SignedIn
from hotline.triage.dispositions import seal_note
from hotline.triage.opening import Bench, Opened
from hotline.vault import format as fmt


def listed(opened: Opened) -> tuple[Check, ...]:
    """What there is to check for the types of this tip."""
    return checks_for(act.code for act in opened.content.classified.classification.acts)


def ticked(opened: Opened) -> frozenset[str]:
    """The ids of what was ticked last."""
    texts = [note.text for note in opened.notes if note.kind == "checked"]
    return frozenset(texts[-1].split(",")) if texts else frozenset()


def tick(bench: Bench, who: SignedIn, opened: Opened, ids: Iterable[str]) -> None:
    """Keeps these ticks and no others. What another type's list had ticked stays. Raises
    StaleTip."""
    here = {check.id for check in listed(opened)}
    kept = sorted((ticked(opened) - here) | (here & set(ids)))
    bench.tips.apply(
        Change(
            opened.row.id,
            opened.row.version,
            bodies=(seal_note(bench, opened, who, "checked", ",".join(kept), slot=_slot(opened)),),
            events=(("checked", {"by": who.person.id.hex()}),),
        )
    )


def _slot(opened: Opened) -> bytes:
    """One note a tip, written over: how often somebody ticked is nobody's business."""
    return fmt.digest(b"hotline/checked" + opened.row.id)[: fmt.ID_BYTES]
