"""Pages: alarms on unusual reading, planted tips and working hours, for security officers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from hotline.assembly import StaffLine, call_pipeline
from hotline.delivery.alarming import AlarmCode
from hotline.errors import BadInput, NotAllowed
from hotline.routing.watch import Hours, minutes
from hotline.store.alarms import NEW, Alarm, Alarms
from hotline.store.line_alarms import LineAlarms
from hotline.store.people import Person
from hotline.tips import Channel, Contact, Language
from hotline.triage.canaries import Canaries, ListAltered, plant
from hotline.triage.pages.door import Console, who
from hotline.triage.pages.tip import read_id
from hotline.triage.pages.words import named
from hotline.triage.watch import ACK_REASONS, KIND_NAMES, OwnReading, acknowledge
from hotline.web.i18n import N_

# As which channel a planted tip shows: what a report typed elsewhere may look like.
CHANNELS = (Channel.WEB, Channel.SMS, Channel.API)
LONGEST = 5000  # characters
CODE_NAMES = {
    AlarmCode.BURIED: N_("Something was tried often and given up. See the officers’ page."),
    AlarmCode.OVERDUE: N_("Reports wait far beyond their time. Put more people on the desks."),
    AlarmCode.ERASURE_LATE: N_("The telephone provider has not deleted what it must."),
    AlarmCode.RELAY_UNACKNOWLEDGED: N_("Danger was reported and nobody has taken it."),
    AlarmCode.KEYS_UNVERIFIED: N_("Recovery sheets were not tried, or keys end soon."),
    AlarmCode.CLOCK_JUMP: N_("The clock of the server jumped. Check its time."),
    AlarmCode.DELIVERY_FAILING: N_("Something does not reach an agency."),
    AlarmCode.LEDGER_UNBALANCED: N_("The ledger does not balance. Keep the database as it is."),
}


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
    install_line(console)
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
            line_alarms=LineAlarms(line.database).waiting(),
            about=named({str(code): sentence for code, sentence in CODE_NAMES.items()}),
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


def install_line(console: Console) -> None:
    """Alarms about the line itself stand on the same page, and are acknowledged without a reason:
    what to do is the same each time."""
    line = console.line

    @console.act("/alarms/line/<code>/acknowledge", "officer", name="acknowledge_line_alarm")
    def acknowledge_line_alarm(code: str) -> BaseResponse:
        LineAlarms(line.database).acknowledge(code, who().person.id)  # or a colleague did
        return redirect("/alarms?done=acknowledged", 303)
