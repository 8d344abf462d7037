"""Pages: what bodies owe an answer for, how they answer, and passing a package on."""

from __future__ import annotations

import re

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.delivery import agencies, scorecard, transfer
from hotline.delivery.scorecard import OWED_NAMES, SAID_NAMES
from hotline.routing.retention import later
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.words import named


def install(console: Console) -> None:
    line = console.line

    @console.page("/overdue", "supervisor")
    def overdue() -> str:
        return render_template(
            "console/overdue.html",
            rows=scorecard.overdue(line, who()),
            most=scorecard.MOST_LISTED,
            owed_name=named(OWED_NAMES),
            terms=line.profile.answering,
        )

    @console.page("/scorecard", "supervisor", "officer", "agency")
    def score() -> str:
        queues, agency = scorecard.visible(line, who())
        asked = request.args.get("month", "")
        known = re.fullmatch(r"[0-9]{4}-[0-9]{2}", asked)
        month = "" if agency else asked if known else line.clock.month()
        return render_template(
            "console/scorecard.html",
            cards=scorecard.cards(line, queues, agency, month, month or "9999-12"),
            months=[later(line.clock.month(), -back) for back in range(scorecard.MONTHS)],
            month=month,
            agency=agency,
            owed_name=named({f"late_{what}": name for what, name in OWED_NAMES.items()}),
            said_name=named(SAID_NAMES),
        )

    @console.page("/inbox/<package>/transfer", "agency")
    def transfer_to(package: str) -> str:
        row = agencies.open_package(line, who(), read_id(package)).row
        wanted = request.args.get("q", "")[:80]
        found = transfer.receivers(line, wanted, row.agency)
        return render_template("agency/transfer.html", package=row, wanted=wanted, found=found)

    @console.act("/inbox/<package>/transfer", "agency", name="transfer")
    def pass_on(package: str) -> BaseResponse:
        transfer.transfer(line, who(), read_id(package), request.form.get("agency", ""))
        return redirect("/inbox?done=transferred", 303)
