"""Agency calls: signed requests to a line's ``/agency/v1`` from an agency's own machine.

No redirect is followed and no proxy of the environment used: a signed request goes to the address
that was typed. What a server says is never shown; its status is told in our own words.
"""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hotline.clock import Clock
from hotline.errors import BadInput, HotlineError
from hotline.vault.signatures import AGENCY_TAG, sign

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PATIENCE = 60  # seconds
_LARGEST = 256 * 1024 * 1024  # bytes of a package with its files


class BadAddress(BadInput):
    """Where the line is, is not to be read."""

    code = "bad_line_address"
    message = "This is not the address of a line."
    hint = "Give it as https://console.example, as the line told you."


class NoAnswer(HotlineError):
    code = "no_answer"
    message = "The line did not answer."
    hint = "Check the address and the network; nothing was changed here. Then try again."


class NotHeard(HotlineError):
    """The line refused; every cause looks alike from outside."""

    code = "not_heard"
    message = "The line refused this request."
    hint = (
        "Is the key the one the line added, the clock right to five minutes, the address exactly "
        "the line's own, and the package yours? Each of these is answered the same."
    )


class LineBusy(HotlineError):
    code = "line_busy"
    message = "The line cannot answer now."
    hint = "Wait a minute and try again."


class NotTaken(BadInput):
    """The request was understood and is wrong."""

    code = "not_taken"
    message = "The line did not take this answer."
    hint = "Use an outcome of docs/agencies.md, and the package's file as it was fetched."


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """A line as an agency reaches it; ``seed`` signs."""

    address: str
    agency: str
    seed: bytes

    def packages(self) -> list[dict[str, str]]:
        """What waits. Raises NoAnswer, NotHeard, LineBusy."""
        try:
            found: list[dict[str, str]] = json.loads(self._ask("GET", "/packages"))["packages"]
            for row in found:
                row["id"] = bytes.fromhex(row["id"]).hex()
        except (ValueError, KeyError, TypeError):
            raise NoAnswer from None
        return found

    def fetch(self, identity: str) -> bytes:
        return self._ask("GET", f"/packages/{identity}")

    def say(self, identity: str, what: str, document: Mapping[str, Any]) -> None:
        """``what``: receipt or outcome."""
        self._ask("POST", f"/packages/{identity}/{what}", json.dumps(document).encode())

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        parts = urlsplit(self.address)
        secure = parts.scheme == "https"
        if not parts.hostname or not (secure or parts.hostname in _LOOPBACK) or parts.query:
            raise BadAddress
        target = f"{parts.path.rstrip('/')}/agency/v1{path}"
        url = f"{parts.scheme}://{parts.netloc}{target}"
        headers = {"Content-Type": "application/json"} if body else {}
        nonce = secrets.token_urlsafe(24)
        created = int(Clock().seconds())
        headers |= sign(
            self.seed, self.agency, method, url, headers, body, created, nonce, AGENCY_TAG
        )
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        try:
            connection = kind(parts.hostname, parts.port, timeout=_PATIENCE)
            try:
                connection.request(method, target, body or None, headers)
                answer = connection.getresponse()
                content = answer.read(_LARGEST + 1)
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException):
            raise NoAnswer from None
        return _read(answer.status, content)


def _read(status: int, content: bytes) -> bytes:
    if status == 200 and len(content) <= _LARGEST:
        return content
    if status == 422:
        raise NotTaken
    if status >= 500:
        raise LineBusy
    raise NotHeard
