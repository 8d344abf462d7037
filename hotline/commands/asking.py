"""Asking: a passphrase, on a terminal or from a pipe."""

from __future__ import annotations

import sys

import click

from hotline.triage.plain import check_plain
from hotline.vault.keys import SHORTEST_PASSPHRASE


def ask_passphrase(name: str, *, again: bool = True) -> str:
    """Asked on a terminal, a new one twice; one line of standard input otherwise. Raises TooPlain
    for a new one; that it is too short, whoever makes its key says."""
    if sys.stdin.isatty():
        words: str = click.prompt(
            f"Passphrase for {name} (15 characters or more)",
            hide_input=True,
            confirmation_prompt=again,
        )
    else:
        words = sys.stdin.readline().rstrip("\n")
    if again and len(words) >= SHORTEST_PASSPHRASE:
        check_plain(words)
    return words
