"""Watch: a planted tip read, a spree, a read at night ring once each; ordinary work rings none."""

from __future__ import annotations

import io
import json
import re
import secrets
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, delete, select, update

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.errors import HotlineError, NotAllowed
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.jobs.watching import WATCHED, Watcher
from hotline.log import Log
from hotline.routing.watch import Hours, Watching, minutes
from hotline.store.alarms import ACKNOWLEDGED, NEW, Alarms
from hotline.store.audit import note
from hotline.store.facts import Facts
from hotline.store.tables import AlarmRow, AuditRow, Base, Meta
from hotline.tips import Channel, Contact, Language, State
from hotline.triage import dispositions
from hotline.triage.access import SignedIn
from hotline.triage.audit import balanced, ledger, sequence_and_sign
from hotline.triage.canaries import CANARIES, BadCanary, Canaries, plant
from hotline.triage.claims import Claims
from hotline.triage.opening import read_tip
from hotline.triage.watch import GRACE, UNTAKEN, OwnReading, acknowledge
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.line import SignIn

DRUGS = "Venda de drogas na praça em Niterói, RJ, por um homem de boné"
BAIT = "Venda de drogas no bar do Nico em Niterói, RJ, pelo gerente da rua das Palmeiras"
HOUR, DAY = 3600, 86400


@dataclass(slots=True)
class Guard:
    """A line whose watcher looks when a test says so."""

    public: PublicLine
    line: StaffLine
    clock: MovableClock
    sign_in: SignIn
    watcher: Watcher
    claims: Claims
    people: dict[str, SignedIn] = field(default_factory=dict)

    def person(self, name: str) -> SignedIn:
        if name not in self.people:
            self.clock.advance(31)
            self.people[name] = self.sign_in(name)
        return self.people[name]

    def look(self) -> int:
        """The sequencer, then the watcher."""
        sequence_and_sign(self.line)
        return self.watcher.run()

    def again(self) -> Watcher:
        """Another process, or this one after a kill."""
        self.watcher = Watcher(self.line, Log(self.clock, public=False, out=io.StringIO()))
        return self.watcher

    def tell(self, count: int = 1) -> list[bytes]:
        queues, found = list(self.line.profile.queues), []
        before = {r.id for r in self.line.tips.queue(queues, list(State), 5000)}
        for _ in range(count):
            contact = Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT)
            self.public.pipeline.receive(contact)
        found = [r.id for r in self.line.tips.queue(queues, list(State), 5000)]
        return [tip for tip in found if tip not in before]

    def read(self, name: str, tip: bytes) -> None:
        read_tip(self.line, self.person(name), tip)

    def work(self, name: str) -> bytes:
        """Next tip, read, closed: what the console's buttons call."""
        who = self.person(name)
        row = self.claims.next(who.person.id, self.line.access.queues(who))
        assert row is not None
        opened = read_tip(self.line, who, row.id)
        dispositions.close(self.line, who, opened, reason="not_actionable")
        self.claims.release(who.person.id, row.id)
        return row.id

    def plant(self, name: str = "sofia", text: str = BAIT) -> bytes:
        contact = Contact(channel=Channel.WEB, text=text, language=Language.PT)
        return plant(self.line, self.line.pipeline, self.person(name), contact)

    def alarms(self) -> list[tuple[str, str]]:
        names = {p.id: p.name for p in self.line.access.people.all()}
        return [(a.kind, names.get(a.person, "")) for a in Alarms(self.line.database).listed()]


@pytest.fixture
def guard(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock, sign_in: SignIn
) -> Guard:
    log = Log(clock, public=False, out=io.StringIO())
    claims = Claims(staff_line.database, clock)
    # Noon in UTC, nine in the morning in Rio.
    return Guard(public_line, staff_line, clock, sign_in, Watcher(staff_line, log), claims)


def test_reading_a_planted_tip_rings_once(guard: Guard) -> None:
    tip = guard.plant()
    assert guard.look() == 0, "who plants it reads and closes it"
    guard.clock.advance(HOUR)
    for _ in range(3):
        guard.read("paulo", tip)
        guard.look()
    assert guard.alarms() == [("canary", "paulo")]
    assert guard.again().run() == 0, "after a kill nothing rings twice"
    guard.read("gabi", tip)
    guard.look()
    assert sorted(guard.alarms()) == [("canary", "gabi"), ("canary", "paulo")]
    guard.read("sofia", tip)
    guard.look()
    assert ("canary", "sofia") in guard.alarms(), "who planted it has nothing to do there either"


def test_a_spree_rings_once_though_each_tip_was_taken(guard: Guard) -> None:
    bound = guard.line.profile.watch.an_hour
    who = guard.person("paulo")
    for tip in guard.tell(bound + 5):
        assert guard.claims.take(who.person.id, tip)
        guard.clock.advance(20)
        guard.read("paulo", tip)
        guard.claims.release(who.person.id, tip)
    assert guard.look() == 1
    guard.read("paulo", tip)
    assert guard.look() == 0
    assert guard.alarms() == [("spree", "paulo")]


def test_reading_at_night_rings_once_a_night(guard: Guard) -> None:
    tips = guard.tell(2)
    guard.clock.advance(14 * HOUR)  # 23:00 in Rio
    for _ in range(4):
        guard.read("paulo", tips[0])
        guard.look()
        guard.clock.advance(HOUR)
    assert guard.alarms() == [("off_hours", "paulo")]
    guard.clock.advance(20 * HOUR)
    guard.read("paulo", tips[0])
    guard.look()
    assert guard.alarms() == [("off_hours", "paulo")] * 2


def test_whoever_works_at_night_has_hours_of_their_own(guard: Guard) -> None:
    (tip,) = guard.tell()
    paulo, olga = guard.person("paulo"), guard.person("olga")
    store = Alarms(guard.line.database)
    store.set_hours(olga.person.id, paulo.person.id, (22 * 60, 6 * 60))
    guard.clock.advance(14 * HOUR)
    guard.read("paulo", tip)
    guard.look()
    assert guard.alarms() == []
    guard.clock.advance(12 * HOUR)  # 11:00
    guard.read("paulo", tip)
    guard.look()
    assert guard.alarms() == [("off_hours", "paulo")]


def test_reading_without_taking_rings_when_it_was_never_taken(guard: Guard) -> None:
    tips = guard.tell(UNTAKEN + 1)
    for tip in tips:
        guard.clock.advance(70)
        guard.read("paulo", tip)
    guard.clock.advance(GRACE - 60)
    assert guard.look() == 0, "there is still time to take the last"
    guard.clock.advance(61)
    assert guard.look() == 1, "though nothing more was done"
    assert guard.alarms() == [("untaken", "paulo")]
    guard.look()
    assert len(guard.alarms()) == 1


def test_more_than_three_times_ones_own_best_hour_rings(guard: Guard) -> None:
    ids = [f"{number:032x}" for number in range(200)]
    paulo = guard.person("paulo").person.id.hex()

    def reads(count: int) -> None:
        for tip in ids[:count]:
            guard.line.audit.note("claimed", tip=tip, by=paulo)
            guard.line.audit.note("read", tip=tip, by=paulo)

    for _ in range(6):
        reads(4)
        guard.look()
        guard.clock.advance(DAY)
    reads(30)
    assert guard.look() == 0
    guard.clock.advance(DAY)
    guard.again()  # what is usual is learnt from the records again
    reads(95)
    guard.look()
    assert guard.alarms() == [("spree", "paulo")]


def test_taking_out_much_rings(guard: Guard) -> None:
    by = guard.person("olga").person.id.hex()
    samuel = guard.person("samuel").person.id.hex()
    for _ in range(3):
        guard.line.audit.note("audit_exported", by=by, count="1999")
    for number in range(21):
        guard.line.audit.note("package_downloaded", package=f"{number:032x}", by=samuel)
    guard.look()
    assert sorted(guard.alarms()) == [("export", "olga"), ("export", "samuel")]


def test_ordinary_work_on_a_thousand_tips_rings_nothing(guard: Guard) -> None:
    """A working day of twelve people, five minutes a tip. What two of them do is done in the
    console's own pages, tip by tip; the records that this writes, event by event, are what the
    others write for theirs. Nothing else of their work would reach the watcher."""
    office, shapes = Office.of(guard.line), list[list[str]]()
    guard.plant()
    guard.tell(12)
    hands = []
    for name in ("paulo", "gabi"):
        guard.clock.advance(31)
        hands.append(office(name))
    for turn in range(12):
        before = guard.line.audit.count("closed")
        tip = _decide(hands[turn % 2], turn)
        assert guard.line.audit.count("closed") + guard.line.audit.count("asked") > before
        shapes.append(_events(guard.line, tip))
        guard.clock.advance(150)
    assert {"claimed", "read", "closed", "noted", "asked"} <= {e for shape in shapes for e in shape}
    team = [f"{number:032x}" for number in range(1, 11)]
    for turn in range(99):
        for at, person in enumerate(team):
            shape = shapes[(turn + at) % len(shapes)]
            guard.line.database.write(lambda c, p=person, s=shape: _done(c, p, s))
        guard.clock.advance(290)
        if turn % 33 == 0:
            guard.look()
    guard.look()
    assert _tips_read(guard.line) >= 1000
    assert guard.alarms() == []
    guard.again()
    guard.look()
    assert guard.alarms() == []
    # And the same watcher does ring.
    guard.read("gabi", bytes.fromhex(next(iter(Canaries(guard.line).all()))))
    guard.look()
    assert guard.alarms() == [("canary", "gabi")]


def _decide(hand: Hand, turn: int) -> str:
    """One tip through the pages: pulled, read, now and then a note, a question, a second look."""
    tip = hand.next()
    assert tip
    if turn % 3 == 0:
        hand.post(f"/tips/{tip}/note", text="Visto")
    if turn % 4 == 1:
        hand.post(f"/tips/{tip}/reveal")
        hand.get(f"/tips/{tip}")
    if turn % 6 == 5:
        hand.post(f"/tips/{tip}/ask", prepared="", text="Onde?")
        hand.post(f"/tips/{tip}/release")
    else:
        hand.post(f"/tips/{tip}/close", reason="not_actionable")
    return tip


def _events(line: StaffLine, tip: str) -> list[str]:
    """What a person's work on a tip wrote, in no order that matters to the watcher."""
    sequence_and_sign(line)
    said = (json.loads(row.record) for row in line.audit.rows())
    return [one["event"] for one in said if one.get("tip") == tip and "by" in one]


def _done(connection: Connection, person: str, events: list[str]) -> None:
    tip = secrets.token_hex(16)
    for event in events:
        more = {"reason": "not_actionable"} if event == "closed" else {}
        note(connection, event, tip=tip, by=person, **more)


def _tips_read(line: StaffLine) -> int:
    return len({json.loads(said)["tip"] for said in line.audit.told(["read"])})


# Planted tips


def test_a_planted_tip_is_like_any_closed_tip_to_staff_and_in_the_database(guard: Guard) -> None:
    guard.tell()
    real = guard.work("sofia")
    planted = guard.plant()
    assert _rows(guard.line, real) == _rows(guard.line, planted)
    guard.clock.advance(HOUR)
    office = Office.of(guard.line)
    paulo = office("paulo")
    pages = [paulo.get(f"/tips/{tip.hex()}").get_data(as_text=True) for tip in (real, planted)]
    # Who reads a planted tip sees what is like it; what is like it never leads there.
    near = re.compile(r'<section[^>]*id="similar".*?</section>', re.DOTALL)
    told = [near.sub("", page).replace(DRUGS, "").replace(BAIT, "") for page in pages]
    assert planted.hex() not in pages[0]
    assert len(told[0].split("<section")) == len(told[1].split("<section"))
    assert "plant" not in pages[1].casefold() and "canar" not in pages[1].casefold()
    listed = paulo.get("/tips?state=closed").get_data(as_text=True)
    assert all(tip.hex() in listed for tip in (real, planted))


def _rows(line: StaffLine, tip: bytes) -> dict[str, object]:
    """What each table holds of a tip: how many rows, and what stands in clear but ids."""
    found: dict[str, object] = {}
    with line.database.read() as connection:
        for name, table in Base.metadata.tables.items():
            for column in ("tip", "subject") if name != "tips" else ("id",):
                if column in table.c:
                    rows = connection.execute(
                        select(table).where(table.c[column] == tip)
                    ).mappings()
                    found[f"{name}.{column}"] = sorted(
                        str({k: len(v) if isinstance(v, bytes) else v for k, v in row.items()})
                        if name != "samples"  # whose lot is a random number
                        else ""
                        for row in rows
                    )
        records = connection.execute(
            select(AuditRow.record).where(AuditRow.record.contains(tip.hex()))
        ).scalars()
        found["audit"] = sorted(
            (said["event"], sorted(said), said.get("by")) for said in map(json.loads, records)
        )
        for name in ("receipts", "observations"):
            table = Base.metadata.tables[name]
            sizes = {len(row.sealed) for row in connection.execute(select(table.c.sealed))}
            found[name] = len(sizes)
    return found


def test_a_planted_tip_is_not_pulled_not_late_not_sent_and_the_ledger_balances(
    guard: Guard,
) -> None:
    tip = guard.plant()
    queues = list(guard.line.profile.queues)
    row = guard.line.tips.one(tip)
    assert (row.state, row.due_at) == (State.CLOSED, 0)
    assert guard.claims.next(guard.person("paulo").person.id, queues) is None
    assert guard.line.desk.packages_of(tip) == []
    assert guard.line.outbox.counts() == {}
    assert balanced(ledger(guard.line))


def test_its_count_tells_the_release_to_leave_it_out(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, str]] = []
    real = type(guard.line.envelope).observe
    monkeypatch.setattr(
        type(guard.line.envelope),
        "observe",
        lambda self, content, month, **more: (
            told.append(more),
            real(self, content, month, **more),
        )[1],
    )
    guard.plant()
    assert told[-1] == {"outcome": "planted"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Uma menina de 8 anos apanha do padrasto em Niterói, RJ",
        "Ele vai matar ela agora em Niterói RJ",
    ],
)
def test_what_others_would_have_to_act_on_is_not_planted(guard: Guard, text: str) -> None:
    with pytest.raises(BadCanary):
        guard.plant(text=text)
    assert guard.line.tips.counts() == {}
    assert Canaries(guard.line).all() == {}


def test_nobody_plants_into_a_desk_that_they_cannot_open(guard: Guard) -> None:
    with pytest.raises(BadCanary):
        guard.plant("ines")
    assert guard.line.tips.counts() == {}


def test_the_list_looks_the_same_with_and_without_planted_tips(guard: Guard) -> None:
    guard.look()
    facts = Facts(guard.line.database)
    empty = facts.get(CANARIES)
    tip = guard.plant()
    full = facts.get(CANARIES)
    assert len(empty) == len(full) and empty != full
    with guard.line.database.read() as connection:
        held = [str(v) for v in connection.execute(select(Meta.value)).scalars()]
    assert not any(tip.hex() in value for value in held)


def test_altering_the_list_rings(guard: Guard) -> None:
    facts = Facts(guard.line.database)
    guard.look()
    empty = facts.get(CANARIES)
    guard.plant()
    guard.clock.advance(18 * HOUR)  # three at night in Rio
    guard.watcher.night()
    guard.look()
    assert guard.alarms() == []
    facts.swap(CANARIES, facts.get(CANARIES), empty)  # put back as it was
    guard.look()
    guard.look()
    assert guard.alarms() == [("list_altered", "")]
    guard.clock.advance(DAY)
    facts.swap(CANARIES, empty, "00" + empty[2:])
    guard.look()
    assert guard.alarms() == [("list_altered", "")] * 2


# Nobody hushes it up


def test_who_moves_the_watchers_mark_or_deletes_it_hides_nothing(guard: Guard) -> None:
    tip = guard.plant()
    guard.look()
    guard.clock.advance(HOUR)
    facts = Facts(guard.line.database)
    for ahead in ("999999", ""):
        guard.again()
        who = ("paulo", "gabi")[ahead == ""]
        guard.read(who, tip)
        sequence_and_sign(guard.line)
        guard.line.database.write(
            lambda c, ahead=ahead: (
                c.execute(update(Meta).where(Meta.name == WATCHED).values(value=ahead))
                if ahead
                else c.execute(delete(Meta).where(Meta.name == WATCHED))
            )
        )
        guard.watcher.run()
        assert ("canary", who) in guard.alarms()
    assert facts.get(WATCHED)


def test_each_alarm_rings_the_watch_and_stands_in_the_tree(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = guard.plant()
    guard.clock.advance(HOUR)
    guard.read("paulo", tip)
    guard.look()
    (record,) = map(json.loads, guard.line.audit.told(["alarm_raised"]))
    assert record["code"] == "canary" and tip.hex() not in json.dumps(record)
    assert len(record["at"]) == len("2026-03-10T12:00Z")
    with guard.line.database.read() as connection:
        (row,) = connection.execute(select(AlarmRow)).all()
    assert tip not in tuple(row), "which tip it was only the read record says"
    assert guard.line.outbox.counts() == {("watch", "ready"): 1}
    provider = RecordingProvider()
    monkeypatch.setattr("hotline.jobs.escalation.watchers", lambda profile: ["+5521900000003"])
    EmbeddedJobs(runner(guard.line, provider, Log(guard.clock, public=False))).drain()
    ((number, text),) = provider.alerts
    assert number == "+5521900000003" and "paulo" not in text and "canary" not in text


def test_nobody_acknowledges_their_own_and_each_only_once(guard: Guard) -> None:
    tip = guard.plant()
    guard.clock.advance(HOUR)
    guard.read("paulo", tip)
    guard.look()
    store = Alarms(guard.line.database)
    (alarm,) = store.listed()
    paulo, olga = guard.person("paulo").person.id, guard.person("olga").person.id
    with pytest.raises(OwnReading):
        acknowledge(store, paulo, alarm.id, "talked")
    with pytest.raises(HotlineError):
        acknowledge(store, olga, alarm.id, "because")
    assert not store.acknowledge(alarm.id, paulo, "talked"), "not by the statement itself either"
    assert store.get(alarm.id).state == NEW
    acknowledge(store, olga, alarm.id, "talked")
    assert store.get(alarm.id).state == ACKNOWLEDGED
    with pytest.raises(NotAllowed):
        acknowledge(store, olga, alarm.id, "talked")
    assert guard.line.audit.count("alarm_acknowledged") == 1
    guard.look()
    assert store.waiting() == 0


def test_officers_see_it_everywhere_until_one_acknowledges_it(guard: Guard) -> None:
    tip = guard.plant()
    guard.clock.advance(HOUR)
    guard.read("paulo", tip)
    guard.look()
    app = apps.console_app(guard.line).test_client()
    assert app.get("/readyz").json == {"ready": True, "warnings": ["alarms"]}
    guard.clock.advance(31)
    office = Office.of(guard.line)
    olga = office("olga")
    assert 'href="/alarms"' in olga.get("/requests").get_data(as_text=True).split("<main")[1]
    page = olga.get("/alarms").get_data(as_text=True)
    assert "paulo" in page and tip.hex() not in page and "Nico" not in page
    (alarm,) = Alarms(guard.line.database).listed()
    assert olga.post(f"/alarms/{alarm.id.hex()}/acknowledge", reason="").status_code >= 400
    olga.post(f"/alarms/{alarm.id.hex()}/acknowledge", reason="talked")
    assert app.get("/readyz").json == {"ready": True}
    assert 'href="/alarms"' not in olga.get("/requests").get_data(as_text=True).split("<main")[1]
    guard.clock.advance(31)
    assert office("paulo").get("/alarms").status_code == 404


def test_hours_are_set_by_another_and_read_as_they_are_written() -> None:
    assert Hours(6 * 60, 22 * 60).within(6 * 60) and not Hours(6 * 60, 22 * 60).within(22 * 60)
    night = Hours(22 * 60, 6 * 60)
    assert night.within(23 * 60) and night.within(0) and not night.within(6 * 60)
    assert Hours(0, 0).within(5) and str(night) == "22:00-06:00"
    assert (minutes("07:30"), minutes("24:00"), minutes("7:30")) == (450, None, None)
    assert Watching().hours == Hours(360, 1320)
