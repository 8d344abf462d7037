"""Quality: the page on what is not known of the reports, how they came, and what bends them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import g, render_template, request

from hotline.analysis.meanings import PLACES, meaning
from hotline.analysts.door import ANYONE, Door
from hotline.analysts.measured import OUTCOMES, Measured, measured
from hotline.analysts.notes import KINDS, touching
from hotline.analysts.source import Source
from hotline.analysts.written import WRITERS, gaps, period
from hotline.errors import HotlineError
from hotline.web.i18n import N_

_TITLES = {
    "state": N_("State or department"),
    "municipality_code": N_("Municipality"),
    "crime_type": N_("Type of crime"),
    "language": N_("Language"),
    "channel": N_("Channel"),
    "victim_sex": N_("Sex of the victim"),
    "victim_age": N_("Age of the victim"),
    "victim_ethnicity": N_("Ethnicity of the victim"),
    "weapon": N_("Weapon"),
}
_BIASES = (
    (
        N_("Campaigns"),
        N_(
            "Posters, news and rewards bring reports for some weeks. Crime does not change by that."
        ),
    ),
    (
        N_("Trust"),
        N_(
            "Where people fear revenge or doubt the police, they report less, whatever happens. "
            "After a good outcome they report more."
        ),
    ),
    (
        N_("Channels and languages"),
        N_(
            "Who has no telephone, no network or none of the five languages is missing here. "
            "A new channel brings people who were silent before."
        ),
    ),
    (N_("Outages"), N_("A channel that was down leaves a hole that looks like a quiet month.")),
    (
        N_("One voice, many reports"),
        N_("One person may report one matter often. A false report counts like a true one."),
    ),
    (
        N_("Sorting"),
        N_("The type is what the line judged when the month was frozen. No court has found it."),
    ),
)


def install(door: Door, source: Source, folder: Path) -> None:
    @lru_cache(maxsize=32)
    def known(months: tuple[str, ...], since: str, until: str, states: bool) -> Measured:
        """Released months stay as they are: an answer hangs on which there are, and on no more."""
        return measured(source, since, until, states=states)

    @door.page("/quality", ANYONE)
    def quality() -> tuple[str, int]:
        """Everybody: the whole line over the last twelve months. With an account: any period, and
        states."""
        months, free = tuple(sorted(source.months())), g.visitor is not None
        facts: dict[str, Any] = {"found": None, "problem": None, "notes": [], "unread": None}
        typed = (request.args.get("from", ""), request.args.get("to", ""))
        facts["since"], facts["until"] = typed if free else ("", "")
        try:
            if months:
                asked = period(months, free=free)
                facts |= {"since": asked.since, "until": asked.until, "gaps": gaps(months, asked)}
                facts["found"] = known(months, asked.since, asked.until, free)
                facts |= _notes(folder, asked.since, asked.until)
        except HotlineError as problem:
            facts["problem"] = problem
        page = render_template(
            "analyst/quality.html",
            free=free,
            titles=_TITLES,
            biases=_BIASES,
            kinds=KINDS,
            outcomes=OUTCOMES,
            places=PLACES,
            meaning=meaning,
            **facts,
            **WRITERS,
        )
        return page, facts["problem"].status if facts["problem"] else 200


def _notes(folder: Path, since: str, until: str) -> dict[str, Any]:
    """Notes that cannot be read take no figure away."""
    try:
        return {"notes": touching(folder, since, until)}
    except HotlineError as problem:
        return {"unread": problem}
