"""Pages: an agency's inbox: what was sent to it, receipt, outcome."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.delivery import agencies
from hotline.tips import Language
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.words import named


def install(console: Console) -> None:
    line = console.line

    @console.page("/inbox", "agency")
    def inbox() -> str:
        return render_template(
            "agency/inbox.html",
            agency=agencies.inbox_of(line, who()),
            packages=agencies.inbox(line, who()),
            package_state=named(dict(agencies.STATE_NAMES)),
            today=line.clock.day(),
        )

    @console.page("/inbox/<package>", "agency")
    def package(package: str) -> str:
        opened = agencies.open_package(line, who(), read_id(package))
        return render_template(
            "agency/package.html",
            package=opened.row,
            document=opened.document,
            lang=Language(opened.document["language"]).tag,
            outcomes=agencies.OUTCOME_NAMES,
            package_state=named(dict(agencies.STATE_NAMES)),
        )

    @console.act("/inbox/<package>/receipt", "agency")
    def confirm(package: str) -> BaseResponse:
        agencies.confirm(line, who(), read_id(package))
        return redirect(f"/inbox/{package}?done=confirmed", 303)

    @console.act("/inbox/<package>/outcome", "agency")
    def outcome(package: str) -> BaseResponse:
        agencies.record_outcome(line, who(), read_id(package), request.form.get("outcome", ""))
        return redirect(f"/inbox/{package}?done=outcome", 303)
