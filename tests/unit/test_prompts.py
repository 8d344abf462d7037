"""Recorded prompts: what to record, what is there, and that a machine's voice is known as one."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from hotline.assembly import StaffLine
from hotline.cli import root
from hotline.commands import prompts
from hotline.doctor import phone_findings
from hotline.intake.voice import content_type, folder, recorded
from hotline.intake.voice.script import MANIFEST, Found, Line, found, keep_placeholder
from hotline.settings import Settings
from hotline.tips import Language

Run = Callable[..., Result]


def tone(hertz: float, rate: int = 22050, seconds: float = 0.5) -> bytes:
    """A WAV as espeak-ng writes it to a pipe: the length in its header is not the true one."""
    at = np.arange(int(rate * seconds)) / rate
    samples = (10_000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes(samples)
    head = bytearray(out.getvalue())
    head[4:8] = head[40:44] = b"\x00\xf0\xff\x7f"
    return bytes(head)


@pytest.fixture
def run(settings: Settings) -> Run:
    environ = {"HOTLINE_HOME": str(settings.home), "HOTLINE_DATABASE_URL": settings.database_url}
    return lambda *args: CliRunner(env=environ).invoke(root, ["prompts", *args])


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for espeak-ng that says how it was called, and speaks a tone."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "tone.wav").write_bytes(tone(440))
    script = programs / prompts.PROGRAM
    script.write_text(f'#!/bin/sh\necho "$@" >> "{programs}/calls"\ncat "{programs}/tone.wav"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return programs


def test_the_list_names_every_sentence_once_and_ends_in_the_digit_said(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("list").output)))
    assert {row["language"] for row in rows} == set(Language)
    assert len({(row["language"], row["file"]) for row in rows}) == len(rows)
    assert {row["there"] for row in rows} == {"missing"}
    for row in rows:
        stem = Path(row["file"]).stem
        if re.fullmatch(r".*-\d", stem):
            assert stem[-1] in row["words"], row
    digits = [row["file"] for row in rows if row["language"] == "ht" and "digit" in row["file"]]
    assert digits == [f"digit-{n}.mp3" for n in range(10)]
    chosen = json.loads(run("list", "--language", "ht", "--json").output)
    assert [row["file"] for row in chosen] == [r["file"] for r in rows if r["language"] == "ht"]


def test_placeholders_are_made_for_what_is_missing_and_marked(
    run: Run, machine: Path, settings: Settings
) -> None:
    person = folder(settings.home, Language.HT)
    person.mkdir(parents=True)
    (person / "receipt.mp3").write_bytes(b"ID3 a person")
    done = run("placeholders", "--language", "ht")
    assert done.exit_code == 0, done.output
    calls = (machine / "calls").read_text()
    assert set(re.findall(r"-v (\S+)", calls)) == {"ht"}
    assert (person / "receipt.mp3").read_bytes() == b"ID3 a person"
    assert not (person / "receipt.wav").exists()
    made = tomllib.loads((person / MANIFEST).read_text(encoding="utf-8"))
    assert all(facts["placeholder"] is True for facts in made.values())
    assert made["digit-7.wav"]["words"] == "7"
    with wave.open(str(person / "digit-7.wav")) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        assert sound.getnframes() == pytest.approx(4000, abs=50)
    checked = run("check", "--language", "ht")
    assert checked.exit_code == 1
    assert re.search(r"^ht  1 recorded, \d+ placeholder, 0 outdated, 0 missing$", checked.output)
    # A second run has nothing to do.
    assert run("placeholders", "--language", "ht").output.startswith("0 placeholders")


def test_a_persons_recording_and_changed_words_are_told_from_a_placeholder(tmp_path: Path) -> None:
    line = Line(Language.HT, "receipt.mp3", "Ekri nimewo ou.")
    assert found(tmp_path, line) is Found.MISSING
    path = keep_placeholder(tmp_path, line, b"RIFF machine")
    assert found(tmp_path, line) is Found.PLACEHOLDER
    assert found(tmp_path, Line(Language.HT, "receipt.mp3", "Lòt mo.")) is Found.OUTDATED
    path.write_bytes(b"RIFF person")
    assert found(tmp_path, line) is Found.RECORDED
    keep_placeholder(tmp_path, line, b"RIFF machine")
    (path.parent / "receipt.mp3").write_bytes(b"ID3 person")
    assert found(tmp_path, line) is Found.RECORDED
    assert recorded(tmp_path, Language.HT, "receipt.wav") == path.parent / "receipt.mp3"
    assert content_type(path) == "audio/wav"


def test_a_damaged_manifest_is_no_mark(tmp_path: Path) -> None:
    line = Line(Language.PT, "again.mp3", "Outra vez:")
    path = keep_placeholder(tmp_path, line, b"RIFF machine")
    (path.parent / MANIFEST).write_text("= nothing")
    assert found(tmp_path, line) is Found.RECORDED


def test_without_the_program_there_is_one_clear_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    failed = run("placeholders")
    assert isinstance(failed.exception, prompts.NoSpeaker)
    assert "espeak-ng is not installed" in failed.exception.message


@pytest.mark.parametrize("output", [b"", b"RIFF", b"no sound at all, but longer than a header"])
def test_a_program_that_fails_leaves_no_file(
    run: Run, machine: Path, settings: Settings, output: bytes
) -> None:
    (machine / "tone.wav").write_bytes(output)
    assert isinstance(run("placeholders", "--language", "pt").exception, prompts.NotSpoken)
    assert not folder(settings.home, Language.PT).exists()


def test_sound_for_the_telephone_keeps_speech_and_loses_what_would_come_back_as_noise() -> None:
    def loudness(sound: bytes) -> float:
        with wave.open(io.BytesIO(sound)) as source:
            samples = np.frombuffer(source.readframes(source.getnframes()), "<i2").astype(float)
        return float(np.sqrt(np.mean(samples**2)))

    assert loudness(prompts.for_telephone(tone(1000))) == pytest.approx(7071, rel=0.03)
    assert loudness(prompts.for_telephone(tone(7000))) < 200


def test_doctor_says_that_placeholders_are_in_use(staff_line: StaffLine) -> None:
    spoken, operators = phone_findings(staff_line)
    assert spoken.sound
    assert "pt 0 of" in spoken.detail
    assert "no operators" in operators.detail
    keep_placeholder(staff_line.settings.home, Line(Language.HT, "again.mp3", "x"), b"RIFF")
    spoken, _ = phone_findings(staff_line)
    assert not spoken.sound
    assert "placeholders are in use (ht 1)" in spoken.detail
