"""Doors: every route of the line's three applications, as a stranger or a member knocks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from hotline.assembly import PublicLine, StaffLine
from hotline.settings import Settings
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import copy_line

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


@dataclass(frozen=True, slots=True)
class House:
    """The three applications of one line."""

    public: Flask
    office: Office
    analyst: Flask

    @property
    def apps(self) -> dict[str, Flask]:
        return {"public": self.public, "console": self.office.app, "analyst": self.analyst}

    def doors(self) -> Iterator[tuple[str, Rule, FlaskClient]]:
        """(application, route, a stranger's browser)."""
        for name, app in self.apps.items():
            for rule in app.url_map.iter_rules():
                yield name, rule, app.test_client()


def path_of(rule: Rule, thing: str = "ab" * 16) -> str:
    """An address of the route; whatever it names is called ``thing``."""
    values = dict.fromkeys(rule.arguments, thing)
    for name, converter in rule._converters.items():
        if type(converter).__name__ == "IntegerConverter":
            values[name] = "1"
    return rule.build(values)[1]


def sqlite_line(founded_home: Path, folder: Path) -> Settings:
    """Settings of a line on SQLite alone: which engine is below, no page shows."""
    home = folder / "home"
    home.mkdir()
    return copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}")


def house_of(public: PublicLine, staff: StaffLine, clock: MovableClock) -> House:
    app = apps.public_app(public)
    app.extensions["exchange"].closer.stop()
    return House(app, Office.of(staff), apps.analyst_app(staff.settings, clock=clock))
