"""Pages: on a training line only: what was decided and what expected, for trainee and trainer."""

from __future__ import annotations

from flask import render_template

from hotline.triage.lessons import Lesson, decided, summary
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.words import named
from hotline.web.i18n import N_

DECISION_NAMES = {
    "forwarded": N_("forwarded"),
    "closed": N_("closed"),
    "close_requested": N_("Asked to close"),
    "asked": N_("asked the reporter"),
    "rerouted": N_("sent to another desk"),
}
WHY = {
    "facts": N_("It says what happens and where: an agency can act on it."),
    "nothing": N_("It tells of nothing that happened."),
    "no_place": N_("Nobody can act without a place. Ask the reporter first."),
    "no_crime": N_("It is a complaint about a service and no crime."),
}


def install(console: Console) -> None:
    line = console.line
    if not line.settings.training:
        return

    def last_lesson() -> Lesson | None:
        """What the reader decided last."""
        found = decided(line.settings.home, line.audit, who().person)
        return found[-1] if found else None

    shown = {"last_lesson": last_lesson, "decision_name": named(DECISION_NAMES)}
    console.blueprint.context_processor(lambda: {**shown, "why_name": named(WHY)})

    @console.page("/training", "operator", "supervisor", "trainer", "officer", name="training")
    def page() -> str:
        me, home = who(), line.settings.home
        everybody = me.has("trainer", "officer")
        people = [p for p in line.access.people.all() if everybody or p.id == me.person.id]
        rows = [(person, decided(home, line.audit, person)) for person in people]
        return render_template(
            "console/training.html",
            rows=[(p, found, summary(found)) for p, found in rows if found or p.id == me.person.id],
        )
