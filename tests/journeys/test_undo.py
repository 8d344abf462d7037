"""Ten seconds to take a decision back: then the tip is as it was, and nobody outside saw it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.demo import PASSPHRASE
from hotline.intake.thread import Receipt
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.store.tables import Base
from hotline.tips import Channel, Contact, Language, State
from hotline.triage.audit import balanced, ledger
from hotline.triage.closings import CLOSE_KINDS, CLOSE_REASONS
from hotline.triage.opening import open_tip
from hotline.triage.undo import SECONDS
from hotline.vault.format import Kind
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.journeys.test_recordings import Call
from tests.line import SignIn

DRUGS = "Venda de drogas na praça em Niterói, RJ, toda noite"
CHILD = "Uma menina de 8 anos apanha todo dia do padrasto em Niterói, RJ"
THREAT = "Vai ter um massacre na escola amanhã em Niterói, RJ"

Rows = dict[str, list[tuple[object, ...]]]


class Desk:
    """One tip in the hands of an operator, and what is at rest about it."""

    def __init__(self, public: PublicLine, staff: StaffLine, clock: MovableClock) -> None:
        self.public, self.staff, self.clock = public, staff, clock
        self.office = Office.of(staff)
        self.jobs = EmbeddedJobs(runner(staff, RecordingProvider(), Log(clock, public=False)))
        self.inbox = staff.access.people.named("samuel").agency

    def told(self, text: str = DRUGS) -> Receipt:
        contact = Contact(channel=Channel.WEB, text=text, language=Language.PT)
        return self.public.pipeline.receive(contact)

    def hand(self, name: str) -> Hand:
        self.clock.advance(31)  # a code works once
        return self.office(name)

    def rest(self) -> Rows:
        """Every row that could tell of a tip, without its version, which only goes on."""
        aside = {"audit", "heads", "claims", "presences", "sessions", "people", "meta"}
        found: Rows = {}
        with self.staff.database.read() as connection:
            for table in Base.metadata.sorted_tables:
                columns = [c for c in table.columns if (table.name, c.name) != ("tips", "version")]
                if table.name not in aside:
                    found[table.name] = sorted(map(tuple, connection.execute(select(*columns))))
        return found

    def events(self) -> list[str]:
        with self.staff.database.read() as connection:
            audit = Base.metadata.tables["audit"]
            return list(connection.execute(select(audit.c.event)).scalars())


@pytest.fixture
def desk(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Desk:
    return Desk(public_line, staff_line, clock)


DECISIONS: dict[str, dict[str, str]] = {
    "forward": {"other": "semsp-3304904", "reason": "credible"},
    "close": {"reason": "hoax:hoax_malicious"},
    "ask": {"prepared": "where", "text": ""},
    "reply": {"prepared": "thanks", "text": ""},
    "reroute": {"queue": "gbv:BR-RJ", "reason": "training"},
}


@pytest.mark.parametrize("deed", DECISIONS)
def test_undone_in_time_everything_at_rest_is_as_before(desk: Desk, deed: str) -> None:
    receipt = desk.told()
    hand = desk.hand("paulo")
    tip = hand.next()
    before, status = desk.rest(), desk.public.pipeline.follow_up(receipt.code)
    hand.press(f"/tips/{tip}/{deed}", **DECISIONS[deed])
    assert 'action="/undo"' in hand.html
    assert desk.rest() != before
    desk.clock.advance(SECONDS - 1)
    desk.jobs.drain()
    assert hand.press("/undo").status_code == 200
    assert desk.rest() == before
    after = desk.public.pipeline.follow_up(receipt.code)
    assert (after.status, after.messages) == (status.status, status.messages)
    assert desk.events().count("undone") == 1
    assert {"forward": "forwarded", "close": "closed", "ask": "asked", "reply": "replied"}.get(
        deed, "rerouted"
    ) in desk.events()
    assert balanced(ledger(desk.staff))
    # It is in the same hands, on a page that decides again.
    assert hand.post(f"/tips/{tip}/close", reason="not_actionable:no_place").status_code == 200
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.CLOSED


def test_ten_seconds_later_it_is_too_late_and_the_package_is_there(desk: Desk) -> None:
    desk.told()
    hand, agency = desk.hand("paulo"), desk.hand("samuel")
    tip = hand.next()
    hand.press(f"/tips/{tip}/forward", other=desk.inbox, reason="credible")
    with desk.staff.database.read() as connection:
        packages = Base.metadata.tables["packages"]
        (package,) = connection.execute(select(packages.c.id)).scalars()
    path = f"/inbox/{package.hex()}"

    def closed_to_the_agency() -> None:
        assert package.hex() not in agency.get("/inbox").get_data(as_text=True)
        assert agency.get(path).status_code == agency.get(f"/inbox/{'0' * 32}").status_code == 404
        for deed in ("receipt", "outcome", "look", "sealed"):
            assert agency.post(f"{path}/{deed}", outcome="arrest").status_code == 404

    closed_to_the_agency()
    desk.clock.advance(SECONDS - 1)
    desk.jobs.drain()
    closed_to_the_agency()
    assert "package_delivered" not in desk.events()
    desk.clock.advance(2)
    desk.jobs.drain()
    assert agency.get(path).status_code == 200
    assert DRUGS in agency.html
    assert desk.events().count("package_delivered") == 1
    rest = desk.rest()
    assert hand.press("/undo").status_code == 409
    assert desk.rest() == rest
    assert "undone" not in desk.events()


def test_a_decision_that_left_the_line_stays_whatever_the_clock_says(desk: Desk) -> None:
    """A worker with another clock has delivered it already."""
    desk.told()
    hand = desk.hand("paulo")
    tip = hand.next()
    hand.press(f"/tips/{tip}/forward", other=desk.inbox, reason="credible")
    (errand,) = desk.staff.outbox.pending("notify")
    assert desk.staff.outbox.claim(errand.id, desk.clock.seconds() + SECONDS + 2)
    rest = desk.rest()
    assert hand.press("/undo").status_code == 409
    assert desk.rest() == rest


def test_what_changed_since_is_not_undone(desk: Desk) -> None:
    """The reporter adds something in the ten seconds: the tip waits again, with it."""
    receipt = desk.told()
    hand = desk.hand("paulo")
    tip = hand.next()
    hand.press(f"/tips/{tip}/close", reason="hoax:hoax_prank")
    more = Contact(channel=Channel.WEB, text="Eles têm fuzis", language=Language.PT)
    desk.public.pipeline.append(receipt.code, more)
    desk.jobs.drain()
    rest = desk.rest()
    assert hand.press("/undo").status_code == 409
    assert desk.rest() == rest
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.WAITING


def test_only_who_decided_undoes_and_only_while_they_may_read_it(desk: Desk) -> None:
    desk.told()
    paulo, other = desk.hand("paulo"), desk.hand("gabi")
    tip = paulo.next()
    paulo.press(f"/tips/{tip}/close", reason="hoax:hoax_prank")
    assert other.press("/undo").status_code == 409
    assert 'action="/undo"' not in other.get("/desk").get_data(as_text=True)
    other.post(f"/tips/{tip}/take")
    assert paulo.press("/undo").status_code == 409  # it is in other hands by now
    other.post(f"/tips/{tip}/release")
    queue = desk.staff.tips.one(bytes.fromhex(tip)).queue
    desk.staff.keys.revoke(desk.staff.access.people.named("paulo").id, f"queue:{queue}")
    assert paulo.press("/undo").status_code == 404
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.CLOSED


def test_one_decision_is_undone_once(desk: Desk) -> None:
    desk.told()
    hand = desk.hand("paulo")
    tip = hand.next()
    hand.press(f"/tips/{tip}/close", reason="hoax:hoax_prank")
    assert hand.press("/undo").status_code == 200
    assert hand.press("/undo").status_code == 409
    assert desk.events().count("undone") == 1


def test_a_voice_ends_when_the_decision_can_no_longer_be_undone(
    public_line: PublicLine, staff_line: StaffLine, clock: MovableClock
) -> None:
    call = Call(public_line, staff_line, clock)
    hand = call.office("paulo")
    tip = call.row.id.hex()
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/take")

    def voices() -> int:
        kinds = [body.kind for body in staff_line.tips.bodies(call.row.id)]
        return kinds.count(Kind.RECORDING)

    assert voices() == 1
    hand.press(f"/tips/{tip}/close", reason="hoax:hoax_prank")
    assert voices() == 1
    hand.press("/undo")
    assert voices() == 1
    clock.advance(60)
    jobs = EmbeddedJobs(runner(staff_line, RecordingProvider(), Log(clock, public=False)))
    jobs.drain()
    assert voices() == 1, "the errand that would destroy it was undone too"
    hand.post(f"/tips/{tip}/close", reason="hoax:hoax_prank")
    assert voices() == 0


@pytest.mark.parametrize("text", [CHILD, THREAT])
@pytest.mark.parametrize("reason", CLOSE_REASONS)
def test_no_way_to_end_it_is_open_to_one_person(desk: Desk, text: str, reason: str) -> None:
    desk.told(text)
    hand = desk.hand("gabi")
    tip = hand.next()
    for kind in CLOSE_KINDS.get(reason, {"": ""}):
        hand.post(f"/tips/{tip}/take")
        hand.post(f"/tips/{tip}/close", reason=f"{reason}:{kind}")
        assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.WAITING
    hand.post(f"/tips/{tip}/reopen")
    assert hand.post(f"/tips/{tip}/close", reason=reason).status_code == 409
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.WAITING


def _renamed(hand: Hand, tip: str) -> None:
    hand.post(f"/tips/{tip}/correct", type="PUB-01", place="Niterói, RJ")


def _moved(hand: Hand, tip: str) -> None:
    hand.post(f"/tips/{tip}/correct", type="PUB-01", place="Niterói, RJ")
    hand.post(f"/tips/{tip}/take")
    hand.post(f"/tips/{tip}/reroute", queue="unresolved:BR-RJ", reason="place")


@pytest.mark.parametrize("way", [_renamed, _moved])
def test_a_child_tip_called_otherwise_still_needs_two(
    desk: Desk, way: Callable[[Hand, str], None]
) -> None:
    desk.told(CHILD)
    hand = desk.hand("gabi")
    tip = hand.next()
    way(hand, tip)
    now = desk.staff.tips.one(bytes.fromhex(tip)).queue
    assert not now.startswith("children")
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/take")
    assert hand.post(f"/tips/{tip}/close", reason="no_crime").status_code == 200
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.WAITING


def test_the_kind_of_a_closing_is_sealed_and_the_reporter_is_told_what_to_do(desk: Desk) -> None:
    for reason, kind, status in (
        ("restart", "cut_off", "restart"),
        ("emergency_redirected", "told_to_call", "emergency"),
        ("out_of_area", "other_country", "closed"),
    ):
        receipt = desk.told()
        hand = desk.hand("paulo")
        tip = hand.next()
        hand.post(f"/tips/{tip}/close", reason=f"{reason}:{kind}")
        assert desk.public.pipeline.follow_up(receipt.code).status == status
        desk.clock.advance(31)
        code = SignIn(desk.staff).code("paulo")
        me = desk.staff.access.sign_in("paulo", PASSPHRASE, code)
        note = open_tip(desk.staff, me, bytes.fromhex(tip)).notes[-1]
        assert (note.kind, note.reason, note.about) == ("closed", reason, kind)
        assert kind not in str(desk.rest()) + str(desk.events())


@pytest.mark.parametrize("reason", ["", "hoax:prank", "hoax_prank", "duplicate:spam", "nothing"])
def test_a_reason_that_is_not_listed_closes_nothing(desk: Desk, reason: str) -> None:
    desk.told()
    hand = desk.hand("paulo")
    tip = hand.next()
    assert hand.post(f"/tips/{tip}/close", reason=reason).status_code == 422
    assert desk.staff.tips.one(bytes.fromhex(tip)).state is State.WAITING
