"""Custody: recovery sheets shown to one custodian at a time, and typed in again. Never a file."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

import click

from hotline.errors import BadInput
from hotline.tips import Language
from hotline.vault.recovery import RecoveryKey
from hotline.vault.shares import CHECK_WORDS, NEEDED, SHARES, WORDS, BadSheet, Sheet, read_sheet
from hotline.web.i18n import N_, say

TITLE = N_("Recovery sheet {number} of {all}")
HEAD = N_("Line {line} · set {set} · {day}")
PARTS = (
    (
        N_("What it is"),
        (
            N_("Any three of the five sheets together open what this line has sealed."),
            N_("One sheet alone opens nothing, and two open nothing either."),
            N_("It is needed once a year to practise, and when nobody else can open reports."),
        ),
    ),
    (
        N_("What to do"),
        (
            N_("Keep it on paper, locked in a place that only you can open."),
            N_("Bring it when the officers of the line call for it, and take it home again."),
            N_("Is it lost, or has somebody seen it? Tell two officers on the same day."),
            N_("Before you leave, tell two officers. They make five new ones; then burn this."),
            N_("If somebody forces you, give it: your life is worth more. Then tell the officers."),
        ),
    ),
    (
        N_("What never to do"),
        (
            N_("Never photograph, copy or read it aloud. Type it only at the line's own machine."),
            N_("Never put two sheets in one place. Never say who holds another one."),
            N_("Never give it away because somebody calls or writes in the name of the line."),
        ),
    ),
)
WORDS_TITLE = N_("The {all} words, in this order")
CHECKSUM = N_("The last {count} words are a checksum: they show whether a word was mistyped.")
_ACROSS, _WIDE = 3, 78  # columns of words, characters a line
_OTHER_SCREEN, _BACK = "\033[?1049h\033[2J\033[H", "\033[2J\033[3J\033[H\033[?1049l"


class SheetsInAFile(BadInput):
    """Standard output is a file: the sheets would stay on a disk."""

    code = "sheets_in_a_file"
    message = "Recovery sheets are not written into a file."
    hint = "Run it on a terminal, or pipe it to a printer that keeps nothing."


@dataclass(frozen=True, slots=True)
class Head:
    """What every sheet says of itself: no name, no number, no address."""

    language: Language
    line: str
    key: RecoveryKey


def set_name(number: int) -> str:
    """How a set is named on its sheets: five digits."""
    return f"{number:05d}"


def sheet_text(sheet: Sheet, head: Head) -> str:
    """One printable sheet of 33 numbered English words; the rest is in the line's language."""

    def told(message: str, **values: object) -> str:
        return say(head.language, message).format(**values)

    lines = [
        told(TITLE, number=sheet.number, all=SHARES),
        told(HEAD, line=head.line, set=set_name(sheet.set_number), day=head.key.made),
        "",
        told(WORDS_TITLE, all=WORDS),
        "",
    ]
    down = WORDS // _ACROSS
    for row in range(down):
        places = range(row, WORDS, down)
        lines.append("".join(f"  {at + 1:>2}. {sheet.words[at]:<12}" for at in places).rstrip())
    lines += ["", fill(told(CHECKSUM, count=CHECK_WORDS), _WIDE)]
    for title, sentences in PARTS:
        lines += ["", told(title)]
        lines += [fill(f"  - {told(one)}", _WIDE, subsequent_indent="    ") for one in sentences]
    return "\n".join(lines) + "\n"


def refuse_files() -> None:
    """Raises SheetsInAFile. Asked before anything is made."""
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except (io.UnsupportedOperation, ValueError):
        return
    if stat.S_ISREG(mode):
        raise SheetsInAFile


def hand_out(sheets: Sequence[Sheet], head: Head) -> None:
    """On a terminal each sheet alone, on the other screen, which leaves nothing to scroll back to.
    Elsewhere one after the other, each on a page of its own."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    for sheet in sheets:
        if not terminal:
            click.echo(sheet_text(sheet, head) + "\f", nl=False)
            continue
        _enter(f"Sheet {sheet.number} of {SHARES}: only its custodian looks now. Enter shows it.")
        try:
            click.echo(_OTHER_SCREEN + sheet_text(sheet, head), color=True)
            _enter("Write it down, read it over, then press Enter: it is not shown again.")
        finally:
            click.echo(_BACK, nl=False, color=True)


def _enter(words: str) -> None:
    click.prompt(words, default="", show_default=False, prompt_suffix=" ", hide_input=True)


def ask_sheets() -> list[Sheet]:
    """Three sheets: hidden on a terminal, where a mistyped one is asked for again; elsewhere one a
    line of standard input. Raises BadSheet."""
    return [_ask(nth) for nth in range(1, NEEDED + 1)]


def _ask(nth: int) -> Sheet:
    if not sys.stdin.isatty():
        return read_sheet(sys.stdin.readline(), nth)
    while True:
        try:
            return read_sheet(_typed(nth), nth)
        except BadSheet as mistake:
            click.echo(f"{mistake.message} {mistake.hint}", err=True)


def _typed(nth: int) -> str:
    words: str = click.prompt(f"Sheet {nth}: its {WORDS} words, hidden", hide_input=True)
    return words
