"""Analysts on the command line: invite, list, remove. They are none of the line's people."""

from __future__ import annotations

import click

from hotline import settings as settings_module
from hotline.analysts.access import Accounts
from hotline.clock import Clock
from hotline.tips import Language


@click.group()
def analyst() -> None:
    """People who read the trends."""


def _accounts() -> Accounts:
    return Accounts(settings_module.load().home / "releases", Clock())


@analyst.command("invite")
@click.argument("name")
@click.option("--language", default="en", type=click.Choice([one.value for one in Language]))
@click.option("--address", default="http://127.0.0.1:8002", help="Where analysts open the site.")
def invite(name: str, language: str, address: str) -> None:
    """Prints a link that works once, for 72 hours; give it to that person alone."""
    accounts = _accounts()
    code = accounts.invite(name, Language(language))
    accounts.store.close()
    click.echo(f"{address.rstrip('/')}/join?code={code}")


@analyst.command("list")
def listed() -> None:
    """Accounts, and who is invited."""
    accounts, clock = _accounts(), Clock()
    for one in accounts.store.all():
        click.echo(f"{one.name}\t{one.language}\taccount{', token' if one.token else ''}")
    for waiting in accounts.store.invites(int(clock.seconds())):
        click.echo(f"{waiting.name}\t{waiting.language}\tinvited")
    accounts.store.close()


@analyst.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Ends an account with its sessions and its token, or an invitation."""
    accounts = _accounts()
    try:
        accounts.remove(name)
    finally:
        accounts.store.close()
    click.echo(f"{name}: removed")
