"""Outcomes: what a body says became of a package: to the reporter one sentence, inside more.

The reporter reads a code's sentence and nothing a body typed: bands and a question are sealed to
the desk and to the body that said them. In clear stands only whether something was said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from hotline.errors import BadInput
from hotline.routing.retention import OUTCOME
from hotline.store.desk import Package, Step
from hotline.tips import Body, Redacted, State, Wrap
from hotline.triage import messages
from hotline.triage.opening import Bench, Said, read_said
from hotline.triage.terms import last_month
from hotline.vault import format as fmt
from hotline.vault.envelope import agency_recipient, queue_recipient
from hotline.vault.format import Kind
from hotline.vault.seal import seal_body
from hotline.vault.small import random_id, random_key
from hotline.web.i18n import N_

OUTCOME_NAMES: Mapping[str, str] = {
    "under_investigation": N_("Under investigation"),
    "needs_information": N_("We need to know more"),
    "arrest": N_("Arrest"),
    "seizure": N_("Seizure"),
    "rescue": N_("Rescue"),
    "prevented": N_("Crime prevented"),
    "known": N_("Already known to us"),
    "unfounded": N_("Checked, not confirmed"),
    "not_ours": N_("Not our responsibility"),
    "other": N_("Dealt with in another way"),
}
# Not the last word: the terms for an outcome and for keeping the tip go on.
INTERIM = frozenset({"under_investigation", "needs_information"})
# A person at the desk has to do something: find another body, or ask the reporter.
TO_THE_DESK = frozenset({"not_ours", "needs_information"})
TRANSFERRED = "transferred"
STATES = {"not_ours": "returned", TRANSFERRED: "transferred", **dict.fromkeys(INTERIM, "working")}
# How many people or things: never a number that would tell one case from another.
BANDS = ("1", "2-4", "5+")
COUNTED = frozenset({"arrest", "seizure", "rescue"})
LONGEST = 300  # characters of a question
# Days from sending to an answer, by band: the last is open. Codes are part of the tallies' names.
DAYS = (1, 3, 7, 15, 30, 90)


Opener = Callable[[Wrap, Body], bytes | None]  # the key of a body, if this session opens it


class BadOutcome(BadInput):
    """An outcome that is not in the list, or what does not go with it."""

    code = "bad_outcome"
    message = "No outcome was chosen."
    hint = "Choose the outcome that fits best."


class QuestionTooLong(BadInput):
    """A question that no reporter could be asked."""

    code = "question_too_long"
    message = "This question is too long."
    hint = "Use at most 300 characters: one question, in plain words."


@dataclass(frozen=True, slots=True, repr=False)
class Outcome(Redacted):
    """What a body says. ``band`` is one of BANDS or empty; ``question`` is for the desk, which
    decides whether and how the reporter is asked."""

    code: str
    band: str = ""
    question: str = ""

    @classmethod
    def told(cls, code: str, band: str = "", question: str = "") -> Outcome:
        """As a form or the API sends it; what does not go with the code is dropped. Raises
        BadOutcome, QuestionTooLong."""
        if code not in OUTCOME_NAMES or band not in ("", *BANDS):
            raise BadOutcome
        question = " ".join(question.split()) if code == "needs_information" else ""
        if len(question) > LONGEST:
            raise QuestionTooLong
        return cls(code, band if code in COUNTED else "", question)


def record(
    bench: Bench,
    by: bytes,
    row: Package,
    outcome: Outcome,
    reply: messages.Reply | None,
    earlier: Iterable[Said] | None,
) -> None:
    """One commit: the package's state, the reporter's status, the count, and what was said, sealed
    to desk and body. ``earlier`` as in ``what_follows``. Raises BadOutcome, Answered."""
    state, until, step = what_follows(bench, row, outcome, earlier)
    # Who is only informed does not speak for those who act.
    told = reply if row.role == "lead" else None
    bench.desk.advance(row.id, state, "outcome_recorded", by, told, until, step)


def what_follows(
    bench: Bench, row: Package, outcome: Outcome, earlier: Iterable[Said] | None
) -> tuple[str, str | None, Step]:
    """The state of a package after an outcome, the last month of its tip when that changes, and
    what else belongs to the commit. ``earlier`` is what the body said before, None where nobody can
    read it; then a further word of the same weight is not counted again. Raises BadOutcome."""
    if row.state == TRANSFERRED:
        raise BadOutcome
    tip = bench.tips.one(row.tip)
    state = STATES.get(outcome.code, "answered")
    until = None
    if state == "answered" and row.role == "lead" and tip is not None:
        asked = [p for p in bench.desk.packages_of(tip.id) if p.role == "lead"]
        ended = all(p.state in ("answered", "returned") or p.id == row.id for p in asked)
        if ended and tip.state is State.FORWARDED:
            until = last_month(bench, tip, OUTCOME)
    body, wraps = _sealed(bench, row, tip.queue if tip else "", outcome.code, outcome)
    back = outcome.code in TO_THE_DESK and row.role == "lead"
    step = Step(
        seen=(row.state,),
        counts=counted(row, outcome.code, bench.clock.today(), earlier),
        bodies=(body,),
        wraps=wraps,
        # In the same commit: what the reporter is told must come true.
        errands=(bench.envelope.errand("news", random_id(), {"tip": row.tip.hex()}),)
        if back
        else (),
    )
    return state, until, step


def confirming(row: Package, today: date) -> Step:
    """What goes with a first confirmation."""
    return Step(seen=("sent", "opened"), counts=_confirmed(row, today))


def counted(
    row: Package, code: str, today: date, earlier: Iterable[Said] | None
) -> tuple[tuple[str, int], ...]:
    """What an outcome adds to the tallies: once a package and weight, the last word standing."""
    counts = list(_confirmed(row, today) if row.state in ("sent", "opened") else ())
    interim = code in INTERIM
    known = list(earlier) if earlier is not None else None
    same = [said.code for said in known or () if (said.code in INTERIM) == interim]
    again = bool(same) if known is not None else _weighed(row.state, interim)
    if again and known is None:
        return tuple(counts)
    if again:
        if same[-1] == code:
            return tuple(counts)
        counts.append((f"outcome_{same[-1]}", -1))
    counts.append((f"outcome_{code}", 1))
    if not again and not interim:
        counts.append((f"answered_{band_of(row.day, today)}", 1))
    return tuple(counts)


def _weighed(state: str, interim: bool) -> bool:
    return state in (("working", "answered", "returned") if interim else ("answered", "returned"))


def _confirmed(row: Package, today: date) -> tuple[tuple[str, int], ...]:
    found = [("confirmed", 1), (f"confirmed_{band_of(row.day, today)}", 1)]
    return (*found, ("in_time", 1)) if today.isoformat() <= row.due else tuple(found)


def band_of(sent: str, today: date) -> str:
    """``d7`` for an answer within seven days of the day of sending, ``more`` beyond all bands."""
    days = (today - date.fromisoformat(sent)).days
    return next((f"d{most}" for most in DAYS if days <= most), "more")


def history(bench: Bench, open_wrap: Opener, row: Package) -> tuple[Said, ...]:
    """What this body said of a package, in order, as far as its keys open it."""
    found = []
    for body in bench.tips.bodies(row.tip, only=(Kind.ANSWER,)):
        for wrap in bench.tips.wraps([body.id]):
            if wrap.recipient == agency_recipient(row.agency):
                key = open_wrap(wrap, body)
                said = read_said(key, body) if key else None
                if said is not None and said.package == row.id.hex():
                    found.append(said)
    return tuple(sorted(found, key=lambda said: (said.day, said.number)))


def said_to_desk(
    bench: Bench, row: Package, queue: str, code: str, to: str = ""
) -> tuple[Body, tuple[Wrap, ...]]:
    """That a package was passed on, ``to`` whom, sealed as an outcome is."""
    return _sealed(bench, row, queue, code, Outcome(code), to)


def _sealed(
    bench: Bench, row: Package, queue: str, code: str, outcome: Outcome, to: str = ""
) -> tuple[Body, tuple[Wrap, ...]]:
    number = sum(1 for _ in bench.tips.bodies(row.tip, only=(Kind.ANSWER,)))
    document = {
        "package": row.id.hex(),
        "agency": row.agency,
        "code": code,
        "band": outcome.band,
        "question": outcome.question,
        "to": to,
        "day": bench.clock.day(),
        "number": number,
    }
    key = random_key()
    payload = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    body = seal_body(key, random_id(), row.tip, Kind.ANSWER, payload)
    readers = [agency_recipient(row.agency)] + ([queue_recipient(queue)] if queue else [])
    digest = fmt.digest(body.sealed)
    return body, tuple(bench.envelope.wrap(key, body.id, digest, one) for one in readers)
