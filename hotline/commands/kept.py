"""Kept: the versions of the rules in the home, listed and asked again, on the command line."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotline import settings as settings_module
from hotline.cli import show
from hotline.errors import BadInput, HotlineError
from hotline.settings import Settings

if TYPE_CHECKING:
    from hotline.routing.profile import Profile
    from hotline.routing.route import Router
    from hotline.routing.versions import Versions


def kept_version(command: Any) -> Any:
    """``--version`` and ``--day`` for commands that explain a decision."""
    command = click.option(
        "--day", help="YYYY-MM-DD: as on that day, for bodies that come and go."
    )(command)
    return click.option(
        "--version", help="A version kept in the home: recomputes what it decided."
    )(command)


def router(version: str | None = None, day: str | None = None) -> Router:
    """What decides: a kept version; else the home's active one; without a home that has any, the
    profile of HOTLINE_JURISDICTION. Raises BadInput, UnknownVersion, AlteredVersion."""
    from hotline.assembly import rooms

    home = settings_module.home_from()
    kept = _versions(home) if home else None
    if version and kept is None:
        raise BadInput("No home is named, and versions are kept there.", "Set HOTLINE_HOME.")
    source: str | Path = settings_module.jurisdiction()
    if kept and (version or kept.history()):
        source = kept.folder(version) if version else kept.active()[1]
    profile, places, types, found = rooms(source)
    if not day:
        return found
    from hotline.clock import Clock
    from hotline.routing.route import Router

    noon = _noon(day, profile)
    return Router.load(profile, types, places, Clock(profile.zone, lambda: noon))


def _noon(day: str, profile: Profile) -> float:
    try:
        return datetime.combine(date.fromisoformat(day), time(12), profile.zone).timestamp()
    except ValueError:
        raise BadInput("This is not a day.", "Write it as 2026-11-30.") from None


def _versions(home: Path) -> Versions:
    from hotline.routing.versions import Versions

    return Versions(Settings(home, "").rules)


@click.command()
@click.option("--json", "as_json", is_flag=True)
def versions(as_json: bool) -> None:
    """The versions kept in the home: when, by whom and why each was put in force."""
    kept = _versions(settings_module.load().home)
    history = kept.history()
    now = history[-1].version if history else ""
    last = {one.version: place for place, one in enumerate(history)}  # the hours may be the same
    found = sorted(kept.kept(), key=lambda version: last.get(version, -1), reverse=True)
    rows = [_row(kept, version, now) for version in found]
    show(rows, as_json=as_json, text="\n".join(map(_told, rows)) or "No version is kept yet.")


def _row(kept: Versions, version: str, active: str) -> dict[str, Any]:
    known = [one for one in kept.history() if one.version == version]
    try:
        sound = bool(kept.folder(version))
    except HotlineError:
        sound = False
    return {
        "version": version,
        "profile": known[-1].profile if known else None,
        "active": version == active,
        "sound": sound,
        "made_with": dict(known[-1].made_with) if known else {},
        "other_tables": known[-1].other_tables() if known else [],
        "activations": [{"at": one.at, "by": list(one.by), "why": one.why} for one in known],
    }


def _told(row: dict[str, Any]) -> str:
    mark = "*" if row["active"] else " "
    lines = [f"{mark} {row['version']}  {row['profile'] or 'never activated'}"]
    if not row["sound"]:
        lines[0] += "  ALTERED"
    lines += [
        f"    {one['at']}  {', '.join(one['by']) or 'the line'}: {one['why']}"
        for one in row["activations"]
    ]
    if row["other_tables"]:
        made, names = row["made_with"].get("hotline", ""), ", ".join(row["other_tables"])
        lines.append(f"    with other tables (hotline {made}): {names}")
    return "\n".join(lines)
