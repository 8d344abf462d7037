"""Line: a founded line for tests, copied from one made a session; people of every role."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import insert, select

from hotline import demo
from hotline.assembly import PublicLine, StaffLine, assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.founding import prepare
from hotline.settings import Settings
from hotline.store.database import Database
from hotline.store.tables import Base
from hotline.triage.access import SignedIn
from tests.services import Postgres

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "AC" + "5" * 32
PUBLIC_URL = "https://line.example"


def settings_for(home: Path, database_url: str, redis_url: str | None = None) -> Settings:
    return Settings(
        home=home,
        database_url=database_url,
        redis_url=redis_url,
        public_url=PUBLIC_URL,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TOKEN,
        jurisdiction="br-rj",
        demo=True,
    )


@pytest.fixture(scope="session")
def founded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with keys from March 2026 on, two officers and everybody of the demo."""
    from tests.conftest import MovableClock

    home = tmp_path_factory.mktemp("founded")
    settings = settings_for(home, f"sqlite:///{home / 'hotline.db'}")
    clock = MovableClock()
    demo.seed_others(settings, clock, demo.seed_officers(settings, clock))
    return home


def copy_line(founded: Path, home: Path, database_url: str) -> Settings:
    """A home of its own for one test, its people in the empty ``database_url``."""
    copy_home(founded, home)
    settings = settings_for(home, database_url)
    if settings.sqlite:
        shutil.copy(founded / "hotline.db", database_url.removeprefix("sqlite:///"))
    else:
        copy_people(founded, settings)
    return settings


def copy_home(founded: Path, home: Path) -> None:
    """Keys, rules and logins, without the database."""
    for folder in ("public", "staff", "rules"):
        shutil.copytree(founded / folder, home / folder)
    shutil.copy(founded / demo.LOGINS, home / demo.LOGINS)


def copy_people(founded: Path, settings: Settings) -> None:
    """Everything of the founded database, row by row, into another engine's."""
    target = prepare(settings)
    source = Database(f"sqlite:///{founded / 'hotline.db'}")
    for table in Base.metadata.sorted_tables:
        with source.read() as connection:
            rows = [dict(row) for row in connection.execute(select(table)).mappings()]
        if rows:
            target.write(lambda c, table=table, rows=rows: c.execute(insert(table), rows))
    source.close()
    target.close()


@pytest.fixture(scope="session")
def founded_template(
    postgres: Postgres, founded_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The founded line's database on PostgreSQL, to be copied."""
    name = postgres.create()
    home = tmp_path_factory.mktemp("template")
    copy_people(founded_home, settings_for(home, postgres.url(name)))
    return name


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path, engine: str
) -> Iterator[Settings]:
    """Settings of a founded line, on SQLite and on PostgreSQL."""
    home = tmp_path / "home"
    home.mkdir()
    if engine == "sqlite":
        yield copy_line(founded_home, home, f"sqlite:///{tmp_path / 'hotline.db'}")
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create(template=request.getfixturevalue("founded_template"))
    copy_home(founded_home, home)
    yield settings_for(home, server.url(name))
    server.drop(name)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgres``."""
    return str(request.param)


@pytest.fixture
def public_line(settings: Settings, clock: Clock) -> Iterator[PublicLine]:
    line = assemble_public(settings, clock, pool=0)
    yield line
    line.close()


@pytest.fixture
def staff_line(settings: Settings, clock: Clock) -> Iterator[StaffLine]:
    line = assemble_staff(settings, clock)
    yield line
    line.close()


@dataclass(frozen=True, slots=True)
class SignIn:
    """Signs demo people in, each with a fresh one-time code of the test's clock."""

    line: StaffLine

    def code(self, name: str) -> str:
        rows = json.loads((self.line.settings.home / demo.LOGINS).read_text())
        secret = next(row[2] for row in rows if row[0] == name)
        return pyotp.TOTP(secret).at(int(self.line.clock.seconds()))

    def __call__(self, name: str) -> SignedIn:
        return self.line.access.sign_in(name, demo.PASSPHRASE, self.code(name))


@pytest.fixture
def sign_in(staff_line: StaffLine) -> SignIn:
    return SignIn(staff_line)


def with_redis(settings: Settings, url: str) -> Settings:
    return replace(settings, redis_url=url)
