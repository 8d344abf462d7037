"""Forms: a browser without scripts for journeys through the public pages."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hotline.assembly import PublicLine, assemble_public
from hotline.intake import api, web
from hotline.log import Log
from hotline.store.tips import Listed
from hotline.tips import State
from hotline.web import apps, errors, health
from tests.line import copy_line

PORTUGUESE = {"Accept-Language": "pt-BR,pt;q=0.9"}
ENGLISH = {"Accept-Language": "en"}


def app_of(
    line: PublicLine,
    pause: Callable[[float], None] = lambda _: None,
    log: io.StringIO | None = None,
) -> Flask:
    """The public pages and the API of a line, without the provider's webhooks."""
    app = apps.base("public", Log(line.clock, public=True, out=log), scripts=False)
    for room in (web.blueprint(line, pause), api.blueprint(line), health.public(line)):
        app.register_blueprint(room)
    errors.install_public(app, line)
    return app


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.title = unescape(re.search("<title>(.*?)</title>", html, re.DOTALL)[1])
        self.fields: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._area = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attributes}
        self.tags.append((tag, a))
        if tag == "button" and "name" in a:
            self.buttons.append((a["name"], a["value"]))
        elif tag == "textarea" and "name" in a:
            self._area, self.fields[a["name"]] = a["name"], ""
        elif tag == "input" and (a["type"] not in ("radio", "checkbox") or "checked" in a):
            self.fields[a["name"]] = a.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    @property
    def plain(self) -> str:
        """The page without its sealed field, which is new every time."""
        return re.sub(r'(name="form" value=")[^"]+', r"\1", self.html)

    @property
    def words(self) -> str:
        return " ".join(unescape(re.sub("<[^>]+>", " ", self.html)).split())

    @property
    def receipt(self) -> str:
        """The 20 digits on a receipt page."""
        shown = re.search(r'class="receipt".*?</p>', self.html, re.DOTALL)[0]
        return "".join(re.findall(r">(\d{4})<", shown))


class Walk:
    """One reporter with one open page."""

    def __init__(self, client: FlaskClient, headers: dict[str, str] = ENGLISH) -> None:
        self.client = client
        self.response: TestResponse = client.get("/", headers=headers)

    @property
    def page(self) -> Page:
        return Page(self.response.text)

    def press(self, button: str = "go=next", *, path: str = "/", **fields: str) -> Page:
        """Fills the fields, presses a button, and is on the next page."""
        name, _, value = button.partition("=")
        self.response = self.client.post(path, data=self.page.fields | fields | {name: value})
        return self.page

    def to_check(self, **answers: str) -> Page:
        """Answers what is given, "I do not know" to the rest, up to the last page."""
        while ("change", "what") not in self.page.buttons:
            names = [n for n in answers if f'name="{n}"' in self.response.text]
            asked = {name: answers.pop(name) for name in names}
            self.press("go=next" if asked else "go=skip", **asked)
        return self.page


def stored(line: PublicLine) -> list[Listed]:
    """Every tip there is, as a desk lists it."""
    return line.pipeline.tips.queue(list(line.profile.queues), list(State))


@contextlib.contextmanager
def shared_line(founded: Path, home: Path) -> Iterator[PublicLine]:
    """A line on SQLite that the tests of a module share, with a clock of its own."""
    home.mkdir()
    settings = copy_line(founded, home, f"sqlite:///{home / 'hotline.db'}")
    # conftest imports tests.line, and so cannot be imported while it does.
    from tests.conftest import MovableClock

    line = assemble_public(settings, MovableClock(), pool=0)
    yield line
    line.close()
