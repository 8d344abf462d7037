"""Agency line: an agency's own key is added to the signed directory, or dropped again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import click

from hotline import settings as settings_module
from hotline.assembly import assemble_staff
from hotline.commands.agency_alone import FILE, write
from hotline.commands.keys import decided
from hotline.commands.two import LATER, by_two, hinting, may_ask
from hotline.errors import BadInput


class OtherFingerprint(BadInput):
    """The key that came is not the key the agency has."""

    code = "other_fingerprint"
    message = "The fingerprint is not that of this key."
    hint = "Let the agency read it aloud from its own screen; if it differs, the file was changed."


@click.command()
@click.argument("file", type=FILE)
@click.option("--agency", "name", required=True, help="The agency whose packages it opens.")
@click.option("--fingerprint", "heard", help="As the agency reads it; asked for otherwise.")
@by_two
@may_ask
def add(
    file: Path, name: str, heard: str | None, giver: str, second: str | None, later: bool
) -> None:
    """Seals packages for an agency to its own key from now on. Needs two officers and
    staff/directory.key."""
    from hotline.keyring import directory_change, held_change, hold
    from hotline.vault.held import Halves, NotAKeyFile

    given = Halves.read(file.read_bytes())
    if given.agency != name:
        raise NotAKeyFile
    if heard is None:
        heard = click.prompt("Fingerprint, as the agency reads it aloud")
    if "".join(heard.split()) != "".join(given.fingerprint.split()):
        raise OtherFingerprint
    line = assemble_staff(settings_module.load())
    try:
        if name not in line.profile.inboxes():
            raise BadInput("This agency has no inbox here.", "See 'hotline keys list'.")
        facts = directory_change(line.settings, held_change(name, given.public, given.signs))
        by = decided(line, giver, second, facts, "agency_key", later=later)
        if by is None:
            return
        with hinting(LATER):
            hold(line.settings, line.access, name, given.public, by, given.signs)
    finally:
        line.close()
    click.echo("Done. Restart the public processes and serve; earlier packages stay as they are.")


@click.command()
@click.option("--agency", "name", required=True)
@by_two
@may_ask
def drop(name: str, giver: str, second: str | None, later: bool) -> None:
    """Seals packages for an agency to the line's own keys again. Needs two officers."""
    from hotline.keyring import directory_change, release
    from hotline.vault.envelope import agency_recipient

    line = assemble_staff(settings_module.load())
    try:
        if not line.directory.held(agency_recipient(name)):
            raise BadInput("This agency holds no key itself.", "See 'hotline keys list'.")
        facts = directory_change(line.settings, f"release:{name}")
        by = decided(line, giver, second, facts, "agency_key", later=later)
        if by is None:
            return
        with hinting(LATER):
            release(line.settings, line.access, name, by)
    finally:
        line.close()
    click.echo("Done. Restart the public processes and serve.")


@click.command("line-key")
@click.option("--out", required=True, type=FILE, help="The file to give to agencies.")
def line_key(out: Path) -> None:
    """Writes the line's public key, by which agencies know what the line signed."""
    from hotline.vault.held import fingerprint, line_file
    from hotline.vault.line import line_signer
    from hotline.vault.signatures import public_half

    public = public_half(line_signer(settings_module.load().staff))
    write(out, line_file(public))
    click.echo(f"Give {out} to agencies, and read this to them on the telephone:")
    click.echo(fingerprint(public))


@click.command()
@click.option("--agency", "name", default="", help="Only this body; all otherwise.")
@click.option("--since", default="", metavar="YYYY-MM", help="First month; a year back otherwise.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def scorecard(name: str, since: str, as_json: bool) -> None:
    """How bodies answer: received, in time, late, outcomes, by month. Not of integrity desks."""
    from hotline.delivery.scorecard import cards, public_queues

    if since and not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", since):
        raise BadInput("This is no month.", "Write it as 2026-03.")
    line = assemble_staff(settings_module.load())
    try:
        found = cards(line, public_queues(line.profile), name, since)
    finally:
        line.close()
    if as_json:
        click.echo(json.dumps([asdict(card) for card in found], indent=2, sort_keys=True))
        return
    for card in found:
        late = ", ".join(f"{what} {number}" for what, number in card.late.items()) or "none late"
        said = ", ".join(f"{code} {number}" for code, number in card.outcomes.items())
        click.echo(
            f"{card.month} {card.agency}: received {card.received}, confirmed {card.confirmed} "
            f"({card.in_time} in time, days {card.confirm or '-'}), {late}; "
            f"days to outcome {card.answer or '-'}; {said or 'no outcomes'}"
        )
