"""Pages: one's own passphrase, changed by whoever still knows the old one."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import HotlineError
from hotline.triage.pages.door import SIGNED_IN, Console, who
from hotline.triage.procedures import change_passphrase


def install(console: Console) -> None:
    line = console.line

    def show(problem: HotlineError | None = None) -> tuple[str, int]:
        page = render_template("console/passphrase.html", problem=problem)
        return page, problem.status if problem else 200

    @console.page("/passphrase", SIGNED_IN)
    def passphrase_page() -> tuple[str, int]:
        return show()

    @console.act("/passphrase", SIGNED_IN)
    def passphrase() -> BaseResponse | tuple[str, int]:
        form = request.form
        try:
            console.confirm()
            change_passphrase(line, who(), form.get("new", ""), form.get("again", ""))
        except HotlineError as problem:
            return show(problem)
        return redirect("/sessions?done=passphrase", 303)
