"""The pages of alarms and of the audit in a browser: accessible at both widths."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from hotline.store.alarms import Alarm, Alarms
from hotline.triage.audit import sequence_and_sign
from tests.browser.test_console_pages import (  # noqa: F401 - fixtures
    NARROW,
    WIDE,
    Site,
    enter,
    page,
    site,
    sound,
)

pytestmark = pytest.mark.browser


def test_alarms_and_audit_are_accessible_at_both_widths(page: Page, site: Site, tmp_path) -> None:  # noqa: F811
    paulo = site.line.access.people.named("paulo").id
    alarm = Alarm(b"\x01" * 16, "canary", paulo, "2026-03-10", b"\x02" * 16)
    Alarms(site.line.database).ring(alarm, [])
    sequence_and_sign(site.line)
    enter(page, site, "olga")
    for path in ("/alarms", "/audit", "/plant", f"/tips/{site.tip}/readers", "/requests"):
        page.goto(path)
        sound(page, path)
        for name, view in (("wide", WIDE), ("narrow", NARROW)):
            page.set_viewport_size(view)
            page.screenshot(path=tmp_path / f"{path.strip('/').replace('/', '-')}-{name}.png")
