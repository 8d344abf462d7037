"""Relay: how long from a text that tells of danger to the first ring of somebody on duty.

A line of real processes on loopback, as ``hotline serve`` and ``hotline worker`` start them, a
provider that counts, and a rota of one. Ten texts with idle workers, ten beside ordinary errands
that wait: on SQLite with the embedded engine, on PostgreSQL with three workers of RQ.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hotline import demo
from hotline.assembly import assemble_staff
from hotline.clock import Clock
from hotline.jobs.tell import teller
from hotline.routing.profile import find
from hotline.serve import Ports, running, wait_ready
from hotline.settings import Settings, child_environ
from hotline.simulate.phone import Http, TextPhone
from hotline.store.outbox import Outbox
from hotline.tips import Trace
from tests import services
from tests.line import settings_for
from tests.twilio_fake import FakeTwilio

TEXTS, WAITING, WORKERS = 10, 10_000, 3
TOOK_TOO_LONG = 60
BATCH = 500
TOLD = "Socorro, vao matar o vizinho agora na rua das Flores em Niteroi RJ"
ROTA = '\n[[duty]]\nagency = "central-rj"\npost = "Room"\nnumber = "+5521900000001"\n'


@contextlib.contextmanager
def line(twilio: FakeTwilio, database: str, redis: str | None) -> Iterator[tuple[str, Settings]]:
    """The address of a running line, and its settings."""
    with tempfile.TemporaryDirectory(prefix="hotline-relay-") as folder:
        home, rules = Path(folder) / "home", Path(folder) / "br-rj"
        home.mkdir()
        shutil.copytree(find("br-rj"), rules)
        with (rules / "profile.toml").open("a") as sheet:
            sheet.write(ROTA)
        url = database or f"sqlite:///{home / 'hotline.db'}"
        settings = replace(
            settings_for(home, url, redis),
            demo=False,
            jurisdiction=str(rules),
            twilio_number="+552122530000",
            twilio_api_url=twilio.url,
        )
        demo.seed_others(settings, Clock(), demo.seed_officers(settings, Clock()))
        ports, environ = Ports(0, 0, 0).resolved(), child_environ(settings)
        command = [sys.executable, "-m", "hotline.cli", "worker"]
        workers = [
            subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
            for _ in range(WORKERS if redis else 0)
        ]
        try:
            with running(settings, ports, ("public", "staff")) as children:
                address = f"http://127.0.0.1:{ports.public}"
                wait_ready(address + "/healthz", children)
                wait_ready(f"http://127.0.0.1:{ports.console}/healthz", children)
                yield address, settings
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait()


def rings(twilio: FakeTwilio) -> int:
    return sum(one.path.endswith("/Calls.json") for one in list(twilio.state.seen))


def first_ring(twilio: FakeTwilio, address: str, settings: Settings, number: int) -> float:
    """Seconds from the webhook's first byte to the provider's being asked to call."""
    before, begun = rings(twilio), time.monotonic()
    TextPhone(Http(address, settings), f"+55219900{number:05}").send(TOLD)
    while rings(twilio) == before:
        if time.monotonic() - begun > TOOK_TOO_LONG:
            raise SystemExit("nobody was rung within a minute")
        time.sleep(0.002)
    return time.monotonic() - begun


def wait_for(settings: Settings, count: int) -> Outbox:
    """Ordinary errands that wait, workers told of each: what a provider must forget, a request to
    it each."""
    staff, tell = assemble_staff(settings), teller(settings)
    for at in range(0, count, BATCH):
        traces = (Trace("message", f"SM{n:032x}") for n in range(at, at + BATCH))
        errands = [staff.envelope.erasure(trace) for trace in traces]
        staff.outbox.add(*errands)
        tell(errands)
    return staff.outbox


def waiting(outbox: Outbox) -> int:
    return sum(n for (kind, _), n in outbox.counts().items() if kind == "erase")


def told(took: list[float]) -> str:
    return f"median {statistics.median(took):.2f} s, slowest {max(took):.2f} s"


def measured(name: str, database: str, redis: str | None) -> dict[str, object]:
    twilio = FakeTwilio(time.time)
    try:
        with line(twilio, database, redis) as (address, settings):
            time.sleep(10)  # models and receipts are there, as after a quiet minute
            first_ring(twilio, address, settings, 99_999)
            idle = [first_ring(twilio, address, settings, n) for n in range(TEXTS)]
            outbox = wait_for(settings, WAITING)
            before = waiting(outbox)
            busy = [first_ring(twilio, address, settings, 1000 + n) for n in range(TEXTS)]
            after = waiting(outbox)
        return {
            f"{name}, idle": told(idle),
            f"{name}, busy": f"{told(busy)}; errands waiting: {before:,} to {after:,}",
        }
    finally:
        twilio.stop()


def report() -> dict[str, dict[str, object]]:
    figures = measured("SQLite, embedded", "", None)
    with services.postgres() as server, services.redis_server() as redis:
        name = server.create()
        figures |= measured(f"PostgreSQL, {WORKERS} workers", server.url(name), redis)
    load = os.getloadavg()[0]
    return {f"from a text to the first ring (load of the machine {load:.1f})": figures}
