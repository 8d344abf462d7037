"""Prompts: what to record for the phone menu, what is there, and a machine's stand-ins."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import wave
from collections import Counter
from typing import TYPE_CHECKING

import click

from hotline import settings as settings_module
from hotline.cli import show
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.settings import Settings
from hotline.tips import Language

if TYPE_CHECKING:
    from hotline.intake.voice.script import Line

PROGRAM = "espeak-ng"
# Its voice and, in words a minute, how fast a sentence is said; digits are said slower.
VOICES = {
    Language.PT: "pt-br",
    Language.ES: "es-419",
    Language.EN: "en-us",
    Language.FR: "fr-fr",
    Language.HT: "ht",
}
WORDS_A_MINUTE, SLOWLY = 140, 110
RATE = 8000  # what a telephone carries; hertz, one channel, 16 bits


class NoSpeaker(HotlineError):
    """Placeholders need a program that is not installed."""

    code = "no_speaker"
    message = f"{PROGRAM} is not installed, so there is nothing to speak placeholders with."
    hint = f"Install Debian's package {PROGRAM}; recordings of people need no program."


class NotSpoken(HotlineError):
    """The program that speaks placeholders failed."""

    code = "not_spoken"
    message = f"{PROGRAM} could not speak a sentence."
    hint = f"Try '{PROGRAM} --voices': each of pt-br, es-419, en-us, fr-fr and ht must be there."


@click.group()
def prompts() -> None:
    """Recorded sentences of the phone menu."""


def _script(settings: Settings) -> tuple[Line, ...]:
    from hotline.assembly import line_rooms
    from hotline.intake.sms import number_on
    from hotline.intake.voice.script import script

    profile, places, *_ = line_rooms(settings)
    today = Clock(profile.zone).today()
    return script(profile, lambda prompt: number_on(profile, today, prompt), postal=places.postal)


def _chosen(lines: tuple[Line, ...], language: str | None) -> tuple[Line, ...]:
    return tuple(line for line in lines if language in (None, line.language.value))


_language = click.option(
    "--language", type=click.Choice([each.value for each in Language]), help="Only this one."
)


@prompts.command("list")
@_language
@click.option("--json", "as_json", is_flag=True)
def list_prompts(language: str | None, as_json: bool) -> None:
    """Every sentence to record, as CSV: language, file, words, and what is there now.

    Files lie in public/recordings/LANGUAGE of the home, as .mp3 or .wav; 8 kHz mono is enough."""
    from hotline.intake.voice.script import found

    settings = settings_module.load()
    rows = [
        {
            "language": one.language,
            "file": one.file,
            "words": one.words,
            "there": found(settings.home, one),
        }
        for one in _chosen(_script(settings), language)
    ]
    sheet = io.StringIO()
    table = csv.DictWriter(sheet, ["language", "file", "words", "there"], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    show(rows, as_json=as_json, text=sheet.getvalue().rstrip("\n"))


@prompts.command()
@_language
def check(language: str | None) -> None:
    """Counts by language what is recorded, a placeholder, outdated or missing. Exit 1 unless all
    is recorded."""
    from hotline.intake.voice.script import Found, found

    settings = settings_module.load()
    counts: dict[Language, Counter[Found]] = {}
    for one in _chosen(_script(settings), language):
        counts.setdefault(one.language, Counter())[found(settings.home, one)] += 1
    for spoken, count in counts.items():
        click.echo(f"{spoken}  " + ", ".join(f"{count[each]} {each}" for each in Found))
    if any(count.total() != count[Found.RECORDED] for count in counts.values()):
        raise SystemExit(1)


@prompts.command()
@_language
def placeholders(language: str | None) -> None:
    """Has a machine speak what nobody has recorded yet, and marks it so. People's recordings are
    never touched."""
    from hotline.intake.voice.script import Found, found, keep_placeholder

    if shutil.which(PROGRAM) is None:
        raise NoSpeaker
    settings = settings_module.load()
    lines = [
        one
        for one in _chosen(_script(settings), language)
        if found(settings.home, one) in (Found.MISSING, Found.OUTDATED)
    ]
    for at, one in enumerate(lines, 1):
        keep_placeholder(settings.home, one, spoken(one))
        if sys.stderr.isatty():
            click.echo(f"\r{at} of {len(lines)}", nl=False, err=True)
    click.echo(f"{len(lines)} placeholders made. They are no substitute: record them with people.")


def spoken(line: Line) -> bytes:
    """A sentence as WAV. Raises NotSpoken."""
    speed = SLOWLY if len(line.words) == 1 else WORDS_A_MINUTE
    command = [PROGRAM, "-v", VOICES[line.language], "-s", str(speed), "--stdout", "--stdin"]
    try:
        done = subprocess.run(
            command, input=line.words.encode(), capture_output=True, check=True, timeout=60
        )
        return for_telephone(done.stdout)
    except (OSError, subprocess.SubprocessError, wave.Error, EOFError):
        raise NotSpoken from None


def for_telephone(sound: bytes) -> bytes:
    """16-bit mono WAV of any rate → of 8 kHz."""
    import numpy as np

    with wave.open(io.BytesIO(sound)) as source:
        rate = source.getframerate()
        # espeak-ng writes to a pipe, where the length in the header is not yet known.
        samples = np.frombuffer(source.readframes(source.getnframes()), "<i2").astype(float)
    # Everything above half the new rate would come back as noise: a windowed sinc takes it out.
    reach = np.arange(-64, 65)
    cut = 0.9 * RATE / rate
    kernel = np.sinc(cut * reach) * np.hamming(len(reach))
    smooth = np.convolve(samples, kernel / kernel.sum(), mode="same")
    at = np.arange(0, max(len(samples) - 1, 0), rate / RATE)
    fewer = np.interp(at, np.arange(len(samples)), smooth) if len(samples) else samples
    out = io.BytesIO()
    with wave.open(out, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(RATE)
        target.writeframes(np.clip(fewer, -32768, 32767).astype("<i2").tobytes())
    return out.getvalue()
