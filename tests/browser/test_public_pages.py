"""The public pages in Chromium with scripts off: usable by everyone, at every size."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page
from werkzeug.serving import make_server

from hotline.assembly import PublicLine
from hotline.errors import Busy
from hotline.founding import PEPPER
from hotline.intake.limits import Limits
from hotline.store.database import DatabaseUnavailable
from hotline.store.tips import put_reply
from hotline.tips import Language
from hotline.triage import messages
from hotline.vault.receipts import stretch
from tests import pictures
from tests.conftest import MovableClock
from tests.forms import Walk, app_of, shared_line, stored

pytestmark = pytest.mark.browser

LONG = "Homens armados vendem drogas na esquina da padaria, todas as noites. " * 8
HTML = "text/html; charset=utf-8"
SHOTS: list[Path] = []
TROUBLES = {
    "busy": Busy(),
    "unavailable": DatabaseUnavailable(),
    "incident": ZeroDivisionError(),
}
ERROR = {
    Language.PT: "Erro:",
    Language.ES: "Error:",
    Language.EN: "Error:",
    Language.FR: "Erreur",
    Language.HT: "Erè:",
}
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # of what passes, one element is told instead of all
}
# Each language at the narrowest, which is also what is left of a window of 640 at a zoom of 200 %;
# and wide.
SHOWN = dict.fromkeys(Language, (320,)) | {
    Language.PT: (320, 1280),
    Language.HT: (320, 1280),
}
NARROW = """() => [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.off, .skip'))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1
        || e.getBoundingClientRect().left < -1)
    .map(e => e.outerHTML.slice(0, 120))"""
# WCAG 2.2: 44 CSS pixels for what stands alone (we ask more than 2.5.8), 24 for links.
SMALL = """() => [...document.querySelectorAll(
        'button, .exit, .jump, .radio, summary, input[type=text], input[type=file], textarea, a')]
    .filter(e => !e.closest('.off, .skip, details:not([open]) > :not(summary)'))
    .filter(e => e.getBoundingClientRect().height
        < (e.matches('a:not(.exit, .jump, .back)') ? 24 : 44))
    .map(e => e.outerHTML.slice(0, 120))"""
# WCAG 1.4.12 asks that nothing is lost when a reader sets these.
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
    word-spacing: .16em !important } p { margin-bottom: 2em !important }"""
CLIPPED = """() => [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.off, .skip, textarea, input'))
    .filter(e => getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1)
    .map(e => e.outerHTML.slice(0, 120))"""
# With forced colours a background says nothing: what stands out needs a line around or beside it.
LINELESS = """() => [...document.querySelectorAll(
        'button, .exit, .receipt, .danger, .problems, .now, .done, article, input, textarea')]
    .filter(e => !e.closest('.off, details:not([open])') && e.offsetParent
        && !['radio', 'hidden'].includes(e.type))
    .filter(e => { const s = getComputedStyle(e);
        return s.borderLeftStyle === 'none' || parseFloat(s.borderLeftWidth) < 1
            || s.borderLeftColor === s.backgroundColor })
    .map(e => e.outerHTML.slice(0, 120))"""
USELESS_ON_PAPER = """() => [...document.querySelectorAll(
        'button, .exit, .jump, footer, a[href="/exit"]')]
    .filter(e => e.offsetParent)
    .map(e => e.outerHTML.slice(0, 120))"""
FOCUSED = """() => {
    const e = document.activeElement
    const s = getComputedStyle(e), r = e.getBoundingClientRect()
    const at = document.elementFromPoint(
        r.x + r.width / 2, (Math.max(r.top, 0) + Math.min(r.bottom, innerHeight)) / 2)
    return [e.outerHTML.slice(0, 120), [
        s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 3 ? 'no ring' : '',
        r.bottom <= 0 || r.top >= innerHeight ? 'out of sight' : '',
        at && (e.contains(at) || at.contains(e)) ? '' : 'covered',
    ].filter(x => x).join(', ')]
}"""
ASKS_AGAIN = "chrome-error://chromewebdata/"


class Trouble(Limits):
    """Limits that fail when a test wants a page of something going wrong."""

    error: Exception | None = None

    def spend(self, key: str | None) -> None:
        if self.error:
            raise self.error
        super().spend(key)


@dataclass(frozen=True, slots=True)
class Site:
    """A line at an address."""

    line: PublicLine
    url: str
    trouble: Trouble
    seen: dict[Language, list[Seen]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def site(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with shared_line(founded_home, tmp_path_factory.mktemp("pages") / "home") as made:
        trouble = Trouble(made.clock)
        line = replace(made, limits=trouble)
        app = app_of(line)
        # The first check reads the lists of names: two seconds that no browser shall wait for.
        Walk(app.test_client()).to_check(what=LONG)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Site(line, f"http://127.0.0.1:{server.port}", trouble)
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


@dataclass(frozen=True, slots=True)
class Seen:
    """A page as a reporter had it."""

    name: str
    html: str
    title: str
    language: str | None


def walked(browser: Browser, site: Site, language: Language) -> list[Seen]:
    """Every page and state in a language. Once a language: a page is the same at every size."""
    if language not in site.seen:
        with context(browser, language, SHOWN[language][-1]) as here:
            page = here.new_page()
            tag = page.locator("html")
            site.seen[language] = [
                Seen(name, page.content(), page.title(), tag.get_attribute("lang"))
                for name in states(page, site)
            ]
    return site.seen[language]


class Auditor:
    """Shows a page as the reporter has it to a browser in which axe can run."""

    def __init__(self, here: BrowserContext, site: Site) -> None:
        self._page = here.new_page()
        self._address = site.url + "/as-seen"

    def show(self, seen: Seen) -> Page:
        self._page.route(
            self._address, lambda route: route.fulfill(body=seen.html, content_type=HTML)
        )
        self._page.goto(self._address)
        self._page.unroute(self._address)
        return self._page

    def look(self, width: int) -> list[str]:
        """What is wrong with what is shown, in words; nothing when all is well."""
        seen = self._page
        seen.set_viewport_size({"width": width, "height": 800})
        wrong = axed(seen) + told("too wide", seen, NARROW) + told("too small", seen, SMALL)
        spaced = seen.add_style_tag(content=SPACED)
        wrong += told("too wide when spaced", seen, NARROW) + told("clipped", seen, CLIPPED)
        spaced.evaluate("e => e.remove()")
        # WCAG 1.4.4: letters twice as large, in a window twice as wide as the narrowest.
        large = seen.add_style_tag(content="html { font-size: 200% }")
        seen.set_viewport_size({"width": max(width, 640), "height": 800})
        wrong += told("too wide with large letters", seen, NARROW)
        large.evaluate("e => e.remove()")
        return [f"{each} at {width}" for each in wrong]


def axed(page: Page) -> list[str]:
    if page.evaluate("typeof axe") == "undefined":  # half a megabyte: once a page
        page.evaluate(Axe().axe_script)
    result = AxeResults(page.evaluate("options => axe.run(options)", RULES))
    wrong = [result.generate_report()] if result.violations_count else []
    return wrong if result.response["passes"] else ["axe looked at nothing"]


def told(what: str, page: Page, script: str) -> list[str]:
    return [f"{what}: {each}" for each in page.evaluate(script)]


def press(page: Page, value: str, name: str = "go") -> None:
    page.click(f'button[name="{name}"][value="{value}"]')
    page.wait_for_load_state()


def skip_to_check(page: Page) -> None:
    while page.locator('button[value="skip"]').count():
        press(page, "skip")


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
    yield "what-types-error"
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
    yield "too-long-error"
    page.fill("#who", LONG)
    press(page, "next")
    yield "question-of-a-type"
    press(page, "next")
    yield "question-of-a-type-error"
    skip_to_check(page)
    yield "check"
    page.click("#files summary")
    page.set_input_files("#file-3", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"MZ"}])
    yield "check-files"
    press(page, "send")
    yield "check-file-error"
    for name, site.trouble.error in TROUBLES.items():
        page.click("main .buttons button >> nth=0")  # "Send the report", then "Try again"
        page.wait_for_load_state()
        yield name
    site.trouble.error = None
    page.click("main .buttons button >> nth=0")
    page.wait_for_load_state()
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
    clock = site.line.clock
    assert isinstance(clock, MovableClock)
    clock.advance(37 * 3600)
    page.fill("#message", LONG)
    press(page, "send")
    yield "number-expired-error"
    page.goto(site.url)
    for _ in range(6):
        press(page, "skip")
    press(page, "send")
    yield "check-error"
    press(page, "who", "change")
    clock.advance(37 * 3600)
    page.fill("#who", LONG)
    press(page, "next")
    yield "expired-error"
    page.goto(site.url + "/nothing-here")
    yield "not-found"
    page.goto(site.url)
    page.click('footer a[href^="/privacy"]')
    page.wait_for_load_state()
    yield "privacy"
    page.goto(site.url)
    press(page, "skip")
    page.click("summary")
    page.check('input[value="CHD-01"]')
    page.fill("#what", "Vende fotos de crianças nuas num grupo da internet")
    press(page, "next")
    skip_to_check(page)
    yield "check-barred"


def answer(line: PublicLine, code: str) -> None:
    keys = stretch(code, (line.settings.public / PEPPER).read_bytes())
    day, text = "2026-03-11", "A que horas eles chegam?\nE quantos são?"
    for reply in (
        messages.status(keys.lookup, keys.public, "asked", day),
        messages.message(keys.lookup, keys.public, "question", text, Language.PT, day, 0),
    ):
        line.database.write(lambda c, reply=reply: put_reply(c, *reply))


@pytest.mark.parametrize("language", list(Language))
def test_every_page_and_state_is_accessible_and_fits(
    browser: Browser, site: Site, language: Language
) -> None:
    found = {}
    with context(browser, language, 320, scripts=True) as other:
        auditor = Auditor(other, site)
        for seen in walked(browser, site, language):
            page = auditor.show(seen)
            for width in SHOWN[language]:
                if wrong := auditor.look(width):
                    found[seen.name, width] = wrong
                for folder in SHOTS:
                    page.set_viewport_size({"width": width, "height": 800})
                    shot = folder / f"{seen.name}-{language}-{width}.png"
                    page.screenshot(path=shot, full_page=True)
            assert seen.language == language.tag, seen.name
            assert seen.title.startswith(ERROR[language]) == ("error" in seen.name), seen.name
    assert found == {}
    names = [seen.name for seen in walked(browser, site, language)]
    assert len(names) == len(set(names)) == 30


def test_forced_colours_and_the_keyboard_find_everything(browser: Browser, site: Site) -> None:
    found = {}
    with context(browser, Language.PT, 320, scripts=True) as other:
        auditor = Auditor(other, site)
        for one in walked(browser, site, Language.PT):
            seen = auditor.show(one)
            wrong = unfocused(seen)
            seen.emulate_media(forced_colors="active")
            wrong += told("no line around it", seen, LINELESS) + unfocused(seen)
            if one.name in ("first", "what-types-error", "check", "receipt", "answered"):
                wrong += axed(seen)
            seen.emulate_media(forced_colors="none")
            if wrong:
                found[one.name] = wrong
    assert found == {}


def unfocused(page: Page) -> list[str]:
    """What the Tab key reaches and does not show, and whether it reaches every button."""
    wrong, reached = [], []
    page.focus(".skip")
    for _ in range(100):
        page.keyboard.press("Tab")
        focused, trouble = page.evaluate(FOCUSED)
        if focused.startswith("<body") or 'class="skip"' in focused:
            break  # round the page once
        wrong += [f"{trouble}: {focused}"] if trouble else []
        reached.append(focused)
    missed = page.locator("button").count() - sum(e.startswith("<button") for e in reached)
    return wrong + ([f"{missed} buttons out of reach"] if missed else [])


def test_going_back_sends_no_file_and_none_is_asked_for_twice(browser: Browser, site: Site) -> None:
    """A telephone does not upload a picture to change a word."""
    with context(browser, Language.PT, 360) as here:
        page = here.new_page()
        walked = iter(states(page, site))
        while next(walked) != "check":
            pass
        picture = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": pictures.jpeg()}
        page.set_input_files("#file-1", [picture])
        with page.expect_request(lambda request: request.method == "POST") as sent:
            press(page, "back")
        assert sent.value.headers["content-type"] == "application/x-www-form-urlencoded"
        assert page.locator("textarea#more").is_visible()


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


def test_paper_has_the_words_and_no_buttons(browser: Browser, site: Site) -> None:
    with context(browser, Language.PT, 1280) as here:
        auditor = Auditor(here, site)
        for seen in walked(browser, site, Language.PT):
            page = auditor.show(seen)
            page.emulate_media(media="print")
            assert page.evaluate(USELESS_ON_PAPER) == [], seen.name
            assert page.locator("h1").is_visible()
            if seen.name == "receipt":
                assert page.locator(".receipt").is_visible()
            page.emulate_media(media="screen")


def test_back_after_sending_gives_the_same_receipt(browser: Browser, site: Site) -> None:
    """No page may be stored, so Chromium asks before it shows one again that answered a form;
    its yes is a reload, which loses no answer and makes no second report."""
    with context(browser, Language.PT, 360) as here:
        page = here.new_page()
        page.goto(site.url)
        press(page, "skip")
        page.fill("#what", LONG)
        press(page, "next")
        skip_to_check(page)
        press(page, "send")
        receipt, before = page.inner_text(".receipt"), len(stored(site.line))
        # go_back may fail before Chromium shows the page that asks; only that one can be reloaded.
        with (
            page.expect_event("framenavigated", lambda frame: frame.url == ASKS_AGAIN),
            contextlib.suppress(Error),
        ):
            page.go_back()
        page.wait_for_load_state()
        page.reload()
        assert LONG.strip() in page.inner_text("dl")
        press(page, "send")
        assert page.inner_text(".receipt") == receipt
        assert len(stored(site.line)) == before
