"""What somebody wrote survives: a restart, a day, another language, two tabs, and our failures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.assembly import PublicLine, assemble_public
from hotline.errors import Busy
from hotline.settings import Settings
from hotline.tips import Language
from tests.conftest import MovableClock
from tests.forms import ENGLISH, Page, Walk, app_of, shared_line, stored
from tests.line import with_redis

DRUGS = "Boca de fumo na esquina, toda noite"
HOURS = 3600


@pytest.fixture(scope="module")
def line(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    with shared_line(founded_home, tmp_path_factory.mktemp("survives") / "home") as line:
        yield line


def test_a_restart_of_a_process_loses_nothing(
    settings: Settings, clock: MovableClock, redis_url: str
) -> None:
    """Pages of one process are answered by another, which was started afterwards."""
    walk, shared = None, with_redis(settings, redis_url)
    for answer in ({"urgency": "past"}, {"what": DRUGS}, {"where": "Niterói RJ"}, {"when": "hoje"}):
        line = assemble_public(shared, clock, pool=0)
        client = app_of(line).test_client()
        walk = walk or Walk(client)
        walk.client = client
        walk.press(**answer)
        line.close()
    line = assemble_public(shared, clock, pool=0)
    walk.client = app_of(line).test_client()
    for words in (DRUGS, "Niterói, RJ", "hoje"):
        assert words in walk.to_check().words
    assert len(walk.press("go=send").receipt) == 20
    assert len(stored(line)) == 1
    line.close()


def test_a_restart_without_shared_memory_says_so_and_keeps_the_page(line: PublicLine) -> None:
    walk = Walk(app_of(line).test_client())
    walk.press("go=skip")
    walk.client = app_of(line).test_client()  # its keys are new
    page = walk.press(what=DRUGS)
    assert walk.response.status_code == 409
    assert page.fields["what"] == DRUGS


def test_a_form_may_take_days_when_no_page_takes_more_than_one(line: PublicLine) -> None:
    assert isinstance(line.clock, MovableClock)
    walk = Walk(app_of(line).test_client())
    for answer in ({"urgency": "past"}, {"what": DRUGS}, {"where": "Niterói RJ"}):
        line.clock.advance(24 * HOURS)
        walk.press(**answer)
    line.clock.advance(24 * HOURS)
    assert DRUGS in walk.to_check().words
    line.clock.advance(24 * HOURS)
    assert len(walk.press("go=send").receipt) == 20


def test_every_language_on_every_page_keeps_what_stands_there(line: PublicLine) -> None:
    walk = Walk(app_of(line).test_client())
    written = {"urgency": "past", "what": DRUGS, "where": "Belém", "when": "hoje", "who": "Zé"}
    while ("change", "what") not in walk.page.buttons:
        here = {
            name: words for name, words in written.items() if f'name="{name}"' in walk.page.html
        }
        for language in Language:
            page = walk.press(f"language={language}", **here)
            assert f'<html lang="{language.tag}">' in page.html
            assert here.items() <= page.fields.items()
            here = {}
        walk.press("go=next" if "urgency" in page.fields or "what" in page.fields else "go=skip")
    for words in (DRUGS, "Belém", "hoje", "Zé"):
        assert words in walk.page.words


def test_two_tabs_are_two_reports_and_a_copied_tab_is_one(line: PublicLine) -> None:
    client, before = app_of(line).test_client(), len(stored(line))
    one, other = Walk(client), Walk(client)
    one.press("go=skip")
    other.press("go=skip")
    one.press(what=DRUGS)
    other.press(what="Desmanche de carros")
    copy = Walk(client)
    copy.response = one.response
    receipts = [walk.to_check() and walk.press("go=send").receipt for walk in (one, other)]
    assert DRUGS not in other.response.text
    copy.press(where="Maricá RJ")
    copy.to_check()
    assert copy.press("go=send").receipt == receipts[0] != receipts[1]
    assert len(stored(line)) == before + 2


def test_try_again_sends_what_a_failure_of_ours_refused(
    line: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Browsers do not go back to an answered form that may not be stored."""
    before, walk = len(stored(line)), Walk(app_of(line).test_client())
    walk.to_check(what=DRUGS)
    with monkeypatch.context() as broken:
        broken.setattr(type(line.limits), "spend", lambda *_: (_ for _ in ()).throw(Busy()))
        page = walk.press("go=send")
        assert walk.response.status_code == 503
        assert page.fields["go"] == "send"
        assert DRUGS not in page.html
        assert "(21) 2253-1177" in page.words
    again = walk.client.post("/", data=walk.page.fields)
    assert len(Page(again.text).receipt) == 20
    assert len(stored(line)) == before + 1


def test_try_again_keeps_a_message_word_for_word(
    line: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(app_of(line).test_client())
    walk.to_check(what=DRUGS)
    code = walk.press("go=send").receipt
    walk.response = walk.client.post("/follow-up", data={"receipt": code}, headers=ENGLISH)
    words = 'agora são "dois" carros\r\n<b>& mais</b>'
    with monkeypatch.context() as broken:
        broken.setattr(type(line.limits), "spend", lambda *_: (_ for _ in ()).throw(Busy()))
        page = walk.press("go=send", path="/follow-up", message=words)
    assert walk.response.status_code == 503
    assert page.fields["message"] == words
    assert 'action="/follow-up"' in page.html
    assert code not in page.html
    again = walk.client.post("/follow-up", data=page.fields)
    assert "Your message was added." in Page(again.text).words


def test_what_was_wrong_is_not_offered_again(line: PublicLine) -> None:
    client = app_of(replace(line)).test_client()
    for response in (client.get("/nothing"), client.put("/"), client.post("/", json={})):
        assert response.status_code in (404, 405, 415)
        assert "<form" not in response.text
