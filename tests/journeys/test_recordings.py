"""A caller's voice is heard once by an operator, becomes words, and is gone from every byte."""

from __future__ import annotations

import re
import sys
from base64 import b64decode
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.intake.merge import BY_MACHINE
from hotline.intake.voice.ear import Ear
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.simulate.phone import Inside, VoicePhone, new_sid
from hotline.store.tables import Base
from hotline.store.tips import Listed
from hotline.tips import Channel, Contact, Language, Recusal, State
from hotline.triage.opening import Opened, open_tip
from hotline.triage.pages.door import DONE
from hotline.triage.recordings import queue_of
from hotline.vault.envelope import RECORDING_LIFE
from hotline.vault.format import Kind
from hotline.web.apps import public_app
from hotline.web.i18n import say
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.line import SignIn
from tests.promises.ground import read_once  # noqa: F401 - a fixture

SPOKEN = Path(__file__).parents[1] / "voice" / "spoken.wav"
PHONE = "98765-4321"
SAID = f"Vendem drogas na padaria da esquina. Meu telefone é 21 {PHONE}, me liga"


class Call:
    """A call with something spoken, up to the operator who finds it."""

    def __init__(
        self,
        public: PublicLine,
        staff: StaffLine,
        clock: MovableClock,
        keys: str = "124",
        sound: bytes = b"RIFF" + bytes(range(256)) * 8,
        ear: Ear | None = None,
    ) -> None:
        self.public, self.staff, self.clock = public, staff, clock
        self.provider, sid = RecordingProvider(), new_sid("RE")
        self.sound = self.provider.sounds[sid] = sound
        phone = VoicePhone(Inside(public_app(public).test_client(), public.settings), "+5521900000")
        phone.dial()
        for key in (*keys, "24020091", "1"):
            phone.press(key)
        phone.speak("#", RecordingSid=sid)
        phone.hang_up()
        self.jobs = EmbeddedJobs(runner(staff, self.provider, Log(clock, public=False), ear))
        self.jobs.drain()
        # A recording waits for the end of its call, which may lie behind it in the outbox.
        clock.advance(61)
        self.jobs.drain()
        self.office = Office.of(staff)

    @property
    def row(self) -> Listed:
        (row,) = self.staff.tips.queue(list(self.staff.profile.queues), list(State))
        return row

    def opened(self, name: str = "olga") -> Opened:
        self.clock.advance(31)  # a one-time code works once
        return open_tip(self.staff, SignIn(self.staff)(name), self.row.id)

    def sounds(self) -> list[bytes]:
        bodies = self.staff.tips.bodies(self.row.id)
        return [body.sealed for body in bodies if body.kind == Kind.RECORDING]

    def at_rest(self) -> bytes:
        """SQLite's files, journal included; on PostgreSQL, which cleans its pages in its own
        time, everything that a query or a backup gives."""
        url = self.staff.settings.database_url
        if url.startswith("sqlite"):
            database = Path(url.removeprefix("sqlite:///"))
            return b"".join(path.read_bytes() for path in database.parent.glob("hotline.db*"))
        with self.staff.database.read() as connection:
            tables = [connection.execute(select(t)).all() for t in Base.metadata.sorted_tables]
        values = (value for rows in tables for row in rows for value in row)
        return b"".join(v if isinstance(v, bytes) else str(v).encode() for v in values)


@pytest.fixture
def call(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Call:
    return Call(public_line, staff_line, clock)


def said(code: str) -> str:
    return say(Language.PT, DONE[code])


def recording_of(hand: Hand) -> str:
    return re.findall(r'name="recording" value="([0-9a-f]{32})"', hand.html)[0]


def heard(hand: Hand) -> bytes | None:
    found = re.search(r'src="data:audio/wav;base64,([^"]+)"', hand.html)
    return b64decode(found[1]) if found else None


def lies_in(sealed: bytes, stored: bytes) -> bool:
    """Whether any piece of a ciphertext is there; pages may cut it anywhere."""
    return any(sealed[at : at + 32] in stored for at in range(32, len(sealed) - 32, 256))


def test_what_was_said_becomes_words_and_the_voice_is_gone(call: Call) -> None:
    hand = call.office("paulo")
    tip = hand.next()
    (sealed,) = call.sounds()
    assert lies_in(sealed, call.at_rest())
    recording = recording_of(hand)
    assert heard(hand) is None and '<textarea id="typed-' not in hand.html
    answer = hand.post(f"/tips/{tip}/listen", recording=recording)
    assert heard(hand) == call.sound
    assert answer.headers["Cache-Control"] == "no-store"
    assert "media-src data:" in answer.headers["Content-Security-Policy"]
    assert call.staff.audit.count("listened") == 1

    before = call.opened().content
    assert before.tip.text == ""
    assert hand.post(f"/tips/{tip}/type", recording=recording, text=" ").status_code == 422
    assert len(call.sounds()) == 1
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/type", recording=recording, text=SAID)
    assert said("typed") in hand.html or said("typed_elsewhere") in hand.html
    opened = call.opened()
    assert "padaria da esquina" in opened.content.tip.words
    assert PHONE not in hand.html
    assert PHONE not in opened.content.tip.words
    assert not any(PHONE in doubt.text for doubt in opened.content.tip.doubts)
    assert opened.content.tip.held, "a transcript is always held"
    assert opened.recordings == () and opened.elsewhere == 0
    assert call.staff.tips.wraps([bytes.fromhex(recording)]) == []
    assert not lies_in(sealed, call.at_rest())
    assert call.staff.audit.count("recording_destroyed") == 1
    call.clock.advance(RECORDING_LIFE)
    call.jobs.drain()
    assert call.staff.audit.count("recording_expired") == 0


@pytest.fixture
def engine_ear() -> Ear:
    """A real engine, in its own process."""
    return Ear((sys.executable, "-B", "-m", "tests.voice.sphinx"))


def spoken(public: PublicLine, staff: StaffLine, clock: MovableClock, ear: Ear, mode: str) -> Call:
    staff = replace(staff, settings=replace(staff.settings, voice=mode))
    return Call(public, staff, clock, sound=SPOKEN.read_bytes(), ear=ear)


def addition_of(hand: Hand) -> str:
    return re.findall(r'name="addition" value="([0-9a-f]{32})"', hand.html)[0]


def test_a_machine_hears_it_and_no_voice_is_kept(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock, engine_ear: Ear
) -> None:
    call = spoken(public_line, staff_line, clock, engine_ear, "transcribe")
    assert call.sounds() == []
    assert not lies_in(call.sound, call.at_rest())
    assert [resource for resource, _ in call.provider.erased].count("recording") == 1
    hand = call.office("paulo")
    tip = hand.next()
    html = unescape(hand.html)
    assert "they sell drugs at the market every day" in html
    assert "five five five one two nine eight" not in html, "the caller's own number"
    for sentence in (
        "What a machine heard in the recording",
        "Nobody can listen to its recording any more.",
        "a machine wrote down what was said: names and numbers may be wrong",
        "a transcript may hide names",
    ):
        assert say(Language.PT, sentence) in html
    hand.post(f"/tips/{tip}/fold", addition=addition_of(hand))
    opened = call.opened()
    assert opened.additions == ()
    assert "sell drugs at the market" in opened.content.tip.text
    assert opened.content.tip.held
    assert BY_MACHINE in opened.content.tip.hold_reasons


def test_what_a_person_types_takes_the_place_of_what_a_machine_heard(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock, engine_ear: Ear
) -> None:
    call = spoken(public_line, staff_line, clock, engine_ear, "both")
    hand = call.office("paulo")
    tip = hand.next()
    assert say(Language.PT, "Typing what you hear in the recording replaces it.") in hand.html
    assert hand.post(f"/tips/{tip}/forward", lead="mprj", reason="credible").status_code == 409
    hand.get(f"/tips/{tip}")
    recording = recording_of(hand)
    hand.post(f"/tips/{tip}/listen", recording=recording)
    assert heard(hand) == call.sound
    hand.post(f"/tips/{tip}/type", recording=recording, text=SAID)
    opened = call.opened()
    assert (opened.additions, opened.recordings) == ((), ())
    assert "padaria" in opened.content.tip.words
    assert "market" not in opened.content.tip.words
    assert not lies_in(call.sound, call.at_rest())


def test_words_that_change_the_route_offer_it_and_force_nothing(call: Call) -> None:
    hand = call.office("paulo")
    tip = hand.next()
    queue, recording = call.row.queue, recording_of(hand)
    hand.post(f"/tips/{tip}/listen", recording=recording)
    words = "Policiais militares cobram propina dos comerciantes"
    hand.post(f"/tips/{tip}/type", recording=recording, text=words)
    assert said("typed_elsewhere") in hand.html
    decided = call.opened().content.decision.queue
    assert decided != queue == call.row.queue
    assert re.search(rf'<option value="{decided}" selected>', hand.html)
    hand.post(f"/tips/{tip}/reroute", queue=decided, reason="wrong_queue")
    assert call.row.queue == decided


def test_only_an_implicated_desk_loses_the_tip_at_once(call: Call) -> None:
    opened = call.opened()
    desk = call.staff.profile.queues[opened.row.queue].agency
    elsewhere = next(q for q, e in call.staff.profile.queues.items() if e.agency != desk)

    def queue_with(queue: str, *recused: str) -> str:
        named = tuple(Recusal(agency, "named") for agency in recused)
        decision = replace(opened.content.decision, queue=queue, recused=named)
        return queue_of(call.staff, opened, replace(opened.content, decision=decision))

    assert queue_with(elsewhere) == opened.row.queue
    assert queue_with(elsewhere, desk) == elsewhere
    assert queue_with("gbv:BR-RJ", desk) == opened.row.queue, "no cleaner than this one"


def test_nobody_hears_it_without_the_lease_and_a_right_to_the_queue(call: Call) -> None:
    paulo, gabi, samuel = (call.office(name) for name in ("paulo", "gabi", "samuel"))
    tip = paulo.next()
    recording = recording_of(paulo)
    assert gabi.post(f"/tips/{tip}/listen", recording=recording).status_code == 409
    assert samuel.post(f"/tips/{tip}/listen", recording=recording).status_code in (403, 404)
    wrong = paulo.post(f"/tips/{tip}/listen", recording=bytes(16).hex())
    assert wrong.status_code == 404
    assert paulo.client.get(f"/tips/{tip}/listen").status_code in (404, 405)
    assert call.staff.audit.count("listened") == 0


def test_an_unheard_tip_is_not_forwarded_and_a_forwarded_one_keeps_no_voice(call: Call) -> None:
    hand = call.office("paulo")
    tip = hand.next()
    (sealed,) = call.sounds()
    recording = recording_of(hand)
    assert hand.post(f"/tips/{tip}/forward", lead="mprj", reason="credible").status_code == 409
    assert not call.staff.desk.packages_of(call.row.id)
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/listen", recording=recording)
    hand.post(f"/tips/{tip}/listen", recording=recording)
    assert heard(hand) == call.sound
    assert call.staff.audit.count("listened") == 2
    hand.post(f"/tips/{tip}/forward", lead="mprj", reason="credible")
    assert call.row.state is State.FORWARDED
    assert call.sounds() == []
    assert not lies_in(sealed, call.at_rest())
    assert call.staff.audit.count("recording_destroyed") == 1


def test_a_closed_tip_keeps_no_voice(call: Call) -> None:
    hand = call.office("paulo")
    tip = hand.next()
    hand.post(f"/tips/{tip}/close", reason="hoax")
    assert call.row.state is State.CLOSED
    assert call.sounds() == []
    assert call.staff.audit.count("recording_destroyed") == 1


def test_a_recording_is_destroyed_without_typing_only_with_a_reason(call: Call) -> None:
    hand = call.office("paulo")
    tip = hand.next()
    recording = recording_of(hand)
    path = f"/tips/{tip}/destroy"
    assert hand.post(path, recording=recording, reason="").status_code == 422
    hand.get(f"/tips/{tip}")
    assert hand.post(f"/tips/{tip}/type", recording=recording, text=SAID).status_code == 409
    hand.get(f"/tips/{tip}")
    hand.post(path, recording=recording, reason="unclear")
    assert said("destroyed") in hand.html
    assert call.sounds() == []
    (note,) = call.opened().notes
    assert (note.kind, note.reason, note.text) == ("destroyed", "unclear", "")


def test_a_tip_that_moves_takes_its_recording_along(call: Call) -> None:
    hand = call.office("paulo")
    tip = hand.next()
    queue = next(q for q in call.staff.profile.queues if q.startswith("gbv:"))
    hand.post(f"/tips/{tip}/reroute", queue=queue, reason="training")
    assert call.row.queue == queue
    (recording,) = call.opened("gabi").recordings
    wraps = call.staff.tips.wraps([recording.id])
    assert [wrap.recipient for wrap in wraps] == [f"queue:{queue}"]
    call.clock.advance(31)
    gabi = call.office("gabi")
    gabi.next()
    gabi.post(f"/tips/{tip}/listen", recording=recording.id.hex())
    assert heard(gabi) == call.sound


def test_an_officer_has_a_buried_errand_tried_again(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    public_line.pipeline.receive(Contact(channel=Channel.WEB, text="Drogas em Niterói, RJ"))
    errand = staff_line.envelope.errand("notify", bytes(16), {"agency": "mprj", "role": "lead"})
    staff_line.outbox.add(errand)
    staff_line.outbox.bury(errand.id, "unreachable")
    office = Office.of(staff_line)
    path = f"/officers/errands/{errand.id.hex()}/retry"
    assert office("paulo").post(path).status_code in (403, 404)
    hand = office("olga")
    hand.get("/officers")
    assert f'action="{path}"' in hand.html
    hand.post(path)
    assert said("retried") in hand.html
    assert staff_line.outbox.buried() == []
    assert hand.post(path).status_code == 404, "only what was given up"
    assert staff_line.audit.count("errand_retried") == 1
