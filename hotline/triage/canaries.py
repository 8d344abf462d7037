"""Canaries: planted tips. Nothing in ordinary work leads to one, so whoever reads it was looking.

A planted tip is a tip like any other, received, taken, read and closed by the person who plants it,
with the rows, the records and the receipt that every closed tip has. That it is planted stands in
one place: a list sealed under a key of the staff's files. It is closed, so it is neither pulled nor
late nor counted as waiting; no body gets it; its count tells the release to leave it out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

from hotline.errors import BadInput, HotlineError
from hotline.store.desk import Claim
from hotline.store.facts import Facts
from hotline.tips import ClassifiedTip, Contact, Decision, Priority, QueueKind, Tip, queue_kind
from hotline.triage import dispositions
from hotline.triage.access import SignedIn
from hotline.triage.opening import Bench, read_tip
from hotline.vault.content import PLANTED
from hotline.vault.envelope import Parts
from hotline.vault.format import Damaged
from hotline.vault.small import derive, seal, unseal

CANARIES = "canaries"
REASON = "not_actionable"
OWN_SECONDS = 10  # in which the planter reads and closes it
_LABEL, _STEP, _TRIES = "hotline/canaries/1", 4096, 5


class BadCanary(BadInput):
    """A text that cannot be planted unseen."""

    code = "bad_canary"
    message = "This text cannot be planted."
    hint = "Tell of no danger, no threat and no child, and of a desk whose tips you may open."


class ListAltered(HotlineError):
    """The list of planted tips is not the one that was sealed last."""

    code = "list_altered"
    message = "The list of planted tips was altered."
    hint = "Somebody wrote to the database. Keep a copy of it as it is."


class Weighed(Protocol):
    """A report as it would be stored."""

    @property
    def tip(self) -> Tip: ...
    @property
    def classified(self) -> ClassifiedTip: ...
    @property
    def decision(self) -> Decision: ...


class Planter(Protocol):
    """What takes a report: the pipeline of the line."""

    def weigh(self, contact: Contact) -> Weighed: ...
    def receive(self, contact: Contact, *, beside: Callable[[bytes, str], Parts]) -> object: ...


class Canaries:
    """The sealed list: tip → second in which it was planted."""

    def __init__(self, bench: Bench) -> None:
        self._facts = Facts(bench.database)
        self._key = derive(bench.audit_key, _LABEL)

    def all(self) -> dict[str, int]:
        """Raises ListAltered."""
        return self._read(self._facts.get(CANARIES))

    def planted(self) -> frozenset[bytes]:
        """The tips that nobody may be led to. None when the list does not open: that rings, and
        stops no other work."""
        try:
            return frozenset(map(bytes.fromhex, self.all()))
        except ListAltered:
            return frozenset()

    def begin(self) -> None:
        """The list of a line without any looks like one with sixty."""
        if not self._facts.get(CANARIES):
            self._facts.swap(CANARIES, "", self._sealed({}))

    def add(self, tip: bytes, at: int) -> None:
        self._change(lambda found: {**found, tip.hex(): at})

    def drop(self, tips: frozenset[str]) -> None:
        """Those that are no more."""
        self._change(lambda found: {tip: at for tip, at in found.items() if tip not in tips})

    def _change(self, work: Callable[[dict[str, int]], dict[str, int]]) -> None:
        for _ in range(_TRIES):
            seen = self._facts.get(CANARIES)
            if self._facts.swap(CANARIES, seen, self._sealed(work(self._read(seen)))):
                return
        raise ListAltered

    def _sealed(self, found: dict[str, int]) -> str:
        plain = json.dumps(found, separators=(",", ":")).encode()
        plain += b" " * (-len(plain) % _STEP)
        return seal(self._key, CANARIES, plain).hex()

    def _read(self, text: str) -> dict[str, int]:
        if not text:
            return {}
        try:
            raw = unseal(self._key, CANARIES, bytes.fromhex(text))
        except (Damaged, ValueError):
            raise ListAltered from None
        found: dict[str, int] = json.loads(raw)
        return found


def plant(bench: Bench, planter: Planter, who: SignedIn, contact: Contact) -> bytes:
    """Stores, takes, reads and closes an invented tip; its id. It is on the list and leased before
    it is stored, so nobody pulls it; killed half-way it waits for the desk like any other, and
    rings when that is read. Raises BadCanary, Unavailable."""
    told = planter.weigh(contact)
    if not told.tip.words.strip() or not _plain(bench, who, told):
        raise BadCanary
    now, stored = int(bench.clock.seconds()), list[bytes]()

    def beside(tip: bytes, queue: str) -> Parts:
        Canaries(bench).add(tip, now + OWN_SECONDS)
        bench.desk.claim(Claim(tip, who.person.id, now + OWN_SECONDS), now)
        stored.append(tip)
        return Parts()

    planter.receive(contact, beside=beside)
    opened = read_tip(bench, who, stored[0])
    if not dispositions.close(bench, who, opened, reason=REASON, outcome=PLANTED):
        raise BadCanary
    bench.desk.release(stored[0], who.person.id)
    return stored[0]


def _plain(bench: Bench, who: SignedIn, told: Weighed) -> bool:
    """Whether one person can close it at once, and no body is sent it."""
    found, decision = told.classified.classification, told.decision
    second = any(
        act.code in bench.types and "second_reader" in bench.types.get(act.code).flags
        for act in found.acts
    )
    return (
        decision.queue in bench.access.queues(who)
        and decision.priority is not Priority.P0
        and queue_kind(decision.queue) is not QueueKind.CHILDREN
        and not (second or found.threats)
        and (not decision.automatic or told.tip.held)
    )
