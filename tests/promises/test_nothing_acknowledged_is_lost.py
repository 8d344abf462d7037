"""Promise 6, in the seams: what was answered with "received" or "added" is there."""

from __future__ import annotations

import io
import json
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from rq import Queue

from hotline import demo
from hotline.assembly import PublicLine, StaffLine
from hotline.clock import Clock
from hotline.delivery import agencies
from hotline.delivery.senders import ProviderProblem, RecordingProvider, TwilioProvider
from hotline.errors import Unavailable
from hotline.founding import prepare
from hotline.intake.conversation import Event
from hotline.intake.exchange import Heard
from hotline.intake.sessions import Closer, Key, MemorySessions, Session, SessionsUnavailable
from hotline.jobs import rq
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.lanes import lane_of
from hotline.log import Log
from hotline.settings import Settings
from hotline.store.database import AlreadyThere
from hotline.store.keystore import FILE, KeyStore
from hotline.store.tips import Tips
from hotline.tips import Channel, Contact, Errand, Language, State
from hotline.triage import dispositions
from hotline.triage.opening import open_tip
from hotline.vault.format import Kind
from hotline.vault.receipts import new_code
from hotline.vault.small import random_id
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.desk import leave
from tests.line import SignIn, settings_for
from tests.promises.ground import line_on, read_once  # noqa: F401 - a fixture

DRUGS = "Boca de fumo na rua das Acácias em Niterói, RJ, toda noite"
MESSAGES = "/api/v1/follow-ups/messages"


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path
) -> Iterator[Settings]:
    yield from line_on("sqlite", request, founded_home, tmp_path / "home")


def supplements(line: PublicLine) -> int:
    (row,) = line.pipeline.tips.queue(list(line.profile.queues), list(State))
    return sum(body.kind == Kind.SUPPLEMENT for body in line.pipeline.tips.bodies(row.id))


def test_an_answer_is_kept_though_the_session_before_it_was_lost(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    pipeline = public_line.pipeline
    _, thread = pipeline.open(Contact(channel=Channel.SMS, text=DRUGS), "sms:1")
    assert thread is not None
    pipeline.add(thread, Contact(channel=Channel.SMS, text="são três homens"), "sms:2")
    # The process died here: the thread is the one before.
    pipeline.add(thread, Contact(channel=Channel.SMS, text="usam um Gol prata"), "sms:3")
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    told = open_tip(staff_line, sign_in("sofia"), row.id).content.tip.words
    assert "Gol prata" in told


def test_no_receipt_is_given_for_what_was_not_stored(
    public_line: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(*_: object) -> None:
        raise AlreadyThere

    monkeypatch.setattr(Tips, "store", store)
    for once in ("sms:1", None):
        with pytest.raises(Unavailable):
            public_line.pipeline.receive(Contact(channel=Channel.SMS, text=DRUGS), once)


def test_another_message_under_the_same_key_is_added_too(public_line: PublicLine) -> None:
    receipt = public_line.pipeline.receive(Contact(channel=Channel.API, text=DRUGS))
    client = public_app(public_line).test_client()
    for message in ("são três", "são três", "agora são quatro"):
        body = json.dumps({"receipt": receipt.code, "message": message})
        answer = client.post(
            MESSAGES,
            data=body,
            headers={"Content-Type": "application/json", "Idempotency-Key": "1"},
        )
        assert answer.status_code == 201
    assert supplements(public_line) == 2


def test_a_message_changed_after_going_back_is_added_too(public_line: PublicLine) -> None:
    receipt = public_line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS))
    client = public_app(public_line).test_client()
    page = client.post("/follow-up", data={"receipt": receipt.code}).get_data(as_text=True)
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found is not None
    for message in ("são três", "são três", "agora são quatro"):
        answer = client.post("/follow-up", data={"form": found[1], "message": message})
        assert answer.status_code == 200
    assert supplements(public_line) == 2


@pytest.fixture
def turn(public_line: PublicLine):  # type: ignore[no-untyped-def]
    """Takes one turn of a conversation; gives the exchange and what was answered."""
    app = public_app(public_line)
    exchange = app.extensions["exchange"]
    logged = io.StringIO()
    app.extensions["log"] = Log(public_line.clock, public=True, out=logged)

    def take(hear):  # type: ignore[no-untyped-def]
        with app.app_context():
            said = exchange.turn(
                ("sms", "+55", "+5521987654321"),
                f"sms:{new_code()}",
                hear,
                lambda said: b"receipt " + said.code.encode(),
                lambda language, error: error.code.encode(),
                keep=False,
            )
        return exchange, said

    take.logged = logged
    yield take
    exchange.closer.stop()


def tell(session: Session) -> Heard:
    return Heard(event=Event.ANSWER, contact=Contact(channel=Channel.SMS, text=DRUGS))


def test_a_receipt_is_given_though_the_session_cannot_be_kept(
    turn,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    def put(*_: object) -> None:
        raise SessionsUnavailable

    monkeypatch.setattr(MemorySessions, "put", put)
    _, said = turn(tell)
    assert said.startswith(b"receipt ")
    assert len(said) == len(b"receipt ") + 20


def test_a_fault_nobody_expected_is_a_sentence_too(turn) -> None:  # type: ignore[no-untyped-def]
    def broken(session: Session) -> Heard:
        raise ZeroDivisionError("words of the reporter")

    _, said = turn(broken)
    assert said == b"unavailable"
    logged = turn.logged.getvalue()
    assert "ZeroDivisionError" in logged
    assert "words" not in logged


def test_one_conversation_that_cannot_be_closed_keeps_no_other_open(clock: MovableClock) -> None:
    sessions = MemorySessions(clock)
    for name in ("a", "b", "c"):
        key = sessions.key("sms", name)
        sessions.put(key, Session.new(Language.PT, clock.seconds()))
    first = next(iter(sessions.lapsed(dying=True))).name

    def close(key: Key, session: Session) -> None:
        if key.name == first:
            raise ValueError
        sessions.delete(key)

    clock.advance(21 * 60)
    assert Closer(sessions, close).run_once() == 2
    assert [key.name for key in sessions.lapsed()] == [first]


def test_marks_and_their_keys_are_gone_in_three_days_on_a_quiet_line_too(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    once = public_line.pipeline.once
    days = []
    for _ in range(3):
        public_line.pipeline.receive(Contact(channel=Channel.SMS, text=DRUGS), f"sms:{clock.day()}")
        days.append(clock.day())
        clock.advance(7 * 86400)
    assert once.recall(f"sms:{days[-1]}") is None
    staff_line.once.forget()
    oldest = (date.fromisoformat(clock.day()) - timedelta(days=2)).isoformat()
    kept = [file.stem[4:] for file in staff_line.settings.public.glob("day-*.key")]
    assert all(day >= oldest for day in kept)
    assert staff_line.tips.forget_marks("9999-12-31") == 0


def test_a_repeat_within_two_days_is_known(public_line: PublicLine, clock: MovableClock) -> None:
    contact = Contact(channel=Channel.SMS, text=DRUGS)
    first = public_line.pipeline.receive(contact, "sms:1")
    clock.advance(48 * 3600 - 1)
    public_line.pipeline.once.forget()
    assert public_line.pipeline.receive(contact, "sms:1").answer == first.answer


def test_a_demo_never_runs_over_a_real_line(tmp_path: Path, settings: Settings) -> None:
    from hotline.serve import Ports

    (settings.home / demo.LOGINS).unlink()
    with pytest.raises(demo.NotADemo):
        demo.prepare_home(settings.home, Ports())
    assert not (settings.home / demo.TOKEN).exists()
    other = replace(settings, home=tmp_path / "other")
    with pytest.raises(demo.NotADemo):
        demo.seed_officers(other, Clock())


def test_no_file_of_a_home_is_open_to_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    settings = settings_for(home, f"sqlite:///{home / 'hotline.db'}")
    database, keys = prepare(settings), KeyStore(settings.staff)
    try:
        keys.recipients(b"")
        found = [path for path in home.rglob("*") if path.is_file()]
        assert {settings.home / "hotline.db", settings.staff / FILE} <= set(found)
        assert not [p.name for p in found if stat.S_IMODE(p.stat().st_mode) & 0o077]
    finally:
        keys.close()
        database.close()


def test_danger_is_texted_from_the_lines_own_number(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "sqlite://")
    with pytest.raises(ProviderProblem) as caught:
        TwilioProvider(settings).alert("+5521900000000", "x")
    assert caught.value.reason == "no_number"
    sent: list[dict[str, str]] = []
    provider = TwilioProvider(replace(settings, twilio_number="+552122530000"))
    provider._client.messages.create = lambda **fields: sent.append(fields)  # type: ignore[method-assign]
    provider.alert("+5521900000000", "x")
    assert sent == [{"to": "+5521900000000", "body": "x", "from_": "+552122530000"}]


def test_a_tip_that_its_body_cannot_act_on_is_looked_at_again(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn
) -> None:
    public_line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS))
    me, samuel = sign_in("paulo"), sign_in("samuel")
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    opened = open_tip(staff_line, me, row.id)
    body = samuel.person.agency
    dispositions.forward(staff_line, me, opened, leads=[body], reason="credible")
    leave(staff_line)
    package = next(p for p in staff_line.desk.packages_of(row.id) if p.agency == body)
    agencies.record_outcome(staff_line, samuel, package.id, "not_ours")
    EmbeddedJobs(
        runner(staff_line, RecordingProvider(), Log(staff_line.clock, public=False))
    ).drain()
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    assert row.state is State.WAITING


def test_redis_does_not_fill_up_while_no_worker_runs(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rq, "MOST_WAITING", 3)
    monkeypatch.setattr(rq, "FEW_WAITING", 3)
    errands = [Errand(random_id(), "news", random_id()) for _ in range(5)]
    lane, waiting = lane_of("news", urgent=False), []

    def ready(most: int, asked: str) -> list[bytes]:
        return [errand.id for errand in errands][:most] if asked == lane else []

    with rq.connect(redis_url) as connection:
        pusher = rq.Pusher(connection)
        for errand in errands:
            pusher.told([errand])
            waiting.append(Queue(lane, connection=connection).count)
        assert waiting == [1, 2, 3, 3, 3]
        assert pusher.sweep(ready) == 0
        connection.flushdb()
        assert pusher.sweep(ready) == 3
