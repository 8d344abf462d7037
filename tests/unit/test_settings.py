"""Settings: every problem at once, secrets from files, nothing secret ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotline.settings import (
    NAMES,
    SECRET,
    BadSettings,
    child_environ,
    home_from,
    jurisdiction,
    load,
    load_demo,
    sources,
)


def test_a_home_is_enough(tmp_path: Path) -> None:
    settings = load({"HOTLINE_HOME": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/hotline.db"
    assert settings.sqlite
    assert settings.redis_url is None
    assert settings.jurisdiction == "br-rj"
    assert (settings.public, settings.staff) == (tmp_path / "public", tmp_path / "staff")
    assert settings.tokens == ()
    assert not settings.demo


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        load(
            {
                "HOTLINE_DATABASE_URL": "mysql://secret-user@host/x",
                "HOTLINE_REDIS_URL": "http://secret-host",
                "HOTLINE_PUBLIC_URL": "line.example",
                "HOTLINE_TWILIO_API_URL": "ftp://x",
                "HOTLINE_TWILIO_ACCOUNT_SID": "AC1",
                "HOTLINE_TWILIO_AUTH_TOKEN_FILE": "/nowhere/secret-file",
                "HOTLINE_VOICE": "record",
            }
        )
    problems = caught.value.problems
    for name in (
        "HOTLINE_HOME",
        "HOTLINE_DATABASE_URL",
        "HOTLINE_REDIS_URL",
        "HOTLINE_PUBLIC_URL",
        "HOTLINE_TWILIO_API_URL",
        "HOTLINE_TWILIO_AUTH_TOKEN_FILE",
        "HOTLINE_VOICE must be one of both, transcribe, listen",
        "HOTLINE_TWILIO_ACCOUNT_SID and HOTLINE_TWILIO_AUTH_TOKEN",
    ):
        assert sum(name in problem for problem in problems) == 1, name
    assert len(problems) == 8
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("name", sorted(SECRET))
def test_secrets_come_from_files_and_are_not_shown(tmp_path: Path, name: str) -> None:
    values = {
        "HOTLINE_DATABASE_URL": "postgresql://u:hidden-value@host/x",
        "HOTLINE_PUBLIC_DATABASE_URL": "postgresql://intake:hidden-value@host/x",
        "HOTLINE_REDIS_URL": "redis://:hidden-value@host",
        "HOTLINE_SMTP_URL": "smtps://u:hidden-value@host",
        "HOTLINE_ALARM_WEBHOOK": "https://host/hidden-value",
        "HOTLINE_METRICS_TOKEN": "hidden-value-of-twenty",
    }
    file = tmp_path / "secret"
    file.write_text(values.get(name, "hidden-value") + "\n")
    environ = {"HOTLINE_HOME": str(tmp_path), name + "_FILE": str(file)}
    if name == "HOTLINE_PUBLIC_DATABASE_URL":
        environ["HOTLINE_DATABASE_URL"] = "postgresql://owner@host/x"
    for other in ("HOTLINE_TWILIO_ACCOUNT_SID", "HOTLINE_TWILIO_AUTH_TOKEN"):
        if other != name:
            environ[other] = "hidden-value"
    settings = load(environ)
    field = name.removeprefix("HOTLINE_").lower()
    assert getattr(settings, field) == values.get(name, "hidden-value")
    assert "hidden-value" not in repr(settings)
    assert "hidden-value" not in str(sources(environ))


def test_a_role_of_its_own_needs_postgresql(tmp_path: Path) -> None:
    url = "postgresql://intake@host/x"
    with pytest.raises(BadSettings) as caught:
        load({"HOTLINE_HOME": str(tmp_path), "HOTLINE_PUBLIC_DATABASE_URL": url})
    assert caught.value.problems == [
        "HOTLINE_PUBLIC_DATABASE_URL needs PostgreSQL in HOTLINE_DATABASE_URL"
    ]


def test_a_plain_setting_has_no_file_form(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("br")
    environ = {"HOTLINE_HOME": str(tmp_path), "HOTLINE_JURISDICTION_FILE": str(tmp_path / "x")}
    assert load(environ).jurisdiction == "br-rj"


def test_two_tokens_are_accepted_during_rotation(tmp_path: Path) -> None:
    settings = load(
        {
            "HOTLINE_HOME": str(tmp_path),
            "HOTLINE_TWILIO_ACCOUNT_SID": "AC1",
            "HOTLINE_TWILIO_AUTH_TOKEN": "new",
            "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS": "old",
        }
    )
    assert settings.tokens == ("new", "old")


def test_a_process_we_start_gets_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_TWILIO_AUTH_TOKEN_FILE", "/nowhere")
    monkeypatch.setenv("HOTLINE_JURISDICTION", "br")
    settings = load(
        {
            "HOTLINE_HOME": str(tmp_path),
            "HOTLINE_REDIS_URL": "redis://localhost",
            "HOTLINE_TWILIO_ACCOUNT_SID": "AC1",
            "HOTLINE_TWILIO_AUTH_TOKEN": "t",
            "HOTLINE_VOICE": "transcribe",
            "HOTLINE_VOICE_MODEL": str(tmp_path / "model"),
        }
    )
    environ = child_environ(settings)
    assert load(environ) == settings
    assert {name for name in environ if name.startswith("HOTLINE_")} <= set(NAMES)


def test_a_demo_has_an_account_that_exists_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_TWILIO_AUTH_TOKEN", "a real one")
    settings = load_demo(tmp_path, "made up", "http://127.0.0.1:8000")
    assert settings.demo
    assert settings.tokens == ("made up",)
    assert set(settings.twilio_account_sid[2:]) == {"0"}


def test_commands_without_a_home_read_one_setting_alone() -> None:
    assert home_from({}) is None
    assert jurisdiction({}) == jurisdiction({"HOTLINE_JURISDICTION": ""}) == "br-rj"
    assert jurisdiction({"HOTLINE_JURISDICTION": "br"}) == "br"
