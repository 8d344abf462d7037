"""Recordings: fetched once, sealed for the queue that will hear them, gone after 72 hours."""

from __future__ import annotations

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.recordings import LOOK_AGAIN, LOOKS
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.store.tips import Change
from hotline.tips import Body, Channel, Contact, Question, State
from hotline.vault.envelope import RECORDING_LIFE
from hotline.vault.format import Kind
from hotline.vault.small import random_id
from tests.conftest import MovableClock
from tests.promises.ground import read_once  # noqa: F401 - a fixture

VOICE = b"RIFF a voice"
KEYS = Contact(channel=Channel.PHONE, crime_types=("ORG-01",))
PLACE = Contact(channel=Channel.PHONE, answers={Question.WHERE: "Niterói, RJ"})


class Worker:
    """The worker of a staff line, and what it leaves."""

    def __init__(self, line: StaffLine, clock: MovableClock) -> None:
        self.line, self.clock, self.provider = line, clock, RecordingProvider()
        self.provider.sounds["RE1"] = VOICE
        self.jobs = EmbeddedJobs(runner(line, self.provider, Log(clock, public=False)))

    def drain(self) -> None:
        self.jobs.drain()

    def fetch(self, tip: bytes) -> None:
        facts = {"sid": "RE1", "tip": tip.hex(), "language": "pt"}
        self.line.outbox.add(self.line.envelope.errand("recording", random_id(), facts))
        self.drain()

    def sounds(self, tip: bytes) -> list[Body]:
        return [body for body in self.line.tips.bodies(tip) if body.kind == Kind.RECORDING]

    def queues(self, tip: bytes) -> list[str]:
        """To whom the tip's only recording is sealed."""
        (sound,) = self.sounds(tip)
        return [wrap.recipient for wrap in self.line.tips.wraps([sound.id])]


@pytest.fixture
def worker(staff_line: StaffLine, clock: MovableClock) -> Worker:
    return Worker(staff_line, clock)


@pytest.fixture
def tip(public_line: PublicLine, staff_line: StaffLine) -> bytes:
    """A tip that waits in its queue."""
    public_line.pipeline.receive(Contact(channel=Channel.PHONE, text="Drogas em Niterói, RJ"))
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), [State.WAITING])
    return row.id


def test_a_recording_lives_72_hours_and_no_minute_of_the_call_is_kept(
    worker: Worker, tip: bytes
) -> None:
    worker.clock.advance(1234)
    worker.fetch(tip)
    assert worker.provider.erased == [("recording", "RE1")]
    assert worker.line.outbox.counts() == {("forget_recording", "ready"): 1}
    on_the_hour = (int(worker.clock.seconds()) + RECORDING_LIFE) // 3600 * 3600
    assert worker.line.outbox.ready(on_the_hour - 1) == []
    assert len(worker.line.outbox.ready(on_the_hour)) == 1
    (sound,) = worker.sounds(tip)
    worker.clock.advance(RECORDING_LIFE)
    worker.drain()
    assert worker.sounds(tip) == []
    assert worker.line.tips.wraps([sound.id]) == []
    assert worker.line.audit.count("recording_expired") == 1
    row = worker.line.tips.one(tip)
    assert row is not None
    assert row.state is State.WAITING
    assert worker.line.outbox.counts() == {}


def test_a_recording_that_was_typed_expires_without_a_trace(worker: Worker, tip: bytes) -> None:
    worker.fetch(tip)
    (sound,) = worker.sounds(tip)
    worker.line.tips.apply(Change(tip, 1, drop_bodies=(sound.id,)))
    worker.clock.advance(RECORDING_LIFE)
    worker.drain()
    assert worker.line.audit.count("recording_expired") == 0
    assert worker.line.outbox.counts() == {}
    row = worker.line.tips.one(tip)
    assert row is not None
    assert row.version == 2


def test_a_recording_is_sealed_to_the_queue_its_call_ends_in(
    worker: Worker, public_line: PublicLine
) -> None:
    _, thread = public_line.pipeline.open(KEYS, "call:1")
    assert thread is not None
    tip = thread.key.tip
    worker.fetch(tip)
    for _ in range(3):
        assert worker.sounds(tip) == []
        assert worker.provider.erased == []
        worker.clock.advance(LOOK_AGAIN)
        worker.drain()
    public_line.pipeline.conclude(public_line.pipeline.add(thread, PLACE, "call:2"))
    worker.drain()
    assert worker.sounds(tip) == [], "it looks once a minute"
    worker.clock.advance(LOOK_AGAIN)
    worker.drain()
    row = worker.line.tips.one(tip)
    assert row is not None
    assert row.state is State.WAITING
    assert worker.queues(tip) == [f"queue:{row.queue}"] != [f"queue:{public_line.pipeline.desk}"]
    assert worker.provider.erased == [("recording", "RE1")]


def test_a_call_that_ends_while_its_recording_is_ready_needs_no_minute(
    worker: Worker, public_line: PublicLine
) -> None:
    _, thread = public_line.pipeline.open(KEYS, "call:1")
    assert thread is not None
    public_line.pipeline.conclude(public_line.pipeline.add(thread, PLACE, "call:2"))
    worker.fetch(thread.key.tip)
    assert worker.queues(thread.key.tip) == ["queue:general:BR-RJ"]


def test_a_call_that_never_ends_keeps_its_recording_from_nobody(
    worker: Worker, public_line: PublicLine
) -> None:
    _, thread = public_line.pipeline.open(KEYS, "call:1")
    assert thread is not None
    tip = thread.key.tip
    worker.fetch(tip)
    for _ in range(LOOKS - 2):
        worker.clock.advance(LOOK_AGAIN)
        worker.drain()
    assert worker.sounds(tip) == []
    for _ in range(2):
        worker.clock.advance(LOOK_AGAIN)
        worker.drain()
    assert worker.queues(tip) == [f"queue:{public_line.pipeline.desk}"]


def test_waiting_for_the_end_of_a_call_costs_no_try_of_a_failing_provider(
    worker: Worker, public_line: PublicLine
) -> None:
    _, thread = public_line.pipeline.open(KEYS, "call:1")
    assert thread is not None
    worker.fetch(thread.key.tip)
    for _ in range(20):
        worker.clock.advance(LOOK_AGAIN)
        worker.drain()
    public_line.pipeline.conclude(public_line.pipeline.add(thread, PLACE, "call:2"))
    worker.provider.failures = ["unreachable"] * 3
    for _ in range(4):
        worker.clock.advance(600)
        worker.drain()
    assert worker.line.outbox.buried() == []
    assert len(worker.sounds(thread.key.tip)) == 1


def test_a_recording_that_comes_after_the_decision_lets_the_tip_wait_again(
    worker: Worker, tip: bytes
) -> None:
    worker.line.tips.apply(Change(tip, 1, state=State.CLOSED))
    worker.fetch(tip)
    row = worker.line.tips.one(tip)
    assert row is not None
    assert row.state is State.WAITING
    assert len(worker.sounds(tip)) == 1
