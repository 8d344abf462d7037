"""Pages of outcomes in a real browser: answers, passing on, what is owed and the score, sound at
every width, light and dark; passing on by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Page

from hotline.jobs.answering import raise_unanswered
from tests.browser.test_console_pages import Site, enter, page, site, sound  # noqa: F401 - fixtures

DAY = 86_400


def test_pages_of_outcomes_are_accessible(page: Page, site: Site) -> None:  # noqa: F811
    site.clock.advance(5 * DAY)
    raise_unanswered(site.line)
    enter(page, site, "samuel")
    page.goto("/inbox")
    assert page.locator("strong.late").count() >= 1
    sound(page, "inbox-reminded")
    page.goto(f"/inbox/{site.package}")
    page.select_option("#outcome", "needs_information")
    page.fill("#question", "A que horas?")
    page.click("form[action$='/outcome'] button")
    assert page.locator("q.told").inner_text() == "A que horas?"
    sound(page, "package-answered")
    page.goto("/scorecard")
    assert page.locator("tbody tr").count() == 1
    sound(page, "scorecard-own")
    enter(page, site, "sofia")
    page.goto("/overdue")
    assert page.locator("tbody a").count() >= 1
    sound(page, "overdue")
    page.goto("/scorecard")
    page.select_option("#month", "2026-03")
    page.click("form[action='/scorecard'] button")
    sound(page, "scorecard")
    tip = site.line.desk.package(bytes.fromhex(site.package)).tip.hex()
    page.goto(f"/tips/{tip}")
    assert page.locator("q.told").inner_text() == "A que horas?"
    sound(page, "tip-answered")


def test_a_report_is_passed_on_with_the_keyboard_alone(page: Page, site: Site) -> None:  # noqa: F811
    agency = site.line.access.people.named("samuel").agency
    (package,) = (p for p in site.line.desk.packages(agency) if p.tip == bytes.fromhex(site.filed))
    site.clock.advance(90)
    enter(page, site, "samuel")
    page.goto(f"/inbox/{package.id.hex()}/transfer")
    sound(page, "transfer")
    page.locator("#q").focus()
    page.keyboard.type("zzzz")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=zzzz")
    sound(page, "transfer-nobody")
    page.goto(f"/inbox/{package.id.hex()}/transfer?q=ministerio+publico+do+estado")
    page.locator("input[name=agency]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox?done=transferred")
    assert page.locator(".done").first.is_visible()
    sound(page, "inbox-transferred")
