"""Package: the Frictionless descriptor that travels with a file, and the codebook made from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hotline.analysis.formats.points import SOURCES
from hotline.analysis.formats.schema import schema, spoken
from hotline.analysis.formats.text import EXCEL_BR
from hotline.analysis.formats.words import N_, NO_LICENCE, Say, plain
from hotline.analysis.table import Table

MEDIA: Mapping[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "geojson": "application/geo+json",
}
# What every validator reads as a table; of the others it checks the bytes.
_TABLES = frozenset({"csv", "xlsx"})
_SAID_APART = frozenset({"title", "licence", "releases", "notes"})
_LISTED = 120  # values that a person may still want to read
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")
_ABOUT: Mapping[str, str] = {
    "jurisdiction": N_("Jurisdiction"),
    "question": N_("Question"),
    "months": N_("Months"),
    "missing_months": N_("Months without a release"),
    "revision": N_("Revision"),
    "taxonomy": N_("Taxonomy"),
    "epsilon": N_("Privacy budget (epsilon)"),
    "threshold": N_("Smallest figure shown"),
}


def descriptor(
    table: Table, format: str, content: bytes, say: Say, dialect: str = ""
) -> dict[str, Any]:
    """``datapackage.json``. It holds no time of its making: the same table, the same bytes."""
    about = spoken(table.about, say)
    package: dict[str, Any] = {
        "name": "-".join(filter(None, ("hotline", _slug(str(about.get("jurisdiction") or ""))))),
        "title": about.get("title") or "Hotline",
        "version": str(about.get("revision") or "0"),
        "licenses": _licences(about.get("licence")),
        "sources": _sources(about, format),
        "notes": _listed(about.get("notes")),
    }
    package |= {name: value for name, value in about.items() if name not in _SAID_APART}
    package["resources"] = [_resource(table, format, content, say, dialect)]
    return {name: value for name, value in package.items() if value not in ([], None)}


def _resource(table: Table, format: str, content: bytes, say: Say, dialect: str) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "name": "trends",
        "path": f"trends.{format}",
        "format": format,
        "mediatype": MEDIA[format],
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "schema": schema(table, format, say, dialect),
    }
    if format == "csv":
        ends, delimiter = ("\r\n", ";") if dialect == EXCEL_BR else ("\n", ",")
        resource |= {"encoding": "utf-8"}
        resource |= {"dialect": {"delimiter": delimiter, "lineTerminator": ends}}
    if format == "xlsx":
        resource |= {"dialect": {"sheet": "data", "excel": {"sheet": "data"}}}
    if format in _TABLES:
        return resource | {"type": "table", "profile": "tabular-data-resource"}
    return resource | {"type": "file"}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) and value else [str(one) for one in value or ()]


def _licences(licence: Any) -> list[dict[str, str]]:
    """What the line says of its data; nothing where it says nothing."""
    if isinstance(licence, dict):
        return [{name: str(value) for name, value in licence.items()}]
    text = str(licence or "")
    if not text:
        return []
    if text.startswith(("https://", "http://")):
        return [{"path": text}]
    if re.fullmatch(r"[-a-zA-Z0-9._]+", text):
        return [{"name": text}]
    return [{"name": "other", "title": text}]


def _sources(about: Mapping[str, Any], format: str) -> list[dict[str, str]]:
    releases = about.get("releases") or {}
    known = releases if isinstance(releases, dict) else dict.fromkeys(releases, "")
    sources = [
        {"title": f"Release {month}"} | ({"digest": str(digest)} if digest else {})
        for month, digest in known.items()
    ]
    return [*sources, *map(dict, SOURCES)] if format == "geojson" else sources


def codebook(package: Mapping[str, Any], say: Say) -> str:
    """Markdown, from the descriptor alone."""
    resource = package["resources"][0]
    lines = [f"# {_safe(package['title'])}", ""]
    for name, heading in _ABOUT.items():
        if package.get(name) not in (None, "", []):
            lines.append(f"- {_safe(say(heading))}: {_safe(_one_line(package[name]))}")
    lines.append(f"- {_safe(say(N_('Licence')))}: {_safe(_licence(package, say))}")
    lines += ["", *(f"{_safe(note)}\n" for note in package.get("notes", ()))]
    lines += [f"## {_safe(say(N_('Columns')))}", "", *_columns(resource["schema"], say), ""]
    lines += [_safe(say(N_("An empty cell, or null, means that there is no figure."))), ""]
    lines += _values(resource["schema"], say)
    if package.get("sources"):
        lines += [f"## {_safe(say(N_('Sources')))}", ""]
        lines += [f"- {_safe(' '.join(source.values()))}" for source in package["sources"]]
        lines.append("")
    lines += [f"## {_safe(say(N_('File')))}", ""]
    lines += [f"`{resource['path']}`, {resource['bytes']} B, `{resource['hash']}`", ""]
    return "\n".join(lines)


def _columns(fields: Mapping[str, Any], say: Say) -> Iterable[str]:
    names = (N_("Column"), N_("Type"), N_("Title"), N_("Description"))
    yield "| " + " | ".join(_safe(say(name)) for name in names) + " |"
    yield "| --- | --- | --- | --- |"
    for field in fields["fields"]:
        told = (field["name"], field["type"], field["title"], field["description"])
        yield "| " + " | ".join(map(_safe, told)) + " |"


def _values(fields: Mapping[str, Any], say: Say) -> list[str]:
    lines = []
    for field in fields["fields"]:
        listed = field.get("constraints", {}).get("enum")
        if listed:
            told = ", ".join(map(_safe, listed))
            if len(listed) > _LISTED:
                told = _safe(say(N_("{count} values: see datapackage.json."), count=len(listed)))
            lines += [f"### {_safe(field['name'])}", "", told, ""]
    return lines


def _licence(package: Mapping[str, Any], say: Say) -> str:
    for licence in package.get("licenses", ()):
        return " ".join(licence.values())
    return say(NO_LICENCE)


def _one_line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _safe(text: str) -> str:
    """As Markdown shows it and nothing else: no mark, link or line of its own."""
    return _MARKS.sub(r"\\\1", " ".join(plain(str(text)).split()))
