"""Audit records: what may be written is a list; nothing a person said or is fits into it."""

from __future__ import annotations

import ast
import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import hotline
from hotline.assembly import PublicLine, StaffLine
from hotline.clock import Clock
from hotline.store.database import Database
from hotline.store.events import ARRIVALS, EVENTS, NotARecord, Told, checked
from hotline.store.tables import AuditRow
from hotline.tips import Channel, Contact
from hotline.triage.audit import Sequencer, sequence_and_sign
from tests.conftest import MovableClock
from tests.line import SignIn

ID = "0123456789abcdef" * 2
NOW = datetime(2026, 3, 10, 12, 34, 56, tzinfo=UTC)
ROOT = Path(inspect.getfile(hotline)).parent
OPTIONAL = {
    ("recording_destroyed", "reason"),
    ("relay_acknowledged", "by"),
    ("granted", "request"),
    ("audit_viewed", "about"),
    ("audit_exported", "about"),
}
# Functions that write an event their callers name. A new one must be looked at: which events can
# it be given, and do the fields it adds fit each of them?
INDIRECT = {
    "store/audit.py note",
    "store/tips.py _apply",
    "store/outbox.py tally",
    "store/requests.py _mark",
    "store/desk.py advance",
    "store/desk.py step_by_key",
    "triage/attachments.py look",
    "triage/attachments.py _decided",
    "triage/corrections.py rewrite",
    "triage/dispositions.py _keep",
    "delivery/agencies.py look",
}


def _literal(node: ast.AST | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class Writers(ast.NodeVisitor):
    """Every ``note(`` call and every pair of an event and its fields in one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.where = ""
        self.direct: list[tuple[str, set[str]]] = []
        self.indirect: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer = self.where
        self.where = outer if node.name == "work" else node.name
        self.generic_visit(node)
        self.where = outer

    def found(self, event: ast.AST, fields: set[str | None]) -> None:
        names = [event.body, event.orelse] if isinstance(event, ast.IfExp) else [event]
        for name in names:
            if said := _literal(name):
                self.direct.append((said, {field for field in fields if field}))
            else:
                self.indirect.add(f"{self.file} {self.where}")

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "note":
            self.found(node.args[0], {keyword.arg for keyword in node.keywords})
        elif isinstance(called, ast.Name) and called.id == "note":
            self.found(node.args[1], {keyword.arg for keyword in node.keywords})
        for keyword in node.keywords:
            if keyword.arg == "events":
                self.pairs(keyword.value)
        self.generic_visit(node)

    def pairs(self, value: ast.AST) -> None:
        """``Change.events``: the tip is added to each."""
        for pair in ast.walk(value):
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
                event, fields = pair.elts
                if isinstance(fields, ast.Dict):
                    self.found(event, {_literal(key) for key in fields.keys} | {"tip"})
                elif isinstance(event, ast.Name):
                    self.found(event, set())


def test_every_record_the_program_writes_is_on_the_list_and_nothing_else_is() -> None:
    direct, indirect, words = [], set[str](), set[str]()
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        writers = Writers(path.relative_to(ROOT).as_posix())
        writers.visit(tree)
        direct += writers.direct
        indirect |= writers.indirect
        if path.name != "events.py":
            words |= {said for node in ast.walk(tree) if (said := _literal(node))}
    assert indirect == INDIRECT
    assert len(direct) >= 30
    for event, fields in direct:
        required = {name for name in EVENTS[event][1] if (event, name) not in OPTIONAL}
        assert required <= fields <= EVENTS[event][1].keys(), (event, fields)
    assert EVENTS.keys() <= words, "each event of the list is written somewhere"


def test_docs_list_exactly_these_events() -> None:
    table = (ROOT.parent / "docs" / "audit.md").read_text()
    times = {"second": Told.SECOND, "hour": Told.HOUR, "never": Told.NEVER}
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| (\w+) \|", table, re.MULTILINE)
    told = {
        event: (times[time], {f.strip(" `") for f in fields.split(",")})
        for event, fields, time in rows
    }
    assert told == {event: (time, set(fields)) for event, (time, fields) in EVENTS.items()}
    assert len(rows) == len(EVENTS)


def test_no_pattern_lets_words_through() -> None:
    for told, fields in EVENTS.values():
        assert isinstance(told, Told)
        for pattern in fields.values():
            for words in ("João da Silva", "a b", "ana@example.org", "+5521999990000", "a\nb", "é"):
                assert not pattern.fullmatch(words)


@given(st.text(max_size=40))
@settings(max_examples=25)
def test_a_tip_is_an_id_and_nothing_else(text: str) -> None:
    if re.fullmatch("[0-9a-f]{32}", text):
        return
    said = set()
    for wrong in (text, "somebody's name"):
        with pytest.raises(NotARecord) as caught:
            checked("read", {"tip": wrong, "by": ID}, NOW)
        said.add(str(caught.value))
    assert len(said) == 1, "whatever stood there, the error is the same"


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("gossip", {}),
        ("read", {"tip": ID}),
        ("read", {"tip": ID, "by": ID, "text": "x"}),
        ("read", {"tip": ID.upper(), "by": ID}),
        ("read", {"tip": ID + "\n", "by": ID}),
        ("received", {"tip": ID, "month": "2026-03-10"}),
        ("closed", {"tip": ID, "by": ID, "reason": "she told me"}),
        ("read", {"tip": ID, "by": ID, "at": "2026-03-10T12:00:00Z"}),
    ],
)
def test_what_is_off_the_list_is_refused(event: str, fields: dict[str, str]) -> None:
    with pytest.raises(NotARecord):
        checked(event, fields, NOW)


def test_a_refused_record_takes_its_transaction_with_it(migrated_url: str) -> None:
    from hotline.store.audit import note
    from hotline.store.facts import Facts, put

    database = Database(migrated_url)

    def work(connection: object) -> None:
        put(connection, "half", "done")  # type: ignore[arg-type]
        note(connection, "read", tip="not an id", by=ID)  # type: ignore[arg-type]

    with pytest.raises(NotARecord):
        database.write(work)
    assert Facts(database).get("half") == ""
    database.close()


def test_times_are_as_coarse_as_they_must_be() -> None:
    assert checked("read", {"tip": ID, "by": ID}, NOW)["at"] == "2026-03-10T12:34:56Z"
    assert checked("provider_erased", {"count": "3"}, NOW)["at"] == "2026-03-10T12:00Z"
    assert "at" not in checked("received", {"tip": ID, "month": "2026-03"}, NOW)
    for told, fields in EVENTS.values():
        if told is Told.HOUR:
            assert not fields.keys() & {"tip", "package"}, "an hour beside a tip tells its caller"
        if told is Told.SECOND:
            assert fields.keys() & {"by", "person"}, "the second belongs to a person's act"


def test_a_record_is_canonical_and_tells_the_lines_own_time(
    staff_line: StaffLine, clock: Clock
) -> None:
    staff_line.audit.note("read", tip=ID, by=ID)
    with staff_line.database.read() as connection:
        text = connection.execute(
            select(AuditRow.record).where(AuditRow.event == "read")
        ).scalar_one()
    record = json.loads(text)
    assert text == json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert record["at"] == clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert set(record) == {"at", "by", "event", "id", "tip"}


def test_the_order_does_not_tell_when_a_report_came(
    staff_line: StaffLine, public_line: PublicLine, clock: MovableClock
) -> None:
    """Between two acts whose second is told, a report's place would tell its second."""
    sequencer = Sequencer(staff_line)
    sequencer.run()
    for number in range(4):
        staff_line.audit.note("read", tip=f"{number:032x}", by=ID)
        public_line.pipeline.receive(Contact(channel=Channel.WEB, text=f"Vendem droga {number}"))
        sequencer.run()
        clock.advance(60)
    before = [row.event for row in staff_line.audit.rows()]
    assert before.count("read") == 4
    assert "received" not in before
    assert staff_line.audit.waiting() == 4
    clock.advance(3600)
    size = sequencer.run()
    arrived = list(staff_line.audit.rows())[-4:]
    assert size == len(before) + 4
    assert [row.event for row in arrived] == ["received"] * 4
    assert [row.id for row in arrived] == sorted(row.id for row in arrived), "by their random ids"
    # A new process does not order them again within the hour it has done so.
    public_line.pipeline.receive(Contact(channel=Channel.WEB, text="Mais uma"))
    assert Sequencer(staff_line).run() == size
    assert sequence_and_sign(staff_line) == size + 1


def test_a_members_acts_are_told_to_the_second(
    staff_line: StaffLine, sign_in: SignIn, clock: MovableClock
) -> None:
    clock.advance(17)
    who = sign_in("paulo")
    sequence_and_sign(staff_line)
    signed_in = [
        json.loads(row.record) for row in staff_line.audit.rows() if row.event == "signed_in"
    ]
    assert signed_in[-1]["person"] == who.person.id.hex()
    assert signed_in[-1]["at"] == clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert set(ARRIVALS).isdisjoint({"signed_in", "read", "claimed"})
