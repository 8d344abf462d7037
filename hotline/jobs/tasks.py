"""Tasks: what each kind of errand does. The only list: the runner and a test read it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from hotline.assembly import StaffLine
from hotline.delivery import erasure
from hotline.delivery.alarming import Bell
from hotline.delivery.knocking import Knocker, knocker
from hotline.delivery.operators import ways
from hotline.delivery.senders import Provider
from hotline.delivery.sending import Sending, limit
from hotline.errors import HotlineError
from hotline.intake.voice.ear import Ear, ear
from hotline.jobs.answering import remind
from hotline.jobs.enclosures import Enclosures
from hotline.jobs.escalation import Rings
from hotline.jobs.limits import Limits, MemoryPlaces, Places
from hotline.jobs.recordings import Recordings, open_facts
from hotline.jobs.relaying import Relays
from hotline.jobs.runner import BACKOFF, MINUTE, NotYet, Runner, Task
from hotline.log import Log
from hotline.routing.retention import UNDECIDED
from hotline.store.tips import Change
from hotline.tips import Errand, Priority, QueueKind, State, Trace, queue_kind
from hotline.triage.terms import last_month
from hotline.vault import format as fmt
from hotline.vault.envelope import queue_recipient
from hotline.vault.receipts import place_receipt

Do = Callable[[Errand], Sequence[Errand]]

SETTLE_AGAIN = 2
# A further ring of the same code comes within the hour and does away with an earlier errand.
ALARM_WAITS = (MINUTE, 2 * MINUTE, *(5 * MINUTE,) * 300)
NEVER_BURIED = (30,) * 3000
CALL_AGAIN = 5 * MINUTE  # a call whose recording is still at the provider
FILES_AGAIN = 5 * MINUTE  # a message whose files are not fetched yet, with which they would go


class NoWrap(HotlineError):
    """A tip is to move to a queue for which no key of it is left."""

    code = "no_wrap"
    message = "This tip has no key for the queue it should move to."
    hint = "Open it where it is and send it to the other queue by hand."


class Tasks:
    """The tasks of one staff line. Each is safe to repeat."""

    def __init__(
        self,
        line: StaffLine,
        provider: Provider,
        recordings: Recordings,
        knock: Knocker,
        limits: Limits,
        log: Log,
        sending: Sending | None = None,
    ) -> None:
        self._line = line
        self._provider = provider
        self._limits = limits
        self._sending = sending or Sending(line)
        self._recordings = recordings
        self._enclosures = Enclosures(line, provider, recordings)
        self._rings = Rings(line, provider)
        told = ways(line.settings, lambda code: log.event("line_alarm", code=code))
        self._bell = Bell(line.database, told, line.profile.name)
        self.relays = Relays(line, provider, knock)

    def table(self) -> Mapping[str, Task]:
        return {
            "settle": Task(self.settle, BACKOFF),
            "news": Task(self.news, BACKOFF),
            "relay": Task(self.relays.relay, NEVER_BURIED),
            "answered": Task(self.relays.answered, BACKOFF),
            "relay_over": Task(self.relays.forget, BACKOFF),
            "notify": Task(self.notify, BACKOFF),
            "deliver": Task(self.deliver, self._sending.patience.webhook.waits),
            "erase": Task(self._limited(self.erase), erasure.WAITS, counted=True),
            "recording": Task(self._limited(self._recordings.fetch), BACKOFF),
            "media": Task(self._limited(self._enclosures.fetch), BACKOFF),
            "forget_recording": Task(self._recordings.forget, BACKOFF),
            "late": Task(self._rings.late, BACKOFF),
            "remind": Task(lambda errand: remind(self._line, errand, self._sending), BACKOFF),
            "watch": Task(self._rings.watch, BACKOFF),
            "alarm": Task(self.alarm, ALARM_WAITS),
            "end_recording": Task(self._limited(self._recordings.end), BACKOFF),
        }

    def _limited(self, do: Do) -> Do:
        """So that all workers together do not call the provider more than it lets us. What is
        urgent waits for no count, and for no Redis that counts."""

        def held(errand: Errand) -> Sequence[Errand]:
            if errand.urgent:
                return do(errand)
            with self._limits.provider():
                return do(errand)

        return held

    def _open(self, errand: Errand) -> dict[str, str]:
        return open_facts(self._line, errand)

    def settle(self, errand: Errand) -> Sequence[Errand]:
        """A conversation told enough: the tip moves to its queue, unless a person was faster."""
        facts = self._open(errand)
        tip = bytes.fromhex(facts["tip"])
        row = self._line.tips.one(tip)
        if row is None or row.state not in (State.OPEN, State.WAITING):
            return ()
        body = self._line.tips.body(tip)
        if body is None or fmt.digest(body.sealed).hex() != facts["body"]:
            # An operator has rewritten the tip meanwhile: the new queue's key would not open it,
            # and moving the row would drop the only one that does. It stays in their hands.
            return ()
        wrapped = {wrap.recipient for wrap in self._line.tips.wraps([tip])}
        if row.queue != facts["from"]:
            # Another hand moved it. A wrap for where this move begins is there only while an
            # earlier move of the same conversation is still to come: a person's takes all away.
            if queue_recipient(facts["from"]) in wrapped:
                raise NotYet(SETTLE_AGAIN, "out_of_order")
            if facts["queue"] != row.queue:
                stray = (queue_recipient(facts["queue"]),)
                self._line.tips.apply(Change(tip, row.version, drop_recipients=stray))
            return ()
        moved = facts["queue"] != row.queue
        if moved and queue_recipient(facts["queue"]) not in wrapped:
            # It came back to a queue whose key an earlier move took away: moved now, nobody could
            # open it. It stays where it opens, and the alarm calls a person to move it.
            raise NoWrap
        kind = queue_kind(facts["queue"])
        clear = not kind.special and kind is not QueueKind.UNRESOLVED
        lookup = bytes.fromhex(facts["lookup"])
        receipt = self._line.tips.receipt(lookup) if moved else None
        self._line.tips.apply(
            Change(
                tip,
                row.version,
                queue=facts["queue"],
                state=State.WAITING,
                priority=Priority(facts["priority"]),
                type_group=facts["group"] if clear else None,
                municipality=(facts["municipality"] or None) if clear else None,
                drop_recipients=(queue_recipient(row.queue),) if moved else (),
                receipt=place_receipt(lookup, receipt.key, tip, facts["queue"])
                if receipt
                else None,
                due_at=int(facts["due_at"]),
                events=(("settled", {"queue": facts["queue"]}),),
            )
        )
        return ()

    def news(self, errand: Errand) -> Sequence[Errand]:
        """The reporter added something: a decided tip waits for a person again, and one that was
        given time for an answer is due as if it had just come."""
        tip = bytes.fromhex(self._open(errand)["tip"])
        row = self._line.tips.one(tip)
        if row is None or row.state is State.OPEN:
            return ()
        due = -(-(int(self._line.clock.seconds()) + row.priority.minutes * MINUTE) // 3600) * 3600
        waiting = row.state is State.WAITING
        if waiting and row.due_at <= due:
            return ()
        self._line.tips.apply(
            Change(
                tip,
                row.version,
                state=State.WAITING,
                until=None if waiting else last_month(self._line, row, UNDECIDED),
                due_at=due,
                events=(("reporter_added", {}),),
            )
        )
        return ()

    def notify(self, errand: Errand) -> Sequence[Errand]:
        """Nobody undid the decision: an agency's package is in its inbox, and leaves by the way the
        agency chose."""
        agency = self._open(errand)["agency"]
        self._line.desk.arrive(errand.subject, agency)
        return self._sending.errands(errand.subject, agency)

    def deliver(self, errand: Errand) -> Sequence[Errand]:
        """Only so many at once to one agency, whoever works on it."""
        facts = self._open(errand)
        with self._limits.slot(*limit(self._sending, facts["agency"])):
            return self._sending.deliver(errand, facts)

    def alarm(self, errand: Errand) -> Sequence[Errand]:
        """Something is wrong with the line: its own operators are told, and nobody else."""
        return self._bell.ring(self._open(errand))

    def erase(self, errand: Errand) -> Sequence[Errand]:
        """The provider forgets (promise 7). That it did is counted at night: a record beside the
        tip's own would tell for ever by which channel that tip came."""
        facts = self._open(errand)
        trace = Trace(facts["resource"], facts["sid"], facts["parent"])
        first = [bytes.fromhex(errand) for errand in facts.get("after", "").split(",") if errand]
        if first and self._line.outbox.waits_for(first):
            raise NotYet(FILES_AGAIN, "still_fetched")
        try:
            erasure.forget(self._provider, trace)
        except erasure.StillRecorded as waits:
            raise NotYet(CALL_AGAIN, waits.code) from None
        return ()


def runner(
    line: StaffLine,
    provider: Provider,
    log: Log,
    heard: Ear | None = None,
    places: Places | None = None,
    sending: Sending | None = None,
) -> Runner:
    """``heard`` in place of the engine that the settings name; ``places``: where limits are counted
    when several processes share them."""
    recordings = Recordings(line, provider, log, heard or ear(line.settings))
    limits = Limits(places or MemoryPlaces(time.monotonic))
    knock = knocker(line.settings.staff, line.clock)
    tasks = Tasks(line, provider, recordings, knock, limits, log, sending)
    found = Runner(line.outbox, line.clock, tasks.table(), log)
    tasks.relays.look = found.run
    return found
