"""The public pages in Chromium with scripts off: usable by everyone, at every size."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from hotline.assembly import PublicLine
from hotline.founding import PEPPER
from hotline.store.tips import put_reply
from hotline.tips import Language
from hotline.triage import messages
from hotline.vault.receipts import stretch
from tests.forms import app_of, shared_line

pytestmark = pytest.mark.browser

LONG = "Homens armados vendem drogas na esquina da padaria, todas as noites. " * 8
HTML = "text/html; charset=utf-8"
LEAST_TARGET = 44  # CSS pixels; WCAG 2.2 asks for 24
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
NARROW = """() => [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.off, .skip') && e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 120))"""
SMALL = """least => [...document.querySelectorAll(
        'button, .exit, .jump, .radio, summary, input[type=text], textarea')]
    .filter(e => !e.closest('.off, details:not([open]) > :not(summary)'))
    .filter(e => e.getBoundingClientRect().height < least)
    .map(e => e.outerHTML.slice(0, 120))"""


@dataclass(frozen=True, slots=True)
class Site:
    """A line at an address."""

    line: PublicLine
    url: str


@pytest.fixture(scope="module")
def site(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with shared_line(founded_home, tmp_path_factory.mktemp("pages") / "home") as line:
        server = make_server("127.0.0.1", 0, app_of(line), threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(line, f"http://127.0.0.1:{server.port}")
        server.shutdown()
        thread.join()
        server.server_close()


def context(
    browser: Browser, language: Language, width: int, *, scripts: bool = False
) -> BrowserContext:
    """A reporter's browser. Only the auditor's own runs scripts: axe needs them."""
    made = browser.new_context(
        viewport={"width": width, "height": 800},
        locale=language.tag,
        java_script_enabled=scripts,
    )
    made.set_default_timeout(20_000)
    return made


class Auditor:
    """Shows a page as the reporter has it to a browser in which axe can run."""

    def __init__(self, here: BrowserContext, site: Site) -> None:
        self._page = here.new_page()
        self._address = site.url + "/as-seen"

    def look(self, page: Page) -> list[str]:
        """What is wrong with it, in words; nothing when all is well."""
        html = page.content()
        self._page.route(self._address, lambda route: route.fulfill(body=html, content_type=HTML))
        self._page.goto(self._address)
        self._page.unroute(self._address)
        result = Axe().run(self._page, options=RULES)
        wrong = [result.generate_report()] if result.violations_count else []
        if not result.response["passes"]:
            wrong.append("axe looked at nothing")
        wrong += ["too wide: " + each for each in self._page.evaluate(NARROW)]
        return wrong + ["too small: " + each for each in self._page.evaluate(SMALL, LEAST_TARGET)]


def press(page: Page, value: str, name: str = "go") -> None:
    page.click(f'button[name="{name}"][value="{value}"]')
    page.wait_for_load_state()


def states(page: Page, site: Site) -> Iterator[str]:
    """Walks through every page and state of the form and of coming back; yields its name."""
    page.goto(site.url)
    yield "first"
    press(page, "next")
    yield "first-error"
    page.check('input[value="now"]')
    press(page, "next")
    yield "what-urgent"
    press(page, "next")
    yield "what-error"
    page.fill("#what", LONG)
    page.click("summary")
    page.check('input[value="ORG-01"]')
    yield "what-types"
    press(page, "next")
    yield "where"
    page.fill("#where", "Bom Jesus")
    page.fill("#spot", LONG)
    press(page, "next")
    yield "place"
    press(page, "next")
    yield "place-error"
    page.check('input[value="none"]')
    press(page, "next")
    yield "when"
    press(page, "skip")
    page.fill("#who", "x" * 20_001)
    press(page, "next")
    yield "too-long"
    page.fill("#who", LONG)
    press(page, "next")
    press(page, "skip")
    yield "check"
    press(page, "send")
    yield "receipt"
    code = "".join(page.inner_text(".receipt").split())
    page.goto(site.url + "/follow-up")
    yield "number"
    press(page, "next")
    yield "number-error"
    page.fill("#receipt", code)
    press(page, "next")
    yield "waiting"
    answer(site.line, code)
    page.fill("#message", LONG)
    press(page, "send")
    yield "answered"
    press(page, "send")
    yield "message-error"
    page.goto(site.url + "/nothing-here")
    yield "not-found"


def answer(line: PublicLine, code: str) -> None:
    keys = stretch(code, (line.settings.public / PEPPER).read_bytes())
    day, text = "2026-03-11", "A que horas eles chegam?\nE quantos são?"
    for reply in (
        messages.status(keys.lookup, keys.public, "asked", day),
        messages.message(keys.lookup, keys.public, "question", text, Language.PT, day, 0),
    ):
        line.database.write(lambda c, reply=reply: put_reply(c, *reply))


@pytest.mark.parametrize(
    ("language", "width"),
    [(Language.PT, 320), (Language.HT, 360), (Language.PT, 1280), (Language.HT, 1280)],
)
def test_every_page_and_state_is_accessible_and_fits(
    browser: Browser, site: Site, language: Language, width: int
) -> None:
    seen, found = [], {}
    with (
        context(browser, language, width) as here,
        context(browser, language, width, scripts=True) as other,
    ):
        page, auditor = here.new_page(), Auditor(other, site)
        for name in states(page, site):
            seen.append(name)
            if wrong := auditor.look(page):
                found[name] = wrong
            assert page.locator("html").get_attribute("lang") == language.tag, name
    assert found == {}
    assert len(seen) == 18


def test_forced_colours_stay_accessible(browser: Browser, site: Site) -> None:
    with context(browser, Language.PT, 1280, scripts=True) as here:
        page = here.new_page()
        page.emulate_media(forced_colors="active")
        page.goto(site.url)
        assert Axe().run(page, options=RULES).violations_count == 0
        button = page.locator("button").first
        assert button.evaluate("e => getComputedStyle(e).borderTopWidth") == "2px"


def test_only_the_page_and_its_style_are_fetched(browser: Browser, site: Site) -> None:
    fetched: list[str] = []
    with context(browser, Language.PT, 360) as here:
        page = here.new_page()
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(site.url)
        assert here.cookies() == []
    assert fetched == [site.url + "/", site.url + "/static/public.css"]


def test_the_keyboard_alone_sends_a_report(browser: Browser, site: Site) -> None:
    with context(browser, Language.PT, 1280) as here:
        page = here.new_page()
        page.goto(site.url)
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.get_attribute("class") == "skip"
        assert focused.evaluate("e => getComputedStyle(e).outlineWidth") == "3px"
        page.focus('input[value="past"]')
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.wait_for_selector("#what")
        page.focus("#what")
        page.keyboard.type("Venda de drogas")
        for wanted in ("go=next", "go=skip"):
            while True:
                page.keyboard.press("Tab")
                name, value = (page.locator(":focus").get_attribute(a) for a in ("name", "value"))
                if f"{name}={value}" == wanted:
                    break
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("#where")
        page.focus("#where")
        page.keyboard.type("Niterói RJ")
        page.keyboard.press("Enter")
        page.wait_for_selector("#when")


def test_print_shows_the_number_and_no_buttons(browser: Browser, site: Site) -> None:
    with context(browser, Language.PT, 1280) as here:
        page = here.new_page()
        for name in states(page, site):
            page.emulate_media(media="print")
            if name == "receipt":
                assert page.locator(".receipt").is_visible()
                assert not page.locator(".exit").is_visible()
                break
            page.emulate_media(media="screen")
