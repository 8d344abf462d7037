"""Pages: certificates: who has which until when; trainers and officers give and renew them."""

from __future__ import annotations

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.tips import QueueKind
from hotline.triage import certificates
from hotline.triage.certificates import VOUCHING
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id


def install(console: Console) -> None:
    line = console.line

    @console.page("/certificates", *VOUCHING, name="certificates")
    def page() -> str:
        rows = certificates.listing(line.access, line.clock.day())
        return render_template(
            "console/certificates.html",
            rows=rows,
            due=sum(len(certificates.due(held)) for _, held in rows),
            kinds=[kind for kind in QueueKind if kind.special],
        )

    @console.act("/certificates/<person>", *VOUCHING)
    def certify(person: str) -> BaseResponse:
        console.confirm()
        found, form = line.access.people.get(read_id(person)), request.form
        kind, until = form.get("kind", ""), form.get("until", "")
        certificates.certify(line.access, who().person, found, kind, until, line.clock.day())
        return redirect("/certificates?done=certified", 303)
