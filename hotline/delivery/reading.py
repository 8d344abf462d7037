"""Reading: an opened package where there is no line: its schema, and a page to print.

The page stands alone: no script, no address, no file beside it; the pictures are inside. A policy
in its head says so to the browser too, so that nothing a reporter wrote can ever load or run.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

SCHEMA = "package-2.schema.json"

_STYLE = """
body { font: 11pt/1.45 sans-serif; margin: 2rem auto; max-width: 45rem; padding: 0 1rem; }
.unverified { border: 2px solid; font-weight: bold; padding: .4rem .8rem; }
dt { font-weight: bold; margin-top: .6rem; } dd { margin: 0; }
.told { white-space: pre-wrap; overflow-wrap: anywhere; }
img { display: block; margin: 1rem 0; max-height: 22cm; max-width: 100%; }
figure { break-inside: avoid; margin: 0; }
@page { margin: 2.2cm 1.5cm 1.5cm; @top-center { content: "UNVERIFIED"; font-weight: bold; } }
@media print { .unverified { background: #fff; position: fixed; top: 0; left: 0; right: 0; }
  body { margin: 0; padding: 3rem 0 0; } }
"""
_TITLE = "UNVERIFIED report"
_WARNING = (
    "UNVERIFIED. Nothing here was checked. Do not act on it alone, and do not try to find out who "
    "told it."
)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def schema() -> bytes:
    """The JSON Schema of an opened package."""
    return (files("hotline.delivery") / "data" / SCHEMA).read_bytes()


def page(document: Mapping[str, Any], pages: Mapping[str, bytes]) -> str:
    """HTML of an opened package of any version. ``pages`` are JPEGs by file name."""
    place = document["place"]
    answers: Mapping[str, str] = document.get("answers", {})
    details: Mapping[str, str] = document.get("details", {})
    facts = [
        ("Package", document["package"]),
        ("Agency", document["agency"]),
        ("Role", "lead: must act" if document["role"] == "lead" else "copy: is informed"),
        ("Forwarded", document.get("forwarded", "")),
        ("Confirm receipt until", document["due"]),
        ("Priority", document["priority"]),
        ("Urgency", document["urgency"]),
        ("Types", _list(document["acts"])),
        ("Tags", _list(document["tags"])),
        ("Place", _list([place["name"], place["state"], place["certainty"]])),
        ("Decided by rules version", document["rules_version"]),
        ("Because of", _list(document["rules"])),
    ]
    asked = [*answers.items(), *details.items()]
    spoken = escape(document["language"])
    ticked = [("Ticked", _list(document.get("ticked", ())))]
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{_TITLE}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>',
        f'<p class="unverified">{_WARNING}</p>',
        "<h1>Report</h1>",
        _facts(facts),
        "<h2>What was told</h2>",
        f'<p class="told" lang="{spoken}">{escape(document["text"])}</p>',
        _facts([*asked, *ticked]),
        *(_figure(name, content) for name, content in pages.items()),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _list(words: Sequence[str | None]) -> str:
    return ", ".join(word for word in words if word)


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = (
        f'<dt>{escape(name)}</dt><dd class="told">{escape(str(value))}</dd>'
        for name, value in facts
        if value
    )
    return f"<dl>{''.join(rows)}</dl>"


def _figure(name: str, content: bytes) -> str:
    data = b64encode(content).decode()
    return (
        f'<figure><img alt="{escape(name)}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
    )
