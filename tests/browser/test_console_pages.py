"""The staff's pages in a browser: accessible, on a telephone and a desk, with keys and without."""

from __future__ import annotations

import io
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from hotline.assembly import StaffLine, assemble_public, assemble_staff
from hotline.delivery.senders import RecordingProvider
from hotline.demo import PASSPHRASE
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.tips import Channel, Contact, Language, Question, State, Urgency
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import SignIn, copy_line

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
DRUGS = "Venda de drogas na rua das Acácias em Niterói, RJ. Telefone 21 98765-4321"
CHILD = "Uma menina de 8 anos apanha todo dia do padrasto em Niterói, RJ"
THREE = (
    "Aqui é a Joana Ribeiro. Venda de drogas na rua das Acácias em Niterói, RJ. "
    "Telefone 21 98765-4321. O perfil @marcao_vendas aparece no grupo. "
    "E-mail fulano.x@gmail.com na parede. Me liguem no 21 99888-7766"
)
SHOTS: list[Path] = []


@dataclass(frozen=True, slots=True)
class Site:
    """A console and an analysts' site that a browser can reach, with tips in them."""

    line: StaffLine
    clock: MovableClock
    url: str
    analysts: str
    tip: str
    child: str
    package: str


def serve(app: object) -> tuple[str, object]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server


@pytest.fixture(scope="module")
def site(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site") / "home"
    home.mkdir()
    copied = copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}")
    # A browser keeps __Host- cookies for https only.
    settings = replace(copied, public_url="http://127.0.0.1:8000")
    clock = MovableClock()
    staff, public = assemble_staff(settings, clock), assemble_public(settings, clock, pool=0)
    packed, tip, child = furnish(staff, public, clock)
    console, one = serve(apps.console_app(staff))
    analysts, two = serve(apps.analyst_app(settings))
    yield Site(staff, clock, console, analysts, tip, child, packed)
    for server in (one, two):
        server.shutdown()
        server.server_close()
    public.close()
    staff.close()


def furnish(staff: StaffLine, public: object, clock: MovableClock) -> tuple[str, str, str]:
    """A package that was opened, a tip with doubts and a history, a child tip to be closed."""

    def tell(text: str, **more: object) -> None:
        contact = Contact(channel=Channel.WEB, text=text, language=Language.PT, **more)
        public.pipeline.receive(contact)

    office = Office.of(staff)
    paulo, gabi, samuel = office("paulo"), office("gabi"), office("samuel")
    tell("Venda de drogas na praça em Niterói, RJ, toda noite")
    first = paulo.next()
    paulo.post(f"/tips/{first}/forward", other="semsp-3304904", lead=[], reason="credible")
    for agency in ("semsp-3304904", staff.access.people.named("samuel").agency):
        if not staff.desk.packages(agency):
            paulo.get(f"/tips/{first}")
            paulo.post(f"/tips/{first}/forward", other=agency, reason="credible")
    inbox = staff.desk.packages(staff.access.people.named("samuel").agency)
    samuel.get(f"/inbox/{inbox[0].id.hex()}")
    tell(DRUGS, answers={Question.WHEN: "sextas à noite"}, urgency=Urgency.PATTERN)
    tip = paulo.next()
    paulo.post(f"/tips/{tip}/reply", prepared="thanks", text="")
    paulo.post(f"/tips/{tip}/note", text="Parece com o relato da semana passada.")
    tell(CHILD)
    child = gabi.next()
    gabi.post(f"/tips/{child}/close", reason="not_actionable")
    return inbox[0].id.hex(), tip, child


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE, base_url=site.url, locale="pt-BR")
    yield context.new_page()
    context.close()


def enter(page: Page, site: Site, name: str) -> None:
    site.clock.advance(90)  # a one-time code works once
    page.goto("/sign-in")
    page.fill("#name", name)
    page.fill("#passphrase", PASSPHRASE)
    page.fill("#code", SignIn(site.line).code(name))
    page.click("button.main")
    page.wait_for_url(lambda url: "sign-in" not in url)


def sound(page: Page, name: str) -> None:
    """No accessibility violation and no sideways scrolling, at both widths."""
    for view in (WIDE, NARROW):
        page.set_viewport_size(view)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{name} {view}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= view["width"], f"{name} is {wide} px wide"
        for folder in SHOTS:
            page.screenshot(path=folder / f"{name}-{view['width']}.png", full_page=True)
    page.set_viewport_size(WIDE)


def test_the_door_is_accessible_and_says_what_is_wrong(page: Page) -> None:
    page.goto("/")
    assert page.url.endswith("/sign-in")
    sound(page, "sign-in")
    page.fill("#name", "paulo")
    page.click("button.main")
    assert page.locator("[role=alert]").is_visible()
    sound(page, "sign-in-refused")


def test_the_operators_pages_are_accessible(page: Page, site: Site) -> None:
    enter(page, site, "paulo")
    for name, path in [
        ("desk", "/desk"),
        ("tips", "/tips?state=all"),
        ("empty", "/tips?state=open"),
    ]:
        page.goto(path)
        sound(page, name)
    page.goto(f"/tips/{site.tip}")
    page.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
    sound(page, "tip")
    page.locator("[data-take], .lease button").first.click()
    page.click("form[action*=reveal] button")
    assert "98765-4321" in page.locator("#doubt-1 mark").first.inner_text()
    sound(page, "tip-revealed")
    page.goto(f"/tips/{site.child}")
    assert page.locator("h1").is_visible()
    sound(page, "not-for-you")


def test_the_second_reader_sees_who_asked(page: Page, site: Site) -> None:
    enter(page, site, "gabi")
    page.goto(f"/tips/{site.child}")
    assert page.locator("#second-title").is_visible()
    sound(page, "second-reader")


@pytest.mark.parametrize(
    ("name", "path"), [("samuel", "/inbox"), ("olga", "/officers"), ("sofia", "/board")]
)
def test_everybody_elses_pages_are_accessible(page: Page, site: Site, name: str, path: str) -> None:
    enter(page, site, name)
    page.goto(path)
    sound(page, path.strip("/"))
    if name == "samuel":
        page.goto(f"/inbox/{site.package}")
        sound(page, "package")
    if name == "olga":
        page.locator("td details summary").last.click()
        sound(page, "officers-form")


def test_the_analysts_page_says_that_nothing_was_released(page: Page, site: Site) -> None:
    page.goto(site.analysts)
    assert page.locator(".empty").is_visible()
    sound(page, "analyst")


def test_keys_move_open_and_decide_and_can_be_switched_off(page: Page, site: Site) -> None:
    enter(page, site, "paulo")
    page.goto("/tips?state=all")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.matches('[data-row]')")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("o")
    page.wait_for_url("**/tips/*")
    page.goto(f"/tips/{site.tip}")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.id") == "note-text"
    page.keyboard.type("jko")
    assert page.input_value("#note-text") == "jko"
    page.locator("#keys summary").click()
    page.click("button[name=shortcuts]")
    page.goto("/tips?state=all")
    page.keyboard.press("j")
    assert not page.evaluate("document.activeElement.matches('[data-row]')")


@pytest.fixture
def doubtful(site: Site) -> Iterator[str]:
    """A tip with three doubtful spans and something removed, in paulo's hands."""
    before = waiting(site.line)
    public = assemble_public(site.line.settings, site.clock, pool=0)
    public.pipeline.receive(Contact(channel=Channel.WEB, text=THREE, language=Language.PT))
    public.close()
    (tip,) = waiting(site.line) - before
    site.clock.advance(90)
    paulo = Office.of(site.line)("paulo")
    paulo.post("/settings", shortcuts="on")
    paulo.post(f"/tips/{tip}/take")
    yield tip
    paulo.post("/settings", language="pt")


def waiting(line: StaffLine) -> set[str]:
    return {row.id.hex() for row in line.tips.queue(list(line.profile.queues), list(State))}


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


@pytest.mark.parametrize("language", ["pt", "ht", "en"])
def test_doubtful_spans_are_decided_with_one_key_each(
    page: Page, site: Site, doubtful: str, language: str
) -> None:
    enter(page, site, "paulo")
    page.click(f"button[name=language][value={language}]")
    page.goto(f"/tips/{doubtful}")
    assert "99888-7766" not in page.content() and "marcao" not in page.content()
    sound(page, f"doubts-{language}")
    page.keyboard.press("s")
    page.wait_for_url("**/reveal#doubt-1")
    assert focused(page) == "doubt-1"
    sound(page, f"doubts-shown-{language}")
    for key, left in (("x", 2), ("e", 1)):
        page.keyboard.press(key)
        page.wait_for_selector(f"#doubt-{left + 1}", state="detached")
        assert page.locator(".verdict").count() == left
        assert focused(page) == "doubt-1"
    page.keyboard.press("x")
    page.wait_for_url("**?done=decided")
    told = page.locator(".told").first.inner_text()
    assert "@marcao_vendas" in told and "98765" not in told and "gmail" not in told


def test_a_key_that_is_held_down_or_switched_off_decides_nothing(
    page: Page, site: Site, doubtful: str
) -> None:
    enter(page, site, "paulo")
    page.goto(f"/tips/{doubtful}")
    held = "new KeyboardEvent('keydown', {key: 'x', repeat: true, bubbles: true})"
    page.evaluate(f"document.body.dispatchEvent({held})")
    page.locator("#keys summary").click()
    page.click("button[name=shortcuts]")
    page.goto(f"/tips/{doubtful}")
    assert page.locator(".verdict kbd").count() == 0
    page.keyboard.press("x")
    page.wait_for_timeout(300)
    assert page.locator(".verdict").count() == 3


def test_a_tip_is_decided_without_a_script(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    enter(page, site, "paulo")
    page.goto(f"/tips/{site.tip}")
    page.locator("#note summary").click()
    page.fill("#note-text", "Sem script")
    page.click("#note button")
    assert "done=noted" in page.url
    assert "Sem script" in page.content()
    page.click("form[action*=reveal] button")
    page.click("#doubt-1 button[value=keep]")
    assert page.url.endswith("?done=decided") and "98765-4321" in page.content()
    context.close()


def test_a_recording_plays_in_its_page_and_nowhere_else(page: Page, site: Site) -> None:
    tone, provider = io.BytesIO(), RecordingProvider()
    with wave.open(tone, "wb") as file:
        file.setparams((1, 2, 8000, 8000, "NONE", ""))
        file.writeframes(bytes(16000))
    provider.sounds["RE1"] = tone.getvalue()
    facts = {"sid": "RE1", "tip": site.tip, "language": "pt"}
    site.line.outbox.add(site.line.envelope.errand("recording", bytes(16), facts))
    EmbeddedJobs(runner(site.line, provider, Log(site.clock, public=False))).drain()
    enter(page, site, "paulo")
    page.goto(f"/tips/{site.tip}")
    sound(page, "recording")
    page.click("form[action$=listen] button")
    page.wait_for_function("document.querySelector('audio').readyState === 4")
    assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(1)
    page.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
    sound(page, "recording-heard")
    page.goto(f"/tips/{site.tip}")
    assert page.locator("audio").count() == 0


def test_the_consoles_sheet_and_script_stay_small() -> None:
    static = Path(apps.__file__).parent / "static"
    assert (static / "console.css").stat().st_size <= 18 * 1024
    assert (static / "console.js").stat().st_size <= 8 * 1024
