"""CLI: ``hotline …``: one command a task; errors are a sentence and a hint; exit 1, usage 2."""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

import click

from hotline import __version__
from hotline.errors import HotlineError

STARTED = time.monotonic()

# Modules are imported only when their command runs: the CLI itself starts in a blink.
_COMMANDS = {
    "agency": "agency",
    "alarms": "alarms",
    "analyst": "analyst",
    "audit": "prove",
    "backup": "backup",
    "code": "operate",
    "db": "operate",
    "demo": "operate",
    "doctor": "operate",
    "extract": "trends",
    "init": "people",
    "jobs": "jobs",
    "keys": "keys",
    "ledger": "prove",
    "prompts": "prompts",
    "release": "trends",
    "restore": "backup",
    "route": "explore",
    "rules": "explore",
    "serve": "operate",
    "simulate": "explore",
    "strip": "explore",
    "training": "operate",
    "users": "people",
    "worker": "operate",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"hotline.commands.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hotline")
def root() -> None:
    """The backend of an anonymous crime-reporting line."""


def show(value: Any, *, as_json: bool, text: str) -> None:
    """Prints for a program or for a person."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2) if as_json else text)


def main() -> None:
    """Entry point. A HotlineError becomes two lines and exit status 1, never a stack."""
    if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses it, a copied tree does not
        click.echo("hotline: error: this Python is too old", err=True)
        click.echo("hotline: hint: use 3.11 or newer (Debian 12, Ubuntu 24.04)", err=True)
        sys.exit(1)
    try:
        root.main(prog_name="hotline", standalone_mode=True)
    except HotlineError as error:
        click.echo(f"hotline: error: {_plain(error.message)}", err=True)
        click.echo(f"hotline: hint: {_plain(error.hint)}", err=True)
        sys.exit(1)
    except (OSError, UnicodeDecodeError):
        click.echo("hotline: error: a file or the input could not be read or written", err=True)
        click.echo("hotline: hint: 'hotline doctor' checks the home; input is UTF-8 text", err=True)
        sys.exit(1)


def _plain(sentence: str) -> str:
    """The voice of the command line: no capital at the start, no full stop at the end."""
    first = sentence[:1].lower() if sentence[1:2].islower() else sentence[:1]
    return first + sentence[1:].removesuffix(".")


if __name__ == "__main__":
    main()
