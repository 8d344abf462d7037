"""Phone: a simulated telephone: signs and posts the provider's webhooks, reads TwiML."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Protocol
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask.testing import FlaskClient

from hotline.errors import HotlineError
from hotline.intake.signature import FORM, HEADER, sign
from hotline.settings import Settings

LINE = "+552122530000"


class NoAnswer(HotlineError):
    """The line did not take a webhook."""

    code = "no_answer"
    message = "The line did not answer as a line does."
    hint = "Is it running, and are HOTLINE_PUBLIC_URL and the provider token the same here?"


class Wire(Protocol):
    """Where webhooks go."""

    def post(self, path: str, params: dict[str, str]) -> bytes:
        """The body of the answer. Raises NoAnswer for any other status than 200 and 204."""


@dataclass(frozen=True, slots=True)
class Http:
    """A running line. Signs for its public address, posts to ``base_url``."""

    base_url: str
    settings: Settings

    def post(self, path: str, params: dict[str, str]) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
            self.base_url.rstrip("/") + path,
            urllib.parse.urlencode(params).encode(),
            {"Content-Type": FORM, HEADER: _signature(self.settings, path, params)},
        )
        try:
            # The address is the operator's own, typed at the terminal.
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 # nosec B310
                body: bytes = answer.read()
                return body
        except (urllib.error.URLError, OSError, ValueError):
            raise NoAnswer from None


@dataclass(frozen=True, slots=True)
class Inside:
    """A line in this process."""

    client: FlaskClient
    settings: Settings

    def post(self, path: str, params: dict[str, str]) -> bytes:
        headers = {HEADER: _signature(self.settings, path, params)}
        answer = self.client.post(path, data=params, headers=headers)
        if answer.status_code not in (200, 204):
            raise NoAnswer
        return answer.get_data()


def _signature(settings: Settings, path: str, params: dict[str, str]) -> str:
    return sign(settings.tokens[0], settings.public_url, path, params)


def new_sid(kind: str) -> str:
    """An identifier as the provider makes them: ``SM``, ``CA``, ``RE`` and 32 hex digits."""
    return kind + secrets.token_hex(16)


@dataclass(slots=True)
class TextPhone:
    """Sends messages and reads what comes back. ``number`` may be ``whatsapp:+…``."""

    wire: Wire
    number: str
    line: str = LINE

    def send(self, body: str, **more: str) -> list[str]:
        params = {
            "MessageSid": new_sid("SM"),
            "From": self.number,
            "To": self.line,
            "Body": body,
            "NumMedia": "0",
        }
        return texts(self.wire.post("/twilio/sms", params | more))


def texts(twiml: bytes) -> list[str]:
    """The messages in a TwiML answer."""
    root = _parsed(twiml)
    return ["".join(message.itertext()) for message in root.findall("Message")]


def _parsed(twiml: bytes) -> ElementTree.Element:
    try:
        root: ElementTree.Element = fromstring(twiml)
    except (ElementTree.ParseError, DefusedXmlException):
        raise NoAnswer from None
    return root


@dataclass(slots=True)
class VoicePhone:
    """Calls, presses keys, speaks, hangs up. ``heard`` is what was said last, one sentence each
    (a recording by its address); ``waits`` for ``keys``, ``speech``, an operator (``queue``) or,
    when over, nothing. ``hold`` is what somebody in the queue is played."""

    wire: Wire
    number: str
    line: str = LINE
    sid: str = field(default_factory=lambda: new_sid("CA"))
    heard: list[str] = field(default_factory=list)
    waits: str = ""
    action: str = ""
    hold: str = ""

    def dial(self) -> list[str]:
        return self._post("/twilio/voice", {"CallStatus": "ringing"})

    def press(self, keys: str, **more: str) -> list[str]:
        """Keys, without the closing ``#``; nothing for silence until the time is over."""
        return self._post(self.action, {"Digits": keys} | more)

    def speak(self, end: str = "#", **more: str) -> list[str]:
        """Records something, ended by a key or by ``hangup``."""
        recording = {"RecordingSid": new_sid("RE"), "RecordingDuration": "5"}
        return self.press(end, **(recording | more))

    def wait(self, keys: str = "", seconds: int = 20) -> list[str]:
        """In the queue for ``seconds``: what is played, and what a key there does."""
        root = self._heard(self.hold, {"Digits": keys, "QueueTime": str(seconds)})
        left = root.find("Leave") is not None
        return self.leave("leave", seconds) if left else self.heard

    def leave(self, result: str, seconds: int = 20) -> list[str]:
        """Out of the queue: ``leave``, ``bridged`` after a talk with an operator, ``error``…"""
        return self._post(self.action, {"QueueResult": result, "QueueTime": str(seconds)})

    def hang_up(self) -> None:
        self.waits = ""
        params = {"CallSid": self.sid, "CallStatus": "completed", "From": self.number}
        self.wire.post("/twilio/status", params)

    def _heard(self, path: str, params: dict[str, str]) -> ElementTree.Element:
        base = {"CallSid": self.sid, "From": self.number, "To": self.line}
        root = _parsed(self.wire.post(path, base | {"CallStatus": "in-progress"} | params))
        self.heard = [node.text or "" for node in root.iter() if node.tag in ("Say", "Play")]
        return root

    def _post(self, path: str, params: dict[str, str]) -> list[str]:
        root = self._heard(path, params)
        if (onward := root.find("Redirect")) is not None and len(root) == 1:
            return self._post(urllib.parse.urlsplit(onward.text or "").path, {})
        self.waits = ""
        for tag, waits in (("Gather", "keys"), ("Record", "speech"), ("Enqueue", "queue")):
            if (node := root.find(tag)) is not None:
                self.waits = waits
                self.action = urllib.parse.urlsplit(node.get("action", "")).path
                self.hold = urllib.parse.urlsplit(node.get("waitUrl", "")).path
        return self.heard
