"""Attacks on the wire: requests that two servers read differently, sent byte by byte to a real
public process; whatever it makes of them, one request is never two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotline import serve
from hotline.serve import free_port
from tests.line import copy_line

PATIENCE = 90
HIDDEN = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n"
LAST = HIDDEN.replace(b"Host: x", b"Host: x\r\nConnection: close")
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
POST = b"POST /follow-up HTTP/1.1\r\nHost: x\r\n" + FORM


@dataclass(frozen=True, slots=True)
class Wire:
    port: int

    def say(self, raw: bytes) -> bytes:
        """Everything that is answered until the other end closes, as it does after each here."""
        said = bytearray()
        with (
            socket.create_connection(("127.0.0.1", self.port), PATIENCE) as line,
            suppress(OSError),
        ):
            line.sendall(raw)
            while more := line.recv(65536):
                said += more
        return bytes(said)


@pytest.fixture(scope="module")
def wire(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    home = tmp_path_factory.mktemp("wire")
    line = copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}")
    port, own = free_port(), str(os.getpid())
    process = subprocess.Popen(
        [sys.executable, "-m", "hotline.serve", "public", "127.0.0.1", str(port), "1", own],
        env=serve.environ(line, "public"),
        start_new_session=True,
    )
    wire, until = Wire(port), time.monotonic() + PATIENCE
    try:
        while not wire_open(port):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        yield wire
    finally:
        process.terminate()
        process.wait(30)


def wire_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError:
        return False
    return True


def answers(said: bytes) -> int:
    return said.count(b"HTTP/1.1 ")


def posted(*headers: bytes, body: bytes = b"") -> bytes:
    return POST + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"
TWICE = {
    "a length and chunks": posted(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN),
    "two lengths": posted(b"Content-Length: 3", b"Content-Length: 90", body=b"a=b" + HIDDEN),
    "a length list": posted(b"Content-Length: 3, 90", body=b"a=b" + HIDDEN),
    "a signed length": posted(b"Content-Length: +3", body=b"a=b" + HIDDEN),
    "a length below nought": posted(b"Content-Length: -1", body=HIDDEN),
    "a length in hexadecimal": posted(b"Content-Length: 0x3", body=b"a=b" + HIDDEN),
    "a length with a blank before its colon": posted(b"Content-Length : 3", body=b"a=b" + HIDDEN),
    "chunked in disguise": posted(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN),
    "chunked and something": posted(
        CHUNKED + b", identity", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunked behind a blank": posted(
        b"Transfer-Encoding : chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunked on a folded line": posted(
        b"Transfer-Encoding:\r\n chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN
    ),
    "a chunk without a size": posted(CHUNKED, body=b"zz\r\n" + HIDDEN),
    "a chunk without an end": posted(CHUNKED, body=b"FFFFFFFFFFFFFFFFF\r\n" + HIDDEN),
    "a nought in a header": posted(b"X-A: b\0c", b"Content-Length: 3", body=b"a=b" + HIDDEN),
}


@pytest.mark.parametrize("name", TWICE)
def test_what_two_servers_read_differently_is_one_request(wire: Wire, name: str) -> None:
    """What a proxy took for the body of one report is never answered as a request of its own."""
    said = wire.say(TWICE[name])
    assert answers(said) == 1
    assert not said.startswith(b"HTTP/1.1 5") and b'"openapi"' not in said


def test_two_requests_are_two(wire: Wire) -> None:
    """Else the test above would see nothing."""
    said = wire.say(posted(b"Content-Length: 3", b"Connection: keep-alive", body=b"a=b") + LAST)
    assert answers(said) == 2 and b'"openapi"' in said


def test_endless_heads_and_odd_methods_are_refused(wire: Wire) -> None:
    for raw in (
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 2_000_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    ):
        said = wire.say(raw)
        assert answers(said) <= 1 and not said.startswith(b"HTTP/1.1 5"), raw[:60]
        assert b"X-Long" not in said and b"evil.example" not in said, raw[:60]
    answer = wire.say(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200"), "and the line goes on"
