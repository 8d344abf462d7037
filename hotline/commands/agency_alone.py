"""Agency alone: the commands an agency runs on its own machine. None of them needs a line here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hotline.commands.agency_calls import Line
from hotline.commands.asking import ask_passphrase
from hotline.delivery.reading import page, schema
from hotline.errors import BadInput
from hotline.vault.held import (
    Halves,
    KeyFile,
    NotForThisKey,
    Unpacked,
    check_line,
    read_line,
    signing_seed,
    unpack,
)
from hotline.vault.signatures import public_half

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
_KEY = click.option("--key", required=True, type=FILE, help="The key file that was kept.")
_LINE = click.option("--line", "address", required=True, help="The line's address, https://…")
_LINE_KEY = click.option(
    "--line-key", type=FILE, help="The line's own key; what it did not sign is refused."
)


class NotWritten(BadInput):
    """A file of that name exists: a key is never written over."""

    code = "not_written"
    message = "A file of that name is there already."
    hint = "Choose another name, or move the old file away."


class NoFile(BadInput):
    code = "no_file"
    message = "A file that was named cannot be read."
    hint = "Check the names of the files and whose they are."


class NoReply(BadInput):
    """A package from before the line could be told by key where its reporter is."""

    code = "no_reply_address"
    message = "This package is older than answers by key."
    hint = "Answer it in the inbox of the console."


@click.command()
@click.option("--agency", "name", required=True, help="The agency's id in the line's profile.")
@click.option("--out", required=True, type=FILE, help="The key file to keep; .pub is added too.")
@click.option("--suite", default=1, type=click.IntRange(1, 2), show_default=True)
def keygen(name: str, out: Path, suite: int) -> None:
    """Makes a key under a passphrase: a file to keep, and one to give to the line.

    Ask the line for its own key file as well ('hotline agency line-key' there) and compare its
    fingerprint: 'verify', 'open' and 'fetch' take it as --line-key."""
    public = out.with_name(out.name + ".pub")
    if out.exists() or public.exists():
        raise NotWritten
    words = ask_passphrase(f"the key of {name}")
    made = KeyFile.new(name, words, suite)
    given = _halves(made, made.seed(words))
    write(out, made.private())
    write(public, given.file())
    click.echo(f"Keep {out} and the passphrase: without both nothing opens, and nobody can help.")
    click.echo(f"Give {public} to the line, and read this to them on the telephone:")
    click.echo(given.fingerprint)


@click.command("public")
@_KEY
@click.option("--out", required=True, type=FILE, help="Where to write it.")
def public_file(key: Path, out: Path) -> None:
    """Writes the file to give to the line again; of an older key with the half that signs."""
    kept, seed = _opened_key(key)
    given = _halves(kept, seed)
    write(out, given.file())
    click.echo(f"Give {out} to the line, and read this to them on the telephone:")
    click.echo(given.fingerprint)


@click.command("open")
@click.argument("file", type=FILE)
@_KEY
@click.option("--out", type=FOLDER, help="For its pictures.")
@click.option("--html", type=FILE, help="A page to read and print, with its pictures inside.")
@_LINE_KEY
def open_file(
    file: Path, key: Path, out: Path | None, html: Path | None, line_key: Path | None
) -> None:
    """Opens a package: JSON on standard output, pictures into --out, a page into --html."""
    content = _read(file)
    if line_key is not None:
        check_line(content, read_line(_read(line_key)))
    kept, seed = _opened_key(key)
    opened = unpack(content, kept.agency, seed)
    click.echo(json.dumps(opened.document, ensure_ascii=False, sort_keys=True, indent=2))
    if html is not None:
        write(html, page(opened.document, opened.pages).encode("utf-8", "replace"))
        click.echo(f"To read and print: {html}", err=True)
    if out is None:
        return
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, picture in opened.pages.items():
        if not (out / name).exists():
            write(out / name, picture)
    click.echo(f"{len(opened.pages)} pages in {out}", err=True)


@click.command()
@click.argument("file", type=FILE)
@click.option("--line-key", required=True, type=FILE, help="The line's own key file.")
@click.option("--key", type=FILE, help="Your key: names the decision too, which is sealed.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def verify(file: Path, line_key: Path, key: Path | None, as_json: bool) -> None:
    """Proves that a package's file is as the line signed it, and names the decision."""
    content = _read(file)
    agency, identity = check_line(content, read_line(_read(line_key)))
    facts: dict[str, Any] = {"signed": True, "package": identity.hex(), "agency": agency}
    if key is not None:
        document = _unpacked(content, key).document
        if document["package"] != identity.hex() or document["agency"] != agency:
            raise NotForThisKey
        names = ("role", "forwarded", "due", "rules_version", "rules", "status")
        facts |= {name: document[name] for name in names if name in document}
    if as_json:
        click.echo(json.dumps(facts, sort_keys=True))
        return
    click.echo("The line signed this file, and nothing in it was changed since.")
    for name, value in facts.items():
        if name != "signed":
            click.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


@click.command()
@_LINE
@_KEY
@click.option("--out", required=True, type=FOLDER, help="Where the sealed files go.")
@_LINE_KEY
def fetch(address: str, key: Path, out: Path, line_key: Path | None) -> None:
    """Fetches every package that waits and is not there yet, sealed as it is."""
    line = _line(address, key)
    signed = read_line(_read(line_key)) if line_key else None
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    waiting = line.packages()
    for row in waiting:
        file = out / f"{row['id']}.sealed"
        if not file.exists():
            content = line.fetch(row["id"])
            if signed is not None:
                check_line(content, signed)
            write(file, content)
        click.echo(f"{file}  {row['role']}  {row['state']}  confirm until {row['due']}")
    if not waiting:
        click.echo("Nothing waits.")


@click.command()
@click.argument("file", type=FILE)
@_LINE
@_KEY
def confirm(file: Path, address: str, key: Path) -> None:
    """Confirms that you have a package. The reporter reads it."""
    _say(file, address, key, "receipt", {})
    click.echo("Receipt was confirmed.")


@click.command()
@click.argument("file", type=FILE)
@click.argument("outcome")
@_LINE
@_KEY
def outcome(file: Path, outcome: str, address: str, key: Path) -> None:
    """Says what became of a package: OUTCOME is a code of docs/agencies.md. The reporter reads it
    as a sentence; say it again when you know more."""
    _say(file, address, key, "outcome", {"outcome": outcome})
    click.echo("The outcome was recorded.")


@click.command("schema")
def schema_text() -> None:
    """The JSON Schema of an opened package."""
    click.echo(schema(), nl=False)


ALONE: tuple[click.Command, ...] = (
    *(keygen, public_file, open_file, verify, fetch, confirm, outcome, schema_text),
)


def _say(file: Path, address: str, key: Path, what: str, more: dict[str, str]) -> None:
    kept, seed = _opened_key(key)
    document = unpack(_read(file), kept.agency, seed).document
    if "salt" not in document["reply"]:
        raise NoReply
    line = Line(address, kept.agency, signing_seed(seed))
    line.say(document["package"], what, {**more, "reply": document["reply"]})


def _line(address: str, key: Path) -> Line:
    kept, seed = _opened_key(key)
    return Line(address, kept.agency, signing_seed(seed))


def _halves(kept: KeyFile, seed: bytes) -> Halves:
    return Halves(kept.agency, kept.key.public, public_half(signing_seed(seed)))


def _unpacked(content: bytes, key: Path) -> Unpacked:
    kept, seed = _opened_key(key)
    return unpack(content, kept.agency, seed)


def _opened_key(key: Path) -> tuple[KeyFile, bytes]:
    kept = KeyFile.read(_read(key))
    return kept, kept.seed(ask_passphrase(f"the key of {kept.agency}", again=False))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise NoFile from None


def write(path: Path, content: bytes) -> None:
    """For its owner alone; never over what is there."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise NotWritten from None
    except OSError:
        raise NoFile from None
    path.write_bytes(content)
