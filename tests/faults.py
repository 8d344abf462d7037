"""Faults: a line with many agencies' webhooks, its workers as processes that die, and where its
secrets must not lie. What ``scripts/faults.py`` puts together."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.delivery.senders import RecordingProvider
from hotline.founding import activate
from hotline.jobs import rq
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.places import RedisPlaces
from hotline.jobs.tasks import runner
from hotline.keyring import directory_change, held_change, hold
from hotline.log import Log
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions, copied
from hotline.settings import Settings
from hotline.store.tables import Base
from hotline.triage.approvals import Deed
from hotline.vault.held import signing_seed
from hotline.vault.keys import new_seed
from hotline.vault.line import line_signer
from hotline.vault.private import public_bytes
from hotline.vault.signatures import public_half
from tests.fast_clock import shared
from tests.fleet import address
from tests.line import settings_for
from tests.receivers import set_up
from tests.services import STARTS_WITHIN, find, free_port
from tests.terminal import agree

CANARIES = ("Canario7Q", "Acácias")
AT_ONCE = 4  # packages under way to one agency
ENDED = ["setpriv", "--pdeathsig=KILL"]  # nothing outlives the run
SCRIPT = Path(__file__).parent.parent / "scripts" / "faults.py"


@dataclass(frozen=True, slots=True)
class Told:
    """What every process of the run is told."""

    home: str
    database: str
    redis: str | None
    clock: str

    @property
    def settings(self) -> Settings:
        return settings_for(Path(self.home), self.database, self.redis)


@dataclass(frozen=True, slots=True)
class Agencies:
    """Ids in the order in which packages go round; ``seeds`` open what each was sent. One is
    ``dead``, one the ``forger``."""

    seeds: dict[str, bytes]
    home: Path
    port: int

    @property
    def names(self) -> list[str]:
        return list(self.seeds)

    @property
    def dead(self) -> str:
        return self.names[0]

    @property
    def forger(self) -> str:
        return self.names[1]

    @property
    def bad(self) -> tuple[str, str]:
        return self.dead, self.forger


def enter(settings: Settings, clock: Clock, home: Path, count: int) -> Agencies:
    """``count`` agencies of the line's profile get webhooks, by rules in force, and keys of their
    own, by the signed list: each as two officers agree on it. Their receivers stand in ``home``."""
    line = assemble_staff(settings, clock)
    try:
        names = [name for name in line.profile.inboxes() if _written(line.profile, name)][:count]
        assert len(names) == count, "the profile names too few bodies"
        found = Agencies({name: new_seed(1) for name in names}, home, free_port())
        _give_keys(line, found)
        nowhere = free_port()
        ports = {name: nowhere if name == found.dead else found.port for name in names}
        _give_webhooks(line, {name: address(port, name) for name, port in ports.items()})
    finally:
        line.close()
    home.mkdir(exist_ok=True)
    verifies = public_half(line_signer(settings.staff))
    for name, seed in found.seeds.items():
        set_up(home / name, name, signing_seed(seed), verifies)
    hidden = [word.encode().hex() for word in CANARIES]  # files are searched for them
    policy = {"forger": found.forger, "canaries": hidden}
    (home / "policy.json").write_text(json.dumps(policy))
    (home / "books").touch()
    return found


def _written(profile: Profile, name: str) -> bool:
    return f'\nid = "{name}"\n' in (profile.folder / "agencies.toml").read_text(encoding="utf-8")


def _give_keys(line: StaffLine, agencies: Agencies) -> None:
    for name, seed in agencies.seeds.items():
        public, signs = public_bytes(seed), public_half(signing_seed(seed))
        change = directory_change(line.settings, held_change(name, public, signs))
        by = agree(line, Deed.DIRECTORY, change)
        hold(line.settings, line.access, name, public, by, signs)


def _give_webhooks(line: StaffLine, urls: dict[str, str]) -> None:
    versions = Versions(line.settings.rules)
    with copied(versions.active()[1]) as folder:
        file = folder / "agencies.toml"
        text = file.read_text(encoding="utf-8")
        for name, url in urls.items():
            way = f'delivery = "webhook"\nwebhook = "{url}"\nat_once = {AT_ONCE}\n'
            text = text.replace(f'\nid = "{name}"\n', f'\nid = "{name}"\n{way}', 1)
        file.write_text(text, encoding="utf-8")
        agree(line, Deed.RULES, {"digest": Profile.load(folder).digest})
        olga, seen = line.access.people.named("olga"), len(versions.history())
        assert olga is not None
        why = "Fifty webhooks."
        activate(line.settings, line.audit, folder, [olga], why, line.clock, seen, line.approvals)


# Workers.


def worker() -> None:
    """A worker process, which is told everything on its standard input."""
    told = Told(**json.loads(sys.stdin.readline()))
    settings, clock = told.settings, shared(Path(told.clock))
    line = assemble_staff(settings, clock)
    places = None
    if settings.redis_url:
        places = RedisPlaces(rq.connect(settings.redis_url), line.audit_key)
    does = runner(line, RecordingProvider(), Log(clock, public=False), places=places)
    if settings.redis_url:
        rq._runner = lambda: does  # type: ignore[assignment]  # the product's, by another clock
        rq.work(settings.redis_url)
        return
    EmbeddedJobs(does).start()
    threading.Event().wait()


class Crew:
    """Worker processes that are killed and replaced. What they say is kept in ``output``."""

    def __init__(self, told: Told, count: int, output: Path, chance: random.Random) -> None:
        facts = {name: getattr(told, name) for name in told.__slots__}
        self._told = json.dumps(facts) + "\n"
        self._chance = chance
        self._output = output.open("ab")
        self.killed = 0
        self.all = [self._start() for _ in range(count)]

    def kill(self) -> None:
        self.killed += 1
        self._replace(self._chance.randrange(len(self.all)))

    def mend(self) -> None:
        """A worker that ended by itself is started again, as a supervisor would."""
        for number, process in enumerate(self.all):
            if process.poll() is not None:
                self._replace(number)

    def stop(self) -> None:
        for process in self.all:
            self._end(process)
        self._output.close()

    def _start(self) -> subprocess.Popen[str]:
        command = [*ENDED, sys.executable, str(SCRIPT), "--worker"]
        kept = {"stdout": self._output, "stderr": self._output}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, **kept)
        assert process.stdin
        process.stdin.write(self._told)
        process.stdin.flush()
        return process

    def _replace(self, number: int) -> None:
        self._end(self.all[number])
        self.all[number] = self._start()

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait(30)
        if process.stdin:
            process.stdin.close()


@contextlib.contextmanager
def redis_on(port: int) -> Iterator[Callable[[], None]]:
    """A Redis that keeps nothing; gives what kills it and starts it anew, empty."""
    program = find(["redis-server"], "Redis", "redis-server")
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        stop()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running.append(subprocess.Popen([*ENDED, program, *words], **quiet))
        until = time.monotonic() + STARTS_WITHIN
        with Redis(port=port) as client:
            while not _answers(client):
                assert time.monotonic() < until, "Redis did not start"
                time.sleep(0.05)

    def stop() -> None:
        while running:
            process = running.pop()
            process.kill()
            process.wait(30)

    start()
    try:
        yield start
    finally:
        stop()


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


# Where nothing readable may lie.


def in_rows(line: StaffLine, tables: Iterable[str] = ()) -> set[str]:
    """The tables with a canary in clear; of all, or of ``tables``."""
    found, wanted = set(), set(tables) or set(Base.metadata.tables)
    for table in Base.metadata.sorted_tables:
        with line.database.read() as connection:
            for row in connection.execute(select(table)) if table.name in wanted else ():
                if any(_readable(value) for value in row):
                    found.add(f"table {table.name}")
    return found


def in_redis(client: Redis) -> set[str]:
    """Whether any name or value of Redis holds a canary in clear, or packed as RQ packs."""
    reads = {
        b"hash": client.hgetall,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"set": client.smembers,
        b"zset": lambda name: client.zrange(name, 0, -1),
        b"string": client.get,
    }
    for name in client.keys("*"):
        kind = client.type(name)
        value = reads[kind](name) if kind in reads else b""  # gone meanwhile
        flat: Sequence[Any] = [*value, *value.values()] if isinstance(value, dict) else [value]
        if any(_readable(one) for one in (name, *flat)):
            return {"Redis"}
    return set()


def in_files(*folders: Path) -> set[str]:
    """The files with a canary in clear."""
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {file.name for file in files if _readable(file.read_bytes())}


def _readable(value: object) -> bool:
    raw = value if isinstance(value, bytes) else repr(value).encode()
    with contextlib.suppress(zlib.error):
        raw += zlib.decompress(raw)
    return any(word.encode() in raw for word in CANARIES)
