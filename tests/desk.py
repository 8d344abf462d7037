"""Desk: people of the console in tests: they sign in, press buttons, read pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hotline.assembly import StaffLine
from hotline.delivery.senders import RecordingProvider
from hotline.demo import PASSPHRASE
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.triage.undo import SECONDS
from hotline.web import apps
from tests.conftest import MovableClock
from tests.line import SignIn


@dataclass(slots=True)
class Hand:
    """One person at the console. Forms carry the token, and the version of the page last seen."""

    client: FlaskClient
    token: str = ""
    version: str = ""
    html: str = field(default="", repr=False)
    line: StaffLine | None = None  # whose jobs then run

    def get(self, path: str) -> TestResponse:
        return self._see(self.client.get(path))

    def post(self, path: str, **fields: str | list[str]) -> TestResponse:
        """Presses a button and follows to the next page. Nobody undoes a tip that was forwarded
        or closed: the time for that goes by, and what was decided leaves the line."""
        response = self.press(path, **fields)
        if self.line and response.status_code == 200 and path.endswith(("/forward", "/close")):
            leave(self.line)
        return response

    def press(self, path: str, **fields: str | list[str]) -> TestResponse:
        """As ``post``, and the clock stands still."""
        data = {"token": self.token, "version": self.version, **fields}
        return self._see(self.client.post(path, data=data, follow_redirects=True))

    def next(self) -> str:
        """Pulls the next tip; its id, or an empty string when the desk is empty."""
        path = self.post("/next").request.path
        return path.removeprefix("/tips/") if path.startswith("/tips/") else ""

    def _see(self, response: TestResponse) -> TestResponse:
        self.html = response.get_data(as_text=True)
        if found := re.search(r'data-token="([0-9a-f]+)"', self.html):
            self.token = found[1]
        if found := re.search(r'name="version" value="(\d+)"', self.html):
            self.version = found[1]
        return response


@dataclass(frozen=True, slots=True)
class Office:
    """The console of a line, and everybody of the demo who works there."""

    line: StaffLine
    app: Flask
    codes: SignIn

    @classmethod
    def of(cls, line: StaffLine) -> Office:
        return cls(line, apps.console_app(line), SignIn(line))

    def __call__(self, name: str) -> Hand:
        hand = Hand(self.app.test_client(), line=self.line)
        fields = {"name": name, "passphrase": PASSPHRASE, "code": self.codes.code(name)}
        response = hand.client.post("/sign-in", data=fields)
        assert response.status_code == 303, response.get_data(as_text=True)
        hand._see(hand.client.get("/", follow_redirects=True))
        return hand


def leave(line: StaffLine) -> None:
    """The time to undo is over: what was decided leaves the line, and nothing else is done."""
    assert isinstance(line.clock, MovableClock)
    line.clock.advance(SECONDS + 2)
    does = runner(line, RecordingProvider(), Log(line.clock, public=False))
    for kind in ("notify", "end_recording"):
        for errand in line.outbox.pending(kind):
            does.run(errand.id)
