"""Erasure: the real SDK against the provider's own description and a provider that fails."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from hotline.assembly import StaffLine
from hotline.delivery import erasure, senders
from hotline.delivery.erasure import KEEP, LATE, WAITS, Standing, alarms
from hotline.delivery.senders import (
    Kept,
    ProviderProblem,
    RecordingProvider,
    TwilioProvider,
)
from hotline.doctor import provider_findings
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.nightly import Alarms, Nightly, night_began
from hotline.jobs.tasks import CALL_AGAIN, runner
from hotline.log import Log
from hotline.store.facts import Facts
from hotline.tips import Trace
from hotline.vault.small import random_id
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import settings_for
from tests.promises.ground import read_once  # noqa: F401 - a fixture
from tests.twilio_description import NotDescribed, description
from tests.twilio_fake import ROOT, TROUBLES, FakeTwilio, Record

HOUR, DAY = 3600, 86400
BUSY = 7  # seconds, the fake's Retry-After


@pytest.fixture
def twilio(clock: MovableClock) -> Iterator[FakeTwilio]:
    fake = FakeTwilio(clock.seconds)
    yield fake
    fake.stop()
    assert fake.state.undescribed == [], "a request that the provider does not describe"


@pytest.fixture
def real(twilio: FakeTwilio, tmp_path: Path) -> TwilioProvider:
    settings = settings_for(tmp_path, "sqlite://")
    return TwilioProvider(
        replace(settings, twilio_api_url=twilio.url, twilio_number="+552130000000")
    )


@dataclass(slots=True)
class Night:
    """A staff line with the real provider before it."""

    line: StaffLine
    twilio: FakeTwilio
    real: TwilioProvider
    clock: MovableClock
    said: io.StringIO

    def owe(self, *records: Record) -> None:
        for one in records:
            trace = Trace(one.resource, one.sid, one.parent if one.resource == "media" else "")
            self.line.outbox.add(self.line.envelope.erasure(trace))

    def owe_fetch(self, record: Record) -> bytes:
        """A recording whose tip is gone is erased unfetched, hence a queue's real one."""
        errand = self.line.envelope.errand(
            "recording", random_id(), {"sid": record.sid, "tip": random_id().hex()}
        )
        self.line.outbox.add(errand)
        return errand.id

    def drain(self, *waits: int) -> None:
        log = Log(self.clock, public=False, out=self.said)
        engine = EmbeddedJobs(runner(self.line, self.real, log))
        for wait in (0, *waits):
            self.clock.advance(wait)
            engine.drain()

    def nightly(self, provider: senders.Provider | None = None) -> Nightly:
        return Nightly(self.line, provider or self.real)

    def alarms(self) -> dict[str, int]:
        return alarms(self.line.outbox, Facts(self.line.database), self.clock.seconds())

    def record(self, event: str) -> dict[str, str]:
        """The only audit record of an event."""
        self.line.audit.sequence()
        found = [json.loads(record) for record in self.line.audit.records()]
        (one,) = [record for record in found if record["event"] == event]
        return one

    def standing(self) -> Standing | None:
        return Standing.load(Facts(self.line.database).get(erasure.SWEEP))


@pytest.fixture
def night(
    staff_line: StaffLine, twilio: FakeTwilio, real: TwilioProvider, clock: MovableClock
) -> Night:
    return Night(staff_line, twilio, real, clock, io.StringIO())


# The description


def test_every_request_we_make_is_one_the_provider_describes(
    real: TwilioProvider, twilio: FakeTwilio
) -> None:
    """The same requests were sent once by hand to Prism 5.14.2 with the whole description: it
    took them all and answered as here."""
    message, call = twilio.keep("SM"), twilio.keep("CA")
    media, recording = twilio.keep("ME", parent=message.sid), twilio.keep("RE", parent=call.sid)
    assert real.recorded(call.sid)
    for resource in erasure.SHELVES:
        real.shelf(resource)
    for one in (media, message, recording, twilio.keep("TR"), call):
        real.erase(Trace(one.resource, one.sid, one.parent if one is media else ""))
    assert not real.recorded(call.sid)
    real.alert("+5521900000001", "someone is needed")
    assert [seen.method for seen in twilio.state.seen] == ["GET"] * 5 + ["DELETE"] * 5 + [
        "GET",
        "POST",
    ]
    assert [one for one in twilio.left() if one != "SM"] == list(twilio.left("message"))
    assert len(twilio.left()) == 1, "the alert"


@pytest.mark.parametrize(
    ("method", "path", "query", "form"),
    [
        ("DELETE", "/Messages/SM1.json", [], []),
        ("DELETE", f"/Messages/CA{'0' * 32}.json", [], []),
        ("DELETE", "/Messages.json", [], []),
        ("POST", f"/Messages/SM{'0' * 32}.json", [], []),
        ("POST", f"/Calls/CA{'0' * 32}.json", [], [("Status", "ringing")]),
        ("GET", "/Messages.json", [("PageSize", "1001")], []),
        ("GET", "/Messages.json", [("DateSent<", "yesterday")], []),
        ("GET", "/Messages.json", [("date_sent_before", "2026-03-10T00:00:00Z")], []),
        ("GET", "/Calls.json", [("Status", "finished")], []),
        ("POST", "/Messages.json", [], [("Body", "to nobody")]),
        ("POST", "/Messages.json", [], [("To", "+5521900000001"), ("ContentRetention", "no")]),
    ],
)
def test_what_is_not_described_is_refused(
    method: str, path: str, query: list[tuple[str, str]], form: list[tuple[str, str]]
) -> None:
    with pytest.raises(NotDescribed):
        description().operation(method, ROOT + path, query, form)


# One request


@pytest.mark.parametrize(
    ("trouble", "reason", "wait"),
    [
        ("20009", senders.NOT_FINAL, 0),
        ("401", senders.REFUSED, 0),
        ("403", senders.REFUSED, 0),
        ("429", "busy", BUSY),
        ("500", "http_500", 0),
        ("html", "http_502", 0),
        ("drop", "unreachable", 0),
        ("slow", "unreachable", 0),
    ],
)
def test_every_trouble_has_a_word(
    real: TwilioProvider,
    twilio: FakeTwilio,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    reason: str,
    wait: int,
) -> None:
    monkeypatch.setattr(real._http, "timeout", 0.2)
    monkeypatch.setattr(senders, "TIMEOUT_SECONDS", 0.2)
    record = twilio.keep("SM")
    twilio.state.trouble, twilio.state.stalls = lambda method, path: trouble, 1
    for ask in (
        lambda: real.erase(Trace("message", record.sid)),
        lambda: real.shelf("message"),
        lambda: real.recorded("CA" + "0" * 32),
        lambda: real.alert("+5521900000001", "someone is needed"),
        lambda: real.recording("RE" + "0" * 32),
    ):
        with pytest.raises(ProviderProblem) as caught:
            ask()
        if trouble != "20009":  # which only a deletion gets
            assert (caught.value.reason, caught.value.wait) == (reason, wait)
    assert twilio.left("message") == ({record.sid} if trouble != "slow" else twilio.left())


def test_an_odd_answer_is_a_problem_and_not_a_bug(
    real: TwilioProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twilio.http.response import Response

    texts = iter(["", "<html>", "{}", '{"messages": 7, "page": 0}'])
    answer = lambda *_, **__: Response(200, next(texts), {})  # noqa: E731
    monkeypatch.setattr("twilio.http.http_client.TwilioHttpClient.request", answer)
    for _ in range(4):
        with pytest.raises(ProviderProblem):
            real.shelf("message")


def test_nothing_of_a_list_stays_in_memory_or_goes_into_a_log(
    real: TwilioProvider, twilio: FakeTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    twilio.keep("SM")
    shelf = real.shelf("message")
    assert real._http._test_only_last_request is None
    assert real._http._test_only_last_response is None
    assert "+55219" not in repr(shelf) + caplog.text
    assert all(name == "PageSize" for name, _ in twilio.state.seen[0].query), "never by a number"


# The errand


def test_a_call_waits_for_its_recording_and_that_costs_no_try(night: Night) -> None:
    call = night.twilio.keep("CA")
    recording = night.twilio.keep("RE", parent=call.sid)
    night.owe(call)
    night.drain(*[CALL_AGAIN] * (len(WAITS) + 3))
    assert night.twilio.left() == {call.sid, recording.sid}
    night.owe(recording)
    night.twilio.state.trouble = iter_troubles(["", "500"])  # the recording, then the call's look
    night.drain(CALL_AGAIN, WAITS[0])
    assert [name for name, _, _ in night.twilio.state.deleted] == ["recording", "call"]


def iter_troubles(troubles: list[str]) -> Callable[[str, str], str]:
    left = iter(troubles)
    return lambda method, path: next(left, "")


def test_it_waits_as_long_as_the_provider_asks(night: Night) -> None:
    night.owe(night.twilio.keep("SM"))
    night.twilio.state.trouble = iter_troubles(["429"])
    night.drain(WAITS[0])
    assert len(night.twilio.state.seen) == 1, "five seconds would be our own wait"
    night.drain(BUSY - WAITS[0])
    assert night.twilio.left() == set()


def test_what_cannot_be_erased_within_a_day_rings(night: Night) -> None:
    assert sum(WAITS) <= DAY
    stuck = night.twilio.keep("SM", final_in=20 * DAY)
    night.owe(stuck)
    night.drain(*WAITS)
    assert len(night.twilio.state.seen) == len(WAITS) + 1
    assert night.line.outbox.problems("erase") == {("buried", senders.NOT_FINAL): 1}
    assert night.alarms() == {erasure.GIVEN_UP: 1}
    said = [json.loads(line) for line in night.said.getvalue().splitlines()]
    assert [(one["event"], one["kind"]) for one in said] == [("errand_buried", "erase")]
    (finding,) = provider_findings(night.line)
    assert not finding.sound
    assert stuck.sid not in night.said.getvalue() + finding.detail


def test_officers_are_told_on_every_page_and_nobody_else(night: Night) -> None:
    """Also those who never open the page of readiness; a second try begins there."""
    (stuck,) = (night.line.envelope.erasure(Trace("message", "SM1")),)
    night.line.outbox.add(stuck)
    office = Office.of(night.line)
    officer, operator = (office(name).client for name in ("olga", "paulo"))
    notice = "A operadora de telefonia ainda guarda"

    def told(client: FlaskClient, path: str) -> bool:
        page = client.get(path)
        assert page.status_code == 200
        return notice in page.get_data(as_text=True)

    assert not told(officer, "/nothing")
    night.line.outbox.bury(stuck.id, senders.NOT_FINAL)
    assert told(officer, "/nothing")
    assert not told(operator, "/nothing")
    assert "ainda lá: 1." in officer.get("/officers").get_data(as_text=True)


def test_a_wrong_token_rings_at_once_and_heals_by_itself(night: Night) -> None:
    out = io.StringIO()
    watch = Alarms(night.line, Log(night.clock, public=False, out=out))
    night.owe(*(night.twilio.keep("SM") for _ in range(3)))
    night.twilio.state.token = "another"
    night.drain()
    for _ in range(2):
        watch.run()
    assert night.alarms() == {erasure.REFUSES: 3}
    assert not provider_findings(night.line)[0].sound
    assert out.getvalue().count("provider_alarm") == 1, "it rings once, not every minute"
    assert night.line.audit.count("provider_alarm") == 1
    night.twilio.state.token = settings_for(Path(), "").twilio_auth_token
    night.drain(*WAITS[:2])
    watch.run()
    assert night.alarms() == {}
    assert provider_findings(night.line)[0].sound
    assert night.twilio.left() == set()


def test_that_it_was_done_is_counted_and_joined_to_no_tip(night: Night) -> None:
    night.owe(*(night.twilio.keep("SM") for _ in range(4)), night.twilio.keep("CA"))
    night.drain()
    assert night.line.outbox.counts() == {}
    assert night.line.outbox.ready(1e12) == []
    assert night.line.audit.count("provider_erased") == 0, "not beside a tip's own record"
    assert [night.line.outbox.tally("provider_erased") for _ in range(2)] == [5, 0]
    record = night.record("provider_erased")
    assert set(record) == {"at", "event", "id", "count"}
    assert record["count"] == "5"


@given(data=st.data())
@given_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_provider_does_each_is_erased_or_rings(
    night: Night, data: st.DataObject
) -> None:
    """Random records, random moments at which they become final, random troubles in any order."""
    state = night.twilio.state
    # Everything is drawn before the line does anything.
    call_final, message_final = (data.draw(st.integers(0, most * HOUR)) for most in (2, 30))
    troubles = data.draw(st.lists(st.sampled_from(["", *TROUBLES, "401"]), max_size=40))
    call = night.twilio.keep("CA", final_in=call_final)
    message = night.twilio.keep("SM", final_in=message_final)
    recording = night.twilio.keep("RE", parent=call.sid)
    mine = (call, message, night.twilio.keep("ME", parent=message.sid), recording)
    night.owe(*mine)
    state.trouble = iter_troubles(troubles)
    night.drain(*[30] * 4, *[10 * 60] * 6, *[HOUR] * 30)
    left = {one.sid for one in mine} & night.twilio.left()
    buried = sum(night.line.outbox.problems("erase").values())
    waits = night.line.outbox.counts().get(("erase", "ready"), 0)
    assert buried == len(left) if not waits else recording.sid in left
    assert not waits or buried, "what waits, waits for a recording that rings"
    assert all(one.final <= at for one in mine for _, sid, at in state.deleted if sid == one.sid)
    gone = [sid for _, sid, _ in state.deleted if sid in (call.sid, recording.sid)]
    assert gone in ([], [recording.sid], [recording.sid, call.sid]), "the recording goes first"
    state.trouble = iter_troubles([])
    night.clock.advance(30 * HOUR)
    for identity, _, _ in night.line.outbox.buried():
        night.line.outbox.retry(identity)
    night.drain(CALL_AGAIN)
    assert night.line.outbox.counts() == {}
    assert not {one.sid for one in mine} & night.twilio.left()


# The sweep


def begin(night: Night) -> None:
    """The line has just begun; its first night is the coming one."""
    assert night.nightly().run() is False


def to_three(night: Night, nights: int = 1) -> None:
    """Just after three o'clock of the ``nights``-th night from now."""
    night.clock.advance(night_began(night.clock) + nights * DAY + 60 - night.clock.seconds())


def test_what_no_errand_knows_of_is_swept_at_night(night: Night) -> None:
    begin(night)
    ours = [night.twilio.keep("SM") for _ in range(3)]  # replies whose callback got lost
    call = night.twilio.keep("CA")
    old = [*ours, call, night.twilio.keep("RE", parent=call.sid), night.twilio.keep("TR")]
    to_three(night, 2)
    assert all(night.clock.seconds() - one.made > KEEP for one in old)
    young = night.twilio.keep("SM")
    night.clock.advance(HOUR)
    assert night.nightly().run() is True
    assert night.twilio.left() == {young.sid}
    order = [name for name, _, _ in night.twilio.state.deleted]
    assert order == ["transcription", "recording", "call", *["message"] * 3]
    record = night.record("provider_swept")
    assert record["gone"] == "6"
    assert set(record) == {"at", "event", "id", "before", "gone", "waiting"}
    assert night.alarms() == {}


def test_a_recording_not_yet_fetched_survives_every_sweep(night: Night) -> None:
    begin(night)
    call = night.twilio.keep("CA")
    waits, lost = (night.twilio.keep("RE", parent=call.sid) for _ in range(2))
    given_up = night.twilio.keep("RE")
    night.owe_fetch(waits)
    night.line.outbox.bury(night.owe_fetch(given_up), "unreachable")
    for _ in range(4):
        to_three(night)
        assert night.nightly().run() is True
    assert night.twilio.left() == {waits.sid, given_up.sid, call.sid}
    assert lost.sid not in night.twilio.left(), "nobody is going to fetch it"


def test_pages_that_move_while_they_are_swept_hide_nothing(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "PAGE", 7)
    begin(night)
    for _ in range(50):
        night.twilio.keep("SM")
    to_three(night, 2)
    young = {night.twilio.keep("SM").sid for _ in range(20)}
    assert night.nightly().run() is True
    assert night.twilio.left() == young


def test_a_sweep_that_leaves_something_is_due_again_and_rings_after_two_days(night: Night) -> None:
    begin(night)
    stuck = night.twilio.keep("CA", final_in=90 * DAY)
    night.twilio.keep("SM")
    to_three(night, 2)
    assert night.nightly().run() is True, "not final within 14 days is no failure"
    assert night.twilio.left() == {stuck.sid}
    night.clock.advance(14 * DAY)
    for _ in range(2):
        with pytest.raises(ProviderProblem):
            night.nightly().run()
        assert night.nightly().run() is False, "not at once"
        night.clock.advance(600)
    standing = night.standing()
    assert standing is not None
    assert standing.problem == "left_behind"
    assert night.alarms().keys() == {erasure.LATE_SWEEP}


def test_a_sweep_stops_when_the_provider_is_away(night: Night) -> None:
    begin(night)
    for _ in range(40):
        night.twilio.keep("SM")
    to_three(night, 2)
    night.twilio.state.trouble = lambda method, path: "500" if method == "DELETE" else ""
    with pytest.raises(ProviderProblem):
        night.nightly().run()
    deletions = [seen for seen in night.twilio.state.seen if seen.method == "DELETE"]
    assert len(deletions) == erasure.MOST_IN_A_ROW
    night.clock.advance(600)
    night.twilio.state.trouble = lambda method, path: ""
    assert night.nightly().run() is True
    assert night.twilio.left() == set()


def test_a_record_of_no_known_age_stays_and_is_told(night: Night) -> None:
    begin(night)
    to_three(night)
    provider = RecordingProvider()
    provider.shelves["message"] = [Kept("SM1", None)]
    with pytest.raises(ProviderProblem):
        night.nightly(provider).run()
    assert provider.erased == []


def test_one_process_sweeps_once_a_night_by_the_jurisdictions_clock(night: Night) -> None:
    provider = RecordingProvider()
    one, other = night.nightly(provider), night.nightly(provider)
    assert (one.run(), other.run()) == (False, False)
    assert night.clock.now().astimezone(night.clock.zone).hour == 9
    runs = []
    for _ in range(72):
        night.clock.advance(HOUR)
        for each in (one, other):
            if each.run():
                runs.append(night.clock.now().astimezone(night.clock.zone).hour)
    assert runs == [3, 3, 3]
    night.clock.advance(5 * DAY + 7 * HOUR)
    assert (other.run(), one.run()) == (True, False), "missed nights are made up for, once"


def test_while_one_sweeps_nobody_else_begins(night: Night) -> None:
    begin(night)
    to_three(night)
    inside = []

    class Curious(RecordingProvider):
        def shelf(self, resource: str, following: str = "") -> senders.Shelf:
            inside.append(night.nightly(RecordingProvider()).run())
            return super().shelf(resource, following)

    assert night.nightly(Curious()).run() is True
    assert inside == [False] * len(erasure.SHELVES)


def test_without_a_sweep_for_two_days_somebody_is_told(night: Night) -> None:
    begin(night)
    night.clock.advance(LATE - HOUR)
    assert night.alarms() == {}
    night.clock.advance(2 * HOUR)
    assert night.alarms() == {erasure.LATE_SWEEP: 49}
    watch = Alarms(night.line, Log(night.clock, public=False, out=night.said))
    watch.run()
    assert '"provider_alarm"' in night.said.getvalue()
    (finding,) = provider_findings(night.line)
    assert "49 hours" in finding.detail
