"""Two people at the console: one asks, the other approves, nobody does alone what needs both."""

from __future__ import annotations

import json
import re

import pytest

from hotline.assembly import StaffLine
from hotline.demo import PASSPHRASE
from hotline.triage.approvals import Deed, Request
from tests.conftest import MovableClock
from tests.desk import Hand, Office

SPECIAL, PLAIN = "queue:gbv:BR-RJ", "queue:general:BR-RJ"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def again(office: Office, name: str, clock: MovableClock) -> dict[str, str]:
    """What the form asks for once more; a code works once, so half a minute passes first."""
    clock.advance(30)
    return {"passphrase": PASSPHRASE, "code": office.codes.code(name)}


def give(hand: Hand, line: StaffLine, to: str, queue: str, **more: str) -> int:
    person = line.access.people.named(to).id.hex()
    fields = {"person": person, "recipient": queue, "reason": "new_member", **more}
    return hand.post("/officers/queue", **fields).status_code


def only(line: StaffLine) -> Request:
    (one,) = line.approvals.open()
    return one


def buttons(hand: Hand) -> list[str]:
    return re.findall(r'formaction="/requests/[0-9a-f]{32}/(\w+)"', hand.html)


def test_an_ordinary_queue_is_given_by_one_who_proves_who_they_are(
    office: Office, staff_line: StaffLine, clock: MovableClock
) -> None:
    olga, ines = office("olga"), staff_line.access.people.named("ines")
    olga.get("/officers")
    assert give(olga, staff_line, "ines", PLAIN) == 401
    wrong = again(office, "olga", clock) | {"passphrase": "not the passphrase of olga"}
    assert give(olga, staff_line, "ines", PLAIN, **wrong) == 401
    assert staff_line.keys.of(ines.id, PLAIN) == []
    olga.get("/officers")
    assert give(olga, staff_line, "ines", PLAIN, **again(office, "olga", clock)) == 200
    assert 'role="status"' in olga.html
    assert len(staff_line.keys.of(ines.id, PLAIN)) == 12
    assert staff_line.approvals.open() == []


def test_a_special_queue_becomes_a_request_that_the_other_approves(
    office: Office, staff_line: StaffLine, clock: MovableClock
) -> None:
    olga, otavio, sofia = office("olga"), office("otavio"), office("sofia")
    ines = staff_line.access.people.named("ines")
    olga.get("/officers")
    assert give(olga, staff_line, "ines", SPECIAL, **again(office, "olga", clock)) == 200
    asked = only(staff_line)
    assert (asked.deed, asked.reason, asked.state) == (Deed.OPEN_QUEUE, "new_member", "asked")
    assert staff_line.keys.of(ines.id, SPECIAL) == []
    assert buttons(olga) == ["withdraw"]

    path = f"/requests/{asked.id.hex()}"
    own = olga.post(f"{path}/approve", **again(office, "olga", clock))
    assert own.status_code == 403
    sofia.get("/requests")
    assert asked.id.hex() not in sofia.html, "supervisors decide about tips only"
    assert sofia.post(f"{path}/approve", **again(office, "sofia", clock)).status_code == 404

    otavio.get("/officers")
    assert re.search(r'href="/requests"[^>]*>\w+ \(1<span', otavio.html), "it waits for Otávio"
    otavio.get("/requests")
    assert buttons(otavio) == ["approve", "refuse"]
    assert "ines" in otavio.html and "olga" in otavio.html
    assert otavio.post(f"{path}/approve").status_code == 401
    assert only(staff_line).state == "asked"
    otavio.get("/requests")
    done = otavio.post(f"{path}/approve", **again(office, "otavio", clock))
    assert done.status_code == 200
    assert len(staff_line.keys.of(ines.id, SPECIAL)) == 12
    assert staff_line.approvals.open() == []
    staff_line.audit.sequence()
    told = [json.loads(one) for one in staff_line.audit.records()]
    mine = [one["event"] for one in told if one.get("request") == asked.id.hex()]
    assert sorted(mine) == ["granted", "request_approved", "request_asked", "request_done"]


def test_what_the_approver_cannot_do_the_asker_carries_out(
    office: Office, staff_line: StaffLine, clock: MovableClock
) -> None:
    otavio = staff_line.access.people.named("otavio")
    paulo = staff_line.access.people.named("paulo")
    staff_line.keys.revoke(otavio.id, SPECIAL)
    first, second = office("olga"), office("otavio")
    first.get("/officers")
    give(first, staff_line, "paulo", SPECIAL, **again(office, "olga", clock))
    path = f"/requests/{only(staff_line).id.hex()}"
    second.get("/requests")
    second.post(f"{path}/approve", **again(office, "otavio", clock))
    assert only(staff_line).state == "approved"
    assert buttons(second) == ["carry", "refuse"]
    assert second.post(f"{path}/carry", **again(office, "otavio", clock)).status_code == 409
    assert staff_line.keys.of(paulo.id, SPECIAL) == []
    first.get("/requests")
    assert buttons(first) == ["carry", "withdraw"]
    assert first.post(f"{path}/carry").status_code == 401
    first.get("/requests")
    assert first.post(f"{path}/carry", **again(office, "olga", clock)).status_code == 200
    assert len(staff_line.keys.of(paulo.id, SPECIAL)) == 12
    first.get("/requests")
    assert first.post(f"{path}/carry", **again(office, "olga", clock)).status_code == 403


def test_requests_are_refused_and_withdrawn(
    office: Office, staff_line: StaffLine, clock: MovableClock
) -> None:
    olga, otavio = office("olga"), office("otavio")
    for hand, name, step in ((otavio, "otavio", "refuse"), (olga, "olga", "withdraw")):
        olga.get("/officers")
        give(olga, staff_line, "paulo", SPECIAL, **again(office, "olga", clock))
        path = f"/requests/{only(staff_line).id.hex()}/{step}"
        hand.get("/requests")
        assert hand.post(path).status_code == 401
        hand.get("/requests")
        assert hand.post(path, **again(office, name, clock)).status_code == 200
        assert staff_line.approvals.open() == []


def test_what_is_done_on_the_command_line_is_only_approved_here(
    office: Office, staff_line: StaffLine, clock: MovableClock
) -> None:
    olga, otavio = staff_line.access.people.named("olga"), office("otavio")
    asked = staff_line.approvals.ask(olga.id, Deed.RULES, {"digest": "ab" * 32}, "rules_changed")
    otavio.get("/requests")
    assert "ab" * 6 in otavio.html
    path = f"/requests/{asked.id.hex()}"
    otavio.post(f"{path}/approve", **again(office, "otavio", clock))
    assert only(staff_line).state == "approved"
    assert 'class="warn"' in otavio.html
    assert buttons(otavio) == ["refuse"]
    assert otavio.post(f"{path}/carry", **again(office, "otavio", clock)).status_code == 404


def test_only_what_is_offered_is_given(office: Office, staff_line: StaffLine) -> None:
    olga, gone = office("olga"), staff_line.access.people.named("paulo")
    staff_line.access.people.change(gone.id, active=False)
    for change, status in (
        ({"person": "00" * 16}, 422),
        ({"person": gone.id.hex()}, 422),
        ({"person": "nobody"}, 404),
        ({"recipient": "queue:nothing"}, 422),
        ({"recipient": "agency:semsp-3304904"}, 422),
        ({"reason": "because"}, 422),
        ({"reason": ""}, 422),
    ):
        olga.get("/officers")
        assert give(olga, staff_line, "gabi", SPECIAL, **change) == status, change
    assert staff_line.approvals.open() == []


def test_nobody_else_sees_requests(office: Office, staff_line: StaffLine) -> None:
    for name in ("paulo", "samuel", "ana"):
        assert office(name).get("/requests").status_code == 404


def test_with_one_officer_the_line_is_not_ready_and_nothing_is_asked(
    office: Office, staff_line: StaffLine, clock: MovableClock
) -> None:
    olga = office("olga")
    olga.get("/officers")
    assert re.search(r'<li class="good"><strong>Duas pessoas', olga.html)
    otavio = staff_line.access.people.named("otavio")
    staff_line.access.people.change(otavio.id, active=False)
    olga.get("/officers")
    assert re.search(r'<li class="bad"><strong>Duas pessoas', olga.html)
    assert give(olga, staff_line, "paulo", SPECIAL, **again(office, "olga", clock)) == 409
    assert staff_line.approvals.open() == []


def test_an_officer_certifies_others_and_not_themselves(
    office: Office, staff_line: StaffLine, clock: MovableClock
) -> None:
    olga = office("olga")
    for name, status in (("olga", 403), ("otavio", 200)):
        olga.get("/officers")
        person = staff_line.access.people.named(name)
        fields = {"kind": "gbv", "until": "2099-12-31", **again(office, "olga", clock)}
        done = olga.post(f"/certificates/{person.id.hex()}", **fields)
        assert done.status_code == status
        found = staff_line.access.people.certificates(person.id)["gbv"]
        assert (found == "2099-12-31") is (status == 200)
