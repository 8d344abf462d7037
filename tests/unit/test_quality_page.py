"""Quality: shares from released tables alone; the warning to everybody, states to accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.analysts.drawn import Drawn
from hotline.analysts.measured import measured
from hotline.tips import Language
from tests.conftest import MovableClock
from tests.trends import Site, released, rows


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Iterator[Site]:
    made = Site.of(tmp_path, clock)
    yield made
    made.accounts.store.close()


def line(page: str, *starts: str) -> list[str]:
    """The one row that begins so."""
    (found,) = [one for one in rows(page) if one[0].split() == list(starts)]
    return found


def test_shares_are_those_of_the_reports(site: Site) -> None:
    """By hand: 90 of 990 have no state; 90 of 540 told by municipality have no municipality."""
    released(site.folder)
    found = measured(Drawn(site.folder), "2026-01", "2026-03", states=True)
    assert found.whole.value == 2970
    unknown = {one.name: one for one in found.unknown}
    assert unknown["state"].share.value == pytest.approx(90 / 990)
    assert unknown["municipality_code"].share.value == pytest.approx(90 / 540)
    assert unknown["victim_sex"].share.value == 1.0
    for one in (*found.unknown, *found.channels, *found.languages):
        assert one.share.high >= one.share.low >= 0
    channels = {one.name: one.share.value for one in found.channels}
    assert channels["sms"] == pytest.approx(12 / 99) and channels["web"] == pytest.approx(87 / 99)
    assert {one.name: one.share.value for one in found.languages}["es"] == pytest.approx(15 / 99)
    places = {one.code: one.shares[0].value for one in found.outcomes}
    assert places[""] == pytest.approx(10 / 99) and places["not_published"] == pytest.approx(1 / 4)


def test_everybody_reads_the_warning_and_the_whole_line_and_no_more(site: Site) -> None:
    released(site.folder)
    page = site.client.get("/quality?language=en")
    assert page.status_code == 200
    for said in ("A report is not a crime.", "Campaigns", "Outages", "Trust"):
        assert said in page.text
    assert line(page.text, "Text", "message", "(SMS)")[1:3] == ["360", "12.1\N{NO-BREAK SPACE}%"]
    assert line(page.text, "The", "whole", "line")[1] == "2\u202f970"
    assert "BR-RJ" not in page.text
    chosen = site.client.get("/quality?language=en&from=2026-02&to=2026-02")
    assert chosen.text == page.text, "a period needs an account"
    assert not (site.folder / "analysts.db").exists()


def test_an_account_sees_states_and_any_period(site: Site) -> None:
    released(site.folder)
    site.enter()
    page = site.client.get("/quality?from=2026-02&to=2026-02").text
    assert line(page, "The", "whole", "line")[1] == "990"
    assert line(page, "Not", "published", "at", "this", "level")[2].startswith(
        "25.0\N{NO-BREAK SPACE}%"
    )
    assert line(page, "BR-RJ")[1] == "470"
    wrong = site.client.get("/quality?from=soon")
    assert wrong.status_code == 422 and "This cannot be asked." in wrong.text
    assert "A report is not a crime." in wrong.text
    assert site.client.get("/quality?from=2025-01&to=2025-02").status_code == 422


def test_gaps_and_notes_of_the_period_are_said(site: Site) -> None:
    released(site.folder, ("2026-01", "2026-03"))
    (site.folder / "notes.toml").write_text(
        '[[note]]\nfrom = "2026-03"\nto = "2026-03"\nkind = "outage"\n'
        'text = { en = "SMS was down for a week." }\n'
    )
    page = site.client.get("/quality?language=en").text
    assert "not counted here: 2026-02" in page
    assert "SMS was down for a week." in page and "has noted none" not in page
    (site.folder / "notes.toml").write_text("[[note]]\nkind = 1\n")
    page = site.client.get("/quality?language=en")
    assert page.status_code == 200 and "cannot be read" in page.text, "figures stay"
    assert line(page.text, "The", "whole", "line")[1] == "1\u202f980"


def test_a_new_month_is_seen_at_once(site: Site) -> None:
    released(site.folder, ("2026-01",))
    before = line(site.client.get("/quality?language=en").text, "The", "whole", "line")
    released(site.folder, ("2026-02",))
    after = line(site.client.get("/quality?language=en").text, "The", "whole", "line")
    assert (before[1], after[1]) == ("990", "1\u202f980")


@pytest.mark.parametrize("language", list(Language))
def test_it_speaks_every_language(site: Site, language: Language) -> None:
    tag = f'<html lang="{language.tag}">'
    empty = site.client.get(f"/quality?language={language.value}")
    assert empty.status_code == 200 and tag in empty.text
    released(site.folder)
    page = site.client.get(f"/quality?language={language.value}").text
    assert tag in page and rows(page)
    if language != Language.EN:
        assert "Not known" not in page and "Form on the web" not in page
