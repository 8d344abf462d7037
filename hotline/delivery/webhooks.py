"""Webhooks: a sealed package posted to its agency, delivered only by the agency's own word for it.

A 200 is nothing: whoever stands between can say it. What counts is an answer signed by the agency's
key over this very request. Where it goes stands in the profile, which clerks edit and two officers
activate; even so nothing is ever sent to this machine's own services, to its link or to a cloud's
metadata, whatever the name resolves to, and the address that was looked at is the one used.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from hotline.delivery.packages import MEDIA_TYPE
from hotline.delivery.ways import NotDelivered, Webhook
from hotline.routing.leaving import forbidden, is_loopback, unsound
from hotline.tips import Redacted
from hotline.vault.seal import key_name
from hotline.vault.signatures import (
    ACK_TAG,
    PACKAGE_TAG,
    Asked,
    Forged,
    public_half,
    sign,
    verify_response,
)
from hotline.vault.small import random_id

FORGED = "forged_answer"
RECEIVED, CONFIRMED = "received", "confirmed"
LONGEST_WAIT = 3600  # seconds; a Retry-After beyond it would park a package out of sight
_ANSWER = "application/json"


@dataclass(frozen=True, slots=True, repr=False)
class Parcel(Redacted):
    """``sealed`` is the file that its agency opens, ``public`` verifies the agency's answers."""

    package: bytes
    agency: str
    url: str
    sealed: bytes
    public: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Redacted):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Poster(Protocol):
    """The port: posts and gives back what came. Raises NotDelivered."""

    def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes, limits: Webhook
    ) -> Answer: ...


def line_key_id(public: bytes) -> str:
    """How agencies' receivers name the line's key: they may serve several lines."""
    return "line-" + key_name(public).hex()


def deliver(parcel: Parcel, seed: bytes, now: int, limits: Webhook, post: Poster) -> bool:
    """Whether the agency, which has it now by its own signature, confirms its receipt to the
    reporter too. ``seed`` is the line's. Raises NotDelivered."""
    headers = {"Content-Type": MEDIA_TYPE}
    key_id = line_key_id(public_half(seed))
    nonce = random_id().hex()
    headers |= sign(
        seed, key_id, "POST", parcel.url, headers, parcel.sealed, now, nonce, PACKAGE_TAG
    )
    sent = {**headers, "Idempotency-Key": f'"{parcel.package.hex()}"', "Accept": _ANSWER}
    answer = post(parcel.url, sent, parcel.sealed, limits)
    if answer.status != 200:
        raise NotDelivered(_refusal(answer.status), _asked_to_wait(answer))
    try:
        verify_response(
            parcel.public,
            parcel.agency,
            Asked("POST", parcel.url, headers),
            answer.status,
            answer.headers,
            answer.body,
            now,
            ACK_TAG,
        )
        said = json.loads(answer.body)
        if said["package"] != parcel.package.hex() or said["status"] not in (RECEIVED, CONFIRMED):
            raise NotDelivered("wrong_answer")
    except Forged:
        raise NotDelivered(FORGED) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotDelivered("wrong_answer") from None
    return bool(said["status"] == CONFIRMED)


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return "redirected"
    return f"answered_{status}" if 100 <= status <= 599 else "no_http"


def _asked_to_wait(answer: Answer) -> int:
    if answer.status not in (429, 503):
        return 0
    named = next((v for n, v in answer.headers.items() if n.lower() == "retry-after"), "")
    return min(int(named), LONGEST_WAIT) if named.isascii() and named.isdigit() else 0


def post(url: str, headers: Mapping[str, str], body: bytes, limits: Webhook) -> Answer:
    """The real one: no proxy, no redirect, no stored credentials, one address that was looked at,
    and an end to every wait."""
    if unsound(url) is not None:
        raise NotDelivered("unsound_address")
    parts = urlsplit(url)
    host, tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Pinned(host, port, _address(host, port), tls, limits)
    try:
        with closing(connection), _ending(connection, limits.total) as ended:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            got = answer.read(limits.longest_answer + 1)
            if ended.is_set():
                raise TimeoutError
    except TimeoutError:
        raise NotDelivered("too_slow") from None
    except ssl.SSLError:
        raise NotDelivered("no_tls") from None
    except (OSError, ValueError):
        raise NotDelivered("too_slow" if connection.late else "unreachable") from None
    except http.client.HTTPException:
        raise NotDelivered("too_slow" if connection.late else "no_http") from None
    if len(got) > limits.longest_answer:
        raise NotDelivered("too_long")
    found: dict[str, str] = {}
    for written, value in answer.getheaders():
        name = written.lower()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return Answer(answer.status, found, got)


def _address(host: str, port: int) -> str:
    """One address of a host. Raises NotDelivered."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotDelivered("no_such_host") from None
    addresses = [str(one[4][0]) for one in found]
    # One bad address condemns the name: whoever answers for it must not choose.
    bad = (forbidden(ipaddress.ip_address(a.partition("%")[0])) for a in addresses)
    if not is_loopback(host) and any(bad):
        raise NotDelivered("forbidden_address")
    return addresses[0]


class _Pinned(http.client.HTTPConnection):
    """To an address that was looked at; TLS proves the host by its name."""

    late = False
    # The client lets go of ``sock`` once an answer begins after which the line is closed, and its
    # body is still to be read.
    line: socket.socket | None = None

    def __init__(self, host: str, port: int, address: str, tls: bool, limits: Webhook) -> None:
        super().__init__(host, port, timeout=limits.silence)
        self._address, self._tls, self._limits = address, tls, limits
        if tls:
            self.default_port = 443  # so that Host names no port that nobody wrote

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self._limits.connect)
        self.sock.settimeout(self._limits.silence)
        if self._tls:
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host
            )
        self.line = self.sock


@contextmanager
def _ending(connection: _Pinned, seconds: float) -> Iterator[threading.Event]:
    """Cuts the connection off after ``seconds``, however it drips: time-outs of a socket begin
    anew with each byte."""
    ended = threading.Event()
    begun = time.monotonic()

    def end() -> None:
        ended.set()
        connection.late = True
        if (sock := connection.line or connection.sock) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()
        connection.late = connection.late or time.monotonic() - begun > seconds
