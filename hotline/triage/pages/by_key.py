"""By key: ``/agency/v1``: what agencies' machines fetch and answer, by signed requests (RFC 9421).

No session, no cookie, no form: the signature is the door. Whoever has no key that the line knows,
signs wrongly, says something twice or asks for another's package gets one and the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from hotline.assembly import StaffLine
from hotline.delivery import packages
from hotline.delivery.reading import SCHEMA, schema
from hotline.errors import BadInput, HotlineError, NotAllowed
from hotline.store.database import AlreadyThere
from hotline.store.desk import Package
from hotline.tips import Language
from hotline.triage.pages.tip import read_id
from hotline.web.errors import Failure, problem

LARGEST = 16 * 1024  # bytes of a request's body


class BadBody(BadInput):
    code = "bad_body"
    message = "This request cannot be read."
    hint = "Send a JSON object with the fields of docs/agencies.md."


def blueprint(line: StaffLine) -> Blueprint:
    """For the console app. The schema is anybody's: it says nothing of any line."""
    rooms = Blueprint("agencies", __name__, url_prefix="/agency/v1")
    calls = Endpoints(line, packages.Signed(line, line.once, line.clock))
    one = "/packages/<package>"
    rooms.add_url_rule("/packages", "listed", calls.listed)
    rooms.add_url_rule(one, "fetch", calls.fetch)
    rooms.add_url_rule(f"{one}/receipt", "confirm", calls.confirm, methods=["POST"])
    rooms.add_url_rule(f"{one}/outcome", "answer", calls.answer, methods=["POST"])
    rooms.add_url_rule(f"/{SCHEMA}", "described", described)
    rooms.register_error_handler(HotlineError, refused)
    return rooms


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The calls of one line."""

    line: StaffLine
    door: packages.Signed

    def listed(self) -> Response:
        found = packages.waiting(self.line, self._asking())
        return _json({"packages": [_row(package) for package in found]})

    def fetch(self, package: str) -> Response:
        sealed = packages.fetch(self.line, self._asking(), read_id(package))
        return Response(sealed, mimetype=packages.MEDIA_TYPE)

    def confirm(self, package: str) -> Response:
        asked, body = self._asking(), _body("reply")
        packages.confirm(self.line, asked, read_id(package), _reply(body))
        return _json({"state": "confirmed"})

    def answer(self, package: str) -> Response:
        asked, body = self._asking(), _body("outcome", "reply")
        outcome = str(body.get("outcome"))
        packages.answer(self.line, asked, read_id(package), outcome, _reply(body))
        return _json({"state": "answered"})

    def _asking(self) -> packages.Asking:
        # Looked at before it is read: nobody makes the line read more.
        if (request.content_length or 0) > LARGEST or request.headers.get("Transfer-Encoding"):
            raise NotAllowed
        body = request.get_data(cache=True)
        return self.door.enter(request.method, request.url, dict(request.headers), body)


def described() -> Response:
    return Response(schema(), mimetype="application/schema+json")


def refused(error: HotlineError) -> Response:
    """Machines are spoken to in English."""
    g.language = Language.EN
    if isinstance(error, NotAllowed | AlreadyThere):
        return problem(_NOTHING)
    return problem(Failure(error.status, error.code, error.message, error.hint))


_NOTHING = Failure(
    404,
    "not_found",
    "There is nothing here for this key.",
    "Check the key, the address, the clock and the package's id.",
)


def _row(package: Package) -> dict[str, str]:
    names = ("role", "state", "day", "due")
    return {"id": package.id.hex()} | {name: getattr(package, name) for name in names}


def _body(*names: str) -> Mapping[str, Any]:
    """Raises BadBody."""
    try:
        found = json.loads(request.get_data(cache=True) or b"{}")
    except (ValueError, RecursionError):
        raise BadBody from None
    if not isinstance(found, dict) or found.keys() - set(names):
        raise BadBody
    return found


def _reply(body: Mapping[str, Any]) -> packages.Reply | None:
    return packages.Reply.read(body["reply"]) if body.get("reply") is not None else None


def _json(document: Mapping[str, object]) -> Response:
    return Response(json.dumps(document), mimetype="application/json")
