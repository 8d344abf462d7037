"""Clicks: what a click begins to load is loaded before a test looks at it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from playwright.sync_api import Locator, Page


@pytest.fixture(scope="session", autouse=True)
def clicks_wait() -> None:
    """Playwright's click returns when the new page's address is there and its text may not be:
    a test that then reads the text itself sees an empty page on a slow machine."""
    Page.click = _then(Page.click, lambda page: page)  # type: ignore[method-assign]
    Locator.click = _then(Locator.click, lambda found: found.page)  # type: ignore[method-assign]


def _then(click: Callable[..., None], page_of: Callable[[Any], Page]) -> Callable[..., None]:
    @wraps(click)
    def clicked(self: Any, *args: Any, **options: Any) -> None:
        page = page_of(self)
        click(self, *args, **options)
        page.wait_for_load_state()

    return clicked
