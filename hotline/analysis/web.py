"""Analysts' site: frozen releases and nothing else. No tip, no key, no database of tips here."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from flask import Blueprint

from hotline.analysts import codebook, comparison, door, drawing, pages, quality
from hotline.analysts.access import Accounts
from hotline.analysts.drawn import Drawn
from hotline.analysts.source import Source
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions
from hotline.settings import Settings


def blueprint(
    settings: Settings, source: Source | None = None, clock: Clock | None = None
) -> Blueprint:
    """Releases are files of ``home/releases``, written once by the release process; the accounts
    of analysts lie beside them."""
    folder = settings.home / "releases"
    source, profile = source or Drawn(folder), _profile(settings)
    accounts = Accounts(folder, clock or Clock())
    entry = door.Door(settings, accounts, profile.languages[0])
    door.install(entry)
    pages.install(entry, source, folder)
    drawing.install(entry, source, folder)
    quality.install(entry, source, folder)
    comparison.install(entry, source, folder)
    codebook.install(entry, profile.country)
    return entry.blueprint


def _profile(settings: Settings) -> Profile:
    """Of the rules in force: an edit nobody activated must not keep these pages from starting.
    Of the profile in place where no rules are kept, or this process may not read them."""
    place: str | Path = settings.jurisdiction
    with suppress(HotlineError):
        place = Versions(settings.rules).active()[1]
    return Profile.load(place)
