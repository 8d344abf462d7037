"""Columns: docs/reference/columns.md: every column of every file that leaves the line.

Those for analysts from the codebook, in English (their site shows the same in five languages); the
others from hotline/web/files.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from scripts.reference_calls import cell

INTRO = """\
What an analyst's files hold comes first: the same names in csv, xlsx, parquet, json and geojson,
in every language and for ever. A file has the columns of the groupings that were asked for, then
those of the figures. Regions are Brazil's. Nothing there is of one report: every figure is drawn
from a month's release ([trends.md](../trends.md)). [Other files](#audit-export) come after."""
FROZEN = """\
A month's release (`releases/`) holds whole numbers with noise, cell by cell, and a signed header
that states the noise. Extracts are drawn from these tables and from nothing else; what each cost in
privacy is in `epsilon.csv`."""
FILE = Path(__file__).resolve().parents[1] / "hotline" / "web" / "files.toml"
PARTS = {"head": "First line", "line": "Each other line", "field": ""}
MANY = 40  # values of a column that are written out


def columns() -> Iterator[str]:
    from hotline.analysis.codebook import FILES, entries
    from hotline.tips import Language
    from hotline.web.i18n import say

    english = partial(say, Language.EN)
    yield from (*INTRO.splitlines(), "")
    for title, file in FILES:
        yield from (f"## {english(title)}", "", f"File: `{file}`.", "")
        yield from (
            "| column | type | unit | meaning | values |",
            "| --- | --- | --- | --- | --- |",
        )
        for one in entries(file, english, "BR"):
            meaning = f"**{one.title}**: {one.description}"
            cells = (f"`{one.name}`", one.kind, one.unit, meaning, values(one.values))
            yield "| " + " | ".join(map(cell, cells)) + " |"
        yield ""
    yield from types()
    yield from release()
    yield from others()


def values(listed: tuple[tuple[str, str], ...]) -> str:
    if not listed:
        return ""
    shown = [f"`{code}`" + (f" {said}" if said != code else "") for code, said in listed[:MANY]]
    more = f"; {len(listed) - MANY} more" if len(listed) > MANY else ""
    return "; ".join(shown) + more


def types() -> Iterator[str]:
    """The values of ``crime_type`` and ``act``."""
    from hotline.analysis.crosswalk import crosswalk
    from hotline.routing.classify import type_groups, type_names
    from hotline.tips import Language

    first = {pair.crime_type: pair for pair in reversed(crosswalk().pairs)}
    groups = type_groups()
    yield from ("## Values of `crime_type` and `act`", "")
    yield from ("| code | name | group | ICCS | how sure |", "| --- | --- | --- | --- | --- |")
    for code, names in type_names().items():
        pair = first.get(code)
        iccs, sure = (", ".join(pair.iccs), pair.confidence) if pair else ("", "")
        cells = (f"`{code}`", names[Language.EN], f"`{groups[code]}`", iccs, sure)
        yield "| " + " | ".join(map(cell, cells)) + " |"
    yield ""


def release() -> Iterator[str]:
    """What stands beside the columns in each release's header."""
    from hotline.analysis.policy import Policy

    policy = Policy.load()
    yield from ("## The noisy tables of a release", "")
    yield from (*FROZEN.splitlines(), "", "| closed list | values |", "| --- | --- |")
    for name, listed in sorted(policy.values.items()):
        yield f"| `{name}` | {', '.join(f'`{value}`' for value in listed)} |"
    yield ""


def told() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def others() -> Iterator[str]:
    """Files that are not for analysts."""
    for said in told().values():
        yield from (f"## {said['title']}", "", f"File: `{said['file']}`. {said['says']}", "")
        for part, title in PARTS.items():
            if part not in said:
                continue
            yield from (f"{title}:", "") if title else ()
            yield from ("| field | form or unit | holds |", "| --- | --- | --- |")
            for name, (form, holds) in said[part].items():
                yield "| " + " | ".join(map(cell, (f"`{name}`", form, holds))) + " |"
            yield ""
