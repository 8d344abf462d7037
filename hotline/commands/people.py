"""People on the command line: init, users."""

from __future__ import annotations

import sys

import click
import pyotp
import segno

from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.commands.asking import ask_passphrase
from hotline.commands.certificates import certify, listed, roles_of
from hotline.commands.custody import Head, hand_out, refuse_files
from hotline.commands.procedures import authenticator, leave, opened, renew
from hotline.commands.two import agreed, by_two, hinting, present
from hotline.errors import BadInput
from hotline.store.people import Person
from hotline.tips import Language
from hotline.triage.access import ROLES, Access
from hotline.triage.approvals import Deed


def _hidden(what: str) -> str:
    """Asked once on a terminal; one line of standard input otherwise."""
    if sys.stdin.isatty():
        words: str = click.prompt(what, hide_input=True)
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

    Passphrases are asked for, or read from standard input, one a line. At the end it shows five
    recovery sheets, one to each custodian: have five people ready."""
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
    from hotline.vault.directory import Directory
    from hotline.vault.recovery import RecoveryKey

    if len(set(officers)) < 2:
        raise BadInput("A line needs two officers.", "Give --officer twice.")
    settings = settings_module.load()
    if is_founded(settings):
        raise AlreadyFounded
    refuse_files()
    with copied(settings.jurisdiction) as folder:
        profile = rooms(folder)[0]
        clock = Clock(profile.zone)
        database = prepare(settings)
        keys, audit = KeyStore(settings.staff), AuditLog(database)
        access = Access(database, keys, clock)
        people = []
        for name in officers:
            person, secret = access.enrol(
                name, ask_passphrase(name), ["officer"], language=profile.languages[0].value
            )
            people.append(person)
            _show_secret(name, secret)
        seen = len(Versions(settings.rules).history())
        rules = activate(settings, audit, folder, people, FIRST_RULES, clock, seen)
        sheets = found(settings, profile.recipients(), people, clock)
    key = RecoveryKey.load(settings.public, keys.recovery())
    line = Directory.load(settings.public).fingerprint[:16]
    keys.close()
    database.close()
    assert key is not None
    hand_out(sheets, Head(profile.languages[0], line, key))
    click.echo(f"Rules {rules.version} ({rules.profile}) are active.")
    click.echo(f"Keys for twelve months lie in {settings.home}.")
    click.echo("Move staff/directory.key to a place offline; only 'hotline keys' needs it.")
    click.echo("Prove the recovery sheets now: three custodians and 'hotline keys drill'.")


@click.group()
def users() -> None:
    """People who sign in."""


for command in (leave, renew, authenticator, opened, listed, certify, roles_of):
    users.add_command(command)


@users.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--agency", default="", help="Id of the agency, for role agency.")
@click.option("--language", help="pt, es, en, fr or ht; else the first of the profile.")
def add_user(name: str, roles: tuple[str, ...], agency: str, language: str | None) -> None:
    """Enrols somebody; the passphrase is theirs to type."""
    line = assemble_staff(settings_module.load())
    try:
        inbox, chosen = _inbox(line, agency), _language(line, language)
        _, secret = line.access.enrol(
            name, ask_passphrase(name), roles, agency=inbox, language=chosen.value
        )
    finally:
        line.close()
    _show_secret(name, secret)


@users.command("invite")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--by", "giver", required=True, help="The officer who invites.")
@click.option("--agency", default="", help="Id of the agency, for role agency.")
@click.option("--language", help="pt, es, en, fr or ht; else the first of the profile.")
def invite_user(
    name: str, roles: tuple[str, ...], giver: str, agency: str, language: str | None
) -> None:
    """Makes a one-time code with which somebody comes in by the console's page /join.

    The officer's passphrase and one-time code are asked for, or read from standard input, one a
    line."""
    from hotline.triage.invitations import TWO_OFFICERS, Invitations

    line = assemble_staff(settings_module.load())
    try:
        inbox, chosen = _inbox(line, agency), _language(line, language)
        officer, _ = line.access.prove(
            giver, _hidden(f"Passphrase of {giver}"), _hidden(f"Code of {giver}")
        )
        invitations = Invitations(line.database, line.access, line.clock)
        code = invitations.invite(officer, name, roles, agency=inbox, language=chosen)
    finally:
        line.close()
    click.echo(f"Code for {name}, shown once: {code}")
    click.echo("It works once, for 72 hours, on the page /join of the console.")
    if not TWO_OFFICERS.isdisjoint(roles):
        click.echo("Another officer must agree first, on the officers' page.")


@users.command("grant")
@click.argument("name")
@click.argument("recipient")
@by_two
@click.option("--certificate-until", help="YYYY-MM-DD: records training for a special queue.")
def grant_user(
    name: str, recipient: str, giver: str, second: str | None, certificate_until: str | None
) -> None:
    """Gives somebody a queue ('queue:gbv:BR-RJ') or an inbox ('agency:…') that --by holds.

    A special queue needs two officers: --and names the second. Each is asked for passphrase and
    one-time code; without a terminal they are read from standard input, one a line, those of --by
    first."""
    from hotline.triage.access import membership, special_kind

    line = assemble_staff(settings_module.load())
    try:
        person, kind = _named(line.access, name), special_kind(recipient)
        here = present(line.access, giver, second if kind else None)
        (first, seed), *_ = here
        if kind:
            facts = membership(person, recipient)
            agreed(line.access, here, Deed.OPEN_QUEUE, facts, "new_member")
        with hinting():
            given = line.access.grant((first.id, seed), person, recipient)
        if not given:
            raise BadInput("The officer does not hold that key.", "See 'hotline keys list'.")
        if kind and certificate_until:
            # Nobody certifies themselves: the other one of the two vouches for an officer.
            by = here[-1][0] if first.id == person.id else first
            line.access.certify(by.id, person, kind.value, certificate_until)
    finally:
        line.close()
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


def _inbox(line: StaffLine, agency: str) -> str:
    if agency and line.profile.agency(agency) is None:
        raise BadInput("This agency is not in the profile.", "See 'hotline keys list'.")
    return line.profile.inbox(agency) if agency else ""


def _language(line: StaffLine, language: str | None) -> Language:
    chosen = Language.parse(language) or line.profile.languages[0]
    if language and chosen is not Language.parse(language):
        raise BadInput("This language is not one of the line's.", "Use pt, es, en, fr or ht.")
    return chosen


def _named(access: Access, name: str) -> Person:
    person = access.people.named(name.strip().lower())
    if person is None:
        raise BadInput("Nobody of that name is enrolled.", "See the officers' page.")
    return person
