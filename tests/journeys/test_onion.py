"""The onion service: named where following it loses nothing, to whom it helps, and rightly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hotline import doctor
from hotline.assembly import PublicLine
from hotline.settings import BadSettings, child_environ, load
from hotline.web import apps
from tests.forms import PORTUGUESE, Walk, app_of, shared_line

# The Tor Project's own address: what proves it is theirs, not ours.
ONION = "http://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
NAME = ONION.removeprefix("http://")


@pytest.fixture(scope="module")
def line(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    with shared_line(founded_home, tmp_path_factory.mktemp("onion") / "home") as line:
        yield replace(line, settings=replace(line.settings, onion_url=ONION))


@pytest.mark.parametrize("path", ["/", "/follow-up"])
def test_the_first_pages_name_it_in_the_header_and_in_words(line: PublicLine, path: str) -> None:
    page = app_of(line).test_client().get(path, headers=PORTUGUESE)
    assert page.headers["Onion-Location"] == ONION + path
    assert ONION in page.text
    assert f'href="{ONION}' not in page.text  # a browser without Tor would ask the whole network


def test_who_came_by_it_is_not_sent_there_again(line: PublicLine) -> None:
    for host in (NAME, NAME + ":80", "x." + NAME):
        page = app_of(line).test_client().get("/", headers={"Host": host})
        assert "Onion-Location" not in page.headers
        assert ONION not in page.text


def test_no_page_that_carries_answers_names_it(line: PublicLine) -> None:
    walk = Walk(app_of(line).test_client())
    walk.to_check(what="Boca de fumo")
    assert "Onion-Location" not in walk.response.headers
    walk.press("go=send")
    assert len(walk.page.receipt) == 20
    assert "Onion-Location" not in walk.response.headers
    assert ONION not in walk.response.text


def test_nothing_else_names_it(line: PublicLine) -> None:
    client = apps.public_app(line).test_client()
    for path in ("/exit", "/nothing", "/healthz", "/api/v1/openapi.json", "/static/public.css"):
        with client.get(path) as response:
            assert "Onion-Location" not in response.headers, path


def test_without_one_nothing_is_said(line: PublicLine) -> None:
    bare = replace(line, settings=replace(line.settings, onion_url=""))
    page = app_of(bare).test_client().get("/")
    assert "Onion-Location" not in page.headers
    assert "onion" not in page.text.lower()


@pytest.mark.parametrize("written", [ONION, ONION + "/", ONION.upper().replace("HTTP", "http")])
def test_a_whole_address_is_taken(tmp_path: Path, written: str) -> None:
    settings = load({"HOTLINE_HOME": str(tmp_path), "HOTLINE_ONION_URL": written})
    assert settings.onion_url == ONION
    assert child_environ(settings)["HOTLINE_ONION_URL"] == ONION


@pytest.mark.parametrize(
    "written",
    [
        ONION.replace("2gzy", "2gzz"),  # one wrong letter
        ONION.replace("wid.", "wie."),
        ONION.replace("http:", "https:"),
        ONION + "/denuncia",
        ONION + ":8080",
        NAME,
        "http://expyuzz4wqqyqhjn.onion",  # version 2, which Tor no longer knows
        "http://line.example",
    ],
)
def test_anything_less_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(BadSettings, match="HOTLINE_ONION_URL"):
        load({"HOTLINE_HOME": str(tmp_path), "HOTLINE_ONION_URL": written})


@pytest.mark.parametrize(("url", "sound"), [("https://line.example", True), ("http://x", False)])
def test_doctor_says_what_tor_browser_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, sound: bool
) -> None:
    for name, value in (("HOME", str(tmp_path)), ("ONION_URL", ONION), ("PUBLIC_URL", url)):
        monkeypatch.setenv("HOTLINE_" + name, value)
    (found,) = [each for each in doctor.examine() if each.name == "onion"]
    assert found.sound is sound
