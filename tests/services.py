"""Services: private PostgreSQL, Redis and Chromium for one pytest process, on free ports.

Each server is a direct child that the kernel signals when its parent dies, however it dies, so a
killed test run leaves nothing running. Nothing here touches a server that was there before. What
is missing fails the test that needs it, with the command that installs it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql

STARTS_WITHIN = 60.0  # seconds; a busy two-core machine needs about three
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find(names: list[str], what: str, packages: str) -> str:
    """The path of the first of these programs; Debian keeps PostgreSQL's out of PATH."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name)
    )
    places = os.pathsep.join([*map(str, reversed(versions)), os.environ.get("PATH", os.defpath)])
    for name in names:
        if path := shutil.which(name, path=places):
            return path
    pytest.fail(f"{what} is missing: sudo apt-get install {packages}", pytrace=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def directory(kind: str) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix=f"{kind}-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(
    command: list[str],
    ready: Callable[[], object],
    not_yet: type[Exception],
    stop: signal.Signals,
    log: Path,
    config: str = "",
) -> Iterator[subprocess.Popen[bytes]]:
    """The server, from the moment ``ready`` no longer raises ``not_yet``."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["setpriv", f"--pdeathsig={stop.name[3:]}", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    assert server.stdin
    server.stdin.write(config.encode())
    server.stdin.close()
    try:
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                ready()
                break
            except not_yet:
                if server.poll() is not None or time.monotonic() > deadline:
                    tail = log.read_text(errors="replace")[-2000:]
                    pytest.fail(f"{command[0]} did not start:\n{tail}", pytrace=False)
                time.sleep(0.05)
        yield server
    finally:
        server.send_signal(stop)
        server.wait(30)


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server; every test takes its own database."""

    base: str

    def url(self, database: str) -> str:
        return f"{self.base}/{database}"

    def create(self, template: str = "template0") -> str:
        """The name of a fresh database: empty, or a copy of ``template``."""
        name = f"t_{secrets.token_hex(8)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Also ends connections that the test left open."""
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """``durable``: fsync stays on, for tests of promise 6. Elsewhere no machine loses its power,
    and what a killed process committed is the kernel's."""
    initdb = find(["initdb"], "PostgreSQL", "postgresql")
    with directory("postgres") as home:
        data, password, become = home / "data", secrets.token_hex(16), []
        secret = home / "password"
        secret.write_text(password)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            become = ["--reuid=postgres", "--regid=postgres", "--init-groups"]
            for path in (home, secret):
                shutil.chown(path, "postgres", "postgres")
        cluster = ["-D", str(data), "-U", "hotline", "-A", "scram-sha-256", f"--pwfile={secret}"]
        made = subprocess.run(
            ["setpriv", *become, initdb, *cluster, "-E", "UTF8", "--no-locale", "--no-sync"],
            capture_output=True,
            check=False,
            cwd=home,
        )
        if made.returncode:
            pytest.fail(f"initdb: {made.stderr.decode(errors='replace')}", pytrace=False)
        secret.unlink()
        port = free_port()
        server = Postgres(f"postgresql://hotline:{password}@127.0.0.1:{port}")
        command = [*become, str(Path(initdb).with_name("postgres")), "-D", str(data)]
        command += ["-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "max_connections=200"]
        command += [] if durable else ["-c", "fsync=off"]
        with running(
            command,
            lambda: psycopg.connect(server.url("postgres")).close(),
            psycopg.OperationalError,
            signal.SIGINT,  # PostgreSQL's fast shutdown
            home / "log",
        ):
            yield server


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """The URL of a Redis that writes nothing to disk and refuses whoever lacks its password."""
    program = find(["redis-server"], "Redis", "redis-server")
    with directory("redis") as home:
        port, password = free_port(), secrets.token_hex(16)
        url = f"redis://:{password}@127.0.0.1:{port}/0"
        config = (
            f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {home}\n"
            'save ""\nappendonly no\n'
        )

        def ready() -> None:
            with contextlib.closing(redis.Redis.from_url(url)) as client:
                client.ping()

        with running(
            [program, "-"], ready, redis.ConnectionError, signal.SIGTERM, home / "log", config
        ):
            yield url


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    program = find(["chromium", "chromium-browser", "google-chrome"], "Chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
