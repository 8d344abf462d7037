"""The provider's own description of its API: says whether a request is one, and shapes answers.

``tests/vectors/twilio_api_v2010.json`` holds the paths we use, as the provider publishes them;
NOTICE names the source. Stricter than a mock made from the same file: a parameter it does not
know is refused too, so that a misspelt one fails a test instead of being ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "vectors" / "twilio_api_v2010.json"
_FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "phone-number": re.compile(r"\+\d{8,15}|whatsapp:\+\d{8,15}"),
    "endpoint": re.compile(r"\+\d{8,15}"),  # we call telephones only
    "uri": re.compile(r"https?://\S+"),
}


class NotDescribed(Exception):
    """A request that the description does not allow, and why."""


@dataclass(frozen=True)
class Operation:
    id: str
    path: dict[str, str]
    described: Mapping[str, Any]


class Description:
    def __init__(self) -> None:
        self._all = json.loads(FILE.read_text())
        paths = self._all["paths"].items()
        self._paths = [(_pattern(path), methods) for path, methods in paths]

    def operation(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]] = (),
        form: Iterable[tuple[str, str]] = (),
    ) -> Operation:
        """Raises NotDescribed."""
        for pattern, methods in self._paths:
            if (found := pattern.fullmatch(path)) and method.lower() in methods:
                described = methods[method.lower()]
                self._parameters(described, found.groupdict(), list(query))
                self._form(described, list(form))
                return Operation(described["operationId"], found.groupdict(), described)
        raise NotDescribed(f"{method} {path} is no operation")

    def _parameters(
        self, described: Mapping[str, Any], path: dict[str, str], query: list[tuple[str, str]]
    ) -> None:
        known = {(p["in"], p["name"]): p for p in described["parameters"]}
        given = [("path", name, value) for name, value in path.items()]
        given += [("query", name, value) for name, value in query]
        for where, name, value in given:
            if (where, name) not in known:
                raise NotDescribed(f"{where} parameter {name} is unknown")
            self._check(name, value, known[where, name]["schema"])
        there = {(where, name) for where, name, _ in given}
        for key, parameter in known.items():
            if parameter.get("required") and key not in there:
                raise NotDescribed(f"{key[1]} is missing")

    def _form(self, described: Mapping[str, Any], form: list[tuple[str, str]]) -> None:
        body = described.get("requestBody", {}).get("content", {})
        schema = body.get("application/x-www-form-urlencoded", {}).get("schema", {})
        for name, value in form:
            if name not in schema.get("properties", {}):
                raise NotDescribed(f"form field {name} is unknown")
            self._check(name, value, schema["properties"][name])
        for name in schema.get("required", ()):
            if name not in dict(form):
                raise NotDescribed(f"form field {name} is missing")

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        found: Mapping[str, Any] = self._all["components"]["schemas"][name] if name else schema
        return found

    def _check(self, name: str, value: str, schema: Mapping[str, Any]) -> None:
        schema = self.resolved(schema)
        if schema.get("type") == "array":
            schema = self.resolved(schema["items"])
        pattern = _FORMATS.get(schema.get("format", ""))
        number = int(value) if value.lstrip("-").isdecimal() else None
        wrong = (
            ("enum" in schema and value not in schema["enum"])
            or not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10_000)
            or ("pattern" in schema and not re.search(schema["pattern"], value))
            or (pattern is not None and not pattern.fullmatch(value))
            or (schema.get("type") == "boolean" and value not in ("true", "false"))
        )
        if schema.get("type") == "integer":
            most = schema.get("maximum", 2**63)
            wrong = wrong or number is None or not schema.get("minimum", 0) <= number <= most
        if wrong:
            raise NotDescribed(f"{name} does not fit its schema")

    def answer(self, operation: Operation, **facts: Any) -> tuple[int, Any]:
        """The status and body of a success, with ``facts`` where they are given. A fact that the
        schema does not have is a mistake of the test."""
        (status, response), *_ = operation.described["responses"].items()
        content = response.get("content", {})
        if not content:
            assert not facts
            return int(status), None
        return int(status), self._shape(content["application/json"]["schema"], facts)

    def _shape(self, schema: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
        properties = self.resolved(schema)["properties"]
        assert facts.keys() <= properties.keys(), facts.keys() - properties.keys()
        shaped = {}
        for name, described in properties.items():
            part = self.resolved(described)
            value = facts.get(name)
            if part.get("type") == "array":
                items = self.resolved(part["items"])
                shaped[name] = [self._shape(items, each) for each in value or ()]
            else:
                shaped[name] = value
        return shaped


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    named = (f"(?P<{p}>[^/]+?)" if n % 2 else re.escape(p) for n, p in enumerate(parts))
    return re.compile("".join(named))


@lru_cache(maxsize=1)
def description() -> Description:
    return Description()
