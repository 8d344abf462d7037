"""Forgetting by people: one tip erased early, or kept alive by a legal hold, and let go again.

Each of the three needs two people; ``first`` spends their approval in the deed's own transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from hotline.errors import HotlineError
from hotline.store.database import Transaction
from hotline.store.forgetting import Forgetting
from hotline.store.keystore import KeyStore
from hotline.store.outbox import Outbox
from hotline.store.tips import Change, First
from hotline.tips import HOLD
from hotline.triage.access import SignedIn
from hotline.triage.opening import Bench, SealedElsewhere, apart_of, body_key, open_tip, visible
from hotline.vault import format as fmt
from hotline.vault.envelope import queue_recipient
from hotline.vault.errands import open_errand
from hotline.vault.format import Damaged, Kind
from hotline.web.i18n import N_

ERASE_REASONS: Mapping[str, str] = {
    "reporter_at_risk": N_("The reporter may be in danger because of it"),
    "points_to_reporter": N_("It points to the reporter"),
    "harms_somebody": N_("It harms somebody for nothing"),
    "court_order": N_("A court or the law demands it"),
}
HOLD_REASONS: Mapping[str, str] = {
    "court_order": N_("A court or the law demands it"),
    "proceedings": N_("Proceedings run that may need it"),
    "complaint": N_("A complaint against this line is being looked into"),
}
LIFT_REASONS: Mapping[str, str] = {
    "proceedings_over": N_("The proceedings are over"),
    "order_lifted": N_("The order was lifted"),
    "mistake": N_("It was a mistake"),
}
REASONS = {"erase": ERASE_REASONS, "hold": HOLD_REASONS, "lift": LIFT_REASONS}  # by deed
# Errands that only the tip gives a meaning. What fetches from the provider stays: without a tip it
# fetches nothing, and goes on to have the provider forget (promise 7).
_ABOUT_A_TIP = ("settle", "news", "relay", "forget_recording", "end_recording")


class UnderHold(HotlineError):
    """A tip under legal hold was to be erased."""

    code = "under_hold"
    status = 409
    message = "This tip is under legal hold and cannot be erased."
    hint = "Lift the hold first, with a second person."


class NotUnderHold(HotlineError):
    """A hold was to be lifted that is not there."""

    code = "not_under_hold"
    status = 409
    message = "This tip is not under legal hold."
    hint = "Load the page of the tip again."


class Desk(Bench, Protocol):
    """What forgetting needs of the staff line beside the bench."""

    @property
    def keys(self) -> KeyStore: ...
    @property
    def worker(self) -> dict[str, bytes]: ...


def erase(line: Desk, who: SignedIn, tip: bytes, first: First) -> None:
    """Everything of the tip and its receipt, now. Who does it must be able to open it, for only
    the sealed tip names its receipt. Raises NotAllowed, SealedElsewhere, UnderHold, and what
    ``first`` raises; then all stays as it is.

    Its ids are written into the key store before anything is deleted: killed half-way, the next
    tidying finishes what two people had decided, and a restored backup does not undo it."""
    opened = open_tip(line, who, tip)
    if opened.held:
        raise UnderHold
    _try(line, first)
    lookup = opened.content.lookup
    line.keys.erase((tip, lookup), line.clock.month())
    store = Forgetting(line.database)
    errands = errands_by_tip(line.outbox, line.worker).get(tip, [])
    try:
        store.shred(tip, "erased", errands=errands, lookup=lookup, first=first)
    except HotlineError:
        line.keys.spare((tip, lookup))
        raise
    store.tidy()


class _Tried(Exception):
    """Rolls a trial back."""


def _try(line: Bench, first: First) -> None:
    """Whether ``first`` would go through: what stands in the key store is finished by whoever
    comes next, so it may stand there only once two people have agreed."""

    def work(connection: Transaction) -> None:
        first(connection)
        raise _Tried

    with suppress(_Tried):
        line.database.write(work)


def hold(line: Bench, who: SignedIn, tip: bytes, first: First) -> None:
    """Seals the tip, and what was added to it, to the hold key as well: it outlives its term and
    its queue's month. Again for one that is held: takes in what came since. Its queue goes on
    working with it. Raises NotAllowed, SealedElsewhere, NoKey, StaleTip."""
    row = visible(line, who, tip)
    bodies = line.tips.bodies(tip, without=(Kind.ATTACHMENT,))
    apart = apart_of(line, bodies)
    queues = [row.queue, *(q for q in line.access.queues(who) if q != row.queue)]
    wraps = []
    for body in bodies:
        if body.id in apart and HOLD not in apart[body.id]:
            try:
                key = body_key(line, who, body, queues)
            except SealedElsewhere:
                if body.id == tip:
                    raise
                continue  # an addition to another desk; the page counts it as not held
            wraps.append(line.envelope.wrap(key, body.id, fmt.digest(body.sealed), HOLD))
    events = (("held", {"by": who.person.id.hex()}),)
    line.tips.apply(Change(tip, row.version, wraps=tuple(wraps), events=events), first)


def lift(line: Bench, who: SignedIn, tip: bytes, first: First) -> None:
    """Puts a tip back under its term: sealed to its queue's present month and to nobody else. One
    whose time was over meanwhile still has this month, so that its desk sees it go. Raises
    NotAllowed, NotUnderHold, SealedElsewhere, NoKey, StaleTip."""
    row = visible(line, who, tip)
    bodies = line.tips.bodies(tip, without=(Kind.ATTACHMENT,))
    apart = apart_of(line, bodies)
    if HOLD not in apart.get(tip, ()):
        raise NotUnderHold
    held = [body for body in bodies if HOLD in apart.get(body.id, ())]
    recipient = queue_recipient(row.queue)
    wraps = [
        line.envelope.wrap(
            body_key(line, who, body, [row.queue]), body.id, fmt.digest(body.sealed), recipient
        )
        for body in held
    ]
    change = Change(
        tip,
        row.version,
        wraps=tuple(wraps),
        drop_wraps=True,
        drop_wraps_of=tuple(body.id for body in held),
        until=max(row.until, line.clock.month()) if row.until else None,
        events=(("hold_lifted", {"by": who.person.id.hex()}),),
    )
    line.tips.apply(change, first)


def errands_by_tip(outbox: Outbox, worker: Mapping[str, bytes]) -> dict[bytes, list[bytes]]:
    """Waiting errands about tips, by tip: their clear columns do not name it."""
    found: dict[bytes, list[bytes]] = {}
    for kind in _ABOUT_A_TIP:
        for errand in outbox.pending(kind):
            with suppress(KeyError, Damaged):
                tip = bytes.fromhex(open_errand(worker, errand)["tip"])
                found.setdefault(tip, []).append(errand.id)
    return found
