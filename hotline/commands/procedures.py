"""Procedures on the command line: leaving, lost passphrase, lost authenticator, what was opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

import click

from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.cli import show
from hotline.commands.two import officers, present, typed
from hotline.errors import BadInput
from hotline.store.people import Person
from hotline.triage import procedures
from hotline.triage.access import Access, SignInRefused, special_kind
from hotline.vault.keys import PersonKey, open_person


@contextmanager
def _line() -> Iterator[StaffLine]:
    line = assemble_staff(settings_module.load())
    try:
        yield line
    finally:
        line.close()


def named(access: Access, name: str) -> Person:
    """Raises BadInput."""
    person = access.people.named(name.strip().lower())
    if person is None:
        raise BadInput("Nobody of that name is enrolled.", "See the officers' page.")
    return person


@click.command()
@click.argument("name")
@click.option("--by", "giver", required=True, help="The officer who decides it.")
@click.option("--last-holder", is_flag=True, help="Go on though nobody else holds some of it.")
def leave(name: str, giver: str, last_holder: bool) -> None:
    """Somebody leaves, or is compromised: takes every key, ends every session, switches them off.

    Says which keys to rotate. What they read before cannot be un-known, and nothing brings back
    what only they could open, but three recovery sheets."""
    with _line() as line:
        person = named(line.access, name)
        ((by, _),) = present(line.access, giver)
        line.access.spare(person)
        alone = procedures.only_holder_of(line, person)
        if alone and not last_holder:
            for recipient in alone:
                click.echo(f"nobody else holds {recipient}", err=True)
            raise BadInput(
                f"Nobody else could open {len(alone)} of the keys they hold.",
                "Let them grant these first, or add --last-holder and recover them with sheets.",
            )
        held = sorted(line.keys.recipients(person.id))
        line.access.revoke(by.id, person)
    click.echo(f"{person.name} is switched off; their sessions have ended.")
    _to_rotate(held, by.name)


def _to_rotate(held: Sequence[str], by: str) -> None:
    if held:
        click.echo("Rotate what they held, so that they could open nothing of later months:")
    for recipient in held:
        click.echo(f"  hotline keys rotate {recipient} --by {by} --and OFFICER")


@click.command()
@click.argument("name")
@click.option("--by", "giver", required=True, help="The officer who confirms that it is them.")
@click.option("--and", "second", help="A second officer, to renew an officer where there is one.")
def renew(name: str, giver: str, second: str | None) -> None:
    """A lost passphrase: a new one, with a new key and authenticator, under the same name.

    Nobody can reset a passphrase: the key under it is lost, and so is what was granted to it.
    Colleagues grant it again."""
    with _line() as line:
        person = named(line.access, name)
        ((by, _),) = present(line.access, giver)
        _second(line, person, by, second)
        words = _new_passphrase(person.name)
        secret, held = procedures.renew(line, by.id, person, words)
        holders = {one: _holders(line, one) for one in held}
    _show(person.name, secret)
    for recipient in held:
        who = ", ".join(holders[recipient]) or "nobody: three recovery sheets"
        special = "; two people must agree" if special_kind(recipient) else ""
        click.echo(f"  to be granted again: {recipient}  (held by {who}{special})")


def _second(line: StaffLine, person: Person, by: Person, second: str | None) -> None:
    """Whoever renews an officer could become that officer, and then be two people. So a third
    one must agree, where there is a third one."""
    if "officer" not in person.roles:
        return
    rest = {one.id for one in line.access.people.all() if one.active and "officer" in one.roles}
    if not rest - {person.id, by.id}:
        return
    if second is None:
        raise BadInput("Two other officers must confirm this.", "Add --and with the second one.")
    officers(line.access, person.name, by.name, second)  # all different
    present(line.access, second)


def _holders(line: StaffLine, recipient: str) -> list[str]:
    found = (line.access.people.get(one) for one in line.keys.members(recipient))
    return sorted(one.name for one in found if one and one.active)


@click.command()
@click.argument("name")
@click.option("--by", "giver", required=True, help="The officer who confirms that it is them.")
def authenticator(name: str, giver: str) -> None:
    """A lost authenticator: a new secret, shown once. The person types their passphrase.

    Their keys stay. Without the passphrase it cannot be done: then 'hotline users renew'."""
    with _line() as line:
        person = named(line.access, name)
        ((by, _),) = present(line.access, giver)
        key = PersonKey(person.public, person.salt, person.sealed)
        seed = open_person(person.id, key, typed(f"Passphrase of {person.name}", hidden=True))
        if seed is None:
            line.audit.note("sign_in_failed", person=person.id.hex())
            raise SignInRefused
        secret = procedures.new_authenticator(line, by.id, person, seed)
    _show(person.name, secret)


def _new_passphrase(name: str) -> str:
    from hotline.commands.asking import ask_passphrase

    return ask_passphrase(name)


def _show(name: str, secret: str) -> None:
    from hotline.commands.people import _show_secret

    _show_secret(name, secret)


@click.command()
@click.argument("name")
@click.option("--since", required=True, help="YYYY-MM-DD: from the start of this day.")
@click.option("--json", "as_json", is_flag=True)
def opened(name: str, since: str, as_json: bool) -> None:
    """What somebody read since a day, from the audit records: whom to warn when they are
    compromised. Times are UTC."""
    try:
        day = datetime.strptime(since, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise BadInput("This is no day.", "Write it as year-month-day.") from None
    with _line() as line:
        person = named(line.access, name)
        marks = procedures.opened_by(line, person, day)
    text = "\n".join(f"{m.at or '(no time)':<20}  {m.event:<22}  {m.what} {m.id}" for m in marks)
    count = len({m.id for m in marks})
    summary = f"{person.name} opened {count} tips and packages since {day}."
    show([asdict(m) for m in marks], as_json=as_json, text=f"{text}\n{summary}".lstrip())
