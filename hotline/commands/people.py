"""People and keys on the command line: init, keys, users."""

from __future__ import annotations

import sys

import click
import pyotp
import segno

from hotline import settings as settings_module
from hotline.assembly import assemble_staff
from hotline.cli import show
from hotline.errors import BadInput
from hotline.store.people import Person
from hotline.tips import Language
from hotline.triage.access import ROLES, Access
from hotline.vault.keys import PersonKey, open_person


def _passphrase(name: str) -> str:
    """Asked twice on a terminal; one line of standard input otherwise."""
    if sys.stdin.isatty():
        words: str = click.prompt(
            f"Passphrase for {name} (15 characters or more)",
            hide_input=True,
            confirmation_prompt=True,
        )
        return words
    return sys.stdin.readline().rstrip("\n")


def _show_secret(name: str, secret: str) -> None:
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Hotline")
    click.echo(f"{name}: one-time-code secret, shown once: {secret}")
    if sys.stdout.isatty():
        segno.make(uri).terminal(compact=True)


@click.command()
@click.option(
    "--officer",
    "officers",
    multiple=True,
    required=True,
    help="Name of an officer; give it twice: two people are needed.",
)
def init(officers: tuple[str, ...]) -> None:
    """Makes the home: database, keys for twelve months, the first two officers.

    Passphrases are asked for, or read from standard input, one a line."""
    from hotline.assembly import rooms
    from hotline.clock import Clock
    from hotline.founding import (
        FIRST_RULES,
        AlreadyFounded,
        activate,
        found,
        is_founded,
        prepare,
    )
    from hotline.routing.versions import Versions, copied
    from hotline.store.audit import AuditLog
    from hotline.store.keystore import KeyStore
    from hotline.store.people import People

    if len(set(officers)) < 2:
        raise BadInput("A line needs two officers.", "Give --officer twice.")
    settings = settings_module.load()
    if is_founded(settings):
        raise AlreadyFounded
    with copied(settings.jurisdiction) as folder:
        profile = rooms(folder)[0]
        clock = Clock(profile.zone)
        database = prepare(settings)
        keys, audit = KeyStore(settings.staff), AuditLog(database)
        access = Access(People(database), keys, audit, clock)
        people = []
        for name in officers:
            person, secret = access.enrol(
                name, _passphrase(name), ["officer"], language=profile.languages[0].value
            )
            people.append(person)
            _show_secret(name, secret)
        seen = len(Versions(settings.rules).history())
        rules = activate(settings, audit, folder, people, FIRST_RULES, clock, seen)
        found(settings, profile.recipients(), people, clock)
    keys.close()
    database.close()
    click.echo(f"Rules {rules.version} ({rules.profile}) are active.")
    click.echo(f"Keys for twelve months lie in {settings.home}.")
    click.echo("Move staff/directory.key to a place offline; only 'hotline keys' needs it.")


@click.group()
def keys() -> None:
    """Keys of queues, agencies, worker and statistics."""


@keys.command("new")
def new_keys() -> None:
    """Makes the missing months, twelve ahead, sealed to today's members."""
    from hotline.founding import extend

    line = assemble_staff(settings_module.load())
    try:
        made = extend(
            line.settings,
            line.directory,
            line.keys,
            line.access.people,
            line.profile.recipients(),
            line.clock,
        )
    finally:
        line.close()
    click.echo(f"{made} keys made. Restart the public processes to use them.")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_keys(as_json: bool) -> None:
    """Every recipient with its last month and how many people can open it."""
    line = assemble_staff(settings_module.load())
    try:
        rows = [
            {
                "recipient": name,
                "last_month": line.directory.last_epoch(name),
                "members": len(line.keys.members(name)),
            }
            for name in sorted(line.directory.recipients())
        ]
    finally:
        line.close()
    text = "\n".join(f"{r['last_month']}  {r['members']:>3}  {r['recipient']}" for r in rows)
    show(rows, as_json=as_json, text=text)


@keys.command()
@click.argument("recipient")
def rotate(recipient: str) -> None:
    """New keys for the months after this one, for today's members only: after somebody left."""
    from hotline.founding import rotate as rotate_keys

    line = assemble_staff(settings_module.load())
    try:
        made = rotate_keys(
            line.settings, line.directory, line.keys, line.access.people, recipient, line.clock
        )
    finally:
        line.close()
    click.echo(f"{made} keys made. What was opened before cannot be un-known.")


@keys.command("check")
def check_keys() -> None:
    """Signature, months left, members of every queue. Exit 1 when something is missing."""
    from hotline.doctor import key_findings

    line = assemble_staff(settings_module.load())
    try:
        findings = key_findings(line)
    finally:
        line.close()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.sound else 'FAIL'}  {finding.name:<36} {finding.detail}")
    if not all(finding.sound for finding in findings):
        raise SystemExit(1)


@click.group()
def users() -> None:
    """People who sign in."""


@users.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--agency", default="", help="Id of the agency, for role agency.")
@click.option("--language", help="pt, es, en, fr or ht; else the first of the profile.")
def add_user(name: str, roles: tuple[str, ...], agency: str, language: str | None) -> None:
    """Enrols somebody; the passphrase is theirs to type."""
    line = assemble_staff(settings_module.load())
    try:
        if agency and line.profile.agency(agency) is None:
            raise BadInput("This agency is not in the profile.", "See 'hotline keys list'.")
        inbox = line.profile.inbox(agency) if agency else ""
        chosen = Language.parse(language) or line.profile.languages[0]
        if language and chosen is not Language.parse(language):
            raise BadInput("This language is not one of the line's.", "Use pt, es, en, fr or ht.")
        _, secret = line.access.enrol(
            name, _passphrase(name), roles, agency=inbox, language=chosen.value
        )
    finally:
        line.close()
    _show_secret(name, secret)


@users.command("grant")
@click.argument("name")
@click.argument("recipient")
@click.option("--by", "giver", required=True, help="An officer who holds the key.")
@click.option("--certificate-until", help="YYYY-MM-DD: records training for a special queue.")
def grant_user(name: str, recipient: str, giver: str, certificate_until: str | None) -> None:
    """Gives somebody a queue ('queue:gbv:BR-RJ') or an inbox ('agency:…')."""
    from hotline.triage.access import special_kind

    line = assemble_staff(settings_module.load())
    try:
        officer, person = _named(line.access, giver), _named(line.access, name)
        seed = open_person(
            officer.id,
            PersonKey(officer.public, officer.salt, officer.sealed),
            _passphrase(giver),
        )
        if seed is None:
            raise BadInput("The passphrase is not right.", "Type the officer's passphrase.")
        given = line.access.grant((officer.id, seed), person, recipient)
        kind = special_kind(recipient)
        if kind and certificate_until:
            line.access.certify(officer.id, person, kind.value, certificate_until)
    finally:
        line.close()
    if not given:
        raise BadInput("The officer does not hold that key.", "See 'hotline keys list'.")
    click.echo(f"{given} months of {recipient} given.")


@users.command("revoke")
@click.argument("name")
@click.option("--recipient", help="Only this queue or inbox; default: everything, at once.")
@click.option("--by", "giver", required=True, help="The officer who decides it.")
def revoke_user(name: str, recipient: str | None, giver: str) -> None:
    """Takes keys away and ends sessions. What was read before cannot be un-known."""
    line = assemble_staff(settings_module.load())
    try:
        line.access.revoke(_named(line.access, giver).id, _named(line.access, name), recipient)
    finally:
        line.close()
    click.echo("Done. Now run 'hotline keys rotate' for each queue they were in.")


def _named(access: Access, name: str) -> Person:
    person = access.people.named(name.strip().lower())
    if person is None:
        raise BadInput("Nobody of that name is enrolled.", "See the officers' page.")
    return person
