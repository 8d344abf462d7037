"""Sessions: the short memory of a conversation, under a pseudonym whose key is destroyed.

A telephone number is one of 10⁹: only a destroyed key hides it. So the pseudonym is an HMAC under
a random key of the day that is at most 26 hours old and never on disk: in this process, or in a
Redis that writes nothing, which the public processes share. A session ends 20 minutes after the
last message and 2 hours after the first.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar, cast

import redis

from hotline.clock import Clock
from hotline.errors import Busy, Unavailable
from hotline.intake.conversation import CHOICES, DETAILS, Standing, State
from hotline.intake.thread import Thread
from hotline.settings import Settings
from hotline.tips import Language, Redacted
from hotline.vault.format import Damaged
from hotline.vault.small import derive, mac, random_id, random_key, seal, unseal

SLIDING_SECONDS = 20 * 60
HARD_CAP_SECONDS = 2 * 3600
KEY_HOURS = 26
NEW_KEY_AT = 4  # o'clock in the jurisdiction: the fewest conversations run then
_LOCK_SECONDS = 30
_PATIENCE_SECONDS = 10.0
# Which of the questions of its types a conversation is at.
_NTH = {state: nth for states in (DETAILS, CHOICES) for nth, state in enumerate(states)}


# What the provider writes for callers who withheld their number, keyed on a telephone keypad
# (ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE): all of them would share one session.
WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253"})


def telephone(sender: str) -> str | None:
    """``+5521…`` of a sender who can be known again, or None: withheld, a short code, a name."""
    number = sender.strip().rpartition(":")[2]
    plain = number.startswith("+") and number[1:].isascii() and number[1:].isdigit()
    return number if plain and 8 <= len(number) <= 16 and number not in WITHHELD else None


class SessionsUnavailable(Unavailable):
    """The memory shared by the public processes does not answer."""

    code = "sessions_unavailable"


class SessionsOnDisk(Unavailable):
    """Redis would write pseudonym keys to disk, where no key is ever destroyed."""

    code = "sessions_on_disk"
    message = "Redis writes to disk, and conversations may not."
    hint = 'Set save "" and appendonly no in the configuration of Redis and start it again.'


@dataclass(frozen=True, slots=True, repr=False)
class Key(Redacted):
    """A conversation's place: ``name`` is the day and the pseudonym, ``seal`` opens it."""

    name: str
    seal: bytes


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Session(Redacted):
    """A running conversation. ``turn`` counts what was answered; ``id`` is random; ``typed`` is
    the receipt somebody came back with; ``warned`` whether the emergency number was said;
    ``recording`` a recording whose caller has not decided about it; ``details`` the ids of the
    questions its types are asked; ``pin`` a position nobody has said to keep, for one turn;
    ``files`` how many were taken."""

    id: str
    began: float
    due: float
    language: Language
    standing: Standing = field(default_factory=Standing)
    turn: int = 0
    thread: Thread | None = None
    typed: str = ""
    warned: bool = False
    danger: bool = False
    recording: str = ""
    details: tuple[str, ...] = ()
    pin: str = ""
    files: int = 0

    @property
    def detail(self) -> str:
        """The id of the question that is being asked, or nothing."""
        at = _NTH.get(self.standing.state, len(DETAILS))
        return self.details[at] if at < len(self.details) else ""

    @classmethod
    def new(cls, language: Language, now: float) -> Session:
        return cls(id=random_id().hex(), began=now, due=now + SLIDING_SECONDS, language=language)

    def touched(self, now: float) -> Session:
        """Twenty minutes more, but never beyond two hours."""
        due = min(now + SLIDING_SECONDS, self.began + HARD_CAP_SECONDS)
        return replace(self, due=due)

    def dump(self) -> bytes:
        thread = self.thread.dump().decode() if self.thread else None
        return json.dumps(
            [
                self.id,
                self.began,
                self.due,
                self.language,
                [self.standing.state, self.standing.tries, self.standing.waited],
                self.turn,
                thread,
                self.typed,
                self.warned,
                self.danger,
                self.recording,
                self.details,
                self.pin,
                self.files,
            ]
        ).encode()

    @classmethod
    def load(cls, raw: bytes) -> Session:
        ident, began, due, language, (state, *stood), turn, thread, *rest = json.loads(raw)
        typed, warned, danger, recording, details, pin, files = rest
        return cls(
            id=ident,
            began=began,
            due=due,
            language=Language(language),
            standing=Standing(State(state), *stood),
            turn=turn,
            thread=Thread.load(thread.encode()) if thread else None,
            typed=typed,
            warned=warned,
            danger=danger,
            recording=recording,
            details=tuple(details),
            pin=pin,
            files=files,
        )


class Sessions(ABC):
    """What both memories share; they differ in where things lie and how they lock."""

    dies_with_process: ClassVar[bool] = False

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def key(self, kind: str, *parts: str) -> Key:
        """The place of a conversation: where it runs already, else where it may begin. ``parts``
        are the line and the number, or a call's identifier."""
        today, yesterday = self._days()
        fresh = self._name(today, self._epoch(today, make=True) or b"", kind, parts)
        old = self._epoch(yesterday, make=False)
        if old is not None and self._read(fresh.name) is None:
            before = self._name(yesterday, old, kind, parts)
            if self._read(before.name) is not None:
                return before
        return fresh

    def get(self, key: Key) -> Session | None:
        """The conversation as it was left, even when its time has run out since."""
        sealed = self._read(key.name)
        if sealed is None:
            return None
        try:
            return Session.load(unseal(key.seal, key.name, sealed))
        except Damaged:
            return None

    def put(self, key: Key, session: Session) -> None:
        self._write(key.name, seal(key.seal, key.name, session.dump()), session.due)

    def delete(self, key: Key) -> None:
        self._drop(key.name)

    def lapsed(self, *, dying: bool = False) -> Iterator[Key]:
        """Conversations whose time ran out; all that end with this process when it is ``dying``."""
        now = self.clock.seconds()
        for name in self._lapsed(math.inf if dying and self.dies_with_process else now):
            day, _, pseudonym = name.partition(":")
            epoch = self._epoch(day, make=False)
            if epoch is None:
                self._drop(name)  # without the key of its day it is noise
            else:
                yield self._key(name, epoch, pseudonym)

    @abstractmethod
    def hold(self, key: Key) -> AbstractContextManager[None]:
        """Messages of one conversation are answered one after the other. Raises Busy."""

    @abstractmethod
    def _epoch(self, day: str, *, make: bool) -> bytes | None: ...

    @abstractmethod
    def _read(self, name: str) -> bytes | None: ...

    @abstractmethod
    def _write(self, name: str, sealed: bytes, due: float) -> None: ...

    @abstractmethod
    def _drop(self, name: str) -> None: ...

    @abstractmethod
    def _lapsed(self, now: float) -> list[str]: ...

    def _days(self) -> tuple[str, str]:
        local = self.clock.now().astimezone(self.clock.zone) - timedelta(hours=NEW_KEY_AT)
        return local.strftime("%Y-%m-%d"), (local - timedelta(days=1)).strftime("%Y-%m-%d")

    def _expires(self, day: str) -> float:
        """When the key of a day is destroyed: 26 hours after that day's four o'clock."""
        begin = datetime.combine(datetime.fromisoformat(day), time(NEW_KEY_AT), self.clock.zone)
        return (begin.astimezone(UTC) + timedelta(hours=KEY_HOURS)).timestamp()

    def _name(self, day: str, epoch: bytes, kind: str, parts: tuple[str, ...]) -> Key:
        pseudonym = mac(epoch, kind, *parts)[:16].hex()
        return self._key(f"{day}:{pseudonym}", epoch, pseudonym)

    def _key(self, name: str, epoch: bytes, pseudonym: str) -> Key:
        return Key(name, derive(epoch, "hotline/conversation/1/" + pseudonym))


class MemorySessions(Sessions):
    """For one public process."""

    dies_with_process = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._epochs: dict[str, bytes] = {}
        self._kept: dict[str, tuple[float, bytes]] = {}
        self._locks: dict[str, list[Any]] = {}  # name → [lock, how many want it]
        self._guard = threading.Lock()

    @contextmanager
    def hold(self, key: Key) -> Iterator[None]:
        with self._guard:
            entry = self._locks.setdefault(key.name, [threading.Lock(), 0])
            entry[1] += 1
        try:
            if not entry[0].acquire(timeout=_PATIENCE_SECONDS):
                raise Busy
            try:
                yield
            finally:
                entry[0].release()
        finally:
            with self._guard:
                entry[1] -= 1
                if not entry[1]:
                    del self._locks[key.name]

    def _epoch(self, day: str, *, make: bool) -> bytes | None:
        now = self.clock.seconds()
        with self._guard:
            self._epochs = {d: k for d, k in self._epochs.items() if self._expires(d) > now}
            if make and day not in self._epochs:
                self._epochs[day] = random_key()
            return self._epochs.get(day)

    def _read(self, name: str) -> bytes | None:
        with self._guard:
            kept = self._kept.get(name)
        return kept[1] if kept else None

    def _write(self, name: str, sealed: bytes, due: float) -> None:
        with self._guard:
            self._kept[name] = (due, sealed)

    def _drop(self, name: str) -> None:
        with self._guard:
            self._kept.pop(name, None)

    def _lapsed(self, now: float) -> list[str]:
        with self._guard:
            return [name for name, (due, _) in self._kept.items() if due <= now]


_RELEASE = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end"


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except redis.RedisError:
        raise SessionsUnavailable from None


class RedisSessions(Sessions):
    """For several public processes. Raises SessionsOnDisk for a Redis that persists; one that
    hides its configuration must be checked by whoever runs it."""

    def __init__(self, clock: Clock, url: str) -> None:
        super().__init__(clock)
        self._redis = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        if self.persists():
            raise SessionsOnDisk

    def persists(self) -> bool | None:
        """Whether Redis writes to disk; None when it does not say."""
        with _said_plainly():
            try:
                told = cast(dict[str, str], self._redis.config_get("save", "appendonly"))
            except redis.ResponseError:
                return None
        return bool(told.get("save")) or told.get("appendonly") == "yes"

    @contextmanager
    def hold(self, key: Key) -> Iterator[None]:
        token, name = random_id().hex(), f"hotline:lock:{key.name}"
        wait, waited = threading.Event(), 0.0
        with _said_plainly():
            while not self._redis.set(name, token, nx=True, px=_LOCK_SECONDS * 1000):
                wait.wait(0.02)
                waited += 0.02
                if waited > _PATIENCE_SECONDS:
                    raise Busy
        try:
            yield
        finally:
            with suppress(redis.RedisError):  # it expires by itself
                self._redis.eval(_RELEASE, 1, name, token)

    def _epoch(self, day: str, *, make: bool) -> bytes | None:
        left = int(self._expires(day) - self.clock.seconds())
        if left <= 0:
            return None
        name = f"hotline:epoch:{day}"
        with _said_plainly():
            if make:
                self._redis.set(name, random_key(), nx=True, ex=left)
            return cast(bytes | None, self._redis.get(name))

    def _read(self, name: str) -> bytes | None:
        with _said_plainly():
            return cast(bytes | None, self._redis.get(f"hotline:session:{name}"))

    def _write(self, name: str, sealed: bytes, due: float) -> None:
        # A lapsed session waits for the closer, but not for ever.
        seconds = max(int(due - self.clock.seconds()), 0) + HARD_CAP_SECONDS
        with _said_plainly(), self._redis.pipeline() as batch:
            batch.set(f"hotline:session:{name}", sealed, ex=seconds)
            batch.zadd("hotline:lapses", {name: due})
            batch.execute()

    def _drop(self, name: str) -> None:
        with _said_plainly(), self._redis.pipeline() as batch:
            batch.delete(f"hotline:session:{name}")
            batch.zrem("hotline:lapses", name)
            batch.execute()

    def _lapsed(self, now: float) -> list[str]:
        with _said_plainly():
            found = cast(list[bytes], self._redis.zrangebyscore("hotline:lapses", "-inf", now))
        return [name.decode() for name in found]


def open_sessions(settings: Settings, clock: Clock) -> Sessions:
    """Redis when there is one, else this process's memory. Raises SessionsOnDisk,
    SessionsUnavailable."""
    if settings.redis_url:
        return RedisSessions(clock, settings.redis_url)
    return MemorySessions(clock)


class Closer:
    """Ends conversations whose time ran out, so that what was told is handed on.

    ``close(key, session)`` performs the table's time-out edge and forgets the session."""

    EVERY_SECONDS = 15.0

    def __init__(self, sessions: Sessions, close: Callable[[Key, Session], None]) -> None:
        self._sessions = sessions
        self._close = close
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def run_once(self, *, dying: bool = False) -> int:
        """How many conversations were closed. One that cannot be is tried again next time.
        ``dying``: the process ends, and with it every conversation only it remembers."""
        closed = 0
        for key in list(self._sessions.lapsed(dying=dying)):
            try:
                closed += self._close_one(key, dying=dying)
            except (Unavailable, Busy):
                continue
            except Exception:  # noqa: BLE001 - one conversation never keeps the others open
                logging.getLogger(__name__).error("a conversation could not be closed")
        return closed

    def _close_one(self, key: Key, *, dying: bool) -> bool:
        with self._sessions.hold(key):
            session = self._sessions.get(key)
            if session is None:
                self._sessions.delete(key)
            elif dying or session.due <= self._sessions.clock.seconds():
                self._close(key, session)
                return True
        return False

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="closer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(self.EVERY_SECONDS):
            try:
                self.run_once()
            except Exception:  # noqa: BLE001 - the thread outlives any single conversation
                logging.getLogger(__name__).error("a conversation could not be closed")
