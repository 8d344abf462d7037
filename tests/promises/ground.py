"""Ground: what the tests of whole-program promises share: lines of their own, read once a run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from hotline import assembly
from hotline.settings import Settings
from tests.line import copy_line
from tests.services import Postgres

_rooms = lru_cache(maxsize=2)(assembly.rooms)


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profile, places and rules never change: half a second a line is saved."""
    monkeypatch.setattr(assembly, "rooms", _rooms)


def engines(request: pytest.FixtureRequest) -> bool:
    """Whether PostgreSQL is tested too (not with ``scripts/test --quick``)."""
    return not request.config.getoption("sqlite_only")


def line_on(
    engine: str,
    request: pytest.FixtureRequest,
    founded: Path,
    home: Path,
    server: str = "postgres",
) -> Iterator[Settings]:
    """Settings of a founded line in ``home`` on "sqlite" or "postgres"; ``server`` is the fixture
    of the latter."""
    home.mkdir()
    if engine == "sqlite" or not engines(request):
        yield copy_line(founded, home, f"sqlite:///{home / 'hotline.db'}")
        return
    running: Postgres = request.getfixturevalue(server)
    name = running.create()
    yield copy_line(founded, home, running.url(name))
    running.drop(name)
