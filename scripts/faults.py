#!/usr/bin/env python3
"""Whether every package arrives, once in effect, while everything around it breaks.

    .venv/bin/python scripts/faults.py [--tips 10000] [--agencies 50] [--seed 1]
                                       [--database sqlite|postgresql] [--json]

Tips come in by the line's intake, a person forwards each at the desk, and packages leave by the
line's own webhooks. Of the agencies, one is dead, one answers 200 with forged receipts, and the
others fail one time in five: errors, cut connections, answers without a signature, and errors
after they took it. Workers are killed at random; on PostgreSQL, with RQ, Redis is restarted empty
twice. On SQLite the embedded engine runs. Where nothing is left but to wait, the clock is put
forward. Ends with 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline import demo
from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.errors import Unavailable
from hotline.jobs import rq
from hotline.log import quiet
from hotline.settings import Settings
from hotline.store.tables import OutboxRow, PackageRow
from hotline.tips import Channel, Contact, State
from hotline.triage.access import SignedIn
from hotline.triage.dispositions import forward
from hotline.triage.opening import open_tip
from tests import services
from tests.fast_clock import SharedHands, set_going, shared
from tests.faults import (
    CANARIES,
    Agencies,
    Crew,
    Told,
    enter,
    in_files,
    in_redis,
    in_rows,
    redis_on,
    worker,
)
from tests.faults_judged import End, alarmed, figures, once, sound
from tests.fleet import serving
from tests.line import SignIn, settings_for

TEXTS = 300  # different ones
LOOK_SECONDS, SWEEP_SECONDS = 0.25, 2.0  # of real time; the staff process sweeps as often
STUCK_LOOKS = 12  # a worker that was killed holds an errand: nobody works on it for so many looks


@dataclass(frozen=True, slots=True)
class Asked:
    tips: int
    agencies: int
    seed: int
    kills: int
    restarts: int
    deadline: float  # seconds


@dataclass(slots=True)
class Run:
    """A line, what works for it, and what was seen. ``tips`` counts what a person forwarded."""

    asked: Asked
    settings: Settings
    line: StaffLine
    public: PublicLine
    who: SignedIn
    agencies: Agencies
    hands: SharedHands
    crew: Crew
    pusher: rq.Pusher | None
    restart: Callable[[], None]
    tips: int = 0
    restarts: int = 0
    put_forward: float = 0.0  # seconds
    broken: list[BaseException] = field(default_factory=list)
    leaks: set[str] = field(default_factory=set)
    swept: float = 0.0
    running: set[bytes] = field(default_factory=set)
    looks: int = 0

    def feed(self) -> None:
        """All tips, one after the other."""
        try:
            for number in range(self.asked.tips):
                told = f"{CANARIES[0]} vende drogas na rua das {CANARIES[1]} {number % TEXTS + 1}"
                contact = Contact(channel=Channel.WEB, text=told + " em Niterói RJ")
                self._patiently(lambda contact=contact: self.public.pipeline.receive(contact))
                agency = self.agencies.names[number % len(self.agencies.names)]
                self._patiently(lambda agency=agency: self._forward(agency))
                self.tips += 1
        except BaseException as error:
            self.broken.append(error)
            raise

    def _forward(self, agency: str) -> None:
        (row,) = self.line.tips.queue(self.line.profile.queues, [State.OPEN, State.WAITING])
        opened = open_tip(self.line, self.who, row.id)
        forward(self.line, self.who, opened, leads=[agency], reason="credible")

    def _patiently(self, do: Callable[[], object]) -> None:
        """As people do whom the line asks to come back in a moment."""
        while True:
            try:
                do()
                return
            except Unavailable:
                time.sleep(0.5)

    def go(self) -> bool:
        """Whether everything was done before the deadline that can be done."""
        feeding = threading.Thread(target=self.feed, daemon=True)
        feeding.start()
        until, kills = time.monotonic() + self.asked.deadline, self.when_to_kill()
        while time.monotonic() < until and not self.broken:
            time.sleep(LOOK_SECONDS)
            fed = not feeding.is_alive()
            self.crew.mend()
            self.sweep()
            done = self.line.audit.count("package_handed_over")
            if kills and done >= kills[0]:
                kills.pop(0)
                self.look()
                self.crew.kill()
            if self.restarts < self.asked.restarts and done * 4 > self.sound * (self.restarts + 1):
                self.look()
                self.restart()
                self.restarts += 1
            if fed and not self.wait():
                return True
        return False

    def sweep(self) -> None:
        """Tells the workers what is ready, as the staff process does."""
        if self.pusher and time.monotonic() - self.swept > SWEEP_SECONDS:
            self.swept, now = time.monotonic(), self.line.clock.seconds()
            self.pusher.sweep(lambda most, lane: self.line.outbox.ready(now, most, lane))

    def wait(self) -> bool:
        """Whether something is still to be done. Puts the clock forward when nobody works."""
        waits = self.waiting()
        running = {row.id for row in waits if row.state == "running"}
        self.looks = self.looks + 1 if running and running == self.running else 0
        self.running = running
        if waits and (not running or self.looks >= STUCK_LOOKS):
            self.put(min(row.due_at for row in waits))
        return bool(waits)

    @property
    def sound(self) -> int:
        """How many packages go to agencies that take them."""
        return self.asked.tips * (self.asked.agencies - 2) // self.asked.agencies

    def when_to_kill(self) -> list[int]:
        """After so many deliveries each; the last while there is still something to deliver."""
        places = range(1, self.sound * 3 // 4)
        some = random.Random(self.asked.seed).sample(places, self.asked.kills)
        return sorted(some)

    def put(self, due: float) -> None:
        """The clock, to when something is due."""
        ahead = due + 1 - self.line.clock.seconds()
        if ahead > 1:
            self.hands.forward(ahead)
            self.put_forward += ahead

    def waiting(self) -> list[Any]:
        """Errands that are still to be done, but those that wait for the two bad agencies."""
        lost = select(PackageRow.id).where(
            PackageRow.agency.in_(self.agencies.bad), PackageRow.state == "sent"
        )
        query = select(OutboxRow.id, OutboxRow.state, OutboxRow.due_at).where(
            OutboxRow.state.in_(("ready", "running")),
            (OutboxRow.kind != "deliver") | OutboxRow.subject.not_in(lost),
        )
        with self.line.database.read() as connection:
            return list(connection.execute(query).all())

    def look(self) -> None:
        """For plaintext, where it could lie for a moment only."""
        self.leaks |= in_rows(self.line, ["outbox"])
        if self.settings.redis_url:
            with Redis.from_url(self.settings.redis_url) as client:
                self.leaks |= in_redis(client)


@contextmanager
def founded(database: str, stack: ExitStack) -> Iterator[Settings]:
    """A new line with everybody of the demonstration."""
    folder = tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)
    home, url = Path(stack.enter_context(folder)) / "home", None
    home.mkdir()
    redis_url = None
    if database == "postgresql":
        server = stack.enter_context(services.postgres())
        url, redis_url = server.url(server.create()), f"redis://127.0.0.1:{services.free_port()}/0"
    settings = settings_for(home, url or f"sqlite:///{home / 'hotline.db'}", redis_url)
    clock_file = home.parent / "clock"
    set_going(clock_file, time.time())
    clock = shared(clock_file)
    demo.seed_others(settings, clock, demo.seed_officers(settings, clock, demo.FEW_MONTHS))
    yield settings


def run(asked: Asked, settings: Settings, stack: ExitStack) -> tuple[dict[str, Any], list[str]]:
    """Figures, and what is wrong. The clock of ``settings``' line stands beside its home."""
    began, folder = time.monotonic(), settings.home.parent
    file = folder / "clock"
    clock, hands = shared(file), SharedHands(file)
    agencies = enter(settings, clock, folder / "agencies", asked.agencies)
    pusher, restart = None, lambda: None
    if settings.redis_url:
        port = int(settings.redis_url.rpartition(":")[2].partition("/")[0])
        restart = stack.enter_context(redis_on(port))
        pusher = rq.Pusher(stack.enter_context(rq.connect(settings.redis_url)))
    told = {"told": pusher.told} if pusher else {}
    line, public = assemble_staff(settings, clock, **told), assemble_public(settings, clock, **told)
    stack.callback(line.close)
    stack.callback(public.close)
    stack.enter_context(serving(agencies.home, file, agencies.port))
    facts = Told(str(settings.home), settings.database_url, settings.redis_url, str(file))
    output = folder / "output"
    crew = Crew(facts, 2 if pusher else 1, output, random.Random(asked.seed))
    stack.callback(crew.stop)
    who = SignIn(line)("gabi")
    one = Run(asked, settings, line, public, who, agencies, hands, crew, pusher, restart)
    ready = time.monotonic()
    finished = one.go()
    seconds = time.monotonic() - ready
    crew.stop()
    found, problems = judged(one, finished, output)
    times = {"seconds": round(seconds), "with preparation": round(time.monotonic() - began)}
    return found | times, problems


def judged(one: Run, finished: bool, output: Path) -> tuple[dict[str, Any], list[str]]:
    line, agencies, asked, said = one.line, one.agencies, one.asked, output.read_text()
    end = End.of(line, agencies)
    one.look()
    one.leaks |= in_rows(line) | in_files(one.settings.home.parent)
    wrong = {
        "the run did not end before its deadline": not finished,
        "tips that came or went otherwise": abs(asked.tips - one.tips) + len(one.broken),
        "workers killed too seldom": asked.kills - one.crew.killed,
        "Redis restarted too seldom": asked.restarts - one.restarts,
        **once(line, end, asked.tips),
        **alarmed(line, agencies, end, said),
        **sound(line, agencies, end, said),
    }
    problems = [f"{name}: {int(count)}" for name, count in wrong.items() if count]
    problems += [f"readable in {place}" for place in sorted(one.leaks)]
    known = {
        "tips": one.tips,
        "agencies": asked.agencies,
        "database": "sqlite" if line.database.sqlite else "postgresql",
        "engine": "RQ" if one.pusher else "embedded",
        **figures(line, end),
        "workers killed": one.crew.killed,
        "Redis restarted": one.restarts,
        "minutes the clock was put forward": round(one.put_forward / 60),
    }
    return known, problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tips", type=int, default=10_000)
    parser.add_argument("--agencies", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--kills", type=int, default=12, help="workers to be killed")
    parser.add_argument("--deadline", type=float, default=3600.0, help="seconds")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    quiet()
    if given.worker:
        worker()
        return 0
    restarts = 2 if given.database == "postgresql" else 0
    asked = Asked(given.tips, given.agencies, given.seed, given.kills, restarts, given.deadline)
    with ExitStack() as stack:
        settings = stack.enter_context(founded(given.database, stack))
        found, problems = run(asked, settings, stack)
    if given.json:
        print(json.dumps({**found, "problems": problems}, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:<38} {value}")
        for problem in problems:
            print(f"WRONG: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
