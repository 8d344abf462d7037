"""Asking: a passphrase, on a terminal or from a pipe."""

from __future__ import annotations

import sys

import click


def ask_passphrase(name: str, *, again: bool = True) -> str:
    """Asked on a terminal, a new one twice; one line of standard input otherwise."""
    if sys.stdin.isatty():
        words: str = click.prompt(
            f"Passphrase for {name} (15 characters or more)",
            hide_input=True,
            confirmation_prompt=again,
        )
        return words
    return sys.stdin.readline().rstrip("\n")
