"""Intake: how many tips a running line takes, what one costs, and how long people wait for it.

Against ``serve`` on loopback as ``paced.py`` loads it, on SQLite with one public process and on
PostgreSQL with two that share Redis, both databases writing through to the disk; the load comes
from the same two cores. Every tip that was acknowledged is counted in the database afterwards.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from answers import spent
from desk_pace import lines
from paced import FLOOR
from sqlalchemy import func, select
from tip_shares import shares

from hotline.clock import Clock
from hotline.serve import Ports, environ, stop, wait_ready
from hotline.settings import Settings
from hotline.store.database import Database
from hotline.store.tables import TipRow
from tests import services
from tests.routing.labelled import tips

AT_ONCE = 32  # connections
STEADY = 100  # tips a second, by the clock
SETTLING = 5.0  # seconds: its language model loaded, what was loaded set aside
WARMING = 3.0
SOME = 800  # tips
LIMITS = {"of the floor": 2.5, "p99 ms": 250.0, "steady p99 ms": 100.0}
LEAST = {"sqlite": 350, "postgresql": 600}  # tips a second
Figures = dict[str, dict[str, float]]
Report = dict[str, dict[str, object]]


@dataclass(slots=True)
class Wire:
    """One connection, and the request that it waits for."""

    socket: socket.socket
    due: float = 0.0
    heard: bytes = b""

    def answered(self) -> int:
        """The status once the answer is whole, 0 before. Raises OSError when it will not come."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionResetError
        self.heard += piece
        head, found, body = self.heard.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if not found or len(body) < int(length or b"0"):
            return 0
        return int(head.split(b" ", 2)[1])


@dataclass(slots=True)
class Load:
    """What was sent and how it was answered; seconds."""

    took: list[float] = field(default_factory=list)
    refused: int = 0
    lasted: float = 0.0

    def figures(self) -> dict[str, float]:
        cuts = statistics.quantiles(self.took, n=100)
        return {
            "tips a second": round(len(self.took) / self.lasted),
            "p50 ms": round(cuts[49] * 1e3, 1),
            "p99 ms": round(cuts[98] * 1e3, 1),
            "acknowledged": len(self.took),
            "refused": self.refused,
        }


def bodies(draw: random.Random) -> Iterator[bytes]:
    """Labelled tips of five languages in turn, each told in other words at its end."""
    for tip in itertools.cycle(tips("development")):
        text = f"{tip.text} {draw.randrange(10**6)}"
        yield json.dumps({"description": text, "language": tip.language}).encode()


def requests(port: int, draw: random.Random) -> Iterator[bytes]:
    for body in bodies(draw):
        yield (
            b"POST /api/v1/tips HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        ) % (port, len(body), body)


def drive(port: int, sent: Iterator[bytes], seconds: float, per_second: float = 0.0) -> Load:
    """As fast as AT_ONCE people who report one after the other; or ``per_second`` by the clock,
    whether or not earlier ones are answered: then waiting is counted from when each was due."""
    load, begun, number, busy = Load(), time.perf_counter(), 0, 0
    idle = [Wire(socket.create_connection(("127.0.0.1", port))) for _ in range(AT_ONCE)]
    with selectors.DefaultSelector() as selector:
        while busy or time.perf_counter() - begun < seconds:
            now = time.perf_counter() - begun
            while idle and now < seconds and number <= now * (per_second or float("inf")):
                wire = idle.pop(0)  # by turns: the server hangs up on who is long silent
                wire.due, wire.heard = number / per_second if per_second else now, b""
                wire.socket.sendall(next(sent))
                selector.register(wire.socket, selectors.EVENT_READ, wire)
                number, busy = number + 1, busy + 1
                now = time.perf_counter() - begun
            for key, _ in selector.select(0.002):
                if status := key.data.answered():
                    selector.unregister(key.data.socket)
                    idle.append(key.data)
                    busy -= 1
                    if status == 201:
                        load.took.append(time.perf_counter() - begun - key.data.due)
                    else:
                        load.refused += 1
    load.lasted = time.perf_counter() - begun
    for wire in idle:
        wire.socket.close()
    return load


@contextlib.contextmanager
def line(settings: Settings, workers: int, *, floor: bool = False) -> Iterator[tuple[int, int]]:
    """The port of a running public process and its id."""
    port = Ports(0, 0, 0).resolved().public
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parent)])
    numbers = [str(number) for number in (port, workers, os.getpid())]
    child = subprocess.Popen(
        [sys.executable, "-m", "hotline.serve", "public", "127.0.0.1", *numbers, "paced"],
        env=environ(settings, "public") | {"PYTHONPATH": paths} | ({FLOOR: "1"} if floor else {}),
        start_new_session=True,
    )
    try:
        wait_ready(f"http://127.0.0.1:{port}/healthz", [child])
        yield port, child.pid
    finally:
        stop([child])


def stored(settings: Settings) -> int:
    database = Database(settings.database_url)
    with database.read() as connection:
        count = connection.execute(select(func.count()).select_from(TipRow)).scalar_one()
    database.close()
    return int(count)


def costing(pid: int, load: Load, before: float) -> float:
    """Milliseconds of the line's own processes for each acknowledged tip."""
    return round((spent([pid]) - before) * 1e3 / len(load.took), 2)


def measured(settings: Settings, workers: int, seconds: float) -> Figures:
    """At full load and by the clock, then the floor at full load, each over the same database."""
    draw, known = random.Random(7), stored(settings)
    figures: Figures = {}
    sent = acknowledged = 0
    for name, floor in (("full load", False), ("floor", True)):
        with line(settings, workers, floor=floor) as (port, pid):
            time.sleep(SETTLING)
            texts = requests(port, draw)
            loads = [drive(port, texts, WARMING)]
            before = spent([pid])
            loads.append(drive(port, texts, seconds))
            figures[name] = loads[-1].figures() | {"cpu ms": costing(pid, loads[-1], before)}
            if not floor:
                loads.append(drive(port, texts, 2 * seconds, STEADY))
                figures[f"{STEADY} a second"] = loads[-1].figures()
            sent += sum(len(load.took) + load.refused for load in loads)
            acknowledged += sum(len(load.took) for load in loads)
    whole = figures["full load"]["cpu ms"] / figures["floor"]["cpu ms"]
    figures["kept"] = {
        "acknowledged": acknowledged,
        "refused": sent - acknowledged,
        "in the database": stored(settings) - known,
    }
    figures["full load"]["of the floor"] = round(whole, 2)
    return figures


def kept(engine: str, figures: Figures) -> list[str]:
    """What is not as it should be."""
    full, steady, tally = figures["full load"], figures[f"{STEADY} a second"], figures["kept"]
    checks = {
        "of the floor": full["of the floor"] <= LIMITS["of the floor"],
        "tips a second": full["tips a second"] >= LEAST[engine],
        "p99": full["p99 ms"] <= LIMITS["p99 ms"],
        "steady p99": steady["p99 ms"] <= LIMITS["steady p99 ms"],
        "nothing lost": tally["acknowledged"] == tally["in the database"],
        "nothing refused": tally["refused"] == 0,
    }
    return [name for name, well in checks.items() if not well]


def report(seconds: float = 30.0, engines: Sequence[str] = ("sqlite", "postgresql")) -> Report:
    found: Report = {}
    for engine in engines:
        with contextlib.ExitStack() as stack:
            settings = replace(stack.enter_context(lines(engine, Clock())), demo=False)
            workers = 1
            if engine == "postgresql":
                settings = replace(settings, redis_url=stack.enter_context(services.redis_server()))
                workers = 2
            some = list(itertools.islice(bodies(random.Random(11)), SOME))
            steps = shares(replace(settings, redis_url=None), some)
            figures = measured(settings, workers, seconds)
        found |= {f"{engine}, {name}": dict(figure) for name, figure in figures.items()}
        found[f"{engine}, milliseconds of one tip alone"] = dict(steps)
        found[f"{engine}, beyond the limits"] = {"": kept(engine, figures) or "nothing"}
    return found
