"""Pages: alarms on unusual reading, planted tips and working hours, for security officers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine, call_pipeline
from hotline.errors import BadInput, NotAllowed
from hotline.routing.watch import Hours, minutes
from hotline.store.alarms import NEW, Alarm, Alarms
from hotline.store.people import Person
from hotline.tips import Channel, Contact, Language
from hotline.triage.canaries import Canaries, ListAltered, plant
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.words import named
from hotline.triage.watch import ACK_REASONS, KIND_NAMES, OwnReading, acknowledge

# As which channel a planted tip shows: what a report typed elsewhere may look like.
CHANNELS = (Channel.WEB, Channel.SMS, Channel.API)
LONGEST = 5000  # characters


class BadHours(BadInput):
    """Working hours that are no times of day."""

    code = "bad_hours"
    message = "The working hours need a beginning and an end."
    hint = "Write both as hours and minutes, such as 22:00, or leave both empty."


@dataclass(frozen=True, slots=True)
class Worker:
    """A person and the hours of their own, if they have any."""

    person: Person
    hours: Hours | None


def planted(line: StaffLine) -> int | None:
    """How many tips are planted; None when the list was altered."""
    try:
        return len(Canaries(line).all())
    except ListAltered:
        return None


def workers(line: StaffLine) -> list[Worker]:
    own = Alarms(line.database).hours()
    return [
        Worker(person, Hours(*own[person.id]) if person.id in own else None)
        for person in line.access.people.all()
        if person.active and {"operator", "supervisor", "agency"} & set(person.roles)
    ]


def install(console: Console) -> None:
    line = console.line

    @console.page("/alarms", "officer")
    def alarms() -> str:
        found: list[Alarm] = Alarms(line.database).listed()
        return render_template(
            "console/alarms.html",
            waiting=[one for one in found if one.state == NEW],
            before=[one for one in found if one.state != NEW],
            kind=named(dict(KIND_NAMES)),
            why=named(dict(ACK_REASONS)),
            reasons=ACK_REASONS,
            me=who().person.id,
            nobody=bytes(16),
            workers=workers(line),
            usual=line.profile.watch.hours,
            planted=planted(line),
        )

    @console.act("/alarms/<alarm>/acknowledge", "officer", name="acknowledge_alarm")
    def acknowledge_alarm(alarm: str) -> BaseResponse:
        acknowledge(
            Alarms(line.database), who().person.id, read_id(alarm), request.form.get("reason", "")
        )
        return redirect("/alarms?done=acknowledged", 303)

    @console.act("/alarms/hours/<person>", "officer")
    def set_hours(person: str) -> BaseResponse:
        found = line.access.people.get(read_id(person))
        if found is None:
            raise NotAllowed
        if found.id == who().person.id:
            raise OwnReading
        begins, ends = (request.form.get(name, "") for name in ("begins", "ends"))
        hours = (minutes(begins), minutes(ends)) if begins or ends else None
        if hours is not None and None in hours:
            raise BadHours
        Alarms(line.database).set_hours(who().person.id, found.id, hours)  # type: ignore[arg-type]
        return redirect("/alarms?done=hours_set", 303)

    @console.page("/plant", "officer", "supervisor")
    def plant_page() -> str:
        return render_template("console/plant.html", channels=CHANNELS)

    @console.act("/plant", "officer", "supervisor", name="plant")
    def plant_tip() -> BaseResponse:
        form = request.form
        language, channel = Language.parse(form.get("spoken")), form.get("channel", "")
        if language is None or channel not in CHANNELS:
            raise NotAllowed
        text = form.get("text", "")[:LONGEST]
        contact = Contact(channel=Channel(channel), text=text, language=language)
        plant(line, call_pipeline(line), who(), contact)
        return redirect("/plant?done=planted", 303)
