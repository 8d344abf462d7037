"""Promise 7: the provider forgets: everything, and nothing before the line has it.

A thousand tips by text and telephone come in as signed webhooks; the real runner erases them by
the real SDK at a provider on loopback that fails every fifth request. At every single deletion the
line's database is asked whether it holds what is being deleted.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery import erasure
from hotline.delivery.senders import ProviderProblem, TwilioProvider
from hotline.intake import receipts
from hotline.jobs import limits
from hotline.jobs.nightly import Nightly
from hotline.jobs.recordings import open_facts
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.simulate.phone import Inside, VoicePhone
from hotline.store.facts import Facts
from hotline.store.tables import BodyRow
from hotline.tips import Body
from hotline.triage.audit import balanced, ledger
from hotline.vault.format import Kind, digest
from hotline.vault.keys import open_body, open_wrap
from hotline.vault.receipts import ReplyKeys
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.line import SignIn
from tests.promises.ground import read_once  # noqa: F401 - a fixture
from tests.twilio_fake import TROUBLES, FakeTwilio, Record

TEXTS, CALLS, SEED = 950, 50, 20260310
PEOPLE, WORKERS = 8, 8  # at a time
HOUR, NEVER = 3600, 1e12
TOLD = "Boca de fumo na rua das Acácias em Niterói RJ, toda noite, número {n}"


@dataclass
class Network:
    """The telephone network: people, their provider, and the line behind it."""

    line: PublicLine
    staff: StaffLine
    twilio: FakeTwilio
    clock: MovableClock
    sign_in: SignIn
    asked: Counter[str] = field(default_factory=Counter)  # how often each request came
    recordings: dict[str, str] = field(default_factory=dict)  # of which call
    came_with: dict[str, str] = field(default_factory=dict)  # identifier → the mark of its commit
    sounds: set[bytes] = field(default_factory=set)
    parts: dict[str, str] = field(default_factory=dict)  # of a text that came as a file
    read: set[str] = field(default_factory=set)  # of those, what the line holds
    troubles: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        app = public_app(self.line)
        self.exchange = app.extensions["exchange"]
        self.app = app
        settings = replace(self.staff.settings, twilio_api_url=self.twilio.url)
        self.provider = TwilioProvider(settings)
        # Looking for proxies and passwords in the environment takes as long as the request.
        self.provider._http.session.trust_env = False
        self.runner = runner(self.staff, self.provider, Log(self.clock, public=False))
        self.lock = threading.Lock()
        self.nightly = Nightly(self.staff, self.provider)
        self.officer = self.sign_in("olga")
        self.seen_bodies: set[bytes] = set()
        self.seeds: dict[tuple[str, str], bytes] = {}
        self.twilio.state.guard = self.saved
        self.twilio.state.trouble = self.trouble

    @property
    def wire(self) -> Inside:
        return Inside(self.app.test_client(), self.line.settings)

    def dice(self, *facts: object) -> random.Random:
        """The same for the same facts, in whatever order things happen."""
        return random.Random(repr((SEED, *facts)))

    def trouble(self, method: str, path: str) -> str:
        """Every fifth request fails, somehow."""
        with self.lock:
            self.asked[method + path] += 1
            dice = self.dice(method, path, self.asked[method + path])
            found = dice.choice(TROUBLES) if dice.random() < 0.2 else ""
            self.troubles[found] += 1
        return found

    def minute(self, *facts: object) -> int:
        """Until a record is final: most are at once, some within the minute."""
        return self.dice(*facts).choice((0, 0, 0, 0, 60))

    def work(self) -> None:
        """What is ready now, by several workers."""
        with ThreadPoolExecutor(WORKERS) as pool:
            while ready := self.runner.ready():
                list(pool.map(self.runner.run, ready))

    def saved(self, record: Record) -> None:
        """Asked at each deletion. Raises when the line does not hold what came with this."""
        if record.resource == "recording":
            with self.lock:
                if record.sound not in self.sounds:
                    self.sounds |= set(self.new_sounds())
            assert record.sound in self.sounds, "a voice that nobody has"
        else:
            mark = self.came_with[record.sid]
            assert self.line.pipeline.recall(mark) is not None, "a text that nobody has"
        if (part := self.parts.get(record.sid)) is not None:
            with self.lock:
                if part not in self.read:
                    self.read |= {json.loads(raw)["text"] for raw in self.new(Kind.SUPPLEMENT)}
            assert part in self.read, "a file that nobody has"

    def new_sounds(self) -> Iterator[bytes]:
        return self.new(Kind.RECORDING)

    def new(self, kind: Kind) -> Iterator[bytes]:
        """Bodies committed since the last look, opened with an officer's key."""
        with self.staff.database.read() as connection:
            rows = connection.execute(select(BodyRow).where(BodyRow.kind == kind)).all()
        for row in rows:
            if row.id in self.seen_bodies:
                continue
            self.seen_bodies.add(row.id)
            body = Body(row.id, row.tip, row.kind, row.sealed)
            (wrap,) = self.staff.tips.wraps([row.id])
            key = (wrap.recipient, wrap.epoch)
            if key not in self.seeds:
                self.seeds[key] = self.staff.access.epoch_seed(self.officer, *key)
            yield open_body(open_wrap(self.seeds[key], wrap, body), body)

    def text(self, n: int) -> None:
        number = f"+55219{n:08d}"
        message = self.twilio.keep("SM", final_in=self.minute(n), name=f"text {n}")
        fields = {"MessageSid": message.sid, "To": "+552130000000", "NumMedia": "0"}
        fields["From"] = number if n % 3 else "whatsapp:" + number
        fields["Body"] = TOLD.format(n=n)
        self.came_with[message.sid] = "sms:" + message.sid
        if n % 5 == 0:
            words = f"A parte {n} da mensagem"
            media = self.twilio.keep(
                "ME", parent=message.sid, name=f"media {n}", sound=words.encode()
            )
            self.came_with[media.sid] = "sms:" + message.sid
            self.parts[media.sid] = self.parts[message.sid] = words
            fields |= {"NumMedia": "1", "MediaUrl0": f"https://api.twilio.com/x/Media/{media.sid}"}
            fields["MediaContentType0"] = "text/plain"
        self.reply(n, message, self.wire.post("/twilio/sms", fields))

    def reply(self, n: int, message: Record, twiml: bytes) -> None:
        """What the line answers is a message of its own; some of its callbacks get lost."""
        for said in ElementTree.fromstring(twiml).findall("Message"):
            assert said.get("statusCallback") == self.line.settings.public_url + "/twilio/status"
            ours = self.twilio.keep("SM", final_in=self.minute("our", n), name=f"ours {n}")
            self.came_with[ours.sid] = "sms:" + message.sid
            if n % 19:
                state = {"MessageSid": ours.sid, "MessageStatus": "sent", "To": f"+55219{n:08d}"}
                self.wire.post("/twilio/status", state)

    def call(self, n: int) -> None:
        call = self.twilio.keep("CA", final_in=NEVER, name=f"call {n}")
        phone = VoicePhone(self.wire, f"+55219{n:08d}", sid=call.sid)
        phone.dial()
        for keys in ("1", "2", "4", "24020091", "1"):
            if keys == "4":  # the type: from here on there is a tip
                self.came_with[call.sid] = f"call:{call.sid}:{phone.action.rpartition('/')[2]}"
            phone.press(keys)
        assert phone.waits == "speech"
        sound = b"RIFF" + random.Random(n).randbytes(2000)
        recording = self.twilio.keep("RE", parent=call.sid, sound=sound, name=f"voice {n}")
        self.recordings[recording.sid] = call.sid
        phone.speak("#", RecordingSid=recording.sid)
        fields = {"CallSid": call.sid, "RecordingSid": recording.sid}
        self.wire.post("/twilio/recording", fields | {"RecordingStatus": "completed"})
        phone.hang_up()
        call.final = self.clock.seconds() + self.minute(n)

    def stick(self, n: int) -> set[str]:
        """A text and the call after it that the provider never lets go."""
        names = (("SM", f"text {n}"), ("CA", f"call {n + 1}"))
        found = {prefix + sha256(name.encode()).hexdigest()[:32] for prefix, name in names}
        for sid in found:
            self.twilio.state.kept[sid].final = NEVER
        return found


@pytest.fixture
def network(
    public_line: PublicLine,
    staff_line: StaffLine,
    clock: MovableClock,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Network]:
    # Stretching a receipt takes 28 ms and is proved elsewhere.
    monkeypatch.setattr(
        receipts,
        "stretch",
        lambda code, _: ReplyKeys(digest(code.encode()), digest(b"1" + code.encode())),
    )
    # The clock stands while errands are done, so that a second would never be over. How many
    # requests there may be in one is proved elsewhere.
    monkeypatch.setattr(limits, "PROVIDER_PER_SECOND", TEXTS * 10)
    twilio = FakeTwilio(clock.seconds)
    found = Network(public_line, staff_line, twilio, clock, sign_in)
    found.exchange.closer.stop()
    yield found
    twilio.stop()


def test_a_thousand_tips_are_forgotten_or_ring_and_none_before_it_is_saved(
    network: Network, clock: MovableClock, engine: str
) -> None:
    began, twilio, staff = time.monotonic(), network.twilio, network.staff
    network.nightly.run()
    contact = lambda n: network.text(n) if n % 20 else network.call(n)  # noqa: E731
    with ThreadPoolExecutor(PEOPLE) as people:
        for some in range(0, TEXTS + CALLS, 50):
            list(people.map(contact, range(some, some + 50)))
            if some == 500:
                stuck = network.stick(519)
            clock.advance(20)
            network.work()
    told = time.monotonic()
    assert staff.audit.count("received") == TEXTS + CALLS
    for wait in (*[60] * 30, *[HOUR] * 30):
        clock.advance(wait)
        network.work()
    erased = time.monotonic()
    known = twilio.left() - stuck
    lost = {sid for sid in known if twilio.state.kept[sid].resource == "message"}
    assert known == lost, "only answers whose callback got lost are left to the night"
    assert 40 <= len(lost) <= TEXTS // 18
    for _ in range(200):
        clock.advance(600)
        with suppress(ProviderProblem):
            if network.nightly.run() and twilio.left() == stuck:
                break
    swept = time.monotonic()

    # Everything is gone, or its errand rings.
    assert twilio.left() == stuck
    buried = staff.outbox.pending("erase")
    assert {open_facts(staff, errand)["sid"] for errand in buried} == stuck
    ringing = erasure.alarms(staff.outbox, Facts(staff.database), clock.seconds())
    assert ringing == {erasure.GIVEN_UP: len(buried)}
    heard_later = {("forget_recording", "ready"): CALLS}
    assert staff.outbox.counts() == {("erase", "buried"): len(buried)} | heard_later
    # Nothing went before it was saved, and every recording was.
    assert twilio.state.early == []
    assert len(network.sounds | set(network.new_sounds())) == CALLS
    # A call never goes before its recording.
    order = {sid: at for at, (_, sid, _) in enumerate(twilio.state.deleted)}
    assert all(order[voice] < order.get(call, NEVER) for voice, call in network.recordings.items())
    assert twilio.state.undescribed == []
    assert balanced(ledger(staff))
    seen, failed = len(twilio.state.seen), sum(network.troubles.values()) - network.troubles[""]
    assert 0.17 < failed / seen < 0.23
    print(
        f"\n{engine}: {TEXTS + CALLS} tips in {told - began:.0f} s; {len(order)} deletions of "
        f"{Counter(name for name, _, _ in twilio.state.deleted)}; {seen} requests, {failed} failed "
        f"{dict(network.troubles)}; errands {erased - told:.0f} s, sweep of {len(lost)} lost "
        f"{swept - erased:.0f} s; {len(stuck)} given up with an alarm"
    )
