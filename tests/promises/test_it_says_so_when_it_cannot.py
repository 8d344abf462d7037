"""Promise 12: it says so when it cannot. Nothing is taken that could not be kept safely.

Keys missing, altered or past their last month, a database away, full or read-only: the public sees
a clear sentence and another way to report, and nothing is stored, in clear or otherwise.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from twilio.request_validator import RequestValidator

from hotline.assembly import PublicLine, assemble_public, assemble_staff
from hotline.errors import Unavailable
from hotline.founding import PEPPER
from hotline.settings import Settings
from hotline.store.migrate import WrongDatabase
from hotline.tips import Language
from hotline.vault.directory import LIST, PIN, Directory, UntrustedDirectory
from hotline.web.apps import public_app
from tests.conftest import MovableClock
from tests.forms import Walk
from tests.line import ACCOUNT, PUBLIC_URL, TOKEN
from tests.promises import canaries
from tests.promises.ground import line_on, read_once  # noqa: F401 - a fixture

DAY = 86400


@dataclass(slots=True)
class Case:
    """A line about to break, and one reporter on every channel."""

    settings: Settings
    line: PublicLine
    client: FlaskClient
    clock: MovableClock
    secret: str

    @property
    def words(self) -> str:
        return f"Boca de fumo {self.secret} na rua das Flores em Niterói RJ"

    def by_sms(self) -> str:
        fields = {
            "AccountSid": ACCOUNT,
            "MessageSid": canaries.sid("SM"),
            "From": canaries.number(),
            "To": "+552130000000",
            "Body": self.words,
            "NumMedia": "0",
        }
        url = PUBLIC_URL + "/twilio/sms"
        signature = RequestValidator(TOKEN).compute_signature(url, fields)
        response = self.client.post(
            "/twilio/sms", data=fields, headers={"X-Twilio-Signature": signature}
        )
        assert response.status_code == 200, "at any other the person would hear nothing"
        assert response.mimetype == "text/xml"
        return response.get_data(as_text=True)

    def stored(self) -> bytes:
        """All bytes at rest."""
        places = list(canaries.files(self.settings.home))
        if not self.settings.sqlite:
            places += canaries.postgres(self.settings.database_url)
        return b"".join(raw for _, raw in places)


@pytest.fixture(params=["sqlite", "postgres"])
def case(
    request: pytest.FixtureRequest, founded_home: Path, tmp_path: Path, clock: MovableClock
) -> Iterator[Case]:
    lines = line_on(request.param, request, founded_home, tmp_path / "home")
    settings = next(lines)
    line = assemble_public(settings, clock, pool=0)
    app = public_app(line)
    yield Case(settings, line, app.test_client(), clock, canaries.word("palavra"))
    line.close()
    next(lines, None)


def no_keys_left(case: Case) -> None:
    """The clock goes beyond the last month for which there are keys."""
    case.clock.advance(400 * DAY)


def database_away(case: Case) -> None:
    @event.listens_for(case.line.database.engine, "do_connect")
    def _away(*_: object) -> None:
        raise OSError("no route")

    case.line.database.engine.dispose()


def read_only(case: Case) -> None:
    """What a disk remounted read-only does to a writer."""

    @event.listens_for(case.line.database.engine, "connect")
    def _refuse(connection: sqlite3.Connection | psycopg.Connection, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA query_only=ON")
        else:
            connection.read_only = True

    case.line.database.engine.dispose()


def full(case: Case) -> None:
    """SQLite may not grow by a page; PostgreSQL, whose disk we do not own, ends the commit as it
    does when its disk is full."""
    if not case.settings.sqlite:
        database = case.line.database

        @event.listens_for(database.engine, "commit")
        def _full(connection: object) -> None:
            raise OperationalError("COMMIT", None, psycopg.errors.DiskFull("no space"))

        return

    @event.listens_for(case.line.database.engine, "connect")
    def _limit(connection: sqlite3.Connection, _: object) -> None:
        (used,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={used}")

    case.line.database.engine.dispose()


BREAKS: dict[str, Callable[[Case], None]] = {
    "no keys left": no_keys_left,
    "database away": database_away,
    "read-only disk": read_only,
    "full disk": full,
}


@pytest.mark.parametrize("broken", BREAKS)
def test_every_channel_says_so_and_keeps_nothing(case: Case, broken: str) -> None:
    other = case.line.profile.elsewhere[0].number
    before = tips(case)
    BREAKS[broken](case)

    # SMS: a sentence and a number, in TwiML.
    said = case.by_sms()
    assert other in said
    assert re.search(r"\d{4} \d{4} \d{4} \d{4} \d{4}", said) is None, "no receipt for nothing"

    # API: problem+json.
    answer = case.client.post("/api/v1/tips", json={"description": case.words})
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "60"
    assert answer.json["status"] == 503
    assert answer.json["title"]
    assert case.secret not in answer.get_data(as_text=True)

    # The form: a page with another way to report, and what was typed is not in it.
    walk = Walk(case.client, {"Accept-Language": "pt-BR"})
    walk.to_check(what=case.words, where="Niterói RJ")
    walk.press("go=send")
    assert walk.response.status_code == 503
    assert walk.response.headers["Retry-After"] == "60"
    assert other in walk.response.text
    assert 'lang="pt-BR"' in walk.response.text
    assert case.secret not in walk.response.text

    # Coming back with a receipt needs the database too.
    code = {"receipt": "0000 0000 0000 0000 0000"}
    if broken == "database away":
        assert case.client.post("/api/v1/follow-ups", json=code).status_code == 503

    if broken in ("no keys left", "database away"):
        ready = case.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json["reasons"]
    assert case.client.get("/healthz").status_code == 200

    assert tips(case) == before == 0
    assert case.secret.encode() not in case.stored()


def tips(case: Case) -> int:
    staff = assemble_staff(replace(case.settings), case.clock)
    try:
        return sum(staff.tips.counts().values())
    finally:
        staff.close()


def test_the_line_takes_reports_again_when_the_disk_has_room(case: Case) -> None:
    """The refusal is of the moment: the same process goes on."""
    full(case)
    other = case.line.profile.elsewhere[0].number
    assert other in case.by_sms()
    engine = case.line.database.engine
    for name in ("connect", "commit"):
        listeners = list(
            getattr(engine.pool.dispatch if name == "connect" else engine.dispatch, name)
        )
        for listener in listeners:
            if listener.__name__ in ("_limit", "_full"):
                event.remove(engine, name, listener)
    engine.dispose()
    assert re.search(r"\d{4} \d{4} \d{4} \d{4} \d{4}", case.by_sms())
    assert tips(case) == 1


@pytest.mark.parametrize("name", [LIST, PIN])
@pytest.mark.parametrize("how", ["missing", "altered"])
def test_a_line_with_doubtful_keys_does_not_start(case: Case, name: str, how: str) -> None:
    file = case.settings.public / name
    raw = file.read_bytes()
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(UntrustedDirectory) as caught:
        assemble_public(case.settings, case.clock, pool=0)
    assert isinstance(caught.value, Unavailable)
    assert str(case.settings.home) not in caught.value.message + caught.value.hint


def test_a_line_without_its_pepper_or_with_another_lines_keys_does_not_start(
    case: Case, tmp_path: Path
) -> None:
    pepper = case.settings.public / PEPPER
    raw = pepper.read_bytes()
    pepper.unlink()
    with pytest.raises(Unavailable):
        assemble_public(case.settings, case.clock, pool=0)
    pepper.write_bytes(raw)
    from hotline.vault.directory import DirectoryKey, publish
    from hotline.vault.seal import PublicKey

    known = Directory.load(case.settings.public).keys
    keys = [PublicKey(recipient, month, raw) for (recipient, month), raw in known.items()]
    publish(case.settings.public, keys, DirectoryKey.new())
    with pytest.raises(WrongDatabase):
        assemble_public(case.settings, case.clock, pool=0)


def test_the_refusal_is_a_sentence_in_every_language(case: Case) -> None:
    database_away(case)
    pages = {}
    for language in Language:
        page = case.client.get("/follow-up", headers={"Accept-Language": language.tag})
        assert page.status_code == 200, "pages that need no database still answer"
        answer = case.client.post(
            "/api/v1/tips",
            json={"description": case.words, "language": language.value},
            headers={"Accept-Language": language.tag},
        )
        assert answer.status_code == 503
        assert answer.headers["Content-Language"] == language.tag
        pages[language] = answer.json["title"]
    assert all(pages.values())
