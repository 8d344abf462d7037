"""Forgetting by night: tips whose time is over, then the keys of months that nothing needs.

Every step is safe to repeat and to be killed in: what it left is what the next night begins with.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from hotline.assembly import StaffLine
from hotline.founding import changing_worker_keys
from hotline.jobs.nightly import night_began
from hotline.log import Log
from hotline.routing.retention import UNDECIDED, later
from hotline.store.facts import Facts
from hotline.store.forgetting import Forgetting
from hotline.tips import State, queue_kind
from hotline.triage.forgetting import errands_by_tip
from hotline.vault.envelope import STATISTICS, WORKER
from hotline.vault.format import Kind

FORGOT = "forgot"
# Backups live 35 days (docs/forgetting.md): after this no restored one brings an erased tip back.
_ERASED_MONTHS = 3
_WORKER_MONTHS = 3  # a restored backup's errands are younger
# What a legal hold does not keep: voices, and packages and what bodies said of them, which are
# sealed to others too.
_NOT_HELD = (Kind.RECORDING, Kind.PACKAGE, Kind.ANSWER)


class Forget:
    """Once a night. A night without it is made up for as soon as somebody runs; two processes
    that do it at once do it once."""

    def __init__(self, line: StaffLine, log: Log) -> None:
        self._line = line
        self._log = log
        self._store = Forgetting(line.database)

    def run(self) -> bool:
        """Whether this call did the night's forgetting."""
        facts, night = Facts(self._line.database), str(night_began(self._line.clock))
        seen = facts.get(FORGOT)
        if seen == night:
            return False
        self.work()
        facts.swap(FORGOT, seen, night)
        return True

    def work(self) -> None:
        """All of it, whatever night it is."""
        month, terms = self._line.clock.month(), self._line.profile.retention
        # A receipt of the last day is of yesterday's month. It may end before its tip, never after
        # it: then what a reporter adds becomes a tip of its own.
        yesterday = (self._line.clock.today() - timedelta(days=1)).strftime("%Y-%m")
        self._store.adopt(self._until, later(yesterday, terms.shortest_undecided))
        finish(self._line)
        self._expire(month, terms.oldest(month))
        self._store.end_receipts(month)
        self._store.strays()
        # The statistics key of a month ends with its release, not with its tips.
        over: dict[str, list[str]] = {}
        for recipient, epoch in sorted(self._line.keys.epochs()):
            if recipient != STATISTICS and terms.last(epoch) < month:
                over.setdefault(epoch, []).append(recipient)
        for epoch, recipients in over.items():
            self._destroy(epoch, recipients)
        self._end_worker(later(month, -_WORKER_MONTHS))
        self._store.tidy()
        self._line.keys.tidy(later(month, -_ERASED_MONTHS))

    def _end_worker(self, oldest: str) -> None:
        """The worker's own seeds of months before ``oldest``, once no errand is sealed to them.
        They lie in a file of the machine and open without a person: they end first."""
        waiting = self._line.outbox.epochs()

        def over(seeds: Iterable[str]) -> list[str]:
            return [n for n in seeds if n[:7] < oldest and n[:7] not in waiting]

        if not over(self._line.worker):
            return
        with changing_worker_keys(self._line.settings) as seeds:
            ended = sorted({name[:7] for name in over(seeds)})
            for epoch in ended:
                self._line.audit.note("epoch_destroyed", epoch=epoch, recipients=WORKER)
            for known in (seeds, self._line.worker):
                for name in over(known):
                    del known[name]
        self._line.keys.destroy_all((WORKER, epoch) for epoch in ended)

    def _until(self, queue: str, state: str, month: str) -> str:
        terms = self._line.profile.retention
        if state in (State.FORWARDED, State.CLOSED):
            return terms.last(month)  # decided before terms were kept: nobody knows how
        return terms.until(queue_kind(queue), UNDECIDED, month, month)

    def _expire(self, month: str, oldest: str) -> None:
        over, undecided = self._store.over(month, oldest), 0
        errands = errands_by_tip(self._line.outbox, self._line.worker) if over else {}
        for tip, state in over:
            unread = state in (State.OPEN, State.WAITING)
            undecided += unread
            why = "expired_undecided" if unread else "expired"
            self._store.shred(tip, why, errands=errands.get(tip, ()))
        if undecided:
            self._log.event("forgotten_undecided", count=undecided)

    def _destroy(self, epoch: str, recipients: list[str]) -> None:
        """The seeds of a month, once nothing that may live is sealed to them: rows first, so that
        no row is left that counts as a tip and opens for nobody. The record comes before the deed:
        one too many is found out, a deed without one is not."""
        kept = {
            one
            for one in self._store.sealed_to(epoch).intersection(recipients)
            if not self._store.free(one, epoch, _NOT_HELD)
        }
        for one in sorted(kept):
            self._log.event("epoch_kept", kind=one, code=epoch)
        if ended := [one for one in recipients if one not in kept]:
            self._line.audit.note("epoch_destroyed", epoch=epoch, recipients=",".join(ended))
            self._line.keys.destroy_all((one, epoch) for one in ended)


def finish(line: StaffLine) -> int:
    """Erasures that two people decided and a kill or a restored backup undid, and the overwriting
    of what was deleted; how many tips went."""
    store = Forgetting(line.database)
    tips, lookups = store.there(line.keys.erased())
    errands = errands_by_tip(line.outbox, line.worker) if tips else {}
    for tip in tips:
        store.shred(tip, "erased", errands=errands.get(tip, ()))
    for lookup in lookups:
        store.forget_receipt(lookup)
    store.tidy()
    return len(tips)
