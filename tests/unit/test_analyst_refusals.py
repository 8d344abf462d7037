"""Refusals: a program of an analyst gets an object of code, sentence and hint; a person a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from hotline.analysts.drawn import Drawn
from tests.conftest import MovableClock
from tests.trends import Site, released

FILE = "/api/v1/extract?from=2026-01&to=2026-03&by=month&format=csv"


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Iterator[Site]:
    made = Site.of(tmp_path, clock)
    yield made
    made.accounts.store.close()


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        (FILE.replace("2026-01", "2026-13"), 422, "bad_question"),
        (FILE.replace("=month", "=channel,municipality"), 422, "bad_question"),
        (FILE.replace("csv", "pdf"), 422, "no_format"),
        (FILE.replace("2026", "2020"), 422, "nothing_released"),
        ("/api/v1/extract", 422, "bad_question"),
        ("/api/v1/nothing", 404, "http_404"),
    ],
)
def test_what_cannot_be_answered_is_an_object(
    site: Site, address: str, status: int, code: str
) -> None:
    released(site.folder)
    bearer = {"Authorization": f"Bearer {site.token()}"}
    answer = site.client.get(address, headers=bearer)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert answer.json.keys() == {"error", "message", "hint"}
    assert answer.json["error"] == code
    assert answer.json["message"].endswith(".") and answer.json["hint"]


def test_without_a_token_it_says_which_is_needed(site: Site) -> None:
    for headers in ({}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Basic x"}):
        answer = site.client.get(FILE, headers=headers)
        assert (answer.status_code, answer.json["error"]) == (401, "token_needed")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_sentences_are_in_the_language_of_the_program(site: Site) -> None:
    answer = site.client.get(FILE, headers={"Accept-Language": "pt-BR"})
    assert answer.json["message"] == "Isto pede o token de uma conta."
    assert answer.headers["Content-Language"] == "pt-BR"


def test_what_nobody_expected_says_nothing_of_itself(site: Site) -> None:
    released(site.folder)
    bearer = {"Authorization": f"Bearer {site.token()}"}
    with patch.object(Drawn, "answer", side_effect=ValueError("a word of the inside")):
        answer = site.client.get(FILE, headers=bearer)
    assert (answer.status_code, answer.json["error"]) == (500, "incident")
    assert answer.json["incident"] and "inside" not in answer.text
    assert site.client.post(FILE, headers=bearer).json["error"] == "http_405"


def test_pages_for_people_stay_pages(site: Site) -> None:
    for address in ("/nothing", "/apis"):
        answer = site.client.get(address)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
