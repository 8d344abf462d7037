"""Pages: what bodies owe an answer for, and how they answer."""

from __future__ import annotations

from flask import render_template

from hotline.delivery import scorecard
from hotline.delivery.outcomes import OUTCOME_NAMES
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.words import named
from hotline.web.i18n import N_

OWED_NAMES = {
    "confirm": N_("receipt not confirmed"),
    "first": N_("no answer yet"),
    "final": N_("no outcome yet"),
}
SAID_NAMES = {**OUTCOME_NAMES, "transferred": N_("Passed on to another body")}


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
        return render_template(
            "console/scorecard.html",
            cards=scorecard.cards(line, queues, agency),
            agency=agency,
            said_name=named(SAID_NAMES),
        )
