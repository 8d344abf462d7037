"""Certificates and roles on the command line: who has which until when, given, renewed, changed."""

from __future__ import annotations

import click

from hotline import settings as settings_module
from hotline.assembly import assemble_staff
from hotline.cli import show
from hotline.commands.two import present, typed
from hotline.errors import BadInput, NotAllowed
from hotline.triage import certificates
from hotline.triage.access import ROLES


@click.command("certificates")
@click.option("--json", "as_json", is_flag=True)
def listed(as_json: bool) -> None:
    """Who has which certificate until when; 'renew' from 30 days before the end."""
    line = assemble_staff(settings_module.load())
    try:
        rows = [
            {
                "name": person.name,
                "kind": one.kind,
                "until": one.until,
                "days": one.days,
                "reminder": one.reminder,
            }
            for person, held in certificates.listing(line.access, line.clock.day())
            for one in held
        ]
    finally:
        line.close()
    said = {True: "renew", False: ""}
    text = "\n".join(
        f"{r['until']}  {r['kind']:<12} {r['name']:<20} {said[bool(r['reminder'])]}".rstrip()
        for r in rows
    )
    show(rows, as_json=as_json, text=text)


@click.command("certify")
@click.argument("name")
@click.argument("kind")
@click.option("--until", required=True, help="The last day, YYYY-MM-DD.")
@click.option("--by", "giver", required=True, help="The trainer or officer who vouches.")
def certify(name: str, kind: str, until: str, giver: str) -> None:
    """Gives or renews a certificate for a kind of special queue ('gbv').

    Passphrase and one-time code of --by are asked for, or read from standard input, one a line."""
    line = assemble_staff(settings_module.load())
    try:
        by, _ = line.access.prove(
            giver,
            typed(f"Passphrase of {giver}", hidden=True),
            typed(f"One-time code of {giver}", hidden=False),
        )
        person = line.access.people.named(name.strip().lower())
        certificates.certify(line.access, by, person, kind, until, line.clock.day())
    except NotAllowed:
        raise BadInput(
            "That cannot be recorded.",
            "Name somebody who is active, and a trainer or officer with --by.",
        ) from None
    finally:
        line.close()
    click.echo(f"{name}: {kind} until {until}.")


@click.command("roles")
@click.argument("name")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES))
@click.option("--by", "giver", required=True, help="The officer who decides it.")
@click.option("--and", "second", help="A second officer: whoever gains power needs two.")
def roles_of(name: str, roles: tuple[str, ...], giver: str, second: str | None) -> None:
    """Sets all the roles that somebody has; without --role they have none. It holds from their
    next page on. Keys stay: take those with 'hotline users revoke'."""
    from hotline.triage.procedures import change_roles

    line = assemble_staff(settings_module.load())
    try:
        person = line.access.people.named(name.strip().lower())
        if person is None:
            raise BadInput("Nobody of that name is enrolled.", "See the officers' page.")
        here = [one for one, _ in present(line.access, giver, second)]
        change_roles(line, here, person, roles)
    finally:
        line.close()
    click.echo(f"{person.name}: {', '.join(roles) or 'no role'}.")
