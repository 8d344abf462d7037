"""Two people at the console: one asks that a tip be held or erased, the other decides it."""

from __future__ import annotations

import re

import pytest

from hotline.assembly import PublicLine, StaffLine
from hotline.demo import PASSPHRASE
from hotline.store.people import Person
from hotline.tips import Channel, Contact, State
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.promises.ground import read_once  # noqa: F401 - a fixture

DRUGS = "Boca de fumo na rua das Acácias em Niterói, RJ, toda noite"


@pytest.fixture
def tip(public_line: PublicLine, staff_line: StaffLine) -> str:
    public_line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS))
    (row,) = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    return row.id.hex()


def person(line: StaffLine, name: str) -> Person:
    found = line.access.people.named(name)
    assert found is not None
    return found


def prove(office: Office, clock: MovableClock, name: str) -> dict[str, str]:
    """What a special form asks again; each code works once."""
    clock.advance(31)
    return {"passphrase": PASSPHRASE, "code": office.codes.code(name)}


def decide(office: Office, clock: MovableClock, hand: Hand, name: str) -> str:
    """Approves the only request; where that leads."""
    hand.get("/requests")
    (asked,) = set(re.findall(r"/requests/([0-9a-f]{32})/approve", hand.html))
    page = hand.post(f"/requests/{asked}/approve", **prove(office, clock, name))
    assert page.status_code == 200
    return page.request.args.get("done", "")


def test_a_hold_then_its_lifting_then_an_early_erasure(
    tip: str, staff_line: StaffLine, clock: MovableClock
) -> None:
    office = Office.of(staff_line)
    asker, second = "sofia", "olga"
    # Who lifts a hold holds the hold key and belongs to the desk: here the officer does both.
    staff_line.access.people.change(person(staff_line, second).id, roles="officer,supervisor")
    sofia, olga = office(asker), office(second)
    for deed, reason, done in (
        ("hold", "proceedings", "request_done"),
        ("lift", "proceedings_over", "request_done"),
        ("erase", "points_to_reporter", "request_done"),
    ):
        sofia.get(f"/tips/{tip}")
        if f'id="{deed}"' in sofia.html:
            asking, name, other, theirs = sofia, asker, olga, second
        else:
            raise AssertionError(f"the page does not offer to {deed}")
        page = asking.post(
            f"/tips/{tip}/request/{deed}", reason=reason, **prove(office, clock, name)
        )
        assert "done=requested" in page.request.url
        assert "/requests" in asking.html
        assert f'id="{deed}"' not in asking.html, "it is not asked twice"
        assert decide(office, clock, other, theirs) == done
        sofia.get(f"/tips/{tip}")
        assert ('class="warn">This' in sofia.html or "guarda judicial. Não" in sofia.html) is (
            deed == "hold"
        )
    assert sofia.get(f"/tips/{tip}").status_code == 404
    assert staff_line.audit.count("shredded") == 1


def test_an_operator_sees_nothing_of_it(
    tip: str, staff_line: StaffLine, clock: MovableClock
) -> None:
    office = Office.of(staff_line)
    paulo = office("paulo")
    paulo.get(f"/tips/{tip}")
    assert 'id="ending"' not in paulo.html
    prepared = {"reason": "court_order", **prove(office, clock, "paulo")}
    assert paulo.post(f"/tips/{tip}/request/erase", **prepared).status_code in (403, 404)
    assert staff_line.approvals.open() == []


@pytest.mark.parametrize(
    ("deed", "fields", "status"),
    [
        ("erase", {"reason": "court_order", "passphrase": "wrong", "code": "000000"}, 401),
        ("erase", {"reason": "because"}, 422),
        ("publish", {"reason": "court_order"}, 404),
    ],
)
def test_what_is_asked_wrongly_is_not_asked(
    tip: str,
    staff_line: StaffLine,
    clock: MovableClock,
    deed: str,
    fields: dict[str, str],
    status: int,
) -> None:
    office = Office.of(staff_line)
    sofia = office("sofia")
    sofia.get(f"/tips/{tip}")
    given = prove(office, clock, "sofia") | fields
    assert sofia.post(f"/tips/{tip}/request/{deed}", **given).status_code == status
    assert staff_line.approvals.open() == []
