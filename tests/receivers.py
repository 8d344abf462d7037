"""Receivers: an agency's webhook as a real process, sound or bad, with its books on its own disk.

``python -m tests.receivers --home DIR --mode MODE --port 0`` with ``DIR/agency.json`` as
``set_up`` writes it. It prints its port. Every request is kept in ``DIR/asked``, every package it
took in ``DIR/out``, by a line a package in ``DIR/taken``: what comes twice is seen there.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hotline.delivery.receiver import Receiver
from hotline.errors import HotlineError
from hotline.vault.signatures import ACK_TAG, Asked, sign_response
from tests.services import free_port

MODES = (
    *("ok", "confirm", "slow", "flaky", "broken", "forged", "replayed", "unsigned", "other"),
    *("oversize", "endless", "dripping", "redirect", "silent", "rubbish"),
)
DOWN = "down"  # no process at all: connections are refused
SLOW_SECONDS = 0.3
FLAKY = 5  # of the packages whose id falls so, the first attempt gets 500: one in five


@dataclass(slots=True)
class Running:
    """A receiver process, or none (``down``)."""

    home: Path
    port: int
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return url_of(self.port)

    def taken(self) -> list[str]:
        """Package ids in the order in which they were taken, once each time."""
        file = self.home / "taken"
        return file.read_text().split() if file.exists() else []

    def kept(self) -> set[str]:
        return {file.stem for file in (self.home / "out").glob("*.sealed")}

    def asked(self) -> list[bytes]:
        """Every request, head and body."""
        return [file.read_bytes() for file in sorted((self.home / "asked").iterdir())]


def url_of(port: int) -> str:
    return f"http://127.0.0.1:{port}/hotline?line=1"


def set_up(home: Path, agency: str, signs: bytes, line: bytes) -> None:
    """What the process must know: its agency's signing seed and the line's public half."""
    for folder in ("out", "asked"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    facts = {"agency": agency, "signs": signs.hex(), "line": line.hex()}
    (home / "agency.json").write_text(json.dumps(facts))


@contextlib.contextmanager
def receiving(home: Path, mode: str, port: int = 0, now: float | None = None) -> Iterator[Running]:
    """The process while the block runs. ``now``: its clock stands there, for tests whose line's
    clock stands still."""
    if mode == DOWN:
        yield Running(home, port or free_port())
        return
    words = [sys.executable, "-m", "tests.receivers", "--home", str(home), "--mode", mode]
    words += ["--port", str(port), *(() if now is None else ("--now", str(now)))]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Running(home, int(process.stdout.readline()), process)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@dataclass(slots=True)
class _Agency:
    home: Path
    mode: str
    receiver: Receiver
    replayed: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def note(self, raw: bytes) -> None:
        with self.lock:
            self.count += 1
            (self.home / "asked" / f"{self.count:06}-{os.getpid()}").write_bytes(raw)

    def book(self, package: str) -> None:
        with self.lock, (self.home / "taken").open("a") as file:
            file.write(package + "\n")
            file.flush()
            os.fsync(file.fileno())

    def unlucky(self, package: str) -> bool:
        """By the package and by whether it came before: never by chance."""
        mark = self.home / f"failed-{package}"
        if int(hashlib.sha256(package.encode()).hexdigest(), 16) % FLAKY or mark.exists():
            return False
        mark.touch()
        return True


class _Handler(BaseHTTPRequestHandler):
    agency: _Agency
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        agency, mode = self.agency, self.agency.mode
        body = self.rfile.read(int(self.headers["Content-Length"]))
        agency.note(self.requestline.encode() + b"\n" + bytes(self.headers) + body)
        package = self.headers["Idempotency-Key"].strip('"')
        headers = {name.lower(): value for name, value in self.headers.items()}
        if mode == "slow":
            time.sleep(SLOW_SECONDS)
        if mode == "broken" or (mode == "flaky" and agency.unlucky(package)):
            return self.say(500, {}, b"")
        if mode == "redirect":
            return self.say(307, {"Location": self.headers["X-None"] or "/elsewhere"}, b"")
        if mode == "rubbish":
            self.wfile.write(b"\x00\xff this is no HTTP\r\n\r\n")
            return None
        if mode == "silent":
            self.connection.recv(1)  # until the line goes away
            return None
        if mode in ("endless", "dripping"):
            return self.pour(b"x" if mode == "dripping" else b"x" * 65536)
        if mode == "oversize":
            return self.say(200, {"Content-Type": "application/json"}, b" " * 100_000)
        try:
            answered, text = agency.receiver.take(headers, body)
        except HotlineError as problem:
            return self.say(401, {"X-Why": problem.code}, b"")
        if mode in ("ok", "confirm", "slow", "flaky"):
            agency.book(package)
        else:
            answered, text = self.lie(package, headers, answered, text)
        self.say(200, answered, text)
        return None

    def lie(
        self, package: str, headers: dict[str, str], answered: dict[str, str], text: bytes
    ) -> tuple[dict[str, str], bytes]:
        """What is not the agency's word for this very request."""
        mode, typed = self.agency.mode, {"Content-Type": "application/json"}
        if mode == "unsigned":
            return typed, text
        if mode == "replayed":
            self.agency.replayed.append((answered, text))
            first, _ = self.agency.replayed[0]
            # The first answer too is one to another request: a good one would be delivered.
            asked = Asked(
                "POST", self.agency.receiver.url, headers | {"signature": "hotline=:eA==:"}
            )
            made = sign_response(
                *(self.agency.receiver.signs, self.agency.receiver.agency, asked, 200),
                *(typed, text, int(self.agency.receiver.now()), ACK_TAG),
            )
            return (first if len(self.agency.replayed) > 1 else typed | made), text
        seed = bytes(32) if mode == "forged" else self.agency.receiver.signs
        if mode == "other":
            text = json.dumps({"package": "0" * 32, "status": "received"}).encode()
        asked = Asked("POST", self.agency.receiver.url, headers)
        agency, now = self.agency.receiver.agency, int(self.agency.receiver.now())
        return typed | sign_response(seed, agency, asked, 200, typed, text, now, ACK_TAG), text

    def pour(self, drop: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(drop)
                self.wfile.flush()
                if len(drop) == 1:
                    time.sleep(0.05)

    def say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--mode", choices=MODES, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--now", type=float)
    given = parser.parse_args()
    facts = json.loads((given.home / "agency.json").read_text())
    server = _Server(("127.0.0.1", given.port), _Handler)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = int(server.server_address[1])
    now = time.time if given.now is None else (lambda: float(given.now))
    status = "confirmed" if given.mode == "confirm" else "received"
    signs, line = (bytes.fromhex(facts[name]) for name in ("signs", "line"))
    receiver = Receiver(facts["agency"], signs, line, url_of(port), given.home / "out", now, status)
    _Handler.agency = _Agency(given.home, given.mode, receiver)
    print(port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
