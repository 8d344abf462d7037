"""Backup on the command line: sealed copies, their checks, and the way back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotline import settings as settings_module
from hotline.cli import show
from hotline.clock import Clock
from hotline.errors import BadInput, HotlineError
from hotline.keeping.archive import Part
from hotline.keeping.names import LIFE, Copy, Name

if TYPE_CHECKING:
    from hotline.keeping.restore import Report

FOLDER = click.Path(exists=True, file_okay=False, writable=True, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class TooOld(HotlineError):
    """A copy past its last day."""

    code = "too_old"
    message = "This copy is older than it may get."
    hint = "Use a newer one. Without any: --expired, and say to yourself what it brings back."


class _Backup(click.Group):
    """``hotline backup DIR`` is ``hotline backup data DIR``; ``--keys`` and ``--check`` are the
    commands of that name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        word = args[0] if args else ""
        if word.removeprefix("--") in self.commands:
            args = [word.removeprefix("--"), *args[1:]]
        elif args and word not in ctx.help_option_names:
            args = ["data", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Backup)
def backup() -> None:
    """Sealed copies of the line. 'hotline backup DIR' makes one of the data."""


@backup.command()
@click.argument("folder", type=FOLDER)
def keygen(folder: Path) -> None:
    """Makes a backup key in FOLDER, on a machine that is not the line's and stays offline."""
    from hotline.vault.copies import new_pair
    from hotline.vault.directory import write_file

    private, public = new_pair()
    if (folder / "backup.private").exists():
        raise BadInput("There is a backup key here already.", "Choose another folder.")
    write_file(folder / "backup.private", private.encode())
    write_file(folder / "backup.public", public.encode(), 0o644)
    click.echo("backup.private opens every backup: two copies, offline, never on the server.")
    click.echo("backup.public goes to the line: 'hotline backup use backup.public'.")


@backup.command()
@click.argument("public_half", type=FILE)
def use(public_half: Path) -> None:
    """Seals every copy from now on to this public half."""
    from hotline.keeping.backup import use as use_key

    name = use_key(settings_module.load(), public_half.read_text())
    click.echo(f"Copies are sealed to the backup key {name} from now on.")


@backup.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--keep-days",
    default=LIFE[Copy.DATA],
    show_default=True,
    type=click.IntRange(1, LIFE[Copy.DATA]),
    help="Copies of this line in FOLDER that are older are deleted.",
)
def data(folder: Path, keep_days: int) -> None:
    """Database, public keys and rules, into FOLDER. Without pepper and key store."""
    _make(folder, Copy.DATA, keep_days)


@backup.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--keep-days",
    default=LIFE[Copy.KEYS],
    show_default=True,
    type=click.IntRange(1, LIFE[Copy.KEYS]),
    help="Copies of keys of this line in FOLDER that are older are deleted.",
)
def keys(folder: Path, keep_days: int) -> None:
    """Key store, pepper, worker's and audit's keys: another place than the data, 7 days."""
    _make(folder, Copy.KEYS, keep_days)


def _make(folder: Path, copy: Copy, keep_days: int) -> None:
    from hotline.keeping.backup import back_up, expire

    settings, clock = settings_module.load(), Clock()
    progress = _Progress()
    file, parts = back_up(settings, folder, copy, clock, progress)
    progress.end()
    for name in expire(settings, folder, clock.today(), {copy: keep_days}):
        click.echo(f"deleted  {name}")
    click.echo(f"{_said(parts)}, sealed and read back.")
    click.echo(file.name)


@backup.command()
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Whether a copy is whole, unaltered and this line's. Needs no private half."""
    from hotline.keeping.backup import check as check_copy

    name = check_copy(settings_module.load(), file)
    click.echo(f"sound: {name.copy} of {name.day}, to be deleted after {name.until}")


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--key", type=FILE, help="The private half; else one line of standard input.")
@click.option("--check", "only_check", is_flag=True, help="Reads everything, keeps nothing.")
@click.option("--expired", is_flag=True, help="Takes copies that are older than they may get.")
@click.option("--json", "as_json", is_flag=True)
def restore(
    files: tuple[Path, ...], key: Path | None, only_check: bool, expired: bool, as_json: bool
) -> None:
    """Puts sealed copies back into an empty home and database: the data, then the keys."""
    from hotline.keeping.backup import named
    from hotline.keeping.restore import prove, restore_data, restore_keys
    from hotline.vault.copies import SealedCopy, read_private

    settings = settings_module.load()
    seed = read_private(key.read_text() if key else _private_half())
    reports: list[Report] = []
    # "data" before "keys": the key store asks the audit what is dead.
    for file in sorted(files, key=lambda f: getattr(Name.read(f.name), "copy", "")):
        with file.open("rb") as opened:
            sealed = SealedCopy.open(opened)
            name = named(sealed, file)
            if not expired and name.until < Clock().today():
                raise TooOld
            step = restore_data if name.copy is Copy.DATA else restore_keys
            progress = _Progress(quiet=as_json)
            reports.append((prove if only_check else step)(settings, sealed, name, seed, progress))
            progress.end()
    show([r.told() for r in reports], as_json=as_json, text="\n".join(map(_summary, reports)))
    if not (as_json or only_check):
        click.echo("Now: hotline doctor, hotline audit verify, hotline ledger check.")


def _summary(report: Report) -> str:
    lines = [f"{report.name.text}: {_said(report.parts)}"]
    if report.name.copy is Copy.DATA:
        lines.append(f"  the audit's {report.tree} ordered records give their signed tree")
    if report.dropped:
        lines.append(f"  {report.dropped} grants stay dead: destroyed or taken away since")
    lines += [f"  nobody holds the key of {who} for {month}" for who, month in report.orphans]
    if report.orphans:
        lines.append("  this copy of the keys is too old for them: is there a newer one?")
    return "\n".join(lines)


def _said(parts: list[Part]) -> str:
    tables = [part for part in parts if part.rows is not None]
    rows = sum(part.rows or 0 for part in tables)
    size = sum(part.size for part in parts)
    files = len(parts) - len(tables)
    return f"{rows:,} rows of {len(tables)} tables and {files} files, {size:,} bytes"


def _private_half() -> str:
    if sys.stdin.isatty():
        line: str = click.prompt("Private half of the backup key", hide_input=True)
        return line
    return sys.stdin.readline()


class _Progress:
    """One line that changes on a terminal; one plain line a table elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet, self._terminal = quiet, sys.stderr.isatty()
        self._last = ("", 0)

    def __call__(self, name: str, count: int) -> None:
        if self._terminal and not self._quiet:
            click.echo(f"\r\033[K{name}: {count:,} rows", err=True, nl=False)
        elif name != self._last[0]:
            self._say()
        self._last = (name, count)

    def end(self) -> None:
        if self._terminal and not self._quiet:
            click.echo("\r\033[K", err=True, nl=False)
        else:
            self._say()

    def _say(self) -> None:
        if self._last[0] and not self._quiet:
            click.echo(f"{self._last[0]}: {self._last[1]:,} rows", err=True)
