"""Reading: what a form's answers mean before it is sent: the place, the questions of its types.

The same for a reporter's own form and for the one an operator fills during a call.
"""

from __future__ import annotations

from hotline.intake.form import Form
from hotline.routing.asking import evident, questions_for
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.tips import Act, Certainty

MOST_CANDIDATES = 12


def choose_questions(form: Form, types: Types) -> tuple[Act, ...]:
    """What its types are asked, decided by what it is about; those types, best first."""
    chosen = (form.crime_type,) if form.crime_type else ()
    acts = types.classify(form.answers["what"], form.language, chosen=chosen).acts
    form.asked = [detail.id for detail in questions_for(evident(acts))]
    return acts


def locate(form: Form, places: Places, state: str | None) -> None:
    """What the city answer means; anything less than certain is asked, never guessed. ``state``
    is the jurisdiction's own."""
    found = places.answer(form.answers.get("where", ""), state=state)
    sure = found.certainty is Certainty.CERTAIN and found.municipality
    keys = [] if sure else list(found.candidates[:MOST_CANDIDATES])
    if form.municipality not in keys:
        form.municipality = found.municipality or "" if sure else ""
    form.candidates = keys
