"""Calls: an operator at the form for live calls, for tests."""

from __future__ import annotations

import re
from html import unescape

from werkzeug.test import TestResponse

from tests.desk import Hand

PHONE = "21 99888-7766"
SPANISH = f"Venden drogas en la plaza todas las noches. Mi número es {PHONE}."


class Call:
    """One open form. ``press`` posts what was typed so far, as a browser without scripts does."""

    def __init__(self, hand: Hand, language: str = "es") -> None:
        self.hand = hand
        hand.get("/calls/new")
        self.typed: dict[str, str | list[str]] = {"before": language, "call": self.name}

    @property
    def html(self) -> str:
        return self.hand.html

    @property
    def name(self) -> str:
        return re.search(r'name="call" value="([0-9a-f]{32})"', self.html)[1]

    @property
    def words(self) -> str:
        return " ".join(unescape(re.sub("<[^>]+>", " ", self.html)).split())

    @property
    def receipt(self) -> str:
        return "".join(re.findall(r"<b>(\d{4})</b>", self.html))

    @property
    def asked(self) -> set[str]:
        """The questions of types that are on the page."""
        return set(re.findall(r'name="detail-([a-z-]+)"', self.html))

    def press(self, button: str = "check", **typed: str | list[str]) -> TestResponse:
        self.typed |= {name.replace("__", "-"): value for name, value in typed.items()}
        return self.hand.post("/calls/new", **self.typed, go=button)

    def marks(self, **typed: str) -> TestResponse:
        """What the console's script asks for while somebody types."""
        return self.hand.client.post(
            "/calls/marks", data={"token": self.hand.token, **self.typed, **typed}
        )


def gone(html: str) -> list[str]:
    """What is marked as to be removed."""
    return re.findall(r'<mark class="gone"><span class="words">(.*?)</span>', html)


def doubtful(html: str) -> list[str]:
    return re.findall(r'<mark class="doubt"><span class="words">(.*?)</span>', html)
