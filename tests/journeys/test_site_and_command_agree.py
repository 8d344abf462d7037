"""From a release to a file: the site, its API and the command line give the same bytes."""

from __future__ import annotations

from pathlib import Path

import pyotp
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from hotline.analysts.access import Accounts
from hotline.analysts.drawn import LARGE, Drawn
from hotline.cli import root
from hotline.settings import Settings
from hotline.web import apps
from tests.conftest import MovableClock
from tests.releases import counts, exact, row, write

WORDS = "four quiet rivers bend"
BUSY = "BR:IBGE:3300100"
TOLD = [row(type="ORG-02", municipality=BUSY)] * LARGE + [row()] * 20 + [row(type="INT-01")] * 30
ASKED = {"from": "2026-01", "to": "2026-02", "by": "month,municipality"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for month in ("2026-01", "2026-02"):
        told = [raw.replace(b"2026-03", month.encode()) for raw in TOLD]
        write(tmp_path / "releases", month, exact(counts(told, month=month)))
    return tmp_path


@pytest.fixture
def client(home: Path, clock: MovableClock) -> FlaskClient:
    accounts, secret = Accounts(home / "releases", clock), pyotp.random_base32()
    accounts.enrol("rita", WORDS, "en", secret)
    accounts.store.close()
    client = apps.analyst_app(Settings(home, "sqlite:///none.db"), clock=clock).test_client()
    code = pyotp.TOTP(secret).at(int(clock.seconds()))
    form = {"name": "rita", "passphrase": WORDS, "code": code}
    assert client.post("/sign-in", data=form).status_code == 303
    return client


@pytest.mark.parametrize("by", ["month,municipality", "quarter,state,act", "region,weapon"])
def test_every_file_is_the_same_by_site_and_by_command(
    home: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(home))
    asked = ASKED | {"by": by}
    options = [f"--{name}={value}" for name, value in asked.items()]
    for format, dialect in Drawn.formats:
        if format == "geojson" and "municipality" not in by:
            continue
        out = home / f"{format}{dialect}"
        chosen = [f"--format={format}", f"--dialect={dialect}", f"--out={out}"]
        done = CliRunner().invoke(root, ["extract", *options, *chosen])
        assert done.exit_code == 0, done.output
        given = {"format": format} | ({"dialect": dialect} if dialect else {})
        answer = client.get("/api/v1/extract", query_string=asked | given)
        assert answer.status_code == 200
        assert answer.data == (out / f"trends.{format}").read_bytes(), (format, dialect)


def test_the_pages_show_what_was_released(client: FlaskClient) -> None:
    page = client.get("/?language=en").text
    assert "2026-01" in page and "2026-02" in page
    assert BUSY.rpartition(":")[2] in page, "large enough for everybody"
    assert "3300200" not in page
    answer = client.get("/ask", query_string=ASKED)
    assert answer.status_code == 200 and "Expected error" in answer.text
    assert "format=geojson" in answer.text
    coarse = client.get("/ask", query_string=ASKED | {"by": "month,state"}).text
    assert "format=geojson" not in coarse, "a map file needs municipalities"


def test_acts_are_asked_for_as_the_rest_is(client: FlaskClient) -> None:
    form = client.get("/ask").text
    assert 'value="act"' in form and "Act told" in form
    page = client.get("/ask", query_string=ASKED | {"by": "state,act"})
    assert page.status_code == 200 and "act_label" in page.text
    refused = client.get("/ask", query_string=ASKED | {"by": "municipality,act"})
    assert refused.status_code == 422
    assert "Acts told go with periods and states only." in refused.text


def test_a_question_beyond_the_releases_is_a_sentence(client: FlaskClient) -> None:
    answer = client.get("/ask", query_string=ASKED | {"from": "2025-01", "to": "2025-02"})
    assert answer.status_code in (404, 422) and "No release lies in these months." in answer.text
