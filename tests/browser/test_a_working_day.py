"""A working day: two operators and a supervisor with 200 invented tips, everything by keyboard.

The server's clock and the browsers' clocks stand still until the story moves them: leases and
deadlines pass when it says so, not when the machine is slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response

from hotline.assembly import StaffLine, assemble_public, assemble_staff
from hotline.demo import PASSPHRASE
from hotline.jobs.escalation import raise_late
from hotline.store.deadlines import Deadlines
from hotline.store.tips import Listed
from hotline.synthetic import contacts
from hotline.tips import Channel, Contact, Language, Priority, State, queue_kind
from hotline.triage.access import membership
from hotline.triage.approvals import Deed
from hotline.triage.audit import balanced, ledger
from hotline.triage.claims import LEASE_SECONDS
from hotline.vault.envelope import queue_recipient
from hotline.web import apps
from tests.browser.keyboard import (
    choose,
    done,
    focused,
    follow,
    load,
    open_row,
    press_until,
    pull,
    tab_to,
    tip_of,
    to_desk,
)
from tests.browser.test_console_pages import DRUGS, WIDE, serve
from tests.conftest import MovableClock
from tests.desk import leave
from tests.line import SignIn, copy_line

pytestmark = pytest.mark.browser

TIPS = 200
PULLS = 4  # rounds in which both ask for their next tip in the same moment
DECISIONS = 40
TYPED = "Em que dias da semana acontece isso?"
PATIENCE = 60_000  # milliseconds: two slow cores
GBV, CHILDREN = "gbv:BR-RJ", "children:BR-RJ"


@dataclass(slots=True)
class Day:
    """The console on its port. ``doubtful`` is a tip with words in doubt, the oldest of its kind;
    ``refused`` is what the server answered with an error."""

    line: StaffLine
    clock: MovableClock
    url: str
    doubtful: str
    refused: list[tuple[int, str]] = field(default_factory=list)

    def row(self, tip: str) -> Listed:
        row = self.line.tips.one(bytes.fromhex(tip))
        assert row is not None
        return row

    def state(self, tip: str) -> State:
        return self.row(tip).state

    def holder(self, tip: str) -> str:
        claim = self.line.desk.claims(int(self.clock.seconds())).get(bytes.fromhex(tip))
        person = self.line.access.people.get(claim.person) if claim else None
        return person.name if person else ""

    def waiting(self) -> list[Listed]:
        return self.line.tips.queue(list(self.line.profile.queues), [State.WAITING], most=TIPS)

    def first_due(self, priority: Priority) -> int:
        return min(row.due_at for row in self.waiting() if row.priority is priority)

    def late(self) -> set[Priority]:
        """Priorities of waiting tips that are past their deadline."""
        return {row.priority for row in self.waiting() if row.due_at <= self.clock.seconds()}


@pytest.fixture
def day(founded_home: Path, tmp_path: Path) -> Iterator[Day]:
    home = tmp_path / "home"
    home.mkdir()
    settings = copy_line(founded_home, home, f"sqlite:///{home / 'hotline.db'}")
    clock = MovableClock()
    # A browser keeps __Host- cookies for https only.
    settings = replace(settings, public_url="http://127.0.0.1:8000")
    staff = assemble_staff(settings, clock)
    give(staff, "paulo", GBV)
    url, server = serve(apps.console_app(staff))
    yield Day(staff, clock, url, "")
    server.shutdown()
    server.server_close()
    staff.close()


def give(line: StaffLine, name: str, queue: str) -> None:
    """Two officers give somebody the keys of a special queue; a certificate they do not give."""
    access, wanted = line.access, queue_recipient(queue)
    person, otavio = access.people.named(name), access.people.named("otavio")
    assert person is not None and otavio is not None
    olga, facts = SignIn(line)("olga"), membership(person, wanted)
    asked = access.approvals.ask(olga.person.id, Deed.OPEN_QUEUE, facts, "new_member")
    access.approvals.approve(otavio.id, asked.id)
    access.grant((olga.person.id, olga.seed), person, wanted)


def tell(day: Day) -> None:
    """The tips, through the real pipeline; the one in doubt a minute before the others."""
    public = assemble_public(day.line.settings, day.clock, pool=0)
    public.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT))
    (row,) = day.waiting()
    day.doubtful = row.id.hex()
    day.clock.advance(60)
    for contact in contacts(TIPS - 1, "BR"):
        public.pipeline.receive(contact)
    public.close()


def sit_down(browser: Browser, day: Day, name: str) -> Page:
    """Somebody signs in, in a browser of their own whose timers stand still."""
    context = browser.new_context(viewport=WIDE, base_url=day.url, locale="pt-BR")
    context.set_default_timeout(PATIENCE)
    context.clock.install()
    context.on("response", lambda answer: notice(day, answer))
    page = context.new_page()
    page.goto("/sign-in")
    tab_to(page, "#name")
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Tab")
    page.keyboard.type(SignIn(day.line).code(name))
    load(page, "Enter")
    assert "sign-in" not in page.url
    page.clock.pause_at("2100-01-01")
    return page


def notice(day: Day, answer: Response) -> None:
    if answer.status >= 400 and not answer.url.endswith("favicon.ico"):
        day.refused.append((answer.status, answer.url.removeprefix(day.url)))


def spend(day: Day, seconds: float, pages: list[Page]) -> None:
    """Time goes by in two steps, and nobody's session ends: each looks at their desk."""
    for _ in range(2):
        day.clock.advance(seconds / 2)
        for page in pages:
            to_desk(page)


def open_listed(page: Page, day: Day, tip: str) -> None:
    """From any page to a tip: the list, its filter, the row."""
    priority = day.row(tip).priority.value
    follow(page, "nav a[href='/tips']")
    page.keyboard.press("/")
    assert focused(page, "#f-queue")
    tab_to(page, "#f-priority")
    press_until(page, "ArrowDown", f"#f-priority:has(option[value='{priority}']:checked)", 6)
    follow(page, ".filter button")
    open_row(page, f"/tips/{tip}")


def test_a_working_day_of_two_operators_and_a_supervisor(
    browser: Browser, day: Day, tmp_path: Path
) -> None:
    paulo, gabi, sofia = (sit_down(browser, day, name) for name in ("paulo", "gabi", "sofia"))
    tell(day)
    pull_by_turns(day, paulo, gabi)
    gbv = nobody_reads_without_a_certificate(day, paulo, gabi)
    held = collide(day, paulo, gabi, tmp_path)
    run_out(day, held, (paulo, gabi, sofia), tmp_path)
    a_child_needs_two(day, gabi, sofia, tmp_path)
    doubts_come_first(day, paulo, tmp_path)
    come_late(day, [paulo, gabi, sofia], tmp_path)
    work_on(day, paulo, gabi)
    assert day.refused == [(404, f"/tips/{gbv}"), (409, f"/tips/{held}/ask")]
    leave(day.line)
    assert not day.line.outbox.pending("notify")
    figures = ledger(day.line)
    assert figures["received"] == TIPS and balanced(figures), figures
    assert figures["forwarded"] + figures["closed"] >= DECISIONS
    for page in (paulo, gabi, sofia):
        page.context.close()


def pull_by_turns(day: Day, paulo: Page, gabi: Page) -> None:
    pages = [paulo, gabi]
    for page in pages:
        to_desk(page)
    given: set[str] = set()
    for _ in range(PULLS):
        one, other = pull(pages)
        assert one != other and not given & {one, other}
        given |= {one, other}
        assert (day.holder(one), day.holder(other)) == ("paulo", "gabi")
        assert not queue_kind(day.row(one).queue).special
        choose(pages, ["d1", "d1"])
        assert {day.state(one), day.state(other)} == {State.FORWARDED}


def special(day: Day, queue: str) -> str:
    row = day.line.tips.queue([queue], [State.WAITING])[0]
    return row.id.hex()


def nobody_reads_without_a_certificate(day: Day, paulo: Page, gabi: Page) -> str:
    """Paulo has the keys of the desk, and no certificate."""
    tip = special(day, GBV)
    assert paulo.locator("tr.shut").count() == 1
    assert paulo.locator("[data-row][href*='gbv']").count() == 0
    paulo.goto(f"/tips/{tip}")
    assert paulo.locator(".told").count() == 0
    follow(paulo, "main a.button")
    open_listed(gabi, day, tip)
    assert gabi.locator(".told").first.inner_text().strip()
    load(gabi, "c")
    choose([gabi], ["d1"])
    assert day.state(tip) is State.FORWARDED
    return tip


def collide(day: Day, paulo: Page, gabi: Page, shots: Path) -> str:
    """Gabi comes to the tip in which paulo is writing: she sees it, and decides nothing."""
    (tip,) = pull([paulo])
    paulo.keyboard.press("a")
    with paulo.expect_response("**/heartbeat"):
        paulo.keyboard.type(TYPED)
    open_listed(gabi, day, tip)
    assert "paulo" in gabi.locator(".lease .warn").inner_text()
    assert "paulo" in gabi.locator("[data-presence] .warn").inner_text()
    assert gabi.locator(".decide form, [data-take]").count() == 0
    gabi.screenshot(path=shots / "collision.png")
    before = gabi.url
    for key in "cd1v1":
        gabi.keyboard.press(key)
    assert (gabi.url, day.state(tip), day.holder(tip)) == (before, State.WAITING, "paulo")
    return tip


def run_out(day: Day, tip: str, pages: tuple[Page, Page, Page], shots: Path) -> None:
    """Paulo's lease runs out while he is busy in another tab; gabi takes the tip; his question
    comes late, and he has his words back."""
    paulo, gabi, sofia = pages
    elsewhere = paulo.context.new_page()
    elsewhere.goto("/desk")
    spend(day, LEASE_SECONDS + 2, [elsewhere, gabi, sofia])
    elsewhere.close()
    assert day.holder(tip) == ""
    open_listed(gabi, day, tip)
    load(gabi, "c")
    assert day.holder(tip) == "gabi"
    follow(paulo, "#ask button.main")
    assert paulo.input_value("#typed-1") == TYPED
    paulo.screenshot(path=shots / "conflict.png")
    follow(paulo, "form[action$='/again'] button")
    assert paulo.input_value("#carried-1") == TYPED
    assert "gabi" in paulo.locator(".lease .warn").inner_text()
    assert paulo.locator(".decide form").count() == 0
    choose([gabi], ["d1"])
    assert day.state(tip) is State.FORWARDED


def a_child_needs_two(day: Day, gabi: Page, sofia: Page, shots: Path) -> None:
    tip = special(day, CHILDREN)
    queue = "/tips?queue=children%3ABR-RJ"
    open_row(gabi, queue)
    open_row(gabi, f"/tips/{tip}")
    load(gabi, "c")
    choose([gabi], ["v1"])
    assert (done(gabi), day.state(tip)) == ("close_requested", State.WAITING)
    open_row(gabi, queue)
    open_row(gabi, f"/tips/{tip}")
    assert gabi.locator("#second-title").is_visible()
    assert gabi.locator("form[action$='/close']").count() == 0
    to_desk(sofia)
    open_row(sofia, queue)
    open_row(sofia, f"/tips/{tip}")
    assert "gabi" in sofia.locator("section.ask", has=sofia.locator("#second-title")).inner_text()
    sofia.screenshot(path=shots / "second.png")
    follow(sofia, "form[action$='/close'] button")
    assert (done(sofia), day.state(tip)) == ("closed", State.CLOSED)


def doubts_come_first(day: Day, paulo: Page, shots: Path) -> None:
    """One key shows the words, one removes them, two forward, one undoes, two do it again."""
    tip = day.doubtful
    open_listed(paulo, day, tip)
    load(paulo, "c")
    for key in "d1":
        paulo.keyboard.press(key)
    assert day.state(tip) is State.WAITING and paulo.locator(".verdict").count() == 1
    assert "98765" not in paulo.content()
    load(paulo, "s")
    assert "98765-4321" in paulo.content()
    paulo.screenshot(path=shots / "doubt.png")
    load(paulo, "x")
    assert done(paulo) == "decided" and "98765" not in paulo.content()
    before = day.row(tip)
    choose([paulo], ["d1"])
    assert (done(paulo), day.state(tip)) == ("forwarded", State.FORWARDED)
    assert day.line.desk.packages_of(bytes.fromhex(tip))
    load(paulo, "z")
    assert done(paulo) == "undone" and tip_of(paulo) == tip and day.holder(tip) == "paulo"
    after = day.row(tip)
    assert (after.state, after.queue, after.due_at) == (before.state, before.queue, before.due_at)
    assert not day.line.desk.packages_of(bytes.fromhex(tip))
    choose([paulo], ["d1"])
    assert day.state(tip) is State.FORWARDED


def come_late(day: Day, pages: list[Page], shots: Path) -> None:
    """A P1 passes its deadline and nobody looks: the job raises it, sofia's pages say so."""
    sofia = pages[-1]
    assert Priority.P1 not in day.late()
    raise_late(day.line)
    told = banner(sofia)
    assert raise_late(day.line) == 0
    spend(day, day.first_due(Priority.P1) - day.clock.seconds() + 1, pages)
    assert Priority.P1 in day.late()
    assert Deadlines(day.line.database).unattended(int(day.clock.seconds()), [Priority.P1])
    rung = len(day.line.outbox.pending("late"))
    assert raise_late(day.line) > 0
    assert len(day.line.outbox.pending("late")) == rung + 1
    assert banner(sofia) > told
    sofia.screenshot(path=shots / "late.png")


def banner(sofia: Page) -> int:
    """How many tips are late, as the supervisor's page says; 0 without a banner."""
    to_desk(sofia)
    found = sofia.locator(".banner a[href='/board']")
    digits = "".join(c for c in found.inner_text().partition(".")[0] if c.isdigit())
    return int(digits)


def work_on(day: Day, paulo: Page, gabi: Page) -> None:
    """Both go through what is left, two keys a tip; each third is closed, where one may."""
    pages = [paulo, gabi]
    to_desk(gabi)
    for turn in range(DECISIONS // 2):
        tips = pull(pages)
        assert len(set(tips)) == 2 and not queue_kind(day.row(tips[0]).queue).special
        alone = [page.locator("#not_actionable .warn").count() == 0 for page in pages]
        keys = ["v1" if turn % 3 == 2 and one else "d1" for one in alone]
        choose(pages, keys)
        wanted = [State.CLOSED if key == "v1" else State.FORWARDED for key in keys]
        assert [day.state(tip) for tip in tips] == wanted
