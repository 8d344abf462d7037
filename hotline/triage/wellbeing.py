"""Wellbeing: control over what one is exposed to: own limits, private breaks, a pause after the
worst.

What somebody saw in a shift is counted in this process's memory, for them alone: it is no measure
of anybody's work, no page shows another person's, and a restart forgets it. Their limits are at
rest sealed under their own key.
"""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Protocol

from hotline.clock import Clock
from hotline.errors import BadInput
from hotline.store.people import Person
from hotline.tips import Priority, QueueKind, queue_kind
from hotline.vault.format import Damaged
from hotline.vault.small import derive, seal, unseal

SHIFT_SECONDS = 12 * 3600  # as long as a session can last
BREAKS = (5, 10, 15, 30)  # minutes
MOST = 999
_SEALED_BYTES = 192  # whatever the limits are, so that their length says nothing


class BadLimit(BadInput):
    """A limit that is no number."""

    code = "bad_limit"
    message = "A limit is a whole number from 0 to 999, or empty for none."
    hint = "Correct the number and save again."


class Me(Protocol):
    """The person of a session, with their own key."""

    @property
    def person(self) -> Person: ...
    @property
    def seed(self) -> bytes: ...


@dataclass(slots=True)
class _Shift:
    """In memory only. Times in seconds since 1970."""

    started: int
    seen: dict[QueueKind, set[bytes]] = field(default_factory=dict)
    rest_until: int = 0
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many tips of a kind somebody saw in this shift, and their limit (None: none)."""

    kind: QueueKind
    seen: int
    limit: int | None

    @property
    def spent(self) -> bool:
        return self.limit is not None and self.seen >= self.limit


@cache
def _data() -> tuple[dict[QueueKind, int | None], frozenset[QueueKind]]:
    raw = tomllib.loads((files("hotline.triage") / "wellbeing.toml").read_text(encoding="utf-8"))
    limits = {QueueKind(kind): limit for kind, limit in raw["limits"].items()}
    kinds = {kind: limits.get(kind) for kind in QueueKind}
    return kinds, frozenset(map(QueueKind, raw["debrief"]["kinds"]))


def limits_of(me: Me) -> dict[QueueKind, int | None]:
    """One's own limits a shift, by kind of queue; the defaults until one sets them."""
    found = dict(_data()[0])
    if me.person.limits:
        try:
            raw = unseal(derive(me.seed, "hotline/limits/1"), "limits", me.person.limits)
        except Damaged:  # sealed under the key of before a lost passphrase
            return found
        found.update({QueueKind(kind): limit for kind, limit in json.loads(raw).items()})
    return found


def sealed_limits(me: Me, typed: Mapping[str, str]) -> bytes:
    """What the form says, for the database. Raises BadLimit."""
    wanted = {kind.value: _limit(typed.get(kind.value, "")) for kind in QueueKind}
    raw = json.dumps(wanted, separators=(",", ":")).encode().ljust(_SEALED_BYTES)
    return seal(derive(me.seed, "hotline/limits/1"), "limits", raw)


def _limit(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= MOST):
        raise BadLimit
    return int(text)


class Exposure:
    """What each person of this console saw in their shift."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._shifts: dict[bytes, _Shift] = {}

    def saw(self, me: Me, tip: bytes, queue: str) -> None:
        """A tip was opened; the same one twice counts once."""
        kind, limits = queue_kind(queue), limits_of(me)
        with self._lock:
            shift = self._of(me)
            seen = shift.seen.setdefault(kind, set())
            if tip in seen:
                return
            seen.add(tip)
            if kind in _data()[1]:
                shift.prompt = "hard"
            if len(seen) == limits[kind]:
                shift.prompt = "spent"

    def budgets(self, me: Me) -> list[Budget]:
        limits = limits_of(me)
        with self._lock:
            seen = self._of(me).seen
            return [Budget(kind, len(seen.get(kind, ())), limits[kind]) for kind in QueueKind]

    def later(self, me: Me) -> frozenset[QueueKind]:
        """Kinds of queue whose tips come last for this person now."""
        return frozenset(budget.kind for budget in self.budgets(me) if budget.spent)

    def began(self, me: Me) -> int:
        with self._lock:
            return self._of(me).started

    def rest(self, me: Me, minutes: int) -> None:
        """A break from now on, 0 to end it. Nobody else learns of it. Raises BadLimit."""
        if minutes not in (0, *BREAKS):
            raise BadLimit
        with self._lock:
            shift = self._of(me)
            shift.rest_until = self._now() + minutes * 60 if minutes else 0
            shift.prompt = ""

    def resting(self, me: Me) -> int:
        """Until when, 0 when no break runs."""
        with self._lock:
            until = self._of(me).rest_until
        return until if until > self._now() else 0

    def prompt(self, me: Me) -> str:
        """Why a pause is offered: ``hard``, ``spent``, or nothing."""
        with self._lock:
            return self._of(me).prompt

    def go_on(self, me: Me) -> None:
        """The offer was read and not wanted."""
        with self._lock:
            self._of(me).prompt = ""

    def _of(self, me: Me) -> _Shift:
        now = self._now()
        over = [who for who, s in self._shifts.items() if now - s.started >= SHIFT_SECONDS]
        for who in over:
            del self._shifts[who]
        return self._shifts.setdefault(me.person.id, _Shift(now))

    def _now(self) -> int:
        return int(self._clock.seconds())


def passes(
    queues: Sequence[str], later: frozenset[QueueKind]
) -> list[tuple[list[str], list[Priority]]]:
    """In which order to look for the next tip: queues and priorities. Danger now waits for nobody's
    limit; then what is within it; the rest last, because somebody has to."""
    every = list(Priority)
    first = [queue for queue in queues if queue_kind(queue) not in later]
    last = [queue for queue in queues if queue_kind(queue) in later]
    if not last:
        return [(list(queues), every)]
    steps = [(list(queues), [Priority.P0]), (first, every), (last, every)]
    return [step for step in steps if step[0]]
