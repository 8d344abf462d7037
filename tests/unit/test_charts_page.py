"""The page of charts: what fits a question is drawn, from released figures, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from hotline.analysis.release import published
from hotline.analysts.access import Accounts
from hotline.analysts.drawn import Drawn
from hotline.settings import Settings
from hotline.web import apps
from tests.conftest import MovableClock
from tests.releases import POLICY, SMALL, counts, exact, row, write
from tests.unit.test_analyst_site import Site

PERIOD = "from=2025-11&to=2026-03"
RIO = {"municipality": "BR:IBGE:3304557"}


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Iterator[Site]:
    """Four released months; December was not."""
    folder = tmp_path / "releases"
    for number, month in enumerate(("2025-11", "2026-01", "2026-02", "2026-03")):
        told = [row(month, **RIO) for _ in range(20 + 10 * number)] + [
            row(month, municipality="BR:IBGE:3500001", state="BR-SP", type="PRP-01")
        ] * 9
        write(folder, month, exact(counts(told, month=month)))
    source = Drawn(folder)
    app = apps.analyst_app(Settings(tmp_path, "sqlite:///none.db"), source, clock)
    accounts = Accounts(folder, clock)
    yield Site(app.test_client(), accounts, source, clock, folder)  # type: ignore[arg-type]
    accounts.store.close()


def drawn(page: str) -> list[str]:
    """The kinds of the pictures on it."""
    return re.findall(r'<h2 id="(\w+)">', page)


def test_it_needs_an_account(site: Site) -> None:
    for path in (f"/charts?{PERIOD}", f"/charts/series.svg?{PERIOD}"):
        answer = site.client.get(path)
        assert answer.status_code == 303 and answer.headers["Location"] == "/sign-in"


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ("", ["series", "seasonality"]),
        ("&by=state", ["series", "multiples", "ranking", "map"]),
        ("&by=crime_type", ["series", "multiples", "ranking"]),
        ("&by=channel", ["series", "multiples", "ranking"]),
        ("&by=municipality", ["ranking", "map"]),
        ("&by=municipality&municipality=3304557", ["series", "multiples", "ranking", "map"]),
    ],
)
def test_what_fits_is_drawn(site: Site, asked: str, kinds: list[str]) -> None:
    site.enter()
    page = site.client.get(f"/charts?{PERIOD}{asked}")
    assert page.status_code == 200 and drawn(page.text) == kinds
    assert page.text.count("<svg") == page.text.count("<title id=") == len(kinds)
    assert "style=" not in page.text and "<script" not in page.text
    assert "2025-12" in page.text, "the month without a release is named"


def test_figures_beside_it_are_those_of_the_answer(site: Site) -> None:
    site.enter()
    page = site.client.get(f"/charts?{PERIOD}&by=state").text
    ranking = page.partition('<h2 id="ranking">')[2].partition("</table>")[0]
    cells = [re.findall(r"<td>([^<]*)</td>", one) for one in ranking.split("<tr>")]
    assert ["BR-RJ", "140"] in [one[:2] for one in cells]
    assert ["BR-SP", "36"] in [one[:2] for one in cells]


def test_a_month_without_a_release_is_no_zero(site: Site) -> None:
    site.enter()
    page = site.client.get(f"/charts?{PERIOD}").text
    series = page.partition('<h2 id="series">')[2].partition("<tbody>")[2].partition("</table>")[0]
    (december,) = [one for one in series.split("<tr>") if ">2025-12<" in one]
    assert "not released" in december and ">0<" not in december


def test_a_file_is_the_picture_of_the_page(site: Site) -> None:
    site.enter()
    page = site.client.get(f"/charts?{PERIOD}&by=state").text
    (link,) = re.findall(r'href="(/charts/map\.svg[^"]*)"', page)
    file = site.client.get(link.replace("&amp;", "&"))
    assert file.content_type == "image/svg+xml; charset=utf-8"
    assert "attachment" in file.headers["Content-Disposition"]
    assert file.text in page
    assert ElementTree.fromstring(file.text).tag.endswith("svg")


@pytest.mark.parametrize(
    ("asked", "status"),
    [("&by=state,crime_type", 422), ("&by=moon", 422), ("&state=BR-XX", 422)],
)
def test_what_cannot_be_drawn_is_a_sentence(site: Site, asked: str, status: int) -> None:
    site.enter()
    page = site.client.get(f"/charts?{PERIOD}{asked}")
    assert page.status_code == status and 'role="alert"' in page.text
    assert 'value="2025-11"' in page.text, "what was typed stands in the form"
    assert site.client.get(f"/charts/series.svg?{PERIOD}{asked}").status_code == status


def test_a_picture_that_does_not_fit_is_no_file(site: Site) -> None:
    site.enter()
    assert site.client.get(f"/charts/map.svg?{PERIOD}").status_code == 422
    assert site.client.get(f"/charts/soon.svg?{PERIOD}").status_code == 422


@pytest.mark.parametrize("language", ["pt", "es", "fr", "ht"])
def test_it_speaks_the_readers_language(site: Site, language: str) -> None:
    site.enter(language)
    page = site.client.get(f"/charts?{PERIOD}&by=state").text
    words = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    for english in ("The same in figures", "Download the picture", "Your question", "Draw<"):
        assert english not in words


def test_the_answer_leads_to_its_pictures(site: Site) -> None:
    site.enter()
    page = site.client.get(f"/ask?{PERIOD}&by=month,state").text
    assert f'href="/charts?{PERIOD.replace("&", "&amp;")}&amp;by=state"' in page
    answer = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert "not_released" not in answer and "A month of the period has no release" in answer


def test_noise_is_what_is_drawn(site: Site) -> None:
    """Of a real release: its own figures, negative ones too small to be shown."""
    arrays = published(counts([row("2025-12")], month="2025-12"), SMALL, POLICY)
    write(site.folder, "2025-12", arrays)
    site.enter()
    page = site.client.get("/charts?from=2025-12&to=2025-12&by=state")
    assert page.status_code == 200
    figures = np.array([arrays["states"][:2].sum(axis=1)])
    for figure in figures[figures >= 8]:
        assert f">{figure}<" in page.text
