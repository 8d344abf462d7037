"""Who was harmed: an operator reads it in a tip, statistics count it, and nobody else learns it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from hotline.analysis.domain import Domain
from hotline.analysis.observations import count
from hotline.analysis.policy import Policy
from hotline.assembly import PublicLine, StaffLine
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.store.tables import AuditRow, BodyRow, ObservationRow
from hotline.tips import Channel, Contact, Language
from hotline.triage.arming import held
from hotline.triage.pages.door import DONE
from hotline.triage.victims import FIELDS, lists
from hotline.vault import format as fmt
from hotline.vault.envelope import OBSERVATION_BYTES, STATISTICS
from hotline.vault.keys import open_small
from hotline.web.i18n import say
from tests.desk import Hand, Office
from tests.line import SignIn

MARCH = "2026-03"
TEXT = "Um homem armado assalta estudantes na praça de Niterói, RJ, toda noite"
FACTS = {
    "victim_sex": "several",
    "victim_age": "adolescent",
    "victim_ethnicity": "indigenous",
    "weapon": "unspecified",
}


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


@pytest.fixture
def paulo(public_line: PublicLine, office: Office) -> tuple[Hand, str]:
    """An operator, and the tip that he reads."""
    contact = Contact(channel=Channel.WEB, text=TEXT, language=Language.PT)
    public_line.pipeline.receive(contact)
    hand = office("paulo")
    return hand, hand.next()


@dataclass(frozen=True)
class Count:
    """The one sealed count of the line, opened by an officer's key."""

    line: StaffLine
    seed: bytes

    def sealed(self) -> bytes:
        return self._row()[1]

    def says(self) -> dict[str, object]:
        identity, sealed = self._row()
        raw = open_small(self.seed, fmt.COUNT, identity, STATISTICS, MARCH, sealed)
        found: dict[str, object] = json.loads(raw)
        return found

    def facts(self) -> dict[str, object]:
        said = self.says()
        return {name: said[name] for name in FIELDS}

    def _row(self) -> tuple[bytes, bytes]:
        with self.line.database.read() as connection:
            row = connection.execute(select(ObservationRow.id, ObservationRow.sealed)).one()
        return row.id, row.sealed


@pytest.fixture
def its(staff_line: StaffLine) -> Count:
    olga = SignIn(staff_line)("olga")
    return Count(staff_line, held(staff_line, olga.person, olga.seed, MARCH)[0])


def chosen(hand: Hand) -> dict[str, str]:
    """What the form shows as known."""
    found = {}
    for name in FIELDS:
        part = hand.html.partition(f'<select id="{name}"')[2].partition("</select>")[0]
        (found[name],) = re.findall(r'value="(\w+)" selected', part)
    return found


def test_what_is_read_is_counted(its: Count, paulo: tuple[Hand, str]) -> None:
    hand, tip = paulo
    assert chosen(hand) == dict.fromkeys(FIELDS, "unknown")
    before, said = its.sealed(), its.says()
    assert its.facts() == dict.fromkeys(FIELDS, "unknown")
    hand.post(f"/tips/{tip}/victim", **FACTS)
    assert say(Language.PT, DONE["victim_described"]) in hand.html
    assert chosen(hand) == FACTS
    told = its.says()
    assert told == said | FACTS
    assert len(its.sealed()) == len(before), "a count tells nothing by its length"
    types = Types.load()
    domain = Domain.of("BR", Places.load("BR"), types, types.version, Policy.load())
    table = count([json.dumps(told).encode()], domain, Policy.load(), MARCH).sides
    for name, value in FACTS.items():
        assert table[name][..., lists()[name].index(value)].sum() == 1


def test_it_stays_when_the_tip_is_decided(its: Count, paulo: tuple[Hand, str]) -> None:
    hand, tip = paulo
    hand.post(f"/tips/{tip}/victim", **FACTS)
    hand.post(f"/tips/{tip}/correct", type=["PRP-01", ""], place="Niterói, RJ")
    hand.get(f"/tips/{tip}")
    hand.post(f"/tips/{tip}/note", text="Lida.")
    hand.get(f"/tips/{tip}")
    assert chosen(hand) == FACTS
    lead = re.findall(r'name="lead" value="([^"]+)"', hand.html)[0]
    reason = re.findall(r'name="reason" value="([^"]+)"', hand.html)[0]
    hand.post(f"/tips/{tip}/forward", lead=[lead], reason=reason)
    told = its.says()
    assert told["outcome"] == "forwarded" and told["type"] == "PRP-01"
    assert its.facts() == FACTS


@pytest.mark.parametrize("wrong", [{"victim_age": "nine"}, {"weapon": "firearm; x"}])
def test_only_what_is_in_the_lists(
    its: Count, paulo: tuple[Hand, str], wrong: dict[str, str]
) -> None:
    hand, tip = paulo
    assert hand.post(f"/tips/{tip}/victim", **FACTS | wrong).status_code == 422
    assert its.facts() == dict.fromkeys(FIELDS, "unknown")


def test_two_people_do_not_write_over_each_other(paulo: tuple[Hand, str]) -> None:
    hand, tip = paulo
    assert hand.post(f"/tips/{tip}/victim", **FACTS).status_code in (200, 303)
    stale = hand.post(f"/tips/{tip}/victim", **FACTS | {"victim_sex": "male", "version": "1"})
    assert stale.status_code == 409
    hand.get(f"/tips/{tip}")
    assert chosen(hand) == FACTS


def test_nothing_but_the_tip_and_its_count_says_it(
    staff_line: StaffLine, paulo: tuple[Hand, str]
) -> None:
    """The record says that it was done, never what; both places are sealed."""
    hand, tip = paulo
    hand.post(f"/tips/{tip}/victim", **FACTS)
    codes = [value.encode() for value in FACTS.values()]
    with staff_line.database.read() as connection:
        records = [str(row) for row in connection.execute(select(AuditRow.__table__))]
        sealed = list(connection.execute(select(BodyRow.sealed)).scalars())
        sealed += list(connection.execute(select(ObservationRow.sealed)).scalars())
    assert any("victim_described" in record for record in records)
    assert not any(code.decode() in record for record in records for code in codes)
    assert not any(code in raw for raw in sealed for code in codes)


def test_every_combination_fits_a_count() -> None:
    longest = {name: max(values, key=len) for name, values in lists().items()}
    row = {
        "month": MARCH,
        "municipality": "BR:IBGE:3304557",
        "state": "BR-RJ",
        "type": "ORG-01",
        "acts": ["ORG-01", "GBV-01", "PRP-01"],
        "channel": "operator",
        "language": "pt",
        **longest,
        "outcome": "forwarded",
        "integrity": False,
    }
    assert len(json.dumps(row)) < OBSERVATION_BYTES - 64
