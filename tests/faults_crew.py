"""Crew: workers as processes that die, a Redis that forgets, and where no secret may lie."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from hotline.assembly import StaffLine
from hotline.store.tables import Base
from tests.faults import CANARIES, Told
from tests.services import STARTS_WITHIN, find

ENDED = ["setpriv", "--pdeathsig=KILL"]  # nothing outlives the run
ROOT = Path(__file__).parent.parent


class Crew:
    """Worker processes that are killed and replaced. What they say is in ``output``."""

    def __init__(self, told: Told, count: int, output: Path, chance: random.Random) -> None:
        self._told = json.dumps(asdict(told)) + "\n"
        self._chance = chance
        self.output = output
        self._open = output.open("ab")
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
        self._open.close()

    def _start(self) -> subprocess.Popen[str]:
        command = [*ENDED, sys.executable, "-m", "tests.faults"]
        kept = {"stdout": self._open, "stderr": self._open}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=ROOT, **kept)
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
    found = set()
    for file in (file for folder in folders for file in folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # a database tidies up
            if file.is_file() and _readable(file.read_bytes()):
                found.add(file.name)
    return found


def _readable(value: object) -> bool:
    raw = value if isinstance(value, bytes) else repr(value).encode()
    with contextlib.suppress(zlib.error):
        raw += zlib.decompress(raw)
    return any(word.encode() in raw for word in CANARIES)
