"""API: reports, answers and later words from apps, as strict JSON through the same pipeline."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from hotline.assembly import PublicLine
from hotline.errors import BadInput, TooLarge
from hotline.intake import asked
from hotline.intake.advice import advice, emergency
from hotline.intake.asked import MOST_TYPES
from hotline.intake.attachments import MOST_FILES
from hotline.intake.files import (
    MOST_TOGETHER,
    FilesBarred,
    MemoryRequest,
    Sent,
    TooLargeTogether,
    WrongFile,
)
from hotline.intake.following import even
from hotline.intake.form import clean
from hotline.intake.merge import LONGEST
from hotline.intake.openapi import document
from hotline.intake.telling import fingerprint, tell
from hotline.tips import Channel, Contact, Language, Question, Urgency
from hotline.vault.receipts import UNREADABLE, grouped, read_code
from hotline.web.errors import Refused
from hotline.web.i18n import N_, negotiate

LARGEST = 2 * 1024 * 1024  # bytes of a body: parsed whole in memory
LARGEST_WITH_FILES = LARGEST + MOST_TOGETHER * 4 // 3 + 1024  # in Base64, with names
_LONGEST_KEY = 200

_NOT_TEXT = N_("This must be text.")
_UNKNOWN = N_("There is a field that the line does not know.")
_TYPES = N_("This must be a list of at most five codes.")
_EMPTY = N_("This must not be empty.")
_TOO_MANY = N_("At most five files are taken with a report.")
_FILE = N_("This must be an object of filename, content_type and data.")
_NOT_BASE64 = N_("This must be Base64.")
_TOO_LARGE = N_("Shorten it, or send it in two parts. Files together may have 20 MB.")
_BAD_KEY = N_("The Idempotency-Key must be 1 to 200 printable ASCII characters.")


class KeyUsed(BadInput):
    """The name of a request names another one already: which of the two was meant?"""

    code = "key_used"
    message = N_("This Idempotency-Key was used for another report. Nothing was stored now.")
    hint = N_("Send this report with a new key.")


def blueprint(line: PublicLine) -> Blueprint:
    """``/api/v1``."""
    desk = Endpoints(line)
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    api.add_url_rule("/tips", "tips", desk.tip, methods=["POST"])
    api.add_url_rule("/follow-ups", "follow_ups", desk.follow_up, methods=["POST"])
    api.add_url_rule("/follow-ups/messages", "messages", desk.message, methods=["POST"])
    description = document(line.settings.public_url, [kind.code for kind in line.types])
    api.add_url_rule("/questions", "questions", desk.questions)
    api.add_url_rule("/openapi.json", "openapi", lambda: _json(description, 200))
    return api


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The calls of one line."""

    line: PublicLine

    def tip(self) -> Response:
        body, raw = self._body(
            "description language crime_types place urgency answers attachments",
            LARGEST_WITH_FILES,
        )
        contact, files = self._contact(body), _attachments(body.pop("attachments", []))
        language = g.language = contact.language or g.language
        key = _idempotency_key()
        if files and self.line.pipeline.barred(contact):
            raise Refused(("/attachments", FilesBarred.message))
        self.line.limits.spend(None)
        try:
            told = tell(self.line.pipeline, contact, f"api:{key}" if key else None, raw, files)
        except WrongFile as wrong:
            if wrong.refused.status >= 500:  # nothing is wrong with the file
                raise wrong.refused from None
            raise Refused((f"/attachments/{wrong.number - 1}", wrong.message)) from None
        if told.changed:
            raise KeyUsed
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

    def questions(self) -> Response:
        """What some types are asked. It is the same for everybody and says nothing of who asks:
        the only answer of the line that may be kept."""
        g.language = negotiate(self.line.profile.languages[0])
        if request.args.keys() - {"language", "crime_types"}:
            raise Refused(("", _UNKNOWN))
        given = {name: request.args.getlist(name) for name in request.args}
        codes = ",".join(given.get("crime_types", [])).split(",") if "crime_types" in given else []
        if len(given.get("crime_types", [])) > 1:
            raise Refused(("/crime_types", _TYPES))
        # Given twice it is none of the words.
        chosen = {"language": ",".join(given["language"])} if "language" in given else {}
        language = _language(chosen)
        body = asked.listed(self._types(codes), (language,) if language else Language)
        response = _json(body, 200)
        response.headers["Cache-Control"] = asked.CACHE
        return response

    def follow_up(self) -> Response:
        body, _ = self._body("receipt")
        found = self.line.pipeline.follow_up(_receipt(body))
        messages = [
            {"kind": m.kind, "text": m.text, "language": m.language} for m in found.messages
        ]
        answer = {"status": found.status, "messages": messages}
        return even(json.dumps(answer, ensure_ascii=False), "application/json")

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

    def _body(self, fields: str, largest: int = LARGEST) -> tuple[dict[str, Any], bytes]:
        """The JSON object of the request, with no field but ``fields``, and its bytes."""
        g.language = negotiate(self.line.profile.languages[0])
        if request.mimetype != "application/json":
            raise UnsupportedMediaType
        request.max_content_length = largest
        if (request.content_length or 0) > largest:
            raise TooLarge(hint=_TOO_LARGE)
        if isinstance(request, MemoryRequest):
            request.take_turn()
        raw = request.get_data(cache=False)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            raise BadRequest from None
        if not isinstance(body, dict):
            raise Refused(("", N_("The body must be a JSON object.")))
        if body.keys() - set(fields.split()):
            raise Refused(("", _UNKNOWN))
        return body, raw

    def _contact(self, body: dict[str, Any]) -> Contact:
        where, municipality = self._place(body.get("place", ""))
        words, ticked = asked.told(body.get("answers", {}))
        said = {name: text for name, each in words.items() if (text := _cleaned(each))}
        answers = {Question(name): said.pop(name) for name in list(said) if name in asked.CORE}
        told = [where, answers.get(Question.WHERE, "")]
        if any(told):
            answers[Question.WHERE] = "\n".join(part for part in told if part)
        return Contact(
            channel=Channel.API,
            text=_text(body, "description"),
            language=_language(body),
            answers=answers,
            details=said,
            ticked=ticked,
            crime_types=self._types(body.get("crime_types", [])),
            municipality=municipality,
            urgency=_one_of(body, "urgency", Urgency, Urgency.UNKNOWN),
        )

    def _place(self, place: object) -> tuple[str, str | None]:
        """(free text, municipality key)."""
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
            raise Refused(("/crime_types", _TYPES))
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


def _attachments(listed: object) -> tuple[Sent, ...]:
    """The files of a body. Their names are read by nobody and go no further than here."""
    if not isinstance(listed, list):
        raise Refused(("/attachments", N_("This must be a list.")))
    if len(listed) > MOST_FILES:
        raise Refused(("/attachments", _TOO_MANY))
    files = tuple(_file(at, one) for at, one in enumerate(listed))
    if sum(len(file.data) for file in files) > MOST_TOGETHER:
        raise Refused(("/attachments", TooLargeTogether.message))
    return files


def _file(at: int, one: object) -> Sent:
    if not isinstance(one, dict) or set(one) - {"filename", "content_type", "data"}:
        raise Refused((f"/attachments/{at}", _FILE))
    for name in ("filename", "content_type"):
        if not isinstance(one.get(name, ""), str):
            raise Refused((f"/attachments/{at}/{name}", _NOT_TEXT))
    try:
        data = b64decode(one["data"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise Refused((f"/attachments/{at}/data", _NOT_BASE64)) from None
    return Sent(at + 1, data, one.get("content_type", ""))


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
