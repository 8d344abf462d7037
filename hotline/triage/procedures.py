"""Procedures: somebody leaves, forgets a passphrase, loses an authenticator or is compromised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Protocol

import pyotp

from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.store.audit import AuditLog
from hotline.store.keystore import KeyStore
from hotline.store.people import Person
from hotline.triage.access import OFFICERS, ROLES, Access, SignedIn
from hotline.triage.approvals import TwoNeeded
from hotline.triage.invitations import TWO_OFFICERS, check_passphrase
from hotline.vault.keys import new_person, new_seed
from hotline.vault.small import derive, seal


class Line(Protocol):
    """What the procedures need of the staff line."""

    @property
    def access(self) -> Access: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def clock(self) -> Clock: ...


class HasLeft(HotlineError):
    """A procedure for somebody who is switched off."""

    code = "has_left"
    status = 409
    message = "This person has left."
    hint = "Enrol them anew under another name: what they held is gone."


class Themselves(HotlineError):
    """An officer who would confirm for themselves."""

    code = "themselves"
    status = 409
    message = "Nobody confirms for themselves."
    hint = "Ask another officer."


class NoAgency(HotlineError):
    """Agency staff without an agency."""

    code = "no_agency"
    status = 409
    message = "This person belongs to no agency."
    hint = "Invite agency staff anew, with their agency."


def renew(line: Line, by: bytes, person: Person, passphrase: str) -> tuple[str, tuple[str, ...]]:
    """After a lost passphrase: a new key pair and authenticator under the same name. What they
    held was sealed to the lost key, and is gone. Returns the new secret (base32) and what they
    held. Raises WeakPassphrase, TooPlain, HasLeft, Themselves."""
    _confirms(by, person)
    check_passphrase(passphrase, passphrase)
    seed = new_seed()
    key = new_person(person.id, passphrase, seed)
    held = tuple(sorted(line.keys.recipients(person.id)))
    secret, sealed = _authenticator(seed)
    # The key first: should the rest not happen, grants that open nothing are left, no session is.
    line.access.people.change(
        person.id,
        public=key.public,
        salt=key.salt,
        sealed=key.sealed,
        totp=sealed,
        failures=0,
        locked_until=0,
    )
    line.access.people.end_all(person.id)
    line.keys.revoke(person.id)
    line.audit.note("person_renewed", by=by.hex(), person=person.id.hex())
    return secret, held


def new_authenticator(line: Line, by: bytes, person: Person, seed: bytes) -> str:
    """After a lost authenticator, with the person's own ``seed``, which their passphrase opened:
    the secret is sealed under it, so nobody else could make one. Returns the secret (base32).
    Raises HasLeft, Themselves."""
    _confirms(by, person)
    secret, sealed = _authenticator(seed)
    line.access.people.change(person.id, totp=sealed, failures=0, locked_until=0)
    line.access.people.end_all(person.id)
    line.audit.note("authenticator_renewed", by=by.hex(), person=person.id.hex())
    return secret


def change_passphrase(line: Line, who: SignedIn, passphrase: str, again: str) -> None:
    """One's own, after ``Access.confirm``. The key pair stays, so nothing has to be granted anew;
    other sessions end. Raises WeakPassphrase, TooPlain, Unlike."""
    check_passphrase(passphrase, again)
    person = who.person
    key = new_person(person.id, passphrase, who.seed)
    line.access.people.change(person.id, salt=key.salt, sealed=key.sealed)
    line.access.end_others(who)
    line.audit.note("passphrase_changed", person=person.id.hex())


def change_roles(line: Line, by: Sequence[Person], person: Person, roles: Sequence[str]) -> None:
    """Sets somebody's roles, from their next request on. ``by`` are officers who proved who they
    are: two of them, neither the person, where the person gains what two must agree on. Raises
    TwoNeeded, Themselves, HasLeft, TooFewOfficers, NoAgency."""
    gained = set(roles) - set(person.roles)
    if any(one.id == person.id for one in by):
        raise Themselves
    if not person.active:
        raise HasLeft
    if not TWO_OFFICERS.isdisjoint(gained) and len({one.id for one in by}) < OFFICERS:
        raise TwoNeeded
    if "agency" in gained and not person.agency:
        raise NoAgency
    if "officer" not in roles:
        line.access.spare(person)
    chosen = tuple(role for role in ROLES if role in set(roles))
    line.access.people.change(person.id, roles=",".join(chosen))
    line.audit.note(
        "roles_changed",
        by=",".join(one.id.hex() for one in by),
        person=person.id.hex(),
        roles=",".join(chosen),
    )


def _confirms(by: bytes, person: Person) -> None:
    if not person.active:
        raise HasLeft
    if by == person.id:
        raise Themselves


def _authenticator(seed: bytes) -> tuple[str, bytes]:
    secret = pyotp.random_base32()
    return secret, seal(derive(seed, "hotline/totp/1"), "totp", secret.encode())


def only_holder_of(line: Line, person: Person) -> tuple[str, ...]:
    """What nobody could open any more without this person, but for three recovery sheets."""
    active = {one.id for one in line.access.people.all() if one.active} - {person.id}
    return tuple(
        recipient
        for recipient in sorted(line.keys.recipients(person.id))
        if active.isdisjoint(line.keys.members(recipient))
    )


# Every record of somebody who saw what was sealed, and the field that says whose it was.
SEEN = {
    "read": "tip",
    "revealed": "tip",
    "listened": "tip",
    "file_previewed": "tip",
    "file_opened": "tip",
    "package_opened": "package",
    "package_read": "package",
    "package_file_previewed": "package",
    "package_file_opened": "package",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One record of a reading. ``at``: its second in UTC; ``what``: tip or package."""

    at: str
    event: str
    what: str
    id: str


def opened_by(line: Line, person: Person, since: date) -> list[Mark]:
    """What somebody saw since the start of a day in the line's zone, oldest first. Records from
    before records had a time come first: better one too many."""
    start = datetime.combine(since, time(), line.clock.zone).astimezone(UTC)
    first = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    marks = [
        Mark(record.get("at", ""), record["event"], field, record[field])
        for record in map(json.loads, line.audit.naming(person.id, SEEN))
        if record.get("by") == person.id.hex()
        and (field := SEEN[record["event"]])
        and not "" < record.get("at", "") < first
    ]
    return sorted(marks, key=lambda mark: mark.at)
