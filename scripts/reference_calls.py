"""Calls: docs/reference/api.md: every address of the three apps.

The public API from the description that the line itself serves, the console's pages from
``reference_console``; the rest from hotline/web/calls.toml, held against the apps' own maps."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from flask import Flask

from scripts.reference_console import console

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "hotline" / "web" / "calls.toml"
HINT = "describe it in hotline/web/calls.toml and run scripts/reference"
API = "/api/v1/"
PUBLIC, CONSOLE, ANALYST = "public", "console", "analyst"
# Which app answers what a section of the file describes.
APP_OF = {"public": PUBLIC, "agency": CONSOLE, "analyst": ANALYST}
TITLES = {
    "public": ("Pages and webhooks of the public app", "Port 8000."),
    "agency": (
        "Agencies and the machine's watcher",
        """On the console's port, 8001. How to sign is in
[agencies.md](../agencies.md#for-programs-the-calls).""",
    ),
    "analyst": ("The analysts' site", "Port 8002. [analysts.md](../analysts.md) has examples."),
    "every": ("Every app", "The same on each port."),
}
INTRO = """\
A problem of a call for programs is RFC 9457 (`application/problem+json`) on the public app and for
agencies, `{"error", "message", "hint"}` on the analysts' site; on pages it is a sentence. Each code
is in [errors.md](errors.md). Beside those named here any call may answer 404 (no such address),
405, 413, 500 (with a random incident number) and 503 (`busy`, `unavailable`)."""
Row = Mapping[str, Any]


def told() -> dict[str, list[Row]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def apps() -> dict[str, Flask]:
    """The three applications around a line that has only what declaring addresses asks of one."""
    from hotline.clock import Clock
    from hotline.founding import PEPPER
    from hotline.routing.profile import Profile
    from hotline.settings import Settings
    from hotline.web.apps import analyst_app, console_app, public_app

    line = MagicMock()
    with tempfile.TemporaryDirectory() as home:
        line.settings, line.clock = Settings(Path(home), "sqlite://"), Clock()
        line.profile = Profile.load(line.settings.jurisdiction)
        line.settings.public.mkdir()
        (line.settings.public / PEPPER).write_bytes(bytes(32))
        return {
            PUBLIC: public_app(line),
            CONSOLE: console_app(line),
            ANALYST: analyst_app(line.settings),
        }


def served(app: Flask) -> set[tuple[str, str]]:
    """(address, method) of what no page of the console declares."""
    declared = app.extensions.get("console_access", {})
    return {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in declared
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def description() -> dict[str, Any]:
    """What a line serves at /api/v1/openapi.json."""
    from hotline.intake.openapi import document
    from hotline.routing.classify import type_names

    return document("https://line.example", list(type_names()))


def problems(rows: Mapping[str, list[Row]], there: Mapping[str, set[tuple[str, str]]]) -> list[str]:
    """Addresses nobody described, and descriptions of what is not there."""
    api = {
        (address, method.upper())
        for address, operations in description()["paths"].items()
        for method in operations
    }
    every = {(row["address"], row["method"]) for row in rows["every"]}
    wrong = []
    for section, app in APP_OF.items():
        said = {(row["address"], row["method"]) for row in rows[section]} | every
        said |= api if app == PUBLIC else set()
        wrong += [f"{m} {a} ({app}): {HINT}" for a, m in sorted(there[app] - said)]
        wrong += [f"{m} {a} ({app}) is not there" for a, m in sorted(said - there[app])]
    known = codes()
    for row in (row for section in rows.values() for row in section):
        wrong += [f"{row['address']}: no error {c}" for c in row.get("fails", ()) if c not in known]
    return wrong


def codes() -> dict[str, int]:
    """Status of each error by its code."""
    import hotline
    from hotline.errors import HotlineError

    for module in pkgutil.walk_packages(hotline.__path__, "hotline."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, left = {}, [HotlineError]
    while left:
        error = left.pop()
        found[error.code] = error.status
        left += error.__subclasses__()
    return found


def words() -> dict[str, str]:
    """Closed lists that stand in braces."""
    from hotline.analysis.question import DIMENSIONS
    from hotline.analysts.drawing import TITLES as CHARTS
    from hotline.analysts.drawn import Drawn
    from hotline.delivery.outcomes import OUTCOME_NAMES

    formats = dict.fromkeys(form for form, _ in Drawn.formats)
    lists = {
        "dimensions": DIMENSIONS,
        "charts": tuple(CHARTS),
        "formats": tuple(formats),
        "outcomes": tuple(OUTCOME_NAMES),
    }
    return {name: ", ".join(f"`{one}`" for one in each) for name, each in lists.items()}


def cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def filled(text: str, lists: Mapping[str, str]) -> str:
    """Only names of lists: braces of JSON stay."""
    for name, each in lists.items():
        text = text.replace(f"{{{name}}}", each)
    return cell(text)


def calls() -> Iterator[str]:
    rows, made = told(), apps()
    if wrong := problems(rows, {name: served(app) for name, app in made.items()}):
        sys.exit("\n".join(wrong))
    status, lists = codes(), words()
    yield from (*INTRO.splitlines(), "")
    yield from api()
    for section, (title, says) in TITLES.items():
        yield from (f"## {title}", "", says, "")
        for row in rows[section]:
            yield from call(row, status, lists)
        if section == "public":
            yield from console(made[CONSOLE], status)


def call(row: Row, status: Mapping[str, int], lists: Mapping[str, str]) -> Iterator[str]:
    yield from (f"### `{row['method']} {row['address']}`", "", f"{row['says']}", "")
    yield f"- **who**: {row['who']}"
    yield f"- **answers**: {row['gives']}"
    if fails := row.get("fails", ()):
        yield "- **refuses**: " + ", ".join(f"`{code}` {status[code]}" for code in fails)
    if takes := row.get("takes", {}):
        yield from ("", "| takes | what |", "| --- | --- |")
        yield from (f"| `{name}` | {filled(what, lists)} |" for name, what in takes.items())
    yield ""


def api() -> Iterator[str]:
    """The public API, from its own description."""
    found = description()
    yield from ("## Public API", "", cell(found["info"]["description"]), "")
    yield "`GET /api/v1/openapi.json` serves the description this is written from."
    for address, operations in found["paths"].items():
        for method, operation in operations.items():
            yield from ("", f"### `{method.upper()} {address}`", "", cell(operation["summary"]), "")
            yield from ("| takes | in | what |", "| --- | --- | --- |")
            for one in operation.get("parameters", ()):
                yield f"| `{one['name']}` | {one['in']} | {cell(one['description'])} |"
            if body := operation.get("requestBody"):
                yield f"| [{named(body)}](#{named(body).lower()}) | body | JSON |"
            yield from ("", "| answers | what |", "| --- | --- |")
            for code, answer in operation["responses"].items():
                yield f"| {code} | {cell(answer['description'])}{linked(answer)} |"
    yield from ("", "## Objects of the public API", "")
    for name, schema in sorted(found["components"]["schemas"].items()):
        yield from of_schema(name, schema)


def named(part: Mapping[str, Any]) -> str:
    """The schema of a body or an answer."""
    (content,) = part["content"].values()
    return str(content["schema"]["$ref"]).rpartition("/")[2]


def linked(answer: Mapping[str, Any]) -> str:
    return f" [{named(answer)}](#{named(answer).lower()})" if "content" in answer else ""


def of_schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### {name}", "")
    if "description" in schema:
        yield from (cell(schema["description"]), "")
    if "properties" not in schema:
        yield from (f"{shape(schema)}.", "")
        return
    yield from ("| field | must | holds |", "| --- | --- | --- |")
    for field, one in schema["properties"].items():
        must = "yes" if field in schema.get("required", ()) else ""
        says = f": {one['description']}" if "description" in one else ""
        yield f"| `{field}` | {must} | {cell(shape(one) + says)} |"
    yield ""


MANY = 12  # values of an enumeration that are written out


def shape(one: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in one:
        name = str(one["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "oneOf" in one or "anyOf" in one:
        return " or ".join(shape(each) for each in one.get("oneOf", one.get("anyOf", ())))
    if "const" in one:
        return f"`{str(one['const']).lower()}`"
    if "enum" in one:
        values = one["enum"]
        listed = ", ".join(f"`{value}`" for value in values[:MANY])
        return listed if len(values) <= MANY else f"one of {len(values)}: {listed}, …"
    if one.get("type") == "array":
        most = f", at most {one['maxItems']}" if "maxItems" in one else ""
        return f"list of {shape(one['items'])}{most}"
    if "properties" in one:
        return "object with " + ", ".join(f"`{name}`" for name in one["properties"])
    bounds = [
        f"{said} {one[key]}"
        for key, said in (("maxLength", "at most"), ("minimum", "from"), ("maximum", "to"))
        if key in one
    ]
    pattern = f", pattern `{one['pattern']}`" if "pattern" in one else ""
    return ", ".join([str(one.get("type", "anything")), *bounds]) + pattern
