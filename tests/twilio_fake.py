"""The provider on loopback: keeps messages, media, recordings and calls, refuses, fails, forgets.

Every request is held against the provider's own description; what it does not allow answers 400
and is remembered in ``undescribed``. Lists are by index, newest first, so that a page moves up when
one before it shrinks, as the provider's do (twilio-ruby issue 251).
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.line import ACCOUNT, TOKEN
from tests.twilio_description import NotDescribed, Operation, description

ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"
PREFIXES = {
    "SM": "message",
    "ME": "media",
    "RE": "recording",
    "TR": "transcription",
    "CA": "call",
}
LISTED = {
    "ListMessage": ("message", "messages"),
    "ListCall": ("call", "calls"),
    "ListRecording": ("recording", "recordings"),
    "ListCallRecording": ("recording", "recordings"),
    "ListTranscription": ("transcription", "transcriptions"),
}
CODES = {400: 20001, 401: 20003, 403: 20403, 404: 20404, 409: 20009, 429: 20429, 500: 20500}
TROUBLES = ("500", "html", "429", "20009", "drop")  # what passes; see ``trouble``


@dataclass
class Record:
    """Something kept. ``final``: the second since 1970 from which it may be deleted."""

    sid: str
    made: float
    parent: str = ""
    final: float = 0.0
    sound: bytes = b""

    @property
    def resource(self) -> str:
        return PREFIXES[self.sid[:2]]


@dataclass
class Seen:
    """A request as it came."""

    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]


@dataclass
class State:
    now: Callable[[], float]
    token: str = TOKEN
    kept: dict[str, Record] = field(default_factory=dict)
    deleted: list[tuple[str, str, float]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    undescribed: list[str] = field(default_factory=list)
    # Asked before every deletion, with the record: raises when it comes too early.
    guard: Callable[[Record], None] = lambda record: None
    early: list[str] = field(default_factory=list)
    # The trouble for a request, or "": one of TROUBLES, "401", "403", or "slow".
    trouble: Callable[[str, str], str] = lambda method, path: ""
    stalls: float = 5.0  # seconds, when slow
    lock: threading.Lock = field(default_factory=threading.Lock)


class FakeTwilio(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, now: Callable[[], float]) -> None:
        self.state = State(now)
        super().__init__(("127.0.0.1", 0), _Api)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def keep(
        self,
        prefix: str,
        *,
        parent: str = "",
        final_in: float = 0.0,
        sound: bytes = b"",
        name: str = "",
    ) -> Record:
        """A new record, made now; its identifier is that of its ``name``, or random."""
        now = self.state.now()
        tail = sha256(name.encode()).hexdigest()[:32] if name else secrets.token_hex(16)
        record = Record(prefix + tail, now, parent, now + final_in, sound)
        with self.state.lock:
            self.state.kept[record.sid] = record
        return record

    def left(self, *resources: str) -> set[str]:
        return {
            sid
            for sid, one in self.state.kept.items()
            if not resources or one.resource in resources
        }

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A dropped connection is no news."""


class _Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer: else the acknowledgement waits 40 ms

    @property
    def state(self) -> State:
        server = self.server
        assert isinstance(server, FakeTwilio)
        return server.state

    def do_GET(self) -> None:
        self._take()

    def do_DELETE(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def _take(self) -> None:
        parts, state = urlsplit(self.path), self.state
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        query, form = parse_qsl(parts.query), parse_qsl(raw)
        state.seen.append(Seen(self.command, parts.path, query, form))
        expected = base64.b64encode(f"{ACCOUNT}:{state.token}".encode()).decode()
        if self.headers.get("Authorization") != "Basic " + expected:
            return self._refuse(401)
        if self._troubled(parts.path):
            return None
        if parts.path.endswith(".wav"):  # media stand outside of the description
            record = state.kept.get(parts.path.rpartition("/")[2].removesuffix(".wav"))
            return self._say(200, record.sound, "audio/wav") if record else self._refuse(404)
        if self.command == "GET" and "/Media/" in parts.path:
            record = state.kept.get(parts.path.rpartition("/")[2])
            return self._say(200, record.sound, "text/plain") if record else self._refuse(404)
        try:
            operation = description().operation(self.command, parts.path, query, form)
        except NotDescribed as problem:
            state.undescribed.append(str(problem))
            return self._refuse(400)
        return self._do(operation, dict(query), dict(form))

    def _troubled(self, path: str) -> bool:
        trouble = self.state.trouble(self.command, path)
        if trouble == "slow":
            time.sleep(self.state.stalls)
        elif trouble == "drop":
            self.close_connection = True
            self.connection.shutdown(2)
            return True
        elif trouble == "html":
            self._say(502, b"<html>Bad Gateway</html>", "text/html")
            return True
        elif trouble:
            self._refuse({"20009": 409}.get(trouble) or int(trouble))
            return True
        return False

    def _do(self, operation: Operation, query: dict[str, str], form: dict[str, str]) -> None:
        if operation.id.startswith("Delete"):
            return self._delete(operation)
        if operation.id == "CreateMessage":
            server = self.server
            assert isinstance(server, FakeTwilio)
            made = server.keep("SM")
            return self._answer(operation, sid=made.sid, to=form["To"], body=form["Body"])
        if operation.id == "CreateCall":
            server = self.server
            assert isinstance(server, FakeTwilio)
            made = server.keep("CA")
            return self._answer(operation, sid=made.sid, to=form["To"])
        if operation.id == "UpdateCall":
            return self._answer(operation, sid=operation.path["Sid"])
        return self._list(operation, query)

    def _delete(self, operation: Operation) -> None:
        state, now = self.state, self.state.now()
        record = state.kept.get(operation.path["Sid"])
        if record is None or record.resource not in operation.id.lower():
            return self._refuse(404)
        if now < record.final:
            return self._refuse(409)
        try:
            state.guard(record)
        except Exception as problem:
            state.early.append(f"{record.resource}: {problem!r}")
        with state.lock:
            # A message's media go with it.
            parts = [s for s, one in state.kept.items() if one.parent == record.sid]
            for sid in (record.sid, *(parts if record.resource == "message" else ())):
                if gone := state.kept.pop(sid, None):
                    state.deleted.append((gone.resource, sid, now))
        return self._answer(operation)

    def _list(self, operation: Operation, query: dict[str, str]) -> None:
        resource, name = LISTED[operation.id]
        call = operation.path.get("CallSid", "")
        found = [
            record
            for record in list(self.state.kept.values())
            if record.resource == resource and record.parent == (call or record.parent)
        ]
        found.sort(key=lambda record: (record.made, record.sid), reverse=True)
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        shown = found[page * size :][:size]
        ahead = {
            "PageSize": size,
            "Page": page + 1,
            "PageToken": "PA" + shown[-1].sid if shown else "",
        }
        path = urlsplit(self.path).path
        more = f"{path}?{urlencode(ahead)}" if found[(page + 1) * size :] else None
        self._answer(
            operation,
            **{name: [self._row(record) for record in shown]},
            page=page,
            page_size=size,
            next_page_uri=more,
        )

    def _row(self, record: Record) -> dict[str, Any]:
        made = format_datetime(datetime.fromtimestamp(record.made, UTC))
        row: dict[str, Any] = {"sid": record.sid, "account_sid": ACCOUNT, "date_created": made}
        if record.resource == "message":
            row |= {"from": "+5521999990000", "to": "+552130000000", "body": "what they told"}
        if record.resource == "recording":
            row["call_sid"] = record.parent
        return row

    def _answer(self, operation: Operation, **facts: Any) -> None:
        status, body = description().answer(operation, **facts)
        self._say(status, b"" if body is None else json.dumps(body).encode())

    def _refuse(self, status: int) -> None:
        problem = {"code": CODES[status], "message": "refused", "status": status}
        self._say(status, json.dumps(problem).encode())

    def _say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Says nothing."""
