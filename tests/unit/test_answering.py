"""Answering: what bodies owe is raised once a stage, over every stage, by days of the calendar."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from hotline.assembly import PublicLine, StaffLine, assemble_staff
from hotline.delivery import scorecard
from hotline.delivery.senders import RecordingProvider
from hotline.jobs.answering import raise_unanswered
from hotline.jobs.chores import chores
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.routing.answering import Answering, Stage, built_in
from hotline.routing.profile import Profile
from hotline.routing.tables import RuleFileProblem
from hotline.store.tables import PackageRow, TipRow
from hotline.tips import Channel, Contact, Language, State
from tests.conftest import MovableClock
from tests.desk import Office

DRUGS = "Venda de drogas na praça em Niterói, RJ, toda noite"
DAY = 86_400


@dataclass(slots=True)
class Sent:
    """A line, and a package of an agency that has not looked at it."""

    line: StaffLine
    clock: MovableClock
    office: Office
    agency: str
    package: bytes

    def days_pass(self, count: int) -> None:
        """The chore runs many times a day, as it does."""
        for _ in range(count * 2):
            self.clock.advance(DAY / 2)
            raise_unanswered(self.line)
            self.drain()

    def drain(self) -> None:
        log = Log(self.clock, public=False)
        EmbeddedJobs(runner(self.line, RecordingProvider(), log)).drain()

    @property
    def stage(self) -> Stage:
        return Stage(self.line.desk.package(self.package).stage)

    def reminded(self) -> int:
        return self.line.audit.count("package_overdue")

    def late(self) -> dict[str, int]:
        (card,) = scorecard.cards(self.line, None, self.agency)
        return dict(card.late)

    def to(self, state: str) -> None:
        mine = update(PackageRow).where(PackageRow.id == self.package).values(state=state)
        self.line.database.write(lambda connection: connection.execute(mine))


@pytest.fixture
def sent(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Sent:
    contact = Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT)
    public_line.pipeline.receive(contact)
    office = Office.of(staff_line)
    hand = office("paulo")
    agency = staff_line.profile.inbox(staff_line.access.people.named("samuel").agency)
    answer = hand.post(f"/tips/{hand.next()}/forward", other=agency, reason="credible")
    assert answer.status_code == 200
    (package,) = staff_line.desk.packages(agency)
    return Sent(staff_line, clock, office, agency, package.id)


def test_a_package_nobody_opens_goes_through_every_stage_once(sent: Sent) -> None:
    terms = sent.line.profile.answering
    seen, day = {}, 0
    while day <= terms.final + terms.parent + 3:
        seen.setdefault(sent.stage, day)
        sent.days_pass(1)
        day += 1
    assert seen == {
        Stage.NONE: 0,
        Stage.CONFIRM: terms.confirm + 1,
        Stage.CONFIRM_ABOVE: terms.confirm + terms.parent + 1,
        Stage.FIRST: terms.first + 1,
        Stage.FIRST_ABOVE: terms.first + terms.parent + 1,
        Stage.FINAL: terms.final + 1,
        Stage.FINAL_ABOVE: terms.final + terms.parent + 1,
    }
    assert sent.reminded() == 6
    assert sent.late() == {"late_confirm": 1, "late_first": 1, "late_final": 1}
    assert sent.line.outbox.counts() == {}


@pytest.mark.parametrize(
    ("state", "stages"),
    [
        ("opened", [Stage.CONFIRM_ABOVE, Stage.FIRST_ABOVE, Stage.FINAL_ABOVE]),
        ("confirmed", [Stage.NONE, Stage.FIRST_ABOVE, Stage.FINAL_ABOVE]),
        ("working", [Stage.NONE, Stage.NONE, Stage.FINAL_ABOVE]),
        ("answered", [Stage.NONE, Stage.NONE, Stage.NONE]),
        ("returned", [Stage.NONE, Stage.NONE, Stage.NONE]),
        ("transferred", [Stage.NONE, Stage.NONE, Stage.NONE]),
    ],
)
def test_what_was_said_ends_what_is_owed(sent: Sent, state: str, stages: list[Stage]) -> None:
    sent.to(state)
    found = []
    for day in (10, 15, 80):
        sent.clock.advance(day * DAY)
        raise_unanswered(sent.line)
        found.append(sent.stage)
    assert found == stages


def test_a_line_that_stood_still_raises_the_highest_and_counts_what_was_missed(sent: Sent) -> None:
    sent.clock.advance(200 * DAY)
    assert raise_unanswered(sent.line) == 1
    assert sent.stage is Stage.FINAL_ABOVE
    assert raise_unanswered(sent.line) == 0
    sent.drain()
    assert sent.reminded() == 1
    assert sent.late() == {"late_confirm": 1, "late_first": 1, "late_final": 1}


def test_killed_after_raising_it_is_reminded_and_run_by_four_it_is_raised_once(
    sent: Sent,
) -> None:
    sent.clock.advance(2 * DAY)
    runs = [threading.Thread(target=raise_unanswered, args=(sent.line,)) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sent.line.outbox.counts() == {("remind", "ready"): 1}, "raised, and then killed"
    again = assemble_staff(sent.line.settings, sent.clock)
    try:
        assert raise_unanswered(again) == 0
        EmbeddedJobs(runner(again, RecordingProvider(), Log(sent.clock, public=False))).drain()
    finally:
        again.close()
    assert sent.reminded() == 1
    assert sent.late() == {"late_confirm": 1}


@pytest.mark.parametrize(
    ("zone", "first", "length"),
    [
        ("America/New_York", date(2026, 3, 8), 23),  # clocks go forward
        ("America/New_York", date(2026, 11, 1), 25),  # and back
        ("America/Sao_Paulo", date(2026, 2, 27), 24),  # over the end of February
        ("America/Sao_Paulo", date(2026, 12, 31), 24),  # and of a year
    ],
)
def test_days_are_those_of_the_calendar(zone: str, first: date, length: int) -> None:
    terms, here = built_in(), ZoneInfo(zone)
    clock = MovableClock(zone=here)
    from datetime import datetime

    clock.source.seconds = datetime(first.year, first.month, first.day, tzinfo=here).timestamp()
    assert clock.today() == first
    clock.advance(length * 3600 - 1)
    assert clock.today() == first, "the last second of a short or long day"
    due = terms.due(first)
    for today, late in ((first, False), (due, False), (due + timedelta(1), True)):
        before = {stage: day for stage, _, day in terms.stages(today)}
        assert (first.isoformat() < before[Stage.CONFIRM]) is late


def test_who_is_only_informed_owes_nothing(sent: Sent) -> None:
    mine = update(PackageRow).where(PackageRow.id == sent.package).values(role="copy")
    sent.line.database.write(lambda connection: connection.execute(mine))
    sent.clock.advance(200 * DAY)
    assert raise_unanswered(sent.line) == 0


def test_the_body_above_hears_nothing_while_somebody_must_look_at_the_tip(sent: Sent) -> None:
    """What the reporter added may be about that body."""
    mine = update(TipRow).values(state=State.WAITING)
    sent.line.database.write(lambda connection: connection.execute(mine))
    sent.clock.advance(30 * DAY)
    raise_unanswered(sent.line)
    assert sent.stage is Stage.FIRST
    decided = update(TipRow).values(state=State.FORWARDED)
    sent.line.database.write(lambda connection: connection.execute(decided))
    raise_unanswered(sent.line)
    assert sent.stage is Stage.FIRST_ABOVE


def test_supervisors_and_the_body_see_it_without_a_job_to_tell_them(sent: Sent) -> None:
    sofia = sent.office("sofia")
    sofia.get("/overdue")
    assert "/tips/" not in sofia.html
    sent.clock.advance(2 * DAY)
    raise_unanswered(sent.line)
    sofia, samuel = sent.office("sofia"), sent.office("samuel")
    assert 'href="/overdue"' in sofia.get("/tips").get_data(as_text=True)
    sofia.get("/overdue")
    with sent.line.database.read() as connection:
        tip = connection.execute(select(PackageRow.tip)).scalar_one()
    assert f"/tips/{tip.hex()}" in sofia.html
    samuel.get("/inbox")
    assert "Lembrete:" in samuel.html
    assert sofia.get("/inbox").status_code == 404 or "Lembrete" not in sofia.html


def test_the_body_above_is_told_a_number_and_no_other_body_is(sent: Sent) -> None:
    profile = sent.line.profile
    over = scorecard.above(profile, sent.agency)
    sent.clock.advance(10 * DAY)
    raise_unanswered(sent.line)
    told = {
        inbox: scorecard.below(sent.line, inbox)
        for inbox in profile.inboxes()
        if scorecard.below(sent.line, inbox)
    }
    assert told == ({over: {sent.agency: 1}} if over else {})


@pytest.mark.parametrize("name", ["br-rj", "br", "co"])
def test_whoever_is_told_above_could_have_been_sent_it_too(name: str) -> None:
    """Promise 5, over the whole tree: no recusal keeps the body above out that would not have kept
    out the body below, which the tip was sent to."""
    profile = Profile.load(name)
    pairs = [(a, scorecard.above(profile, a)) for a in profile.inboxes()]
    told = [(a, up) for a, up in pairs if up is not None]
    assert told, "somebody is told"
    for agency, up in told:
        for recused in profile.agencies:
            if profile.under(up, [recused]):
                assert profile.under(agency, [recused]), (agency, up, recused)


def test_it_is_a_chore_of_the_staff_process(sent: Sent) -> None:
    (chore,) = (one for one in chores(sent.line) if one.name == "raise_unanswered")
    sent.clock.advance(2 * DAY)
    chore.do()
    assert sent.stage is Stage.CONFIRM


def test_a_profile_has_terms_of_its_own(sent: Sent, tmp_path: Path) -> None:
    own = tmp_path / "answering.toml"
    own.write_text(
        'confirm = 2\nfirst = 5\nfinal = 9\nparent = 1\ntransfer = "keep"\n', encoding="utf-8"
    )
    terms = Answering.load(own)
    assert (terms.confirm, terms.renews) == (2, False)
    line = replace(sent.line, profile=replace(sent.line.profile, answering=terms))
    sent.clock.advance(2 * DAY)
    assert raise_unanswered(line) == 0
    sent.clock.advance(DAY)
    assert raise_unanswered(line) == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ('first = 5\nfinal = 9\nparent = 1\ntransfer = "keep"', "confirm is missing"),
        ('confirm = 9\nfirst = 5\nfinal = 9\nparent = 1\ntransfer = "keep"', "do not grow"),
        ('confirm = 1\nfirst = 5\nfinal = 9\nparent = 1\ntransfer = "give"', "transfer is give"),
        ('confirm = 1\nfirst = 5\nfinal = 9999\nparent = 1\ntransfer = "keep"', "out of bounds"),
    ],
)
def test_terms_that_make_no_sense_are_refused(tmp_path: Path, wrong: str, sentence: str) -> None:
    file = tmp_path / "answering.toml"
    file.write_text(wrong + "\n", encoding="utf-8")
    with pytest.raises(RuleFileProblem, match=sentence):
        Answering.load(file)
