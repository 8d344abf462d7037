"""Faults run: tips come in, workers die, Redis forgets; where all wait, the clock goes forward."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from sqlalchemy import select

from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.delivery.ways import patience
from hotline.errors import Unavailable
from hotline.jobs import rq
from hotline.settings import Settings
from hotline.store.tables import OutboxRow, PackageRow
from hotline.store.ways import Ways
from hotline.tips import Channel, Contact, State
from hotline.triage.access import SignedIn
from hotline.triage.dispositions import forward
from hotline.triage.opening import open_tip
from tests.fast_clock import SharedHands, shared
from tests.faults import CANARIES, Agencies, Told, enter
from tests.faults_crew import Crew, in_redis, in_rows, redis_on
from tests.fleet import serving
from tests.line import SignIn

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
            self.breaks(self.line.audit.count("package_handed_over"), kills)
            if fed and not self.wait():
                return True
        return False

    def breaks(self, done: int, kills: list[int]) -> None:
        """What has to break by the time so many packages are delivered."""
        while kills and done >= kills[0]:
            kills.pop(0)
            self.look()
            self.crew.kill()
        asked = self.asked.restarts
        while self.restarts < asked and done * (asked + 2) > self.sound * (self.restarts + 1):
            self.look()
            self.restart()
            self.restarts += 1

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
        """Errands that are still to be done, but those that wait for the two bad agencies, once
        the line knows these as such."""
        failures = [Ways(self.line.database).of(name).failures for name in self.agencies.bad]
        bad = self.agencies.bad if min(failures) >= patience().away.after else ()
        lost = select(PackageRow.id).where(PackageRow.agency.in_(bad), PackageRow.state == "sent")
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


def prepared(asked: Asked, settings: Settings, stack: ExitStack) -> Run:
    """A run of the founded line of ``settings``, whose clock stands beside its home."""
    folder = settings.home.parent
    file = folder / "clock"
    clock = shared(file)
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
    crew = Crew(facts, 2 if pusher else 1, folder / "output", random.Random(asked.seed))
    stack.callback(crew.stop)
    who = SignIn(line)("gabi")
    return Run(
        asked, settings, line, public, who, agencies, SharedHands(file), crew, pusher, restart
    )
