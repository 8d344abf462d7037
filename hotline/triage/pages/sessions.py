"""Pages: a person's own sessions: seen and ended. Neither addresses nor devices are known."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import NotAllowed
from hotline.triage.pages.door import SIGNED_IN, Console, who


def install(console: Console) -> None:
    access = console.line.access

    @console.page("/sessions", SIGNED_IN)
    def sessions() -> str:
        return render_template(
            "console/sessions.html", sessions=access.sessions(who()), here=who().cookie.id
        )

    @console.act("/sessions/end", SIGNED_IN)
    def end_session() -> BaseResponse:
        try:
            identity = bytes.fromhex(request.form.get("session", ""))
        except ValueError:
            raise NotAllowed from None
        access.end_session(who(), identity)
        return redirect("/sessions?done=sessions_ended", 303)

    @console.act("/sessions/end-others", SIGNED_IN)
    def end_others() -> BaseResponse:
        access.end_others(who())
        return redirect("/sessions?done=sessions_ended", 303)
