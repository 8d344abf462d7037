"""Pages: how a tip is decided on its page: lists of reasons with their keys, and candidates."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.assembly import StaffLine
from hotline.errors import BadInput
from hotline.tips import Certainty
from hotline.triage import closings
from hotline.triage.opening import Opened
from hotline.web.i18n import N_

_NAMES = {
    "not_actionable": (N_("Nothing to act on"), "v"),
    "out_of_area": (N_("Outside our area"), "u"),
    "emergency_redirected": (N_("Sent to the emergency number"), "y"),
    "restart": (N_("Ask to report again"), "w"),
    "hoax": (N_("Made up or a test"), "h"),
    "abuse": (N_("Insults or spam"), "i"),
}
_MOST = 9  # one digit each


@dataclass(frozen=True, slots=True)
class Way:
    """A way to close a tip: its list of ``(reason:kind, words)`` and the key that opens it."""

    code: str
    name: str
    key: str
    choices: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one digit makes of the tip: its main type (``field`` type), or its place."""

    field: str
    value: str


class NoCandidate(BadInput):
    """A correction by one key that is not among those offered."""

    code = "no_candidate"
    message = "This is not one of the types or places offered."
    hint = "Choose one of them, or write the place."


def ways() -> list[Way]:
    return [Way(code, *_NAMES[code], closings.choices(code)) for code in closings.WAYS]


def candidates(line: StaffLine, opened: Opened) -> list[Candidate]:
    """The classifier's types, then the places that the words may mean."""
    told = opened.content.classified
    types = [Candidate("type", act.code) for act in told.classification.acts]
    sure = told.place.certainty is Certainty.CERTAIN
    named = () if sure else told.place.candidates
    places = [Candidate("place", key) for key in named if line.places.by_key(key)]
    found = types if len(types) > 1 else []
    return (found + places)[:_MOST]


def corrected(line: StaffLine, opened: Opened, chosen: str) -> tuple[list[str], str]:
    """Types and place for ``corrections.correct``; ``chosen`` is ``field:value``. The other types
    stay, after the one chosen. Raises NoCandidate."""
    field, _, value = chosen.partition(":")
    if Candidate(field, value) not in candidates(line, opened):
        raise NoCandidate
    acts = [act.code for act in opened.content.classified.classification.acts]
    return ([value, *acts], "") if field == "type" else (acts, value)
