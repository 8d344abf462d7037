"""Scorecard: how bodies answer: received, in time, late, outcomes, and how long it took.

For people of the line and for each body about itself. Of integrity desks, where bodies are the ones
told about, only those who hold such a desk's key see anything (promise 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hotline.delivery.outcomes import DAYS, OUTCOME_NAMES, TRANSFERRED
from hotline.errors import NotAllowed
from hotline.routing.answering import OWES, Stage
from hotline.routing.profile import Profile
from hotline.routing.retention import later
from hotline.store.desk import Package
from hotline.store.overdue import Overdue, Term
from hotline.store.tallies import Tallies, Tally
from hotline.tips import QueueKind
from hotline.triage.access import SignedIn
from hotline.triage.opening import Bench
from hotline.web.i18n import N_

MONTHS = 12
MOST_LISTED = 200
LATE = {Stage.CONFIRM: "late_confirm", Stage.FIRST: "late_first", Stage.FINAL: "late_final"}
BANDS = (*(f"d{days}" for days in DAYS), "more")
BAND_NAMES = {
    **{f"d{most}": f"{low + 1}-{most}" for low, most in zip((0, *DAYS), DAYS, strict=False)},
    "d1": "0-1",
    "more": f"{DAYS[-1]}+",
}

OWED_NAMES: dict[str, str] = {
    "confirm": N_("receipt not confirmed"),
    "first": N_("no answer yet"),
    "final": N_("no outcome yet"),
}
SAID_NAMES: dict[str, str] = {**OUTCOME_NAMES, "transferred": N_("Passed on to another body")}


@dataclass(frozen=True, slots=True)
class Card:
    """A body's packages of one month of sending. ``confirm`` and ``answer`` are the bands, in
    days, of the median; empty when nothing was said."""

    agency: str
    month: str
    received: int
    confirmed: int
    in_time: int
    late: Mapping[str, int]
    outcomes: Mapping[str, int]
    confirm: str
    answer: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A package that a body owes something for. ``stage`` is what it missed last."""

    package: Package
    stage: Stage

    @property
    def what(self) -> str:
        """``confirm``, ``first`` or ``final``."""
        return self.stage.name.lower().removesuffix("_above")


def terms(profile: Profile, today: date) -> list[Term]:
    """What is owed by when, from the highest stage down."""
    return [
        Term(stage, states, before, LATE.get(stage, ""), stage.above)
        for stage, states, before in profile.answering.stages(today)
    ]


def overdue(bench: Bench, who: SignedIn) -> list[Owed]:
    """What bodies owe for tips of the desks this person may open."""
    found = Overdue(bench.database).listed(
        terms(bench.profile, bench.clock.today()), bench.access.queues(who), MOST_LISTED
    )
    return [Owed(package, Stage(package.stage)) for package in found]


def owed(packages: Iterable[Package]) -> dict[bytes, str]:
    """By package: what its body was reminded of and still owes."""
    found = {}
    for package in packages:
        stage = Stage(package.stage)
        if package.state in OWES.get(stage, ()):
            found[package.id] = Owed(package, stage).what
    return found


def above(profile: Profile, agency: str) -> str | None:
    """The inbox that is told when ``agency`` does not answer: of the next body above it that
    receives. None where a recusal is possible that keeps that body out and not ``agency``: for
    each tip that ``agency`` was sent, whoever is told here could have been sent it too."""
    sure = profile.over(agency)
    for body in list(profile.ancestors(agency))[1:]:
        if not body.receives:
            continue
        inbox = profile.inbox(body.id)
        if inbox != agency and profile.over(body.id) | profile.over(inbox) <= sure:
            return inbox
    return None


def below(bench: Bench, inbox: str) -> dict[str, int]:
    """By body under this inbox's: packages that it owes and that were told to the body above."""
    found = Overdue(bench.database).told_above(terms(bench.profile, bench.clock.today()))
    return {agency: n for agency, n in found.items() if above(bench.profile, agency) == inbox}


def visible(bench: Bench, who: SignedIn) -> tuple[tuple[str, ...] | None, str]:
    """``(queues, agency)`` whose counts this person may see. Raises NotAllowed."""
    if who.has("supervisor"):
        return tuple(bench.access.queues(who)), ""
    if who.has("officer"):
        return public_queues(bench.profile), ""
    if who.has("agency"):
        # Each package of these was in its own inbox: the counts tell nothing that it has not.
        return None, bench.profile.inbox(who.person.agency)
    raise NotAllowed


def public_queues(profile: Profile) -> tuple[str, ...]:
    """Desks whose counts are told to people without their key: not those about bodies."""
    return tuple(q for q, one in profile.queues.items() if one.kind is not QueueKind.INTEGRITY)


def cards(
    bench: Bench,
    queues: Sequence[str] | None,
    agency: str = "",
    since: str = "",
    until: str = "9999-12",
) -> list[Card]:
    """By month, the newest first, and body."""
    since = since or later(bench.clock.month(), 1 - MONTHS)
    found: dict[tuple[str, str], dict[str, int]] = {}
    tallies: list[Tally] = Tallies(bench.database).read(since, queues, agency)
    for tally in (one for one in tallies if one.month <= until):
        mine = found.setdefault((tally.month, tally.agency), {})
        mine[tally.what] = mine.get(tally.what, 0) + tally.count
    ordered = sorted(found, key=lambda key: key[1])
    ordered.sort(key=lambda key: key[0], reverse=True)
    return [_card(agency, month, found[month, agency]) for month, agency in ordered]


def _card(agency: str, month: str, counts: Mapping[str, int]) -> Card:
    codes = (*OUTCOME_NAMES, TRANSFERRED)
    return Card(
        agency,
        month,
        counts.get("received", 0),
        counts.get("confirmed", 0),
        counts.get("in_time", 0),
        {what: counts[what] for what in LATE.values() if counts.get(what)},
        {code: counts[f"outcome_{code}"] for code in codes if counts.get(f"outcome_{code}")},
        _median(counts, "confirmed"),
        _median(counts, "answered"),
    )


def _median(counts: Mapping[str, int], what: str) -> str:
    """The band that holds the middle one of them."""
    by_band = [(band, counts.get(f"{what}_{band}", 0)) for band in BANDS]
    left = (sum(number for _, number in by_band) + 1) // 2
    for band, number in by_band:
        left -= number
        if number and left <= 0:
            return BAND_NAMES[band]
    return ""
