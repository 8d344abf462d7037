"""Schema: the pieces that the API's description is put together from."""

from __future__ import annotations

from typing import Any

PROBLEMS = {
    "400": "The body is not JSON.",
    "405": "Only POST is taken here.",
    "413": "Longer than the line takes in one piece. Nothing was stored.",
    "415": "The body is not application/json.",
    "422": "Some fields are wrong. Nothing was stored.",
    "500": "Nobody expected this. Tell the line its incident number.",
    "503": "The line is too busy, or cannot take it safely now. Nothing was stored.",
}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def fields(required: str, **properties: Any) -> dict[str, Any]:
    """An object of these properties and no others; ``required`` are names with spaces between."""
    return {
        "type": "object",
        "required": required.split(),
        "additionalProperties": False,
        "properties": properties,
    }


def problem(code: str, words: str) -> dict[str, Any]:
    """The response of a status that is an RFC 9457 problem."""
    text = {"required": True, "schema": {"type": "string"}}
    headers = {"Content-Language": text | {"description": "The language of its sentences."}}
    if code == "503":
        seconds = {"type": "integer", "minimum": 1}
        headers["Retry-After"] = {"required": True, "schema": seconds, "description": "Seconds."}
    if code == "405":
        headers["Allow"] = text
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {"description": words, "headers": headers, "content": content}
