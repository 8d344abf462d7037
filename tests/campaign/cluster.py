"""Cluster: a PostgreSQL whose data lie where a fault needs them, that dies, and has a standby."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults_crew import ENDED
from tests.services import STARTS_WITHIN, find, free_port

WORD = "campaign"  # of a server on loopback that lives for minutes
_STEP = ["--reuid=postgres", "--regid=postgres", "--init-groups"]  # it refuses to run as root


@dataclass(slots=True)
class Cluster:
    """Data in ``folder``/data. ``more`` are settings, as ``name=value``."""

    folder: Path
    more: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    _server: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://hotline:{WORD}@127.0.0.1:{self.port}/{name}"

    def make(self) -> None:
        """An empty cluster; what it writes reaches the disk."""
        secret = self._folder() / "word"
        secret.write_text(WORD)
        secret.chmod(0o644)
        cluster = ["-D", str(self.data), "-U", "hotline", "-A", "scram-sha-256"]
        self._run("initdb", *cluster, f"--pwfile={secret}", "-E", "UTF8", "--no-locale")
        access = self.data / "pg_hba.conf"
        access.write_text(access.read_text() + "host replication all 127.0.0.1/32 scram-sha-256\n")

    def copy_of(self, other: Cluster) -> None:
        """A standby that follows ``other``."""
        self._folder()
        where = other.url("").rstrip("/") + "?application_name=standby"
        self._run("pg_basebackup", "-d", where, "-D", str(self.data), "-R", "-c", "fast")

    def start(self, *, wait: bool = True) -> None:
        words = ["-D", str(self.data), "-p", str(self.port), "-h", "127.0.0.1", "-k", ""]
        for setting in ("max_connections=60", *self.more):
            words += ["-c", setting]
        program = str(Path(_program("initdb")).with_name("postgres"))
        with (self.folder / "log").open("ab") as log:
            kept = {"stdout": log, "stderr": log}
            self._server = subprocess.Popen([*ENDED, *_become(), program, *words], **kept)
        if wait:
            self.answers()

    def answers(self) -> None:
        until = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < until, "PostgreSQL did not start"
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: in order. SIGQUIT: at once, without a checkpoint. SIGKILL: and nobody is told."""
        if self._server is None:
            return
        server, self._server = self._server, None
        mine = _children(server.pid)
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(how)
        server.wait(60)
        until = time.monotonic() + 30
        while any(Path(f"/proc/{pid}/stat").exists() for pid in mine):
            assert time.monotonic() < until, "PostgreSQL's processes outlive it"
            time.sleep(0.02)

    @property
    def runs(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def promote(self) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote(true, 60)")

    def create(self, name: str) -> str:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return self.url(name)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _folder(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        return self.folder

    def _run(self, program: str, *words: str) -> None:
        command = ["setpriv", *_become(), _program(program), *words]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)


def _program(name: str) -> str:
    return find([name], "PostgreSQL", "postgresql")


def _become() -> list[str]:
    return _STEP if os.geteuid() == 0 else []


def _children(pid: int) -> list[int]:
    """Of a process that has one thread."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(word) for word in words]
