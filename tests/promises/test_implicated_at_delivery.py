"""Promise 5 at delivery: a whole run about a body leaves nothing within that body's reach.

For every body of every profile: a report that names it comes through the public pipeline, a person
sends it wherever the desk lets them, every errand is done. Then nothing that the body's people may
open has changed, nobody of theirs was told, and no row, job, log line or file joins the two.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from hotline import demo
from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.delivery.senders import RecordingProvider
from hotline.demo import Seat
from hotline.jobs.chores import chores
from hotline.jobs.lookout import Lookout
from hotline.jobs.statements import Statements
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.routing.profile import Profile, built_ins
from hotline.store.tables import Base, PersonRow, TipRow
from hotline.tips import Channel, Contact, Language, QueueKind, queue_kind
from hotline.triage import destinations, dispositions
from hotline.triage.access import SignedIn
from hotline.triage.claims import Claims
from hotline.triage.opening import Opened, read_tip
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.line import SignIn, settings_for

# Whom each kind of errand tells, and what of a tip it may carry. A kind that is not here fails:
# say whom it reaches, and see that the run below does it.
INSIDE = "nobody outside the line"
REACHES = {
    "settle": INSIDE,
    "news": INSIDE,
    "erase": "the telephone provider, which knew",
    "recording": INSIDE,
    "media": INSIDE,
    "forget_recording": INSIDE,
    "end_recording": INSIDE,
    "relay": "people on duty, whom the decision chose",
    "late": "people on duty of the body that runs the queue",
    "watch": "security officers",
    "alarm": "the line's own operators: a code of a closed list",
    "answered": INSIDE,
    "relay_over": INSIDE,
    "notify": "the inbox that the package is sealed to",
    "deliver": "the agency whose package it is, by its own way",
    "remind": "the agency whose package it is, by its own way",
}
TEXT = "Venda de drogas toda noite na praça, por um homem de boné. Cobrança de {}."
# Rows of what the line knows about itself before any tip: bodies stand there with nobody's tip.
_ROOM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*")
_OF_A_MOMENT = re.compile(r"[0-9a-f]{32,}|\d\d:\d\d")  # the form's token, when one signed in
BOXES = 2  # whose people look at every page, for each body; the rows tell of all of them
LONGEST_RUN = 200  # errands for one tip


def above(profile: Profile, one: str) -> Iterator[str]:
    body = profile.agency(one)
    while body is not None:
        yield body.id
        body = profile.agency(body.parent) if body.parent else None


def through(profile: Profile, one: str) -> Iterator[str]:
    """The body and whoever receives for it, worked out from ``via`` alone."""
    body = profile.agency(one)
    while body is not None:
        yield body.id
        body = profile.agency(body.via) if body.via else None


def reach(profile: Profile, implicated: str) -> set[str]:
    """Every body that stands under the implicated one, or whose mail one of those reads."""
    known = set(profile.agencies)
    under = {one for one in known if implicated in above(profile, one)} | {implicated}
    return under | {one for one in known if under & set(through(profile, one))}


@dataclass(slots=True)
class World:
    """A line of one profile, and everything that left it."""

    public: PublicLine
    staff: StaffLine
    clock: MovableClock
    office: Office
    said: io.StringIO
    provider: RecordingProvider
    sofia: SignedIn
    samuel: Hand
    about: dict[str, str] = field(default_factory=dict)  # hex of tip or package → implicated body

    def tips(self) -> set[bytes]:
        with self.staff.database.read() as connection:
            return set(connection.execute(select(TipRow.id)).scalars())

    def seen_by(self, agency: str) -> dict[str, str]:
        """Every page without a parameter that people of this body may open."""
        change = update(PersonRow).where(PersonRow.name == "samuel").values(agency=agency)
        self.staff.database.write(lambda connection: connection.execute(change))
        app = self.office.app
        access = app.extensions["console_access"]
        pages = {}
        for rule in app.url_map.iter_rules():
            roles = access.get(rule.endpoint, frozenset())
            if rule.arguments or "GET" not in (rule.methods or ()) or "analyst" in roles:
                continue
            # When they themselves came and asked; and what only this machine or a token is shown.
            if rule.rule in ("/sessions", "/metrics"):
                continue
            answer = self.samuel.client.get(rule.rule)
            if rule.rule == "/inbox":
                assert answer.status_code == 200
            pages[rule.rule] = _OF_A_MOMENT.sub("", answer.get_data(as_text=True))
        return pages

    def run(self, implicated: str) -> tuple[set[str], list[str]]:
        """One report, sent wherever the desk lets a careless person, and every errand done. Who
        got a package, and the numbers that were told something."""
        self.samuel.get("/inbox")  # or his session ends: there are bodies without an inbox
        before, alerts = self.tips(), len(self.provider.alerts)
        text = TEXT.format(self.staff.profile.agencies[implicated].name)
        contact = Contact(
            channel=Channel.WEB,
            text=text,
            language=Language.PT,
            implicates=(implicated,),
        )
        self.public.pipeline.receive(contact)
        (tip,) = self.tips() - before
        self.about[tip.hex()] = implicated
        self._errands()
        Claims(self.staff.database, self.staff.clock).take(self.sofia.person.id, tip, beyond=True)
        opened = read_tip(self.staff, self.sofia, tip)
        leads, copies = destinations.offered(self.staff, opened)
        everybody = (*leads, *copies, *destinations.others(self.staff, opened))
        dispositions.forward(self.staff, self.sofia, opened, leads=everybody, reason="credible")
        self.clock.advance(11)  # beyond undoing
        self._errands()
        packages = self.staff.desk.packages_of(tip)
        for one in packages:
            self.about[one.id.hex()] = implicated
        told = [number for number, _ in self.provider.alerts[alerts:]]
        return {one.agency for one in packages}, told

    def _errands(self) -> None:
        does = runner(self.staff, self.provider, Log(self.clock, public=False, out=self.said))
        for _ in range(LONGEST_RUN):
            waiting = does.ready()
            if not waiting:
                return
            for one in waiting:
                does.run(one)
        raise AssertionError("errands without end")

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.staff.database.read() as connection:
            for table in Base.metadata.sorted_tables:
                for row in connection.execute(select(table)).mappings():
                    yield table.name, dict(row)


def world(profile: str, home: Path) -> World:
    """Founded with one month of keys; a supervisor with every queue, and people of a body."""
    home.mkdir()
    clock = MovableClock()
    settings = replace(settings_for(home, f"sqlite:///{home / 'hotline.db'}"), jurisdiction=profile)
    logins = demo.seed_officers(settings, clock, 1)
    special = tuple(QueueKind)
    bodies = Profile.load(profile).inboxes()
    seats = [
        Seat("sofia", "supervisor", special),
        Seat("samuel", "agency", agency=bodies[0]),
    ]
    demo.seed_others(settings, clock, logins, seats)
    public, staff = assemble_public(settings, clock, pool=0), assemble_staff(settings, clock)
    office, said = Office.of(staff), io.StringIO()
    office.app.extensions["log"] = Log(clock, public=False, out=said)
    sofia, samuel = SignIn(staff)("sofia"), office("samuel")
    return World(public, staff, clock, office, said, RecordingProvider(), sofia, samuel)


def closed(one: World) -> None:
    one.public.close()
    one.staff.close()


@pytest.fixture(scope="module", params=built_ins())
def line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    one = world(request.param, tmp_path_factory.mktemp("delivery") / "home")
    yield one
    closed(one)


def leaks(line: World, implicated: str, near: set[str]) -> list[str]:
    """One run about a body; everything by which it could learn of it."""
    profile = line.staff.profile
    boxes = sorted(near & set(profile.inboxes()), key=lambda one: (one != implicated, one))[:BOXES]
    before = {box: line.seen_by(box) for box in boxes}
    heard = len(line.said.getvalue())
    got, told = line.run(implicated)
    found = [f"a package for {one}" for one in sorted(got & near)]
    for box in boxes:
        after = line.seen_by(box)
        found += [f"{page} of {box} changed" for page in after if after[page] != before[box][page]]
    theirs = {duty.number for duty in profile.duty if duty.agency in near}
    found += [f"{number} was told" for number in told if number in theirs]
    lately = line.said.getvalue()[heard:]
    found += [f"a log line names {one}" for one in sorted(near) if f'"{one}"' in lately]
    found += [f"the log names {one}" for one in line.about if one in lately]
    return found


def joined(line: World) -> list[str]:
    """Rows that hold a tip or its package beside a body in reach of the one it is about."""
    profile = line.staff.profile
    near = {body: reach(profile, body) for body in set(line.about.values())}
    queues = {queue: entry.agency for queue, entry in profile.queues.items()}
    found = []
    for table, row in line.rows():
        text = " ".join(
            value.hex() if isinstance(value, bytes) and len(value) <= 32 else str(value)
            for value in row.values()
            if not isinstance(value, bytes) or len(value) <= 32
        )
        about = {line.about[one] for one in re.findall(r"[0-9a-f]{32}", text) if one in line.about}
        if not about:
            continue
        rooms = {word.partition("agency:")[2] or word for word in _ROOM.findall(text)}
        rooms |= {
            queues[one.removeprefix("queue:")]
            for one in rooms
            if one.removeprefix("queue:") in queues
        }
        found += [f"{table}: {one} beside {room}" for one in about for room in rooms & near[one]]
    return found


def test_every_kind_of_errand_says_whom_it_reaches(line: World) -> None:
    kinds = runner(line.staff, line.provider, Log(line.clock, public=False, out=line.said)).tasks
    assert set(kinds) == set(REACHES), "say of a new kind whom it reaches"


def some_of_each_kind(profile: Profile) -> list[str]:
    """Bodies of every mixture of functions, height in the tree and own inbox, two of each."""
    kinds = defaultdict[object, list[str]](list)
    boxes = profile.inboxes()
    for body in profile.agencies.values():
        height = len(list(above(profile, body.id)))
        kinds[frozenset(body.functions), height, body.id in boxes].append(body.id)
    return [one for kind in kinds.values() for one in kind[:2]]


def test_a_whole_run_leaves_nothing_within_reach_of_the_body_it_is_about(line: World) -> None:
    """Of every kind of body here; of every body with ``python -m``."""
    whole_run(line, some_of_each_kind(line.staff.profile))


def whole_run(line: World, bodies: Sequence[str]) -> None:
    profile, would = line.staff.profile, 0
    for implicated in bodies:
        near = reach(profile, implicated)
        assert not leaks(line, implicated, near), implicated
        would += len(near & set(profile.inboxes()))
    assert would > 10, "bodies that would have learnt of it"
    assert len(line.tips()) == len(bodies)

    # Chores, alarms, the ledger and its public statement: facts of the whole line only.
    line.clock.advance(600)
    pages = {box: line.seen_by(box) for box in profile.inboxes()[:1]}
    Lookout(line.staff, Log(line.clock, public=False, out=line.said)).run()
    Statements(line.staff).run()
    for chore in chores(line.staff):
        chore.do()
    line._errands()
    assert {box: line.seen_by(box) for box in pages} == pages
    assert joined(line) == []
    for file in line.staff.settings.home.rglob("*"):
        if file.is_file() and not file.name.startswith("hotline.db"):
            raw = file.read_bytes()
            named = [one for one in line.about if one.encode() in raw or bytes.fromhex(one) in raw]
            assert not named, file
    assert all(
        queue_kind(row["queue"]) is QueueKind.INTEGRITY
        for table, row in line.rows()
        if table == "tips"
    )


def anywhere(bench: Any, opened: Any, agency: str) -> bool:
    """As ``may_receive``, without a look at who is recused."""
    return agency in bench.profile.inboxes() and bench.profile.agency(agency).receives


MUTATIONS: dict[str, list[tuple[Any, str, Any]]] = {
    "the desk lets a person send it anywhere": [(destinations, "may_receive", anywhere)],
    "opened tips forget who is recused": [(Opened, "recused", frozenset())],
}


@pytest.mark.parametrize("broken", MUTATIONS)
def test_the_proof_fails_when_recusal_is_broken(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = world("br-rj", tmp_path / "home")
    try:
        for module, name, instead in MUTATIONS[broken]:
            monkeypatch.setattr(module, name, instead)
        profile = line.staff.profile
        implicated = profile.inboxes()[0]
        assert leaks(line, implicated, reach(profile, implicated))
        assert joined(line)
    finally:
        closed(line)


if __name__ == "__main__":
    for name in built_ins():
        with tempfile.TemporaryDirectory() as folder:
            whole = world(name, Path(folder) / "home")
            whole_run(whole, list(whole.staff.profile.agencies))
            closed(whole)
        print(f"{name}: {len(whole.about)} tips and packages, none within reach")
