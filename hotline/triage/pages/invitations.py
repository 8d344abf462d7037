"""Pages: officers invite somebody; the code is on one page, once."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.errors import NotAllowed
from hotline.tips import Language
from hotline.triage.invitations import BadInvitation
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id


def install(console: Console) -> None:
    line, invitations = console.line, console.invitations

    @console.act("/officers/invite", "officer")
    def invite() -> str:
        """The page that answers holds the code itself: it is kept nowhere."""
        form = request.form
        console.confirm()
        agency = form.get("agency", "")
        if agency and agency not in line.profile.inboxes():
            raise BadInvitation
        code = invitations.invite(
            who().person,
            name := form.get("name", ""),
            form.getlist("role"),
            agency=agency,
            language=Language.parse(form.get("language")) or line.profile.languages[0],
        )
        return render_template(
            "console/invited.html", code=code, name=name, address=f"{request.url_root}join"
        )

    @console.act("/officers/invitations/<invitation>/agree", "officer", name="agree")
    def agree(invitation: str) -> BaseResponse:
        console.confirm()
        invitations.agree(who().person, read_id(invitation))
        return redirect("/officers?done=agreed", 303)

    @console.act("/officers/invitations/<invitation>/withdraw", "officer", name="withdraw_invite")
    def withdraw(invitation: str) -> BaseResponse:
        invitations.withdraw(who().person, read_id(invitation))
        return redirect("/officers?done=withdrawn", 303)

    @console.act("/officers/<person>/sessions", "officer")
    def end_sessions(person: str) -> BaseResponse:
        console.confirm()
        found = line.access.people.get(read_id(person))
        if found is None:
            raise NotAllowed
        line.access.end_sessions_of(who().person.id, found)
        return redirect("/officers?done=sessions_ended", 303)
