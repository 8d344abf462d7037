"""Fleet: the webhooks of many agencies in one real process, which fail by policy; see faults.py.

``python -m tests.fleet --home DIR --clock FILE --port PORT`` serves ``/<agency>?line=1`` for every
folder of DIR that ``receivers.set_up`` made. Every request is a line of ``DIR/books``:

    agency package try manner digest-of-the-answer

One request in five fails, by a row of dice that is the same in every run.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from hotline.delivery.receiver import Receiver
from hotline.errors import HotlineError
from hotline.vault.signatures import ACK_TAG, Asked, sign_response
from tests.fast_clock import SharedHands

SOUND, FORGES = "sound", "forges"
ERROR, CUT, UNSIGNED, TOOK, REFUSED, READABLE = (
    "error",
    "cut",
    "unsigned",
    "took",
    "refused",
    "readable",
)
FAILURES = (ERROR, CUT, UNSIGNED, TOOK)
# A package comes nine times before it is given up; killed workers and an agency that is left alone
# cost some of these, so that none fails more often by these dice.
FAILING, WORST = 0.2, 6


class Entry(NamedTuple):
    """A line of the books. ``manner``: sound, forges, one of FAILURES, or what is wrong."""

    agency: str
    package: str
    tried: int
    manner: str
    answer: str

    @property
    def took(self) -> bool:
        return self.manner in (SOUND, UNSIGNED, TOOK)


def address(port: int, agency: str) -> str:
    return f"http://127.0.0.1:{port}/{agency}?line=1"


def books(home: Path) -> list[Entry]:
    """In the order in which requests came."""
    rows = [line.split(" ") for line in (home / "books").read_text().splitlines()]
    return [Entry(row[0], row[1], int(row[2]), row[3], row[4]) for row in rows]


@contextlib.contextmanager
def serving(home: Path, clock: Path, port: int) -> Iterator[None]:
    """The process while the block runs."""
    words = [sys.executable, "-m", "tests.fleet", "--home", str(home)]
    words += ["--clock", str(clock), "--port", str(port)]
    root = Path(__file__).parent.parent
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@dataclass(slots=True)
class Fleet:
    """All agencies. ``forger`` answers 200 to everything, in a hand that is not its own."""

    home: Path
    forger: str
    canaries: tuple[bytes, ...]
    receivers: dict[str, Receiver]
    tries: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def manner(self, agency: str, package: str) -> tuple[str, int]:
        with self.lock:
            self.tries[package] += 1
            tried = self.tries[package]
            if agency == self.forger:
                return FORGES, tried
            fails = self.dice.random() < FAILING and tried <= WORST
            return (self.dice.choice(FAILURES) if fails else SOUND), tried

    def enter(self, entry: Entry) -> None:
        with self.lock, (self.home / "books").open("a") as file:
            file.write(" ".join(map(str, entry)) + "\n")

    def answer(
        self, agency: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes] | None:
        """Status, headers and body; None: the line goes dead."""
        package = headers["idempotency-key"].strip('"')
        raw = body + repr(headers).encode()
        if any(word in raw for word in self.canaries):
            self.enter(Entry(agency, package, 0, READABLE, "-"))
        manner, tried = self.manner(agency, package)
        if manner in (ERROR, CUT):
            self.enter(Entry(agency, package, tried, manner, "-"))
            return None if manner == CUT else (500, {}, b"")
        receiver = self.receivers[agency]
        try:
            signed, text = receiver.take(headers, body)
        except HotlineError:
            self.enter(Entry(agency, package, tried, REFUSED, "-"))
            return 401, {}, b""
        self.enter(Entry(agency, package, tried, manner, hashlib.sha256(text).hexdigest()))
        if manner == TOOK:
            return 500, {}, b""
        typed = {"Content-Type": "application/json"}
        if manner == FORGES:
            asked = Asked("POST", receiver.url, headers)
            now = int(receiver.now())
            seed = bytes(32)
            signed = typed | sign_response(seed, agency, asked, 200, typed, text, now, ACK_TAG)
        return 200, (typed if manner == UNSIGNED else signed), text


class _Handler(BaseHTTPRequestHandler):
    fleet: Fleet
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # whoever sent it was killed meanwhile
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = self.fleet.answer(self.path[1:].partition("?")[0], headers, body)
        self.close_connection = True
        if said is None:
            return
        status, more, text = said
        with contextlib.suppress(OSError):  # killed while it waited for the answer
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a killed worker's line


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    now = SharedHands(given.clock)
    policy = json.loads((given.home / "policy.json").read_text())
    receivers = {}
    for file in given.home.glob("*/agency.json"):
        facts = json.loads(file.read_text())
        agency, signs, line = facts["agency"], facts["signs"], facts["line"]
        url = address(given.port, agency)
        keys = bytes.fromhex(signs), bytes.fromhex(line)
        receivers[agency] = Receiver(agency, *keys, url, file.parent / "out", now)
    canaries = tuple(bytes.fromhex(word) for word in policy["canaries"])
    _Handler.fleet = Fleet(given.home, policy["forger"], canaries, receivers)
    server = _Server(("127.0.0.1", given.port), _Handler)
    print("serving", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
