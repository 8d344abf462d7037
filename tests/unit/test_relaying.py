"""Relaying: danger rings for real: calls, keys, texts, webhooks, the board, kills, and who may not
be rung; against the provider on loopback too, once in real time."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from hotline.assembly import PublicLine, StaffLine
from hotline.clock import Clock
from hotline.delivery.senders import RecordingProvider, TwilioProvider
from hotline.intake import answering
from hotline.intake.signature import HEADER, sign
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.runner import Runner
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.routing.duty import Duty, Pauses, Way
from hotline.store.desk import Claim
from hotline.store.line_alarms import LineAlarms
from hotline.tips import Channel, Contact, State
from hotline.vault.errands import open_errand
from hotline.vault.line import line_signer
from hotline.vault.signatures import public_half, verify
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import SignIn
from tests.twilio_fake import FakeTwilio
from tests.twiml import problems

DANGER = "Socorro, ele vai matar ela agora na rua das Flores em Niterói RJ"
FIRST, SECOND, LAST = "+5521900000001", "+5521900000002", "+5521900000003"
LINES_OWN = "+552122530000"
PAUSES = Pauses(ring=30, talk=60, answer=60, rest=60, alarm_minutes=10)


def rota(webhook: str = "") -> tuple[Duty, ...]:
    ways = (Way.CALL, Way.SMS, *((Way.WEBHOOK,) if webhook else ()))
    return (
        Duty("central-rj", FIRST, post="Room", ways=ways, webhook=webhook),
        Duty("central-rj", SECOND, post="Chief", ways=(Way.CALL,)),
        Duty("central-rj", LAST, post="Night", ways=(Way.SMS,), last=True),
    )


@dataclass(slots=True)
class Line:
    """Both processes of a line with a rota, and what the provider was asked for."""

    public: PublicLine
    staff: StaffLine
    provider: RecordingProvider
    runner: Runner
    app: Flask

    @property
    def clock(self) -> MovableClock:
        assert isinstance(self.staff.clock, MovableClock)
        return self.staff.clock

    def drain(self) -> None:
        EmbeddedJobs(self.runner).drain()

    def tell(self, text: str = DANGER) -> bytes:
        self.public.pipeline.receive(Contact(channel=Channel.WEB, text=text))
        (row,) = self.staff.tips.queue(list(self.staff.profile.queues), list(State))
        return row.id

    def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.drain()

    def post(self, path: str, **fields: str) -> TestResponse:
        settings = self.public.settings
        fields = {"CallSid": "CA" + "7" * 32, **fields}
        header = {HEADER: sign(settings.tokens[0], settings.public_url, path, fields)}
        return self.app.test_client().post(path, data=fields, headers=header)

    def heard(self, path: str, **fields: str) -> tuple[str, str]:
        """What is said, and where the next key goes ('' when the call ends)."""
        answer = self.post(path, **fields)
        assert answer.status_code == 200
        assert problems(answer.data) == []
        root = ElementTree.fromstring(answer.data)
        said = " ".join(say.text or "" for say in root.iter("Say"))
        gather = root.find("Gather")
        action = "" if gather is None else gather.attrib["action"]
        return said, action.removeprefix(self.public.settings.public_url)

    def last_call(self) -> str:
        return self.provider.calls[-1][1].removeprefix(self.public.settings.public_url)

    def digit(self) -> str:
        return re.findall(r"\d", self.heard(self.last_call())[0])[0]

    def answer(self, *presses: str) -> str:
        """Whoever is rung last picks up, presses the right digit and then these."""
        _, path = self.heard(self.last_call())
        said, path = self.heard(path, Digits=self.digit())
        for press in presses:
            said, path = self.heard(path, Digits=press)
        return said

    def ended(self, status: str = "no-answer") -> None:
        assert self.post(self.last_call() + "/ended", CallStatus=status).status_code == 204

    @property
    def numbers(self) -> list[str]:
        return [number for number, _ in self.provider.calls]

    @property
    def rings(self) -> bool:
        return any(kind == "relay" for kind, _ in self.staff.outbox.counts())


def line_of(public: PublicLine, staff: StaffLine, duty: tuple[Duty, ...]) -> Line:
    profile = replace(staff.profile, duty=duty, relay=PAUSES)
    public = replace(public, profile=profile, pipeline=replace(public.pipeline, profile=profile))
    staff = replace(staff, profile=profile)
    provider = RecordingProvider()
    does = runner(staff, provider, Log(staff.clock, public=False, out=io.StringIO()))
    app = public_app(public)
    app.extensions["exchange"].closer.stop()
    return Line(public, staff, provider, does, app)


@pytest.fixture
def line(public_line: PublicLine, staff_line: StaffLine) -> Line:
    return line_of(public_line, staff_line, rota())


def test_a_key_ends_the_ringing_and_the_notice_goes(line: Line) -> None:
    line.tell()
    line.drain()
    assert line.numbers == [FIRST]
    said, _ = line.heard(line.last_call())
    assert "Niterói" not in said, "a mailbox hears neither kind nor place"
    notice = line.answer()
    assert "Niterói" in notice
    assert "Flores" not in notice, "content travels sealed only"
    assert "com você" in line.answer("1")
    line.drain()
    assert not line.rings
    assert line.staff.audit.count("relay_acknowledged") == 1
    line.after(3600)
    assert (line.numbers, line.provider.alerts) == ([FIRST], [])
    line.after(3600)
    assert {kind for kind, _ in line.staff.outbox.counts()} <= {"erase"}


def test_no_wrong_key_no_silence_and_no_mailbox_acknowledges(line: Line) -> None:
    line.tell()
    line.drain()
    digit = line.digit()
    wrong = "9" if digit != "9" else "8"
    path = line.last_call()
    for pressed in (wrong, "", wrong, ""):
        if path:
            _, path = line.heard(path, Digits=pressed)
    assert path == "", "after three tries the call ends"
    _, path = line.heard(line.last_call())
    _, path = line.heard(path, Digits=digit)
    for pressed in ("", "7", ""):
        said, path = line.heard(path, Digits=pressed)
    assert (said, path) == ("", "")
    line.ended("completed")
    line.drain()
    assert line.rings
    assert [number for number, _ in line.provider.alerts] == [FIRST], "its next way at once"


def test_the_star_says_it_again(line: Line) -> None:
    line.tell()
    line.drain()
    assert "Niterói" in line.answer("*")


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled", "completed"])
def test_a_call_that_ends_lets_the_next_way_follow_at_once(line: Line, status: str) -> None:
    line.tell()
    line.drain()
    line.ended(status)
    line.drain()
    assert [number for number, _ in line.provider.alerts] == [FIRST]
    line.ended(status)  # told twice: nothing more happens
    line.drain()
    assert len(line.provider.alerts) == 1
    line.after(60)
    assert line.numbers == [FIRST, SECOND]


def test_who_cannot_passes_it_on(line: Line) -> None:
    line.tell()
    line.drain()
    assert "outra pessoa" in line.answer("2")
    line.drain()
    assert len(line.provider.alerts) == 1
    assert line.rings


def test_the_whole_rota_and_again_with_texts_that_say_only_kind_and_place(line: Line) -> None:
    line.tell()
    line.drain()
    for _ in range(80):
        line.after(10)
    assert line.numbers[:4] == [FIRST, SECOND, FIRST, SECOND]
    assert [number for number, _ in line.provider.alerts][:4] == [FIRST, LAST, FIRST, LAST]
    text = line.provider.alerts[0][1]
    assert "Niterói" in text
    assert "matar" not in text


def test_an_answer_to_an_earlier_call_still_counts(line: Line) -> None:
    line.tell()
    line.drain()
    first = line.last_call()
    line.after(90)
    line.after(60)
    assert line.numbers == [FIRST, SECOND]
    _, path = line.heard(first)
    digit = re.findall(r"\d", line.heard(first)[0])[0]
    _, path = line.heard(path, Digits=digit)
    line.heard(path, Digits="1")
    line.drain()
    assert not line.rings
    assert line.provider.hung_up == ["CA" + f"{2:032x}"], "the other telephone stops"


def test_answers_in_any_order_and_twice_change_nothing_more(line: Line) -> None:
    line.tell()
    line.drain()
    line.ended()
    assert "com você" in line.answer("1")
    assert "com você" in line.answer("1")
    line.ended()
    line.drain()
    assert not line.rings
    assert line.provider.alerts == [], "taken and over came together: it was taken"
    assert line.staff.audit.count("relay_acknowledged") == 1
    assert "com você" in line.answer("1"), "long after, the same answer"
    line.drain()
    assert line.staff.audit.count("relay_acknowledged") == 1


def test_forged_and_unknown_answers_are_nothing(line: Line) -> None:
    line.tell()
    line.drain()
    path = line.last_call() + "/taken-1"
    client = line.app.test_client()
    assert client.post(path, data={"Digits": "1"}).status_code == 403
    assert client.post(path, data={"Digits": "1"}, headers={HEADER: "x"}).status_code == 403
    assert client.post(path, json={"Digits": "1"}).status_code == 415
    for unknown in ("0" * 32, "relay", "..", "x" * 400):
        assert line.post(f"/twilio/relay/{unknown}/taken-1", Digits="1").status_code in (200, 404)
    assert line.post("/twilio/relay/" + "0" * 32 + "/ended").status_code == 204
    line.drain()
    assert line.rings
    assert line.staff.audit.count("relay_acknowledged") == 0


def test_the_public_process_can_read_neither_relay_nor_tip(line: Line) -> None:
    """All it gets is what the mark of one call's reference holds."""
    tip = line.tell()
    line.drain()
    ref = line.last_call().rpartition("/")[2]
    offer = answering.offered(line.public.pipeline.once, ref)
    assert offer is not None
    held = f"{offer.relay} {offer.type} {offer.place} {offer.language} {offer.digit}"
    assert tip.hex() not in held
    assert FIRST not in held
    assert answering.offered(line.public.pipeline.once, "0" * 32) is None


def test_a_provider_that_fails_is_gone_round_and_danger_is_never_buried(line: Line) -> None:
    line.tell()
    for _ in range(12):
        line.provider.failures = ["unreachable"] * 4
        line.drain()
        line.clock.advance(15)
    assert line.numbers == []
    line.provider.failures = ["unreachable"]
    line.drain()
    assert [number for number, _ in line.provider.alerts] == [FIRST], "its text, after its call"
    assert line.staff.outbox.buried() == []


def test_an_alarm_after_the_sheets_minutes_and_it_goes_on_ringing(line: Line) -> None:
    line.tell()
    line.drain()
    alarms = LineAlarms(line.staff.database)
    for _ in range(59):
        line.after(10)
    assert alarms.get("relay_unacknowledged") is None
    line.after(10)
    assert alarms.get("relay_unacknowledged") is not None
    before = len(line.numbers)
    for _ in range(40):
        line.after(10)
    assert len(line.numbers) > before
    assert line.rings


@pytest.mark.parametrize("way", ["claim", "desk"])
def test_a_person_in_the_console_ends_it(line: Line, sign_in: SignIn, way: str) -> None:
    tip = line.tell()
    line.drain()
    who, now = sign_in("olga"), int(line.clock.seconds())
    if way == "claim":
        line.staff.desk.claim(Claim(tip, who.person.id, now + 600), now)
        line.after(10)
    else:
        office = Office.of(line.staff)
        gabi = office("gabi")
        page = gabi.get("/relay").text
        assert "Room" in page
        assert FIRST not in page
        relay = re.findall(r"/relay/([0-9a-f]{32})/acknowledge", page)[0]
        gabi.post(f"/relay/{relay}/acknowledge")
        assert "/acknowledge" not in gabi.get("/relay").text
        line.drain()
        assert "gabi<" in gabi.get("/relay?still=yes").text
    assert not line.rings
    assert line.provider.hung_up == ["CA" + f"{1:032x}"]
    assert line.staff.audit.count("relay_acknowledged") == 1


def test_the_board_refreshes_until_it_is_stopped_and_shows_only_ones_own_desks(
    line: Line,
) -> None:
    line.tell()
    line.drain()
    office = Office.of(line.staff)
    paulo, gabi = office("paulo"), office("gabi")
    assert paulo.get("/relay").headers["Refresh"] == "10"
    assert "Refresh" not in paulo.get("/relay?still=yes").headers
    (row,) = line.staff.tips.queue(list(line.staff.profile.queues), list(State))
    assert row.queue.startswith("gbv"), "whose key paulo does not have"
    assert "/acknowledge" not in paulo.get("/relay").text
    assert "Niterói" not in paulo.html
    assert "/acknowledge" in gabi.get("/relay").text
    (relay,) = line.staff.outbox.pending("relay")
    paulo.post(f"/relay/{relay.id.hex()}/acknowledge")
    line.drain()
    assert line.rings, "nobody ends what is not on their desk"


def test_the_provider_forgets_each_call(line: Line) -> None:
    line.tell()
    line.drain()
    line.after(95)
    assert ("call", "CA" + f"{1:032x}") in line.provider.erased


class Killed(BaseException):
    """As if the process were gone: nothing catches it."""


@dataclass(slots=True)
class Axe:
    """Falls at the ``fatal``-th of the things that are counted."""

    fatal: int
    done: int = 0

    def over(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **more: object) -> object:
            self.done += 1
            if self.done == self.fatal:
                raise Killed
            return real(*args, **more)

        return call


@pytest.mark.parametrize("fatal", range(1, 9))
def test_killed_between_any_two_things_it_does_the_relay_goes_on(
    line: Line, monkeypatch: pytest.MonkeyPatch, fatal: int
) -> None:
    """A kill leaves what was committed: whoever comes next rings the step after, or this again."""
    line.tell()
    axe, outbox = Axe(fatal), line.staff.outbox
    spots = ((outbox, "rewrite"), (line.provider, "call"), (outbox, "add"), (outbox, "again"))
    with monkeypatch.context() as patched:
        for owner, name in spots:
            patched.setattr(owner, name, axe.over(getattr(owner, name)))
        with suppress(Killed):
            line.drain()
    before = len(line.provider.calls) + len(line.provider.alerts)
    line.after(130)  # the lease of the killed is over
    assert len(line.provider.calls) + len(line.provider.alerts) > before
    assert line.rings
    assert outbox.buried() == []


class Receiver(BaseHTTPRequestHandler):
    seen: list[tuple[str, bytes, dict[str, str]]]
    status = 204

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen.append((self.path, body, dict(self.headers)))
        self.send_response(type(self).status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    kind = type("One", (Receiver,), {"seen": [], "status": 204})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/urgent", kind
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [204, 307, 500])
def test_a_webhook_is_told_kind_and_place_and_never_acknowledges(
    public_line: PublicLine,
    staff_line: StaffLine,
    receiver: tuple[str, type[Receiver]],
    status: int,
) -> None:
    url, kind = receiver
    kind.status = status
    line = line_of(public_line, staff_line, rota(url))
    line.tell()
    line.drain()
    line.ended()
    line.drain()
    line.after(60)
    ((path, body, headers),) = kind.seen
    public = public_half(line_signer(line.staff.settings.staff))
    verify(public, "line", "POST", url, headers, body, int(line.clock.seconds()), "hotline-urgent")
    assert path == "/urgent"
    assert b"UNVERIFIED" in body
    assert b"matar" not in body
    assert line.rings
    assert line.numbers == ([FIRST] if status == 204 else [FIRST, SECOND])
    line.after(60)
    assert line.numbers == [FIRST, SECOND]


def test_a_tip_about_a_body_never_rings_it_nor_what_stands_beneath(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    """The whole way, for each body a reporter may name: what the notice holds is all there is."""
    profile = staff_line.profile
    bodies = [id for id, one in profile.agencies.items() if ":" not in one.jurisdiction]
    duty = tuple(Duty(body, f"+55219{n:08}") for n, body in enumerate(bodies))
    line = line_of(public_line, staff_line, duty)
    agency_of = {post.key: post.agency for post in duty}
    for body in bodies[:40]:
        before = {errand.id for errand in line.staff.outbox.pending("relay")}
        contact = Contact(channel=Channel.WEB, text=DANGER, implicates=(body,))
        line.public.pipeline.receive(contact)
        (new,) = [e for e in line.staff.outbox.pending("relay") if e.id not in before]
        posts = open_errand(line.staff.worker, new)["posts"].split(",")
        for key in filter(None, posts):
            assert not profile.under(agency_of[key], (body,)), (body, agency_of[key])


def test_a_later_notice_keeps_the_calls_that_may_still_be_answered(line: Line) -> None:
    first = Contact(channel=Channel.SMS, text="tiroteio agora, tem gente baleada")
    _, thread = line.public.pipeline.open(first, "r:1")
    assert thread is not None
    line.drain()
    earlier = line.last_call()
    line.public.pipeline.add(thread, Contact(channel=Channel.SMS, text="Niterói, RJ"), "r:2")
    line.drain()
    digit = re.findall(r"\d", line.heard(earlier)[0])[0]
    _, path = line.heard(earlier)
    _, path = line.heard(path, Digits=digit)
    line.heard(path, Digits="1")
    line.after(10)
    assert not line.rings


def test_in_real_time_against_the_provider(public_line: PublicLine, staff_line: StaffLine) -> None:
    """Once with a clock that runs, the provider's own API and the embedded engine: nobody answers
    the first call, the second contact takes it."""
    clock = Clock(staff_line.profile.zone)
    twilio = FakeTwilio(clock.seconds)
    settings = replace(
        staff_line.settings, twilio_api_url=twilio.url, twilio_number=LINES_OWN, demo=False
    )
    line = line_of(public_line, staff_line, (rota()[0], rota()[1]))
    quick = replace(line.staff.profile, relay=replace(PAUSES, answer=1))
    staff = replace(line.staff, settings=settings, profile=quick)
    does = runner(staff, TwilioProvider(settings), Log(clock, public=False, out=io.StringIO()))
    jobs = EmbeddedJobs(does)
    jobs.start()
    try:
        line.tell()

        def called(count: int) -> str:
            for _ in range(1200):
                made = [s for s in twilio.state.seen if s.path.endswith("/Calls.json")]
                if len(made) >= count:
                    url = dict(made[count - 1].form)["Url"]
                    return url.removeprefix(settings.public_url)
                line.clock.advance(0.05)
                time.sleep(0.05)
            raise AssertionError("nobody was called")

        first = called(1)
        line.post(first + "/ended", CallStatus="no-answer")
        second = called(2)
        assert any(s.path.endswith("/Messages.json") for s in twilio.state.seen)
        digit = re.findall(r"\d", line.heard(second)[0])[0]
        _, path = line.heard(second)
        _, path = line.heard(path, Digits=digit)
        line.heard(path, Digits="1")
        for _ in range(1200):
            if not line.rings:
                break
            line.clock.advance(0.05)
            time.sleep(0.05)
        assert not line.rings
        assert twilio.state.undescribed == []
    finally:
        jobs.stop()
        twilio.stop()
