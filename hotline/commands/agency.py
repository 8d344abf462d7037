"""Agencies' own keys on the command line: made and used offline, added to the line's directory."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import click

from hotline import settings as settings_module
from hotline.assembly import assemble_staff
from hotline.commands.keys import decided
from hotline.commands.people import ask_passphrase
from hotline.commands.two import LATER, by_two, hinting, may_ask
from hotline.errors import BadInput

_FILE = click.Path(path_type=Path, dir_okay=False)


class NotWritten(BadInput):
    """A file of that name exists: a key is never written over."""

    code = "not_written"
    message = "A file of that name is there already."
    hint = "Choose another name, or move the old file away."


class OtherFingerprint(BadInput):
    """The key that came is not the key the agency has."""

    code = "other_fingerprint"
    message = "The fingerprint is not that of this key."
    hint = "Let the agency read it aloud from its own screen; if it differs, the file was changed."


@click.group()
def agency() -> None:
    """Keys that agencies hold themselves. 'keygen' and 'open' need no line."""


@agency.command()
@click.option("--agency", "name", required=True, help="The agency's id in the line's profile.")
@click.option("--out", required=True, type=_FILE, help="The key file to keep; .pub is added too.")
@click.option("--suite", default=1, type=click.IntRange(1, 2), show_default=True)
def keygen(name: str, out: Path, suite: int) -> None:
    """Makes a key under a passphrase: a file to keep, and one to give to the line."""
    from hotline.vault.held import KeyFile, fingerprint

    public = out.with_name(out.name + ".pub")
    if out.exists() or public.exists():
        raise NotWritten
    made = KeyFile.new(name, ask_passphrase(f"the key of {name}"), suite)
    _write(out, made.private())
    _write(public, made.public())
    click.echo(f"Keep {out} and the passphrase: without both nothing opens, and nobody can help.")
    click.echo(f"Give {public} to the line, and read this to them on the telephone:")
    click.echo(fingerprint(made.key.public))


@agency.command("open")
@click.argument("file", type=_FILE)
@click.option("--key", required=True, type=_FILE, help="The key file that was kept.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="For its pictures.")
def open_file(file: Path, key: Path, out: Path | None) -> None:
    """Opens a downloaded package: JSON on standard output, pictures into --out."""
    from hotline.vault.held import KeyFile, unpack

    content, kept = file.read_bytes(), KeyFile.read(key.read_bytes())
    seed = kept.seed(ask_passphrase(f"the key of {kept.agency}", again=False))
    opened = unpack(content, kept.agency, seed)
    click.echo(json.dumps(opened.document, ensure_ascii=False, sort_keys=True, indent=2))
    if out is None:
        return
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, page in opened.pages.items():
        if not (out / name).exists():
            _write(out / name, page)
    click.echo(f"{len(opened.pages)} pages in {out}", err=True)


@agency.command()
@click.argument("file", type=_FILE)
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
    from hotline.vault.held import NotAKeyFile, fingerprint, read_public

    named, public = read_public(file.read_bytes())
    if named != name:
        raise NotAKeyFile
    if heard is None:
        heard = click.prompt("Fingerprint, as the agency reads it aloud")
    if "".join(heard.split()) != "".join(fingerprint(public).split()):
        raise OtherFingerprint
    line = assemble_staff(settings_module.load())
    try:
        if name not in line.profile.inboxes():
            raise BadInput("This agency has no inbox here.", "See 'hotline keys list'.")
        facts = directory_change(line.settings, held_change(name, public))
        by = decided(line, giver, second, facts, "agency_key", later=later)
        if by is None:
            return
        with hinting(LATER):
            hold(line.settings, line.access, name, public, by)
    finally:
        line.close()
    click.echo("Done. Restart the public processes and serve; earlier packages stay as they are.")


@agency.command()
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


@agency.command()
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


def _write(path: Path, content: bytes) -> None:
    """For its owner alone; never over what is there."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise NotWritten from None
    path.write_bytes(content)
