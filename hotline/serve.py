"""Serve: the public process without private keys and the staff processes, living together.

``public`` (form, webhooks, API), ``staff`` (console and jobs) and ``analyst`` are processes of
their own. When one ends, all end: half a line would lose tips silently.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from hotline import settings as settings_module
from hotline.errors import HotlineError
from hotline.process import WIPE_MEMORY, harden
from hotline.settings import Settings, child_environ

if TYPE_CHECKING:
    from flask import Flask

_PATIENCE_SECONDS = 30.0
DEMO_POOL = 100
ROLES = ("public", "staff", "analyst")


class RedisNeeded(HotlineError):
    """Several public processes share conversations through Redis."""

    code = "redis_needed"
    message = "Several public processes need Redis to share running conversations."
    hint = "Set HOTLINE_REDIS_URL, or serve with one public worker."


class PortTaken(HotlineError):
    """Somebody listens there already. A second line of the same user would even be let in beside
    the first by the kernel, and each would get half of the reports."""

    code = "port_taken"
    message = "Port {port} is taken: another program, or a line that still runs, listens there."
    hint = "End it, or choose others: --public-port, --console-port, --analyst-port (0: any)."

    def __init__(self, port: int) -> None:
        super().__init__(self.message.format(port=port))


class DidNotStart(HotlineError):
    code = "did_not_start"
    message = "One of the processes did not start."
    hint = "Its own message stands above; 'hotline doctor' checks everything it needs."


@dataclass(frozen=True, slots=True)
class Ports:
    """0 means any free one."""

    public: int = 8000
    console: int = 8001
    analyst: int = 8002

    def resolved(self) -> Ports:
        return Ports(*(port or free_port() for port in (self.public, self.console, self.analyst)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def refuse_taken(address: str, port: int) -> None:
    """Raises PortTaken. Of an address that is not this machine's, the process itself tells."""
    with socket.socket() as probe:
        # What a line that just ended left in TIME_WAIT is nobody.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(port) from None


def public() -> Flask:
    """The public application, as its worker process builds it."""
    harden(secret=True)
    from hotline.assembly import adopt, assemble_public, rooms
    from hotline.intake.receipts import POOL
    from hotline.intake.stripping import warm
    from hotline.jobs.tell import teller
    from hotline.web.apps import public_app, public_rooms
    from hotline.web.gates import gated
    from hotline.web.sweeping import Requests, sweep_memory

    public_rooms()
    settings = settings_module.load()
    if settings.training:  # no report is ever taken there
        raise DidNotStart
    if settings.demo:
        rooms(settings.jurisdiction)
        _wait_founded(settings)
    adopt(settings)
    # A demonstration gives out a few receipts: it leaves the processor to whoever tries it.
    pool = DEMO_POOL if settings.demo else POOL
    app = public_app(assemble_public(settings, told=teller(settings), pool=pool))
    # Language model and number plans take a second: meanwhile the first page is already there.
    warming = threading.Thread(target=warm, name="warm", daemon=True)
    warming.start()
    # A recycled worker hands its running conversations on; granian's workers are processes of
    # multiprocessing, which runs finalizers where atexit is never reached.
    Finalize(None, app.extensions["exchange"].last_words, exitpriority=10)
    requests = Requests()
    app.wsgi_app = gated(requests.counted(app.wsgi_app))  # type: ignore[assignment, method-assign]
    sweep_memory(requests, after=warming)
    return app


def _wait_founded(settings: Settings) -> None:
    """A demonstration makes its keys while its public process is still loading its modules."""
    from hotline.founding import is_founded

    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_founded(settings) and time.monotonic() < deadline:
        time.sleep(0.02)


def staff() -> Flask:
    """The console, with the jobs in threads beside it."""
    harden(secret=True)
    from hotline.assembly import adopt, assemble_staff
    from hotline.jobs.engine import start_jobs
    from hotline.jobs.tell import teller
    from hotline.web.apps import console_app

    settings = settings_module.load()
    adopt(settings)
    line = assemble_staff(settings, told=teller(settings))
    gc.freeze()  # or a look through its tables makes everybody wait for a third of a second
    # As above: the running errand finishes, and another process may lead at once.
    Finalize(None, start_jobs(line), exitpriority=20)
    return console_app(line)


def analyst() -> Flask:
    """The analyst application: releases only, no key of any kind."""
    harden(secret=False)
    from hotline.web.apps import analyst_app

    return analyst_app(settings_module.load())


def run_one(
    role: str, address: str, port: int, workers: int, parent: int, module: str = "hotline.serve"
) -> None:
    """The body of a child process: granian with one application of ``module``, access log off."""
    harden(secret=False, parent=parent)
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from hotline.web.gates import THREADS

    Granian(
        f"{module}:{role}",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=workers,
        blocking_threads=THREADS if role == "public" else 8,
        backlog=1024,
        log_access=False,
        log_level=LogLevels.critical,
        # Workers are recycled so that nothing a report left in memory stays for long.
        workers_lifetime=6 * 3600 if role == "public" else None,
        respawn_failed_workers=False,
    ).serve()


def environ(settings: Settings, role: str) -> dict[str, str]:
    """The public process wipes what it frees, and signs in to the database by its own role."""
    public = role == "public"
    return child_environ(settings, public=public) | (WIPE_MEMORY if public else {})


@contextlib.contextmanager
def running(
    settings: Settings,
    ports: Ports,
    roles: Sequence[str] = ROLES,
    *,
    address: str = "127.0.0.1",
    workers: int = 1,
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Starts the processes; ends them all on leaving."""
    if workers > 1 and not settings.redis_url:
        raise RedisNeeded
    port_of = {"public": ports.public, "staff": ports.console, "analyst": ports.analyst}
    for role in roles:
        refuse_taken(address, port_of[role])
    children: list[subprocess.Popen[bytes]] = []
    own = str(os.getpid())
    try:
        for role in roles:
            port = port_of[role]
            count = workers if role == "public" else 1
            children.append(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "hotline.serve",
                        role,
                        address,
                        str(port),
                        str(count),
                        own,
                    ],
                    env=environ(settings, role),
                    start_new_session=True,
                )
            )
        yield children
    finally:
        stop(children)


def stop(children: list[subprocess.Popen[bytes]]) -> None:
    """Asks each to finish what it is doing; after ten seconds insists."""
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    for child in children:
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_ready(url: str, children: list[subprocess.Popen[bytes]]) -> None:
    """Until ``url`` answers. Raises DidNotStart when a child ends first or time runs out."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if any(child.poll() is not None for child in children):
            raise DidNotStart
        try:
            # Our own loopback address, made of a port by the caller.
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 # nosec B310 - as above
                return
        except urllib.error.HTTPError as answer:
            if answer.code < 500:
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.05)
    raise DidNotStart


def watch(children: list[subprocess.Popen[bytes]], stopped: threading.Event) -> bool:
    """Blocks until somebody asks to stop (True) or a child ends by itself (False)."""
    while not stopped.wait(0.5):
        if any(child.poll() is not None for child in children):
            return False
    return True


def until_stopped(body: Callable[[threading.Event], int]) -> int:
    """Runs ``body`` with an event that Ctrl-C and SIGTERM set."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return body(stopped)


if __name__ == "__main__":
    port, workers, parent = (int(number) for number in sys.argv[3:6])
    run_one(sys.argv[1], sys.argv[2], port, workers, parent, *sys.argv[6:])
