"""Bulk: one deed on several tips of a list, each checked by itself; what was not done is told.

Only putting tips into somebody's hands and closing: nothing is ever said to several reporters at
once, because nobody can have read all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hotline.errors import BadInput, HotlineError, NotAllowed
from hotline.store.people import Person
from hotline.store.tips import StaleTip
from hotline.tips import Priority, State
from hotline.triage import dispositions
from hotline.triage.access import SignedIn, special_kind
from hotline.triage.claims import Claimed, Claims
from hotline.triage.opening import Bench, read_tip, visible
from hotline.vault.envelope import queue_recipient

WORKERS = ("operator", "supervisor")


class NothingChosen(BadInput):
    """No tip, no deed or no person was chosen."""

    code = "nothing_chosen"
    message = "Nothing was done."
    hint = "Choose tips in the list, then a reason or a person."


class OneByOne(HotlineError):
    """A tip that nobody may close beside others."""

    code = "one_by_one"
    status = 409
    message = "This tip is never closed together with others."
    hint = "It tells of danger, a child, a threat or a recording, or is still being told. Open it."


class NotTheirQueue(HotlineError):
    """The person chosen may not open the tip's queue."""

    code = "not_their_queue"
    status = 409
    message = "This person may not open the queue of this tip."
    hint = "Choose somebody of that queue with a current certificate."


class DangerIsTaken(HotlineError):
    """A tip of danger is taken by who reads it now: a lease alone would end its relay."""

    code = "danger_is_taken"
    status = 409
    message = "A tip about danger now is not put into somebody's hands."
    hint = "Open it and take it, or call somebody."


@dataclass(frozen=True, slots=True)
class Chosen:
    """A tip as the list showed it."""

    tip: bytes
    version: int

    @classmethod
    def parse(cls, text: str) -> Chosen:
        """``<id>.<version>``. Raises NotAllowed."""
        tip, _, version = text.partition(".")
        try:
            found = cls(bytes.fromhex(tip), int(version))
        except ValueError:
            raise NotAllowed from None
        if len(found.tip) != 16:
            raise NotAllowed
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one tip: ``problem`` is None when it was done."""

    tip: bytes
    problem: HotlineError | None


def each(chosen: Iterable[Chosen], deed: Callable[[Chosen], None]) -> list[Outcome]:
    """Does it to one after the other: one that cannot be done keeps none of the others from it."""
    outcomes = []
    for one in chosen:
        try:
            deed(one)
            outcomes.append(Outcome(one.tip, None))
        except HotlineError as problem:
            outcomes.append(Outcome(one.tip, problem))
    return outcomes


def close(bench: Bench, claims: Claims, who: SignedIn, one: Chosen, reason: str) -> None:
    """Closes a tip that one person may close. It is opened for that, and the audit says so. Raises
    OneByOne, Claimed, StaleTip, NotAllowed, BadReason."""
    row = visible(bench, who, one.tip)
    if row.priority is Priority.P0 or row.state is not State.WAITING:
        raise OneByOne
    if row.version != one.version:
        raise StaleTip
    held = claims.holder(one.tip)
    if not claims.take(who.person.id, one.tip, beyond=True):
        raise Claimed
    try:
        opened = read_tip(bench, who, one.tip)
        if dispositions.needs_second(bench, opened) or opened.recordings:
            raise OneByOne
        dispositions.check_version(opened, one.version)
        dispositions.close(bench, who, opened, reason=reason)
    except HotlineError:
        if held is None:
            claims.release(who.person.id, one.tip)
        raise
    claims.release(who.person.id, one.tip)


def assign(bench: Bench, claims: Claims, who: SignedIn, one: Chosen, to: Person) -> None:
    """Puts a tip into somebody's hands for an hour. Raises NotTheirQueue, DangerIsTaken, Claimed,
    HoldsEnough, StaleTip, NotAllowed."""
    row = visible(bench, who, one.tip)
    if row.version != one.version:
        raise StaleTip
    if row.priority is Priority.P0:
        raise DangerIsTaken
    if to.id not in members(bench, row.queue):
        raise NotTheirQueue
    claims.assign(who.person.id, to.id, one.tip)


def members(bench: Bench, queue: str) -> dict[bytes, Person]:
    """The people who may work on a queue's tips today: with its key, and a certificate where it
    needs one."""
    recipient, today = queue_recipient(queue), bench.clock.day()
    kind, people = special_kind(recipient), bench.access.people
    holding = bench.access.keys.members(recipient)
    return {
        one.id: one
        for one in people.all()
        if one.id in holding
        and one.active
        and any(role in one.roles for role in WORKERS)
        and (kind is None or people.certificates(one.id).get(kind, "") >= today)
    }
