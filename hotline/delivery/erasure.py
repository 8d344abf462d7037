"""Erasure: what the provider must forget, in which order, how long we insist, and what rings.

A message goes with its media, so after they are fetched; a recording before its call, so that no
call is gone from the lists while somebody's voice is still there. What is gone already (404) is
done. Everything else is tried again for a day and then given up with an alarm. Each night
everything older than ``KEEP`` on the provider's shelves is deleted too, for what no errand knows
of: our own messages whose callback never came, calls whose process died, texts that reached the
provider while the line was down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass

from hotline.delivery.senders import NOT_FINAL, REFUSED, Kept, Provider, ProviderProblem
from hotline.errors import HotlineError
from hotline.store.facts import Facts
from hotline.store.outbox import Outbox
from hotline.tips import Trace

MINUTE, HOUR, DAY = 60, 3600, 86400

# Pauses before each further try: together 23 h 13 min, so that an alarm rings within the day.
WAITS = (5, 30, 2 * MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR)

# The sweep leaves what is younger. Longer than a conversation (2 h) and then all tries of an
# erasure (23 h 13 min): it takes nothing that is still being received or on its way to be erased.
KEEP = 30 * HOUR

# "In rare cases, a message or call record may take up to 14 days to be finalized"
# (https://www.twilio.com/docs/api/errors/20009): until then its refusal is no failure of a sweep.
FINAL = 14 * DAY

LATE = 48 * HOUR  # without a sweep that ended well: somebody has to look
SWEEP = "provider_sweep"  # the name of the fact that remembers how the last one ended
SHELVES = ("transcription", "recording", "call", "message")  # in the order they are swept
MOST_PASSES, MOST_IN_A_ROW = 50, 5


class StillRecorded(HotlineError):
    """The provider has a recording of this call: the recording goes first."""

    code = "still_recorded"


def forget(provider: Provider, trace: Trace) -> None:
    """Raises StillRecorded, ProviderProblem."""
    if trace.resource == "call" and provider.recorded(trace.sid):
        raise StillRecorded
    provider.erase(trace)


@dataclass(slots=True)
class Sweep:
    """One look over all shelves. ``spared`` are recordings, and messages with files, that are not
    fetched yet: however old, they stay until the line has them. Identifiers are in memory only,
    and never anything else."""

    provider: Provider
    now: float
    spared: AbstractSet[str]
    gone: int = 0
    waiting: int = 0
    failed: int = 0
    _in_a_row: int = 0

    def run(self) -> None:
        """Raises ProviderProblem when something old is left that should have gone."""
        for resource in SHELVES:
            self._clear(resource)
        if self.failed:
            raise ProviderProblem("left_behind")

    def _clear(self, resource: str) -> None:
        """Looks again until nothing new is found: a page moves up when one before it shrinks, and
        a deleted record may stay on the list for days."""
        tried: set[str] = set()
        for _ in range(MOST_PASSES):
            found = 0
            for kept in self._old(resource):
                if kept.sid not in tried:
                    tried.add(kept.sid)
                    found += 1
                    self._forget(resource, kept)
            if not found:
                return
        raise ProviderProblem("left_behind")

    def _old(self, resource: str) -> Iterator[Kept]:
        """One page ahead of what is deleted: the address of the next page may lean on a record of
        the page before it."""
        page = self.provider.shelf(resource)
        while True:
            ahead = self.provider.shelf(resource, page.following) if page.following else None
            yield from (kept for kept in page.records if self._is_old(kept))
            if ahead is None:
                return
            page = ahead

    def _is_old(self, kept: Kept) -> bool:
        if kept.sid in self.spared:
            return False
        if kept.made is None:
            self.failed += 1  # of no known age: not for a program to decide
            return False
        return self.now - kept.made > KEEP

    def _forget(self, resource: str, kept: Kept) -> None:
        try:
            forget(self.provider, Trace(resource, kept.sid))
        except StillRecorded:
            self.waiting += 1
        except ProviderProblem as problem:
            young = kept.made is not None and self.now - kept.made < FINAL
            if problem.reason == NOT_FINAL and young:
                self.waiting += 1
                return
            self.failed += 1
            self._in_a_row += 1
            if problem.reason == REFUSED or problem.wait or self._in_a_row >= MOST_IN_A_ROW:
                raise
        else:
            self.gone += 1
            self._in_a_row = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the line remembers about its sweeps: when one last ended well (on the hour), until when
    nobody else need begin one, and why the last one failed. Seconds since 1970."""

    done: int
    until: int = 0
    problem: str = ""

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Standing | None:
        return cls(**json.loads(text)) if text else None


REFUSES, GIVEN_UP, LATE_SWEEP = "refuses", "given_up", "late_sweep"


def alarms(outbox: Outbox, facts: Facts, now: float) -> dict[str, int]:
    """What a person must look at, each with a count: erasures that the provider refuses because
    of our token, erasures given up, hours without a good sweep."""
    problems = outbox.problems("erase")
    standing = Standing.load(facts.get(SWEEP)) or Standing(int(now))
    refused = sum(count for (_, problem), count in problems.items() if problem == REFUSED)
    since = now - standing.done
    found = {
        REFUSES: refused + (standing.problem == REFUSED),
        GIVEN_UP: sum(count for (state, _), count in problems.items() if state == "buried"),
        LATE_SWEEP: int(since) // HOUR if since > LATE else 0,
    }
    return {code: count for code, count in found.items() if count}
