"""Workers: real processes on a real Redis that are told to stop, killed, or left without Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis

from hotline.assembly import StaffLine
from hotline.jobs import rq
from hotline.settings import NAMES, Settings
from hotline.store.outbox import LEASE_SECONDS
from hotline.tips import Errand, Trace
from tests import services
from tests.line import ACCOUNT, TOKEN
from tests.promises.ground import line_on

PATIENCE = 90.0  # seconds, on a machine that others share


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path
) -> Iterator[Settings]:
    yield from line_on("postgres", request, founded_home, tmp_path / "home")


class SlowProvider:
    """Deletes what it is asked to, when ``go`` is set; ``asked`` grows by one for each call."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[str] = []
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def do_DELETE(self) -> None:
                slow.asked.append(self.path.rpartition("/")[2])
                slow.go.wait(PATIENCE)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[SlowProvider]:
    provider = SlowProvider()
    yield provider
    provider.go.set()
    provider.server.shutdown()
    provider.server.server_close()


@contextmanager
def worker(
    line: StaffLine, provider: SlowProvider, redis_url: str, *more: str
) -> Iterator[subprocess.Popen[bytes]]:
    kept = {k: v for k, v in os.environ.items() if k.removesuffix("_FILE") not in NAMES}
    environ = kept | {
        "HOTLINE_HOME": str(line.settings.home),
        "HOTLINE_DATABASE_URL": line.settings.database_url,
        "HOTLINE_REDIS_URL": redis_url,
        "HOTLINE_PUBLIC_URL": line.settings.public_url,
        "HOTLINE_TWILIO_ACCOUNT_SID": ACCOUNT,
        "HOTLINE_TWILIO_AUTH_TOKEN": TOKEN,
        "HOTLINE_TWILIO_API_URL": provider.url,
    }
    command = [sys.executable, "-m", "hotline.cli", "worker", *more]
    process = subprocess.Popen(command, env=environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def until(true: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    """Waits for it; fails after a long time, or when the process ends before."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert process is None or process.poll() is None, "the worker ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def owe(line: StaffLine, sid: str, *, urgent: bool = False) -> Errand:
    errand = replace(line.envelope.erasure(Trace("message", sid)), urgent=urgent)
    line.outbox.add(errand)
    return errand


def asked_to_end(redis_url: str) -> bool:
    """Whether a worker noted that it was."""
    with redis.Redis.from_url(redis_url) as client:
        keys = client.keys("rq:worker:*")
        return any(
            client.type(key) == b"hash" and client.hexists(key, "shutdown_requested_date")
            for key in keys
        )


def test_a_worker_that_is_told_to_stop_finishes_what_it_does(
    staff_line: StaffLine, provider: SlowProvider, redis_url: str
) -> None:
    first = owe(staff_line, "SM1")
    rq.Pusher(rq.connect(redis_url)).told([first])
    with worker(staff_line, provider, redis_url) as process:
        until(lambda: provider.asked, process)
        second = owe(staff_line, "SM2")
        rq.Pusher(rq.connect(redis_url)).told([second])
        process.send_signal(signal.SIGTERM)
        until(lambda: asked_to_end(redis_url), process)
        provider.go.set()
        assert process.wait(PATIENCE) == 0
    assert provider.asked == ["SM1.json"]
    assert staff_line.outbox.counts() == {("erase", "ready"): 1}, "the other one waits"
    assert staff_line.outbox.tally("provider_erased") == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told twice"])
def test_what_a_worker_was_doing_when_it_was_killed_is_done_by_another(
    staff_line: StaffLine, provider: SlowProvider, redis_url: str, number: signal.Signals
) -> None:
    rq.Pusher(rq.connect(redis_url)).told([owe(staff_line, "SM1")])
    with worker(staff_line, provider, redis_url, "--lanes", "erase,other") as process:
        until(lambda: provider.asked, process)
        # RQ takes a second signal within a second for an echo of the first.
        until(lambda: process.send_signal(number) or process.poll() is not None)
    provider.go.set()
    (identity,) = staff_line.outbox.ready(time.time() + LEASE_SECONDS)
    assert staff_line.outbox.counts() == {("erase", "running"): 1}
    staff_line.outbox.again(identity, 0, "", tried=False)  # as its lease ended
    with worker(staff_line, provider, redis_url) as process:
        rq.Pusher(rq.connect(redis_url)).sweep(
            lambda most, lane: staff_line.outbox.ready(time.time(), most, lane)
        )
        until(lambda: not staff_line.outbox.counts(), process)
    assert provider.asked == ["SM1.json"] * 2


def test_danger_waits_neither_for_a_busy_worker_nor_for_redis(
    staff_line: StaffLine, provider: SlowProvider
) -> None:
    with services.redis_server() as url:
        pusher = rq.Pusher(rq.connect(url))
        pusher.told([owe(staff_line, "SM1")])
        with worker(staff_line, provider, url) as process:
            until(lambda: provider.asked, process)
            # Busy with one, told of neither by Redis: a commit's push was lost.
            owe(staff_line, "SM2")
            owe(staff_line, "SM3", urgent=True)
            until(lambda: len(provider.asked) == 2, process)
            assert provider.asked == ["SM1.json", "SM3.json"]
            with redis.Redis.from_url(url) as client, pytest.raises(redis.ConnectionError):
                client.shutdown(nosave=True)
                client.ping()
            provider.go.set()
            owe(staff_line, "SM4", urgent=True)
            until(lambda: len(provider.asked) == 3, process)
            assert provider.asked[-1] == "SM4.json"
            until(lambda: staff_line.outbox.counts() == {("erase", "ready"): 1}, process)
            process.send_signal(signal.SIGTERM)
            until(lambda: process.poll() is not None)


def test_a_worker_takes_only_its_lanes(
    staff_line: StaffLine, provider: SlowProvider, redis_url: str
) -> None:
    provider.go.set()
    note = staff_line.envelope.errand("notify", bytes(16), {"agency": "BR-RJ-PC", "role": "lead"})
    staff_line.outbox.add(note)
    rq.Pusher(rq.connect(redis_url)).told([note, owe(staff_line, "SM1")])
    with worker(staff_line, provider, redis_url, "--lanes", "erase", "--burst") as process:
        assert process.wait(PATIENCE) == 0
    assert staff_line.outbox.counts() == {("notify", "ready"): 1}
    assert provider.asked == ["SM1.json"]
