"""Outcomes: what a body answers, gives back or passes on, and who learns of it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine
from hotline.commands.agency import agency
from hotline.delivery import agencies, outcomes, scorecard, transfer
from hotline.delivery.senders import RecordingProvider
from hotline.intake.thread import Receipt
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.store.desk import Package
from hotline.store.tables import WrapRow
from hotline.tips import Channel, Contact, Language, State, Wrap
from hotline.triage.destinations import offered, others
from hotline.triage.opening import open_tip
from hotline.vault.keys import open_body
from tests.desk import Hand, Office, leave
from tests.line import SignIn

DRUGS = "Venda de drogas na praça em Niterói, RJ, toda noite"
BRIBE = "O comandante do 12º batalhão da PM em Niterói, RJ, recebe propina dos traficantes da praça"
QUESTION = "A que horas o carro azul chega"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def tell(line: PublicLine, text: str = DRUGS) -> Receipt:
    contact = Contact(channel=Channel.WEB, text=text, language=Language.PT)
    return line.pipeline.receive(contact)


def send(office: Office, agency: str, name: str = "paulo") -> tuple[Hand, str]:
    hand = office(name)
    tip = hand.next()
    assert hand.post(f"/tips/{tip}/forward", other=agency, reason="credible").status_code == 200
    return hand, tip


def mine(line: StaffLine) -> str:
    return line.profile.inbox(line.access.people.named("samuel").agency)


def jobs(line: StaffLine) -> None:
    EmbeddedJobs(runner(line, RecordingProvider(), Log(line.clock, public=False))).drain()


def state(line: StaffLine, package: bytes) -> str:
    found = line.desk.package(package)
    return found.state if found else "gone"


def status(line: PublicLine, receipt: Receipt) -> str:
    return line.pipeline.follow_up(receipt.code).status


def test_looking_into_it_is_not_the_last_word_and_what_was_said_is_kept(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    receipt = tell(public_line)
    paulo, tip = send(office, mine(staff_line))
    (package,) = staff_line.desk.packages(mine(staff_line))
    samuel = office("samuel")
    path = f"/inbox/{package.id.hex()}"
    samuel.post(f"{path}/outcome", outcome="under_investigation")
    assert state(staff_line, package.id) == "working"
    assert status(public_line, receipt) == "under_investigation"
    samuel.post(f"{path}/outcome", outcome="arrest", band="2-4", question="Quem é você?")
    assert state(staff_line, package.id) == "answered"
    staff_line.clock.advance(31)
    said = agencies.said(staff_line, sign_in("samuel"), package)
    assert [(one.code, one.band, one.question) for one in said] == [
        ("under_investigation", "", ""),
        ("arrest", "2-4", ""),
    ]
    opened = open_tip(staff_line, sign_in("gabi"), bytes.fromhex(tip))
    assert [one.code for one in opened.said] == ["under_investigation", "arrest"]
    paulo.get(f"/tips/{tip}")
    assert "2-4" in paulo.html


def test_nothing_an_agency_types_reaches_the_reporter_and_the_desk_sees_it(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    receipt = tell(public_line)
    paulo, tip = send(office, mine(staff_line))
    (package,) = staff_line.desk.packages(mine(staff_line))
    samuel = office("samuel")
    path = f"/inbox/{package.id.hex()}/outcome"
    assert samuel.post(path, outcome="needs_information", question="x" * 301).status_code == 422
    assert samuel.post(path, outcome="needs_information", question=QUESTION).status_code == 200
    thread = public_line.pipeline.follow_up(receipt.code)
    assert thread.status == "needs_information" and QUESTION not in str(thread.messages)
    jobs(staff_line)
    assert staff_line.tips.one(bytes.fromhex(tip)).state is State.WAITING
    paulo.get(f"/tips/{tip}")
    assert QUESTION in paulo.html
    assert QUESTION.encode() not in b"".join(
        body.sealed for body in staff_line.tips.bodies(bytes.fromhex(tip))
    )


def test_given_back_it_waits_for_a_person_who_sees_why(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    receipt = tell(public_line)
    paulo, tip = send(office, mine(staff_line))
    (package,) = staff_line.desk.packages(mine(staff_line))
    office("samuel").post(f"/inbox/{package.id.hex()}/outcome", outcome="not_ours")
    assert (state(staff_line, package.id), status(public_line, receipt)) == ("returned", "not_ours")
    jobs(staff_line)
    row = staff_line.tips.one(bytes.fromhex(tip))
    assert row.state is State.WAITING and row.due_at
    paulo.get(f"/tips/{tip}")
    assert "devolvida" in paulo.html and "Não cabe a este órgão" in paulo.html


def test_who_gave_it_back_is_not_proposed_again_but_can_be_chosen(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    tell(public_line)
    hand = office("paulo")
    tip = hand.next()
    who = sign_in("gabi")
    leads, _ = offered(staff_line, open_tip(staff_line, who, bytes.fromhex(tip)))
    hand.post(f"/tips/{tip}/forward", lead=leads[0], reason="credible")
    (package,) = staff_line.desk.packages(staff_line.profile.inbox(leads[0]))
    told = outcomes.Outcome.told("not_ours")
    outcomes.record(staff_line, who.person.id, package, told, None, None)
    opened = open_tip(staff_line, who, bytes.fromhex(tip))
    again, _ = offered(staff_line, opened)
    assert leads[0] not in again and leads[0] in others(staff_line, opened)


def pass_on(office: Office, package: bytes, to: str) -> Hand:
    samuel = office("samuel")
    samuel.get(f"/inbox/{package.hex()}")
    assert samuel.post(f"/inbox/{package.hex()}/transfer", agency=to).status_code == 200
    return samuel


def test_passed_on_it_is_sealed_to_the_other_body_alone_with_its_days_renewed(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    receipt = tell(public_line)
    _, tip = send(office, mine(staff_line))
    (package,) = staff_line.desk.packages(mine(staff_line))
    staff_line.clock.advance(3 * 86_400)
    samuel = pass_on(office, package.id, "mprj")
    assert status(public_line, receipt) == "transferred"
    leave(staff_line)
    (passed,) = staff_line.desk.packages("mprj")
    assert passed.state == "sent" and passed.role == "lead" and passed.tip == package.tip
    assert passed.day == staff_line.clock.day() < passed.due
    (wrap,) = staff_line.tips.wraps([passed.id])
    assert wrap.recipient == "agency:mprj"
    there = samuel.get(f"/inbox/{package.id.hex()}")
    assert there.status_code == 410 and DRUGS not in samuel.html
    assert samuel.get(f"/inbox/{passed.id.hex()}").status_code == 404
    assert samuel.post(f"/inbox/{package.id.hex()}/outcome", outcome="arrest").status_code == 410
    jobs(staff_line)
    assert staff_line.tips.one(bytes.fromhex(tip)).state is State.FORWARDED


def answers(staff_line: StaffLine, office: Office, package: bytes, to: str) -> tuple[object, ...]:
    """Everything the passing body sees of its wish."""
    samuel = pass_on(office, package, to)
    frame, rows = re.subn(r"<tbody>.*</tbody>", "", samuel.html, flags=re.S)
    (row,) = re.findall(rf"<tr>[^\n]*{package.hex()}[^\n]*</tr>", samuel.html)
    bare = [re.sub(r"[0-9a-f]{8,64}", "", one) for one in (frame, row)]
    return *bare, rows, state(staff_line, package)


def test_a_recused_body_gets_nothing_and_who_tried_cannot_tell(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    """Promise 5: the tip goes back to the desk, and the answer is what it is for any body."""
    seen, told = [], []
    for to in ("mprj", "pmerj", "corregedoria-pm-rj"):
        receipt = tell(public_line, BRIBE)
        _, tip = send(office, mine(staff_line), "ines")
        (package,) = staff_line.desk.packages_of(bytes.fromhex(tip))
        before = {p.id for p in staff_line.desk.packages(to)}
        seen.append(answers(staff_line, office, package.id, to))
        assert len(staff_line.outbox.counts()) == 1, "one errand, of either kind"
        jobs(staff_line)
        staff_line.clock.advance(31)
        arrived = {p.id for p in staff_line.desk.packages(to)} - before
        told.append((len(arrived), status(public_line, receipt)))
        row = staff_line.tips.one(bytes.fromhex(tip))
        assert row.state is (State.FORWARDED if arrived else State.WAITING)
    assert told == [(1, "transferred"), (0, "waiting"), (0, "waiting")]
    assert seen[0] == seen[1] == seen[2]
    for owner in ("pmerj", "corregedoria-pm-rj"):
        assert scorecard.cards(staff_line, None, owner) == []
        assert not any(w.recipient == f"agency:{owner}" for w in every_wrap(staff_line))


def opened_by_test(line: StaffLine, package: Package) -> dict[str, object]:
    """What is in a package of a body for which nobody of the demo works: by the officers' grant."""
    olga = SignIn(line)("olga")
    body = line.tips.body(package.id)
    (wrap,) = line.tips.wraps([package.id])
    key = line.access.open_wrap(olga, wrap, body)
    found: dict[str, object] = json.loads(open_body(key, body))
    return found


def every_wrap(line: StaffLine) -> list[Wrap]:
    with line.database.read() as connection:
        subjects = list(connection.execute(select(WrapRow.subject)).scalars())
    return line.tips.wraps(subjects)


def test_what_changed_since_it_was_sent_goes_to_the_desk_first(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    """A person reads what the reporter added before anybody else is told of the tip."""
    receipt = tell(public_line)
    _, tip = send(office, mine(staff_line))
    (package,) = staff_line.desk.packages(mine(staff_line))
    later = Contact(channel=Channel.WEB, text="Um homem de boné azul", language=Language.PT)
    public_line.pipeline.append(receipt.code, later)
    assert staff_line.tips.one(bytes.fromhex(tip)).state is State.FORWARDED, "no job ran yet"
    pass_on(office, package.id, "mprj")
    jobs(staff_line)
    assert staff_line.desk.packages("mprj") == []
    assert staff_line.tips.one(bytes.fromhex(tip)).state is State.WAITING


def test_only_bodies_with_an_inbox_are_found_and_none_twice(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line)
    send(office, mine(staff_line))
    (package,) = staff_line.desk.packages(mine(staff_line))
    samuel = office("samuel")
    path = f"/inbox/{package.id.hex()}/transfer"
    samuel.get(f"{path}?q=ministerio publico do estado")
    assert 'value="mprj"' in samuel.html, "found without its accents"
    samuel.get(path)
    assert f'value="{mine(staff_line)}"' not in samuel.html
    assert all(
        staff_line.profile.agency(found).receives
        for found in re.findall(r'name="agency" value="([^"]+)"', samuel.html)
    )
    for nobody in ("", "nobody", "estado-rj", mine(staff_line)):
        assert samuel.post(path, agency=nobody).status_code == 422
    assert state(staff_line, package.id) == "opened"
    samuel.post(f"/inbox/{package.id.hex()}/outcome", outcome="arrest")
    assert samuel.post(path, agency="mprj").status_code == 409


def test_passed_on_again_by_the_next_body_it_is_checked_again(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    """The other body's package holds what the first one's held, sealed to it alone."""
    tell(public_line, BRIBE)
    send(office, "mprj", "ines")
    (package,) = staff_line.desk.packages("mprj")
    samuel = staff_line.access.people.named("samuel")
    ours = samuel.agency
    document = opened_by_test(staff_line, package)
    assert "pmerj" not in json.dumps(document), "whom it implicates is sealed inside as well"
    passing = transfer.resealed(staff_line, package.day, document, package.tip, ours)
    assert passing.wrap.recipient == f"agency:{ours}" and passing.id != package.id
    assert not transfer.may_pass(staff_line, document, package.tip, "pmerj")
    assert not transfer.may_pass(staff_line, document, package.tip, "corregedoria-pm-rj")
    assert not transfer.may_pass(staff_line, document, package.tip, "mprj"), "has it already"
    assert transfer.may_pass(staff_line, document, package.tip, ours)
    other = {**document, "guard": None}
    assert not transfer.may_pass(staff_line, other, package.tip, ours)


def test_the_score_counts_each_package_once_and_the_last_word(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    ours = mine(staff_line)
    for _ in range(3):
        tell(public_line)
        send(office, ours)
        staff_line.clock.advance(31)
    first, second, _third = sorted(staff_line.desk.packages(ours), key=lambda p: p.id)
    samuel = office("samuel")
    path = f"/inbox/{first.id.hex()}"
    for _ in range(2):
        samuel.post(f"{path}/receipt")
    for outcome in ("under_investigation", "unfounded", "arrest", "arrest"):
        samuel.post(f"{path}/outcome", outcome=outcome)
    staff_line.clock.advance(5 * 86_400)
    samuel = office("samuel")
    samuel.post(f"/inbox/{second.id.hex()}/outcome", outcome="not_ours")
    (card,) = scorecard.cards(staff_line, None, ours)
    assert (card.received, card.confirmed, card.in_time) == (3, 2, 1)
    assert dict(card.outcomes) == {"under_investigation": 1, "arrest": 1, "not_ours": 1}
    assert (card.confirm, card.answer) == ("0-1", "0-1")
    assert card.month == first.day[:7]


def test_who_sees_the_score(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    """Each its own: never a count of an integrity desk to anybody without its key."""
    tell(public_line, BRIBE)
    send(office, "mprj", "ines")
    tell(public_line)
    send(office, mine(staff_line))
    cards = {}
    for name in ("olga", "samuel"):
        queues, agency = scorecard.visible(staff_line, sign_in(name))
        cards[name] = [card.agency for card in scorecard.cards(staff_line, queues, agency)]
    assert cards == {"olga": [mine(staff_line)], "samuel": [mine(staff_line)]}
    staff_line.clock.advance(31)
    for name in ("sofia", "olga", "samuel"):
        hand = office(name)
        assert hand.get("/scorecard").status_code == 200
        assert staff_line.profile.agency(mine(staff_line)).name in hand.html
    assert office("paulo").get("/scorecard").status_code == 404


def test_the_command_tells_the_score_and_no_integrity_desk(
    public_line: PublicLine,
    staff_line: StaffLine,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell(public_line, BRIBE)
    send(office, "mprj", "ines")
    tell(public_line)
    send(office, mine(staff_line))
    monkeypatch.setattr("hotline.settings.load", lambda: staff_line.settings)
    since = ["--since", "2026-01"]
    done = CliRunner().invoke(agency, ["scorecard", "--json", *since])
    assert done.exit_code == 0, done.output
    assert [card["agency"] for card in json.loads(done.output)] == [mine(staff_line)]
    plain = CliRunner().invoke(agency, ["scorecard", "--agency", mine(staff_line), *since])
    assert "received 1" in plain.output
    assert CliRunner().invoke(agency, ["scorecard", "--since", "March"]).exit_code != 0
