"""The form for live calls in a browser: marks while typing, keys alone, and without a script."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from hotline.tips import Language
from hotline.web.i18n import say
from tests.browser.test_console_pages import Site, enter, focused, page, site, sound, waiting
from tests.calls import PHONE, SPANISH

__all__ = ["page", "site"]
pytestmark = pytest.mark.browser
BEATEN = f"Un hombre le pega a su mujer todas las noches. Mi número es {PHONE}."


def speak(page: Page, site: Site, name: str, language: str) -> None:
    enter(page, site, name)
    page.click(f"button[name=language][value={language}]")
    page.goto("/calls/new")
    page.click("button[name=spoken][value=es]")
    page.wait_for_selector("button[name=spoken][value=es][aria-current]")


@pytest.mark.parametrize(("name", "language"), [("paulo", "pt"), ("gabi", "ht")])
def test_marks_and_questions_follow_the_words_while_somebody_types(
    page: Page, site: Site, name: str, language: str
) -> None:
    before = waiting(site.line)
    speak(page, site, name, language)
    sound(page, f"call-empty-{language}")
    page.focus("#what")
    page.keyboard.type(BEATEN)
    page.wait_for_selector("mark.gone")
    assert page.locator("mark.gone .words").inner_text() == PHONE
    assert focused(page) == "what" and page.input_value("#what") == BEATEN
    page.check("#detail-gbv-safe")
    page.wait_for_selector("[name=detail-gbv-danger]")
    assert focused(page) == "detail-gbv-safe", "new questions never take the keys away"
    page.fill("#where", "Santa Rita")
    page.wait_for_selector("#municipality")
    sound(page, f"call-typed-{language}")
    assert waiting(site.line) == before
    page.check("#urgency")
    page.fill("#where", "Niterói, RJ")
    page.wait_for_selector("#municipality", state="detached")
    page.click("button.big")
    page.wait_for_selector(".digits")
    assert page.locator(".digits li").count() == 5
    sound(page, f"call-receipt-{language}")
    assert len(waiting(site.line) - before) == 1
    page.click("button[name=language][value=pt]")


def test_a_call_is_taken_with_keys_alone(page: Page, site: Site) -> None:
    before = waiting(site.line)
    enter(page, site, "paulo")
    page.goto("/desk")
    page.keyboard.press("t")
    page.wait_for_url("**/calls/new")
    page.focus("#where")
    page.keyboard.type("Niterói, RJ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/new#sum")
    assert page.input_value("#where") == "Niterói, RJ" and waiting(site.line) == before
    page.focus("#what")
    page.keyboard.type("Venda de drogas na praça, toda noite")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "send":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".digits")
    assert len(waiting(site.line) - before) == 1


def test_the_letter_for_a_new_call_can_be_switched_off(page: Page, site: Site) -> None:
    enter(page, site, "tereza")
    page.goto("/desk")
    page.locator("#keys summary").click()
    page.click("button[name=shortcuts]")
    page.wait_for_load_state()
    page.keyboard.press("t")
    page.wait_for_timeout(300)
    assert page.url.endswith("/desk")
    assert page.locator("[data-call][aria-keyshortcuts]").count() == 0


def test_marks_that_could_not_be_refreshed_say_so(page: Page, site: Site) -> None:
    speak(page, site, "paulo", "pt")
    page.route("**/calls/marks", lambda route: route.abort())
    page.fill("#what", SPANISH)
    page.wait_for_selector("[data-stale]:visible")
    page.unroute("**/calls/marks")
    page.fill("#what", SPANISH + " ")
    page.wait_for_selector("mark.gone")
    assert not page.locator("[data-stale]").is_visible()
    page.click("form[action='/calls/restart'] button")
    page.wait_for_selector("#what:empty")
    assert page.input_value("#what") == ""


def test_a_call_is_taken_without_a_script(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False, locale="pt-BR")
    page = context.new_page()
    speak(page, site, "paulo", "pt")
    page.fill("#what", SPANISH)
    page.click(".end button[value=check]")
    assert page.locator("mark.gone .words").inner_text() == PHONE
    assert say(Language.PT, "to be removed:") in page.locator("mark.gone small").inner_text()
    page.click("button.big")
    assert page.locator(".digits li").count() == 5
    context.close()
