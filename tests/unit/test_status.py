"""Status: each alarm rings with its cause and not without; what leaves says a code and a name."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import update

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery import erasure
from hotline.delivery.alarming import HOUR, AlarmCode, Bell, NotTold, raise_alarm
from hotline.delivery.operators import mail, post, ways
from hotline.delivery.senders import RecordingProvider
from hotline.jobs.lookout import CARRYING, MANY_TRIES, ClockWatch, Lookout
from hotline.jobs.statements import Statements
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.serve import free_port
from hotline.store.facts import Facts
from hotline.store.line_alarms import OVER, RINGING, SEEN, LineAlarms
from hotline.store.tables import OutboxRow
from hotline.tips import Channel, Contact, Language, Urgency
from hotline.vault.small import random_id
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Office

DRUGS = "Venda de drogas na praça em Niterói, RJ, por um homem de boné"
DAY = 24 * HOUR


def quietly(line: StaffLine) -> Log:
    return Log(line.clock, public=False, out=io.StringIO())


def ringing(line: StaffLine) -> list[str]:
    return [one.code for one in LineAlarms(line.database).waiting()]


def tell(public: PublicLine, **more: object) -> None:
    contact = Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT, **more)  # type: ignore[arg-type]
    public.pipeline.receive(contact)


def errand(line: StaffLine, kind: str, **values: object) -> None:
    """An errand as failures left it."""
    one = line.envelope.errand(kind, random_id(), {"agency": "x"})
    line.outbox.add(one)
    change = update(OutboxRow).where(OutboxRow.id == one.id).values(**values)
    line.database.write(lambda connection: connection.execute(change))


def a_line_that_forgets(line: StaffLine) -> None:
    now = int(line.clock.seconds())
    Facts(line.database).swap(erasure.SWEEP, "", erasure.Standing(now).dump())


def late(public: PublicLine, line: StaffLine, clock: MovableClock) -> None:
    tell(public)
    clock.advance(60 * DAY)


CAUSES: dict[AlarmCode, Callable[[PublicLine, StaffLine, MovableClock], None]] = {
    AlarmCode.BURIED: lambda p, s, c: errand(s, "news", state="buried"),
    AlarmCode.OVERDUE: late,
    AlarmCode.ERASURE_LATE: lambda p, s, c: errand(s, "erase", state="buried"),
    AlarmCode.DELIVERY_FAILING: lambda p, s, c: errand(s, CARRYING[0], attempts=MANY_TRIES),
}


def test_a_line_in_order_rings_nothing(public_line: PublicLine, staff_line: StaffLine) -> None:
    a_line_that_forgets(staff_line)
    tell(public_line)
    errand(staff_line, CARRYING[0], attempts=MANY_TRIES - 1)
    errand(staff_line, "alarm", state="buried")  # or each would ring for the one before
    assert Statements(staff_line).run().sound
    assert Lookout(staff_line, quietly(staff_line)).run() == 0
    assert ringing(staff_line) == []


@pytest.mark.parametrize("code", CAUSES)
def test_a_cause_rings_until_it_is_seen_and_gone(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock, code: AlarmCode
) -> None:
    a_line_that_forgets(staff_line)
    CAUSES[code](public_line, staff_line, clock)
    lookout, alarms = Lookout(staff_line, quietly(staff_line)), LineAlarms(staff_line.database)
    lookout.run()
    assert code in ringing(staff_line)
    assert lookout.run() == 0, "once in its quiet time"
    clock.advance(HOUR)
    lookout.run()
    assert alarms.get(code).rung == int(clock.seconds()) // HOUR, "again while nobody looks"  # type: ignore[union-attr]

    person = random_id()
    assert alarms.acknowledge(code, person) and not alarms.acknowledge(code, person)
    clock.advance(2 * HOUR)
    lookout.run()
    assert alarms.get(code).state == SEEN  # type: ignore[union-attr]
    clock.advance(DAY)
    lookout.run()
    assert alarms.get(code).state == RINGING, "the cause lasts"  # type: ignore[union-attr]


def test_an_alarm_that_was_seen_is_over_with_its_cause(staff_line: StaffLine) -> None:
    a_line_that_forgets(staff_line)
    errand(staff_line, "news", state="buried")
    lookout, alarms = Lookout(staff_line, quietly(staff_line)), LineAlarms(staff_line.database)
    lookout.run()
    (buried,) = staff_line.outbox.buried()
    staff_line.outbox.retry(buried[0])
    lookout.run()
    assert ringing(staff_line) == ["buried"], "it did happen, and nobody has looked"
    alarms.acknowledge("buried", random_id())
    lookout.run()
    assert alarms.get("buried").state == OVER  # type: ignore[union-attr]
    errand(staff_line, "news", state="buried")
    assert lookout.run() == 1, "at once"


def test_danger_that_nobody_takes_rings(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    a_line_that_forgets(staff_line)
    text = "Socorro, tiroteio agora na praça em Niterói, RJ, homens armados atirando"
    contact = Contact(channel=Channel.WEB, text=text, language=Language.PT, urgency=Urgency.NOW)
    public_line.pipeline.receive(contact)
    lookout = Lookout(staff_line, quietly(staff_line))
    lookout.run()
    assert ringing(staff_line) == []
    clock.advance(DAY)
    for row in staff_line.outbox.pending("settle"):
        runner(staff_line, RecordingProvider(), quietly(staff_line)).run(row.id)
    lookout.run()
    assert "relay_unacknowledged" in ringing(staff_line)


def test_keys_nobody_tried_ring_outside_a_demonstration(staff_line: StaffLine) -> None:
    a_line_that_forgets(staff_line)
    real = replace(staff_line, settings=replace(staff_line.settings, demo=False))
    Lookout(real, quietly(real)).run()
    assert ringing(staff_line) == ["keys_unverified"]


@pytest.mark.parametrize(("wall", "rings"), [(0, 0), (59, 0), (61, 1), (-61, 1), (86400, 1)])
def test_a_clock_that_jumps_rings_once(
    staff_line: StaffLine, clock: MovableClock, wall: int, rings: int
) -> None:
    steady = [1000.0]
    watch = ClockWatch(staff_line, quietly(staff_line), lambda: steady[0])
    for _ in range(3):  # time that goes by is no jump
        clock.advance(3600)
        steady[0] += 3600
        assert not watch.run()
    clock.advance(wall)
    assert watch.run() is bool(rings)
    assert not watch.run()
    assert ringing(staff_line) == ["clock_jump"] * rings


def test_two_that_ring_at_once_ring_once(staff_line: StaffLine) -> None:
    before = threading.Barrier(4)
    rang: list[bool] = []

    def ring() -> None:
        before.wait()
        rang.append(raise_alarm(staff_line, AlarmCode.BURIED))

    threads = [threading.Thread(target=ring) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(rang) == [False, False, False, True]
    assert len(staff_line.outbox.pending("alarm")) == 1


def test_a_clock_set_back_silences_nothing(staff_line: StaffLine, clock: MovableClock) -> None:
    assert raise_alarm(staff_line, AlarmCode.BURIED)
    clock.advance(-DAY)
    assert raise_alarm(staff_line, AlarmCode.BURIED)


def test_an_errand_tells_by_every_way_until_somebody_looked(
    staff_line: StaffLine, clock: MovableClock
) -> None:
    told: list[tuple[str, AlarmCode]] = []

    def broken(name: str, code: AlarmCode) -> None:
        raise NotTold

    raise_alarm(staff_line, AlarmCode.BURIED)
    facts = {"code": "buried", "hour": str(int(clock.seconds()) // HOUR)}
    bell = Bell(staff_line.database, [broken, lambda *said: told.append(said)], "Line")
    with pytest.raises(NotTold):
        bell.ring(facts)
    assert told == [("Line", AlarmCode.BURIED)]
    LineAlarms(staff_line.database).acknowledge("buried", bytes(16))
    assert bell.ring(facts) == () and len(told) == 1


def test_the_task_does_what_was_rung(staff_line: StaffLine) -> None:
    raise_alarm(staff_line, AlarmCode.CLOCK_JUMP)
    said = io.StringIO()
    does = runner(staff_line, RecordingProvider(), Log(staff_line.clock, public=False, out=said))
    (one,) = staff_line.outbox.pending("alarm")
    assert does.run(one.id) and '"code": "clock_jump"' in said.getvalue()
    assert staff_line.outbox.pending("alarm") == []


@dataclass(slots=True)
class Heard:
    status: int
    bodies: list[bytes]
    port: int = 0


@contextmanager
def receiver(status: int) -> Iterator[Heard]:
    heard = Heard(status, [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(heard.status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    heard.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [204, 302, 500])
def test_a_webhook_gets_name_and_code_and_no_redirect_is_followed(status: int) -> None:
    with receiver(status) as heard:
        url = f"http://127.0.0.1:{heard.port}/in"
        if status == 204:
            post(url, "Line", AlarmCode.OVERDUE)
        else:
            with pytest.raises(NotTold):
                post(url, "Line", AlarmCode.OVERDUE)
    assert [json.loads(body) for body in heard.bodies] == [{"line": "Line", "alarm": "overdue"}]


def test_a_webhook_that_is_down_is_a_failure() -> None:
    with receiver(204) as heard:
        port = heard.port
    with pytest.raises(NotTold):
        post(f"http://127.0.0.1:{port}/in", "Line", AlarmCode.OVERDUE)


def test_mail_goes_to_a_real_server_and_says_the_code() -> None:
    letters: list[str] = []

    class Box:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            letters.append(envelope.content.decode())
            return "250 OK"

    port = free_port()
    controller = Controller(Box(), hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    try:
        mail(f"smtp://127.0.0.1:{port}", "ops@line.example", "Line", AlarmCode.BURIED)
    finally:
        controller.stop()
    (letter,) = letters
    assert "Subject: Hotline alarm: buried" in letter and "Line: buried" in letter
    with pytest.raises(NotTold):
        mail(f"smtp://127.0.0.1:{port}", "ops@line.example", "Line", AlarmCode.BURIED)


def test_the_ways_are_those_of_the_settings(staff_line: StaffLine) -> None:
    bare = replace(staff_line.settings, demo=False)
    mailed = replace(bare, smtp_url="smtp://127.0.0.1:1", alarm_email="a@b.example")
    both = replace(mailed, alarm_webhook="http://127.0.0.1:1/")
    said = [len(ways(one, lambda code: None)) for one in (bare, mailed, both)]
    assert said == [0, 1, 2]


def test_officers_see_and_acknowledge_and_readiness_names_it(staff_line: StaffLine) -> None:
    office = Office.of(staff_line)
    probe = office.app.test_client()
    assert "warnings" not in probe.get("/readyz").text
    raise_alarm(staff_line, AlarmCode.CLOCK_JUMP)
    assert probe.get("/readyz").json == {"ready": True, "warnings": ["clock_jump"]}
    olga = office("olga")
    olga.get("/officers")
    assert '<a href="/alarms">Alarmes sobre a linha: 1.' in olga.html
    olga.get("/alarms")
    assert "/alarms/line/clock_jump/acknowledge" in olga.html
    assert olga.post("/alarms/line/clock_jump/acknowledge").status_code == 200
    assert ringing(staff_line) == []
    again = olga.press("/alarms/line/clock_jump/acknowledge")
    assert again.status_code == 200, "a colleague may be faster"
    assert staff_line.audit.count("line_alarm_seen") == 1


def test_metrics_are_for_this_machine_or_the_token(staff_line: StaffLine) -> None:
    raise_alarm(staff_line, AlarmCode.BURIED)
    client = apps.console_app(staff_line).test_client()
    here = client.get("/metrics")
    assert here.status_code == 200 and 'hotline_alarm{code="buried"} 1.0' in here.text
    assert "process_" not in here.text and "python_" not in here.text
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=x"}, {"Via": "x"}):
        assert client.get("/metrics", headers=headers).status_code == 404
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    assert client.get("/metrics", environ_base=elsewhere).status_code == 404

    token = "t" * 20
    guarded = replace(staff_line, settings=replace(staff_line.settings, metrics_token=token))
    client = apps.console_app(guarded).test_client()
    assert client.get("/metrics").status_code == 404
    given = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "x"}
    assert client.get("/metrics", headers=given, environ_base=elsewhere).status_code == 200


def test_metrics_name_no_desk_and_do_not_move_with_a_report(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    """Whoever keeps what a scraper saw must not learn the minute of an arrival."""
    client = apps.console_app(staff_line).test_client()
    before = client.get("/metrics").text
    tell(public_line)
    assert client.get("/metrics").text == before
    profile = staff_line.profile
    for name in (*profile.agencies, *profile.queues):
        assert f'"{name}"' not in before


def test_the_public_page_shows_what_was_stated(
    public_line: PublicLine, staff_line: StaffLine
) -> None:
    client = apps.public_app(public_line).test_client()
    assert client.get("/ledger").status_code == 200
    assert client.get("/ledger/2026-02.txt").status_code == 404
    tell(public_line)
    Statements(staff_line).run()
    for language in Language:
        page = client.get(f"/ledger?language={language.value}").text
        assert "/ledger/2026-02.txt" in page and f'lang="{language.tag}"' in page
    text = client.get("/ledger/2026-02.txt")
    assert "received 1\n" in text.text and text.content_type.startswith("text/plain")
    assert client.get("/ledger/key").status_code == 200
    for name in ("checkpoint", "..%2fdirectory.signed", "2026-02.txt.new", "2026-2.txt"):
        assert client.get(f"/ledger/{name}").status_code == 404
