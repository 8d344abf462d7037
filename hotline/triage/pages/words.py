"""Pages: the words of the console: names of queues, types, bodies and places, times as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from hotline.assembly import StaffLine
from hotline.intake.attachments.refusals import REASONS
from hotline.intake.enclosed import BARRED
from hotline.intake.stripping.grammar import replacements
from hotline.triage import closings, dispositions, forgetting, recordings
from hotline.triage.pages.reasons import why
from hotline.triage.queue import PRIORITY_NAMES, QUEUE_NAMES, STATE_NAMES
from hotline.web.i18n import N_, current, say

ROLE_NAMES = {
    "officer": N_("Officer"),
    "supervisor": N_("Supervisor"),
    "operator": N_("Operator"),
    "trainer": N_("Trainer"),
    "agency": N_("Agency"),
    "analyst": N_("Analyst"),
}
CHANNEL_NAMES = {
    "sms": N_("SMS"),
    "whatsapp": N_("WhatsApp"),
    "phone": N_("Phone menu"),
    "operator": N_("Live call"),
    "web": N_("Web form"),
    "api": N_("App"),
}
URGENCY_NAMES = {
    "now": N_("happening now"),
    "soon": N_("about to happen"),
    "past": N_("already happened"),
    "pattern": N_("happens again and again"),
    "unknown": N_("not told"),
}
CERTAINTY_NAMES = {
    "certain": N_("certain"),
    "probable": N_("probable"),
    "ambiguous": N_("ambiguous"),
    "none": N_("not known"),
}
QUESTION_NAMES = {
    "what": N_("What happens?"),
    "where": N_("Where?"),
    "when": N_("When?"),
    "who": N_("Who or what to look for?"),
    "more": N_("Anything else?"),
}
NOTE_NAMES = {
    "note": N_("Note for colleagues"),
    "question": N_("Question to the reporter"),
    "reply": N_("Message to the reporter"),
    "close_request": N_("Asked to close"),
    "close_refused": N_("Closing was not confirmed"),
    "closed": N_("Closed"),
    "second_reader": N_("Still needs two to be closed"),
    "listened": N_("Listened to the recording"),
    "destroyed": N_("Destroyed the recording without typing"),
    "file_kept": N_("Kept a file"),
    "file_removed": N_("Removed a file"),
    "language": N_("Somebody who reads this language is wanted"),
}
DEED_NAMES = {
    "open_queue": N_("Open a special queue"),
    "hold": N_("Keep a tip beyond its time"),
    "lift": N_("End the hold of a tip"),
    "erase": N_("Erase a tip early"),
    "recover": N_("Recover a person's key"),
    "directory": N_("Change the signed list of keys"),
    "rules": N_("Put rules in force"),
}
OPENING_REASONS = {
    "new_member": N_("joins the desk"),
    "stands_in": N_("stands in for somebody"),
    "comes_back": N_("comes back"),
}
ASKING_REASONS = {
    **OPENING_REASONS,
    "keys_run_out": N_("the keys run out"),
    "somebody_left": N_("somebody left"),
    "other_suite": N_("seal in another way"),
    "agency_key": N_("the body's own key"),
    "rules_changed": N_("the rules were changed"),
    **{code: words for listed in forgetting.REASONS.values() for code, words in listed.items()},
}
STEP_NAMES = {
    "approve": N_("Approve"),
    "refuse": N_("Refuse"),
    "withdraw": N_("Withdraw"),
    "carry": N_("Carry it out"),
}
WHOLE = N_("the whole text")
# Why a file that came by text message is not with the tip, for its operator.
_REFUSALS = {reason.code: reason.message for reason in REASONS.values()}
_REFUSALS[BARRED] = N_("Files are not taken with this kind of report.")
_REASONS = {
    **closings.CLOSE_REASONS,
    **{code: words for kinds in closings.CLOSE_KINDS.values() for code, words in kinds.items()},
    **dispositions.FORWARD_REASONS,
    **dispositions.REROUTE_REASONS,
    **recordings.DESTROY_REASONS,
}


def vocabulary(line: StaffLine) -> dict[str, Callable[..., str]]:
    """What templates call to name things in the reader's language."""

    def type_name(code: str) -> str:
        return line.types.get(code).names[current()] if code in line.types else code

    def agency_name(identity: str) -> str:
        agency = line.profile.agency(identity)
        return agency.name if agency else identity

    def place_name(key: str | None) -> str:
        place = line.places.by_key(key) if key else None
        return f"{place.name}, {place.state}" if place else ""

    def due(at: int) -> str:
        return due_words(at, int(line.clock.seconds()))

    def clock_time(at: int) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(line.clock.zone).strftime("%H:%M")

    def moment(at: int) -> str:
        return (
            datetime.fromtimestamp(at, UTC)
            .astimezone(line.clock.zone)
            .strftime("%Y-%m-%d %H:%M:%S")
        )

    def person_name(identity: bytes | str) -> str:
        raw = bytes.fromhex(identity) if isinstance(identity, str) else identity
        person = line.access.people.get(raw)
        return person.name if person else "?"

    return {
        "type_name": type_name,
        "agency_name": agency_name,
        "place_name": place_name,
        "person_name": person_name,
        "queue_name": queue_name,
        "kind_name": kind_name,
        "to_check": to_check,
        "why": why,
        "due": due,
        "clock_time": clock_time,
        "moment": moment,
        "deed_name": named(DEED_NAMES),
        "asking_name": named(ASKING_REASONS),
        "step_name": named(STEP_NAMES),
        "state_name": named(STATE_NAMES),
        "priority_name": named(PRIORITY_NAMES),
        "role_name": named(ROLE_NAMES),
        "channel_name": named(CHANNEL_NAMES),
        "urgency_name": named(URGENCY_NAMES),
        "certainty_name": named(CERTAINTY_NAMES),
        "question_name": named(QUESTION_NAMES),
        "note_name": named(NOTE_NAMES),
        "reason_name": named(_REASONS),
        "refusal_name": named(_REFUSALS),
    }


def named(names: dict[str, str]) -> Callable[[str], str]:
    def name(code: str) -> str:
        return say(current(), names[str(code)]) if str(code) in names else str(code)

    return name


def queue_name(queue: str) -> str:
    """``gbv:BR-RJ`` → the desk's name and its jurisdiction."""
    kind, _, place = queue.partition(":")
    name = say(current(), QUEUE_NAMES.get(kind, kind))
    return f"{name} · {place}" if place else name


def kind_name(kind: str) -> str:
    """What a removed or doubtful span is, in the reader's language."""
    return say(current(), WHOLE) if kind == "text" else replacements(current()).get(kind, kind)


def to_check(kind: str) -> str:
    """What stands in the text where a doubtful span is, in the reader's language."""
    form = replacements(current())["doubtful"]
    return form.format(kind=kind_name(kind))


def due_words(at: int, now: int) -> str:
    """A deadline as a sentence; empty when there is none."""
    if not at:
        return ""
    minutes = abs(at - now) // 60
    for limit, unit, early, late in (
        (120, 1, N_("due in {count} min"), N_("{count} min late")),
        (48 * 60, 60, N_("due in {count} h"), N_("{count} h late")),
        (10**9, 1440, N_("due in {count} days"), N_("{count} days late")),
    ):
        if minutes < limit:
            return say(current(), early if at > now else late, count=minutes // unit)
    return ""
