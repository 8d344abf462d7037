"""What nobody may do alone: a second person approves, in time, once, for exactly those facts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hotline.errors import HotlineError, NotAllowed
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.people import People, Person
from hotline.triage.approvals import (
    APPROVAL_SECONDS,
    Approvals,
    Deed,
    NotApproved,
    Request,
    RequestOver,
    SamePerson,
    TwoNeeded,
)
from hotline.vault.small import random_id
from tests.conftest import MovableClock

DIGEST = {"digest": "ab" * 32}


class Office:
    """People and their approvals over one database, as one process sees it."""

    def __init__(self, url: str, clock: MovableClock) -> None:
        self.database, self.clock = Database(url), clock
        self.people = People(self.database)
        self.approvals = Approvals(self.database, self.people, clock)

    def enrol(self, name: str, *roles: str) -> bytes:
        person = Person(random_id(), name, roles, "", "pt", b"", b"", b"", b"")
        self.people.add(person)
        return person.id

    def spend(self, by: bytes, facts: dict[str, str] = DIGEST, deed: Deed = Deed.RULES) -> Request:
        return self.database.write(lambda c: self.approvals.spend(c, deed, facts, by))

    def told(self) -> list[tuple[str, str]]:
        """Events and who made them, from the audit."""
        log = AuditLog(self.database)
        log.sequence()
        records = [json.loads(record) for record in log.records()]
        return sorted((one["event"], one["by"]) for one in records)


@pytest.fixture
def office(migrated_url: str, clock: MovableClock) -> Iterator[Office]:
    office = Office(migrated_url, clock)
    yield office
    office.database.close()


@pytest.fixture
def other(migrated_url: str, clock: MovableClock) -> Iterator[Office]:
    """Another process over the same database."""
    office = Office(migrated_url, clock)
    yield office
    office.database.close()


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Results or errors of calls that begin in the same instant."""
    start = threading.Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return call()
        except HotlineError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_one_asks_another_approves_and_either_spends_it_once(office: Office) -> None:
    ana, bia, caio = (office.enrol(name, "officer") for name in ("ana", "bia", "caio"))
    asked = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
    assert (asked.state, asked.facts, asked.approver) == ("asked", DIGEST, None)
    with pytest.raises(NotApproved):
        office.spend(ana)
    with pytest.raises(SamePerson):
        office.approvals.approve(ana, asked.id)
    approved = office.approvals.approve(bia, asked.id)
    assert (approved.state, approved.approver) == ("approved", bia)
    assert office.approvals.open() == [approved]
    with pytest.raises(NotApproved):
        office.spend(caio)
    assert office.spend(bia).state == "done"
    for by in (ana, bia):
        with pytest.raises(NotApproved):
            office.spend(by)
    assert office.approvals.open() == []
    assert office.told() == [
        ("request_approved", bia.hex()),
        ("request_asked", ana.hex()),
        ("request_done", bia.hex()),
    ]


def test_audit_records_name_the_request_and_no_facts(office: Office) -> None:
    ana, _ = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    asked = office.approvals.ask(ana, Deed.ERASE, {"tip": "cd" * 16}, "reporter_asked")
    log = AuditLog(office.database)
    log.sequence()
    record = json.loads(log.records()[0])
    assert record.pop("id") and record.pop("at")
    assert record == {
        "event": "request_asked",
        "request": asked.id.hex(),
        "deed": "erase",
        "by": ana.hex(),
    }


def test_of_two_who_approve_at_once_one_did(office: Office, other: Office) -> None:
    ana, bia, caio = (office.enrol(name, "officer") for name in ("ana", "bia", "caio"))
    for _ in range(5):
        asked = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
        found = at_once(
            lambda asked=asked: office.approvals.approve(bia, asked.id),
            lambda asked=asked: other.approvals.approve(caio, asked.id),
        )
        won = [one for one in found if isinstance(one, Request)]
        assert [type(one) for one in found if one not in won] == [RequestOver]
        assert office.approvals.get(asked.id) == won[0]
    assert [event for event, _ in office.told()].count("request_approved") == 5


def test_of_two_who_spend_at_once_one_did(office: Office, other: Office) -> None:
    ana, bia = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    for _ in range(5):
        asked = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
        office.approvals.approve(bia, asked.id)
        found = at_once(*[lambda: office.spend(ana), lambda: other.spend(bia)] * 2)
        assert [type(one) for one in found].count(Request) == 1
        assert [type(one) for one in found].count(NotApproved) == 3
    assert [event for event, _ in office.told()].count("request_done") == 5


def test_two_equal_requests_are_two_approvals(office: Office) -> None:
    ana, bia = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    for _ in range(2):
        asked = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
        office.approvals.approve(bia, asked.id)
    assert office.spend(ana).id != office.spend(ana).id
    with pytest.raises(NotApproved):
        office.spend(ana)


def test_three_days_are_the_whole_life_of_a_request(office: Office, clock: MovableClock) -> None:
    ana, bia = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    in_time, late, unspent = (
        office.approvals.ask(ana, Deed.RULES, {"digest": text}, "agreed_change")
        for text in ("one", "two", "three")
    )
    clock.advance(APPROVAL_SECONDS)
    for one in (in_time, unspent):
        office.approvals.approve(bia, one.id)
    office.spend(ana, in_time.facts)
    clock.advance(1)
    with pytest.raises(NotApproved):
        office.spend(ana, unspent.facts)
    for step in (office.approvals.approve, office.approvals.refuse):
        with pytest.raises(RequestOver):
            step(bia, late.id)
    with pytest.raises(RequestOver):
        office.approvals.withdraw(ana, late.id)
    assert office.approvals.open() == []
    fresh = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
    assert office.approvals.forget() == 3, "what can no longer happen is forgotten"
    assert office.approvals.open() == [fresh]


@pytest.mark.parametrize("change", [{"active": False}, {"roles": "operator,supervisor"}])
@pytest.mark.parametrize("who", ["ana", "bia"])
def test_who_left_meanwhile_no_longer_counts(office: Office, who: str, change: dict) -> None:
    ana, bia = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    caio = office.enrol("caio", "officer")
    asked = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
    waiting = office.approvals.ask(ana, Deed.RULES, {"digest": "two"}, "agreed_change")
    office.approvals.approve(bia, asked.id)
    office.people.change({"ana": ana, "bia": bia}[who], **change)
    for by in (ana, bia):
        with pytest.raises(NotApproved):
            office.spend(by)
    if who == "ana":
        with pytest.raises(RequestOver):
            office.approvals.approve(caio, waiting.id)
    else:
        with pytest.raises(NotAllowed):
            office.approvals.approve(bia, waiting.id)
        assert office.approvals.approve(caio, waiting.id).approver == caio


def test_an_approval_is_for_its_facts_and_its_deed_alone(office: Office) -> None:
    ana, bia = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    facts = {"tip": "cd" * 16}
    office.approvals.approve(bia, office.approvals.ask(ana, Deed.HOLD, facts, "court_order").id)
    for deed, other in ((Deed.HOLD, {"tip": "ce" * 16}), (Deed.ERASE, facts), (Deed.LIFT, facts)):
        with pytest.raises(NotApproved):
            office.spend(ana, other, deed)
    assert office.spend(ana, facts, Deed.HOLD).deed is Deed.HOLD


def test_a_deed_that_fails_leaves_its_approval(office: Office) -> None:
    ana, bia = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    asked = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
    office.approvals.approve(bia, asked.id)

    def deed(connection: Any) -> None:
        office.approvals.spend(connection, Deed.RULES, DIGEST, ana)
        raise RequestOver

    with pytest.raises(RequestOver):
        office.database.write(deed)
    assert ("request_done", ana.hex()) not in office.told()
    assert office.spend(ana).state == "done"


def test_one_alone_cannot_even_ask(office: Office) -> None:
    ana = office.enrol("ana", "officer")
    gone, sofia = office.enrol("gone", "officer"), office.enrol("sofia", "supervisor")
    office.people.change(gone, active=False)
    with pytest.raises(TwoNeeded):
        office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
    for by in (gone, sofia, random_id()):
        with pytest.raises(NotAllowed):
            office.approvals.ask(by, Deed.RULES, DIGEST, "agreed_change")
    assert office.approvals.open() == []
    assert office.told() == []
    held = office.approvals.ask(sofia, Deed.HOLD, {"tip": "cd" * 16}, "court_order")
    assert office.approvals.approve(ana, held.id).state == "approved"


def test_roles_are_whole_words(office: Office) -> None:
    """'officer' within another role's name gives nothing."""
    ana, odd = office.enrol("ana", "officer"), office.enrol("odd", "officers", "subofficer")
    with pytest.raises(TwoNeeded):
        office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
    with pytest.raises(NotAllowed):
        office.approvals.ask(odd, Deed.RULES, DIGEST, "agreed_change")
    assert office.approvals.deciders(Deed.RULES) == {ana}


def test_refused_and_withdrawn_are_over(office: Office) -> None:
    ana, bia = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    operator = office.enrol("olavo", "operator")
    for end, by, state in (
        (office.approvals.refuse, bia, "refused"),
        (office.approvals.withdraw, ana, "withdrawn"),
    ):
        for approved in (False, True):
            asked = office.approvals.ask(ana, Deed.RULES, DIGEST, "agreed_change")
            if approved:
                office.approvals.approve(bia, asked.id)
            with pytest.raises(NotAllowed):
                end(operator, asked.id)
            with pytest.raises((SamePerson, NotAllowed)):
                end(ana if by == bia else bia, asked.id)
            assert end(by, asked.id).state == state
            with pytest.raises(RequestOver):
                end(by, asked.id)
            with pytest.raises(RequestOver):
                office.approvals.approve(bia, asked.id)
            with pytest.raises(NotApproved):
                office.spend(ana)
    with pytest.raises(NotAllowed):
        office.approvals.approve(bia, random_id())


@pytest.mark.parametrize(
    "facts", [{}, {"digest": ""}, {"digest": "a b"}, {**DIGEST, "tip": "cd"}, {"digest": "ã"}]
)
def test_facts_are_the_deeds_and_codes(office: Office, facts: dict[str, str]) -> None:
    ana, _ = office.enrol("ana", "officer"), office.enrol("bia", "officer")
    with pytest.raises(ValueError, match="facts"):
        office.approvals.ask(ana, Deed.RULES, facts, "agreed_change")
    with pytest.raises(ValueError, match="reason"):
        office.approvals.ask(ana, Deed.RULES, DIGEST, "Because he said so.")
