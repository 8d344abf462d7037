"""Alarms: unusual reading on the command line: what waits, and that an officer has looked."""

from __future__ import annotations

import click

from hotline import settings as settings_module
from hotline.assembly import assemble_staff
from hotline.cli import show
from hotline.commands.two import present
from hotline.errors import BadInput


@click.group()
def alarms() -> None:
    """Alarms on unusual reading."""


@alarms.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_alarms(as_json: bool) -> None:
    """What waits first, then what was acknowledged."""
    from hotline.store.alarms import Alarms

    line = assemble_staff(settings_module.load())
    try:
        names = {person.id: person.name for person in line.access.people.all()}
        found = [
            {
                "id": one.id.hex(),
                "state": one.state,
                "kind": one.kind,
                "person": names.get(one.person, ""),
                "day": one.day,
                "record": one.record.hex(),
                "by": names.get(one.by or b"", ""),
                "reason": one.reason,
            }
            for one in Alarms(line.database).listed()
        ]
    finally:
        line.close()
    rows = (
        f"{one['id']} {one['day']} {one['kind']:<12} {one['person']:<12} {one['state']}"
        + (f" by {one['by']}: {one['reason']}" if one["by"] else "")
        for one in found
    )
    show(found, as_json=as_json, text="\n".join(rows) or "no alarm was ever raised")


@alarms.command()
@click.argument("alarm")
@click.option("--by", "officer", required=True, help="The officer who has looked.")
@click.option("--reason", required=True, help="Why it rang, as a code; a wrong one lists them.")
def acknowledge(alarm: str, officer: str, reason: str) -> None:
    """An officer has looked at ALARM (its id, or the beginning of it), which is not about them."""
    from hotline.store.alarms import NEW, Alarms
    from hotline.triage.watch import ACK_REASONS, acknowledge

    if reason not in ACK_REASONS:
        raise BadInput("There is no such reason.", f"One of: {', '.join(ACK_REASONS)}.")
    line = assemble_staff(settings_module.load())
    try:
        found = [
            one
            for one in Alarms(line.database).listed()
            if one.state == NEW and one.id.hex().startswith(alarm.lower())
        ]
        if len(found) != 1 or not alarm:
            raise BadInput("No single alarm that waits has this id.", "See 'hotline alarms list'.")
        ((person, _),) = present(line.access, officer)
        acknowledge(Alarms(line.database), person.id, found[0].id, reason)
    finally:
        line.close()
    click.echo("acknowledged")
