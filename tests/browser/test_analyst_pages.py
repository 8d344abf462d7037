"""The analysts' pages in a browser: accessible, and no wider than a telephone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from hotline.analysts.access import Accounts
from hotline.settings import Settings
from hotline.tips import Language
from hotline.web import apps
from tests.conftest import MovableClock
from tests.figures import Figures

pytestmark = pytest.mark.browser

WORDS = "four quiet rivers bend"
ASKED = "/ask?from=2026-01&to=2026-03&by=month,municipality,crime_type"
SHOTS: list[Path] = []


@pytest.fixture
def accounts(tmp_path: Path, clock: MovableClock) -> Iterator[Accounts]:
    made = Accounts(tmp_path / "releases", clock)
    yield made
    made.store.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path, clock: MovableClock) -> Iterator[Page]:
    settings = Settings(tmp_path, "sqlite:///none.db")
    server = make_server("127.0.0.1", 0, apps.analyst_app(settings, Figures(), clock))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    context = browser.new_context(base_url=address, locale="en-GB")
    yield context.new_page()
    context.close()
    server.shutdown()
    server.server_close()


def sound(page: Page, name: str) -> None:
    for width, scheme in ((1280, "light"), (360, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name} {width}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide"
        for folder in SHOTS:
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


def test_from_an_invitation_to_a_file(page: Page, accounts: Accounts, clock: MovableClock) -> None:
    page.goto("/")
    sound(page, "first")
    page.goto("/join?code=" + accounts.invite("rita", Language.EN))
    sound(page, "join")
    page.fill("#passphrase", WORDS)
    page.fill("#again", WORDS)
    page.click("button.main")
    sound(page, "joining")
    totp = pyotp.TOTP(page.locator("code").inner_text().replace(" ", ""))
    page.fill("#code", totp.at(int(clock.seconds())))
    page.click("button.main")
    page.wait_for_url("**/sign-in")
    page.click("button.main")
    assert page.locator("[role=alert]").is_visible()
    sound(page, "sign-in-refused")
    clock.advance(60)
    page.fill("#name", "rita")
    page.fill("#passphrase", WORDS)
    page.fill("#code", totp.at(int(clock.seconds())))
    page.click("button.main")
    page.wait_for_url("**/ask")
    sound(page, "ask")
    page.goto(ASKED)
    sound(page, "answer")
    with page.expect_download() as waiting:
        page.click("a.button >> nth=0")
    assert waiting.value.suggested_filename == "trends-2026-01-2026-03.csv"
    page.fill("#from", "soon")
    page.click("form[action='/ask'] button.main")
    assert page.locator("[role=alert]").is_visible()
    sound(page, "ask-refused")
    page.goto("/account")
    page.click("button[value=new]")
    assert len(page.locator("code").inner_text()) == 64
    sound(page, "account")
