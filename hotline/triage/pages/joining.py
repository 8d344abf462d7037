"""Pages: the way in for somebody who was invited: a code, a passphrase, an authenticator."""

from __future__ import annotations

import segno
from flask import g, redirect, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import HotlineError
from hotline.triage.invitations import InvitationRefused, Joining, NameTaken
from hotline.triage.pages.door import ANYONE, Console

Page = tuple[str, int]


def install(console: Console) -> None:
    invitations = console.invitations

    def ask(problem: HotlineError | None = None, code: str = "") -> Page:
        page = render_template("console/join.html", problem=problem, typed=code[:60])
        return page, problem.status if problem else 200

    def show(joining: Joining, problem: HotlineError | None = None) -> Page:
        g.language = joining.language
        page = render_template(
            "console/joining.html", joining=joining, picture=picture(joining), problem=problem
        )
        return page, problem.status if problem else 200

    @console.page("/join", ANYONE)
    def join_page() -> Page:
        return ask()

    @console.act("/join", ANYONE)
    def join() -> Page:
        """The page that answers holds secret and ticket: they are kept nowhere else in clear."""
        form = request.form
        code = form.get("code", "")
        try:
            joining = invitations.begin(code, form.get("passphrase", ""), form.get("again", ""))
        except HotlineError as problem:
            return ask(problem, code)
        return show(joining)

    @console.act("/join/code", ANYONE)
    def first_code() -> BaseResponse | Page:
        ticket = request.form.get("ticket", "")
        try:
            invitations.finish(ticket, request.form.get("code", ""))
        except (InvitationRefused, NameTaken) as problem:
            return ask(problem)
        except HotlineError as problem:
            return show(invitations.shown(ticket), problem)
        return redirect("/sign-in?done=joined", 303)


def picture(joining: Joining) -> Markup:
    """The authenticator's address as a QR code: SVG in the page itself, which the policy of the
    headers allows, and no address leads to it. It consists of numbers alone."""
    drawn = segno.make(joining.address, error="m")
    inline = drawn.svg_inline(omitsize=True, light="#fff", svgclass="qr")
    return Markup(inline)  # noqa: S704 # nosec B704 - numbers alone
