"""Trends: releases made and listed, extracts drawn, on the command line."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from hotline import settings as settings_module
from hotline.analysis.question import Question
from hotline.assembly import StaffLine, assemble_staff
from hotline.cli import show
from hotline.errors import BadInput
from hotline.tips import Language
from hotline.web.i18n import say

# Said here too: the library that writes them takes a quarter of a second to load.
_FORMATS = ("csv", "xlsx", "parquet", "json", "geojson")
_DIALECTS = ("", "excel-br")


@click.group()
def release() -> None:
    """Frozen months: what trends are drawn from."""


@release.command()
@click.option("--month", required=True, help="A month that is over, as 2026-01.")
@click.option("--by", "officer", help="The officer whose key opens the counts.")
@click.option(
    "--without-unreadable", is_flag=True, help="Goes on although some counts do not open."
)
@click.option("--json", "as_json", is_flag=True)
def build(month: str, officer: str | None, without_unreadable: bool, as_json: bool) -> None:
    """Releases a month, once and for ever, then destroys its counts and their key.

    Asks for passphrase and code of --by; without it this machine's own seeds serve (see 'arm')."""
    from hotline.triage import freezing

    line = assemble_staff(settings_module.load())
    try:
        freezing.ready(line, month)
        seeds = _seeds(line, month, officer)
        made = freezing.build(line, month, seeds, without_unreadable=without_unreadable, tell=_tell)
    finally:
        line.close()
    show(
        {"month": month, "sha256": made.digest},
        as_json=as_json,
        text=f"{month} is released: {made.digest}",
    )


def _tell(step: str, count: int) -> None:
    click.echo(f"{count} {step}" if count else step, err=True)


def _seeds(line: StaffLine, month: str, officer: str | None) -> list[bytes]:
    from hotline.commands.two import present
    from hotline.triage import arming

    if officer is None:
        return arming.own_seeds(line, month)
    ((person, seed),) = present(line.access, officer)
    return arming.held(line, person, seed, month)


@release.command()
@click.option("--by", "officer", required=True, help="The officer who holds the keys.")
def arm(officer: str) -> None:
    """Lets this machine release months by the clock, on the fifth of the next month.

    The keys of counts then lie in a file of the staff's, until each month is released: whoever
    seizes the machine reads the counts (no words) of months not yet released."""
    from hotline.commands.two import present
    from hotline.triage import arming

    line = assemble_staff(settings_module.load())
    try:
        ((person, seed),) = present(line.access, officer)
        count = arming.arm(line, person, seed)
    finally:
        line.close()
    click.echo(f"{count} months will be released by the clock.")


@release.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_releases(as_json: bool) -> None:
    """Every release, proved by its digests and the line's signature. Exit 1 when one is not."""
    from hotline.analysis.releases import BadRelease, Releases
    from hotline.triage import arming, freezing

    line = assemble_staff(settings_module.load())
    rows = []
    try:
        releases = Releases(arming.folder(line))
        for month in releases.months():
            try:
                digest, sound = freezing.prove(line, month), True
            except BadRelease:
                digest, sound = "", False
            header = releases.one(month).header if sound else {}
            rows.append(
                {
                    "month": month,
                    "sound": sound,
                    "sha256": digest,
                    "revision": header.get("revision"),
                    "epsilon": header.get("epsilon"),
                }
            )
    finally:
        line.close()
    text = "\n".join(
        f"{r['month']}  {'ok  ' if r['sound'] else 'FAIL'}  {r['sha256']}" for r in rows
    )
    show(rows, as_json=as_json, text=text or "nothing was released yet")
    if not all(row["sound"] for row in rows):
        raise SystemExit(1)


@click.command()
@click.option("--from", "since", required=True, help="The first month, as 2026-01.")
@click.option("--to", "until", required=True, help="The last month.")
@click.option(
    "--by", default="", help="What to group by, parted by commas: month,state,crime_type."
)
@click.option("--only", multiple=True, help="name=value[,value]: what to keep of a dimension.")
@click.option("--format", "format_", type=click.Choice(_FORMATS), default="csv")
@click.option("--dialect", type=click.Choice(_DIALECTS), default="", help="Of csv.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--language", default="en", help="Of labels and of what explains the file.")
@click.option("--explain", is_flag=True, help="Only says what the extract would hold and withhold.")
def extract(
    since: str,
    until: str,
    by: str,
    only: tuple[str, ...],
    format_: str,
    dialect: str,
    out: Path,
    language: str,
    explain: bool,
) -> None:
    """Draws a table from the releases. Needs no key and opens no database."""
    from hotline.analysis import formats
    from hotline.analysis.extract import extract as draw
    from hotline.analysis.releases import Releases

    kept = {}
    for one in only:
        name, equals, values = one.partition("=")
        if not equals or name in kept:
            raise BadInput("--only needs name=value.", "For example --only state=BR-RJ.")
        kept[name] = values
    question = Question.asked(since, until, by, kept)
    table = draw(Releases(settings_module.load().home / "releases"), question, language=language)
    if explain:
        told = table.data["tip_count_status"].tolist()
        counts = {status: told.count(status) for status in sorted(set(told))}
        value = {"rows": len(table), "status": counts, "about": dict(table.about)}
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
        return
    spoken = partial(say, Language.parse(language) or Language.EN)
    place, *_ = formats.write(table, format_, out, dialect, spoken)
    click.echo(f"{len(table)} rows: {place}")
