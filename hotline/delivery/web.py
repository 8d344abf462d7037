"""Delivery on the web: the public's page of the ledger. It serves files that others wrote."""

from __future__ import annotations

import re

from flask import Blueprint, Response, g, render_template, request

from hotline.assembly import PublicLine
from hotline.errors import HotlineError
from hotline.tips import Language
from hotline.triage.statements import FIGURES, KEY, folder, kept
from hotline.web.i18n import N_, negotiate

_FILE = re.compile(r"\d{4}-\d{2}\.txt|key")
_SHOWN = 24  # months


class NoStatement(HotlineError):
    """No such month was stated."""

    code = "no_statement"
    status = 404
    message = N_("There is no page here.")
    hint = N_("Check the address.")


def blueprint(line: PublicLine) -> Blueprint:
    """``/ledger``, and the signed texts under it. No cookie, no script, nothing of the visitor."""
    web = Blueprint("ledger", __name__)

    @web.get("/ledger")
    def ledger() -> str:
        asked = Language.parse(request.args.get("language"))
        g.language = asked or negotiate(line.profile.languages[0])
        there = kept(line.settings)[-_SHOWN:]
        rows = [(month, _figures(note)) for month, note in reversed(there)]
        return render_template("public/ledger.html", rows=rows, tongues=tuple(Language))

    @web.get("/ledger/<name>")
    def text(name: str) -> Response:
        path = folder(line.settings) / (KEY if name == KEY else name)
        if not _FILE.fullmatch(name) or not path.is_file():
            raise NoStatement
        return Response(path.read_bytes(), content_type="text/plain; charset=utf-8")

    return web


def _figures(note: str) -> list[str]:
    """As they stand in the text: who doubts it checks the signature."""
    said = dict(line.split(" ", 1) for line in note.split("\n") if line.count(" ") == 1)
    return [said.get(name, "") for name in FIGURES]
