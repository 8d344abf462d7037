"""Approvals: what nobody may do alone. One person asks, a second approves within three days, and
the deed itself uses the approval up: exactly once, for exactly those facts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hotline.clock import Clock
from hotline.errors import HotlineError, NotAllowed
from hotline.store.database import Database, Transaction
from hotline.store.people import People, Person
from hotline.store.requests import ASKED, Asked, Requests, spend
from hotline.vault.small import random_id

APPROVAL_SECONDS = 72 * 3600
# Ids and codes only: what is asked for stands in clear in the database.
_FACT = re.compile(r"[A-Za-z0-9:._-]{1,160}")
_REASON = re.compile(r"[a-z_]{1,40}")


class Deed(StrEnum):
    """What needs two people."""

    OPEN_QUEUE = "open_queue"
    HOLD = "hold"
    LIFT = "lift"
    ERASE = "erase"
    RECOVER = "recover"
    DIRECTORY = "directory"
    RULES = "rules"


# What the two agree on; an approval for one fact is none for another.
FACTS: dict[Deed, frozenset[str]] = {
    Deed.OPEN_QUEUE: frozenset({"person", "recipient"}),
    Deed.HOLD: frozenset({"tip"}),
    Deed.LIFT: frozenset({"tip"}),
    Deed.ERASE: frozenset({"tip"}),
    Deed.RECOVER: frozenset({"person"}),
    Deed.DIRECTORY: frozenset({"change", "digest"}),
    Deed.RULES: frozenset({"digest"}),
}
_ABOUT_A_TIP = frozenset({Deed.HOLD, Deed.LIFT, Deed.ERASE})


def deciding_roles(deed: Deed) -> tuple[str, ...]:
    """Who may ask for it and approve it."""
    return ("officer", "supervisor") if deed in _ABOUT_A_TIP else ("officer",)


class TwoNeeded(HotlineError):
    """Fewer than two active people may decide this."""

    code = "two_needed"
    status = 409
    message = "This needs two people, and the line has only one who may decide it."
    hint = "Enrol a second officer first."


class SamePerson(HotlineError):
    """Who asked cannot approve or refuse."""

    code = "same_person"
    status = 403
    message = "Who asked for it cannot approve it."
    hint = "Ask a second person to look at it."


class RequestOver(HotlineError):
    """Approved, refused, withdrawn, done or too old."""

    code = "request_over"
    status = 409
    message = "This request is over or was decided already."
    hint = "Load the page of requests again. Ask anew if it is still needed."


class NotApproved(HotlineError):
    """No approval fits the deed."""

    code = "not_approved"
    status = 403
    message = "This needs the approval of a second person."
    hint = "Ask for it on the page of requests; an approval holds for three days and once."


@dataclass(frozen=True, slots=True)
class Request:
    """``facts`` are ids and codes, no content; ``reason`` is a code; ``asked_at`` is in seconds
    since 1970; ``state``: asked, approved, done, refused, withdrawn."""

    id: bytes
    deed: Deed
    facts: dict[str, str]
    reason: str
    by: bytes
    asked_at: int
    approver: bytes | None
    state: str

    @property
    def until(self) -> int:
        """The last second in which it can be approved and carried out."""
        return self.asked_at + APPROVAL_SECONDS


def _nothing(_: Transaction, __: Request) -> None:
    """Nothing more than the approval is written."""


class Approvals:
    """Asking, deciding and spending. Each step is an audit record in its own commit."""

    def __init__(self, database: Database, people: People, clock: Clock) -> None:
        self._database = database
        self._requests = Requests(database)
        self._people = people
        self._clock = clock

    def ask(self, by: bytes, deed: Deed, facts: Mapping[str, str], reason: str) -> Request:
        """Raises NotAllowed, TwoNeeded."""
        if not _REASON.fullmatch(reason):
            raise ValueError("a reason that is no code")
        one = Asked(random_id(), deed.value, _text(deed, facts), reason, by, self._now())
        deciding = self._requests.add(one, deciding_roles(deed))
        if deciding == 0:
            raise NotAllowed
        if deciding == 1:
            raise TwoNeeded
        return _request(one)

    def approve(self, by: bytes, request: bytes) -> Request:
        """Raises SamePerson, RequestOver, NotAllowed."""
        one, roles = self._decided_by(by, request)
        if not self._requests.approve(one, by, roles, self._since()):
            raise RequestOver
        return self.get(request)

    def refuse(self, by: bytes, request: bytes) -> Request:
        """Also an approved one, until it is carried out. Raises as approve."""
        one, roles = self._decided_by(by, request)
        if not self._requests.refuse(one, by, roles, self._since()):
            raise RequestOver
        return self.get(request)

    def withdraw(self, by: bytes, request: bytes) -> Request:
        """Raises RequestOver; NotAllowed for anybody but the asker."""
        one = self._requests.get(request)
        if one is None or one.by != by:
            raise NotAllowed
        if not self._requests.withdraw(one, by, self._since()):
            raise RequestOver
        return self.get(request)

    def spend(
        self, connection: Transaction, deed: Deed, facts: Mapping[str, str], by: bytes
    ) -> Request:
        """Uses up, in the deed's own transaction, one approved request with exactly these facts
        that ``by`` asked for or approved. Raises NotApproved; the deed must then not happen."""
        roles = deciding_roles(deed)
        spent = spend(connection, deed.value, _text(deed, facts), by, roles, self._since())
        if spent is None:
            raise NotApproved
        return _request(spent)

    def carry(
        self,
        deed: Deed,
        facts: Mapping[str, str],
        by: bytes,
        also: Callable[[Transaction, Request], None] = _nothing,
    ) -> Request:
        """For a deed outside the database, as on files: spends in a transaction of its own, with
        ``also`` in it. Do the deed after it: a record too many is found out, a deed without a
        record is not. Raises NotApproved."""

        def work(connection: Transaction) -> Request:
            spent = self.spend(connection, deed, facts, by)
            also(connection, spent)
            return spent

        return self._database.write(work)

    def both(self, request: Request) -> tuple[Person, ...]:
        """Who asked and who approved."""
        people = map(self._people.get, filter(None, (request.by, request.approver)))
        return tuple(person for person in people if person is not None)

    def open(self) -> list[Request]:
        """What waits for approval or for being carried out, oldest first."""
        return [_request(one) for one in self._requests.open(self._since())]

    def forget(self) -> int:
        """Deletes what nobody can approve or carry out any more; the audit keeps that it was."""
        return self._requests.forget(self._since())

    def waiting_for(self, person: Person) -> list[Request]:
        """Open requests in which the next step may be this person's: those of others to decide,
        and approved ones that they have a part in."""
        return [
            one
            for one in self.open()
            if any(role in deciding_roles(one.deed) for role in person.roles)
            and (one.by != person.id if one.state == ASKED else person.id in (one.by, one.approver))
        ]

    def get(self, request: bytes) -> Request:
        """Raises NotAllowed, as for one that never was."""
        one = self._requests.get(request)
        if one is None:
            raise NotAllowed
        return _request(one)

    def deciders(self, deed: Deed) -> frozenset[bytes]:
        """The active people who may decide it: two are needed."""
        roles = deciding_roles(deed)
        people = (person for person in self._people.all() if person.active)
        return frozenset(one.id for one in people if any(role in roles for role in one.roles))

    def _decided_by(self, by: bytes, request: bytes) -> tuple[Asked, tuple[str, ...]]:
        """The request and the roles that decide it. What is looked at here gives the right
        sentence; the statement that follows checks all of it again."""
        one = self._requests.get(request)
        if one is None or by not in self.deciders(Deed(one.deed)):
            raise NotAllowed
        if one.by == by:
            raise SamePerson
        return one, deciding_roles(Deed(one.deed))

    def _now(self) -> int:
        return int(self._clock.seconds())

    def _since(self) -> int:
        return self._now() - APPROVAL_SECONDS


def _text(deed: Deed, facts: Mapping[str, str]) -> str:
    """One spelling, so that equal facts are equal bytes."""
    if facts.keys() != FACTS[deed] or not all(_FACT.fullmatch(fact) for fact in facts.values()):
        raise ValueError("facts that are not the deed's, or no codes")
    return json.dumps(dict(facts), sort_keys=True, separators=(",", ":"))


def _request(one: Asked) -> Request:
    return Request(
        id=one.id,
        deed=Deed(one.deed),
        facts=json.loads(one.facts),
        reason=one.reason,
        by=one.by,
        asked_at=one.asked_at,
        approver=one.approver,
        state=one.state,
    )
