"""Tasks: what each kind of errand does. The only list: the runner and a test read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hotline.assembly import StaffLine
from hotline.delivery.senders import Provider, ProviderProblem
from hotline.errors import HotlineError
from hotline.jobs.runner import BACKOFF, HOUR, MINUTE, NotYet, Runner, Task
from hotline.log import Log
from hotline.store.database import AlreadyThere
from hotline.store.tips import Change
from hotline.tips import Errand, Priority, QueueKind, State, Trace, queue_kind
from hotline.vault import format as fmt
from hotline.vault.envelope import WORKER, queue_recipient
from hotline.vault.keys import open_small
from hotline.vault.receipts import place_receipt
from hotline.vault.seal import seal_body
from hotline.vault.small import random_id, random_key

SETTLE_AGAIN = 2
RELAY_AGAIN = 2 * MINUTE
RELAY_FAILED = 30  # seconds, when somebody on duty could not be told
LOOK_AGAIN, LOOKS = MINUTE, 30  # for the end of a call whose recording is there already
RECORDING_LIFE = 72 * HOUR


class NoWrap(HotlineError):
    """A tip is to move to a queue for which no key of it is left."""

    code = "no_wrap"
    message = "This tip has no key for the queue it should move to."
    hint = "Open it where it is and send it to the other queue by hand."


class Tasks:
    """The tasks of one staff line. Each is safe to repeat."""

    def __init__(self, line: StaffLine, provider: Provider) -> None:
        self._line = line
        self._provider = provider

    def table(self) -> Mapping[str, Task]:
        return {
            "settle": Task(self.settle, BACKOFF),
            "news": Task(self.news, BACKOFF),
            "relay": Task(self.relay, (30,) * 3000),
            "notify": Task(self.notify, BACKOFF),
            "erase": Task(self.erase, BACKOFF),
            "recording": Task(self.recording, BACKOFF),
            "forget_recording": Task(self.forget_recording, BACKOFF),
        }

    def _open(self, errand: Errand) -> dict[str, str]:
        seed = self._line.worker[errand.epoch]
        raw = open_small(seed, fmt.SMALL, errand.id, WORKER, errand.epoch, errand.payload)
        facts: dict[str, str] = json.loads(raw)
        return facts

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
        """The reporter added something: a decided tip waits for a person again."""
        tip = bytes.fromhex(self._open(errand)["tip"])
        row = self._line.tips.one(tip)
        if row is None or row.state not in (State.FORWARDED, State.CLOSED):
            return ()
        due = int(self._line.clock.seconds()) + row.priority.minutes * MINUTE
        self._line.tips.apply(
            Change(
                tip,
                row.version,
                state=State.WAITING,
                due_at=-(-due // 3600) * 3600,
                events=(("reopened", {}),),
            )
        )
        return ()

    def relay(self, errand: Errand) -> Sequence[Errand]:
        """Danger: tells the people on duty again and again until a human has the tip."""
        facts = self._open(errand)
        tip = bytes.fromhex(facts["tip"])
        row = self._line.tips.one(tip)
        if row is None or row.state not in (State.OPEN, State.WAITING):
            return ()
        if tip in self._line.desk.claims(int(self._line.clock.seconds())):
            self._line.audit.note("relay_acknowledged", tip=tip.hex())
            return ()
        if facts["instead_of"]:
            # The earlier relay of this tip does not know whom it has named since.
            self._line.outbox.done(bytes.fromhex(facts["instead_of"]))
        text = f"{facts['type']} {facts['place']}: URGENT, UNVERIFIED. Sign in and take it."
        failed = False
        for number in filter(None, facts["duty"].split(",")):
            try:
                self._provider.alert(number, text)
            except ProviderProblem:
                failed = True
        # Never buried, however long the provider fails: danger ends only with a human.
        raise NotYet(RELAY_FAILED if failed else RELAY_AGAIN, "not_acknowledged")

    def notify(self, errand: Errand) -> Sequence[Errand]:
        """An agency's package is in its inbox. Further ways of delivery hang here."""
        facts = self._open(errand)
        self._line.audit.note(
            "package_delivered", package=errand.subject.hex(), agency=facts["agency"]
        )
        return ()

    def erase(self, errand: Errand) -> Sequence[Errand]:
        """The provider forgets (promise 7); that it did is recorded, what it was is not."""
        facts = self._open(errand)
        self._provider.erase(Trace(facts["resource"], facts["sid"], facts["parent"]))
        self._line.audit.note("provider_erased", resource=facts["resource"])
        return ()

    def recording(self, errand: Errand) -> Sequence[Errand]:
        """Fetches a recording into memory, seals it for the tip's queue, and has it erased at the
        provider only after that commit. While the call runs the queue may still change and nobody
        but the queue could open the sound again: then it waits, half an hour at most."""
        facts = self._open(errand)
        tip = bytes.fromhex(facts["tip"])
        row = self._line.tips.one(tip)
        facts.setdefault("first", errand.id.hex())
        looks = int(facts.setdefault("looks", "0"))
        if row is not None and row.state is State.OPEN and looks < LOOKS:
            return (self._look_again(facts, looks),)
        if row is not None and (sound := self._provider.recording(facts["sid"])):
            # The id comes from the first errand's, so that a repeat finds the first one's row.
            subject = fmt.digest(b"recording" + bytes.fromhex(facts["first"]))[:16]
            key = random_key()
            body = seal_body(key, subject, tip, fmt.Kind.RECORDING, sound)
            wrap = self._line.envelope.wrap(
                key, subject, fmt.digest(body.sealed), queue_recipient(row.queue)
            )
            with suppress(AlreadyThere):
                self._line.tips.add(
                    None, bodies=[body], wraps=[wrap], errands=self._arrived(tip, subject)
                )
        return (self._line.envelope.erasure(Trace("recording", facts["sid"])),)

    def _look_again(self, facts: dict[str, str], looks: int) -> Errand:
        """The same errand anew: its tries are for a provider that fails. The first look again is
        at once, as the end of the call may just be next in the outbox."""
        due = int(self._line.clock.seconds()) + LOOK_AGAIN if looks else 0
        facts = facts | {"looks": str(looks + 1)}
        return self._line.envelope.errand("recording", random_id(), facts, due_at=due)

    def _arrived(self, tip: bytes, subject: bytes) -> list[Errand]:
        """A tip decided meanwhile waits again; the sound is forgotten, heard or not, within
        72 hours, on the hour, so that the outbox does not keep the minute of the call."""
        due = (int(self._line.clock.seconds()) + RECORDING_LIFE) // HOUR * HOUR
        facts, errand = {"tip": tip.hex()}, self._line.envelope.errand
        return [
            errand("news", random_id(), facts),
            errand("forget_recording", random_id(), facts | {"body": subject.hex()}, due_at=due),
        ]

    def forget_recording(self, errand: Errand) -> Sequence[Errand]:
        """A recording that nobody typed in time is destroyed; its tip stays where it is."""
        facts = self._open(errand)
        tip, subject = bytes.fromhex(facts["tip"]), bytes.fromhex(facts["body"])
        row = self._line.tips.one(tip)
        if row is not None and self._line.tips.body(subject) is not None:
            self._line.tips.apply(
                Change(
                    tip,
                    row.version,
                    drop_bodies=(subject,),
                    events=(("recording_expired", {}),),
                )
            )
        self._line.database.wipe_journal()
        return ()


def runner(line: StaffLine, provider: Provider, log: Log) -> Runner:
    return Runner(line.outbox, line.clock, Tasks(line, provider).table(), log)
