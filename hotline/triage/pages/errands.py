"""Pages: errands that were given up: what they were for, why they failed and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.lanes import lane_of
from hotline.triage.pages.door import Console, who
from hotline.web.i18n import N_

LANE_NAMES = {
    "urgent": N_("Telling people of danger"),
    "deliver": N_("Delivering to an agency"),
    "erase": N_("Deleting at the telephone provider"),
    "recordings": N_("Fetching recordings and files"),
    "other": N_("Work inside the line"),
}
AWAY = N_("The other side did not answer. Check the connection, then try again.")
REFUSED = N_("The other side did not accept our password or signature. Correct it, then try again.")
ANSWERED = N_("The other side answered with an error. Ask them, then try again.")
OURS = N_("The program could not do it. Tell whoever runs the servers; trying again does no harm.")
_PROBLEMS = {
    **dict.fromkeys(("unreachable", "timeout", "busy", "provider_busy"), AWAY),
    **dict.fromkeys(("provider_20003", "http_401", "http_403", "forged"), REFUSED),
}


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Errands of one kind that failed of one problem. ``day``: since when; empty: unknown."""

    kind: str
    problem: str
    count: int
    day: str

    @property
    def lane(self) -> str:
        return LANE_NAMES[lane_of(self.kind)]

    @property
    def advice(self) -> str:
        answered = self.problem.startswith(("provider_", "http_"))
        return _PROBLEMS.get(self.problem, ANSWERED if answered else OURS)


def install(console: Console) -> None:
    line = console.line

    @console.page("/errands", "officer", "supervisor")
    def errands() -> str:
        found = [
            GivenUp(
                kind,
                problem,
                count,
                datetime.fromtimestamp(oldest, UTC).date().isoformat() if oldest else "",
            )
            for kind, problem, count, oldest in line.outbox.given_up()
        ]
        return render_template("console/errands.html", found=found)

    @console.act("/errands/retry", "officer", "supervisor")
    def retry_errands() -> BaseResponse:
        """With a kind, what failed of this problem; without, everything."""
        form = request.form
        count = line.outbox.retry_all(form.get("kind", ""), form.get("problem", ""))
        if count:  # or a colleague was faster
            line.audit.note("errands_retried", by=who().person.id.hex(), count=str(count))
        return redirect("/errands?done=retried", 303)
