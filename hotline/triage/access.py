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
from hotline.errors import HotlineError
from hotline.store.audit import AuditLog
from hotline.store.keystore import Grant, KeyStore
from hotline.store.people import People, Person, Session
from hotline.tips import Body, QueueKind, Wrap, queue_kind
from hotline.vault.format import Damaged
from hotline.vault.keys import (
    PersonKey,
    grant,
    new_person,
    new_seed,
    open_grant,
    open_person,
    open_wrap,
)
from hotline.vault.sessions import Cookie
from hotline.vault.small import derive, random_id, seal, unseal

IDLE_SECONDS = 15 * 60
ABSOLUTE_SECONDS = 12 * 3600
_LOCK_AFTER = 10
_LOCK_SECONDS = 15 * 60
_STEP = 30

ROLES = ("officer", "supervisor", "operator", "agency", "analyst")


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
    hint = "Ask an officer to record your training; then your key opens it again."


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

    def __init__(self, people: People, keys: KeyStore, audit: AuditLog, clock: Clock) -> None:
        self.people = people
        self.keys = keys
        self._audit = audit
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
        identity = random_id()
        seed = new_seed()
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
        self.people.add(person)
        self._audit.note("enrolled", person=identity.hex(), roles=",".join(person.roles))
        return person, secret

    def sign_in(self, name: str, passphrase: str, code: str) -> SignedIn:
        """Raises SignInRefused. Unknown names cost the same Argon2id as known ones."""
        now = int(self._clock.seconds())
        person = self.people.named(name.strip().lower()[:60])
        with self._gate:
            key = _key_of(person) if person else _decoy()
            seed = open_person(person.id if person else bytes(16), key, passphrase)
        if person is None:
            raise SignInRefused
        locked = person.locked_until > now or not person.active
        if seed is None or locked or not self._second_factor(person, seed, code):
            self._count_failure(person, now)
            raise SignInRefused
        self.people.change(person.id, failures=0)
        cookie = Cookie.new()
        self.people.begin(Session(cookie.id, person.id, cookie.hide(seed), now, now))
        self._audit.note("signed_in", person=person.id.hex())
        return self._signed_in(person, seed, cookie)

    def resume(self, value: str) -> SignedIn | None:
        """The session of a cookie's value; None when unknown, idle for 15 minutes or 12 h old."""
        cookie = Cookie.parse(value)
        session = self.people.session(cookie.id) if cookie else None
        if cookie is None or session is None:
            return None
        now = int(self._clock.seconds())
        person = self.people.get(session.person)
        seed = cookie.reveal(session.sealed)
        stale = now - session.seen > IDLE_SECONDS or now - session.started > ABSOLUTE_SECONDS
        if stale or person is None or not person.active or seed is None:
            self.people.end(cookie.id)
            return None
        if now - session.seen > 30:
            self.people.touch(cookie.id, now)
        return self._signed_in(person, seed, cookie)

    def sign_out(self, who: SignedIn) -> None:
        self.people.end(who.cookie.id)

    def grant(self, giver: SignedIn | tuple[bytes, bytes], to: Person, recipient: str) -> int:
        """Gives ``to`` every month of ``recipient`` that the giver holds; returns how many.
        ``giver`` is a session or ``(person id, seed)``."""
        giver_id, seed = (giver.person.id, giver.seed) if isinstance(giver, SignedIn) else giver
        grants = []
        for held in self.keys.of(giver_id, recipient):
            epoch_seed = open_grant(seed, recipient, held.epoch, giver_id, held.sealed)
            grants.append(
                Grant(
                    recipient,
                    held.epoch,
                    to.id,
                    grant(epoch_seed, recipient, held.epoch, to.id, to.public),
                    held.key,
                )
            )
        self.keys.add(grants)
        self._audit.note("granted", by=giver_id.hex(), to=to.id.hex(), recipient=recipient)
        return len(grants)

    def certify(self, by: bytes, person: Person, kind: str, until: str) -> None:
        """Records training for a kind of special queue, to the last day ``until``."""
        self.people.certify(person.id, kind, until)
        self._audit.note("certified", by=by.hex(), person=person.id.hex(), kind=kind, until=until)

    def revoke(self, by: bytes, person: Person, recipient: str | None = None) -> None:
        """Takes keys away, or with no recipient everything, and ends all sessions."""
        self.keys.revoke(person.id, recipient)
        if recipient is None:
            self.people.change(person.id, active=False)
        self.people.end_all(person.id)
        self._audit.note(
            "revoked", by=by.hex(), person=person.id.hex(), recipient=recipient or "all"
        )

    def epoch_seed(self, who: SignedIn, recipient: str, epoch: str) -> bytes:
        """The private seed of a queue's or agency's month. Raises NoCertificate, or KeyError when
        the person was never granted it."""
        return self._epoch_seeds(who, recipient, epoch)[0]

    def open_wrap(self, who: SignedIn, wrap: Wrap, body: Body) -> bytes:
        """The key in a wrap, by whichever of the month's seeds opens it. Raises NoCertificate,
        KeyError, Damaged."""
        for seed in self._epoch_seeds(who, wrap.recipient, wrap.epoch):
            try:
                return open_wrap(seed, wrap, body)
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

    def _signed_in(self, person: Person, seed: bytes, cookie: Cookie) -> SignedIn:
        today = self._clock.day()
        valid = frozenset(
            kind for kind, until in self.people.certificates(person.id).items() if until >= today
        )
        return SignedIn(person, seed, cookie, valid)

    def _second_factor(self, person: Person, seed: bytes, code: str) -> bool:
        secret = unseal(derive(seed, "hotline/totp/1"), "totp", person.totp).decode()
        totp = pyotp.TOTP(secret)
        now = self._clock.seconds()
        counter = int(now) // _STEP
        for step in (counter, counter - 1, counter + 1):
            if pyotp.utils.strings_equal(totp.at(step * _STEP), code.strip().replace(" ", "")):
                return self.people.use_code(person.id, step)
        return False

    def _count_failure(self, person: Person, now: int) -> None:
        failures = person.failures + 1
        locked = now + _LOCK_SECONDS if failures % _LOCK_AFTER == 0 else person.locked_until
        self.people.change(person.id, failures=failures, locked_until=locked)
        self._audit.note("sign_in_failed", person=person.id.hex())


def special_kind(recipient: str) -> QueueKind | None:
    """The kind of special queue a recipient is, or None."""
    if not recipient.startswith("queue:"):
        return None
    kind = queue_kind(recipient.removeprefix("queue:"))
    return kind if kind.special else None


def _key_of(person: Person) -> PersonKey:
    return PersonKey(person.public, person.salt, person.sealed)


def _decoy() -> PersonKey:
    return PersonKey(b"", bytes(16), bytes(76))
