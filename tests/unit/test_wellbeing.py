"""Wellbeing: one's own limits decide what comes next, breaks are private, nobody else learns."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine
from hotline.store.tables import Base, SessionRow
from hotline.tips import Channel, Contact, Language, Priority, QueueKind, State, Urgency
from hotline.triage import wellbeing
from hotline.triage.wellbeing import SHIFT_SECONDS, passes
from tests.conftest import MovableClock
from tests.desk import Hand, Office

GBV = "Meu vizinho bate na mulher toda noite em Niterói, RJ"
CHILD = "Uma menina de 8 anos apanha todo dia do padrasto em Niterói, RJ"
DRUGS = "Venda de drogas na praça em Niterói, RJ"


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


def tell(line: PublicLine, text: str, **more: object) -> None:
    line.pipeline.receive(Contact(channel=Channel.WEB, text=text, language=Language.PT, **more))


def queue_of(line: StaffLine, tip: str) -> str:
    return line.tips.one(bytes.fromhex(tip)).queue.partition(":")[0]


def test_danger_now_waits_for_no_limit_and_something_comes_at_last() -> None:
    queues, every = ["children:BR-RJ", "gbv:BR-RJ", "general:BR-RJ"], list(Priority)
    assert passes(queues, frozenset()) == [(queues, every)]
    assert passes(queues, frozenset({QueueKind.GBV})) == [
        (queues, [Priority.P0]),
        (["children:BR-RJ", "general:BR-RJ"], every),
        (["gbv:BR-RJ"], every),
    ]
    assert passes(["gbv"], frozenset({QueueKind.GBV})) == [
        (["gbv"], [Priority.P0]),
        (["gbv"], every),
    ]


def test_once_a_limit_is_reached_other_kinds_come_first(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    for text in (GBV, GBV + " e grita", DRUGS):
        tell(public_line, text)
    gabi = office("gabi")
    gabi.get("/limits")
    gabi.post("/limits", gbv="1")
    first = gabi.next()
    assert queue_of(staff_line, first) == "gbv", "the most urgent one"
    assert gabi.next() == first, "what they hold comes first, whatever the limit"
    gabi.post(f"/tips/{first}/release")
    assert "limite seu" in gabi.html, "and a pause is offered"
    second = gabi.next()
    assert queue_of(staff_line, second) == "general"
    gabi.post(f"/tips/{second}/release")
    third = gabi.next()
    assert third not in ("", first) and queue_of(staff_line, third) == "gbv", "somebody has to"


def test_danger_now_is_offered_over_the_limit(
    public_line: PublicLine, staff_line: StaffLine, office: Office
) -> None:
    tell(public_line, DRUGS)
    tell(public_line, "Uma menina de 8 anos apanha agora do padrasto", urgency=Urgency.NOW)
    rows = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    (danger,) = [row for row in rows if row.priority is Priority.P0]
    gabi = office("gabi")
    gabi.get("/limits")
    gabi.post("/limits", **{danger.queue.partition(":")[0]: "0"})
    assert gabi.next() == danger.id.hex()


def test_limits_are_sealed_alike_and_of_one_length(staff_line: StaffLine, office: Office) -> None:
    gabi, people = office("gabi"), staff_line.access.people
    sealed = set()
    for gbv in ("3", "999", ""):
        gabi.get("/limits")
        gabi.post("/limits", gbv=gbv, children="0")
        assert re.search(rf'name="gbv"[^>]*value="{gbv}"', gabi.html)
        sealed.add(people.named("gabi").limits)
    assert len(sealed) == 3 and len({len(one) for one in sealed}) == 1
    me = office.codes("paulo")
    people.change(me.person.id, limits=sealed.pop())
    stranger = staff_line.access.resume(me.cookie.value)
    assert wellbeing.limits_of(stranger)[QueueKind.GBV] == 12, "another's key opens nothing"
    for wrong in ("-1", "1000", "many", "1.5", "\u0663"):
        gabi.get("/limits")
        assert gabi.post("/limits", gbv=wrong).status_code in (400, 422), wrong


def everything(line: StaffLine) -> dict[str, list[object]]:
    """Every row of every table but when a session was last used."""
    tables = [t for t in Base.metadata.sorted_tables if t.name != SessionRow.__tablename__]
    with line.database.read() as connection:
        rows = {t.name: connection.execute(select(t)).all() for t in tables}
    return {name: sorted(map(repr, found)) for name, found in rows.items()}


def test_counts_breaks_and_pauses_leave_nothing_anywhere(
    public_line: PublicLine, staff_line: StaffLine, office: Office, clock: MovableClock
) -> None:
    tell(public_line, CHILD)
    tell(public_line, DRUGS)
    gabi, sofia, olga = office("gabi"), office("sofia"), office("olga")
    tip = gabi.next()
    assert queue_of(staff_line, tip) == "children"
    before = everything(staff_line)
    gabi.get("/desk")
    assert "Quer parar um pouco?" in gabi.html
    gabi.post("/go-on")
    assert "Quer parar um pouco?" not in gabi.html
    gabi.post("/break", minutes="10")
    assert "Sua pausa vai até 09:10" in gabi.html
    assert gabi.next() == "", "no tip during a break"
    gabi.get("/limits")
    assert re.search(r'limit-children">.*?<td class="n">1<', gabi.html)
    for hand in (sofia, olga):
        for page in ("/desk", "/board", "/officers", "/certificates", "/limits", "/requests"):
            said = hand.client.get(page).get_data(as_text=True)
            assert "Sua pausa vai" not in said, page
            assert not re.search(r'limit-children">.*?<td class="n">[1-9]', said), page
    clock.advance(601)
    gabi.get("/desk")
    assert "Sua pausa" not in gabi.html
    gabi.post("/break", minutes="30")
    gabi.post("/break", minutes="0")
    assert "Sua pausa" not in gabi.html
    assert gabi.post("/break", minutes="7").status_code in (400, 422)
    assert everything(staff_line) == before, "a break is nobody's business"
    assert gabi.next() == tip


def test_a_shift_ends_and_a_tip_counts_once(staff_line: StaffLine, clock: MovableClock) -> None:
    class Me:
        person, seed = staff_line.access.people.named("gabi"), bytes(32)

    exposure, me = wellbeing.Exposure(clock), Me()
    for tip in (b"a", b"a", b"b"):
        exposure.saw(me, tip, "gbv:BR-RJ")

    def seen() -> int:
        return next(b.seen for b in exposure.budgets(me) if b.kind is QueueKind.GBV)

    assert seen() == 2 and exposure.prompt(me) == "hard"
    assert exposure.later(me) == frozenset()
    for number in range(10):
        exposure.saw(me, bytes([number]), "gbv:BR-RJ")
    assert exposure.later(me) == {QueueKind.GBV} and exposure.prompt(me) == "spent"
    clock.advance(SHIFT_SECONDS - 1)
    assert seen() == 12
    clock.advance(1)
    assert seen() == 0 and exposure.later(me) == frozenset() and not exposure.prompt(me)


def test_the_defaults_know_every_kind_they_name(office: Office) -> None:
    limits, heavy = wellbeing._data()
    assert set(limits) == set(QueueKind) and limits[QueueKind.GENERAL] is None
    assert heavy == {kind for kind in heavy if limits[kind] is not None}


def test_one_sees_only_one_s_own(office: Office, public_line: PublicLine) -> None:
    tell(public_line, CHILD)
    gabi = office("gabi")
    gabi.next()
    other: Hand = office("sofia")
    other.get("/limits")
    assert re.search(r'limit-children">.*?<td class="n">0<', other.html)
