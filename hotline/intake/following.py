"""Following: coming back with a receipt: what became of the report, and a word more.

The number is posted, never part of an address; the page carries it on sealed. A wrong number, an
unknown one and one without an answer give the same page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from flask import Blueprint, Response, g, render_template, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from hotline.assembly import PublicLine
from hotline.errors import TooLarge
from hotline.intake.files import MemoryRequest
from hotline.intake.form import FormExpired, FormKeys, clean
from hotline.intake.merge import LONGEST
from hotline.intake.questions import SHORTER, Problem
from hotline.intake.telling import fingerprint
from hotline.intake.thread import FollowUp, Message
from hotline.store.database import DatabaseUnavailable
from hotline.store.seen import Seen
from hotline.tips import Channel, Contact, Language
from hotline.triage.messages import STATUSES
from hotline.vault.receipts import REPLY_SLOTS, UNREADABLE, read_code
from hotline.vault.small import random_id
from hotline.web.i18n import N_, negotiate

FORM_TYPE = "application/x-www-form-urlencoded"
FILES_TYPE = "multipart/form-data"

# What an unknown number shows too, so it may not claim that there is a report.
WAITING = N_("There is no answer yet for this number.")
SMALLER_FILES = N_("Go back in your browser: your answers are still there. Choose smaller files.")
NO_NUMBER = Problem("receipt", N_("Write the 20 digits of your receipt."))
NO_MESSAGE = Problem("message", N_("Write your message, then press “Send”."))
STALE = N_("This page was open for too long. Write the number of your receipt again.")


# Text and language of a message nobody sent.
_NOBODY = Message("reply", "x " * 300, "pt")


def _articles(messages: Sequence[Message]) -> Markup:
    """The messages as they are shown. As many as a reporter can have are always written, and those
    that nobody sent thrown away: writing one takes as long as all the rest of opening it."""
    written = [
        render_template(
            "public/message.html",
            message=message,
            spoken=Language.parse(message.language) or g.language,
        )
        for message in (*messages, *[_NOBODY] * (REPLY_SLOTS - 1 - len(messages)))
    ]
    return Markup("\n").join(map(Markup, written[: len(messages)]))


Shown = tuple[str | Response, int]

# Seven messages of 1,500 letters on the page's longest language are 20 KB; what is larger doubles.
EVEN = 32 * 1024


def even(text: str, mimetype: str) -> Response:
    """An answer to a receipt: always as long as any other, or whoever counts bytes on the wire
    sees which numbers have answers. Spaces at the end mean nothing in HTML and in JSON; nobody on
    the way may compress them away."""
    raw, size = text.encode("utf-8", "replace"), EVEN
    while size < len(raw):
        size *= 2
    response = Response(raw.ljust(size), mimetype=mimetype)
    response.headers["Cache-Control"] = "no-store, no-transform"
    return response


def install(web: Blueprint, line: PublicLine, keys: FormKeys) -> None:
    pages = FollowUps(line, keys, Seen(line.database))
    web.add_url_rule("/follow-up", "follow_up", pages.ask, methods=["GET"])
    web.add_url_rule("/follow-up", "followed", pages.answer, methods=["POST"])


def posted_form(*, files: bool = False) -> MultiDict[str, str]:
    """The fields of a plain form, or of one with files; an empty request is an empty form.
    Raises UnsupportedMediaType, TooLarge."""
    multipart = request.mimetype == FILES_TYPE and request.mimetype_params.get("boundary")
    if files and multipart and isinstance(request, MemoryRequest):
        request.make_room()
    elif request.mimetype != FORM_TYPE and (request.mimetype or request.content_length):
        raise UnsupportedMediaType
    try:
        return request.form
    except RequestEntityTooLarge:
        hint = SMALLER_FILES if request.mimetype == FILES_TYPE else SHORTER
        raise TooLarge(hint=hint) from None


@dataclass(frozen=True, slots=True)
class FollowUps:
    """The pages of one line."""

    line: PublicLine
    keys: FormKeys
    seen: Seen

    def ask(self) -> tuple[str, int]:
        g.language = negotiate(self.line.profile.languages[0])
        return self._ask(None)

    def answer(self) -> Shown:
        g.language = negotiate(self.line.profile.languages[0])
        posted = posted_form()
        chosen = Language.parse(posted.get("language"))
        if "form" in posted:
            return self._continue(posted, chosen)
        g.language = Language.parse(posted.get("spoken")) or g.language
        if chosen:
            g.language = chosen
            return self._ask(None, posted.get("receipt", "")[:100])
        typed = posted.get("receipt", "")
        if not any(character.isdecimal() for character in typed[:200]):
            return self._ask(NO_NUMBER, typed[:100])
        return self._show(read_code(typed) or UNREADABLE)

    def _continue(self, posted: MultiDict[str, str], chosen: Language | None) -> Shown:
        """The page that already carries a receipt: another language, or a message."""
        words = posted.get("message", "")
        try:
            carried = json.loads(self.keys.open("follow-up", posted["form"]))
        except FormExpired as expired:
            return self._ask(Problem("receipt", STALE, status=expired.status), message=words)
        g.language = chosen or Language(carried["language"])
        code, form = carried["receipt"], carried["id"]
        if chosen:
            return self._show(code, words=words, form=form)
        if len(words) > LONGEST:
            return self._show(code, Problem.of("message", TooLarge()), words, form)
        text = clean(words)
        if not text:
            return self._show(code, NO_MESSAGE, words, form)
        contact = Contact(channel=Channel.WEB, text=text, language=g.language)
        self.line.limits.spend(None)
        # Sent, changed after going back and sent again: the changed words are added too.
        once = f"form:{form}:{fingerprint(text.encode('utf-8', 'replace'))}"
        self.line.pipeline.append(code, contact, once)
        return self._show(code, added=True)

    def _ask(self, problem: Problem | None, typed: str = "", message: str = "") -> tuple[str, int]:
        page = render_template(
            "public/follow_up.html",
            problems=[problem] if problem else [],
            typed=typed,
            message=message,
        )
        return page, problem.status if problem else 200

    def _show(
        self,
        code: str,
        problem: Problem | None = None,
        words: str = "",
        form: str = "",
        *,
        added: bool = False,
    ) -> tuple[Response, int]:
        found: FollowUp = self.line.pipeline.follow_up(code)
        # Those who wrote learn that it was opened here. Reading goes on without it: a database that
        # cannot be written to is no reason to keep an answer from anybody.
        with suppress(DatabaseUnavailable):
            self.seen.opened(found.sign)
        waiting = found.status == "waiting"
        carried = {"receipt": code, "id": form or random_id().hex(), "language": g.language}
        page = render_template(
            "public/thread.html",
            problems=[problem] if problem else [],
            words=words,
            added=added,
            sentence=WAITING if waiting else STATUSES.get(found.status, STATUSES["other"]),
            waiting=waiting,
            messages=_articles(found.messages),
            asked=bool(found.messages) and found.messages[-1].kind == "question",
            sealed=self.keys.seal("follow-up", json.dumps(carried).encode()),
        )
        return even(page, "text/html"), problem.status if problem else 200
