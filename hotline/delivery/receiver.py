"""Receiver: an agency's own end of the webhook, for a machine that has never seen the line.

It takes what the line signed, writes it down once and for good, and only then signs that it has it.
It opens nothing: the passphrase is asked for its signing half, and packages are read elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from hotline.delivery.webhooks import RECEIVED, line_key_id
from hotline.errors import HotlineError
from hotline.vault.held import check_line
from hotline.vault.signatures import (
    ACK_TAG,
    PACKAGE_TAG,
    WINDOW,
    Asked,
    Forged,
    sign_response,
    verify,
)

LARGEST = 256 * 1024 * 1024  # bytes; ten files of twenty pages
SILENCE_SECONDS = 30
_LENGTH = re.compile(r"[0-9]{1,12}")


@dataclass(slots=True)
class Receiver:
    """``signs`` is the agency's signing seed, ``line`` what verifies the line, ``url`` the address
    as the line writes it, ``out`` where packages are written, ``now`` gives seconds since 1970."""

    agency: str
    signs: bytes
    line: bytes
    url: str
    out: Path
    now: Callable[[], float]
    status: str = RECEIVED
    _nonces: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """Headers and body of the answer, once the package is on the disk. Raises Forged for what
        the line did not send here, or sent before, NotAPackage, NotFromTheLine."""
        now = int(self.now())
        key_id = line_key_id(self.line)
        nonce = verify(self.line, key_id, "POST", self.url, headers, body, now, PACKAGE_TAG)
        with self._lock:
            self._nonces = {n: t for n, t in self._nonces.items() if now - t <= 2 * WINDOW}
            if nonce in self._nonces:
                raise Forged
            self._nonces[nonce] = now
        agency, package = check_line(body, self.line)
        if agency != self.agency:
            raise Forged
        self._keep(package, body)
        answer = json.dumps({"package": package.hex(), "status": self.status}).encode()
        typed = {"Content-Type": "application/json"}
        asked = Asked("POST", self.url, headers)
        signed = sign_response(self.signs, self.agency, asked, 200, typed, answer, now, ACK_TAG)
        return typed | signed, answer

    def _keep(self, package: bytes, body: bytes) -> None:
        """Once, whole, and on the disk before anybody is told."""
        name = f"{package.hex()}.sealed"
        with self._lock:
            if (self.out / name).exists():
                return
            fresh = self.out / f".{name}.new"
            fresh.touch(mode=0o600)
            with fresh.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self.out / name)
            folder = os.open(self.out, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)


def server(receiver: Receiver, port: int, told: Callable[[str], None]) -> ThreadingHTTPServer:
    """On this machine only: a web server with TLS stands before it. ``told`` hears the id of each
    package, and codes of what was refused."""

    class Handler(BaseHTTPRequestHandler):
        timeout = SILENCE_SECONDS
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            wanted = urlsplit(receiver.url).path or "/"
            if self.path.partition("?")[0] != wanted or not _LENGTH.fullmatch(length):
                self._say(404, {}, b"")
                return
            if int(length) > LARGEST:
                self._say(413, {}, b"")
                return
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                answered, text = receiver.take(headers, body)
            except HotlineError as problem:
                told(problem.code)
                self._say(401, {}, b"")
                return
            told(json.loads(text)["package"])
            self._say(200, answered, text)

        def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.close_connection = True
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: whoever calls is not written down."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
