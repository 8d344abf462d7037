"""Breaking: tips are taken while a process, a disk or a database breaks, and what must then hold.

``scripts/faults.py --campaign`` runs all of it, tests/promises/test_a_line_that_breaks.py a little
of each. The process that takes a tip is ``tests.promises.victim``: whoever is answered writes the
answer down before anything else can happen.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import func, select

from hotline import demo
from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.founding import PEPPER
from hotline.settings import Settings
from hotline.store.tables import Base
from hotline.triage.access import SignedIn
from hotline.triage.audit import balanced, ledger, verify
from hotline.vault.format import Kind
from hotline.vault.keys import open_body, open_wrap
from hotline.vault.receipts import find_tip, stretch
from tests import services
from tests.fast_clock import set_going, shared
from tests.line import SignIn, settings_for
from tests.promises import canaries

REPOSITORY = Path(__file__).resolve().parents[1]
Found = Callable[[Path, str, Clock], Settings]
WHOLE = ("tips", "receipts", "observations")
SMALL = 64  # megabytes of a disk that is to be full


@dataclass(slots=True)
class Ground:
    """A line, and the process that takes tips for it. ``told`` holds each tip's word with the
    receipt that was answered, or nothing."""

    settings: Settings
    clock: Clock
    victim: subprocess.Popen[str]
    acks: Path
    chance: random.Random
    told: dict[str, str | None] = field(default_factory=dict)

    def take(self, moment: float | None = None) -> bool:
        """Whether a tip was acknowledged; ``moment``: seconds after which its process is killed."""
        word = canaries.word("palavra")
        asked = {
            "scenario": "receive",
            "word": word,
            "fault": None,
            "moment": moment,
            "home": str(self.settings.home),
            "url": self.settings.database_url,
            "now": self.clock.seconds(),
            "acks": str(self.acks / word),
        }
        assert self.victim.stdin
        assert self.victim.stdout
        self.victim.stdin.write(json.dumps(asked) + "\n")
        self.victim.stdin.flush()
        json.loads(self.victim.stdout.readline())
        file = self.acks / word
        self.told[word] = json.loads(file.read_text())["receive"] if file.exists() else None
        return self.told[word] is not None

    def usual(self) -> float:
        """Seconds that one tip takes just now."""
        began = time.monotonic()
        assert self.take()
        return time.monotonic() - began


def demonstration(home: Path, url: str, clock: Clock) -> Settings:
    settings = settings_for(home, url)
    demo.seed_others(settings, clock, demo.seed_officers(settings, clock, demo.FEW_MONTHS))
    return settings


@contextmanager
def ground(found: Found, database: str, seed: int, disk: Path | None = None) -> Iterator[Ground]:
    """A line that ``found`` founds, on ``disk`` where one is given."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="breaking-")))
        home = (disk or folder) / "home"
        home.mkdir()
        url = f"sqlite:///{home / 'hotline.db'}"
        if database == "postgresql":
            server = stack.enter_context(services.postgres(durable=True))
            url = server.url(server.create())
        set_going(folder / "clock", time.time())
        clock = shared(folder / "clock")
        settings = found(home, url, clock)
        (folder / "acks").mkdir()
        victim = stack.enter_context(taker(settings))
        yield Ground(settings, clock, victim, folder / "acks", random.Random(seed))


@contextmanager
def taker(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    victim = subprocess.Popen(
        [sys.executable, "-m", "tests.promises.victim", str(settings.public)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert victim.stdin
    assert victim.stdout
    assert victim.stdout.readline() == "ready\n"
    try:
        yield victim
    finally:
        victim.stdin.close()
        victim.wait(30)
        victim.stdout.close()


def killed(here: Ground, rounds: int) -> None:
    """kill -9 at any moment of taking a tip, or a little after."""
    here.usual()
    for number in range(rounds):
        if number % 10 == 0:
            usual = here.usual()
        here.take(here.chance.uniform(0, usual * 1.2))


def full(here: Ground, rounds: int) -> None:
    """The disk has no byte left; every fifth time it has again, and then tips are taken."""
    ballast = here.settings.home.parent / "ballast"
    for number in range(rounds):
        filled(ballast)
        here.take()
        if number % 5 == 4:
            ballast.unlink()
            assert here.take(), "there is room again"
    ballast.unlink(missing_ok=True)
    assert here.take(), "there is room again"


def filled(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def torn(here: Ground, rounds: int) -> None:
    """The journal ends anywhere, as after a power cut on a disk that lies: what is left of it is
    whole tips, and the books agree with them."""
    keeps = assemble_staff(here.settings, here.clock)  # the journal stays while it is open
    try:
        for _ in range(20):
            assert here.take()
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="torn-") as folder:
                home = Path(folder) / "home"
                shutil.copytree(here.settings.home, home)
                journal = home / "hotline.db-wal"
                os.truncate(journal, here.chance.randrange(journal.stat().st_size))
                copy = settings_for(home, f"sqlite:///{home / 'hotline.db'}")
                line = assemble_staff(copy, here.clock)
                try:
                    problems = books(line)
                finally:
                    line.close()
                assert not problems, problems
    finally:
        keeps.close()


def crashed(here: Ground, rounds: int) -> None:
    """A process of PostgreSQL is killed while a tip comes in: it starts anew from its log."""
    usual = here.usual()
    for _ in range(rounds):
        late = threading.Timer(here.chance.uniform(0, usual), crash, [here.settings.database_url])
        late.start()
        here.take()
        late.join()
        until = time.monotonic() + 60
        while not here.take():
            assert time.monotonic() < until, "the database came back"
            time.sleep(0.1)


def crash(url: str) -> None:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        ).fetchone()
    assert row
    os.kill(row[0], signal.SIGKILL)


Fault = Callable[[Ground, int], None]
FAULTS: dict[str, Fault] = {"killed": killed, "full": full, "torn": torn, "crashed": crashed}
# What breaks, on which database, how often.
CAMPAIGN = (
    ("killed", "sqlite", 1000),
    ("killed", "postgresql", 200),
    ("full", "sqlite", 60),
    ("torn", "sqlite", 60),
    ("crashed", "postgresql", 20),
)


def broken(
    name: str, database: str, rounds: int, seed: int = 1, found: Found = demonstration
) -> dict[str, Any]:
    """Runs one fault and judges what is left."""
    fault, began = FAULTS[name], time.monotonic()
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk()) if name == "full" else None
        here = stack.enter_context(ground(found, database, seed, disk))
        fault(here, rounds)
        judgement = judged(here)
    return {
        "fault": name,
        "database": database,
        "rounds": rounds,
        **judgement,
        "seconds": round(time.monotonic() - began),
    }


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of SMALL megabytes in memory; needs the right to mount one."""
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}m", "tmpfs", folder]
        subprocess.run(mount, check=True, capture_output=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def judged(here: Ground) -> dict[str, Any]:
    """What was acknowledged, and all that is wrong: acknowledged tips that are lost or cannot be
    read, parts without their tip, books that do not agree, words of tips in the clear."""
    line = assemble_staff(here.settings, here.clock)
    try:
        who, problems, lost = SignIn(line)("gabi"), books(line), 0
        acknowledged = {word: code for word, code in here.told.items() if code}
        for word, code in acknowledged.items():
            tip = tip_of(here.settings, line, code)
            lost += tip is None or word not in "".join(read(line, who, tip)[Kind.TIP])
        stored = line.audit.count("received")
    finally:
        line.close()
    clear = plaintext(here.settings, list(here.told))
    return {
        "tips": len(here.told),
        "acknowledged": len(acknowledged),
        "stored": stored,
        "lost": lost,
        "in the clear": len(clear),
        "problems": problems,
    }


def books(line: StaffLine) -> list[str]:
    """Every tip has all of its parts, the ledger balances, and the audit tree holds."""
    tables = Base.metadata.tables
    with line.database.read() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(tables[name])).scalar_one()
            for name in WHOLE
        }
    counts["received"] = line.audit.count("received")
    problems = [] if len(set(counts.values())) == 1 else [f"parts of tips: {counts}"]
    problems += [] if balanced(ledger(line)) else ["the ledger does not balance"]
    return [*problems, *verify(line).problems]


def tip_of(settings: Settings, line: StaffLine, code: str) -> bytes | None:
    """The tip a receipt opens, as its reporter would find it."""
    keys = stretch(code, (settings.public / PEPPER).read_bytes())
    row = line.tips.receipt(keys.lookup)
    return find_tip(keys, row)[0] if row is not None else None


def read(line: StaffLine, who: SignedIn, tip: bytes) -> dict[int, list[str]]:
    """Everything of a tip by kind of body, opened with the desk's key."""
    row = line.tips.one(tip)
    assert row is not None
    (key,) = {
        open_wrap(line.access.epoch_seed(who, w.recipient, w.epoch), w, body)
        for body in line.tips.bodies(tip)
        if body.id == tip
        for w in line.tips.wraps([tip])
        if w.recipient == "queue:" + row.queue
    }
    found: dict[int, list[str]] = {}
    for body in line.tips.bodies(tip):
        if body.kind in (Kind.TIP, Kind.SUMMARY):
            found.setdefault(body.kind, []).append(open_body(key, body).decode())
    return found


def plaintext(settings: Settings, words: list[str]) -> list[str]:
    """Words of tips that lie anywhere in clear; answers are the reporter's and lie elsewhere."""
    places = list(canaries.files(settings.home))
    if not settings.sqlite:
        places += canaries.postgres(settings.database_url)
    return [f"{word} in {place}" for place, raw in places for word in words if word.encode() in raw]
