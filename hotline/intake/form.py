"""Form: what a reporter has answered so far, carried by the page itself in one sealed field.

No cookie and no row before "send": the answers travel with the page, encrypted under a random key
that is new every twelve hours and gone after thirty-six, in memory only.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from typing import Protocol

import redis

from hotline.clock import Clock
from hotline.errors import BadInput, Unavailable
from hotline.routing.asking import Detail, find
from hotline.tips import Channel, Contact, Language, Question, Redacted, Urgency
from hotline.vault.format import KEY_BYTES, Damaged
from hotline.vault.small import random_id, random_key, seal, unseal
from hotline.web.i18n import N_

TURN_SECONDS = 12 * 3600
_TURNS_KEPT = 3
_MARKS = 30  # UAX #15: no language needs more combining marks in a row
_PLAIN = frozenset("\n\t")


class FormExpired(BadInput):
    """The sealed field is too old, altered, or of another line."""

    code = "form_expired"
    status = 409
    message = N_("This page was open for too long, so its earlier answers cannot be read any more.")
    hint = N_("What you wrote on this page is kept. Answer the other questions again.")


class NoFormKeys(Unavailable):
    """The memory that the public processes share does not answer."""

    code = "no_form_keys"


def clean(text: str) -> str:
    """Text as people type it: line ends as ``\\n``, no other control characters, no lone
    surrogates, no endless pile of accents on one letter, no blanks around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.isprintable():
        return text.strip()
    kept, marks = [], 0
    for character in text:
        kind = unicodedata.category(character)
        if kind == "Cs":
            kept.append("\ufffd")
            continue
        if kind == "Cc" and character not in _PLAIN:
            kept.append(" ")
            continue
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks <= _MARKS:
            kept.append(character)
    return "".join(kept).strip()


class Ring(Protocol):
    """Random keys by turn. ``current`` makes the key of a new turn."""

    def current(self, turn: int) -> bytes: ...

    def find(self, turn: int) -> bytes | None: ...


class MemoryRing:
    """The keys of one public process."""

    def __init__(self) -> None:
        self._keys: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def current(self, turn: int) -> bytes:
        with self._lock:
            for old in [t for t in self._keys if t <= turn - _TURNS_KEPT]:
                del self._keys[old]
            return self._keys.setdefault(turn, random_key())

    def find(self, turn: int) -> bytes | None:
        return self._keys.get(turn)


class RedisRing:
    """The keys of several public processes. Nothing is cached here: a flushed Redis forgets."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)

    def current(self, turn: int) -> bytes:
        name = f"hotline:form:{turn}"
        try:
            self._redis.set(name, random_key(), nx=True, ex=_TURNS_KEPT * TURN_SECONDS)
        except redis.RedisError:
            raise NoFormKeys from None
        found = self.find(turn)
        if found is None:
            raise NoFormKeys
        return found

    def find(self, turn: int) -> bytes | None:
        try:
            found = self._redis.get(f"hotline:form:{turn}")
        except redis.RedisError:
            raise NoFormKeys from None
        return found if isinstance(found, bytes) and len(found) == KEY_BYTES else None


class FormKeys:
    """Seals what a page carries. ``context`` keeps one page's field from opening on another."""

    def __init__(self, clock: Clock, redis_url: str | None = None) -> None:
        self._clock = clock
        self._ring: Ring = RedisRing(redis_url) if redis_url else MemoryRing()

    def seal(self, context: str, plaintext: bytes) -> str:
        """Text for a hidden field. Raises NoFormKeys."""
        turn = self._turn()
        sealed = seal(self._ring.current(turn), context, plaintext)
        return urlsafe_b64encode(turn.to_bytes(4, "big") + sealed).decode()

    def open(self, context: str, text: str) -> bytes:
        """Inverse of ``seal``, for at least 24 hours. Raises FormExpired, NoFormKeys."""
        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
        except ValueError:
            raise FormExpired from None
        turn = int.from_bytes(raw[:4], "big")
        if not 0 <= self._turn() - turn < _TURNS_KEPT:
            raise FormExpired
        key = self._ring.find(turn)
        if key is None:
            raise FormExpired
        try:
            return unseal(key, context, raw[4:])
        except Damaged:
            raise FormExpired from None

    def _turn(self) -> int:
        return int(self._clock.seconds()) // TURN_SECONDS


@dataclass(slots=True, repr=False)
class Form(Redacted):
    """The answers so far. ``id`` names this form for repeats; ``started`` are seconds since 1970;
    ``step`` the page shown; ``spot`` the street or landmark; ``candidates`` the municipalities to
    choose from; ``returning`` that a change was asked for from the last page. ``asked`` are the ids
    of the questions its types are asked, None before that is known; ``closed``: a gate was not
    answered with yes; ``details`` and ``ticked`` as in a Contact. Empty: not told."""

    id: str
    started: int
    language: Language
    step: str
    answers: dict[str, str] = field(default_factory=dict)
    spot: str = ""
    urgency: Urgency = Urgency.UNKNOWN
    crime_type: str = ""
    municipality: str = ""
    candidates: list[str] = field(default_factory=list)
    returning: bool = False
    asked: list[str] | None = None
    closed: bool = False
    details: dict[str, str] = field(default_factory=dict)
    ticked: list[str] = field(default_factory=list)

    @classmethod
    def fresh(cls, clock: Clock, language: Language, step: str) -> Form:
        return cls(random_id().hex(), int(clock.seconds()), language, step)

    def dump(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def load(cls, raw: bytes) -> Form:
        """Inverse of ``dump``; only ever given what we sealed ourselves."""
        d = json.loads(raw)
        d["language"], d["urgency"] = Language(d["language"]), Urgency(d["urgency"])
        return cls(**d)

    @property
    def told(self) -> bool:
        """Whether there is anything to act on."""
        words = (*self.answers.values(), *self.details.values())
        return any(words) or bool(self.spot or self.crime_type or self.ticked)

    @property
    def open_questions(self) -> list[Detail]:
        """What its types are asked, up to a gate that was not opened."""
        found: list[Detail] = []
        for detail in filter(None, map(find, self.asked or ())):
            found.append(detail)
            if detail.gate and self.closed:
                break
        return found

    def ticks(self, detail: Detail) -> list[str]:
        """The choices made in a question."""
        return [t.partition(":")[2] for t in self.ticked if t.partition(":")[0] == detail.id]

    def content(self) -> bytes:
        """What is being reported, without the state of the pages: tells a repeat from a change."""
        d = asdict(self)
        for name in ("id", "started", "step", "candidates", "returning", "language", "asked"):
            del d[name]
        return json.dumps(d, sort_keys=True).encode()

    def contact(self) -> Contact:
        told = {Question(name): words for name, words in self.answers.items() if words}
        where = "\n".join(part for part in (told.pop(Question.WHERE, ""), self.spot) if part)
        if where:
            told[Question.WHERE] = where
        asked = {detail.id for detail in self.open_questions}
        return Contact(
            channel=Channel.WEB,
            text=told.pop(Question.WHAT, ""),
            language=self.language,
            answers=told,
            details={i: words for i, words in self.details.items() if words and i in asked},
            ticked=tuple(t for t in self.ticked if t.partition(":")[0] in asked),
            crime_types=(self.crime_type,) if self.crime_type else (),
            municipality=self.municipality or None,
            urgency=self.urgency,
        )
