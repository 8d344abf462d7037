"""Web: the form, one question a page: no script, no cookie, one address, nothing kept but the tip.

Each page posts to itself; what was answered so far travels in one sealed field (see form.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request
from werkzeug.datastructures import MultiDict

from hotline.assembly import PublicLine
from hotline.errors import TooLarge
from hotline.intake import following, notice, onion, questions
from hotline.intake.advice import advice, emergency
from hotline.intake.attachments import MOST_FILES, PICKED
from hotline.intake.files import (
    FilesBarred,
    MemoryRequest,
    Sent,
    WrongFile,
    cleaned,
    field_of,
)
from hotline.intake.form import Form, FormExpired, FormKeys, clean
from hotline.intake.merge import LONGEST
from hotline.intake.questions import CHECK, PLACE, Problem
from hotline.intake.reading import choose_questions, locate
from hotline.intake.telling import Told, fingerprint, tell
from hotline.tips import Language, Urgency
from hotline.vault.receipts import grouped
from hotline.web.i18n import negotiate

LONGEST_SHORT = 300  # code points of a one-line answer
_HURRIED_SECONDS = 4
_PAUSE_SECONDS = 2.0
_PAUSED_AT_ONCE = 4

Page = tuple[str, int]


def sent_files() -> tuple[Sent, ...]:
    """The files that came with this page."""
    return request.sent() if isinstance(request, MemoryRequest) else ()


def blueprint(line: PublicLine, pause: Callable[[float], None] = time.sleep) -> Blueprint:
    """``/``, ``/exit``, ``/follow-up`` and ``/privacy``. ``pause`` waits that many seconds."""
    keys = FormKeys(line.clock, line.settings.redis_url)
    pages = Pages(line, keys, pause)
    web = Blueprint("form", __name__)
    web.add_url_rule("/", "first", pages.first, methods=["GET"])
    web.add_url_rule("/", "answer", pages.answer, methods=["POST"])
    web.add_url_rule("/exit", "leave", pages.leave, methods=["GET"])
    following.install(web, line, keys)
    notice.install(web, line)
    onion.install(web, line.settings.onion_url)
    return web


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one line."""

    line: PublicLine
    keys: FormKeys
    pause: Callable[[float], None]
    _gate: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_PAUSED_AT_ONCE)
    )

    def first(self) -> Page:
        return self._show(self._fresh())

    def leave(self) -> Response:
        """Away, at once. What the browser keeps of this site goes too; its history does not."""
        response = redirect(self.line.profile.leave, 303)
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response  # type: ignore[return-value]  # a Flask response, typed as Werkzeug's

    def answer(self) -> Page:
        posted = following.posted_form(files=True)
        try:
            form = Form.load(self.keys.open("form", posted.get("form", "")))
        except FormExpired as expired:
            return self._again(posted, expired)
        g.language = form.language
        problems = self._take(form, posted)
        if chosen := Language.parse(posted.get("language")):
            g.language = form.language = chosen
        if problems and problems[0].status == TooLarge.status:
            return self._show(form, problems, posted)
        if "language" in posted:
            return self._show(form)
        return self._go(form, posted, problems)

    def _go(self, form: Form, posted: MultiDict[str, str], problems: list[Problem]) -> Page:
        """The page that the pressed button leads to. No button pressed counts as "Continue"."""
        if change := posted.get("change"):
            form.step, form.returning = (change if change in questions.steps(form) else CHECK), True
            return self._show(form)
        match posted.get("go", "next"):
            case "back":
                form.step = questions.before(form)
            case "skip":
                questions.skip(form)
                form.step = questions.after(form)
            case _ if form.step == CHECK:
                return self._send(form, posted)
            case _ if problems:
                return self._show(form, problems, posted)
            case _:
                form.step = questions.after(form)
        return self._show(form)

    def _fresh(self, step: str = questions.STEPS[0]) -> Form:
        g.language = negotiate(self.line.profile.languages[0])
        return Form.fresh(self.line.clock, g.language, step)

    def _again(self, posted: MultiDict[str, str], expired: FormExpired) -> Page:
        """A page whose earlier answers are lost: the same question, with what was written on it.
        A page that never had any is only incomplete."""
        step, asked = questions.asked_in(posted)
        form = self._fresh(step)
        form.asked = asked
        g.language = form.language = Language.parse(posted.get("spoken")) or form.language
        problems = self._take(form, posted)
        if posted.get("form"):
            problems = [Problem.of(step, expired)]
        return self._show(form, problems or [questions.incomplete(step)], posted)

    def _take(self, form: Form, posted: MultiDict[str, str]) -> list[Problem]:
        """Keeps what was answered on this page, also when going back or changing language.
        What is wrong comes back as problems; then the form is not changed by that field."""
        taken = dict.fromkeys(questions.fields(form.step), "")
        for name in taken:
            words = ",".join(posted.getlist(name))
            if len(words) > (LONGEST_SHORT if name in questions.SHORT else LONGEST):
                return [Problem.of(name, TooLarge())]
            taken[name] = clean(words)
        if not posted.keys() & taken.keys():
            questions.unticked(form)
            return [questions.missing(form.step)] if taken else []
        kept = questions.keep(form, taken, self.line.types)
        if form.step == "where":
            locate(form, self.line.places, self.line.profile.state)
        elif form.step == "what":
            choose_questions(form, self.line.types)
        return [] if kept else [questions.missing(form.step)]

    def _send(self, form: Form, posted: MultiDict[str, str]) -> Page:
        if not form.told:
            return self._show(form, [questions.NOTHING_TOLD], posted)
        self._slow_down(form, posted)
        files = () if posted.get("go") == "bare" else sent_files()
        if files and self.line.pipeline.barred(form.contact()):
            return self._show(form, [Problem.of("files", FilesBarred())], posted)
        try:
            told = self._tell(form, files)
        except WrongFile as wrong:
            return self._show(form, [questions.wrong_file(wrong)], posted)
        urgent = told.urgent or form.urgency is Urgency.NOW
        profile, today = self.line.profile, self.line.clock.today()
        page = render_template(
            "public/receipt.html",
            groups=grouped(told.code).split(),
            advice=advice(profile, self.line.types, told.types, form.language, today),
            emergency=emergency(profile, form.language, today) if urgent else None,
        )
        return page, 200

    def _tell(self, form: Form, files: Sequence[Sent]) -> Told:
        once, content = f"form:{form.id}", form.content()
        self.line.limits.spend(None)
        told = tell(self.line.pipeline, form.contact(), once, content, files)
        if told.changed:
            # Sent, changed and sent again: what is new joins the first report.
            once = f"{once}:{fingerprint(content, files)}"
            self.line.pipeline.append(told.code, form.contact(), once, cleaned(files))
        return told

    def _slow_down(self, form: Form, posted: MultiDict[str, str]) -> None:
        """A program that fills every field or sends within seconds waits a little. A person who
        does so waits too, and is never refused."""
        hurried = self.line.clock.seconds() - form.started < _HURRIED_SECONDS
        if (posted.get("website") or hurried) and self._gate.acquire(blocking=False):
            try:
                self.pause(_PAUSE_SECONDS)
            finally:
                self._gate.release()

    def _show(
        self,
        form: Form,
        problems: list[Problem] | None = None,
        posted: MultiDict[str, str] | None = None,
    ) -> Page:
        problems = problems or []
        status = problems[0].status if problems else 200
        typed = {
            name: posted.get(name, "") if posted and name in posted else questions.value(form, name)
            for name in questions.fields(form.step)
        }
        page = render_template(
            "public/check.html" if form.step == CHECK else "public/question.html",
            form=form,
            sealed=self.keys.seal("form", form.dump()),
            problems=problems,
            typed=typed,
            ask=questions.ask(form),
            number=questions.position(form),
            total=questions.total(form),
            detail=questions.of_type(form.step),
            choices=self._choices(form),
            postal=self.line.places.postal,
            **(self._checking(form) if form.step == CHECK else {}),
        )
        return page, status

    def _checking(self, form: Form) -> dict[str, Any]:
        """What the last page shows: all answers, and room for files unless nobody may send them."""
        place = self.line.places.called(form.municipality)
        takes = form.told and not self.line.pipeline.barred(form.contact())
        return {
            "rows": questions.summary(form, self.line.types, place),
            "files": [field_of(number) for number in range(1, MOST_FILES + 1)] if takes else [],
            "barred": form.told and not takes,
            "accepted": PICKED,
            "again": questions.CHOOSE_AGAIN,
        }

    def _choices(self, form: Form) -> list[tuple[str, str]]:
        """(value, words) of the radio buttons of this page, in the reader's language."""
        if form.step == PLACE:
            return [(key, self.line.places.called(key)) for key in form.candidates]
        return questions.choices(form.step, self.line.types, form.language)
