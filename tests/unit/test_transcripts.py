"""Transcripts: stripped, held, sealed beside their tip; the voice is kept only where it must be."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.intake.merge import BY_MACHINE
from hotline.intake.voice.engine import NotHeard, Transcript
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.recordings import Recordings, marked
from hotline.jobs.runner import Runner
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.store.tips import Listed
from hotline.tips import Body, Channel, Contact, Language, Priority, State
from hotline.triage.opening import Addition, Opened, open_tip
from hotline.vault.envelope import RECORDING_LIFE
from hotline.vault.format import Kind
from hotline.vault.small import random_id
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.promises.ground import read_once  # noqa: F401 - a fixture

VOICE = b"RIFF a voice that nobody may keep"
PHONE = "98765-4321"
DRUGS = f"Vendem drogas na padaria da esquina. Meu telefone é 21 {PHONE}, me liga"
BRIBES = "Os policiais militares do batalhão cobram propina dos comerciantes da rua"
DANGER = "Socorro, tem um homem com uma arma atirando agora na escola, em Niterói"


@dataclass(slots=True)
class EarDouble:
    """An engine that hears what it is told to, and counts."""

    said: str = DRUGS
    confidence: float = 0.9
    unsure: tuple[str, ...] = ()
    problem: str = ""
    asked: list[tuple[bytes, tuple[Language, ...]]] = field(default_factory=list)

    def hear(self, sound: bytes, languages: Sequence[Language]) -> Transcript:
        self.asked.append((sound, tuple(languages)))
        if self.problem:
            raise NotHeard(self.problem)
        return Transcript(self.said, Language.PT, self.confidence, self.unsure)


class Desk:
    """A staff line with an engine, and what its worker leaves."""

    def __init__(self, line: StaffLine, clock: MovableClock, mode: str) -> None:
        self.line = replace(line, settings=replace(line.settings, voice=mode))
        self.clock, self.provider, self.ear = clock, RecordingProvider(), EarDouble()
        self.provider.sounds["RE1"] = VOICE
        self.log = io.StringIO()
        log = Log(clock, public=False, out=self.log)
        self.recordings = Recordings(self.line, self.provider, log, self.ear)
        self.runner: Runner = runner(self.line, self.provider, log, self.ear)
        self.jobs = EmbeddedJobs(self.runner)

    def fetch(self, tip: bytes) -> None:
        facts = {"sid": "RE1", "tip": tip.hex(), "language": "pt"}
        self.line.outbox.add(self.line.envelope.errand("recording", random_id(), facts))
        self.jobs.drain()

    def of(self, tip: bytes, kind: Kind) -> list[Body]:
        return [body for body in self.line.tips.bodies(tip) if body.kind == kind]

    def rows(self) -> list[Listed]:
        return self.line.tips.queue(list(self.line.profile.queues), list(State))

    def open(self, tip: bytes) -> Opened:
        row = self.line.tips.one(tip)
        assert row is not None
        for name in ("paulo", "gabi", "olga"):
            self.clock.advance(31)  # a one-time code works once
            who = SignIn(self.line)(name)
            if row.queue in self.line.access.queues(who):
                return open_tip(self.line, who, tip)
        raise AssertionError(row.queue)

    def heard(self, tip: bytes) -> Addition:
        (addition,) = self.open(tip).additions
        return addition


@pytest.fixture
def desk(staff_line: StaffLine, clock: MovableClock) -> Desk:
    return Desk(staff_line, clock, "both")


@pytest.fixture
def lean(staff_line: StaffLine, clock: MovableClock) -> Desk:
    """A line that keeps no sound once a machine has heard it."""
    return Desk(staff_line, clock, "transcribe")


@pytest.fixture
def tip(public_line: PublicLine, staff_line: StaffLine) -> bytes:
    public_line.pipeline.receive(Contact(channel=Channel.PHONE, text="Drogas em Niterói, RJ"))
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), [State.WAITING])
    return row.id


def test_what_a_machine_heard_lies_stripped_and_held_beside_its_tip(desk: Desk, tip: bytes) -> None:
    desk.ear.unsure = ("padaria", "telefone")
    desk.fetch(tip)
    assert desk.ear.asked == [(VOICE, (Language.PT, *(x for x in Language if x != "pt")))]
    addition = desk.heard(tip)
    assert "drogas na padaria[?] da esquina" in addition.text
    assert PHONE not in addition.text
    heard = addition.machine
    assert heard is not None
    assert heard.confidence == 0.9
    assert heard.tip.held
    assert heard.tip.hold_reasons[:2] == (BY_MACHINE, "a transcript may hide names")
    assert heard.tip.removed and heard.tip.text == ""
    assert len(desk.of(tip, Kind.RECORDING)) == 1, "and a person may still listen"
    assert desk.provider.erased == [("recording", "RE1")]
    assert len(desk.rows()) == 1
    desk.clock.advance(RECORDING_LIFE)
    desk.jobs.drain()
    assert desk.of(tip, Kind.RECORDING) == []
    assert desk.heard(tip).text == addition.text
    assert desk.line.outbox.counts() == {}


def test_a_usable_transcript_leaves_no_sound_where_the_line_wants_none(
    lean: Desk, tip: bytes
) -> None:
    lean.fetch(tip)
    assert lean.of(tip, Kind.RECORDING) == []
    assert len(lean.of(tip, Kind.SUPPLEMENT)) == 1
    assert lean.provider.erased == [("recording", "RE1")]
    assert lean.line.outbox.counts() == {}


@pytest.mark.parametrize(("said", "confidence"), [(DRUGS, 0.59), ("vendem drogas", 0.99)])
def test_a_poor_transcript_never_stands_for_the_sound(
    lean: Desk, tip: bytes, said: str, confidence: float
) -> None:
    lean.ear.said, lean.ear.confidence = said, confidence
    lean.fetch(tip)
    assert len(lean.of(tip, Kind.RECORDING)) == len(lean.of(tip, Kind.SUPPLEMENT)) == 1


@pytest.mark.parametrize("said", ["", " ... !"])
def test_when_nothing_is_heard_a_person_listens(lean: Desk, tip: bytes, said: str) -> None:
    lean.ear.said = said
    lean.fetch(tip)
    assert len(lean.of(tip, Kind.RECORDING)) == 1
    assert lean.of(tip, Kind.SUPPLEMENT) == []


def test_when_the_engine_fails_a_person_listens_and_the_log_says_why(
    lean: Desk, tip: bytes
) -> None:
    lean.ear.problem = "model_altered"
    lean.fetch(tip)
    assert len(lean.of(tip, Kind.RECORDING)) == 1
    assert lean.provider.erased == [("recording", "RE1")]
    (said,) = [json.loads(line) for line in lean.log.getvalue().splitlines()]
    assert (said["event"], said["code"]) == ("voice_not_transcribed", "model_altered")
    assert tip.hex() not in lean.log.getvalue()


def test_the_provider_forgets_only_after_the_words_are_kept(lean: Desk, tip: bytes) -> None:
    def away(*_: object, **__: object) -> None:
        raise NotHeard("died")  # any failure of the store

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(lean.line.tips), "add", away)
        lean.fetch(tip)
    assert lean.provider.erased == []
    lean.clock.advance(10)
    lean.jobs.drain()
    assert lean.provider.erased == [("recording", "RE1")]
    assert len(lean.of(tip, Kind.SUPPLEMENT)) == 1


def test_a_worker_killed_after_its_commit_repeats_nothing(lean: Desk, tip: bytes) -> None:
    facts = {"sid": "RE1", "tip": tip.hex(), "language": "pt"}
    errand = lean.line.envelope.errand("recording", random_id(), facts)
    lean.recordings.fetch(errand)
    lean.ear.problem = "time"  # a second try may fail where the first did not
    (erasure,) = lean.recordings.fetch(errand)
    assert erasure.kind == "erase"
    assert len(lean.ear.asked) == 1
    assert lean.of(tip, Kind.RECORDING) == []
    assert len(lean.of(tip, Kind.SUPPLEMENT)) == 1


def police_desk(desk: Desk, tip: bytes) -> None:
    """As if the tip lay in a queue that the police run."""
    row = desk.line.tips.one(tip)
    assert row is not None
    queues = dict(desk.line.profile.queues)
    queues[row.queue] = replace(queues[row.queue], agency="pmerj")
    profile = replace(desk.line.profile, queues=queues)
    desk.line = replace(desk.line, profile=profile)
    log = Log(desk.clock, public=False, out=desk.log)
    desk.recordings = Recordings(desk.line, desk.provider, log, desk.ear)


@pytest.mark.parametrize("mode", ["both", "transcribe"])
def test_words_about_the_body_that_runs_the_queue_never_reach_it(
    staff_line: StaffLine, clock: MovableClock, tip: bytes, mode: str
) -> None:
    desk = Desk(staff_line, clock, mode)
    police_desk(desk, tip)
    desk.ear.said = BRIBES
    facts = {"sid": "RE1", "tip": tip.hex(), "language": "pt"}
    errand = desk.line.envelope.errand("recording", random_id(), facts)
    for _ in range(2):
        desk.recordings.fetch(errand)
    assert [body.kind for body in desk.line.tips.bodies(tip)] == [Kind.TIP]
    (own,) = [row for row in desk.rows() if row.id != tip]
    opened = desk.open(own.id)
    assert opened.content.tip.text == BRIBES
    assert opened.content.tip.held
    assert BY_MACHINE in opened.content.tip.hold_reasons
    assert "sesp-rj" in opened.recused
    sounds = desk.of(own.id, Kind.RECORDING)
    assert len(sounds) == (mode == "both"), "the voice goes where its words go"
    for sound in sounds:
        (wrap,) = desk.line.tips.wraps([sound.id])
        assert wrap.recipient == f"queue:{own.queue}"


def test_words_about_a_body_keep_the_tip_from_it_before_they_are_part_of_it(
    desk: Desk, tip: bytes
) -> None:
    before = desk.open(tip)
    desk.ear.said = BRIBES
    desk.fetch(tip)
    opened = desk.open(tip)
    assert len(desk.rows()) == 1
    assert "sesp-rj" not in before.recused
    assert "sesp-rj" in opened.recused


def test_danger_told_by_voice_rings(desk: Desk, tip: bytes) -> None:
    desk.ear.said = DANGER
    desk.fetch(tip)
    assert desk.heard(tip).machine is not None
    (own,) = [row for row in desk.rows() if row.id != tip]
    assert own.priority is Priority.P0
    assert ("relay", "ready") in desk.line.outbox.counts()


def test_danger_that_nobody_can_be_sure_was_told_does_not_ring(desk: Desk, tip: bytes) -> None:
    desk.ear.said, desk.ear.confidence = DANGER, 0.4
    desk.fetch(tip)
    assert len(desk.rows()) == 1
    assert ("relay", "ready") not in desk.line.outbox.counts()


def test_danger_does_not_wait_behind_a_recording(
    desk: Desk, tip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening, enough = threading.Event(), threading.Event()

    def slow(*_: object) -> Transcript:
        listening.set()
        assert enough.wait(30)
        raise NotHeard("time")

    monkeypatch.setattr(EarDouble, "hear", slow)
    make = desk.line.envelope.errand
    desk.line.outbox.add(
        make("recording", random_id(), {"sid": "RE1", "tip": tip.hex(), "language": "pt"})
    )
    desk.jobs.start()
    try:
        assert listening.wait(30)
        facts = {"tip": tip.hex(), "type": "x", "place": "", "duty": "+1", "instead_of": ""}
        desk.line.outbox.add(make("relay", random_id(), facts, urgent=True))
        for _ in range(300):
            if desk.provider.alerts:
                break
            time.sleep(0.05)
        assert desk.provider.alerts, "somebody on duty was told while the engine still listened"
        assert desk.of(tip, Kind.RECORDING) == []
    finally:
        enough.set()
        desk.jobs.stop()


def test_marks_stand_behind_words_and_never_in_what_stripping_put_there() -> None:
    text = "A boca do Zé, na [telefone 1] e na boca-de-fumo, boca"
    assert marked(text, ("boca,", "telefone", "")) == (
        "A boca[?] do Zé, na [telefone 1] e na boca-de-fumo, boca[?]"
    )
    assert marked(text, ()) == text
