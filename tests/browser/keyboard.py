"""Keyboard: hands at the console. What loads a page is waited for; nothing waits for time."""

from __future__ import annotations

from contextlib import ExitStack

from playwright.sync_api import Page


def load(page: Page, key: str) -> None:
    """A key that brings another page."""
    with page.expect_navigation():
        page.keyboard.press(key)


def together(pages: list[Page], keys: list[str]) -> None:
    """A key each, pressed before any of the answers is there."""
    with ExitStack() as answers:
        for page in pages:
            answers.enter_context(page.expect_navigation())
        for page, key in zip(pages, keys, strict=True):
            page.keyboard.press(key)


def focused(page: Page, selector: str) -> bool:
    return bool(page.evaluate("s => document.activeElement.matches(s)", selector))


def press_until(page: Page, key: str, selector: str, most: int = 120) -> None:
    for _ in range(most):
        if focused(page, selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} does not come to {selector} on {page.url}")


def tab_to(page: Page, selector: str) -> None:
    press_until(page, "Tab", selector)


def follow(page: Page, selector: str) -> None:
    """Tab to a link or a button, and Enter."""
    tab_to(page, selector)
    load(page, "Enter")


def to_desk(page: Page) -> None:
    follow(page, "nav a[href='/desk']")


def open_row(page: Page, address: str) -> None:
    press_until(page, "j", f"[data-row][href='{address}']")
    load(page, "o")


def tip_of(page: Page) -> str:
    path = page.url.partition("/tips/")[2]
    assert path, page.url
    return path[:32]


def done(page: Page) -> str:
    return page.url.partition("done=")[2]


def pull(pages: list[Page]) -> list[str]:
    """Everybody asks for their next tip in the same moment. Words in doubt go first."""
    together(pages, ["o"] * len(pages))
    for page in pages:
        while page.locator(".verdict").count():
            load(page, "x")
    return [tip_of(page) for page in pages]


def choose(pages: list[Page], keys: list[str]) -> None:
    """Two keys decide: a list each, then what is chosen in it."""
    for page, (letter, _) in zip(pages, keys, strict=True):
        page.keyboard.press(letter)
        assert focused(page, "[data-pick]"), page.url
    together(pages, [digit for _, digit in keys])
