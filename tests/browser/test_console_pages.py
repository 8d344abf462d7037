"""The staff's pages in a browser: accessible, on a telephone and a desk, with keys and without."""

from __future__ import annotations

import io
import re
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from hotline.assembly import StaffLine, assemble_public, assemble_staff
from hotline.delivery.senders import RecordingProvider
from hotline.demo import PASSPHRASE
from hotline.intake.attachments import clean
from hotline.intake.voice.engine import Transcript
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.tips import Channel, Contact, Language, Question, State, Urgency
from hotline.triage.sampling import draw
from hotline.web import apps
from tests import pictures
from tests.browser.keyboard import load
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
    filed: str


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
    packed, tip, child, filed = furnish(staff, public, clock)
    console, one = serve(apps.console_app(staff))
    analysts, two = serve(apps.analyst_app(settings))
    yield Site(staff, clock, console, analysts, tip, child, packed, filed)
    for server in (one, two):
        server.shutdown()
        server.server_close()
    public.close()
    staff.close()


def furnish(staff: StaffLine, public: object, clock: MovableClock) -> tuple[str, str, str, str]:
    """A package that was opened, a tip with doubts and a history, a child tip to be closed, and a
    tip with files of which two were kept, sent to an agency."""

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
    files = [clean(pictures.jpeg()), clean(pictures.pdf(3)), clean(pictures.jpeg())]
    filed = Contact(channel=Channel.WEB, text="Venda de armas em Niterói, RJ", language=Language.PT)
    public.pipeline.receive(filed, files=files)
    rows = staff.tips.queue(list(staff.profile.queues), [State.WAITING])
    (with_files,) = {row.id.hex() for row in rows} - {tip, child}
    paulo.get(f"/tips/{with_files}")
    paulo.post(f"/tips/{with_files}/take")
    for card in re.findall(r'name="file" value="([0-9a-f]{32})"', paulo.html)[::2][:2]:
        paulo.post(f"/tips/{with_files}/keep-file", file=card)
    agency = staff.access.people.named("samuel").agency
    paulo.post(f"/tips/{with_files}/forward", other=agency, reason="credible")
    return inbox[0].id.hex(), tip, child, with_files


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
    """No accessibility violation and no sideways scrolling, at both widths, light and dark."""
    for view, scheme in ((WIDE, "light"), (NARROW, "light"), (WIDE, "dark")):
        page.set_viewport_size(view)
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        where = f"{name} {view['width']} {scheme}"
        assert found.violations_count == 0, f"{where}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= view["width"], f"{name} is {wide} px wide"
        for folder in SHOTS:
            page.screenshot(path=folder / f"{name}-{view['width']}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
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


def test_who_was_harmed_is_recorded_with_keys_alone(page: Page, site: Site) -> None:
    enter(page, site, "paulo")
    page.goto(f"/tips/{site.tip}")
    with page.expect_navigation():
        page.locator("[data-take], .lease button").first.click()
    page.keyboard.press("b")
    page.locator("#victim_sex").focus()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#victim_sex").input_value()
    assert chosen != "unknown"
    sound(page, "victim")
    page.locator("#victim button").focus()
    load(page, "Enter")
    assert page.url.endswith("?done=victim_described")
    assert page.locator("#victim_sex").input_value() == chosen


def test_a_message_is_shown_once_more_with_keys_alone(page: Page, site: Site) -> None:
    enter(page, site, "paulo")
    page.goto(f"/tips/{site.tip}")
    with page.expect_navigation():
        page.locator("[data-take], .lease button").first.click()
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.id") == "reply-text"
    page.keyboard.type("::obrigado\nFale com Gabi, 21 99888-7766")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=sure]", state="attached")
    assert page.locator(".why li").count() >= 2
    assert "99888-7766" in page.input_value("#text")
    sound(page, "draft")
    page.fill("#text", "Obrigado. O que contou ajuda.")
    page.click("form.to-reporter button")
    assert page.locator(".why li").count() == 0
    sound(page, "draft-clear")
    page.click("main button.main")
    page.wait_for_url("**done=replied")
    sound(page, "replied")


def test_files_are_shown_grey_then_clear_to_operator_and_agency(page: Page, site: Site) -> None:
    enter(page, site, "paulo")
    page.goto(f"/tips/{site.filed}")
    page.locator(".lease button").first.click()
    assert page.locator(".file").count() == 3
    assert page.locator(".file img").count() == 0
    sound(page, "files")
    look(page, "files")
    page.goto(f"/tips/{site.filed}")
    agency = site.line.access.people.named("samuel").agency
    (package,) = (p for p in site.line.desk.packages(agency) if p.tip == bytes.fromhex(site.filed))
    enter(page, site, "samuel")
    page.goto(f"/inbox/{package.id.hex()}")
    assert page.locator(".file").count() == 2
    sound(page, "package-files")
    look(page, "package-files")


def look(page: Page, name: str) -> None:
    """The last file of the page: a grey preview, then the picture, as the browser draws them."""
    file = page.locator(".file").last
    file.locator("form[action*=look] button").click()
    drawn(page, 160)
    sound(page, f"{name}-grey")
    file.locator("form[action*=look] button").click()
    drawn(page, 320)
    sound(page, f"{name}-clear")


def drawn(page: Page, least: int) -> None:
    page.wait_for_load_state("load")
    image = page.locator(".file img")
    assert image.count() == 1
    assert image.evaluate("image => image.complete && image.naturalWidth") >= least


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


def test_two_officers_open_a_special_queue_without_a_script(browser: Browser, site: Site) -> None:
    """Asked for on one page and approved on another, in plain forms; both pages are accessible."""
    context = browser.new_context(base_url=site.url, java_script_enabled=False, viewport=WIDE)
    scripted = browser.new_context(base_url=site.url, viewport=WIDE)
    page, seen = context.new_page(), scripted.new_page()

    def again(page: Page, name: str, form: str) -> None:
        site.clock.advance(90)
        page.fill(f"{form} [name=passphrase]", PASSPHRASE)
        page.fill(f"{form} [name=code]", SignIn(site.line).code(name))

    enter(page, site, "olga")
    page.goto("/officers")
    page.select_option("#give-person", label="paulo")
    page.select_option("#give-queue", "queue:children:BR-RJ")
    page.select_option("#give-reason", "stands_in")
    again(page, "olga", "form[action='/officers/queue']")
    page.click("form[action='/officers/queue'] button.main")
    assert page.url.endswith("/requests?done=request_asked")
    assert page.locator(".card button").count() == 1
    enter(seen, site, "otavio")
    seen.goto("/officers")
    sound(seen, "officers-waiting")
    seen.goto("/requests")
    sound(seen, "requests")
    seen.click(".card button.main")
    assert seen.locator("h1").is_visible()
    sound(seen, "request-unproved")
    seen.goto("/requests")
    again(seen, "otavio", ".card")
    seen.click(".card button.main")
    assert seen.url.endswith("/requests?done=request_done")
    sound(seen, "requests-none")
    paulo = site.line.access.people.named("paulo")
    assert len(site.line.keys.of(paulo.id, "queue:children:BR-RJ")) == 12
    context.close()
    scripted.close()


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


AMBIGUOUS = "Homem armado com fuzil vende drogas e bate na mulher dele em Santa Cruz"


@pytest.fixture
def telling(site: Site) -> Iterator[str]:
    """A tip of several types and an ambiguous place, in the hands of somebody of its desk."""
    before = waiting(site.line)
    public = assemble_public(site.line.settings, site.clock, pool=0)
    public.pipeline.receive(Contact(channel=Channel.WEB, text=AMBIGUOUS, language=Language.PT))
    public.close()
    (tip,) = waiting(site.line) - before
    site.clock.advance(90)
    gabi = Office.of(site.line)("gabi")
    gabi.post("/settings", shortcuts="on")
    gabi.post(f"/tips/{tip}/take")
    yield tip


def state_of(site: Site, tip: str) -> State:
    row = site.line.tips.one(bytes.fromhex(tip))
    assert row is not None
    return row.state


def test_two_keys_decide_one_undoes_and_the_list_of_keys_is_whole(
    page: Page, site: Site, telling: str
) -> None:
    enter(page, site, "gabi")
    page.goto(f"/tips/{telling}")
    sound(page, "deciding")
    page.keyboard.press("1")  # no list is open: nothing is chosen
    for key, digit, state in (
        ("h", "3", State.CLOSED),
        ("v", "1", State.CLOSED),
        ("w", "2", State.CLOSED),
        ("d", "1", State.FORWARDED),
    ):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.matches('[data-pick]')")
        page.keyboard.press(digit)
        page.wait_for_url("**/desk?done=*")
        assert state_of(site, telling) is state
        assert page.locator("[data-take-back]").is_visible()
        if key == "h":
            sound(page, "undo")
        page.keyboard.press("z")
        page.wait_for_url("**/tips/*?done=undone")
        assert state_of(site, telling) is State.WAITING
    listed = set(page.locator(".keys kbd").all_text_contents())
    known = set(
        page.evaluate("[...document.querySelectorAll('[data-key]')].map(p => p.dataset.key)")
    )
    marked = set(
        page.evaluate(
            "[...document.querySelectorAll('[aria-keyshortcuts]')]"
            ".map(p => p.getAttribute('aria-keyshortcuts'))"
        )
    )
    assert known >= set("drnamqvuywhi") and known | marked <= listed
    source = (Path(__file__).parents[2] / "hotline/web/static/console.js").read_text()
    written = re.search(r"const keys = \{(.*?)\n\};", source, re.DOTALL)
    assert written
    assert set(re.findall(r'^  "?(.)"?: ', written[1], re.MULTILINE)) <= listed


def test_one_key_makes_another_candidate_the_type_or_the_place(
    page: Page, site: Site, telling: str
) -> None:
    enter(page, site, "gabi")
    page.goto(f"/tips/{telling}")
    page.keyboard.press("m")
    offered = page.locator("#correct [data-pick]")
    values = [button.get_attribute("value") for button in offered.all()]
    places = [value for value in values if value and value.startswith("place:")]
    assert len(values) > len(places) >= 1, values
    at = values.index(places[0])
    page.keyboard.press(str(at + 1))
    page.wait_for_url("**?done=corrected")
    name = site.line.places.by_key(places[0].removeprefix("place:")).name
    assert name in page.locator("aside .facts").first.inner_text()
    assert not page.locator("#correct [value^='place:']").count()


def test_closing_and_undo_work_without_a_script(browser: Browser, site: Site, telling: str) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    enter(page, site, "gabi")
    page.goto(f"/tips/{telling}")
    page.locator("#hoax summary").click()
    page.check("#hoax [value='hoax:hoax_test']")
    page.click("#hoax button")
    assert state_of(site, telling) is State.CLOSED
    page.click("form[action='/undo'] button")
    assert "done=undone" in page.url
    assert state_of(site, telling) is State.WAITING
    context.close()


def test_what_was_closed_is_read_again_on_accessible_pages(
    page: Page, site: Site, telling: str
) -> None:
    site.clock.advance(90)
    paulo = Office.of(site.line)("gabi")
    paulo.get(f"/tips/{telling}")
    paulo.post(f"/tips/{telling}/close", reason="hoax:hoax_prank")
    draw(site.line)
    enter(page, site, "sofia")
    page.goto("/samples")
    sound(page, "samples")
    page.goto(f"/tips/{telling}")
    assert page.locator("#sample-title").is_visible()
    sound(page, "sample")


def test_forced_colours_and_paper_keep_what_matters(page: Page, site: Site) -> None:
    enter(page, site, "paulo")
    page.goto(f"/tips/{site.tip}")
    page.emulate_media(forced_colors="active")
    mark = page.locator("mark.doubt").first
    assert mark.evaluate("e => getComputedStyle(e).borderTopStyle") != "none"
    page.emulate_media(forced_colors="none", media="print", color_scheme="dark")
    assert page.locator(".told").first.is_visible()
    assert not page.locator(".decide").is_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(246, 248, 247)", "paper is never dark"


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


class EarDouble:
    """An engine that heard a telephone number and doubts a word."""

    def hear(self, sound: bytes, languages: object) -> Transcript:
        said = "Vendem drogas na padaria da esquina em Niterói. Telefone 21 97777-1234"
        return Transcript(said, Language.PT, 0.82, ("padaria",))


def test_what_a_machine_heard_stands_beside_the_tip(page: Page, site: Site) -> None:
    provider = RecordingProvider()
    facts = {"sid": "RE2", "tip": site.tip, "language": "pt"}
    site.line.outbox.add(site.line.envelope.errand("recording", bytes(15) + b"2", facts))
    log = Log(site.clock, public=False)
    EmbeddedJobs(runner(site.line, provider, log, EarDouble())).drain()
    enter(page, site, "paulo")
    page.goto(f"/tips/{site.tip}")
    heard = page.locator("section:has(button):has-text('padaria[?]')").last
    assert "82 %" in heard.inner_text()
    assert "97777" not in page.content()
    sound(page, "transcript")


def test_the_consoles_sheet_and_script_stay_small() -> None:
    static = Path(apps.__file__).parent / "static"
    assert (static / "console.css").stat().st_size <= 18 * 1024
    assert (static / "console.js").stat().st_size <= 8 * 1024


def confirmed(page: Page, site: Site, form: str) -> None:
    """Fills in what a special deed asks again, in an opened form."""
    site.clock.advance(31)
    page.fill(f"{form} [name=passphrase]", PASSPHRASE)
    page.fill(f"{form} [name=code]", SignIn(site.line).code("olga"))
    page.click(f"{form} button:not(.plain)")


@pytest.mark.parametrize("language", ["pt", "es", "en", "fr", "ht"])
def test_an_invitation_is_made_and_used(
    browser: Browser, page: Page, site: Site, language: str
) -> None:
    enter(page, site, "olga")
    page.goto("/officers")
    page.click("#invite summary")
    page.fill("#invite-name", f"rita {language}")
    page.check("#invite [value=operator]")
    page.select_option("#invite-language", language)
    sound(page, f"invite-{language}")
    confirmed(page, site, "#invite form")
    code = page.locator("code").inner_text()
    sound(page, f"invited-{language}")
    page.goto("/officers#invitations")
    sound(page, f"invitations-{language}")
    context = browser.new_context(viewport=WIDE, base_url=site.url)
    guest = context.new_page()
    guest.goto(f"/join?language={language}")
    sound(guest, f"join-{language}")
    guest.fill("#code", code.lower().replace("-", " "))
    guest.fill("#passphrase", "quatro telhas azuis no mar")
    guest.fill("#again", "quatro telhas azuis no monte")
    guest.click("button.main")
    assert guest.locator("[role=alert]").is_visible()
    sound(guest, f"join-refused-{language}")
    guest.fill("#passphrase", "quatro telhas azuis no mar")
    guest.fill("#again", "quatro telhas azuis no mar")
    guest.click("button.main")
    # The policy lets the picture be drawn, and it is large enough for a camera.
    assert guest.locator("svg.qr path.qrline").bounding_box()["width"] > 150
    sound(guest, f"joining-{language}")
    secret = re.findall("[A-Z2-7]{4}", guest.locator("code").inner_text())
    guest.fill("#code", pyotp.TOTP("".join(secret)).at(int(site.clock.seconds())))
    guest.click("button.main")
    guest.wait_for_url("**/sign-in?done=joined")
    assert guest.locator("[role=status]").is_visible()
    context.close()


def test_own_sessions_are_listed(page: Page, site: Site) -> None:
    Office.of(site.line)("gabi")
    enter(page, site, "gabi")
    page.goto("/sessions")
    assert page.locator(".rows li").count() >= 2
    sound(page, "sessions")
    page.click("button.main")
    assert page.locator(".rows li").count() == 1
