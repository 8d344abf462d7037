#!/usr/bin/env python3
"""Whether every package arrives, once in effect, while everything around it breaks.

    .venv/bin/python scripts/faults.py [--tips 10000] [--agencies 50] [--seed 1]
                                       [--database sqlite|postgresql] [--json]

Tips come in through the real pipeline and leave as packages over signed webhooks. Of the agencies,
one is dead, one answers 200 with forged receipts, and the others fail one time in five: errors,
cut connections, answers without a signature, and errors after they took it. Workers are killed at
random; on PostgreSQL, with RQ, Redis is restarted empty twice. On SQLite the embedded engine runs.
Times of back-off and lease pass twenty times as fast. Ends with 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import redis
import requests
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline import demo
from hotline.assembly import StaffLine, assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.delivery.senders import RecordingProvider
from hotline.errors import HotlineError
from hotline.jobs import rq
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.limits import Limits, MemoryPlaces, Places
from hotline.jobs.places import RedisPlaces
from hotline.jobs.runner import Runner, Task
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.settings import Settings
from hotline.store.tables import Base, OutboxRow, PackageRow
from hotline.store.tips import Change
from hotline.tips import Channel, Contact, Errand, SealedPackage, State
from hotline.triage.audit import balanced, ledger
from hotline.vault import format as fmt
from hotline.vault import signatures
from hotline.vault.envelope import agency_recipient
from hotline.vault.format import Kind
from hotline.vault.seal import seal_body
from hotline.vault.small import random_id, random_key
from tests import services
from tests.line import settings_for

SPEED = 20
WAITS = (5, 10, *[20] * 10)  # seconds of the fast clock
MEDIA, ASKS, ANSWERS = "application/vnd.hotline.package", "hotline-package", "hotline-ack"
CANARY = "Canario7Q secreto na rua das Acácias em Niterói RJ"
DEAD, FORGING = 0, 1
AT_ONCE = 4  # deliveries to one agency
FAILING, WORST = 51, 5  # of 256; tries of one package that may fail


def key(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"faults/{seed}/{name}".encode()).digest()


class NotDelivered(HotlineError):
    """No proof that the agency has it."""

    code = "unreachable"

    def __init__(self, reason: str) -> None:
        super().__init__("The agency did not prove that it has the package.")
        self.reason = reason


# The worker's side.


@dataclass(frozen=True, slots=True)
class Deliver:
    """The errand ``deliver`` of this harness: a package to its agency until it is acknowledged."""

    line: StaffLine
    limits: Limits
    seed: int
    url: str
    dead: str

    def __call__(self, errand: Errand) -> Sequence[Errand]:
        facts = open_facts(self.line, errand)
        number = int(facts["agency"])
        body = self.line.tips.body(errand.subject)
        assert body is not None
        with self.limits.slot(f"agency:{number}", AT_ONCE, 60):
            self._send(number, errand.subject, body.sealed)
        self.line.desk.arrive(errand.subject, f"agency-{number}")
        return ()

    def _send(self, number: int, package: bytes, sealed: bytes) -> None:
        url = f"{self.dead if number == DEAD else self.url}/{number}"
        now, headers = int(time.time()), {"Content-Type": MEDIA}
        nonce = package.hex()
        headers |= signatures.sign(
            key(self.seed, "line"), "line", "POST", url, headers, sealed, now, nonce, ASKS
        )
        try:
            answer = requests.post(url, sealed, headers=headers, timeout=10)
        except requests.RequestException:
            raise NotDelivered("unreachable") from None
        if answer.status_code != 200:
            raise NotDelivered(f"http_{answer.status_code}")
        public = signatures.public_half(key(self.seed, f"agency-{number}"))
        asked = signatures.Asked("POST", url, headers)
        signatures.verify_response(
            public,
            f"agency-{number}",
            asked,
            200,
            dict(answer.headers),
            answer.content,
            int(time.time()),
            ANSWERS,
        )


def open_facts(line: StaffLine, errand: Errand) -> dict[str, str]:
    from hotline.jobs.recordings import open_facts as opened

    return opened(line, errand)


def fast_clock(began: float) -> Clock:
    return Clock(source=lambda: began + (time.time() - began) * SPEED)


def settings_of(told: dict[str, Any]) -> Settings:
    return settings_for(Path(told["home"]), told["database"], told["redis"])


def worker() -> None:
    """A worker process, which is told everything on its standard input."""
    told = json.loads(sys.stdin.readline())
    settings = settings_of(told)
    clock = fast_clock(told["began"])
    line = assemble_staff(settings, clock)
    places: Places = MemoryPlaces(time.monotonic)
    if settings.redis_url:
        places = RedisPlaces(rq.connect(settings.redis_url), line.audit_key)
    deliver = Deliver(line, Limits(places), told["seed"], told["url"], told["dead"])
    log = Log(clock, public=False)
    does = runner(line, RecordingProvider(), log)
    does = Runner(line.outbox, clock, {**does.tasks, "deliver": Task(deliver, WAITS)}, log)
    if settings.redis_url:
        rq._runner = lambda: does  # type: ignore[assignment]
        rq.work(settings.redis_url)
        return
    EmbeddedJobs(does).start()
    threading.Event().wait()


# The agencies' side.


class Agencies:
    """All agencies that live, behind one port. ``took`` are the packages they have, each once."""

    def __init__(self, seed: int, canary: bytes) -> None:
        self.seed = seed
        self.took: dict[str, int] = {}
        self.tries: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self._lock = threading.Lock()
        agencies = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if canary in body or canary in str(self.headers).encode():
                    agencies.wrong["plaintext"] += 1
                agencies.answer(self, body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, call: BaseHTTPRequestHandler, body: bytes) -> None:
        number = int(call.path[1:])
        asked = signatures.Asked("POST", self.url + call.path, dict(call.headers))
        try:
            package = signatures.verify(
                signatures.public_half(key(self.seed, "line")),
                "line",
                "POST",
                asked.url,
                asked.headers,
                body,
                int(time.time()),
                ASKS,
            )
        except signatures.Forged:
            self.wrong["unsigned request"] += 1
            say(call, 401, {})
            return
        with self._lock:
            self.tries[package] += 1
            tried = self.tries[package]
        dice = hashlib.sha256(f"{self.seed}/{package}/{tried}".encode()).digest()
        fails = number != FORGING and dice[0] < FAILING and tried <= WORST
        manner = ("error", "cut", "unsigned", "took it")[dice[1] % 4] if fails else ""
        if number != FORGING and manner in ("", "took it"):
            with self._lock:
                if self.took.setdefault(package, number) != number:
                    self.wrong["another agency's package"] += 1
        if manner == "cut":
            call.close_connection = True
            return
        if manner in ("error", "took it"):
            say(call, 500, {})
            return
        seed = key(self.seed, "nobody" if number == FORGING else f"agency-{number}")
        name = f"agency-{number}"
        signed = signatures.sign_response(
            seed, name, asked, 200, {}, b"", int(time.time()), ANSWERS
        )
        say(call, 200, {} if manner == "unsigned" else signed)


def say(call: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    call.send_response(status)
    for name, value in {**headers, "Content-Length": "0"}.items():
        call.send_header(name, value)
    call.end_headers()


# The line and what breaks around it.


def forward(line: StaffLine, tip: bytes, number: int, real: str) -> bytes:
    """Decides a tip: in one commit its state, a sealed package and the errand that delivers it."""
    row = line.tips.one(tip)
    assert row is not None
    secret, identity = random_key(), random_id()
    body = seal_body(secret, identity, tip, Kind.PACKAGE, f"UNVERIFIED {CANARY}".encode())
    wrap = line.envelope.wrap(secret, body.id, fmt.digest(body.sealed), agency_recipient(real))
    day = line.clock.day()
    package = SealedPackage(identity, tip, f"agency-{number}", "lead", day, day, body, wrap)
    errand = line.envelope.errand("deliver", identity, {"agency": str(number)})
    line.tips.apply(
        Change(tip, row.version, state=State.FORWARDED, packages=(package,), errands=(errand,))
    )
    return identity


@contextmanager
def redis_on(port: int) -> Iterator[Callable[[], None]]:
    """A Redis that keeps nothing; gives what restarts it."""
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        for old in started:
            old.kill()
            old.wait(30)
        started[:] = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ]

    start()
    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.wait(30)


class Crew:
    """Worker processes that are killed and replaced."""

    def __init__(self, told: dict[str, Any], count: int, output: Path) -> None:
        self._told = json.dumps(told) + "\n"
        self._output = output.open("ab")
        self.killed = 0
        self.all = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, __file__, "--worker"],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            text=True,
        )
        assert process.stdin
        process.stdin.write(self._told)
        process.stdin.flush()
        return process

    def kill(self, number: int) -> None:
        self._end(self.all[number])
        self.killed += 1
        self.all[number] = self._start()

    def stop(self) -> None:
        for process in self.all:
            self._end(process)
        self._output.close()

    def mend(self) -> None:
        """A worker that ended by itself is started again, as a supervisor would."""
        for number, process in enumerate(self.all):
            if process.poll() is not None:
                self._end(process)
                self.all[number] = self._start()

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait(30)
        if process.stdin:
            process.stdin.close()


def plaintext(line: StaffLine, client: redis.Redis | None, output: Path) -> list[str]:
    """Where the canary lies in clear."""
    canary, found = CANARY.encode(), []
    for table in Base.metadata.sorted_tables:
        with line.database.read() as connection:
            for row in connection.execute(select(table)):
                text = [v if isinstance(v, bytes) else str(v).encode() for v in row]
                if any(canary in value for value in text):
                    found.append(table.name)
    if client is not None:
        for name in client.keys("*"):
            kind = client.type(name)
            value = client.hgetall(name) if kind == b"hash" else name
            if canary in repr(value).encode():
                found.append("redis")
    if canary in output.read_bytes():
        found.append("output")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tips", type=int, default=10_000)
    parser.add_argument("--agencies", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--kills", type=int, default=12, help="about so many workers are killed")
    parser.add_argument("--deadline", type=float, default=3600.0, help="seconds")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        worker()
        return 0
    with ExitStack() as stack:
        figures, problems = run(asked, stack)
    if asked.json:
        print(json.dumps({**figures, "problems": problems}, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<28} {value}")
        for problem in problems:
            print(f"WRONG: {problem}")
    return 1 if problems else 0


def run(asked: argparse.Namespace, stack: ExitStack) -> tuple[dict[str, Any], list[str]]:
    home = Path(
        stack.enter_context(
            tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)
        )
    )
    began, chance = time.time(), random.Random(asked.seed)
    database, redis_url, restart, client = f"sqlite:///{home / 'hotline.db'}", None, None, None
    if asked.database == "postgresql":
        server = stack.enter_context(services.postgres())
        database = server.url(server.create())
        port = services.free_port()
        restart = stack.enter_context(redis_on(port))
        redis_url = f"redis://127.0.0.1:{port}/0"
        client = stack.enter_context(redis.Redis.from_url(redis_url))
    settings = settings_for(home, database, redis_url)
    clock = fast_clock(began)
    demo.seed_others(settings, clock, demo.seed_officers(settings, clock))
    public, line = assemble_public(settings, clock), assemble_staff(settings, clock)
    stack.callback(public.close)
    stack.callback(line.close)
    agencies = Agencies(asked.seed, CANARY.encode())
    stack.callback(agencies.server.shutdown)
    told = {
        "home": str(home),
        "database": database,
        "redis": redis_url,
        "began": began,
        "seed": asked.seed,
        "url": agencies.url,
        "dead": f"http://127.0.0.1:{services.free_port()}",
    }
    output = home / "output"
    crew = Crew(told, 2 if redis_url else 1, output)
    stack.callback(crew.stop)
    pusher = rq.Pusher(rq.connect(redis_url)) if redis_url else None
    packages: dict[str, int] = {}
    done = threading.Event()

    def feed() -> None:
        known: set[bytes] = set()
        real = line.profile.inboxes()[0]
        for number in range(asked.tips):
            public.pipeline.receive(Contact(channel=Channel.WEB, text=f"{CANARY} {number}"))
            rows = line.tips.queue(
                list(line.profile.queues), [State.OPEN, State.WAITING], most=asked.tips
            )
            (tip,) = {row.id for row in rows} - known
            agency = number % asked.agencies
            packages[forward(line, tip, agency, real).hex()] = agency
        done.set()

    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    restarts, step = 0, max(asked.tips // asked.kills, 1)
    next_kill = step
    leaks: list[str] = []
    finished = False
    while (
        not finished
        and time.time() - began < asked.deadline
        and (feeding.is_alive() or done.is_set())
    ):
        time.sleep(0.3)
        crew.mend()
        if pusher:
            pusher.sweep(lambda most, lane: line.outbox.ready(clock.seconds(), most, lane))
        if sum(agencies.tries.values()) >= next_kill:
            crew.kill(chance.randrange(len(crew.all)))
            next_kill = sum(agencies.tries.values()) + chance.randrange(1, 2 * step)
        if restart and restarts < 2 and len(agencies.took) > asked.tips * (restarts + 1) // 4:
            leaks += plaintext(line, client, output)
            restart()
            restarts += 1
        open_rows = sum(
            count
            for (kind, state), count in line.outbox.counts().items()
            if kind == "deliver" and state in ("ready", "running")
        )
        finished = done.is_set() and not open_rows
    leaks += plaintext(line, client if restart else None, output)
    return judged(line, asked, agencies, packages, leaks, finished, restarts, crew, began)


def judged(
    line: StaffLine,
    asked: argparse.Namespace,
    agencies: Agencies,
    packages: dict[str, int],
    leaks: list[str],
    finished: bool,
    restarts: int,
    crew: Crew,
    began: float,
) -> tuple[dict[str, Any], list[str]]:
    with line.database.read() as connection:
        states = {row.id.hex(): row.state for row in connection.execute(select(PackageRow))}
        alarmed = {
            row.subject.hex()
            for row in connection.execute(select(OutboxRow).where(OutboxRow.state == "buried"))
        }
    proved = {package for package, state in states.items() if state == "sent"}
    books = ledger(line)
    healthy = {p for p, agency in packages.items() if agency not in (DEAD, FORGING)}
    wrong = {
        "the run did not end before its deadline": not finished,
        "tips without a package": len(packages) != asked.tips,
        "neither proved nor alarmed": len(set(packages) - proved - alarmed),
        "proved although nobody has it": len(proved - set(agencies.took)),
        "proved and alarmed": len(proved & alarmed),
        "a sound agency without its package": len(healthy - set(agencies.took)),
        "alarmed although its agency is sound": len(alarmed & healthy),
        "a dead or forging agency proved one": len(proved - healthy),
        "the ledger does not balance": not balanced(books),
        "Redis was not restarted twice": asked.database == "postgresql" and restarts != 2,
        "no worker was killed": not crew.killed,
    }
    problems = [f"{name}: {int(count)}" for name, count in wrong.items() if count]
    problems += [f"plaintext in {place}" for place in sorted(set(leaks))]
    problems += [f"{name}: {count}" for name, count in agencies.wrong.items()]
    figures = {
        "tips": asked.tips,
        "agencies": asked.agencies,
        "engine": "RQ" if restarts or asked.database == "postgresql" else "embedded",
        "database": asked.database,
        "delivered and proved": len(proved),
        "alarmed": len(alarmed),
        "requests": sum(agencies.tries.values()),
        "requests beyond the first": sum(agencies.tries.values()) - len(agencies.tries),
        "workers killed": crew.killed,
        "Redis restarted": restarts,
        "received": books["received"],
        "forwarded": books["forwarded"],
        "seconds": round(time.time() - began),
    }
    return figures, problems


if __name__ == "__main__":
    sys.exit(main())
