"""Closings: the ways in which a tip ends without being forwarded, and what its reporter is told.

A closing has a reason and, mostly, a kind of it. The reason stands in the audit record and decides
how long the tip lives; the kind says more about what was told, so it is only in the sealed note.
"""

from __future__ import annotations

from collections.abc import Mapping

from hotline.errors import BadInput
from hotline.web.i18n import N_

CLOSE_REASONS: Mapping[str, str] = {
    "duplicate": N_("The same report came before"),
    "not_actionable": N_("Too little to act on"),
    "out_of_area": N_("Outside the area of this line"),
    "no_crime": N_("Does not describe a crime"),
    "answered": N_("The question was answered"),
    "emergency_redirected": N_("Sent to the emergency number"),
    "restart": N_("Call again: nothing can be done with this report"),
    "hoax": N_("Made up or a test"),
    "abuse": N_("Insults or spam"),
}
CLOSE_KINDS: Mapping[str, Mapping[str, str]] = {
    "not_actionable": {
        "no_place": N_("Nobody can tell where it is"),
        "no_facts": N_("Nothing in it can be checked"),
        "long_ago": N_("Too long ago to act on"),
    },
    "out_of_area": {
        "other_state": N_("Another state or department"),
        "other_country": N_("Another country"),
        "other_service": N_("A matter for another service"),
    },
    "emergency_redirected": {
        "told_to_call": N_("The reporter was told to call"),
        "passed_on": N_("We called the emergency number"),
        "already_there": N_("They are on their way already"),
    },
    "restart": {
        "unreadable": N_("Nobody can read or hear it"),
        "cut_off": N_("It breaks off before it says anything"),
        "wrong_words": N_("Not the words of a report"),
    },
    "hoax": {
        "hoax_test": N_("A test"),
        "hoax_prank": N_("A prank"),
        "hoax_malicious": N_("Meant to harm somebody"),
        "hoax_mistaken": N_("A mistake, told in good faith"),
    },
    "abuse": {
        "insults": N_("Insults"),
        "spam": N_("Advertising or spam"),
    },
}
# What stands in one list on the page of a tip, and is chosen by one key and one digit.
WAYS: Mapping[str, tuple[str, ...]] = {
    "not_actionable": ("not_actionable", "no_crime", "answered", "duplicate"),
    "out_of_area": ("out_of_area",),
    "emergency_redirected": ("emergency_redirected",),
    "restart": ("restart",),
    "hoax": ("hoax",),
    "abuse": ("abuse",),
}
# A reporter is told in another way than "read and closed" where there is something left to do.
_TOLD = {"emergency_redirected": "emergency", "restart": "restart"}


class BadReason(BadInput):
    """A decision without one of the listed reasons."""

    code = "bad_reason"
    message = "No reason was chosen."
    hint = "Choose the reason that fits best."


def check(reason: str, kind: str) -> None:
    """Raises BadReason for what is not in the lists. Without a kind is allowed: who closes many at
    once gives one reason for all of them."""
    if reason not in CLOSE_REASONS or (kind and kind not in CLOSE_KINDS.get(reason, {})):
        raise BadReason


def told(reason: str) -> str:
    """The status that the reporter reads: a code of ``messages.STATUSES``."""
    return _TOLD.get(reason, "closed")


def choices(way: str) -> list[tuple[str, str]]:
    """``(reason:kind, words)`` of one list."""
    return [
        (f"{reason}:{kind}", words)
        for reason in WAYS[way]
        for kind, words in CLOSE_KINDS.get(reason, {"": CLOSE_REASONS[reason]}).items()
    ]
