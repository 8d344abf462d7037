"""API: reports, answers and later words from apps, as strict JSON through the same pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from hotline.assembly import PublicLine
from hotline.errors import TooLarge
from hotline.intake.advice import advice, emergency
from hotline.intake.following import UNREADABLE
from hotline.intake.form import clean
from hotline.intake.merge import LONGEST
from hotline.intake.openapi import MOST_TYPES, document
from hotline.intake.telling import fingerprint, tell
from hotline.tips import Channel, Contact, Language, Question, Urgency
from hotline.vault.receipts import grouped, read_code
from hotline.web.errors import Refused
from hotline.web.i18n import N_, negotiate

LARGEST = 2 * 1024 * 1024  # bytes of a body: parsed whole in memory
_LONGEST_KEY = 200

_NOT_TEXT = N_("This must be text.")
_EMPTY = N_("This must not be empty.")
_NO_FILES = N_("Files are not taken yet. Send the report again without attachments.")
_TOO_LARGE = N_("Shorten it, or send it in two parts. Files are not taken yet.")
_BAD_KEY = N_("The Idempotency-Key must be 1 to 200 printable ASCII characters.")
_USED_KEY = N_("This Idempotency-Key was used for another report. Use a new one.")


def blueprint(line: PublicLine) -> Blueprint:
    """``/api/v1``."""
    desk = Endpoints(line)
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    api.add_url_rule("/tips", "tips", desk.tip, methods=["POST"])
    api.add_url_rule("/follow-ups", "follow_ups", desk.follow_up, methods=["POST"])
    api.add_url_rule("/follow-ups/messages", "messages", desk.message, methods=["POST"])
    description = document(line.settings.public_url, [kind.code for kind in line.types])
    api.add_url_rule("/openapi.json", "openapi", lambda: _json(description, 200))
    return api


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The calls of one line."""

    line: PublicLine

    def tip(self) -> Response:
        body, raw = self._body("description language crime_types place urgency answers attachments")
        contact = self._contact(body)
        language = g.language = contact.language or g.language
        key = _idempotency_key()
        self.line.limits.spend(None)
        told = tell(self.line.pipeline, contact, f"api:{key}" if key else None, raw)
        if told.changed:
            raise Refused(("", _USED_KEY))
        urgent = told.urgent or contact.urgency is Urgency.NOW
        profile, today = self.line.profile, self.line.clock.today()
        whom = emergency(profile, language, today) if urgent else None
        sentences = advice(profile, self.line.types, told.types, language, today)
        answer = {
            "receipt": grouped(told.code),
            "emergency": asdict(whom) if whom else None,
            "advice": list(sentences),
        }
        return _json(answer, 201)

    def follow_up(self) -> Response:
        body, _ = self._body("receipt")
        found = self.line.pipeline.follow_up(_receipt(body))
        messages = [
            {"kind": m.kind, "text": m.text, "language": m.language} for m in found.messages
        ]
        return _json({"status": found.status, "messages": messages}, 200)

    def message(self) -> Response:
        body, raw = self._body("receipt message language")
        code, text = _receipt(body), _text(body, "message")
        key = _idempotency_key()
        contact = Contact(channel=Channel.API, text=text, language=_language(body))
        self.line.limits.spend(None)
        # Another message under a key used before is another message: none is lost silently.
        once = f"api:message:{key}:{fingerprint(raw)}" if key else None
        self.line.pipeline.append(code, contact, once)
        return _json({"added": True}, 201)

    def _body(self, fields: str) -> tuple[dict[str, Any], bytes]:
        """The JSON object of the request, with no field but ``fields``, and its bytes."""
        g.language = negotiate(self.line.profile.languages[0])
        if request.mimetype != "application/json":
            raise UnsupportedMediaType
        request.max_content_length = LARGEST
        if (request.content_length or 0) > LARGEST:
            raise TooLarge(hint=_TOO_LARGE)
        raw = request.get_data(cache=False)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            raise BadRequest from None
        if not isinstance(body, dict):
            raise Refused(("", N_("The body must be a JSON object.")))
        if body.keys() - set(fields.split()):
            raise Refused(("", N_("There is a field that the line does not know.")))
        return body, raw

    def _contact(self, body: dict[str, Any]) -> Contact:
        attachments = body.get("attachments", [])
        if not isinstance(attachments, list):
            raise Refused(("/attachments", N_("This must be a list.")))
        if attachments:
            raise Refused(("/attachments", _NO_FILES))
        where, municipality = self._place(body.get("place"))
        answers = _answers(body.get("answers", {}))
        told = [where, answers.get(Question.WHERE, "")]
        if any(told):
            answers[Question.WHERE] = "\n".join(part for part in told if part)
        return Contact(
            channel=Channel.API,
            text=_text(body, "description"),
            language=_language(body),
            answers=answers,
            crime_types=self._types(body.get("crime_types", [])),
            municipality=municipality,
            urgency=_one_of(body, "urgency", Urgency, Urgency.UNKNOWN),
        )

    def _place(self, place: object) -> tuple[str, str | None]:
        """(free text, municipality key)."""
        if place is None:
            return "", None
        if isinstance(place, str):
            return _cleaned(place), None
        if not isinstance(place, dict) or set(place) != {"municipality"}:
            raise Refused(("/place", N_("This must be text or {“municipality”: key}.")))
        key = place["municipality"]
        if not isinstance(key, str) or key not in self.line.places:
            raise Refused(("/place/municipality", N_("There is no municipality with this key.")))
        return "", key

    def _types(self, codes: object) -> tuple[str, ...]:
        if not isinstance(codes, list) or len(codes) > MOST_TYPES:
            raise Refused(("/crime_types", N_("This must be a list of at most five codes.")))
        for at, code in enumerate(codes):
            if not isinstance(code, str) or code not in self.line.types:
                raise Refused((f"/crime_types/{at}", N_("There is no such crime type.")))
        return tuple(dict.fromkeys(codes))


def _json(body: object, status: int) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/json")


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (
        0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()
    ):
        raise Refused(("", _BAD_KEY))
    return key


def _cleaned(text: str) -> str:
    if len(text) > LONGEST:
        raise TooLarge
    return clean(text)


def _text(body: dict[str, Any], name: str) -> str:
    """A text that must be there and say something."""
    value = body.get(name)
    if not isinstance(value, str):
        raise Refused((f"/{name}", _NOT_TEXT))
    text = _cleaned(value)
    if not text:
        raise Refused((f"/{name}", _EMPTY))
    return text


def _receipt(body: dict[str, Any]) -> str:
    """Always 20 digits: what cannot be read is looked for like any other number."""
    return read_code(_text(body, "receipt")) or UNREADABLE


def _answers(value: object) -> dict[Question, str]:
    if not isinstance(value, dict) or not set(value) <= {question.value for question in Question}:
        raise Refused(("/answers", N_("This must be an object of what, where, when, who, more.")))
    for name, words in value.items():
        if not isinstance(words, str):
            raise Refused((f"/answers/{name}", _NOT_TEXT))
    return {Question(name): text for name, words in value.items() if (text := _cleaned(words))}


def _language(body: dict[str, Any]) -> Language | None:
    language: Language | None = _one_of(body, "language", Language, None)
    return language


def _one_of(body: dict[str, Any], name: str, kind: Callable[[str], Any], default: Any) -> Any:
    """A value of an enumeration, or ``default`` when the field is not there."""
    if name not in body:
        return default
    try:
        return kind(body[name])
    except ValueError:
        raise Refused((f"/{name}", N_("This is not one of the words the line knows."))) from None
