"""Errors: every failure as a page or as problem+json: a sentence, a hint, another way to report.

Nothing a person typed is ever said in it. What nobody expected gets a random incident number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from hotline.assembly import PublicLine
from hotline.errors import BadInput, HotlineError, TooLarge
from hotline.intake.advice import number_for
from hotline.log import Log
from hotline.routing.profile import EmergencyNumber
from hotline.tips import Language
from hotline.web.i18n import N_, current, negotiate, say

RETRY_SECONDS = "60"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
_OURS = (N_("Something went wrong on our side."), N_("Try again in a few minutes."))
_SENTENCES = {
    400: (N_("This request cannot be read."), N_("Go back and try again.")),
    404: (N_("There is no page here."), N_("Check the address.")),
    405: (N_("This page cannot be used that way."), N_("Use the form on the first page.")),
    413: (TooLarge.message, TooLarge.hint),
    415: (N_("This cannot be read in this format."), N_("Use the form on the first page.")),
    500: _OURS,
}
_CALLS = N_("The calls are described in /api/v1/openapi.json.")
_API_HINTS = {404: _CALLS, 405: _CALLS, 415: N_("Send it as application/json.")}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure as it is shown. ``fields`` are (JSON pointer, msgid)."""

    status: int
    code: str
    message: str
    hint: str
    incident: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class Refused(BadInput):
    """One or more fields of a JSON body are wrong: ``fields`` are (JSON pointer, msgid)."""

    code = "bad_fields"
    message = N_("This was not taken: some of its fields are wrong. Nothing was stored.")
    hint = N_("Correct the fields named in “errors” and send it again.")

    def __init__(self, *fields: tuple[str, str]) -> None:
        super().__init__()
        self.fields = fields


def install_public(app: Flask, line: PublicLine) -> None:
    """Handlers of the public app. Webhooks bring their own for what the provider must hear."""
    profile, default = line.profile, line.profile.languages[0]
    app.context_processor(lambda: {"danger": number_for(profile, "police", line.clock.today())})

    def answer(failure: Failure) -> Response:
        if "language" not in g:
            g.language = negotiate(default)
        if request.path.startswith("/api/"):
            return problem(failure)
        elsewhere = profile.elsewhere_on(line.clock.today())
        return page("public/error.html", failure, elsewhere, _carried(failure))

    _install(app, answer)


def install_console(app: Flask) -> None:
    """Handlers of the staff's apps."""

    def answer(failure: Failure) -> Response:
        if "language" not in g:
            g.language = negotiate(Language.EN)
        return page("shared/error.html", failure, ())

    _install(app, answer)


def install_analyst(app: Flask) -> None:
    """Pages for people; programs, who ask under /api/, get an object of code, sentence and hint."""

    def answer(failure: Failure) -> Response:
        if "language" not in g:
            g.language = negotiate(Language.EN)
        if request.path.startswith("/api/"):
            return refusal(failure)
        return page("shared/error.html", failure, ())

    _install(app, answer)


def _install(app: Flask, answer: Callable[[Failure], Response]) -> None:
    log: Log = app.extensions["log"]

    @app.errorhandler(HotlineError)
    def _ours(error: HotlineError) -> Response:
        fields = error.fields if isinstance(error, Refused) else ()
        if error.status >= 500:
            log.event("refused", code=error.code, status=error.status)
        return answer(Failure(error.status, error.code, error.message, error.hint, "", fields))

    @app.errorhandler(HTTPException)
    def _theirs(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:
            return error.get_response()  # type: ignore[return-value]  # a redirect
        message, hint = _SENTENCES.get(status, _SENTENCES[400] if status < 500 else _OURS)
        response = answer(Failure(status, f"http_{status}", message, hint))
        if allowed := getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        return answer(Failure(500, "incident", *_OURS, incident=log.incident(error)))


def _carried(failure: Failure) -> list[tuple[str, str]]:
    """What the person sent and we failed to take, for a button that sends it again. Browsers do
    not go back to an answered form that nobody may store, so what was written would be lost."""
    if failure.status < 500 or request.mimetype not in FORM_TYPES:
        return []
    return list(request.form.items(multi=True))


def page(
    template: str,
    failure: Failure,
    elsewhere: tuple[EmergencyNumber, ...],
    carried: Sequence[tuple[str, str]] = (),
) -> Response:
    html = render_template(template, failure=failure, elsewhere=elsewhere, carried=carried)
    return _finish(Response(html, failure.status, mimetype="text/html"), failure)


def problem(failure: Failure) -> Response:
    """RFC 9457."""
    hint = _API_HINTS.get(failure.status, failure.hint)
    body: dict[str, object] = {
        "type": f"urn:hotline:problem:{failure.code}",
        "title": say(current(), failure.message),
        "status": failure.status,
        "detail": say(current(), hint),
    }
    if failure.incident:
        body["incident"] = failure.incident
    if failure.fields:
        body["errors"] = [
            {"pointer": pointer, "detail": say(current(), message)}
            for pointer, message in failure.fields
        ]
    text = json.dumps(body, ensure_ascii=False)
    response = Response(text, failure.status, mimetype="application/problem+json")
    return _finish(response, failure)


def refusal(failure: Failure) -> Response:
    """``{"error": code, "message": sentence, "hint": what would do}``."""
    body = {
        "error": failure.code,
        "message": say(current(), failure.message),
        "hint": say(current(), failure.hint),
    }
    if failure.incident:
        body["incident"] = failure.incident
    text = json.dumps(body, ensure_ascii=False)
    response = _finish(Response(text, failure.status, mimetype="application/json"), failure)
    if failure.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _finish(response: Response, failure: Failure) -> Response:
    response.headers["Content-Language"] = current().tag
    if failure.status == 503:
        response.headers["Retry-After"] = RETRY_SECONDS
    return response
