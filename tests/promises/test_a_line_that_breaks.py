"""Promise 6, by chance: a process killed at any moment, a torn journal, a database
that crashes. A little of what ``scripts/faults.py --campaign`` does (docs/faults.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.clock import Clock
from hotline.settings import Settings
from tests.breaking import broken
from tests.line import copy_line
from tests.promises import ground
from tests.promises.ground import read_once  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    ("fault", "database", "rounds"),
    [
        ("killed", "sqlite", 20),
        ("killed", "postgresql", 20),
        ("torn", "sqlite", 4),
        ("crashed", "postgresql", 3),
    ],
)
def test_what_was_acknowledged_is_there_and_the_books_agree(
    request: pytest.FixtureRequest, founded_home: Path, fault: str, database: str, rounds: int
) -> None:
    if database == "postgresql" and not ground.engines(request):
        pytest.skip("with SQLite alone there is no PostgreSQL to break")

    def found(home: Path, url: str, _: Clock) -> Settings:
        return copy_line(founded_home, home, url)

    result = broken(fault, database, rounds, found=found)
    assert (result["lost"], result["in the clear"], result["problems"]) == (0, 0, [])
    assert result["acknowledged"] >= 3
