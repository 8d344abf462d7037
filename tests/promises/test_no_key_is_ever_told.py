"""No passphrase, code, cookie or seed is told by a log, a page, an error or a trace, however
things fail: secrets are planted, everything is made to fail, and all that was said is searched."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator

import pytest
from flask import Flask

from hotline.assembly import StaffLine
from hotline.demo import PASSPHRASE
from hotline.log import Log
from hotline.store.database import Database
from hotline.store.people import People
from hotline.triage.access import Access, SignedIn
from hotline.vault.sessions import Cookie
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.promises.ground import read_once  # noqa: F401 - a fixture

COOKIE = "__Host-hotline"


class Secrets:
    """What must be nowhere, in every form it might take."""

    def __init__(self, line: StaffLine, hand: Hand, code: str) -> None:
        value = hand.client.get_cookie(COOKIE).value
        cookie, who = Cookie.parse(value), line.access.resume(value)
        assert cookie is not None and who is not None
        self.who: SignedIn = who
        self.code = code
        raw = {"seed": who.seed, "cookie": cookie.secret}
        self.forms = {("passphrase", PASSPHRASE), ("code", code), ("cookie", value)}
        for name, secret in raw.items():
            self.forms |= {
                (name, secret.hex()),
                (name, base64.b64encode(secret).decode().rstrip("=")),
                (name, base64.urlsafe_b64encode(secret).decode().rstrip("=")),
                (name, repr(secret)[2:-1]),
                (name, secret.decode("latin-1")),
                (name, str(list(secret))[1:-1]),
            }

    def told(self, said: str) -> list[str]:
        return sorted({name for name, form in self.forms if form in said})

    @property
    def error(self) -> RuntimeError:
        """The worst error there is: it holds everything."""
        return RuntimeError(*(form for _, form in sorted(self.forms)), self.who.seed)


@pytest.fixture
def office(staff_line: StaffLine) -> Office:
    return Office.of(staff_line)


@pytest.fixture
def heard(office: Office) -> io.StringIO:
    """What the console's log writes."""
    out = io.StringIO()
    office.app.extensions["log"]._out = out
    return out


@pytest.fixture
def hand(office: Office) -> Hand:
    return office("paulo")


@pytest.fixture
def secrets(staff_line: StaffLine, office: Office, hand: Hand, clock: MovableClock) -> Secrets:
    clock.advance(31)
    return Secrets(staff_line, hand, office.codes.code("paulo"))


def requests(app: Flask, hand: Hand, secrets: Secrets) -> Iterator[tuple[str, str]]:
    """Each route, posted to with secrets in the fields where people type them."""
    fields = {"token": hand.token, "name": "paulo", "passphrase": PASSPHRASE, "again": PASSPHRASE}
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith(("console.", "health.")):
            continue
        path = rule.build(dict.fromkeys(rule.arguments, "00" * 16))[1]
        client = hand.client
        if "POST" in rule.methods:
            # A page of its own shows the code of an invitation again: it is no one-time code.
            code = "0" * 20 if rule.endpoint == "console.join" else secrets.code
            answer = client.post(path, data={**fields, "code": code})
        else:
            answer = client.get(path)
        client.set_cookie(COOKIE, secrets.who.cookie.value, secure=True)
        yield rule.endpoint, f"{answer.status} {answer.get_data(as_text=True)} {answer.headers}"


def failing(app: Flask, secrets: Secrets) -> None:
    """Every view raises what holds every secret."""

    def fail(**_: object) -> None:
        passphrase, seed = PASSPHRASE, secrets.who.seed  # in the frame, as in a real one
        assert passphrase and seed
        raise secrets.error

    for endpoint in app.view_functions:
        if endpoint.startswith("console."):
            app.view_functions[endpoint] = fail


def test_pages_that_fail_tell_nothing(
    office: Office,
    hand: Hand,
    secrets: Secrets,
    heard: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing(office.app, secrets)
    for endpoint, said in requests(office.app, hand, secrets):
        assert not secrets.told(said), endpoint
    assert heard.getvalue().count('"event": "incident"') >= 40
    assert not secrets.told(heard.getvalue() + caplog.text + "".join(capfd.readouterr()))


def test_a_log_that_cannot_write_is_replaced_by_none_that_tells(
    office: Office,
    hand: Hand,
    secrets: Secrets,
    heard: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Flask has a log of its own for errors that meet another error; it tells their words."""
    failing(office.app, secrets)
    heard.close()
    answer = hand.client.get("/desk")
    assert answer.status_code == 500
    said = f"{answer.get_data(as_text=True)}{caplog.text}{''.join(capfd.readouterr())}"
    assert not secrets.told(said)


@pytest.mark.parametrize("broken", ["database", "sign_in", "session"])
def test_what_fails_beneath_tells_nothing(
    office: Office,
    hand: Hand,
    secrets: Secrets,
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
    heard: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise secrets.error

    where = {
        "database": [(Database, "read"), (Database, "write")],
        "sign_in": [(Access, "_prove"), (People, "begin")],
        "session": [(Access, "resume")],
    }
    for owner, name in where[broken]:
        monkeypatch.setattr(owner, name, fail)
    failed = 0
    for endpoint, said in requests(office.app, hand, secrets):
        # A signed-in page may set the same cookie once more; nobody else is told it.
        failed += said.startswith("50")
        assert not secrets.told(said), endpoint
    assert failed
    assert not secrets.told(heard.getvalue() + caplog.text + "".join(capfd.readouterr()))


def test_a_sign_in_that_is_refused_tells_nothing(
    office: Office, secrets: Secrets, capfd: pytest.CaptureFixture[str]
) -> None:
    stranger = office.app.test_client()
    for fields in (
        {"name": "paulo", "passphrase": PASSPHRASE, "code": "000000"},
        {"name": "paulo", "passphrase": PASSPHRASE + "x", "code": secrets.code},
        {"name": "nobody", "passphrase": PASSPHRASE, "code": secrets.code},
    ):
        answer = stranger.post("/sign-in", data=fields)
        assert answer.status_code == 401
        assert not secrets.told(f"{answer.get_data(as_text=True)} {answer.headers}")
    assert not secrets.told("".join(capfd.readouterr()))


def test_a_database_that_fails_with_values_in_hand_tells_none(
    staff_line: StaffLine, secrets: Secrets, clock: MovableClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """A real error of the real driver, about the row that holds a session."""
    from hotline.store.people import Session

    who, log = secrets.who, Log(clock, public=False, out=sys.stderr)
    row = Session(who.cookie.id, who.person.id, who.cookie.hide(who.seed, who.person.id), 0, 0)
    for _ in range(2):
        try:
            staff_line.access.people.begin(row)
        except Exception as error:
            log.incident(error)
            assert not secrets.told(f"{error!r} {error} {error.__cause__!r}")
    assert not secrets.told("".join(capfd.readouterr()))


def test_nothing_prints_itself(staff_line: StaffLine, secrets: Secrets) -> None:
    who = secrets.who
    person = staff_line.access.people.named("paulo")
    rows = staff_line.access.people.sessions(person.id)
    for thing in (who, who.cookie, person, rows, staff_line, staff_line.access, [who, person]):
        assert not secrets.told(f"{thing!r} {thing}")
