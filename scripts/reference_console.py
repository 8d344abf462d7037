"""Calls of the console, for docs/reference/api.md: addresses, methods and roles from the pages' own
declarations, the rest from hotline/web/console.toml."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "hotline" / "web" / "console.toml"
HINT = "describe it in hotline/web/console.toml and run scripts/reference"
HEAD = """\
Port 8001, by cookie; forms are `application/x-www-form-urlencoded`. Who is not signed in gets 303
to `/sign-in` on a page, `session_over` on a deed. Who has not the role, or no key for what the
address names, gets `not_found`, as if it were not there; what else must be held is in
[people.md](../people.md). Ids are 32 hexadecimal digits.

Every deed of somebody signed in takes `token`, the form's, or is refused with `foreign_form`.
**Leased** deeds take `version` too, the tip's as it was read: `stale` when somebody changed it,
`claimed` when somebody else works on it, `holds_enough` when the hands are full. **Again** means
that `passphrase` and `code` are asked once more: `sign_in_refused`. A tip whose key is not this
person's any more answers `sealed_elsewhere`. Where a deed is refused the page keeps what was
typed. A page that a training line alone has, `/training`, is not listed."""
Row = Mapping[str, Any]


def told() -> dict[str, Row]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def declared(app: Flask) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """(address, method, roles) of each page, by the name of its view."""
    access = app.extensions["console_access"]
    found = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint in access:
            method = "POST" if "POST" in (rule.methods or ()) else "GET"
            name = rule.endpoint.rpartition(".")[2]
            found[name] = (rule.rule, method, tuple(access[rule.endpoint]))
    return found


def problems(
    rows: Mapping[str, Row], there: Mapping[str, Any], known: Mapping[str, int]
) -> list[str]:
    """Pages nobody described, descriptions of what is not there, codes that no error has."""
    wrong = [f"{name}: {HINT}" for name in there if name not in rows]
    wrong += [f"{name} is not there" for name in rows if name not in there]
    for name, row in rows.items():
        wrong += [f"{name}: no error {code}" for code in row.get("fails", ()) if code not in known]
        if name in there and there[name][1] == "POST" and "gives" not in row:
            wrong.append(f"{name}: say what it answers")
    return wrong


def console(app: Flask, status: Mapping[str, int]) -> Iterator[str]:
    from hotline.triage.access import ROLES
    from hotline.triage.pages.door import ANYONE, SIGNED_IN

    rows, there = told(), declared(app)
    if wrong := problems(rows, there, status):
        sys.exit("\n".join(wrong))
    yield from ("## The console", "", *HEAD.splitlines(), "")
    yield from ("| call | who | what | takes | answers | refuses |", "| --- " * 6 + "|")
    for name, (address, method, roles) in there.items():
        row = rows[name]
        named = ", ".join(role for role in ROLES if role in roles)
        who = named or {ANYONE: "anybody", SIGNED_IN: "anybody signed in"}[roles[0]]
        marks = [word for word in ("leased", "again") if row.get(word) is True]
        what = " ".join([row["says"], *(f"**{word.capitalize()}.**" for word in marks)])
        takes = "<br>".join(f"`{field}`: {says}" for field, says in row.get("takes", {}).items())
        fails = ", ".join(f"`{code}` {status[code]}" for code in row.get("fails", ()))
        cells = (f"`{method} {address}`", who, what, takes, row.get("gives", "200, HTML."), fails)
        yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
    yield ""
