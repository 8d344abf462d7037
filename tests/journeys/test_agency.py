"""An agency's inbox: what was sent to it, receipt, outcome, and what the reporter sees of it."""

from __future__ import annotations

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery import agencies
from hotline.delivery.outcomes import OUTCOME_NAMES
from hotline.errors import NotAllowed
from hotline.intake.thread import Receipt
from hotline.tips import Channel, Contact, Language
from hotline.triage.messages import OUTCOMES, STATUSES
from tests.desk import Hand, Office
from tests.line import SignIn

DRUGS = "Venda de drogas na praça em Niterói, RJ, toda noite"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def tell(line: PublicLine) -> Receipt:
    contact = Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT)
    return line.pipeline.receive(contact)


def send(office: Office, agency: str) -> Hand:
    hand = office("paulo")
    tip = hand.next()
    answer = hand.post(f"/tips/{tip}/forward", other=agency, reason="credible")
    assert answer.status_code == 200
    return hand


def inbox_of(line: StaffLine, name: str) -> str:
    person = line.access.people.named(name)
    assert person is not None
    return line.profile.inbox(person.agency)


def test_a_package_is_marked_unverified_and_has_a_due_day(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line)
    mine = inbox_of(staff_line, "samuel")
    send(office, mine)
    samuel = office("samuel")
    (package,) = staff_line.desk.packages(mine)
    assert package.state == "sent"
    samuel.get("/inbox")
    assert package.id.hex() in samuel.html and package.due in samuel.html
    assert 'class="banner"' in samuel.html
    samuel.get(f"/inbox/{package.id.hex()}")
    assert DRUGS in samuel.html and 'class="banner"' in samuel.html
    assert 'lang="pt-BR"' in samuel.html
    opened = staff_line.desk.package(package.id)
    assert opened is not None and opened.state == "opened"
    assert package.due > package.day


def test_a_package_holds_nothing_that_leads_to_the_desk_or_the_reporter(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    receipt = tell(public_line)
    mine = inbox_of(staff_line, "samuel")
    send(office, mine)
    (package,) = staff_line.desk.packages(mine)
    opened = agencies.open_package(staff_line, sign_in("samuel"), package.id)
    assert opened.document["status"] == "UNVERIFIED"
    assert set(opened.document["reply"]) == {"lookup", "key", "salt"}
    text = str(opened.document)
    assert receipt.code not in text
    assert package.tip.hex() not in text
    assert "observation" not in text and "general:" not in text


def test_another_agencys_package_does_not_exist(
    public_line: PublicLine, staff_line: StaffLine, office: Office, sign_in: SignIn
) -> None:
    tell(public_line)
    send(office, "mprj")
    samuel = office("samuel")
    (package,) = staff_line.desk.packages("mprj")
    assert samuel.get("/inbox").get_data(as_text=True).count(package.id.hex()[:8]) == 0
    there = samuel.get(f"/inbox/{package.id.hex()}")
    nowhere = samuel.get(f"/inbox/{bytes(16).hex()}")
    assert there.status_code == nowhere.status_code == 404
    assert there.get_data() == nowhere.get_data()
    path = f"/inbox/{package.id.hex()}"
    assert samuel.post(f"{path}/outcome", outcome="arrest").status_code == 404
    with pytest.raises(NotAllowed):
        agencies.open_package(staff_line, sign_in("gabi"), package.id)
    still = staff_line.desk.package(package.id)
    assert still is not None and still.state == "sent"


def test_receipt_is_confirmed_once_and_never_taken_back(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    receipt = tell(public_line)
    mine = inbox_of(staff_line, "samuel")
    send(office, mine)
    samuel = office("samuel")
    (package,) = staff_line.desk.packages(mine)
    path = f"/inbox/{package.id.hex()}"
    samuel.post(f"{path}/receipt")
    assert public_line.pipeline.follow_up(receipt.code).status == "confirmed"
    samuel.post(f"{path}/outcome", outcome="seizure")
    samuel.post(f"{path}/receipt")
    assert public_line.pipeline.follow_up(receipt.code).status == "seizure"
    done = staff_line.desk.package(package.id)
    assert done is not None and done.state == "answered"


def test_every_outcome_becomes_a_sentence_for_the_reporter(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    assert set(OUTCOME_NAMES) == set(OUTCOMES) <= set(STATUSES)
    receipt = tell(public_line)
    mine = inbox_of(staff_line, "samuel")
    send(office, mine)
    samuel = office("samuel")
    (package,) = staff_line.desk.packages(mine)
    path = f"/inbox/{package.id.hex()}/outcome"
    for outcome in OUTCOMES:
        samuel.post(path, outcome=outcome)
        assert public_line.pipeline.follow_up(receipt.code).status == outcome
    assert samuel.post(path, outcome="gossip").status_code == 422


def test_outcomes_leave_marks_that_name_the_person_and_no_outcome(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line)
    mine = inbox_of(staff_line, "samuel")
    send(office, mine)
    samuel = office("samuel")
    (package,) = staff_line.desk.packages(mine)
    samuel.post(f"/inbox/{package.id.hex()}/outcome", outcome="arrest")
    staff_line.audit.sequence()
    by = staff_line.access.people.named("samuel").id.hex()
    records = [r for r in staff_line.audit.records() if package.id.hex() in r and by in r]
    assert sum('"package_opened"' in record for record in records) == 1
    assert sum('"outcome_recorded"' in record for record in records) == 1
    assert not any("arrest" in record for record in records)


def test_a_page_to_print_says_unverified_and_leaves_a_mark(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line)
    mine = inbox_of(staff_line, "samuel")
    send(office, mine)
    samuel = office("samuel")
    (package,) = staff_line.desk.packages(mine)
    path = f"/inbox/{package.id.hex()}"
    samuel.get(path)
    assert f'href="{path}/print"' in samuel.html
    samuel.get(f"{path}/print")
    assert DRUGS in samuel.html and 'class="banner"' in samuel.html
    assert "<script" not in samuel.html and "<form" not in samuel.html
    staff_line.audit.sequence()
    by = staff_line.access.people.named("samuel").id.hex()
    records = [r for r in staff_line.audit.records() if package.id.hex() in r and by in r]
    assert sum('"package_printed"' in record for record in records) == 1
