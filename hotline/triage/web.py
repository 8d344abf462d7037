"""Triage on the web: assembles the console's pages, each with its declared access."""

from __future__ import annotations

from flask import Blueprint

from hotline.assembly import StaffLine
from hotline.triage.pages import (
    account,
    alarms,
    attachments,
    audit,
    bulk,
    calls,
    certificates,
    deeds,
    desk,
    door,
    ending,
    errands,
    handover,
    inbox,
    invitations,
    joining,
    lists,
    live,
    officers,
    presence,
    recordings,
    requests,
    samples,
    sessions,
    similar,
    speaking,
    tip,
    training,
    undoing,
    wellbeing,
)
from hotline.triage.pages.door import Console


def console(line: StaffLine) -> Console:
    """All pages of the desk, the agencies' inbox, supervisors and officers."""
    found = Console(line)
    queue = (desk, lists, bulk, handover, presence)
    one = (tip, deeds, undoing, similar, speaking, ending, recordings, attachments)
    people = (wellbeing, training, officers, errands, certificates, invitations, requests)
    reading = (*queue, *one, samples, calls, live, inbox)
    for room in (door, joining, sessions, account, *reading, *people, alarms, audit):
        room.install(found)
    return found


def blueprint(line: StaffLine) -> Blueprint:
    """For the console app; its table of access is recorded as ``extensions["console_access"]``."""
    found = console(line)
    found.blueprint.record(
        lambda state: state.app.extensions.__setitem__("console_access", dict(found.access))
    )
    return found.blueprint
