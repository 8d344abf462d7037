"""Jobs: every errand is done once, however it is run, however often it fails, or is buried."""

from __future__ import annotations

import ast
import io
import json
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis

import hotline
from hotline.assembly import PublicLine, StaffLine, assemble_staff
from hotline.delivery.erasure import WAITS
from hotline.delivery.relay import RETRY
from hotline.delivery.senders import Provider, ProviderProblem, RecordingProvider, TwilioProvider
from hotline.jobs import rq
from hotline.jobs.chores import chores
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.recordings import Recordings
from hotline.jobs.relaying import LOOK
from hotline.jobs.runner import BACKOFF, Runner
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.routing.duty import Duty, Way
from hotline.settings import Settings
from hotline.store.desk import Claim
from hotline.store.outbox import LEASE_SECONDS
from hotline.store.tips import Change
from hotline.tips import Channel, Contact, Errand, Question, State, Trace
from hotline.vault.format import Kind
from hotline.vault.keys import open_body, open_wrap
from hotline.vault.small import random_id
from tests.conftest import MovableClock
from tests.line import ACCOUNT, TOKEN, SignIn
from tests.promises.ground import line_on, read_once  # noqa: F401 - a fixture

DRUGS = "Boca de fumo na rua das Acácias em Niterói, RJ, toda noite"
DANGER = "Socorro, ele vai matar ela agora na rua das Flores em Niterói RJ"


@dataclass(slots=True)
class Jobs:
    """One way of running errands, over one staff line."""

    line: StaffLine
    provider: RecordingProvider
    runner: Runner
    drain: Callable[[], object]
    said: io.StringIO

    @property
    def clock(self) -> MovableClock:
        assert isinstance(self.line.clock, MovableClock)
        return self.line.clock

    def only_tip(self):
        (row,) = self.line.tips.queue(list(self.line.profile.queues), list(State))
        return row

    def put(self, kind: str, facts: dict[str, str] | None = None) -> Errand:
        errand = self.line.envelope.errand(kind, random_id(), facts or {})
        self.line.outbox.add(errand)
        return errand


@pytest.fixture(params=["embedded", "rq"])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def settings(
    kind: str, request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path
) -> Iterator[Settings]:
    """Each way of running errands on the database it is made for."""
    engine = {"embedded": "sqlite", "rq": "postgres"}[kind]
    yield from line_on(engine, request, founded_home, tmp_path / "home")


@pytest.fixture
def jobs(
    kind: str,
    request: pytest.FixtureRequest,
    staff_line: StaffLine,
    monkeypatch: pytest.MonkeyPatch,
) -> Jobs:
    provider = RecordingProvider()
    said = io.StringIO()
    does = runner(staff_line, provider, Log(staff_line.clock, public=False, out=said))
    if kind == "embedded":
        return Jobs(staff_line, provider, does, EmbeddedJobs(does).drain, said)
    url: str = request.getfixturevalue("redis_url")
    monkeypatch.setattr(rq, "_runner", lambda: does)

    def drain() -> None:
        with rq.connect(url) as connection:
            pusher = rq.Pusher(connection)
            while does.ready():
                pusher.sweep(does.ready)
                rq.work(url, burst=True)

    return Jobs(staff_line, provider, does, drain, said)


def test_a_told_conversation_moves_to_its_queue(jobs: Jobs, public_line: PublicLine) -> None:
    pipeline = public_line.pipeline
    _, thread = pipeline.open(Contact(channel=Channel.SMS, text="vendem droga na praça"), "sms:1")
    assert thread is not None
    where = Contact(channel=Channel.SMS, answers={Question.WHERE: "Niterói, RJ"})
    pipeline.conclude(pipeline.add(thread, where, "sms:2"))
    assert jobs.only_tip().state is State.OPEN
    jobs.drain()
    row = jobs.only_tip()
    assert (row.queue, row.state) == ("general:BR-RJ", State.WAITING)
    wraps = jobs.line.tips.wraps([row.id])
    assert [wrap.recipient for wrap in wraps] == ["queue:general:BR-RJ"]
    assert jobs.line.audit.count("settled") == 1
    assert jobs.line.outbox.counts() == {}


def test_a_decision_by_a_person_is_not_undone_by_a_late_settle(
    jobs: Jobs, public_line: PublicLine
) -> None:
    pipeline = public_line.pipeline
    _, thread = pipeline.open(Contact(channel=Channel.SMS, text="vendem droga na praça"), "sms:1")
    assert thread is not None
    pipeline.conclude(thread)
    row = jobs.only_tip()
    jobs.line.tips.apply(Change(row.id, row.version, state=State.CLOSED))
    jobs.drain()
    assert jobs.only_tip().state is State.CLOSED


def test_news_from_the_reporter_reopens_a_closed_tip(jobs: Jobs, public_line: PublicLine) -> None:
    receipt = public_line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS))
    row = jobs.only_tip()
    jobs.line.tips.apply(Change(row.id, row.version, state=State.CLOSED))
    public_line.pipeline.append(receipt.code, Contact(channel=Channel.WEB, text="Voltaram"))
    jobs.drain()
    row = jobs.only_tip()
    assert row.state is State.WAITING
    assert row.due_at > jobs.clock.seconds()
    assert jobs.line.audit.count("reporter_added") == 1


ROTA = tuple(
    Duty("central-rj", f"+552190000000{n}", post=f"Post {n}", ways=(Way.SMS,)) for n in (1, 2)
)


@pytest.fixture
def staff_line(settings: Settings, clock: MovableClock) -> Iterator[StaffLine]:
    """With two posts on duty, who get texts."""
    line = assemble_staff(settings, clock)
    yield replace(line, profile=replace(line.profile, duty=ROTA))
    line.close()


def urgent(line: PublicLine) -> None:
    profile = replace(line.profile, duty=ROTA)
    replace(line.pipeline, profile=profile).receive(Contact(channel=Channel.WEB, text=DANGER))


def wait(jobs: Jobs, seconds: int) -> None:
    """As time passes for workers, who look every few seconds."""
    for _ in range(seconds // LOOK):
        jobs.clock.advance(LOOK)
        jobs.drain()


def test_danger_is_told_again_and_again_until_a_human_has_it(
    jobs: Jobs, public_line: PublicLine, sign_in: SignIn
) -> None:
    urgent(public_line)
    jobs.drain()
    pauses = jobs.line.profile.relay
    for turn in range(1, 5):
        assert len(jobs.provider.alerts) == 2 * turn - 1
        wait(jobs, pauses.answer)
        assert len(jobs.provider.alerts) == 2 * turn
        wait(jobs, pauses.answer + pauses.rest)
    assert [number for number, _ in jobs.provider.alerts] == [
        *(post.number for _ in range(4) for post in ROTA),
        ROTA[0].number,
    ]
    _, text = jobs.provider.alerts[0]
    assert "NAO VERIFICADO" in text
    assert "matar" not in text, "content travels sealed only"
    who, now = sign_in("olga"), int(jobs.clock.seconds())
    jobs.line.desk.claim(Claim(jobs.only_tip().id, who.person.id, now + 600), now)
    wait(jobs, 2 * LOOK)
    assert len(jobs.provider.alerts) == 9
    assert jobs.line.audit.count("relay_acknowledged") == 1
    assert not any(kind == "relay" for kind, _ in jobs.line.outbox.counts())


def test_danger_is_never_given_up_when_the_provider_fails(
    jobs: Jobs, public_line: PublicLine
) -> None:
    urgent(public_line)
    for _ in range(2 * len(BACKOFF)):
        jobs.provider.failures = ["unreachable"] * len(ROTA)  # nobody on duty can be told
        jobs.drain()
        assert jobs.provider.alerts == []
        jobs.clock.advance(RETRY)
    jobs.provider.failures = ["unreachable"]  # the first of two cannot be told: the second is
    jobs.drain()
    assert [number for number, _ in jobs.provider.alerts] == [ROTA[1].number]
    assert not any(kind == "relay" for _, kind, _ in jobs.line.outbox.buried())


def test_the_provider_forgets_as_soon_as_it_can(jobs: Jobs) -> None:
    jobs.line.outbox.add(jobs.line.envelope.erasure(Trace("media", "ME1", "SM1")))
    jobs.provider.failures = ["provider_20009", "unreachable"]
    jobs.drain()
    assert jobs.provider.erased == []
    jobs.clock.advance(WAITS[0] - 1)
    jobs.drain()
    assert len(jobs.provider.failures) == 1, "not before its time"
    jobs.clock.advance(1)
    jobs.drain()
    jobs.clock.advance(WAITS[1])
    jobs.drain()
    assert jobs.provider.erased == [("media", "ME1")]
    assert jobs.line.outbox.counts() == {}
    assert jobs.line.outbox.tally("provider_erased") == 1
    assert jobs.line.audit.count("provider_erased") == 1


def test_what_keeps_failing_is_buried_with_an_alarm_and_can_be_retried(
    jobs: Jobs,
) -> None:
    errand = jobs.line.envelope.erasure(Trace("call", "CA1"))
    jobs.line.outbox.add(errand)
    jobs.provider.failures = ["provider_20003"] * (len(WAITS) + 1)
    jobs.drain()
    for tried, wait in enumerate(WAITS):
        assert jobs.line.outbox.buried() == []
        assert len(jobs.provider.failures) == len(WAITS) - tried
        jobs.clock.advance(wait)
        jobs.drain()
    assert jobs.line.outbox.buried() == [(errand.id, "erase", "provider_20003")]
    (line,) = jobs.said.getvalue().splitlines()
    alarm = json.loads(line)
    assert (alarm["event"], alarm["kind"]) == ("errand_buried", "erase")
    assert "CA1" not in line
    jobs.line.outbox.retry(errand.id)
    jobs.drain()
    assert jobs.provider.erased == [("call", "CA1")]


def test_an_errand_nobody_knows_is_buried_not_lost(jobs: Jobs) -> None:
    errand = jobs.put("unheard_of")
    jobs.drain()
    assert jobs.line.outbox.buried() == [(errand.id, "unheard_of", "unknown_kind")]


def test_a_bug_in_one_errand_does_not_stop_the_others(jobs: Jobs) -> None:
    broken = jobs.put("erase", {"resource": "message"})  # without its sid
    jobs.line.outbox.add(jobs.line.envelope.erasure(Trace("message", "SM2")))
    jobs.drain()
    assert jobs.provider.erased == [("message", "SM2")]
    assert jobs.line.outbox.counts() == {("erase", "ready"): 1}
    assert jobs.line.outbox.claim(broken.id, jobs.clock.seconds()) is None, "it waits"


def test_an_agencys_package_is_noted_as_delivered(jobs: Jobs) -> None:
    jobs.put("notify", {"agency": "BR-RJ-PC", "role": "lead"})
    jobs.drain()
    assert jobs.line.audit.count("package_delivered") == 1
    assert jobs.line.outbox.counts() == {}


def test_a_recording_is_sealed_for_its_queue_before_it_is_erased(
    jobs: Jobs, public_line: PublicLine, sign_in: SignIn
) -> None:
    public_line.pipeline.receive(Contact(channel=Channel.PHONE, text=DRUGS))
    tip = jobs.only_tip().id
    jobs.provider.sounds["RE1"] = b"RIFF a voice"
    facts = {"sid": "RE1", "tip": tip.hex(), "language": "pt"}
    errand = jobs.put("recording", facts)
    for _ in range(2):  # done twice: its worker was killed before it could say so
        Recordings(jobs.line, jobs.provider, Log(jobs.clock, public=False), None).fetch(errand)
    jobs.drain()
    (sound,) = [b for b in jobs.line.tips.bodies(tip) if b.kind == Kind.RECORDING]
    assert b"RIFF a voice" not in sound.sealed
    (wrap,) = jobs.line.tips.wraps([sound.id])
    seed = jobs.line.access.epoch_seed(sign_in("paulo"), wrap.recipient, wrap.epoch)
    assert open_body(open_wrap(seed, wrap, sound), sound) == b"RIFF a voice"
    assert jobs.provider.erased == [("recording", "RE1")]
    assert jobs.line.outbox.counts() == {("forget_recording", "ready"): 1}
    jobs.clock.advance(72 * 3600)
    jobs.drain()
    assert [b for b in jobs.line.tips.bodies(tip) if b.kind == Kind.RECORDING] == []
    assert jobs.line.outbox.counts() == {}


def test_a_worker_killed_after_its_claim_is_followed_by_another(jobs: Jobs) -> None:
    errand = jobs.put("notify", {"agency": "BR-RJ-PC", "role": "lead"})
    assert jobs.line.outbox.claim(errand.id, jobs.clock.seconds()) is not None
    jobs.drain()
    assert jobs.line.audit.count("package_delivered") == 0
    jobs.clock.advance(LEASE_SECONDS)
    jobs.drain()
    assert jobs.line.audit.count("package_delivered") == 1


def test_every_errand_written_anywhere_has_a_task(staff_line: StaffLine) -> None:
    written = set()
    for file in Path(hotline.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(
                node.func, ast.Attribute | ast.Name
            ):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            place = {"errand": 0, "Errand": 1}.get(name)
            if place is not None and len(node.args) > place:
                kind = node.args[place]
                if isinstance(kind, ast.Constant):
                    written.add(kind.value)
                else:
                    assert file.name in ("outbox.py", "envelope.py"), (
                        f"computed kind in {file.name}"
                    )
    assert written == set(
        runner(staff_line, RecordingProvider(), Log(staff_line.clock, public=False)).tasks
    )


def test_redis_holds_an_id_and_nothing_else(
    public_line: PublicLine, redis_url: str, staff_line: StaffLine
) -> None:
    trace = Trace("message", "SM" + "7" * 32)
    pusher = rq.Pusher(rq.connect(redis_url))
    contact = Contact(channel=Channel.SMS, text=DRUGS, traces=(trace,))
    tips = public_line.pipeline.tips
    tips._told = pusher.told
    public_line.pipeline.receive(contact, "sms:1")
    ready = {identity.hex() for identity in staff_line.outbox.ready(1e10)}
    client = redis.Redis.from_url(redis_url)
    found = {}
    for key in client.keys("rq:job:*"):
        job = client.hgetall(key)
        called, instance, args, kwargs = json.loads(zlib.decompress(job[b"data"]))
        assert called == "hotline.jobs.rq.perform"
        found[key.decode().removeprefix("rq:job:")] = (instance, tuple(args), kwargs)
        assert job[b"description"] == b"errand"
        assert job[b"failure_ttl"] == b"60"
        assert 0 < client.ttl(key) <= 600 or job[b"ttl"] == b"600"
    assert found == {identity: (None, (identity,), {}) for identity in ready}
    assert found
    client.close()


def test_a_flushed_redis_loses_nothing(
    jobs: Jobs, request: pytest.FixtureRequest, redis_url: str
) -> None:
    pusher = rq.Pusher(rq.connect(redis_url))
    errands = [jobs.put("notify", {"agency": "BR-RJ-PC", "role": "lead"}) for _ in range(5)]
    pusher.told(errands)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    sweeps = []

    def push() -> int:
        sweeps.append(pusher.sweep(jobs.runner.ready))
        return sweeps[-1]

    (sweep,) = [chore for chore in chores(jobs.line, push) if chore.name == "sweep"]
    sweep.do()
    sweep.do()  # what comes twice is claimed once
    assert sweeps == [5, 5]
    jobs.drain()
    assert jobs.line.audit.count("package_delivered") == 5
    assert jobs.line.outbox.counts() == {}


def test_a_redis_that_is_away_never_fails_a_tip(jobs: Jobs) -> None:
    away = rq.Pusher(redis.Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2))
    errand = jobs.put("notify", {"agency": "BR-RJ-PC", "role": "lead"})
    away.told([errand])
    assert away.sweep(lambda most, lane: [errand.id]) == 0
    jobs.drain()
    assert jobs.line.audit.count("package_delivered") == 1


class FakeTwilio:
    """The provider's REST API, as far as we use it: what it holds, what it refuses and for how
    long (a message that is not final answers 409 with code 20009)."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.seen: list[tuple[str, str]] = []
        self.authorised = True
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_DELETE(self) -> None:
                path = self.path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}/")
                fake.seen.append(("DELETE", path))
                fake.authorised &= bool(self.headers.get("Authorization", "").startswith("Basic "))
                if path not in fake.held:
                    self._say(404, {"code": 20404, "message": "not found", "status": 404})
                elif fake.held[path] > 0:
                    fake.held[path] -= 1
                    self._say(409, {"code": 20009, "message": "not final", "status": 409})
                else:
                    del fake.held[path]
                    self._say(204, None)

            def do_GET(self) -> None:
                fake.seen.append(("GET", self.path))
                self.send_response(200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"\xff\xfbRI")

            def _say(self, status: int, body: dict[str, object] | None) -> None:
                raw = json.dumps(body).encode() if body else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    fake = FakeTwilio()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def real(twilio: FakeTwilio, tmp_path: Path) -> Provider:
    from tests.line import settings_for

    settings = replace(settings_for(tmp_path, "sqlite://"), twilio_api_url=twilio.url, demo=False)
    assert settings.twilio_auth_token == TOKEN
    return TwilioProvider(settings)


@pytest.mark.parametrize(
    ("trace", "path"),
    [
        (Trace("message", "SM1"), "Messages/SM1.json"),
        (Trace("media", "ME1", "SM1"), "Messages/SM1/Media/ME1.json"),
        (Trace("recording", "RE1"), "Recordings/RE1.json"),
        (Trace("call", "CA1"), "Calls/CA1.json"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_real_provider_deletes_each_kind_and_gone_is_done(
    real: Provider, twilio: FakeTwilio, trace: Trace, path: str
) -> None:
    twilio.held[path] = 1
    with pytest.raises(ProviderProblem) as caught:
        real.erase(trace)
    assert caught.value.reason == "provider_20009"
    real.erase(trace)
    real.erase(trace)  # 404: somebody else did it
    assert twilio.seen == [("DELETE", path)] * 3
    assert twilio.held == {}
    assert twilio.authorised


def test_the_real_provider_gives_a_recording_and_says_when_it_is_away(
    real: Provider, twilio: FakeTwilio
) -> None:
    assert real.recording("RE1") == b"\xff\xfbRI", "bytes, not text"
    twilio.server.shutdown()
    twilio.server.server_close()
    for call in (lambda: real.recording("RE1"), lambda: real.erase(Trace("call", "CA1"))):
        with pytest.raises(ProviderProblem) as caught:
            call()
        assert caught.value.reason == "unreachable"


def test_erasure_by_the_real_provider_is_tried_until_it_is_done(
    staff_line: StaffLine, real: Provider, twilio: FakeTwilio, clock: MovableClock
) -> None:
    twilio.held["Messages/SM1.json"] = 2
    does = runner(staff_line, real, Log(clock, public=False))
    staff_line.outbox.add(staff_line.envelope.erasure(Trace("message", "SM1")))
    engine = EmbeddedJobs(does)
    for wait in (0, *WAITS[:2]):
        clock.advance(wait)
        engine.drain()
    assert len(twilio.seen) == 3
    assert twilio.held == {}
    assert staff_line.outbox.tally("provider_erased") == 1
    assert staff_line.outbox.counts() == {}
