"""Keys on the command line: made ahead, listed, rotated, checked."""

from __future__ import annotations

import click

from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.cli import show
from hotline.commands.recovery import drill, recover, sheets
from hotline.commands.two import LATER, agreed, asked, by_two, hinting, may_ask, present, say_asked
from hotline.errors import BadInput
from hotline.triage.approvals import Deed
from hotline.vault.private import forget_parsed

_SINCE = click.option(
    "--since", default="", metavar="YYYY-MM", help="Earlier months too, from this one on."
)
_THEN = "Restart the public processes and serve; then run 'hotline keys rewrap'."
_OWN = "  (its own key)"


@click.group()
def keys() -> None:
    """Keys of queues, agencies, worker and statistics."""


for command in (drill, recover, sheets):
    keys.add_command(command)


@keys.command("new")
@by_two
@may_ask
def new_keys(giver: str, second: str | None, later: bool) -> None:
    """Makes the missing months, twelve ahead, sealed to today's members. Needs two officers.

    Each is asked for passphrase and one-time code; without a terminal they are read from standard
    input, one a line, those of --by first."""
    from hotline.keyring import directory_change, extend, missing

    made, line = 0, assemble_staff(settings_module.load())
    recipients = line.profile.recipients()
    try:
        if missing(line.directory, recipients, line.clock):
            facts = directory_change(line.settings, "new")
            by = decided(line, giver, second, facts, "keys_run_out", later=later)
            if by is None:
                return
            with hinting(LATER):
                made = extend(
                    line.settings,
                    line.directory,
                    line.keys,
                    line.access,
                    recipients,
                    line.clock,
                    by,
                )
    finally:
        line.close()
    click.echo(f"{made} keys made. Restart the public processes to use them.")


def decided(
    line: StaffLine,
    giver: str,
    second: str | None,
    facts: dict[str, str],
    reason: str,
    *,
    later: bool,
) -> bytes | None:
    """Who changes the signed list, or None when it was only asked for."""
    here = present(line.access, giver, second)
    if not later:
        return agreed(line.access, here, Deed.DIRECTORY, facts, reason).id
    say_asked(asked(line.access, here, Deed.DIRECTORY, facts, reason))
    return None


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
                "own_key": line.directory.held(name),
            }
            for name in sorted(line.directory.recipients())
        ]
    finally:
        line.close()
    text = "\n".join(
        f"{r['last_month']}  {r['members']:>3}  {r['recipient']}{_OWN if r['own_key'] else ''}"
        for r in rows
    )
    show(rows, as_json=as_json, text=text)


@keys.command()
@click.argument("recipient")
@by_two
@may_ask
@_SINCE
def rotate(recipient: str, giver: str, second: str | None, later: bool, since: str) -> None:
    """New keys from this month on, for today's members only: after somebody left.
    Needs two officers, as 'hotline keys new' does."""
    from hotline.keyring import dated, directory_change
    from hotline.keyring import rotate as rotate_keys

    line = assemble_staff(settings_module.load())
    store, access, clock = line.keys, line.access, line.clock
    try:
        if recipient not in line.directory.recipients():
            raise BadInput("There are no keys of that name.", "See 'hotline keys list'.")
        facts = directory_change(line.settings, dated(f"rotate:{recipient}", since))
        by = decided(line, giver, second, facts, "somebody_left", later=later)
        if by is None:
            return
        with hinting(LATER):
            made = rotate_keys(
                line.settings, line.directory, store, access, recipient, clock, by, since
            )
    finally:
        line.close()
    click.echo(f"{made} keys made. What was opened before cannot be un-known. {_THEN}")


@keys.command()
@click.argument("number", type=int)
@by_two
@may_ask
@_SINCE
def suite(number: int, giver: str, second: str | None, later: bool, since: str) -> None:
    """Makes everybody's keys anew in another suite: what the line seals with from now on.
    Needs two officers, as 'hotline keys new' does."""
    from hotline.keyring import UnknownSuite, change_suite, dated, directory_change
    from hotline.vault.suites import SCHEMES

    if number not in SCHEMES:
        raise UnknownSuite
    line = assemble_staff(settings_module.load())
    store, access, clock = line.keys, line.access, line.clock
    try:
        facts = directory_change(line.settings, dated(f"suite:{number}", since))
        by = decided(line, giver, second, facts, "other_suite", later=later)
        if by is None:
            return
        with hinting(LATER):
            made = change_suite(
                line.settings, line.directory, store, access, clock, by, number, since
            )
    finally:
        line.close()
    click.echo(f"{made} keys made in suite {number}. {_THEN}")


@keys.command()
@click.argument("recipient")
@click.option("--by", "officer", required=True, help="An officer who holds the key.")
@_SINCE
def rewrap(recipient: str, officer: str, since: str) -> None:
    """Seals what is stored to the present keys of its months, after a rotation or a new suite.

    Asks for passphrase and code. May be stopped at any time and run again; intake and the console
    go on beside it. Exit 1 when something opens with none of the officer's keys."""
    from hotline.triage.rewrap import Counts
    from hotline.triage.rewrap import rewrap as run

    def tell(counts: Counts) -> None:
        click.echo(f"{counts.seen} read, {counts.sealed} sealed again", err=True)

    line = assemble_staff(settings_module.load())
    try:
        ((person, seed),) = present(line.access, officer)
        counts = run(line, person, seed, recipient, since=since, progress=tell)
    finally:
        forget_parsed()
        line.close()
    click.echo(
        f"{counts.sealed} sealed again, {counts.done} were already, "
        f"{counts.moved} changed meanwhile, {counts.shut} do not open."
    )
    if counts.shut:
        raise SystemExit(1)


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
