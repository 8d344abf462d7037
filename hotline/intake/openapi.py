"""OpenAPI: the public API described for those who write apps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotline.intake import asked
from hotline.intake.asked import MOST_TYPES
from hotline.intake.attachments import ACCEPTED, MOST_BYTES, MOST_FILES
from hotline.intake.files import MOST_TOGETHER
from hotline.intake.merge import LONGEST
from hotline.intake.schema import PROBLEMS, fields, problem, ref
from hotline.tips import Language, Urgency
from hotline.triage.messages import STATUSES

# Something is said: neither blank nor control characters alone, which the line takes off.
_SAYS = r"[^\s\u0000-\u001f\u007f-\u009f]"
_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A random name of this request. A repeat within 48 hours changes nothing and "
    "gets the same answer, also after a restart.",
    # A header's outer blanks never arrive.
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,198}[!-~])?$"},
}


def document(url: str, codes: Sequence[str]) -> dict[str, Any]:
    """OpenAPI 3.1 for a line at ``url`` that knows these crime types."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hotline",
            "version": "1",
            "description": "Anonymous reports. No address, number or user agent is stored. What "
            "points to the reporter is removed from texts before anything is stored.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": url}],
        "paths": {
            "/api/v1/tips": _post(
                "Report", "Tip", "201", "Accepted", keyed=True, note="A report, stored at once."
            ),
            "/api/v1/questions": asked.operation(codes),
            "/api/v1/follow-ups": _post(
                "FollowUp",
                "Receipt",
                "200",
                "Thread",
                note="What became of a report. A wrong number, an unknown one and one without an "
                "answer give the same answer.",
            ),
            "/api/v1/follow-ups/messages": _post(
                "Add",
                "Addition",
                "201",
                "Added",
                keyed=True,
                note="More about a report. With a number nobody has, a report of its own.",
            ),
        },
        "components": {"schemas": _schemas(codes) | asked.schemas(codes)},
    }


def _post(
    name: str, takes: str, status: str, gives: str, *, note: str, keyed: bool = False
) -> dict[str, Any]:
    responses = {
        status: {"description": note, "content": {"application/json": {"schema": ref(gives)}}}
    }
    for code, words in PROBLEMS.items():
        responses[code] = problem(code, words)
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": note,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(takes)}},
        },
        "responses": responses,
    }
    return {"post": operation | ({"parameters": [_KEY]} if keyed else {})}


def _schemas(codes: Sequence[str]) -> dict[str, Any]:
    text = {"type": "string", "maxLength": LONGEST}
    language = {"type": "string", "enum": [str(x.value) for x in Language]}
    said = {"type": "string", "minLength": 1}
    words = {**text, "pattern": _SAYS}
    example = {"examples": ["1234 5678 9012 3456 7890"]}
    receipt = {**words, **example, "description": "20 digits; any spacing is read."}
    municipality = fields("municipality", municipality={**said, "examples": ["BR:IBGE:3303302"]})
    return {
        "Tip": fields(
            "description",
            description=words,
            language=language,
            crime_types={"type": "array", "maxItems": MOST_TYPES, "items": {"enum": list(codes)}},
            place={
                "oneOf": [text, municipality],
                "description": f"Text and “where” of the answers together: {LONGEST} letters.",
            },
            urgency={"type": "string", "enum": [str(x.value) for x in Urgency]},
            answers=asked.answers(text),
            attachments={
                "type": "array",
                "maxItems": MOST_FILES,
                "items": ref("Attachment"),
                "description": "Pictures (JPEG, PNG, WebP), PDF and sound; no video. "
                f"At most {MOST_FILES} files of {MOST_BYTES >> 20} MiB each, "
                f"{MOST_TOGETHER >> 20} MiB together. When one is refused, the report is refused "
                "with 422, a pointer names the file, and nothing was stored: send it again "
                "without that file. With reports about images of abuse no file is taken.",
            },
        ),
        "Attachment": fields(
            "data",
            filename={**said, "description": "Read by nobody, stored nowhere. Leave it out."},
            content_type={**said, "examples": list(ACCEPTED)},
            data={
                "type": "string",
                "contentEncoding": "base64",
                "pattern": _BASE64,
                "minLength": 4,
            },
        ),
        "Accepted": fields(
            "receipt emergency advice",
            receipt={**example, "type": "string", "pattern": r"^\d{4}( \d{4}){4}$"},
            emergency={"oneOf": [{"type": "null"}, ref("Emergency")]},
            advice={"type": "array", "minItems": 1, "items": said},
        ),
        "Emergency": fields("number label message", number=said, label=said, message=said),
        "Receipt": fields("receipt", receipt=receipt),
        "Thread": fields(
            "status messages",
            status={
                **said,
                "description": f"{', '.join(STATUSES)}. Read an unknown one as “other”.",
            },
            messages={"type": "array", "items": ref("Message")},
        ),
        "Message": fields(
            "kind text language",
            kind={"type": "string", "enum": ["question", "reply"]},
            text=said,
            language=language,
        ),
        "Addition": fields("receipt message", receipt=receipt, message=words, language=language),
        "Added": fields("added", added={"const": True}),
        "Problem": fields(
            "type title status detail",
            type={"type": "string", "pattern": "^urn:hotline:problem:[a-z0-9_]+$"},
            title=said,
            status={"type": "integer", "minimum": 400, "maximum": 599},
            detail=said,
            incident=said,
            errors={"type": "array", "minItems": 1, "items": ref("Field")},
        )
        | {"description": "RFC 9457. Never holds what was sent."},
        "Field": fields(
            "pointer detail",
            pointer={
                "type": "string",
                "description": "JSON pointer, into the body or the query; empty: all of it.",
            },
            detail=said,
        ),
    }
