"""Escalation: a tip that is late is raised and rung once a stage, with nobody's browser open."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select

from hotline import hygiene
from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.errors import HotlineError
from hotline.jobs.chores import chores
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.escalation import LATE_TEXT, QUIET, contacts, raise_late
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.routing.duty import Duty
from hotline.store.deadlines import Deadlines, Stage, long_minutes, near_minutes
from hotline.store.tables import DeadlineRow
from hotline.store.tips import Change
from hotline.tips import Channel, Contact, Language, Priority, State
from hotline.triage.claims import Claims
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Office

DRUGS = "Venda de drogas na praça em Niterói, RJ, por um homem de boné"
OURS, OTHERS, WATCHES = "+5521900000001", "+5521900000002", "+5521900000003"
MINUTE = 60


@dataclass(slots=True)
class Late:
    """A line with people on duty, and tips whose priority and deadline a test sets."""

    public: PublicLine
    line: StaffLine
    clock: MovableClock
    provider: RecordingProvider
    jobs: EmbeddedJobs

    def tip(self, priority: Priority, minutes: int) -> bytes:
        """A waiting tip of the general desk, due in so many minutes; its id."""
        queues = list(self.line.profile.queues)
        before = {row.id for row in self.line.tips.queue(queues, list(State), 1000)}
        contact = Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT)
        self.public.pipeline.receive(contact)
        (row,) = (r for r in self.line.tips.queue(queues, list(State), 1000) if r.id not in before)
        due = int(self.clock.seconds()) + minutes * MINUTE
        self.line.tips.apply(Change(row.id, row.version, priority=priority, due_at=due))
        return row.id

    def minutes_pass(self, count: int) -> None:
        """As the chore and the outbox do, once a minute."""
        for _ in range(count):
            self.clock.advance(MINUTE)
            raise_late(self.line)
            self.jobs.drain()

    def rung(self) -> list[str]:
        return [number for number, _ in self.provider.alerts]

    def stage(self, tip: bytes) -> int:
        with self.line.database.read() as connection:
            query = select(DeadlineRow.stage).where(DeadlineRow.tip == tip)
            return connection.execute(query).scalar_one()


@pytest.fixture
def late(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Late:
    duty = (
        Duty("central-rj", OURS),
        Duty("mpf", OTHERS),
        Duty("custodians", OTHERS),
        Duty("central-rj", WATCHES, watch=True),
    )
    line = replace(staff_line, profile=replace(staff_line.profile, duty=duty))
    provider = RecordingProvider()
    jobs = EmbeddedJobs(runner(line, provider, Log(clock, public=False)))
    return Late(public_line, line, clock, provider, jobs)


def test_an_urgent_tip_rings_once_when_it_is_late_and_once_when_it_is_long_late(
    late: Late,
) -> None:
    tip = late.tip(Priority.P1, 5)
    late.minutes_pass(4)
    assert (late.rung(), late.stage(tip)) == ([], Stage.NONE)
    late.minutes_pass(20)
    assert late.stage(tip) == Stage.LATE
    assert late.provider.alerts == [(OURS, LATE_TEXT)], "its own body's people, once"
    late.minutes_pass(long_minutes(Priority.P1))
    assert late.stage(tip) == Stage.LONG
    late.minutes_pass(60)
    assert late.rung() == [OURS, OURS]
    assert late.line.audit.count("duty_rung") == 2
    assert late.line.outbox.counts() == {}


def test_what_is_sent_says_neither_which_nor_where_nor_how_many(late: Late) -> None:
    for _ in range(3):
        late.tip(Priority.P1, 0)
    late.minutes_pass(2)
    ((_, text),) = late.provider.alerts
    assert not any(letter.isdigit() for letter in text)
    for told in ("Niter", "drog", "general", "BR", "P1"):
        assert told.casefold() not in text.casefold()
    for record in late.line.audit.told(["duty_rung"]):
        assert "tip" not in record.replace('"count"', "") and "general" not in record


def test_twenty_tips_that_pass_together_are_one_text_and_the_last_is_not_forgotten(
    late: Late,
) -> None:
    for minutes in range(10):
        late.tip(Priority.P1, minutes)
    late.minutes_pass(QUIET // MINUTE)
    assert late.rung() == [OURS]
    late.minutes_pass(QUIET // MINUTE)
    assert late.rung() == [OURS, OURS]
    late.minutes_pass(15)
    assert late.rung() == [OURS, OURS, OURS], "the tenth passed after the second text"


def test_nobody_is_rung_for_what_may_wait_or_what_somebody_has(late: Late) -> None:
    for priority in (Priority.P2, Priority.P3, Priority.P4):
        late.tip(priority, 0)
    taken = late.tip(Priority.P0, 0)
    sofia = late.line.access.people.named("sofia").id
    assert Claims(late.line.database, late.clock).take(sofia, taken)
    late.minutes_pass(5)
    assert late.stage(taken) == Stage.LATE
    assert late.rung() == []


def test_only_the_body_that_runs_the_desk_is_rung(late: Late) -> None:
    """Whom the tip implicates is sealed; recusal kept it out of that body's desks."""
    profile = late.line.profile
    assert contacts(profile, ["general:BR-RJ"]) == [OURS]
    assert contacts(profile, ["integrity:BR"]) == [OTHERS]
    assert contacts(profile, []) == []


def test_killed_between_raising_and_ringing_it_rings_and_run_by_two_it_rings_once(
    late: Late,
) -> None:
    late.tip(Priority.P1, 0)
    late.clock.advance(MINUTE)
    runs = [threading.Thread(target=raise_late, args=(late.line,)) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert late.line.outbox.counts() == {("late", "ready"): 1}, "raised and not yet rung: killed"
    assert raise_late(late.line) == 0
    late.jobs.drain()
    assert late.rung() == [OURS]


def test_a_provider_that_fails_is_asked_again(late: Late) -> None:
    late.tip(Priority.P1, 0)
    late.provider.failures = ["unreachable"]
    late.minutes_pass(1)
    assert late.rung() == []
    late.minutes_pass(1)
    assert late.rung() == [OURS]


def test_a_new_deadline_is_raised_anew(late: Late) -> None:
    tip = late.tip(Priority.P1, 0)
    late.minutes_pass(1)
    row = late.line.tips.one(tip)
    due = int(late.clock.seconds()) + 30 * MINUTE
    late.line.tips.apply(Change(tip, row.version, due_at=due))
    assert late.stage(tip) == Stage.NONE
    late.minutes_pass(31)
    assert late.stage(tip) == Stage.LATE
    assert late.rung() == [OURS, OURS]


def test_a_late_tip_stays_in_the_order_and_comes_before_its_equals(late: Late) -> None:
    fresh, old = late.tip(Priority.P3, 600), late.tip(Priority.P3, 0)
    late.minutes_pass(2)
    late.clock.advance(2 * 1440 * MINUTE)
    raise_late(late.line)
    assert late.stage(old) == Stage.LONG
    claims = Claims(late.line.database, late.clock)
    queues = list(late.line.profile.queues)
    paulo, gabi = (late.line.access.people.named(name).id for name in ("paulo", "gabi"))
    assert claims.next(paulo, queues).id == old
    claims.release(paulo, old, aside=True)
    assert claims.next(gabi, queues).id == old, "set aside by one, offered to the next"
    claims.release(gabi, old)
    assert claims.next(paulo, queues).id == fresh
    claims.release(paulo, fresh)
    late.clock.advance(3601)
    assert claims.next(paulo, queues).id == old


def test_supervisors_see_it_on_every_page_without_a_job_having_run(late: Late) -> None:
    late.tip(Priority.P1, 1)
    late.tip(Priority.P2, near_minutes(Priority.P2))
    late.clock.advance(2 * MINUTE)
    office = Office.of(late.line)
    sofia = office("sofia").get("/tips").get_data(as_text=True)
    assert '<a href="/board">' in sofia and 'role="alert"' in sofia
    assert "Tips past their deadline: 1." in _english(office, late, "sofia")
    assert "Nearly late: 1." in _english(office, late, "sofia")
    assert 'href="/board">Tips past' not in _english(office, late, "olga"), "no reader"


def _english(office: Office, late: Late, name: str) -> str:
    late.line.access.people.change(late.line.access.people.named(name).id, language="en")
    late.clock.advance(31)
    return office(name).get("/sessions").get_data(as_text=True)


def test_readiness_warns_beyond_the_limit_and_doctor_says_where(late: Late) -> None:
    app = apps.console_app(late.line).test_client()
    late.tip(Priority.P1, 0)
    late.clock.advance(long_minutes(Priority.P1) * MINUTE - 1)
    assert "warnings" not in app.get("/readyz").json
    assert "no tip" in hygiene.deadlines(late.line)
    late.clock.advance(1)
    answer = app.get("/readyz")
    assert (answer.status_code, answer.json["warnings"]) == (200, ["late"])
    with pytest.raises(HotlineError, match="general:BR-RJ 1"):
        hygiene.deadlines(late.line)


def test_doctor_says_when_nobody_can_be_rung(late: Late, staff_line: StaffLine) -> None:
    with pytest.raises(HotlineError) as built_in:
        hygiene.on_duty(staff_line.profile)
    assert "general:BR-RJ" in built_in.value.message and "watch" in built_in.value.message
    assert "integrity:BR" in hygiene_says(late, without=OTHERS)
    assert "watch = true" in hygiene_says(late, without=WATCHES)
    assert "every staffed desk" in hygiene.on_duty(late.line.profile)


def hygiene_says(late: Late, without: str) -> str:
    kept = tuple(d for d in late.line.profile.duty if d.number != without)
    with pytest.raises(HotlineError) as found:
        hygiene.on_duty(replace(late.line.profile, duty=kept))
    return found.value.message


def test_it_is_a_chore_of_the_staff_process(late: Late) -> None:
    tip = late.tip(Priority.P1, 0)
    late.clock.advance(MINUTE)
    (chore,) = (one for one in chores(late.line) if one.name == "raise_late")
    chore.do()
    assert chore.seconds <= 60
    assert late.stage(tip) == Stage.LATE
    assert Deadlines(late.line.database).unattended(int(late.clock.seconds()), [Priority.P1])
