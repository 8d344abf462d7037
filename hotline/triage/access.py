"""Access: who signs in, what their key opens, and for how long.

No password hash exists: a passphrase is right when it opens the person's key. The second factor's
secret is sealed under that key, so a stolen database holds neither.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import pyotp

from hotline.clock import Clock
from hotline.errors import HotlineError, NotAllowed
from hotline.store.audit import AuditLog, note
from hotline.store.database import Database, Transaction
from hotline.store.keystore import Grant, KeyStore
from hotline.store.people import People, Person, Session
from hotline.tips import Body, QueueKind, Wrap, queue_kind
from hotline.triage.approvals import Approvals, Deed, Request
from hotline.vault.format import Damaged
from hotline.vault.keys import (
    PersonKey,
    grant,
    new_person,
    new_seed,
    open_grant,
    open_person,
    open_small,
    open_wrap,
)
from hotline.vault.private import forget_parsed
from hotline.vault.sessions import Cookie
from hotline.vault.small import derive, random_id, seal, unseal

IDLE_SECONDS = 15 * 60
ABSOLUTE_SECONDS = 12 * 3600
_LOCK_AFTER = 10
_LOCK_SECONDS = 15 * 60
_STEP = 30

OFFICERS = 2  # what needs two people needs two of them
ROLES = ("officer", "supervisor", "operator", "trainer", "agency", "analyst")


class SignInRefused(HotlineError):
    """Wrong name, passphrase or code: one sentence for all three."""

    code = "sign_in_refused"
    status = 401
    message = "Name, passphrase or code is not right."
    hint = "Check all three. The code changes every 30 seconds and works once."


class NoCertificate(HotlineError):
    """No current certificate for this special queue (promise 8)."""

    code = "no_certificate"
    status = 403
    message = "This queue needs a current certificate."
    hint = "Ask a trainer or an officer to record your training; then your key opens it again."


class TooFewOfficers(HotlineError):
    """Without this officer the line would have fewer than two: nothing that needs two people
    could be done any more, not even enrolling the next officer."""

    code = "too_few_officers"
    status = 409
    message = "This is one of the last two officers."
    hint = "Enrol another officer first. Until then end their sessions."


class OwnCertificate(HotlineError):
    """Nobody vouches for their own training."""

    code = "own_certificate"
    status = 403
    message = "Nobody certifies themselves."
    hint = "Ask another trainer or officer to record your training."


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """A person in a session. ``seed`` is their private key: in memory only, never logged."""

    person: Person
    seed: bytes
    cookie: Cookie
    certificates: frozenset[str]

    def has(self, *roles: str) -> bool:
        return any(role in self.person.roles for role in roles)


class Access:
    """Sign-in, sessions and membership."""

    def __init__(self, database: Database, keys: KeyStore, clock: Clock) -> None:
        self.people = People(database)
        self.keys = keys
        self.approvals = Approvals(database, self.people, clock)
        self._audit = AuditLog(database)
        self._clock = clock
        self._gate = threading.BoundedSemaphore(2)  # 64 MiB each

    def enrol(
        self,
        name: str,
        passphrase: str,
        roles: Iterable[str],
        *,
        agency: str = "",
        language: str,
    ) -> tuple[Person, str]:
        """A new person and the one-time-code secret (base32), shown once. Raises WeakPassphrase,
        AlreadyThere."""
        person, secret = self.prepare(name, passphrase, roles, agency=agency, language=language)
        self.people.add(person)
        self._audit.note("enrolled", person=person.id.hex(), roles=",".join(person.roles))
        return person, secret

    def prepare(
        self,
        name: str,
        passphrase: str,
        roles: Iterable[str],
        *,
        agency: str,
        language: str,
    ) -> tuple[Person, str]:
        """As ``enrol``, without writing anything down. Raises WeakPassphrase."""
        identity = random_id()
        seed = new_seed()
        with self._gate:
            key = new_person(identity, passphrase, seed)
        secret = pyotp.random_base32()
        person = Person(
            id=identity,
            name=name.strip().lower(),
            roles=tuple(roles),
            agency=agency,
            language=language,
            public=key.public,
            salt=key.salt,
            sealed=key.sealed,
            totp=seal(derive(seed, "hotline/totp/1"), "totp", secret.encode()),
        )
        return person, secret

    def sign_in(self, name: str, passphrase: str, code: str) -> SignedIn:
        """Raises SignInRefused. Unknown names cost the same Argon2id as known ones."""
        now = int(self._clock.seconds())
        person, seed = self.prove(name, passphrase, code)
        cookie = Cookie.new()
        self.people.begin(Session(cookie.id, person.id, cookie.hide(seed, person.id), now, now))
        self._audit.note("signed_in", person=person.id.hex())
        return self._signed_in(person, seed, cookie)

    def confirm(self, who: SignedIn, passphrase: str, code: str) -> None:
        """Asks again who sits there, before a special deed. Wrong tries count as at the door.
        Raises SignInRefused."""
        self._prove(self.people.get(who.person.id), passphrase, code)

    def prove(self, name: str, passphrase: str, code: str) -> tuple[Person, bytes]:
        """Somebody at a terminal, without a session: the person and their seed. Raises
        SignInRefused."""
        return self._prove(self.people.named(name.strip().lower()[:60]), passphrase, code)

    def resume(self, value: str) -> SignedIn | None:
        """The session of a cookie's value; None when unknown, idle for 15 minutes or 12 h old."""
        cookie = Cookie.parse(value)
        session = self.people.session(cookie.id) if cookie else None
        if cookie is None or session is None:
            return None
        now = int(self._clock.seconds())
        person = self.people.get(session.person)
        seed = cookie.reveal(session.sealed, session.person)
        if _over(session, now) or person is None or not person.active or seed is None:
            self.people.end(cookie.id)
            forget_parsed()
            return None
        if now - session.seen > 30:
            self.people.touch(cookie.id, now)
        return self._signed_in(person, seed, cookie)

    def sign_out(self, who: SignedIn) -> None:
        self.people.end(who.cookie.id)
        forget_parsed()

    def leave(self, value: str) -> None:
        """Ends the session of a cookie's value, if there is one."""
        if (cookie := Cookie.parse(value)) is not None:
            self.people.end(cookie.id)

    def sessions(self, who: SignedIn) -> list[Session]:
        """This person's own sessions that still run, newest first."""
        now = int(self._clock.seconds())
        return [s for s in self.people.sessions(who.person.id) if not _over(s, now)]

    def end_session(self, who: SignedIn, identity: bytes) -> None:
        """Ends one of this person's own sessions. Raises NotAllowed."""
        if identity not in [session.id for session in self.people.sessions(who.person.id)]:
            raise NotAllowed
        self.people.end(identity)
        self._audit.note("sessions_ended", by=who.person.id.hex(), person=who.person.id.hex())

    def end_others(self, who: SignedIn) -> None:
        """Ends all of this person's own sessions but this one."""
        self.people.end_all(who.person.id, but=who.cookie.id)
        self._audit.note("sessions_ended", by=who.person.id.hex(), person=who.person.id.hex())

    def end_sessions_of(self, by: bytes, person: Person) -> None:
        """Ends all of somebody's sessions; they may sign in again."""
        self.people.end_all(person.id)
        self._audit.note("sessions_ended", by=by.hex(), person=person.id.hex())

    def grant(self, giver: SignedIn | tuple[bytes, bytes], to: Person, recipient: str) -> int:
        """Gives ``to`` every month of ``recipient`` that the giver holds; returns how many.
        ``giver`` is a session or ``(person id, seed)``. A special queue uses up an approval that
        two people gave; without one it raises NotApproved and nothing is given."""
        giver_id, seed = (giver.person.id, giver.seed) if isinstance(giver, SignedIn) else giver
        grants = []
        for held in self.keys.of(giver_id, recipient):
            epoch_seed = open_grant(seed, recipient, held.epoch, giver_id, held.sealed)
            sealed = grant(epoch_seed, recipient, held.epoch, to.id, to.public)
            grants.append(Grant(recipient, held.epoch, to.id, sealed, held.key))
        if not grants:
            return 0
        by = giver_id.hex()

        def spent(connection: Transaction, request: Request) -> None:
            note(
                connection,
                "granted",
                by=by,
                to=to.id.hex(),
                recipient=recipient,
                request=request.id.hex(),
            )

        if special_kind(recipient):
            agreed = membership(to, recipient)
            self.approvals.carry(Deed.OPEN_QUEUE, agreed, giver_id, spent)
        else:
            self._audit.note("granted", by=by, to=to.id.hex(), recipient=recipient)
        self.keys.add(grants)
        return len(grants)

    def certify(self, by: bytes, person: Person, kind: str, until: str) -> None:
        """Records training for a kind of special queue, to the last day ``until``. Raises
        OwnCertificate."""
        if by == person.id:
            raise OwnCertificate
        self.people.certify(person.id, kind, until)
        self._audit.note("certified", by=by.hex(), person=person.id.hex(), kind=kind, until=until)

    def revoke(self, by: bytes, person: Person, recipient: str | None = None) -> None:
        """Takes keys away, or with no recipient everything, and ends all sessions. Raises
        TooFewOfficers."""
        if recipient is None:
            self.spare(person)
        self.keys.revoke(person.id, recipient)
        if recipient is None:
            self.people.change(person.id, active=False)
        self.people.end_all(person.id)
        forget_parsed()
        self._audit.note(
            "revoked", by=by.hex(), person=person.id.hex(), recipient=recipient or "all"
        )

    def spare(self, person: Person) -> None:
        """Raises TooFewOfficers when the line cannot do without this person."""
        officers = {one.id for one in self.people.all() if one.active and "officer" in one.roles}
        if person.id in officers and len(officers) <= OFFICERS:
            raise TooFewOfficers

    def epoch_seed(self, who: SignedIn, recipient: str, epoch: str) -> bytes:
        """The private seed of a queue's or agency's month. Raises NoCertificate, or KeyError when
        the person was never granted it."""
        return self._epoch_seeds(who, recipient, epoch)[0]

    def seeds_of(self, who: SignedIn, recipient: str, until: str) -> dict[str, dict[bytes, bytes]]:
        """By month, up to ``until``, every seed of a queue that this person holds, by the name of
        its public key. Raises NoCertificate."""
        self.require_certificate(who, recipient)
        found: dict[str, dict[bytes, bytes]] = {}
        for held in self.keys.of(who.person.id, recipient):
            if held.epoch <= until:
                seed = open_grant(who.seed, recipient, held.epoch, who.person.id, held.sealed)
                found.setdefault(held.epoch, {})[held.key] = seed
        return found

    def open_wrap(self, who: SignedIn, wrap: Wrap, body: Body) -> bytes:
        """The key in a wrap, by whichever of the month's seeds opens it. Raises NoCertificate,
        KeyError, Damaged."""
        for seed in self._epoch_seeds(who, wrap.recipient, wrap.epoch):
            try:
                return open_wrap(seed, wrap, body)
            except Damaged:
                continue
        raise Damaged

    def open_small(
        self, who: SignedIn, label: bytes, subject: bytes, recipient: str, epoch: str, sealed: bytes
    ) -> bytes:
        """A short message sealed straight to a queue's month. Raises as ``open_wrap``."""
        for seed in self._epoch_seeds(who, recipient, epoch):
            try:
                return open_small(seed, label, subject, recipient, epoch, sealed)
            except Damaged:
                continue
        raise Damaged

    def _epoch_seeds(self, who: SignedIn, recipient: str, epoch: str) -> list[bytes]:
        self.require_certificate(who, recipient)
        held = self.keys.of_epoch(recipient, epoch, who.person.id)
        if not held:
            raise KeyError(recipient)
        return [open_grant(who.seed, recipient, epoch, who.person.id, g.sealed) for g in held]

    def require_certificate(self, who: SignedIn, recipient: str) -> None:
        kind = special_kind(recipient)
        if kind is not None and kind not in who.certificates:
            raise NoCertificate

    def queues(self, who: SignedIn) -> tuple[str, ...]:
        """Queues this person may open now: granted, and certified where that is needed."""
        names = sorted(r for r in self.keys.recipients(who.person.id) if r.startswith("queue:"))
        return tuple(
            name.removeprefix("queue:")
            for name in names
            if special_kind(name) is None or special_kind(name) in who.certificates
        )

    def _prove(self, person: Person | None, passphrase: str, code: str) -> tuple[Person, bytes]:
        """Raises SignInRefused. The try is counted before it is made: a hundred at once are ten."""
        now = int(self._clock.seconds())
        free = person is not None and self.people.take_try(
            person.id, now, _LOCK_AFTER, now + _LOCK_SECONDS
        )
        with self._gate:
            key = _key_of(person) if person else _decoy()
            seed = open_person(person.id if person else bytes(16), key, passphrase)
        if person is None:
            raise SignInRefused
        if seed is None or not free or not self._second_factor(person, seed, code):
            self._audit.note("sign_in_failed", person=person.id.hex())
            raise SignInRefused
        self.people.change(person.id, failures=0, locked_until=0)
        return person, seed

    def _signed_in(self, person: Person, seed: bytes, cookie: Cookie) -> SignedIn:
        today = self._clock.day()
        valid = frozenset(
            kind for kind, until in self.people.certificates(person.id).items() if until >= today
        )
        return SignedIn(person, seed, cookie, valid)

    def _second_factor(self, person: Person, seed: bytes, code: str) -> bool:
        secret = unseal(derive(seed, "hotline/totp/1"), "totp", person.totp).decode()
        step = step_of(secret, code, self._clock.seconds())
        return step is not None and self.people.use_code(person.id, step)


def step_of(secret: str, code: str, now: float) -> int | None:
    """The half minute that a one-time code belongs to: this one or a neighbour, or None."""
    totp, counter = pyotp.TOTP(secret), int(now) // _STEP
    typed = "".join(code.split())
    for step in (counter, counter - 1, counter + 1):
        if pyotp.utils.strings_equal(totp.at(step * _STEP), typed):
            return step
    return None


def special_kind(recipient: str) -> QueueKind | None:
    """The kind of special queue a recipient is, or None."""
    if not recipient.startswith("queue:"):
        return None
    kind = queue_kind(recipient.removeprefix("queue:"))
    return kind if kind.special else None


def membership(person: Person, recipient: str) -> dict[str, str]:
    """What two people agree on when they open a special queue to somebody."""
    return {"person": person.id.hex(), "recipient": recipient}


def _over(session: Session, now: int) -> bool:
    return now - session.seen > IDLE_SECONDS or now - session.started > ABSOLUTE_SECONDS


def _key_of(person: Person) -> PersonKey:
    return PersonKey(person.public, person.salt, person.sealed)


def _decoy() -> PersonKey:
    return PersonKey(b"", bytes(16), b"\x01" + bytes(61))  # as long as a real one
