"""Test ground: fresh databases on both engines, Redis, a browser and a clock that tests move."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis
import pytest
import redis
from playwright.sync_api import Browser

from hotline import ground
from hotline.clock import Clock
from hotline.store.database import Database
from hotline.store.migrate import upgrade
from tests import services
from tests.campaign.disks import may_mount
from tests.line import (  # noqa: F401 - fixtures for every test file
    engine,
    founded_home,
    founded_template,
    public_line,
    settings,
    sign_in,
    staff_line,
)
from tests.remember import remember

# A machine shared by many is slow at times, and a test run leaves nothing behind.
hypothesis.settings.register_profile("house", deadline=None, database=None)
hypothesis.settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sqlite-only",
        action="store_true",
        help="databases are SQLite alone (scripts/test --quick)",
    )


def pytest_report_header() -> list[str]:
    """What this machine cannot do, or nothing."""
    if may_mount():
        return []
    return ["not run here, where only root may mount a disk: faults of full and read-only disks"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a database runs once an engine."""
    engines = ["sqlite"] if metafunc.config.getoption("sqlite_only") else ["sqlite", "postgres"]
    for fixture in {"database_url", "migrated_url", "engine"}.intersection(metafunc.fixturenames):
        metafunc.parametrize(fixture, engines, indirect=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test is a failed run: nothing is left out silently."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def remembered() -> Iterator[None]:
    """What comes out the same each time is worked out once a process."""
    with pytest.MonkeyPatch.context() as patch:
        remember(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_clock() -> Iterator[None]:
    """Whether a time service keeps the clock of this machine is its own affair."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ground, "kernel_status", lambda: 0)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[services.Postgres]:
    with services.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[services.Postgres]:
    with services.postgres(durable=True) as server:
        yield server


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hotline.db'}"
        return
    server: services.Postgres = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


def migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "hotline.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: services.Postgres) -> str:
    name = postgres.create()
    migrate(postgres.url(name))
    return name


@pytest.fixture
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with the newest schema, copied instead of migrated each time."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        yield f"sqlite:///{shutil.copy(template, tmp_path / 'migrated.db')}"
        return
    server: services.Postgres = request.getfixturevalue("postgres")
    name = server.create(template=request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    with services.redis_server() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with services.chromium() as browser:
        yield browser


@dataclass(slots=True)
class Hands:
    """The hands of a clock: seconds since 1970, here 10 March 2026, noon UTC."""

    seconds: float = 1_773_144_000.0

    def __call__(self) -> float:
        return self.seconds


SAO_PAULO = ZoneInfo("America/Sao_Paulo")  # the zone of br-rj, on which most tests run


@dataclass(frozen=True, slots=True)
class MovableClock(Clock):
    zone: tzinfo = SAO_PAULO
    source: Hands = field(default_factory=Hands)

    def advance(self, seconds: float) -> None:
        self.source.seconds += seconds


@pytest.fixture
def clock() -> MovableClock:
    """It stands still until a test advances it."""
    return MovableClock()
