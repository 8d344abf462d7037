"""Recovery on the command line: the drill, new sheets, and keys given back with three sheets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.commands.custody import Head, ask_sheets, hand_out, refuse_files
from hotline.commands.procedures import named
from hotline.commands.two import by_two, present
from hotline.errors import BadInput
from hotline.founding import WORKER_KEYS, changing_worker_keys
from hotline.keyring import signing_key
from hotline.store.audit import note
from hotline.store.database import Transaction
from hotline.store.keystore import RECOVERY
from hotline.store.people import Person
from hotline.triage import recovery
from hotline.triage.approvals import Deed, Request
from hotline.vault.envelope import WORKER
from hotline.vault.recovery import RecoveryKey


@contextmanager
def _line() -> Iterator[StaffLine]:
    line = assemble_staff(settings_module.load())
    try:
        yield line
    finally:
        line.close()


def head_of(line: StaffLine, key: RecoveryKey) -> Head:
    """What stands on the sheets of a key."""
    return Head(line.profile.languages[0], line.directory.fingerprint[:16], key)


@click.command()
def drill() -> None:
    """Three custodians type their sheets: proves that lost keys could be given back.

    The key is rebuilt in memory and opens one key of every queue and agency. Nothing is written
    but the day. The words are hidden on a terminal, or read from standard input, a sheet a line."""
    with _line() as line:
        recovery.required(line)
        opened, shut = recovery.drill(line, ask_sheets())
    if shut:
        for recipient in shut:
            click.echo(f"FAIL  {recipient}", err=True)
        raise BadInput(
            f"The sheets are right, but {len(shut)} of {opened + len(shut)} keys are not sealed "
            "to them.",
            "Make new sheets with 'hotline keys recovery new'; then drill again.",
        )
    click.echo(f"The sheets open all {opened} keys of this month. The drill is recorded.")


@click.group("recovery")
def sheets() -> None:
    """The five recovery sheets."""


@sheets.command("new")
@click.option("--by", "first", required=True, help="The officer who decides it.")
@click.option("--and", "second", required=True, help="The second officer.")
@click.option("--old-sheets", is_flag=True, help="Three sheets of the former set are here too.")
@click.option("--incomplete", is_flag=True, help="Go on although some keys cannot be included.")
def new_sheets(first: str, second: str, old_sheets: bool, incomplete: bool) -> None:
    """Makes a new recovery key and five new sheets; the former sheets open nothing any more.

    For a lost or seen sheet, a custodian who leaves, or a home from before there were sheets. What
    the two officers hold is sealed to the new key; with --old-sheets also what the former held."""
    refuse_files()
    with _line() as line:
        signer = signing_key(line.settings)
        here = present(line.access, first, second)
        holders = [(person.id, seed) for person, seed in here]
        if old_sheets:
            holders.append((RECOVERY, recovery.required(line).seed(ask_sheets())))
        renewal = recovery.prepare_renewal(line, holders)
        _complete(renewal, incomplete)
        agreed = {"change": "recovery", "digest": renewal.key.name}
        one = _agree(line, Deed.DIRECTORY, agreed, here)
        # Shown before anything changes: should this end half way, the former sheets still hold.
        hand_out(renewal.sheets, head_of(line, renewal.key))
        _wait("Are all five with their custodians? Enter makes them valid.")

        def also(connection: Transaction, _: Request) -> None:
            note(connection, "recovery_renewed", by=one.hex(), key=renewal.key.name)

        line.approvals.carry(Deed.DIRECTORY, agreed, one, also)
        line.keys.renew_recovery(renewal.key.signed(signer), renewal.grants)
    click.echo(f"{len(renewal.grants)} keys are sealed to the new sheets. Burn the former ones.")
    click.echo("Now prove them: three custodians and 'hotline keys drill'.")


def _complete(renewal: recovery.Renewal, incomplete: bool) -> None:
    for recipient, epoch in renewal.lost:
        click.echo(f"not included: {recipient} {epoch}", err=True)
    if renewal.lost and not incomplete:
        raise BadInput(
            f"{len(renewal.lost)} keys are held by neither officer; no new sheet would open them.",
            "Choose officers who hold them, add --old-sheets, or --incomplete to give them up.",
        )


def _wait(words: str) -> None:
    if sys.stdin.isatty():
        click.prompt(words, default="", show_default=False, prompt_suffix=" ")


@click.command()
@click.option("--for", "name", required=True, help="Who gets the keys.")
@click.option("--recipient", "recipients", multiple=True, help="Only these; default: all.")
@by_two
def recover(name: str, recipients: tuple[str, ...], giver: str, second: str | None) -> None:
    """Gives a person keys that nobody holds any more, with three sheets. Needs two officers.

    All keys go to an officer only; for somebody else name each --recipient. '--recipient worker'
    mends a lost staff/worker.json. Passphrases, codes and sheets are asked for, or read from
    standard input, one a line."""
    with _line() as line:
        key = recovery.required(line)
        person = _to(line, name, recipients)
        here = present(line.access, giver, second)
        agreed = {"person": person.id.hex()}
        seed = key.seed(ask_sheets())
        one = _agree(line, Deed.RECOVER, agreed, here)

        def also(connection: Transaction, _: Request) -> None:
            by, to = one.hex(), person.id.hex()
            for recipient in recipients or ("all",):
                note(connection, "recovered", by=by, to=to, recipient=recipient)

        line.approvals.carry(Deed.RECOVER, agreed, one, also)
        found = recovery.recover(line, seed, person, recipients or None)
        if WORKER in recipients:
            with changing_worker_keys(line.settings) as worker:
                worker.update(recovery.worker_seeds(line, seed))
            click.echo(f"staff/{WORKER_KEYS} is mended. Restart the workers.")
    for recipient, months in sorted(found.items()):
        click.echo(f"{months:>3} months of {recipient} given to {person.name}")
    click.echo("A special queue still needs a current certificate.")


def _agree(
    line: StaffLine, deed: Deed, facts: dict[str, str], here: list[tuple[Person, bytes]]
) -> bytes:
    """Who does it, of the officers who are here: two agree now; one alone needs a request that
    was approved before. Only now that the sheets are right, so that no approval lies about."""
    one, *others = [person.id for person, _ in here]
    for other in others:
        line.approvals.approve(other, line.approvals.ask(one, deed, facts, "at_the_terminal").id)
    return one


def _to(line: StaffLine, name: str, recipients: tuple[str, ...]) -> Person:
    person = named(line.access, name)
    if not person.active:
        raise BadInput("This person has left.", "Choose somebody who signs in.")
    if not recipients and "officer" not in person.roles:
        raise BadInput("All keys go to an officer only.", "Name each --recipient.")
    known = {recipient for recipient, _, _ in line.keys.held(RECOVERY)}
    if not known.issuperset(recipients):
        raise BadInput("The sheets hold no key of that recipient.", "See 'hotline keys list'.")
    return person
