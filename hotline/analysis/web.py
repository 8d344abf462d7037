"""Analysts' pages: frozen releases and nothing else. No tip, no key, no database of tips here."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from flask import Blueprint, g, render_template, request

from hotline.errors import HotlineError
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions
from hotline.settings import Settings
from hotline.tips import Language
from hotline.web.i18n import negotiate


def blueprint(settings: Settings) -> Blueprint:
    """``GET /``: the months that were released. Releases are files of ``home/releases``, written
    once by the release process."""
    pages = Blueprint("analyst", __name__)
    folder = settings.home / "releases"
    default = _first_language(settings)

    @pages.before_request
    def _language() -> None:
        g.language = Language.parse(request.args.get("language")) or negotiate(default)

    @pages.get("/")
    def releases() -> str:
        months = sorted((path.stem for path in folder.glob("????-??.json")), reverse=True)
        return render_template("analyst/releases.html", months=months)

    return pages


def _first_language(settings: Settings) -> Language:
    """Of the rules in force: an edit nobody activated must not keep these pages from starting.
    Of the profile in place where no rules are kept, or this process may not read them."""
    source: str | Path = settings.jurisdiction
    with suppress(HotlineError):
        source = Versions(settings.rules).active()[1]
    return Profile.load(source).languages[0]
