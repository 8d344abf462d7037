"""Analysts' pages: frozen releases and nothing else. No tip, no key, no database of tips here."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request

from hotline.routing.profile import Profile
from hotline.settings import Settings
from hotline.tips import Language
from hotline.web.i18n import negotiate


def blueprint(settings: Settings) -> Blueprint:
    """``GET /``: the months that were released. Releases are files of ``home/releases``, written
    once by the release process."""
    pages = Blueprint("analyst", __name__)
    folder = settings.home / "releases"
    default = Profile.load(settings.jurisdiction).languages[0]

    @pages.before_request
    def _language() -> None:
        g.language = Language.parse(request.args.get("language")) or negotiate(default)

    @pages.get("/")
    def releases() -> str:
        months = sorted((path.stem for path in folder.glob("????-??.json")), reverse=True)
        return render_template("analyst/releases.html", months=months)

    return pages
