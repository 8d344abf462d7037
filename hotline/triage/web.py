"""Triage on the web: assembles the console's pages, each with its declared access."""

from __future__ import annotations

from flask import Blueprint

from hotline.assembly import StaffLine
from hotline.triage.pages import deeds, desk, door, inbox, officers, recordings, tip
from hotline.triage.pages.door import Console


def console(line: StaffLine) -> Console:
    """All pages of the desk, the agencies' inbox, supervisors and officers."""
    found = Console(line)
    for room in (door, desk, tip, deeds, recordings, inbox, officers):
        room.install(found)
    return found


def blueprint(line: StaffLine) -> Blueprint:
    """For the console app; its table of access is recorded as ``extensions["console_access"]``."""
    found = console(line)
    found.blueprint.record(
        lambda state: state.app.extensions.__setitem__("console_access", dict(found.access))
    )
    return found.blueprint
