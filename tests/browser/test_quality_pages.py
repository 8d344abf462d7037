"""Quality, codebook, comparison in a browser: accessible, no wider than a telephone, no script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from hotline.tips import Language
from tests.conftest import MovableClock
from tests.trends import WORDS, Site, published, released

pytestmark = pytest.mark.browser

SHOTS: list[Path] = []


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Iterator[Site]:
    made = Site.of(tmp_path, clock)
    released(made.folder)
    published(made.folder)
    published(made.folder, "broken", b"month,area\n2026-01,BR\n")
    (made.folder / "notes.toml").write_text(
        '[[note]]\nfrom = "2026-02"\nto = "2026-02"\nkind = "campaign"\n'
        'text = { en = "Posters in buses." }\n'
    )
    yield made
    made.accounts.store.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    server = make_server("127.0.0.1", 0, site.app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    context = browser.new_context(base_url=address, locale="en-GB")
    yield context.new_page()
    context.close()
    server.shutdown()
    server.server_close()


PHONE, EVERY = ((360, "light"),), ((1280, "light"), (360, "light"), (1280, "dark"))


def sound(page: Page, name: str, looks: tuple[tuple[int, str], ...] = EVERY) -> None:
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name} {width}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide"
        assert page.locator("script").count() == 0
        for folder in SHOTS:
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


def test_what_everybody_may_read(page: Page) -> None:
    for tongue in Language:
        page.goto(f"/codebook?language={tongue.value}")
        sound(page, f"codebook-{tongue.value}", PHONE)
        page.goto(f"/quality?language={tongue.value}")
        sound(page, f"quality-{tongue.value}", PHONE)
    sound(page, "quality")
    page.goto("/codebook?language=en")
    page.locator("summary", has_text="Values").first.click()
    assert page.locator("details[open] li").count() > 0
    sound(page, "codebook-open")


def test_what_an_account_sees(page: Page, site: Site) -> None:
    secret = pyotp.random_base32()
    site.accounts.enrol("rita", WORDS, "en", secret)
    page.goto("/sign-in")
    page.fill("#name", "rita")
    page.fill("#passphrase", WORDS)
    page.fill("#code", pyotp.TOTP(secret).at(int(site.clock.seconds())))
    page.click("button.main")
    page.wait_for_url("**/ask")
    page.click("nav >> text=Quality")
    page.wait_for_url("**/quality")
    sound(page, "quality-account")
    page.goto("/comparison")
    assert page.locator("[role=alert]").is_visible(), "the first file of the list is broken"
    sound(page, "comparison-broken")
    page.select_option("#file", "isp-rj")
    page.click("form[action='/comparison'] button.main")
    page.wait_for_url("**/comparison?file=isp-rj*")
    page.select_option("#category", "trafico_drogas")
    page.click("form[action='/comparison'] button.main")
    page.wait_for_url("**category=trafico_drogas**")
    assert page.locator("svg").count() == 2
    sound(page, "comparison")
    page.goto("/charts?from=2026-01&to=2026-03&by=state")
    page.locator("summary", has_text="The same in figures").first.click()
    assert page.locator("svg").count() == 4
    sound(page, "charts")
    page.emulate_media(forced_colors="active")
    sound(page, "charts-forced", PHONE)
    page.emulate_media(forced_colors="none")
    with page.expect_download() as waiting:
        page.click("a.button >> nth=0")
    assert waiting.value.suggested_filename == "series-2026-01-2026-03.svg"
    page.click("nav >> text=Pictures")
    page.click("form[action='/charts'] button.main")
    assert page.locator("svg").count() == 2
    sound(page, "charts-all")
