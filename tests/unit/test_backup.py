"""Backups: everything acknowledged is in them, nothing private is, and nothing altered is taken."""

from __future__ import annotations

import hashlib
import io
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, select

from hotline import assembly, demo
from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.keeping import archive, restore
from hotline.keeping.archive import Archive
from hotline.keeping.backup import (
    AnotherLine,
    NoPublicHalf,
    Signer,
    back_up,
    check,
    expire,
    named,
    use,
)
from hotline.keeping.dead import DESTROYED
from hotline.keeping.names import LIFE, Copy, Name, copy_of, files_for
from hotline.keeping.restore import DataFirst, LineExists, prove, restore_data, restore_keys
from hotline.keyring import directory_change, rotate
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.snapshot import LEFT_OUT
from hotline.tips import Channel, Contact, State, Trace
from hotline.triage.approvals import Deed
from hotline.triage.audit import balanced, ledger, verify
from hotline.triage.messages import status
from hotline.vault.copies import (
    BadBackup,
    CopyWriter,
    NotWritten,
    SealedCopy,
    new_pair,
    read_private,
)
from hotline.vault.receipts import stretch
from tests.conftest import MovableClock
from tests.line import SignIn, settings_for
from tests.promises.ground import read_once  # noqa: F401 - a fixture
from tests.services import Postgres
from tests.terminal import agree
from tests.unit.test_pipeline import open_tip

PRIVATE, PUBLIC = new_pair()
SEED = read_private(PRIVATE)
DAY = date(2026, 3, 10)  # of the tests' clock


def quiet(name: str, count: int) -> None:
    """Nobody watches."""


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> Path:
    """Where copies go; the line has a backup key."""
    use(settings, PUBLIC)
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Settings]]:
    """Settings of new machines: an empty home, an empty database of an engine."""
    made: list[str] = []

    def machine(engine: str) -> Settings:
        home = tmp_path / f"new-{engine}-{len(list(tmp_path.glob('new-*')))}"
        if engine == "sqlite":
            return settings_for(home, f"sqlite:///{home / 'hotline.db'}")
        server: Postgres = request.getfixturevalue("postgres")
        made.append(server.create())
        return settings_for(home, server.url(made[-1]))

    yield machine
    for name in made:
        request.getfixturevalue("postgres").drop(name)


def put_back(settings: Settings, *files: Path, seed: bytes = SEED) -> list[restore.Report]:
    reports = []
    for file in files:
        with file.open("rb") as opened:
            sealed = SealedCopy.open(opened)
            name = named(sealed, file)
            step = restore_data if name.copy is Copy.DATA else restore_keys
            reports.append(step(settings, sealed, name, seed, quiet))
    return reports


def proved(settings: Settings, file: Path, seed: bytes = SEED) -> restore.Report:
    with file.open("rb") as opened:
        sealed = SealedCopy.open(opened)
        return prove(settings, sealed, named(sealed, file), seed, quiet)


def plain(file: Path) -> bytes:
    with file.open("rb") as opened:
        return b"".join(SealedCopy.open(opened).plain(SEED, hashlib.sha256()))


def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    database, metadata = Database(url), MetaData()
    metadata.reflect(database.engine)
    with database.read() as connection:
        found = {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for name, table in metadata.tables.items()
        }
    database.close()
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """What reporters hold: the receipt of an answered tip, and of one nobody read."""

    answered: str
    waiting: str


def tell(public: PublicLine, staff: StaffLine) -> Told:
    """A line with some of everything: tips, files of the provider, an answer, an audit in order."""
    receive = public.pipeline.receive
    traces = (Trace("message", "SM" + "1" * 32),)
    first = receive(Contact(channel=Channel.SMS, text="Boca de fumo em Niterói RJ", traces=traces))
    second = receive(
        Contact(channel=Channel.WEB, text="Ele bate na esposa em Niterói RJ"), "form:1"
    )
    receive(Contact(channel=Channel.WEB, text="Vão matar o vizinho agora em Niterói RJ"))
    pepper = (staff.settings.public / "receipts.pepper").read_bytes()
    keys = stretch(first.code, pepper)
    reply = status(keys.lookup, keys.public, "forwarded", "2026-03-10")
    from hotline.store.tips import put_reply

    staff.database.write(lambda c: put_reply(c, *reply))
    from hotline.triage.audit import sequence_and_sign

    sequence_and_sign(staff)
    staff.audit.note("provider_alarm", code="after")  # the newest head does not cover this record
    return Told(first.code, second.code)


def copies(settings: Settings, kept: Path, clock: Clock) -> tuple[Path, Path]:
    data, _ = back_up(settings, kept, Copy.DATA, clock, quiet)
    keys, _ = back_up(settings, kept, Copy.KEYS, clock, quiet)
    return data, keys


def test_a_line_comes_back_on_a_new_machine(
    public_line: PublicLine,
    staff_line: StaffLine,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
    fresh: Callable[[str], Settings],
) -> None:
    told = tell(public_line, staff_line)
    data, keys = copies(settings, kept, clock)
    for file in (data, keys):
        assert check(settings, file).text == file.name
        assert proved(settings, file).parts
    machine = fresh("sqlite" if settings.sqlite else "postgres")
    reports = put_back(machine, data, keys)
    assert reports[0].tree > 3
    assert reports[1].orphans == ()
    assert reports[1].dropped == 0

    before, after = rows(settings.database_url), rows(machine.database_url)
    assert before.keys() == after.keys()
    for name in before.keys() - LEFT_OUT - {"audit", "meta"}:
        assert before[name] == after[name], name
    assert all(not after[name] for name in LEFT_OUT & after.keys())
    assert set(after["audit"]) > set(before["audit"]) - {
        row for row in before["audit"] if "backed_up" in repr(row) and "keys" in repr(row)
    }

    staff, public = assemble_staff(machine, clock), assemble_public(machine, clock, pool=0)
    try:
        assert verify(staff, staff_line.audit.head()[1]).sound  # type: ignore[index]
        assert balanced(ledger(staff))
        assert ledger(staff) == ledger(staff_line)
        listed = staff.tips.queue(["general:BR-RJ"], list(State))
        clock.advance(60)
        olga = staff.access.sign_in("olga", demo.PASSPHRASE, SignIn(staff_line).code("olga"))
        read = [open_tip(staff, olga, row.id).tip.text for row in listed]
        assert any("Boca de fumo" in text for text in read)
        assert public.pipeline.follow_up(told.answered).status == "forwarded"
        assert public.pipeline.follow_up(told.waiting).status == "waiting"
        public.pipeline.append(told.waiting, Contact(channel=Channel.WEB, text="De novo hoje"))
        (erasure,) = staff.outbox.pending("erase")
        assert staff.outbox.claim(erasure.id, clock.seconds() + 1) is not None
        assert public.pipeline.receive(Contact(channel=Channel.WEB, text="Tiros em Niterói")).code
    finally:
        staff.close()
        public.close()


def test_a_copy_goes_from_one_engine_to_the_other_and_back(
    public_line: PublicLine,
    staff_line: StaffLine,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
    fresh: Callable[[str], Settings],
) -> None:
    tell(public_line, staff_line)
    here = settings
    for engine in ("sqlite", "sqlite" if settings.sqlite else "postgres"):
        there = fresh(engine)
        put_back(there, *copies(here, kept, clock))
        here = there
    before, after = rows(settings.database_url), rows(here.database_url)
    for name in before.keys() - LEFT_OUT - {"audit", "meta"}:
        assert before[name] == after[name], name


def test_every_tip_acknowledged_before_a_backup_began_is_in_it(
    public_line: PublicLine,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
    fresh: Callable[[str], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And whatever is in it is whole: tip, wraps, receipt, count and record of one commit."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def report() -> None:
        while not stop.is_set():
            tip = Contact(
                channel=Channel.WEB, text=f"Boca de fumo em Niterói RJ {len(acknowledged)}"
            )
            acknowledged.append(public_line.pipeline.receive(tip).code)

    writers = [threading.Thread(target=report) for _ in range(2)]
    for writer in writers:
        writer.start()
    during = 0
    try:
        while len(acknowledged) < 10:
            stop.wait(0.01)
        before = list(acknowledged)

        def slowly(name: str, count: int) -> None:
            nonlocal during
            aim = len(acknowledged) + 1
            while len(acknowledged) < aim and not stop.wait(0.01):
                pass
            during += 1

        data, _ = back_up(settings, kept, Copy.DATA, clock, slowly)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert during > 8, "tips were taken while the backup ran"
    machine = fresh("sqlite" if settings.sqlite else "postgres")
    put_back(machine, data)
    found = rows(machine.database_url)
    pepper = (settings.public / "receipts.pepper").read_bytes()
    lookups = {row[0] for row in found["receipts"]}
    assert {stretch(code, pepper).lookup for code in before} <= lookups
    tips = {row[0] for row in found["tips"]}
    assert len(tips) < len(acknowledged)
    received = [row for row in found["audit"] if '"event":"received"' in repr(row)]
    assert len(tips) == len(lookups) == len(found["observations"]) == len(received)
    assert tips <= {row[0] for row in found["bodies"]}
    assert tips <= {row[0] for row in found["wraps"]}


def test_nothing_private_is_in_the_data(
    public_line: PublicLine,
    staff_line: StaffLine,
    sign_in: SignIn,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
) -> None:
    tell(public_line, staff_line)
    sign_in("olga")
    data, keys = copies(settings, kept, clock)
    inside, other = plain(data), plain(keys)
    secret = [(settings.public / "receipts.pepper").read_bytes(), staff_line.audit_key]
    secret += staff_line.worker.values()
    grants = rows(f"sqlite:///{settings.staff / 'keys.db'}")["grants"]
    secret += [bytes(row[4]) for row in grants[:: len(grants) // 40]]
    never = [(settings.staff / "directory.key").read_bytes()]
    never += [file.read_bytes() for file in settings.public.glob("day-*.key")]
    found = rows(settings.database_url)
    never += [row[0] for row in found["marks"]] + [row[2] for row in found["sessions"]]
    assert len(never) >= 4
    assert len(secret) > 50

    def forms(raw: bytes) -> tuple[bytes, ...]:
        return raw[:32], raw.hex().encode()[:64]

    for raw in secret:
        assert not any(form in inside for form in forms(raw))
        assert any(form in other for form in forms(raw)), "the copy of the keys has it"
    for raw in never:
        assert not any(form in part for form in forms(raw) for part in (inside, other))
    for sealed in (data.read_bytes(), keys.read_bytes()):
        assert not re.search(rb"olga|general:BR-RJ|tips|grants|receipts", sealed)
    assert data.stat().st_mode & 0o777 == 0o600


def test_every_file_of_a_home_goes_where_it_was_decided(
    public_line: PublicLine, staff_line: StaffLine, settings: Settings, kept: Path
) -> None:
    """A new kind of file fails here until somebody decides which copy it belongs into."""
    tell(public_line, staff_line)
    decided = {
        "public/directory.signed": Copy.DATA,
        "public/directory.pin": Copy.DATA,
        "public/directory.seen": Copy.DATA,
        "public/checkpoint": Copy.DATA,
        "public/backup.public": Copy.DATA,
        "public/receipts.pepper": Copy.KEYS,
        "staff/worker.json": Copy.KEYS,
        "staff/audit.key": Copy.KEYS,
        "staff/line.key": Copy.KEYS,
        "staff/keys.db": None,  # as rows
        "staff/directory.key": None,
        "rules/activations.jsonl": Copy.DATA,
        "rules/lock": None,
        "demo-logins.json": None,
        "hotline.db": None,
    }
    for file in settings.home.rglob("*"):
        path = file.relative_to(settings.home).as_posix()
        if file.is_file() and not path.startswith("rules/versions/"):
            plain_path = re.sub(r"-(wal|shm)$", "", path)
            if not re.fullmatch(r"public/day-[\d-]+\.key", path):
                assert plain_path in decided, f"{path}: say in which copy it goes"
                assert copy_of(path) is decided[plain_path], path
            else:
                assert copy_of(path) is None
    assert any(path.startswith("rules/versions/") for path, _ in files_for(settings, Copy.DATA))
    assert copy_of("staff/something.new.key") is Copy.KEYS, "unknown: kept, and not for long"


def _altered(sealed: bytes, other: bytes) -> Iterator[tuple[str, bytes]]:
    """Every way a file may be wrong."""
    header = 29 + int.from_bytes(sealed[25:29], "big")
    their = 29 + int.from_bytes(other[25:29], "big")
    note = int.from_bytes(sealed[-4:], "big") + 4
    places = {
        "suite": 0,
        "label": 3,
        "header's length": 28,
        "header": 60,
        "file key": header + 700,
        "salt": header + 1201 + 3,
        "commitment": header + 1201 + 30,
        "first chunk": header + 1201 + 100,
        "middle": (header + len(sealed)) // 2,
        "last tag": len(sealed) - note - 1,
        "signed size": len(sealed) - note + 30,
        "signature": len(sealed) - 20,
        "note's length": len(sealed) - 1,
    }
    for name, place in places.items():
        yield name, sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
    for cut in (0, 1, 28, header, header + 1201, len(sealed) // 2, len(sealed) - note):
        yield f"cut at {cut}", sealed[:cut]
    yield "cut, with its note", sealed[: -note - 16384] + sealed[-note:]
    yield "something after it", sealed + b"\0"
    yield "twice", sealed + sealed
    yield "another's body", sealed[: header + 1201] + other[their + 1201 :]
    yield "another's key and body", sealed[:header] + other[their:]
    yield "another's note", sealed[:-note] + other[-int.from_bytes(other[-4:], "big") - 4 :]
    chunk = header + 1201 + 56
    yield (
        "two chunks changed places",
        sealed[:chunk]
        + sealed[chunk + 16400 : chunk + 32800]
        + sealed[chunk : chunk + 16400]
        + sealed[chunk + 32800 :],
    )


def test_what_was_altered_cut_glued_or_renamed_is_refused(
    public_line: PublicLine,
    staff_line: StaffLine,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
    fresh: Callable[[str], Settings],
) -> None:
    tell(public_line, staff_line)
    data, keys = copies(settings, kept, clock)
    other, _ = back_up(settings, kept, Copy.DATA, clock, quiet)
    whole = data.read_bytes()
    tried = list(_altered(whole, other.read_bytes()))
    for what, wrong in tried:
        data.write_bytes(wrong)
        for refuse in (lambda: check(settings, data), lambda: proved(settings, data)):
            with pytest.raises((BadBackup, AnotherLine)):
                refuse()
                pytest.fail(f"taken: {what}")
    machine = fresh("sqlite" if settings.sqlite else "postgres")
    for what, wrong in tried[-8:]:
        data.write_bytes(wrong)
        with pytest.raises(BadBackup):
            put_back(machine, data)
            pytest.fail(f"restored: {what}")
        assert not assembly.is_founded(machine)
    data.write_bytes(whole)
    data.rename(other)
    with pytest.raises(BadBackup):
        check(settings, other)
    with pytest.raises(BadBackup):
        put_back(machine, other)
    other.rename(keys)
    with pytest.raises(BadBackup):
        proved(settings, keys)
    other.write_bytes(whole)
    other.rename(data)
    with pytest.raises(BadBackup):
        put_back(machine, data, seed=read_private(new_pair()[0]))
    put_back(machine, data)  # what was refused left nothing in the way


def test_whoever_has_only_the_public_half_makes_no_backup(
    staff_line: StaffLine, settings: Settings, kept: Path, clock: MovableClock
) -> None:
    """Sealed to the right key and complete, but signed by nobody of the line."""
    signer = Signer.of(settings)
    forger = replace(signer, key=b"f" * 32)
    name = Name.fresh(Copy.DATA, DAY)
    header = {"name": name.text, "copy": "data", "day": str(name.day), "until": str(name.until)}
    head = {
        "copy": "data",
        "line": signer.name,
        "audit": signer.public.hex(),
        "tree": {"size": 0, "root": ""},
    }
    with (kept / name.text).open("wb") as file:
        sealed = CopyWriter(file, {**header, "line": signer.name}, signer.public_half)
        made = Archive(sealed.write, head, quiet)
        made.end()
        sealed.end(signer.name, forger.key)
    with pytest.raises(BadBackup):
        check(settings, kept / name.text)
    with pytest.raises(BadBackup):
        proved(settings, kept / name.text)


def test_what_is_dead_stays_dead(
    public_line: PublicLine,
    staff_line: StaffLine,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
    fresh: Callable[[str], Settings],
) -> None:
    """A copy of the keys from before an epoch was destroyed and people lost theirs."""
    keys, _ = back_up(settings, kept, Copy.KEYS, clock, quiet)
    desk = "queue:general:BR-RJ"
    people = {person.name: person for person in staff_line.access.people.all()}
    olga, paulo, ana = people["olga"], people["paulo"], next(iter(people.values()))
    staff_line.keys.destroy(desk, "2026-03")
    staff_line.audit.note(DESTROYED, recipients=desk, epoch="2026-03")
    staff_line.access.enrol("oscar", "ninguém sabe disto", ["officer"], language="pt")
    staff_line.access.revoke(ana.id, olga)  # two officers stay
    staff_line.access.revoke(ana.id, paulo, desk)
    staff_line.audit.sequence()
    staff_line.audit.note("granted", by=ana.id.hex(), to=paulo.id.hex(), recipient=desk)
    staff_line.audit.sequence()
    data, later = copies(settings, kept, clock)
    machine = fresh("sqlite" if settings.sqlite else "postgres")
    report = put_back(machine, data, keys)[1]
    assert report.dropped > 12
    assert all((who, month) == (desk, "2026-03") for who, month in report.orphans)
    assert report.orphans
    line = assemble_staff(machine, clock)
    try:
        assert line.keys.recipients(olga.id) == frozenset()
        months = {grant.epoch for grant in line.keys.of(paulo.id, desk)}
        assert "2026-04" in months
        assert "2026-03" not in months
    finally:
        line.close()
    # Data from before, keys from after: the copy of the keys says itself what is dead.
    assert '"epochs": [["queue:general:BR-RJ", "2026-03"]]'.replace(" ", "").encode() in plain(
        later
    )


def test_keys_that_came_after_the_copy_are_named(
    staff_line: StaffLine,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
    fresh: Callable[[str], Settings],
) -> None:
    keys, _ = back_up(settings, kept, Copy.KEYS, clock, quiet)
    desk, line = "queue:general:BR-RJ", staff_line
    by = agree(line, Deed.DIRECTORY, directory_change(settings, f"rotate:{desk}"))
    rotate(settings, line.directory, line.keys, line.access, desk, clock, by)
    data, _ = back_up(settings, kept, Copy.DATA, clock, quiet)
    report = put_back(fresh("sqlite"), data, keys)[1]
    assert {who for who, _ in report.orphans} == {desk}
    assert len(report.orphans) == 12


def test_nothing_is_restored_over_a_line_or_out_of_order(
    settings: Settings, kept: Path, clock: MovableClock, fresh: Callable[[str], Settings]
) -> None:
    data, keys = copies(settings, kept, clock)
    with pytest.raises(LineExists):
        put_back(settings, data)
    with pytest.raises(LineExists):
        put_back(settings, keys)
    machine = fresh("sqlite")
    with pytest.raises(DataFirst):
        put_back(machine, keys)
    put_back(machine, data)
    with pytest.raises(LineExists):
        put_back(machine, data)
    beside = replace(fresh("sqlite"), database_url=settings.database_url)
    with pytest.raises(LineExists):
        put_back(beside, data)
    put_back(machine, keys)
    with pytest.raises(LineExists):
        put_back(machine, keys)


KILLED = """
import os, signal, sys
from pathlib import Path
from hotline.keeping.backup import back_up, named
from hotline.keeping.names import Copy
from hotline.keeping.restore import restore_data
from hotline.vault.copies import SealedCopy
from tests.conftest import MovableClock
from tests.line import settings_for

def die(name, count):
    if name == "people":
        os.kill(os.getpid(), signal.SIGKILL)

home, url, deed, place, seed = sys.argv[1:]
settings = settings_for(Path(home), url)
if deed == "backup":
    back_up(settings, Path(place), Copy.DATA, MovableClock(), die)
else:
    sealed = SealedCopy.open(open(place, "rb"))
    restore_data(settings, sealed, named(sealed, Path(place)), bytes.fromhex(seed), die)
"""


def killed(settings: Settings, deed: str, place: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(settings.home), settings.database_url]
    command += [deed, str(place), SEED.hex()]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def test_a_kill_in_the_middle_leaves_nothing_half(
    public_line: PublicLine,
    staff_line: StaffLine,
    settings: Settings,
    kept: Path,
    clock: MovableClock,
    fresh: Callable[[str], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell(public_line, staff_line)
    killed(settings, "backup", kept)
    (left,) = kept.iterdir()
    assert left.name.startswith(".")
    assert left.stat().st_mode & 0o777 == 0o600
    data, _ = back_up(settings, kept, Copy.DATA, clock, quiet)
    assert list(kept.iterdir()) == [data]

    machine = fresh("sqlite" if settings.sqlite else "postgres")
    killed(machine, "restore", data)
    assert not assembly.is_founded(machine)
    assert not rows(machine.database_url)["audit"]

    def cut(path: Path, content: bytes, mode: int = 0o600) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(restore, "write_file", cut)  # the database is committed, no file is there
        with pytest.raises(KeyboardInterrupt):
            put_back(machine, data)
    assert rows(machine.database_url)["audit"]
    assert not assembly.is_founded(machine)
    put_back(machine, data)
    before, after = rows(settings.database_url), rows(machine.database_url)
    assert before["tips"] == after["tips"]
    assert len([row for row in after["audit"] if '"event":"restored"' in repr(row)]) == 1


def test_a_full_disk_leaves_no_file(settings: Settings, kept: Path, clock: Clock) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))  # the copy has three times that
    try:
        with pytest.raises(NotWritten):
            back_up(settings, kept, Copy.DATA, clock, quiet)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(kept.iterdir()) == []


def test_copies_expire_by_their_names(settings: Settings, kept: Path, clock: MovableClock) -> None:
    data, keys = copies(settings, kept, clock)
    (kept / "holiday.jpg").write_bytes(b"not ours")
    foreign = kept / Name.fresh(Copy.DATA, DAY - timedelta(days=99)).text
    foreign.write_bytes(b"not ours either")

    def after(days: int, **keep: int) -> list[str]:
        limits = {Copy(kind): most for kind, most in keep.items()}
        return expire(settings, kept, DAY + timedelta(days=days), limits)

    assert after(7) == []
    assert after(8) == [keys.name]
    assert after(9, data=10) == []
    assert after(11, data=10) == [data.name]
    assert foreign.exists()
    assert (kept / "holiday.jpg").exists()
    data, _ = copies(settings, kept, clock)
    assert (
        after(36, data=500)
        == sorted(file.name for file in (data, *kept.glob("*keys*")) if file.exists() or True)
        or not data.exists()
    )
    assert LIFE == {Copy.DATA: 35, Copy.KEYS: 7}
    assert Name.read(data.name.replace("until-2026-04-14", "until-2027-04-14")) is None


def test_without_a_backup_key_nothing_is_written(
    settings: Settings, tmp_path: Path, clock: Clock
) -> None:
    with pytest.raises(NoPublicHalf):
        back_up(settings, tmp_path, Copy.DATA, clock, quiet)
    assert not list(tmp_path.glob("*.sealed*"))


def test_making_and_putting_back_a_copy_leave_marks(
    settings: Settings, kept: Path, clock: MovableClock, fresh: Callable[[str], Settings]
) -> None:
    data, keys = copies(settings, kept, clock)
    machine = fresh("sqlite")
    put_back(machine, data, keys)
    database = Database(machine.database_url)
    audit = AuditLog(database)
    told = audit.told(("backup_key", "backed_up", "restored", "keys_restored"))
    database.close()
    assert sorted(re.findall(r'"event":"(\w+)"', " ".join(told))) == [
        "backed_up",
        "backup_key",
        "keys_restored",
        "restored",
    ]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=20),
    st.binary(max_size=40),
)


class Everything:
    """Keeps what an archive holds."""

    def __init__(self) -> None:
        self.got: list[object] = []

    def head(self, head: dict[str, object]) -> None:
        self.got.append(head.get("x"))

    def table(self, name: str, columns: list[str], rows: Iterator[tuple[object, ...]]) -> None:
        self.got.append((name, columns, list(rows)))

    def file(self, name: str, content: bytes) -> None:
        self.got.append((name, content))


@hypothesis.settings(max_examples=40)
@given(st.lists(st.tuples(VALUES, VALUES), max_size=20), st.binary(), st.integers(1, 99))
def test_an_archive_gives_back_what_was_put_in(
    held: list[tuple[object, ...]], content: bytes, pace: int
) -> None:
    out = io.BytesIO()
    made = Archive(out.write, {"x": 1}, quiet)  # type: ignore[arg-type]
    made.table("one", ["a", "b"], held)
    made.file("two", content)
    made.end()
    raw, sink = out.getvalue(), Everything()
    pieces = (raw[at : at + pace] for at in range(0, len(raw), pace))
    assert archive.read(pieces, sink) == made.parts
    assert sink.got == [1, ("one", ["a", "b"], held), ("two", content)]


@given(st.data())
def test_an_archive_that_was_changed_inside_is_refused(data: st.DataObject) -> None:
    """The cipher already refuses this; the archive does not rely on it."""
    out = io.BytesIO()
    made = Archive(out.write, {"x": 1}, quiet)  # type: ignore[arg-type]
    made.table("one", ["a"], [(b"x" * 30,), (5,)])
    made.file("two", b"content")
    made.end()
    raw = bytearray(out.getvalue())
    at = data.draw(st.integers(5, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        parts = archive.read([bytes(raw)], sink := Everything())
    except BadBackup:
        return
    # Only the head is not covered by the end: it is the cipher's and the signature's.
    assert parts == made.parts
    assert sink.got[1:] == [("one", ["a"], [(b"x" * 30,), (5,)]), ("two", b"content")]
