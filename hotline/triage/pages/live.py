"""Pages: a live call: the script, marks while the operator types, and the receipt to read out.

What is typed travels in the page and nowhere else: no session, row, file or log holds any of it
before "Send", and "Start again" only needs to forget the page.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, replace

from flask import Response, redirect, render_template, request
from werkzeug.datastructures import MultiDict

from hotline.assembly import StaffLine, call_pipeline
from hotline.errors import Busy, NotAllowed, Unavailable
from hotline.intake.advice import advice, emergency
from hotline.intake.form import Form
from hotline.intake.questions import MISSING_PLACE, NOTHING_TOLD, Problem, of_type
from hotline.intake.telling import fingerprint, tell
from hotline.pipeline import Pipeline
from hotline.routing.asking import evident
from hotline.tips import Channel, Contact, Language, Urgency
from hotline.triage.access import SignedIn
from hotline.triage.pages import script
from hotline.triage.pages.door import READERS, Console, who
from hotline.triage.pages.marks import marks
from hotline.triage.pages.script import Call
from hotline.vault.receipts import grouped
from hotline.web.i18n import current, say

Page = tuple[str, int]
_NAME = re.compile(r"[0-9a-f]{32}")


class Shifts:
    """Marks in the audit that somebody took calls: once a day and person.

    Never once a call: a call's own record would stand at rest beside the record of the tip that
    came of it, tell that this tip was spoken, by whom it was typed, and, beside the provider's
    list of calls, from which telephone. A record a day still names who used this page, and every
    opening of a tip leaves its own. What was marked is known in memory only: a start marks again.
    """

    def __init__(self, line: StaffLine) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._day = ""
        self._marked: set[bytes] = set()

    def mark(self, person: bytes) -> None:
        with self._lock:
            if self._day != (today := self._line.clock.day()):
                self._day, self._marked = today, set()
            if person in self._marked:
                return
            self._line.audit.note("took_calls", by=person.hex())
            self._marked.add(person)


@dataclass(frozen=True, slots=True)
class Desk:
    """The pages of live calls of one line."""

    line: StaffLine
    pipeline: Pipeline
    shifts: Shifts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shifts", Shifts(self.line))

    def enter(self) -> SignedIn:
        """Whoever may open a desk's tips may type one. Raises NotAllowed."""
        me = who()
        if not self.line.access.queues(me):
            raise NotAllowed
        self.shifts.mark(me.person.id)
        return me

    def fresh(self) -> Form:
        return Form.fresh(self.line.clock, self.line.profile.languages[0], "what")

    def read(self, posted: MultiDict[str, str]) -> Call:
        form = self.fresh()
        if _NAME.fullmatch(name := posted.get("call", "")):
            form.id = name
        form.language = (
            Language.parse(posted.get("spoken"))
            or Language.parse(posted.get("before"))
            or form.language
        )
        return script.read(self.line, posted, form)

    def show(
        self, call: Call, problems: tuple[Problem, ...] = (), template: str = "console/call.html"
    ) -> Page:
        problems = problems or call.problems
        found = marks(contact_of(call.form))
        page = render_template(
            template,
            form=call.form,
            about=evident(call.acts),
            spoken=call.form.language,
            problems=problems,
            lines=(asked := script.lines(call, current(), self.line)),
            detail_steps=[line.step for line in asked if of_type(line.step)],
            ticks={line.step: ticks(call.form, line.step) for line in asked},
            places=[(key, self.line.places.called(key)) for key in call.form.candidates],
            place=self.line.places.called(call.form.municipality),
            marks=found,
            greeting=script.GREETING,
            freely=script.FREELY,
            danger=self._emergency(call.form),
            aloud=lambda sentence: say(call.form.language, sentence),
            postal=self.line.places.postal,
        )
        return page, problems[0].status if problems else 200

    def send(self, call: Call) -> Page:
        form = call.form
        if not form.told:
            return self.show(call, (replace(NOTHING_TOLD, field="what"),))
        if call.open_place:
            return self.show(call, (MISSING_PLACE,))
        contact, content, once = contact_of(form), form.content(), f"call:{form.id}"
        try:
            told = tell(self.pipeline, contact, once, content)
            if told.changed:
                # Sent, changed and sent again: what is new joins the first report.
                self.pipeline.append(told.code, contact, f"{once}:{fingerprint(content)}")
        except (Unavailable, Busy) as refused:
            # The caller is still there: the page stays as it is, to be sent once more.
            return self.show(call, (Problem.of("what", refused),))
        urgent = told.urgent or form.urgency is Urgency.NOW
        profile, today = self.line.profile, self.line.clock.today()
        page = render_template(
            "console/call_receipt.html",
            spoken=form.language,
            danger=self._emergency(form) if urgent else None,
            groups=[(g, script.spoken(g, form.language)) for g in grouped(told.code).split()],
            advice=advice(profile, self.line.types, told.types, form.language, today, called=True),
            read_out=script.READ_OUT,
            come_back=script.COME_BACK,
            aloud=lambda sentence: say(form.language, sentence),
        )
        return page, 200

    def _emergency(self, form: Form) -> tuple[str, str] | None:
        """What to tell the caller, and the same for the operator."""
        profile, today = self.line.profile, self.line.clock.today()
        theirs, ours = (emergency(profile, lang, today) for lang in (form.language, current()))
        return (theirs.message, ours.message) if theirs and ours else None


def ticks(form: Form, step: str) -> list[str]:
    detail = of_type(step)
    return form.ticks(detail) if detail else []


def contact_of(form: Form) -> Contact:
    return replace(form.contact(), channel=Channel.OPERATOR)


def install(console: Console) -> None:
    line = console.line
    desk = Desk(line, call_pipeline(line))

    @console.page("/calls/new", *READERS)
    def new_call() -> Page:
        desk.enter()
        return desk.show(desk.read(MultiDict()))

    @console.act("/calls/new", *READERS, name="call")
    def call() -> Page:
        desk.enter()
        found = desk.read(request.form)
        # Whatever is not the button "Send" stores nothing.
        if request.form.get("go") == "send" and not found.problems:
            return desk.send(found)
        return desk.show(found)

    @console.act("/calls/marks", *READERS)
    def call_marks() -> Page:
        """The same marks for the console's script, while somebody types."""
        desk.enter()
        return desk.show(desk.read(request.form), template="console/call_marks.html")

    @console.act("/calls/restart", *READERS)
    def restart_call() -> Response:
        """An empty page. The server has nothing to forget; the browser is told to."""
        desk.enter()
        response = redirect("/calls/new", 303)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response  # type: ignore[return-value]  # a Flask response, typed as Werkzeug's
