"""Invitations: how somebody comes in: by a code shown once to an officer, and never sent by us.

The code is at rest as a hash. It is used when a passphrase was chosen; the account exists when the
first code of the authenticator was right. Between the two the account waits sealed under a ticket
that only the page of the invited person holds: not even the officer who knew the code opens it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyotp

from hotline.clock import Clock
from hotline.errors import BadInput, HotlineError, NotAllowed
from hotline.intake.limits import Limits, Rate
from hotline.store.database import AlreadyThere, Database
from hotline.store.invitations import Invitation, InvitationStore
from hotline.store.people import Person
from hotline.tips import Language, Redacted
from hotline.triage.access import ROLES, Access, step_of
from hotline.triage.plain import check_plain
from hotline.vault.format import KEY_BYTES, Damaged
from hotline.vault.keys import SHORTEST_PASSPHRASE, WeakPassphrase
from hotline.vault.small import derive, random_id, random_key, seal, unseal
from hotline.web.i18n import N_

VALID_SECONDS = 72 * 3600
JOINING_SECONDS = 3600  # from the passphrase to the first code
# An officer alone who could make another officer would be two people whenever two are asked for;
# a supervisor may be the second person for holds and early erasure; a trainer of their own making
# would certify them.
TWO_OFFICERS = frozenset({"officer", "supervisor", "trainer"})
TOO_SHORT = N_("Use 15 characters or more: five words that you can remember.")
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none is mistaken for another
_GROUPS, _GROUP = 4, 5  # 20 letters of 5 bits: 100 bits
_ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
# Nobody guesses 100 bits; this keeps a flood of guesses from the disk. It is everybody's: an
# address is never looked at.
_TRIES = Rate(burst=30, per_second=1 / 10)


class BadInvitation(BadInput):
    """An invitation without a name or a role, or an agency's without its agency."""

    code = "bad_invitation"
    message = "The invitation needs a name and a role."
    hint = "Write a name of 1 to 60 letters and choose a role. Agency staff need their agency."


class NameTaken(HotlineError):
    """Somebody of this name is enrolled already."""

    code = "name_taken"
    status = 409
    message = "Somebody of this name is enrolled already."
    hint = "Choose another name for the invitation."


class InvitationRefused(HotlineError):
    """A code that is wrong, used, too old or withdrawn: one sentence for all."""

    code = "invitation_refused"
    status = 403
    message = "This invitation cannot be used."
    hint = "Check the code. If it was used or is older than 72 hours, ask for a new one."


class WrongFirstCode(BadInput):
    """The first code of a new authenticator is not right."""

    code = "wrong_first_code"
    message = "The code of your authenticator is not right."
    hint = "Type the six digits it shows now. Check the clock of its telephone."


class Unlike(BadInput):
    """A new passphrase was typed in two ways."""

    code = "unlike"
    message = "The two passphrases are not the same."
    hint = "Type the same passphrase in both fields."


@dataclass(frozen=True, slots=True, repr=False)
class Joining(Redacted):
    """Somebody between passphrase and first code. ``secret`` is the authenticator's, in base32."""

    ticket: str
    name: str
    language: Language
    secret: str

    @property
    def address(self) -> str:
        """What the authenticator reads as a picture (otpauth)."""
        return pyotp.TOTP(self.secret).provisioning_uri(name=self.name, issuer_name="Hotline")


class Invitations:
    """Inviting, withdrawing and coming in. Keep one a process: it counts the tries."""

    def __init__(self, database: Database, access: Access, clock: Clock) -> None:
        self._store = InvitationStore(database)
        self._access = access
        self._clock = clock
        self._tries = Limits(clock, everyone=_TRIES)

    def invite(
        self, by: Person, name: str, roles: Iterable[str], *, agency: str, language: Language
    ) -> str:
        """The code, shown once. Raises NotAllowed, BadInvitation, NameTaken."""
        _officer(by)
        name, chosen = " ".join(name.split()).lower(), tuple(r for r in ROLES if r in set(roles))
        if not (0 < len(name) <= 60 and name.isprintable() and chosen):
            raise BadInvitation
        if ("agency" in chosen) != bool(agency):
            raise BadInvitation
        if self._access.people.named(name) is not None:
            raise NameTaken
        code = "".join(secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP))
        one = Invitation(
            id=random_id(),
            secret=_hash(code),
            name=name,
            roles=chosen,
            agency=agency,
            language=language.value,
            by=by.id,
            second=None,
            until=self._now() + VALID_SECONDS,
        )
        self._store.add(one)
        return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))

    def agree(self, by: Person, identity: bytes) -> None:
        """Another officer's word for a new officer or supervisor. Raises NotAllowed."""
        _officer(by)
        if not self._store.agree(identity, by.id):
            raise NotAllowed

    def withdraw(self, by: Person, identity: bytes) -> None:
        """Raises NotAllowed, also when it was used meanwhile."""
        _officer(by)
        if not self._store.withdraw(identity, by.id):
            raise NotAllowed

    def running(self) -> list[Invitation]:
        """For officers: what may still be used."""
        return self._store.running(self._now())

    def begin(self, code: str, passphrase: str, again: str) -> Joining:
        """Uses the code. Nothing is used up before the passphrase is good; what is wrong with a
        passphrase is said alike for every code. Raises Unlike, TooPlain, WeakPassphrase,
        InvitationRefused, Busy."""
        self._tries.spend(None)
        check_passphrase(passphrase, again)
        one = self._found(_hash(_read(code)))
        if one.pending is not None or waits_for_second(one):
            raise InvitationRefused
        person, secret = self._access.prepare(
            one.name, passphrase, one.roles, agency=one.agency, language=one.language
        )
        ticket = random_key()
        pending = seal(_key(ticket), "joining", _dump(person, secret))
        until = self._now() + JOINING_SECONDS
        if not self._store.spend(one, _place(ticket), pending, until):
            raise InvitationRefused
        return Joining(ticket.hex(), one.name, Language(one.language), secret)

    def shown(self, ticket: str) -> Joining:
        """The same page once more. Raises InvitationRefused."""
        one, _, secret = self._pending(ticket)
        return Joining(ticket, one.name, Language(one.language), secret)

    def finish(self, ticket: str, code: str) -> Person:
        """The account exists from now on. Raises WrongFirstCode, InvitationRefused, NameTaken."""
        self._tries.spend(None)
        one, person, secret = self._pending(ticket)
        step = step_of(secret, code, self._clock.seconds())
        if step is None:
            raise WrongFirstCode
        person = replace(person, totp_last=step)  # it works once, here too
        try:
            entered = self._store.enter(one, person)
        except AlreadyThere:
            raise NameTaken from None
        if not entered:
            raise InvitationRefused
        return person

    def forget(self) -> int:
        """A chore: clears away what nobody used in time; returns how many."""
        return self._store.forget(self._now())

    def _pending(self, ticket: str) -> tuple[Invitation, Person, str]:
        try:
            key = bytes.fromhex(ticket)
            # HMAC fills a short key up with zeros: only the length tells such two tickets apart.
            if len(key) != KEY_BYTES:
                raise InvitationRefused
            one = self._found(_place(key))
            raw = unseal(_key(key), "joining", one.pending or b"")
        except (ValueError, Damaged):
            raise InvitationRefused from None
        return one, *_load(one, raw)

    def _found(self, secret: bytes) -> Invitation:
        """Of an officer who still is one: whoever was sent away lets nobody in."""
        one = self._store.of(secret, self._now())
        if one is None or not all(map(self._is_officer, filter(None, (one.by, one.second)))):
            raise InvitationRefused
        return one

    def _is_officer(self, identity: bytes) -> bool:
        person = self._access.people.get(identity)
        return person is not None and person.active and "officer" in person.roles

    def _now(self) -> int:
        return int(self._clock.seconds())


def waits_for_second(one: Invitation) -> bool:
    """Whether another officer has to agree first."""
    return one.second is None and not TWO_OFFICERS.isdisjoint(one.roles)


def _officer(person: Person) -> None:
    if not person.active or "officer" not in person.roles:
        raise NotAllowed


def check_passphrase(passphrase: str, again: str) -> None:
    if passphrase != again:
        raise Unlike
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise WeakPassphrase(WeakPassphrase.message, TOO_SHORT)
    check_plain(passphrase)


def _read(code: str) -> str:
    """A code as somebody typed or pasted it."""
    return "".join(filter(str.isalnum, code.upper())).translate(_ALIKE)[:64]


def _hash(code: str) -> bytes:
    # 100 random bits are found by no search, so no slow hash is needed.
    return derive(code.encode(), "hotline/invitation/1")


def _place(ticket: bytes) -> bytes:
    return derive(ticket, "hotline/joining-id/1")


def _key(ticket: bytes) -> bytes:
    return derive(ticket, "hotline/joining-key/1")


def _dump(person: Person, secret: str) -> bytes:
    raw = {name: getattr(person, name).hex() for name in _SEALED}
    return json.dumps({**raw, "secret": secret}).encode()


def _load(one: Invitation, raw: bytes) -> tuple[Person, str]:
    facts: dict[str, str] = json.loads(raw)
    identity, public, salt, sealed, totp = (bytes.fromhex(facts[name]) for name in _SEALED)
    person = Person(
        identity, one.name, one.roles, one.agency, one.language, public, salt, sealed, totp
    )
    return person, facts["secret"]


_SEALED = ("id", "public", "salt", "sealed", "totp")
