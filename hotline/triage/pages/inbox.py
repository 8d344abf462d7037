"""Pages: an agency's inbox: what was sent to it, receipt, outcome."""

from __future__ import annotations

from flask import Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.delivery import agencies, outcomes, scorecard
from hotline.delivery.scorecard import OWED_NAMES, SAID_NAMES
from hotline.intake.details import shown
from hotline.routing.answering import OPEN
from hotline.tips import Language
from hotline.triage.pages.attachments import jpeg, looked_at, number_of
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import Look, read_id
from hotline.triage.pages.words import named
from hotline.web.i18n import current


def install(console: Console) -> None:
    line = console.line
    paper(console)

    @console.page("/inbox", "agency")
    def inbox() -> str:
        packages = agencies.inbox(line, who())
        return render_template(
            "agency/inbox.html",
            agency=agencies.inbox_of(line, who()),
            packages=packages,
            owed=scorecard.owed(packages),
            owed_name=named(OWED_NAMES),
            package_state=named(dict(agencies.STATE_NAMES)),
            today=line.clock.day(),
            below=scorecard.below(line, agencies.inbox_of(line, who())),
        )

    def show(package: str, look: Look | None = None) -> str:
        if (row := agencies.held(line, who(), read_id(package))) is not None:
            states = named(dict(agencies.STATE_NAMES))
            answering = {"outcomes": outcomes.OUTCOME_NAMES, "bands": outcomes.BANDS}
            return render_template(
                "agency/sealed.html", package=row, package_state=states, **answering
            )
        opened = agencies.open_package(line, who(), read_id(package))
        return render_template(
            "agency/package.html",
            package=opened.row,
            document=opened.document,
            files=opened.files,
            there=agencies.still_there(line, opened),
            look=look,
            details=shown(
                opened.document.get("details", {}), opened.document.get("ticked", ()), current()
            ),
            lang=Language(opened.document["language"]).tag,
            outcomes=outcomes.OUTCOME_NAMES,
            bands=outcomes.BANDS,
            said=agencies.said(line, who(), opened.row),
            said_name=named(SAID_NAMES),
            open_states=OPEN,
            package_state=named(dict(agencies.STATE_NAMES)),
        )

    @console.page("/inbox/<package>", "agency")
    def package(package: str) -> str:
        return show(package)

    @console.act("/inbox/<package>/look", "agency", name="look-inside")
    def look(package: str) -> str:
        return show(package, looked_at())

    @console.page("/inbox/<package>/files/<file>/<page>", "agency")
    def package_picture(package: str, file: str, page: str) -> Response:
        data = agencies.look(line, who(), read_id(package), read_id(file), number_of(page))
        return jpeg(data)

    @console.act("/inbox/<package>/sealed", "agency", name="download-sealed")
    def download(package: str) -> Response:
        sealed = agencies.download(line, who(), read_id(package))
        response = Response(sealed, mimetype="application/octet-stream")
        name = f"report-{read_id(package).hex()[:8]}.sealed"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    @console.act("/inbox/<package>/receipt", "agency")
    def confirm(package: str) -> BaseResponse:
        agencies.confirm(line, who(), read_id(package))
        return redirect(f"/inbox/{package}?done=confirmed", 303)

    @console.act("/inbox/<package>/outcome", "agency")
    def outcome(package: str) -> BaseResponse:
        words = [request.form.get(name, "") for name in ("outcome", "band", "question")]
        agencies.record_outcome(line, who(), read_id(package), *words)
        return redirect(f"/inbox/{package}?done=outcome", 303)


def paper(console: Console) -> None:
    """A package as it is printed, files left out: those are looked at one by one."""
    line = console.line

    @console.page("/inbox/<package>/print", "agency", name="print-package")
    def to_print(package: str) -> str:
        opened = agencies.print_package(line, who(), read_id(package))
        document = opened.document
        told = shown(document.get("details", {}), document.get("ticked", ()), current())
        return render_template(
            "agency/print.html",
            package=opened.row,
            document=document,
            files=opened.files,
            details=told,
            lang=Language(document["language"]).tag,
            package_state=named(dict(agencies.STATE_NAMES)),
        )
