"""Access of analysts: invited once, signed in by passphrase and one-time code, or by a token.

As with the line's people there is no password hash: a passphrase is right when it opens a key. The
key opens nothing but the secret of the authenticator.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pyotp

from hotline.clock import Clock
from hotline.errors import BadInput
from hotline.intake.limits import Limits, Rate
from hotline.store.analysts import Analyst, AnalystStore, Invite, Visit
from hotline.store.database import AlreadyThere
from hotline.tips import Language
from hotline.triage.access import SignInRefused, step_of
from hotline.triage.invitations import (
    InvitationRefused,
    Joining,
    NameTaken,
    WrongFirstCode,
    check_passphrase,
)
from hotline.vault.format import KEY_BYTES, Damaged
from hotline.vault.keys import PersonKey, new_person, new_seed, open_person
from hotline.vault.sessions import Cookie
from hotline.vault.small import derive, random_id, random_key, seal, unseal

IDLE_SECONDS = 60 * 60
ABSOLUTE_SECONDS = 12 * 3600
INVITED_SECONDS = 72 * 3600
JOINING_SECONDS = 3600
_LOCK_AFTER, _LOCK_SECONDS = 10, 15 * 60
_TRIES = Rate(burst=30, per_second=1 / 10)  # of codes of invitations; everybody's
_SEALED = ("id", "public", "salt", "sealed", "totp")


class BadName(BadInput):
    """A name that cannot be signed in with."""

    code = "bad_name"
    message = "The name cannot be used."
    hint = "Write a name of 1 to 60 letters."


class NoAnalyst(BadInput):
    code = "no_analyst"
    message = "No analyst has this name."
    hint = "'hotline analyst list' shows them."


@dataclass(frozen=True, slots=True, repr=False)
class Visitor:
    """An analyst in a session. No key of theirs is kept with it."""

    analyst: Analyst
    cookie: Cookie


class Accounts:
    """Keep one a process: it counts the tries. ``folder`` is that of the releases; the file is
    opened when the first account is asked for."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._gate = threading.BoundedSemaphore(2)  # 64 MiB each
        self._tries = Limits(clock, everyone=_TRIES)

    @cached_property
    def store(self) -> AnalystStore:
        return AnalystStore(self._folder)

    def invite(self, name: str, language: Language) -> str:
        """The code of a one-time link, shown once. Raises BadName, NameTaken."""
        name = " ".join(name.split()).lower()
        if not (0 < len(name) <= 60 and name.isprintable()):
            raise BadName
        if self.store.named(name) is not None:
            raise NameTaken
        code, now = random_key(), self._now()
        until = now + INVITED_SECONDS
        self.store.invite(Invite(_place(code), name, language.value, until), now)
        return code.hex()

    def enrol(self, name: str, passphrase: str, language: str, secret: str) -> Analyst:
        """An account at once, with the authenticator's ``secret`` (base32). Raises
        WeakPassphrase, AlreadyThere."""
        analyst = self._prepare(name, passphrase, language, secret)
        self.store.add(analyst)
        return analyst

    def begin(self, code: str, passphrase: str, again: str) -> Joining:
        """Uses the code. Raises Unlike, TooPlain, WeakPassphrase, InvitationRefused, Busy."""
        self._tries.spend(None)
        check_passphrase(passphrase, again)
        key = _key_of(code)
        one = self._invited(key)
        if one.pending is not None:
            raise InvitationRefused
        secret, ticket = pyotp.random_base32(), random_key()
        analyst = self._prepare(one.name, passphrase, one.language, secret)
        facts = {name: getattr(analyst, name).hex() for name in _SEALED}
        pending = seal(_inner(ticket), "joining", json.dumps(facts | {"secret": secret}).encode())
        until = self._now() + JOINING_SECONDS
        fresh = Invite(_place(ticket), one.name, one.language, until, pending)
        if not self.store.spend(one.secret, fresh):
            raise InvitationRefused
        return Joining(ticket.hex(), one.name, Language(one.language), secret)

    def shown(self, ticket: str) -> Joining:
        """The same page once more. Raises InvitationRefused."""
        one, _, secret = self._pending(_key_of(ticket))
        return Joining(ticket, one.name, Language(one.language), secret)

    def finish(self, ticket: str, code: str) -> None:
        """The account exists from now on. Raises WrongFirstCode, InvitationRefused, NameTaken."""
        self._tries.spend(None)
        one, analyst, secret = self._pending(_key_of(ticket))
        step = step_of(secret, code, self._clock.seconds())
        if step is None:
            raise WrongFirstCode
        try:
            entered = self.store.enter(one.secret, replace(analyst, totp_last=step))
        except AlreadyThere:
            raise NameTaken from None
        if not entered:
            raise InvitationRefused

    def sign_in(self, name: str, passphrase: str, code: str) -> Visitor:
        """Raises SignInRefused. Unknown names cost the same Argon2id as known ones; the try is
        counted before it is made."""
        analyst, now = self.store.named(name.strip().lower()[:60]), self._now()
        free = analyst is not None and self.store.take_try(
            analyst.id, now, _LOCK_AFTER, now + _LOCK_SECONDS
        )
        with self._gate:
            key = PersonKey(b"", bytes(16), b"\x01" + bytes(61))  # as long as a real one
            if analyst is not None:
                key = PersonKey(analyst.public, analyst.salt, analyst.sealed)
            seed = open_person(analyst.id if analyst else bytes(16), key, passphrase)
        if analyst is None or seed is None or not free or not self._second(analyst, seed, code):
            raise SignInRefused
        self.store.change(analyst.id, failures=0, locked_until=0)
        cookie = Cookie.new()
        visit = Visit(cookie.id, analyst.id, cookie.hide(b"analyst", analyst.id), now, now)
        self.store.begin(visit, now - ABSOLUTE_SECONDS)
        return Visitor(analyst, cookie)

    def resume(self, value: str) -> Visitor | None:
        """The session of a cookie's value; None when unknown, idle for an hour or 12 h old."""
        cookie = Cookie.parse(value) if value else None
        visit = self.store.visit(cookie.id) if cookie else None
        if cookie is None or visit is None:
            return None
        now, analyst = self._now(), self.store.get(visit.analyst)
        over = now - visit.seen > IDLE_SECONDS or now - visit.started > ABSOLUTE_SECONDS
        if over or analyst is None or cookie.reveal(visit.sealed, visit.analyst) is None:
            self.store.end(cookie.id)
            return None
        if now - visit.seen > 30:
            self.store.touch(cookie.id, now)
        return Visitor(analyst, cookie)

    def leave(self, value: str) -> None:
        """Ends the session of a cookie's value, if there is one."""
        if value and (cookie := Cookie.parse(value)) is not None:
            self.store.end(cookie.id)

    def new_token(self, analyst: Analyst) -> str:
        """For programs, shown once; the former one ends."""
        token = random_key()
        self.store.change(analyst.id, token=_place(token))
        return token.hex()

    def end_token(self, analyst: Analyst) -> None:
        self.store.change(analyst.id, token=None)

    def by_token(self, token: str) -> Analyst | None:
        try:
            return self.store.with_token(_place(_key_of(token)))
        except InvitationRefused:
            return None

    def remove(self, name: str) -> None:
        """Account, sessions, token, invitation. Raises NoAnalyst."""
        if not self.store.remove(" ".join(name.split()).lower()):
            raise NoAnalyst

    def _prepare(self, name: str, passphrase: str, language: str, secret: str) -> Analyst:
        identity, seed = random_id(), new_seed()
        with self._gate:
            key = new_person(identity, passphrase, seed)
        totp = seal(derive(seed, "hotline/totp/1"), "totp", secret.encode())
        return Analyst(identity, name, language, key.public, key.salt, key.sealed, totp)

    def _second(self, analyst: Analyst, seed: bytes, code: str) -> bool:
        secret = unseal(derive(seed, "hotline/totp/1"), "totp", analyst.totp).decode()
        step = step_of(secret, code, self._clock.seconds())
        return step is not None and self.store.use_code(analyst.id, step)

    def _invited(self, key: bytes) -> Invite:
        place = _place(key)
        found = (one for one in self.store.invites(self._now()) if one.secret == place)
        if (one := next(found, None)) is None:
            raise InvitationRefused
        return one

    def _pending(self, key: bytes) -> tuple[Invite, Analyst, str]:
        one = self._invited(key)
        try:
            facts: Mapping[str, str] = json.loads(
                unseal(_inner(key), "joining", one.pending or b"")
            )
        except Damaged:
            raise InvitationRefused from None
        identity, *rest = (bytes.fromhex(facts[name]) for name in _SEALED)
        public, salt, sealed, totp = rest
        found = Analyst(identity, one.name, one.language, public, salt, sealed, totp)
        return one, found, facts["secret"]

    def _now(self) -> int:
        return int(self._clock.seconds())


def _key_of(text: str) -> bytes:
    """32 bytes from hexadecimal, as code, ticket and token are written. Raises
    InvitationRefused."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise InvitationRefused from None
    if len(key) != KEY_BYTES:
        raise InvitationRefused
    return key


def _place(key: bytes) -> bytes:
    return derive(key, "hotline/analyst-place/1")


def _inner(key: bytes) -> bytes:
    return derive(key, "hotline/analyst-joining/1")
