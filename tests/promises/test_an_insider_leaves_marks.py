"""An insider: opens nothing they were not given, opens nothing new once they left, and reads
nothing without a mark that they cannot take back."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

import pyotp
import pytest
from click.testing import CliRunner
from sqlalchemy import Connection, delete, insert, select, update

from hotline import settings as settings_module
from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.cli import root
from hotline.demo import PASSPHRASE
from hotline.errors import HotlineError
from hotline.keyring import directory_change, rotate
from hotline.store import audit as records
from hotline.store.database import DatabaseUnavailable
from hotline.store.keystore import Grant
from hotline.store.tables import AuditRow, BodyRow, HeadRow, WrapRow
from hotline.tips import QueueKind, Wrap
from hotline.triage.access import ROLES
from hotline.triage.approvals import Deed
from hotline.triage.audit import AuditBroken, Sequencer, sequence_and_sign, verify
from hotline.vault.directory import Directory
from hotline.vault.format import Damaged
from hotline.vault.keys import open_grant, open_wrap
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.promises.console_routes import CANARY, ROUTES, Ground, Use, send
from tests.promises.ground import read_once  # noqa: F401 - a fixture
from tests.terminal import agree

# Routes that must be seen to open something, or the watch below is blind.
SURELY_OPEN = {"tip_page", "reveal", "listen", "look", "picture", "forward", "package", "note"}
# Of one's own sessions; and what shows again what the same form brought.
_OWN, _TYPED = {"sign_out", "end_others"}, {"call", "call_marks"}
LISTS = {"desk", "tips", "board_page", "inbox", "officers", "next_tip", "sessions"}


@pytest.fixture
def ground(public_line: PublicLine, staff_line: StaffLine, clock: MovableClock) -> Ground:
    return Ground(public_line, staff_line, clock)


@dataclass(slots=True)
class Watch:
    """Counts every body that anything in this process opens."""

    opened: int = 0
    watched: list[str] = field(default_factory=list)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    found = Watch()
    for name in [name for name in sys.modules if name.startswith("hotline.")]:
        real = getattr(sys.modules[name], "Cobblestone256Decryptor", None)
        if real is None:
            continue

        def counting(*args: object, real: Callable[..., object] = real) -> object:
            found.opened += 1
            return real(*args)

        monkeypatch.setattr(sys.modules[name], "Cobblestone256Decryptor", counting)
        found.watched.append(name)
    assert found.watched
    return found


def test_every_route_of_the_console_stands_in_the_table(ground: Ground) -> None:
    """A route that is not in console_routes.ROUTES is used by no test below."""
    known = {f"console.{name}" for name in ROUTES}
    assert known == set(ground.office.app.extensions["console_access"])


def test_on_each_route_the_stranger_reads_nothing_and_the_reader_leaves_a_mark(
    ground: Ground, watch: Watch
) -> None:
    """One walk over the table, because what a route needs is slow to make: an administrator
    without membership, a post that is refused, and then somebody who may."""
    chief, opening, wrong = administrator(ground), set[str](), list[str]()
    for endpoint, prepare in ROUTES.items():
        try:
            use = prepare(ground)
            if use.name != "nobody" and endpoint not in {*_OWN, *_TYPED}:
                opens_nothing(ground, watch, endpoint, use, chief)
                if use.name == "olga":  # an officer's deed, which they may do: once more, then
                    use = prepare(ground)
            if "tip" in use.address and use.form:
                shows_nothing_when_refused(ground, endpoint, use)
            if leaves_a_mark(ground, watch, endpoint, use):
                opening.add(endpoint)
        except AssertionError as problem:
            wrong.append(f"{endpoint}: {problem}")
    assert not wrong, "\n".join(wrong)
    assert opening >= SURELY_OPEN
    assert opening.isdisjoint(LISTS)


def opens_nothing(ground: Ground, watch: Watch, endpoint: str, use: Use, chief: Hand) -> None:
    watch.opened = 0
    said = send(ground, endpoint, use, chief).get_data().decode("utf-8", "replace")
    assert not watch.opened, "an administrator without membership opens something"
    assert CANARY not in said, "an administrator without membership reads something"


def shows_nothing_when_refused(ground: Ground, endpoint: str, use: Use) -> None:
    """Nobody reads by posting nonsense: what was refused leaves no mark, so it shows no word."""
    before = ground.marks()
    answer = send(ground, endpoint, Use(use.name, use.address))
    if CANARY in answer.get_data().decode("utf-8", "replace"):
        assert marked(ground, before, use), "shows something though it was refused"
    if answer.status_code < 400:  # it did something, so the page that was read is stale
        ground.hand(use.name).get(f"/tips/{use.address['tip']}")


def leaves_a_mark(ground: Ground, watch: Watch, endpoint: str, use: Use) -> bool:
    """Whether it opened something; then somebody's mark says so."""
    before = ground.marks()
    watch.opened = 0
    answer = send(ground, endpoint, use)
    said = answer.get_data().decode("utf-8", "replace")
    heading = re.findall("<h1>(.*?)</h1>", said)
    assert (answer.status_code < 400) == use.there, f"is not used as it is meant to be: {heading}"
    if not watch.opened and (CANARY not in said or endpoint in _TYPED):
        return False
    assert marked(ground, before, use), "opens something and leaves no mark"
    return True


def marked(ground: Ground, before: dict[bytes, dict[str, str]], use: Use) -> bool:
    """Whether somebody's new mark names what the address names; of a route that makes the tip it
    opens (planting), whether it names one."""
    subject, by = use.address.get("tip") or use.address.get("package"), ground.person(use.name)
    new = [mark for id, mark in ground.marks().items() if id not in before]
    mine = [mark for mark in new if mark.get("by") == by.hex()]
    named = {mark[what] for mark in mine for what in ("tip", "package") if what in mark}
    return subject in named if subject else bool(named)


def test_who_takes_calls_is_known_by_the_day(ground: Ground) -> None:
    for endpoint in ("new_call", "call", "call_marks"):
        send(ground, endpoint, ROUTES[endpoint](ground))
    by = ground.person("paulo").hex()
    marks = [m for m in ground.marks().values() if m["event"] == "took_calls"]
    assert [mark["by"] for mark in marks] == [by]


def test_what_cannot_be_marked_is_not_shown(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark comes first: when the audit cannot be written, the page shows nothing."""

    def refuse(*_: object) -> None:
        raise DatabaseUnavailable

    uses = {name: ROUTES[name](ground) for name in ROUTES if name in _SHOWING}
    hands = {name: ground.hand(use.name) for name, use in uses.items()}
    monkeypatch.setattr(records, "checked", refuse)
    for endpoint, use in uses.items():
        answer = send(ground, endpoint, use, hands[endpoint])
        assert answer.status_code == 503, endpoint
        assert CANARY not in answer.get_data().decode("utf-8", "replace"), endpoint
        assert answer.mimetype == "text/html", endpoint


_SHOWING = {"tip_page", "reveal", "listen", "look", "picture", "package", "package_picture"}


# An administrator without membership


def administrator(ground: Ground) -> Hand:
    """Somebody with every role, every certificate and no key."""
    olga = ground.person("olga")
    secret = ground.staff.access.enrol(
        "chefe", PASSPHRASE, ROLES, agency=ground.inbox, language="pt"
    )[1]
    chief = ground.staff.access.people.named("chefe")
    for kind in QueueKind:
        if kind.special:
            ground.staff.access.certify(olga, chief, kind.value, "2027-12-31")
    hand = Hand(ground.office.app.test_client())
    code = pyotp.TOTP(secret).at(int(ground.clock.seconds()))
    fields = {"name": "chefe", "passphrase": PASSPHRASE, "code": code}
    assert hand.client.post("/sign-in", data=fields).status_code == 303
    hand.get("/officers")
    assert hand.token
    return hand


def test_an_administrator_without_membership_opens_nothing_by_the_stores(ground: Ground) -> None:
    """With the database, the key store, the program and their own key in hand."""
    for endpoint in ("note", "package_picture", "doubts"):
        ROUTES[endpoint](ground)
    hand = administrator(ground)
    line, cookie = ground.staff, hand.client.get_cookie("__Host-hotline").value
    chief = line.access.resume(cookie)
    with line.database.read() as connection:
        wraps = [
            Wrap(row.subject, row.recipient, row.epoch, row.sealed)
            for row in connection.execute(select(WrapRow)).all()
        ]
        bodies = {row.id: row for row in connection.execute(select(BodyRow)).all()}
    assert {wrap.recipient.partition(":")[0] for wrap in wraps} >= {"queue", "agency"}
    for wrap in wraps:
        body = line.tips.body(wrap.subject)
        if body is None:
            assert wrap.subject not in bodies
            continue
        with pytest.raises(KeyError):
            line.access.open_wrap(chief, wrap, body)
        with pytest.raises(Damaged):
            open_wrap(chief.seed, wrap, body)
    grants = line.keys.of(ground.person("olga"))
    for given, whose in product(grants[:: len(grants) // 40], (chief.person.id, b"")):
        person = whose or given.person
        with pytest.raises(Damaged):
            open_grant(chief.seed, given.recipient, given.epoch, person, given.sealed)
        # A row copied under their own name is no key either.
        line.keys.add([Grant(given.recipient, given.epoch, chief.person.id, given.sealed, b"x")])
        with pytest.raises(Damaged):
            line.access.epoch_seed(chief, given.recipient, given.epoch)
    line.keys.revoke(chief.person.id)
    assert line.access.grant(chief, chief.person, wraps[0].recipient) == 0


# A removed member


def rotated(line: StaffLine, recipients: frozenset[str], clock: MovableClock) -> None:
    """``hotline keys rotate`` for each, as an officer runs it."""
    for recipient in sorted(recipients):
        directory = Directory.load(line.settings.public)
        by = agree(line, Deed.DIRECTORY, directory_change(line.settings, f"rotate:{recipient}"))
        rotate(line.settings, directory, line.keys, line.access, recipient, clock, by)


def opens(line: StaffLine, seeds: list[bytes], tip: str) -> bool:
    """Whether any of these keys opens a tip, with everything the database holds."""
    body = line.tips.body(bytes.fromhex(tip))
    assert body is not None
    for wrap, seed in product(line.tips.wraps([body.id]), seeds):
        try:
            open_wrap(seed, wrap, body)
        except Damaged:
            continue
        return True
    return False


def test_a_removed_member_opens_nothing_new_with_keys_copied_before(
    ground: Ground, clock: MovableClock
) -> None:
    line, hand = ground.staff, ground.hand("paulo")
    before = ground.told()
    me = line.access.resume(hand.client.get_cookie("__Host-hotline").value)
    # Everything paulo could copy on his last day: his own key and each month's.
    copied = [me.seed] + [
        open_grant(me.seed, held.recipient, held.epoch, me.person.id, held.sealed)
        for held in line.keys.of(me.person.id)
    ]
    queues = line.keys.recipients(me.person.id)

    line.access.revoke(ground.person("olga"), me.person)
    assert hand.get("/desk").status_code == 303, "dead at the next request"
    assert hand.post(f"/tips/{before}/reveal").status_code == 401
    clock.advance(60)
    fields = {"name": "paulo", "passphrase": PASSPHRASE, "code": ground.office.codes.code("paulo")}
    assert ground.office.app.test_client().post("/sign-in", data=fields).status_code == 401
    rotated(line, queues, clock)

    public, staff = (
        assemble_public(line.settings, clock, pool=0),
        assemble_staff(line.settings, clock),
    )
    try:
        after = Ground(public, staff, clock)
        tip = after.told()
        assert not opens(staff, copied, tip), "this month's"
        clock.advance(32 * 86400)
        next_month = after.told()
        assert not opens(staff, copied, next_month)
        # Said plainly: what came before the rotation opens with what was copied before.
        assert opens(staff, copied, before)
        # And those who stayed read all of it.
        gabi = Office.of(staff)("gabi")
        for known in (before, tip, next_month):
            assert gabi.get(f"/tips/{known}").status_code == 200
    finally:
        public.close()
        staff.close()


def test_a_grant_that_was_kept_in_a_copy_of_the_key_store_is_no_way_back(
    ground: Ground, clock: MovableClock
) -> None:
    """Rows put back by somebody who may write to the key store open what they opened before, and
    the session they would need is refused."""
    line = ground.staff
    paulo = line.access.people.named("paulo")
    rows = line.keys.of(paulo.id)
    hand = ground.hand("paulo")
    line.access.revoke(ground.person("olga"), paulo)
    line.keys.add(rows)
    assert hand.get("/desk").status_code == 303


# Altering the past


@pytest.fixture
def kept(staff_line: StaffLine) -> str:
    """A checkpoint that an outsider keeps; more was written since."""
    for number in range(24):
        staff_line.audit.note("read", tip=f"{number:032x}", by="11" * 16)
    sequence_and_sign(staff_line)
    head = staff_line.audit.head()
    assert head is not None
    for number in range(6):
        staff_line.audit.note("read", tip=f"{number:032x}", by="22" * 16)
    sequence_and_sign(staff_line)
    return head[1]


Alter = Callable[[Connection, int, int, random.Random], None]


def one_letter(connection: Connection, at: int, _: int, chance: random.Random) -> None:
    here = AuditRow.position == at
    record = connection.execute(select(AuditRow.record).where(here)).scalar_one()
    place = chance.randrange(len(record))
    other = chr(33 + (ord(record[place]) - 33 + chance.randrange(1, 90)) % 94)
    altered = record[:place] + other + record[place + 1 :]
    assert altered != record
    connection.execute(update(AuditRow).where(here).values(record=altered))


def deleted(connection: Connection, at: int, _: int, __: random.Random) -> None:
    connection.execute(delete(AuditRow).where(AuditRow.position == at))


def deleted_and_closed_up(connection: Connection, at: int, _: int, __: random.Random) -> None:
    connection.execute(delete(AuditRow).where(AuditRow.position == at))
    _moved(connection, at, -1)


def swapped(connection: Connection, at: int, other: int, __: random.Random) -> None:
    for old, new in ((at, 10_000), (other, at), (10_000, other)):
        connection.execute(update(AuditRow).where(AuditRow.position == old).values(position=new))


def doubled(connection: Connection, at: int, _: int, chance: random.Random) -> None:
    record, event = connection.execute(
        select(AuditRow.record, AuditRow.event).where(AuditRow.position == at)
    ).one()
    _moved(connection, at, 1)
    values = {"id": chance.randbytes(16), "event": event, "record": record, "position": at + 1}
    connection.execute(insert(AuditRow).values(**values))


def cut_short(connection: Connection, at: int, _: int, __: random.Random) -> None:
    connection.execute(delete(AuditRow).where(AuditRow.position >= at))


def counted_elsewhere(connection: Connection, at: int, _: int, __: random.Random) -> None:
    """The ledger counts by the event of a row, not by the record."""
    here = AuditRow.position == at
    connection.execute(update(AuditRow).where(here).values(event="received"))


def copied_at_the_end(connection: Connection, at: int, _: int, chance: random.Random) -> None:
    record, event = connection.execute(
        select(AuditRow.record, AuditRow.event).where(AuditRow.position == at)
    ).one()
    values = {"id": chance.randbytes(16), "event": event, "record": record}
    connection.execute(insert(AuditRow).values(**values))


def _moved(connection: Connection, after: int, by: int) -> None:
    """In two steps, for no place may be held twice."""
    for shift in (100_000 + by, -100_000):
        later = AuditRow.position > after
        connection.execute(update(AuditRow).where(later).values(position=AuditRow.position + shift))


ALTERATIONS: list[Alter] = [
    one_letter,
    deleted,
    deleted_and_closed_up,
    swapped,
    doubled,
    cut_short,
    counted_elsewhere,
    copied_at_the_end,
]


def found_out(line: StaffLine, checkpoint: str) -> bool:
    """What ``hotline audit verify`` with a kept checkpoint does."""
    try:
        sequence_and_sign(line)
    except AuditBroken:
        return True
    return not verify(line, checkpoint).sound


@pytest.fixture
def rows(staff_line: StaffLine, kept: str) -> Iterator[Callable[[], None]]:
    """Puts records and heads back as they were."""
    tables = (AuditRow.__table__, HeadRow.__table__)
    with staff_line.database.read() as connection:
        saved = [[dict(r) for r in connection.execute(select(t)).mappings()] for t in tables]

    def restore() -> None:
        def work(connection: Connection) -> None:
            for table, known in zip(tables, saved, strict=True):
                connection.execute(delete(table))
                connection.execute(insert(table), known)

        staff_line.database.write(work)

    yield restore


@pytest.mark.parametrize("signed_again", [False, True])
@pytest.mark.parametrize("alter", ALTERATIONS, ids=lambda alter: alter.__name__)
def test_an_altered_past_is_found_by_whoever_kept_a_checkpoint(
    staff_line: StaffLine,
    kept: str,
    rows: Callable[[], None],
    alter: Alter,
    signed_again: bool,
) -> None:
    """``signed_again``: the insider has the server's own key and signs what they made of it."""
    chance, size = random.Random(7), int(kept.split("\n")[1])
    assert not found_out(staff_line, kept)
    for _ in range(24 if alter is one_letter else 4):
        at, other = sorted(chance.sample(range(size), 2))
        staff_line.database.write(lambda c, a=at, o=other: alter(c, a, o, chance))
        if signed_again:
            staff_line.database.write(lambda c: c.execute(delete(HeadRow)))
            try:
                Sequencer(staff_line).run()
            except AuditBroken:
                rows()
                continue  # the line refuses to sign over it
        assert found_out(staff_line, kept), (alter.__name__, at)
        rows()
    assert not found_out(staff_line, kept)


def test_what_was_cut_off_behind_a_checkpoint_is_found_by_a_later_one_only(
    staff_line: StaffLine, kept: str
) -> None:
    """Said plainly: a checkpoint vouches for what stands under it. So keep them often."""
    newest = staff_line.audit.head()
    assert newest is not None
    size = int(kept.split("\n")[1])

    def cut(connection: Connection) -> None:
        connection.execute(delete(AuditRow).where(AuditRow.position >= size))
        connection.execute(delete(HeadRow).where(HeadRow.size > size))

    staff_line.database.write(cut)
    assert not found_out(staff_line, kept)
    assert found_out(staff_line, newest[1])


def test_the_command_says_so(
    staff_line: StaffLine, kept: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "checkpoint"
    file.write_text(kept)
    monkeypatch.setattr(settings_module, "load", lambda: staff_line.settings)
    command = ["audit", "verify", "--checkpoint", str(file)]
    assert CliRunner().invoke(root, command).exit_code == 0
    staff_line.database.write(lambda c: deleted_and_closed_up(c, 3, 0, random.Random(1)))
    staff_line.database.write(lambda c: c.execute(delete(HeadRow)))
    outcome = CliRunner().invoke(root, command)
    assert outcome.exit_code == 1 or isinstance(outcome.exception, HotlineError)
    assert "sound" not in outcome.output.split()
