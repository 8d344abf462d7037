"""OpenAPI: the public API described for those who write apps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotline.intake.merge import LONGEST
from hotline.tips import Language, Question, Urgency

MOST_TYPES = 5
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A random name of this request. A repeat within 48 hours changes nothing and "
    "gets the same answer, also after a restart.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
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
        "components": {"schemas": _schemas(codes)},
    }


def _post(
    name: str, takes: str, status: str, gives: str, *, note: str, keyed: bool = False
) -> dict[str, Any]:
    problems = {
        "400": "The body is not JSON.",
        "413": "Longer than the line takes in one piece.",
        "415": "The body is not application/json.",
        "422": "Some fields are wrong. Nothing was stored.",
        "503": "The line cannot take it safely now. Nothing was stored.",
    }
    responses = {
        status: {"description": note, "content": {"application/json": {"schema": _ref(gives)}}}
    }
    for code, words in problems.items():
        content = {"application/problem+json": {"schema": _ref("Problem")}}
        responses[code] = {"description": words, "content": content}
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": note,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(takes)}},
        },
        "responses": responses,
    }
    return {"post": operation | ({"parameters": [_KEY]} if keyed else {})}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required.split(),
        "additionalProperties": False,
        "properties": properties,
    }


def _schemas(codes: Sequence[str]) -> dict[str, Any]:
    text = {"type": "string", "maxLength": LONGEST}
    language = {"type": "string", "enum": [str(x.value) for x in Language]}
    said = {"type": "string"}
    receipt = {
        "type": "string",
        "description": "20 digits; any spacing is read.",
        "examples": ["1234 5678 9012 3456 7890"],
    }
    municipality = _object("municipality", municipality={**said, "examples": ["BR:IBGE:3303302"]})
    field = {"type": "object", "properties": {"pointer": said, "detail": said}}
    return {
        "Tip": _object(
            "description",
            description={**text, "minLength": 1},
            language=language,
            crime_types={"type": "array", "maxItems": MOST_TYPES, "items": {"enum": list(codes)}},
            place={"oneOf": [text, municipality]},
            urgency={"type": "string", "enum": [str(x.value) for x in Urgency]},
            answers=_object("", **{str(question.value): text for question in Question}),
            attachments={
                "type": "array",
                "maxItems": 0,
                "description": "Files are not taken yet. A report with files is refused with 422 "
                "and its text is not stored: send it again without them.",
            },
        ),
        "Accepted": _object(
            "receipt emergency advice",
            receipt=receipt,
            emergency={"oneOf": [{"type": "null"}, _ref("Emergency")]},
            advice={"type": "array", "items": said},
        ),
        "Emergency": _object("number label message", number=said, label=said, message=said),
        "Receipt": _object("receipt", receipt=receipt),
        "Thread": _object(
            "status messages",
            status={**said, "description": "waiting, forwarded, closed, or an outcome."},
            messages={"type": "array", "items": _ref("Message")},
        ),
        "Message": _object("kind text language", kind=said, text=said, language=said),
        "Addition": _object(
            "receipt message", receipt=receipt, message={**text, "minLength": 1}, language=language
        ),
        "Added": _object("added", added={"const": True}),
        "Problem": {
            "type": "object",
            "description": "RFC 9457. Never holds what was sent.",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": said,
                "title": said,
                "status": {"type": "integer"},
                "detail": said,
                "incident": said,
                "errors": {"type": "array", "items": field},
            },
        },
    }
