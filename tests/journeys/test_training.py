"""Training: the real pages over invented tips, in a home that can be nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from click.testing import CliRunner

from hotline import demo, training
from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.cli import root
from hotline.delivery.senders import ConsoleProvider, provider
from hotline.errors import HotlineError
from hotline.serve import Ports
from hotline.settings import EXPECTED, TRAINING, Settings
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Hand

REAL = {
    "HOTLINE_DATABASE_URL": "postgresql://real.example/line",
    "HOTLINE_REDIS_URL": "redis://real.example",
    "HOTLINE_TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "HOTLINE_TWILIO_AUTH_TOKEN": "real",
    "HOTLINE_WITNESS": "/srv/witness",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, MovableClock]:
    """A training line, made on a machine whose environment is a real line's."""
    home, clock = tmp_path_factory.mktemp("training"), MovableClock()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in REAL.items():
            patch.setenv(name, value)
        settings = training.prepare_home(home, Ports())
    training.found(settings, clock, ("rita",))
    return settings, clock


@pytest.fixture
def line(made: tuple[Settings, MovableClock]) -> Iterator[StaffLine]:
    found = assemble_staff(*made)
    yield found
    found.close()


def sign_in(line: StaffLine, app: object, name: str, clock: MovableClock) -> Hand:
    clock.advance(31)
    secret = next(one.secret for one in demo.saved_logins(line.settings) if one.name == name)
    hand, code = Hand(app.test_client()), pyotp.TOTP(secret).at(int(clock.seconds()))
    fields = {"name": name, "passphrase": demo.PASSPHRASE, "code": code}
    assert hand.client.post("/sign-in", data=fields).status_code == 303
    hand._see(hand.client.get("/", follow_redirects=True))
    return hand


def test_nothing_real_is_near_a_training_line(
    made: tuple[Settings, MovableClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever command opens the home, whatever the environment says."""
    monkeypatch.setenv("HOTLINE_HOME", str(made[0].home))
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    for settings in (made[0], settings_module.load()):
        assert settings.database_url == f"sqlite:///{settings.home}/hotline.db"
        assert settings.demo and settings.training
        assert settings.redis_url is None and settings.witness is None
        assert "real" not in repr(vars_of(settings))
        assert isinstance(provider(settings, print), ConsoleProvider)


def vars_of(settings: Settings) -> list[object]:
    return [getattr(settings, name) for name in Settings.__slots__]


def test_serve_refuses_a_training_home_and_training_any_other(
    made: tuple[Settings, MovableClock], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_HOME", str(made[0].home))
    for command in (["serve"], ["demo"]):
        refused = CliRunner().invoke(root, command).exception
        assert isinstance(refused, HotlineError) and refused.code in ("bad_input", "not_a_demo")
    before = sorted(path.name for path in settings.home.iterdir())
    with pytest.raises(training.NotForTraining):
        training.prepare_home(settings.home, Ports())
    assert sorted(path.name for path in settings.home.iterdir()) == before, "left as it was"
    assert (made[0].home / TRAINING).exists()


def test_a_trainee_sees_after_each_tip_what_was_expected_and_the_trainer_sees_all(
    line: StaffLine, made: tuple[Settings, MovableClock]
) -> None:
    app, clock = apps.console_app(line), made[1]
    rita, tito = (sign_in(line, app, name, clock) for name in ("rita", "tito"))
    assert 'class="training"' in rita.html and "TREINAMENTO" in rita.html
    expected = json.loads((line.settings.home / EXPECTED).read_text())
    empty = next(tip for tip, (_, why) in expected.items() if why == "nothing")
    facts = next(tip for tip, (_, why) in expected.items() if why == "facts")
    for tip, word in ((empty, "Como esperado"), (facts, "Diferente")):
        clock.advance(5)  # records tell the second, and the last decision is the one shown
        rita.get(f"/tips/{tip}")
        rita.post(f"/tips/{tip}/take")
        rita.post(f"/tips/{tip}/close", reason="not_actionable")
        assert word in rita.html, tip
    rita.get("/training")
    assert "Como esperado: 1 de 2" in rita.html
    tito.get("/training")
    assert "Como esperado: 1 de 2" in tito.html and "<h2>rita</h2>" in tito.html
    told = tito.html.partition("<main")[2].partition("</main>")[0]
    assert "<h2>rita</h2>" in told and not re.search(r"\d\d:\d\d|segundo|minuto", told), "no times"
    assert tito.get(f"/tips/{facts}").status_code == 404, "a trainer reads none by that role"


def test_a_real_line_has_neither_banner_nor_page(staff_line: StaffLine) -> None:
    app = apps.console_app(staff_line)
    assert "console.training" not in app.extensions["console_access"]
    said = app.test_client().get("/sign-in").get_data(as_text=True)
    assert 'class="training"' not in said


def test_each_lesson_names_a_decision_and_a_reason_that_exist() -> None:
    from hotline.triage.lessons import DECISIONS
    from hotline.triage.pages.training import DECISION_NAMES, WHY

    assert set(DECISIONS) == set(DECISION_NAMES)
    for country in ("BR", "CO"):
        found = list(training.lessons(country))
        assert {why for _, _, why in found} >= {"facts", "nothing", "no_place"}
        for _, right, why in found:
            assert why in WHY and set(right) <= set(DECISIONS)


def test_a_home_is_made_in_an_empty_directory_only(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("of somebody")
    with pytest.raises(training.NotForTraining):
        training.prepare_home(tmp_path, Ports())
