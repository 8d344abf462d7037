"""The queue in people's hands: capacity, lists and views, leases, presence, bulk, handover."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine
from hotline.intake.questions import of_type
from hotline.store.tables import AuditRow, HandoverRow, PreferenceRow, PresenceRow
from hotline.tips import Channel, Contact, Language, Priority, State
from hotline.triage.claims import ASSIGNED_SECONDS, HOLDS
from hotline.triage.pages import presence
from hotline.triage.pages.door import _KEPT, DONE
from hotline.web.i18n import say
from tests.conftest import MovableClock
from tests.desk import Hand, Office

DRUGS = "Venda de drogas na praça em Niterói, RJ, toda noite"
NOW = "Tem um homem armado atirando agora na praça em Niterói, RJ"
CHILD = "Uma menina de 8 anos apanha todo dia do padrasto em Niterói, RJ"
TEMPLATES = Path(presence.__file__).parents[2] / "web" / "templates" / "console"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def tell(line: PublicLine, text: str = DRUGS) -> None:
    line.pipeline.receive(Contact(channel=Channel.WEB, text=text, language=Language.PT))


def rows(line: StaffLine, *states: State) -> dict[str, object]:
    found = line.tips.queue(list(line.profile.queues), list(states or State))
    return {row.id.hex(): row for row in found}


def chosen(line: StaffLine) -> list[str]:
    return [f"{tip}.{row.version}" for tip, row in rows(line).items()]


def listed(hand: Hand) -> list[str]:
    return re.findall(r'href="/tips/([0-9a-f]{32})"', hand.html)


def all_of(line: StaffLine, table: type) -> list[object]:
    with line.database.read() as connection:
        return list(connection.execute(select(table)))


# The next tip


def test_a_person_holds_no_more_than_their_capacity_and_is_still_offered_danger(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    for _ in range(3):
        tell(public_line)
    paulo, sofia = office("paulo"), office("sofia")
    person = staff_line.access.people.named("paulo").id.hex()
    sofia.post("/board/holds", person=person, count="2")
    assert say(Language.PT, DONE["capacity"]) in sofia.html
    one, two, three = rows(staff_line)
    paulo.post(f"/tips/{one}/take")
    paulo.post(f"/tips/{two}/take")
    refused = paulo.post(f"/tips/{three}/take")
    assert refused.status_code == 409
    assert paulo.next() in (one, two), "what is held comes again"
    tell(public_line, NOW)
    assert staff_line.tips.one(bytes.fromhex(paulo.next())).priority is Priority.P0
    assert sofia.post("/board/holds", person=person, count="0").status_code == 422
    assert sofia.post("/board/holds", person="00", count="2").status_code == 404
    assert paulo.post("/board/holds", person=person, count="9").status_code == 404


def test_each_fourth_tip_is_the_one_that_is_late_longest(
    public_line: PublicLine, staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line, "Pichação no muro da escola em Niterói, RJ")
    (old,) = rows(staff_line)
    clock.advance(10 * 24 * 3600)
    for _ in range(6):
        tell(public_line, "Um homem armado ameaça a vizinha hoje em Niterói, RJ")
    ranks = {tip: row.priority for tip, row in rows(staff_line).items()}
    assert ranks[old] > max(rank for tip, rank in ranks.items() if tip != old)
    hand = office("sofia")
    pulled = []
    for _ in range(4):
        pulled.append(hand.next())
        hand.post(f"/tips/{pulled[-1]}/release")
    assert pulled[3] == old and old not in pulled[:3]


# Lists and views


def test_a_view_is_saved_as_codes_counted_and_removed(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    for _ in range(2):
        tell(public_line)
    (priority,) = {row.priority for row in rows(staff_line).values()}
    paulo, gabi = office("paulo"), office("gabi")
    address = f"queue=general%3ABR-RJ&priority={priority}"
    paulo.get(f"/tips?{address}")
    assert len(listed(paulo)) == 2
    paulo.post("/views", view=f"{address}&after=x&text=segredo&name=Maria")
    (kept,) = all_of(staff_line, PreferenceRow)
    assert kept.value == address, "nothing but what a filter may say"
    paulo.get("/tips")
    assert re.search(
        rf'href="/tips\?{re.escape(address.replace("&", "&amp;"))}">[^<]*<b>2</b>', paulo.html
    )
    gabi.get("/tips")
    assert 'value="remove"' not in gabi.html, "of one person"
    paulo.post("/views", view=address, go="remove")
    assert not all_of(staff_line, PreferenceRow)


def test_mine_and_late_are_lists_by_address(
    public_line: PublicLine, staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line)
    clock.advance(5 * 24 * 3600)
    tell(public_line)
    hand = office("paulo")
    taken = hand.next()
    hand.get("/tips?mine=yes")
    assert listed(hand) == [taken]
    hand.get("/tips?late=24")
    assert len(listed(hand)) == 1
    hand.get("/tips?late=168")
    assert listed(hand) == []


# Leases, presence, conflicts


def test_others_at_the_tip_are_named_and_soon_forgotten(
    public_line: PublicLine, staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line)
    paulo, gabi = office("paulo"), office("gabi")
    tip = paulo.next()
    assert "gabi" not in paulo.html
    gabi.get(f"/tips/{tip}")
    assert "paulo também está lendo" in gabi.html
    beat = {"token": paulo.token, "mine": "yes", "editing": "yes"}
    answer = paulo.client.post(f"/tips/{tip}/heartbeat", data=beat)
    assert "gabi também está lendo" in answer.get_data(as_text=True)
    gabi.get(f"/tips/{tip}")
    assert "paulo está escrevendo" in gabi.html
    gabi.post("/sign-out")
    answer = paulo.client.post(f"/tips/{tip}/heartbeat", data=beat)
    assert "gabi" not in answer.get_data(as_text=True)
    clock.advance(presence.SECONDS)
    assert staff_line.desk is not None
    office("tereza").get(f"/tips/{tip}")
    assert len(all_of(staff_line, PresenceRow)) == 1, "who left is forgotten by the next who comes"


def test_a_page_whose_lease_is_over_is_told_so(
    public_line: PublicLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line)
    paulo, gabi = office("paulo"), office("gabi")
    tip = paulo.next()
    paulo.post(f"/tips/{tip}/release")
    assert gabi.next() == tip
    beat = {"token": paulo.token, "mine": "yes"}
    answer = paulo.client.post(f"/tips/{tip}/heartbeat", data=beat)
    assert answer.status_code == 409
    assert "não é mais sua: está com gabi" in answer.get_data(as_text=True)


WRITTEN = {
    "note": {"text": "Uma <nota>"},
    "reply": {"text": "Uma <resposta>", "prepared": ""},
    "ask": {"text": "Uma <pergunta>?", "prepared": ""},
    "correct": {"place": "Rua <das> Flores", "type": "ORG-01"},
    "type": {"text": "O que <se> ouviu", "recording": "00" * 16},
}


@pytest.mark.parametrize("lost", ["version", "lease"])
def test_whatever_was_typed_is_carried_over_a_conflict(
    lost: str, public_line: PublicLine, office: Office
) -> None:
    tell(public_line)
    paulo, gabi = office("paulo"), office("gabi")
    tip = paulo.next()
    paulo.post(f"/tips/{tip}/note", text="Primeira")
    stale = str(int(paulo.version) - 1)
    if lost == "lease":
        stale = paulo.version
        paulo.post(f"/tips/{tip}/release")
        gabi.post(f"/tips/{tip}/take")
    for deed, fields in WRITTEN.items():
        answer = paulo.post(f"/tips/{tip}/{deed}", version=stale, **fields)
        typed = fields.get("text") or fields["place"]
        assert answer.status_code == 409, deed
        assert typed in unescape(paulo.html), deed
        (carried,) = re.findall(r'name="typed" value="([^"]*)"', paulo.html)
        paulo.post(f"/tips/{tip}/again", typed=unescape(carried))
        assert typed in unescape(paulo.html) and DRUGS in paulo.html, deed


def test_every_field_one_can_write_in_is_kept_when_something_goes_wrong() -> None:
    """Of every form of a tip's page, whoever adds one."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES))
    for name in ("tip.html", "parts.html", "ending.html", "call.html", "handover.html"):
        source = environment.loader.get_source(environment, name)[0]
        fields = re.findall(r"<(?:textarea|input)\b[^>]*?>", re.sub(r"{%.*?%}", "", source))
        for field in fields:
            plain = re.search(r'type="(hidden|radio|checkbox|password)"|readonly', field)
            named = re.search(r'name="([^"{]+)"', field)
            if plain or named is None or named[1] == "code":
                continue
            assert named[1] in _KEPT or of_type(named[1]), f"{name}: {named[1]}"


# Several tips at once


def test_only_what_one_person_may_close_is_closed_together(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    for text in (DRUGS, DRUGS, CHILD, NOW, "Vão matar o João amanhã em Niterói, RJ"):
        tell(public_line, text)
    sofia, paulo = office("sofia"), office("paulo")
    before = rows(staff_line)
    held = next(tip for tip, row in before.items() if row.priority == Priority.P3)
    paulo.post(f"/tips/{held}/take")
    answer = sofia.post("/tips/bulk", tip=chosen(staff_line), go="close", reason="hoax")
    assert answer.status_code == 200
    closed = set(rows(staff_line, State.CLOSED))
    assert len(closed) == 1 and held not in closed
    told = set(listed(sofia))
    assert told == set(before) - closed, "what was not done is told"
    assert not (set(rows(staff_line, State.CLOSED)) - closed)
    running = staff_line.desk.claims(0)
    assert {tip.hex() for tip in running} == {held}, "nothing stays in hand"
    assert (
        sofia.post("/tips/bulk", tip=chosen(staff_line), go="close", reason="x").status_code == 422
    )
    assert sofia.post("/tips/bulk", go="close", reason="hoax").status_code == 422
    assert sofia.post("/tips/bulk", tip=chosen(staff_line), go="reply", text="x").status_code == 422


def test_a_tip_that_changed_since_the_list_is_left_alone(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line)
    old = chosen(staff_line)
    paulo = office("paulo")
    tip = paulo.next()
    paulo.post(f"/tips/{tip}/note", text="Nova")
    paulo.post("/tips/bulk", tip=old, go="close", reason="hoax")
    assert not rows(staff_line, State.CLOSED)
    assert listed(paulo) == [tip]


def test_tips_are_put_into_the_hands_of_somebody_of_their_queue(
    public_line: PublicLine, staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    for text in (*[DRUGS] * (HOLDS + 1), CHILD, NOW):
        tell(public_line, text)
    sofia, paulo = office("sofia"), office("paulo")
    people = staff_line.access.people
    to, other = people.named("paulo").id, people.named("sofia").id.hex()
    sofia.post("/tips/bulk", tip=chosen(staff_line), go="assign", person=to.hex())
    mine = [tip for tip, claim in staff_line.desk.claims(0).items() if claim.person == to]
    assert len(mine) == HOLDS
    assert len(listed(sofia)) == 3, "one too many, a child's desk, and danger"
    for tip in mine:
        row = staff_line.tips.one(tip)
        assert row.queue == "general:BR-RJ" and row.priority is not Priority.P0
    until = max(claim.until for claim in staff_line.desk.claims(0).values())
    assert until == int(clock.seconds()) + ASSIGNED_SECONDS
    with staff_line.database.read() as connection:
        marks = connection.execute(select(AuditRow.event)).scalars().all()
    assert marks.count("assigned") == HOLDS
    answer = paulo.post("/tips/bulk", tip=chosen(staff_line)[:1], go="assign", person=other)
    assert answer.status_code == 404, "only a supervisor fills other people's hands"


# From shift to shift


def test_a_handover_note_is_sealed_read_by_its_queue_alone_and_gone_in_a_day(
    staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    gabi, paulo, sofia = office("gabi"), office("paulo"), office("sofia")
    gabi.post("/handover", queue="gbv:BR-RJ", text="A rede telefona às oito.")
    (row,) = all_of(staff_line, HandoverRow)
    assert b"telefona" not in row.sealed and len(row.sealed) > 2400
    sofia.get("/desk")
    assert "A rede telefona às oito." in sofia.html and "gabi" in sofia.html
    paulo.get("/desk")
    assert "telefona" not in paulo.html
    assert paulo.post(f"/handover/{row.id.hex()}/end").status_code == 404
    assert paulo.post("/handover", queue="gbv:BR-RJ", text="x").status_code == 422
    assert gabi.post("/handover", queue="gbv:BR-RJ", text="x" * 501).status_code == 422
    assert "x" * 501 in gabi.html
    sofia.post(f"/handover/{row.id.hex()}/end")
    assert not all_of(staff_line, HandoverRow)
    gabi.post("/handover", queue="gbv:BR-RJ", text="Outra.")
    clock.advance(25 * 3600)
    fresh = office("sofia")
    fresh.get("/desk")
    assert "Outra." not in fresh.html
