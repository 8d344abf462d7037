"""Voice: the port, its sound, its model's checksums, and the child process that may go wrong."""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hotline import doctor
from hotline.errors import HotlineError
from hotline.intake.merge import LONGEST
from hotline.intake.voice import model, sound
from hotline.intake.voice.ear import Ear, ear
from hotline.intake.voice.engine import REASONS, NotHeard, Transcript
from hotline.intake.voice.model import NEEDED, SUMS
from hotline.intake.voice.whisper import Whisper
from hotline.settings import Settings
from hotline.tips import Language

SPOKEN = (Path(__file__).parents[1] / "voice" / "spoken.wav").read_bytes()
SAID = (
    "they sell drugs at the market every day my phone number is five five five one two nine eight"
)
BOTH = (Language.PT, Language.EN)


def child(*words: str, seconds: float = 60.0, module: str = "tests.voice.doubles") -> Ear:
    return Ear((sys.executable, "-B", "-m", module, *words), seconds)


def wav(data: bytes, coding: int = 1, bits: int = 16, rate: int = 8000, channels: int = 1) -> bytes:
    frame = channels * bits // 8
    shape = struct.pack("<HHIIHH", coding, channels, rate, rate * frame, frame, bits)
    parts = b"WAVEfmt " + struct.pack("<I", 16) + shape + b"LIST\x03\0\0\0abc\0"
    parts += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(parts)) + parts


def refused(action: Any, *given: Any) -> str:
    with pytest.raises(NotHeard) as caught:
        action(*given)
    assert caught.value.reason in REASONS
    return caught.value.reason


# --- sound


TONE = np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000) * 0.5


@pytest.mark.parametrize(
    ("bits", "data"),
    [
        (8, (TONE * 127 + 128).astype(np.uint8).tobytes()),
        (16, (TONE * 32_767).astype("<i2").tobytes()),
        (24, b"".join(int(v * 8_388_607).to_bytes(3, "little", signed=True) for v in TONE)),
        (32, (TONE * 2_147_483_647).astype("<i4").tobytes()),
    ],
)
def test_every_width_of_pcm_is_the_same_tone(bits: int, data: bytes) -> None:
    samples, rate = sound.decode(wav(data, bits=bits))
    assert rate == 8000
    assert np.abs(samples - TONE).max() < 0.02


def test_telephone_codings_are_those_of_g711() -> None:
    samples, _ = sound.decode(wav(bytes([0xFF, 0x7F, 0x00, 0x80, 0xF0]), 7, 8))
    assert (samples * 32_768).round().tolist() == [0, 0, -32_124, 32_124, 120]
    samples, _ = sound.decode(wav(bytes([0xD5, 0x55, 0xAA, 0x2A, 0xC5]), 6, 8))
    assert (samples * 32_768).round().tolist() == [8, -8, 32_256, -32_256, 264]


def test_two_channels_are_mixed_and_a_torn_end_is_left_out() -> None:
    data = struct.pack("<hhhh", 16_384, 0, -16_384, -16_384) + b"\1"
    samples, _ = sound.decode(wav(data, channels=2))
    assert samples.tolist() == [0.25, -0.5]


def test_another_rate_is_the_same_tone() -> None:
    tone = TONE.astype(np.float32)
    up = sound.at_rate(tone, 8000, 16_000)
    assert len(up) == 16_000 and up.dtype == np.float32
    assert np.abs(up[::2] - tone).max() < 0.001
    assert np.abs(sound.at_rate(up, 16_000, 8000) - tone).max() < 0.001
    assert len(sound.at_rate(tone[:0], 8000, 16_000)) == 0


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"RIFF",
        b"ID3\x04" + bytes(100),
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        wav(bytes(100))[:30],
        wav(bytes(100), coding=2, bits=8),
        wav(bytes(100), channels=0),
        wav(bytes(100), rate=1),
        wav(bytes(100), bits=12),
    ],
)
def test_what_is_no_wav_of_ours_is_refused(junk: bytes) -> None:
    assert refused(sound.decode, junk) == "sound_unknown"


def test_a_sound_of_more_than_ten_minutes_is_refused() -> None:
    assert refused(sound.decode, wav(bytes(601 * 8000), 7, 8)) == "sound_long"


# --- the model's directory


def write_sums(folder: Path) -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != SUMS
    ]
    (folder / SUMS).write_text("".join(lines))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "whisper-base"
    home.mkdir()
    for name in (*NEEDED, "vocabulary.txt"):
        (home / name).write_bytes(name.encode() * 100)
    write_sums(home)
    return home


def test_a_sound_model_is_named_with_the_fingerprint_of_its_list(folder: Path) -> None:
    found = model.check(folder)
    assert (found.name, found.files) == ("whisper-base", 4)
    assert found.size == model.size(folder)
    assert found.fingerprint == hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()


def test_a_file_that_changed_is_noticed(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"another")
    assert refused(model.check, folder) == "model_altered"
    (folder / "model.bin").unlink()
    assert refused(model.check, folder) == "model_incomplete"


@pytest.mark.parametrize("name", NEEDED)
def test_a_list_without_what_the_engine_needs_is_refused(folder: Path, name: str) -> None:
    """Without its tokenizer the library would ask a hub for one."""
    (folder / name).unlink()
    write_sums(folder)
    assert refused(model.check, folder) == "model_incomplete"


def test_a_file_without_a_checksum_is_never_read(folder: Path) -> None:
    (folder / "preprocessor_config.json").write_text("{}")
    assert "preprocessor_config.json" not in dict(model.files(folder))


def test_a_list_names_files_of_its_directory_only(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x")
    line = f"{hashlib.sha256(b'x').hexdigest()}  ../outside\n"
    (folder / SUMS).write_text((folder / SUMS).read_text() + line)
    assert refused(model.check, folder) == "model_altered"


@pytest.mark.parametrize("name", ["base", "large-v3", "Systran/faster-whisper-base", ""])
def test_a_name_that_is_no_directory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(model.check, Path(name)) == "model_missing"
    assert refused(Whisper, Path(name)) == "model_missing"


# --- faster-whisper, with a double in place of the library


class LibraryDouble:
    """What ``faster_whisper.WhisperModel`` takes and gives (1.2.1)."""

    languages = ("en", "pt", "es", "fr", "ht", "gl")
    chances: tuple[tuple[str, float], ...] = (("gl", 0.5), ("pt", 0.3), ("en", 0.1))
    words: tuple[tuple[str, float], ...] = ((" Vendem", 0.9), (" drogas", 0.3), (" aqui.", 0.6))
    made: dict[str, Any]

    def __init__(self, name: str, **kwargs: Any) -> None:
        type(self).made = {"name": name, **kwargs}
        self.supported_languages = list(self.languages)

    def detect_language(self, audio: Any) -> tuple[str, float, list[tuple[str, float]]]:
        assert audio.dtype == np.float32
        return (*self.chances[0], list(self.chances))

    def transcribe(self, audio: Any, **kwargs: Any) -> tuple[Iterator[Any], Any]:
        type(self).made |= {"samples": len(audio), **kwargs}
        words = [SimpleNamespace(word=word, probability=p) for word, p in self.words]
        segments = [SimpleNamespace(words=words[:2]), SimpleNamespace(words=words[2:])]
        return iter([*segments, SimpleNamespace(words=None)]), None


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[LibraryDouble]:
    class Fresh(LibraryDouble):
        pass

    module = ModuleType("faster_whisper")
    module.WhisperModel = Fresh  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    return Fresh


def test_whisper_gets_checked_bytes_and_no_way_to_fetch(
    library: type[LibraryDouble], folder: Path
) -> None:
    heard = Whisper(folder).transcribe(SPOKEN, BOTH)
    assert heard.text == "Vendem drogas aqui."
    assert heard.language is Language.PT
    assert heard.confidence == pytest.approx(0.6)
    assert heard.unsure == ("drogas",)
    made = library.made
    assert made["local_files_only"] is True
    assert made["device"] == "cpu"
    assert set(made["files"]) == {*NEEDED, "vocabulary.txt"}
    assert made["language"] == "pt"
    assert made["samples"] == pytest.approx((len(SPOKEN) - 44) * 2)
    assert (made["temperature"], made["condition_on_previous_text"]) == (0.0, False)
    assert made["vad_filter"] and made["word_timestamps"]


def test_whisper_loads_nothing_that_was_altered(library: type[LibraryDouble], folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"another")
    assert refused(Whisper, folder) == "model_altered"
    assert not hasattr(library, "made")


@pytest.mark.parametrize(
    ("chances", "language"),
    [
        ((("en", 0.9), ("pt", 0.05)), Language.EN),
        ((("en", 0.6), ("pt", 0.3)), Language.PT),
        ((("gl", 0.9), ("en", 0.05), ("pt", 0.04)), Language.PT),
        ((), Language.PT),
    ],
)
def test_the_callers_choice_stands_unless_it_is_clearly_another(
    library: type[LibraryDouble], folder: Path, chances: Any, language: Language
) -> None:
    library.chances = chances or (("xx", 1.0),)
    assert Whisper(folder).transcribe(SPOKEN, BOTH).language is language


def test_a_model_of_english_alone_does_not_write_english_for_portuguese(
    library: type[LibraryDouble], folder: Path
) -> None:
    library.languages = ("en",)
    assert refused(Whisper(folder).transcribe, SPOKEN, BOTH) == "language_unknown"
    assert Whisper(folder).transcribe(SPOKEN, (Language.EN, Language.PT)).text


def test_nothing_said_is_an_empty_text(library: type[LibraryDouble], folder: Path) -> None:
    library.words = ()
    heard = Whisper(folder).transcribe(SPOKEN, BOTH)
    assert (heard.text, heard.confidence) == ("", 0.0)


# --- the child


def test_a_real_engine_hears_a_telephone() -> None:
    heard = child(module="tests.voice.sphinx").hear(SPOKEN, BOTH)
    assert (heard.text, heard.language) == (SAID, Language.EN)
    assert SAID not in repr(heard)


def children() -> set[str]:
    """The ids of this process's children, the dead that nobody has waited for too. The private
    servers of other tests may be among them."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("hang",), "time"),
        (("deaf",), "time"),
        (("die",), "died"),
        (("raise",), "engine_failed"),
        (("hungry",), "memory"),
        (("flood",), "nonsense"),
        (("nonsense", ""), "nonsense"),
        (("nonsense", "null"), "nonsense"),
        (("nonsense", "[" * 9000), "nonsense"),
        (("nonsense", '{"text": 1, "language": "pt", "confidence": 1, "unsure": []}'), "nonsense"),
        (("nonsense", '{"text": "", "language": "xx", "confidence": 1, "unsure": []}'), "nonsense"),
        (("nonsense", '{"text": "", "language": "pt", "confidence": 2, "unsure": []}'), "nonsense"),
        (
            ("nonsense", '{"text": "", "language": "pt", "confidence": NaN, "unsure": []}'),
            "nonsense",
        ),
        (
            ("nonsense", '{"text": "", "language": "pt", "confidence": 1, "unsure": [3]}'),
            "nonsense",
        ),
        (("nonsense", '{"problem": "a secret"}'), "nonsense"),
        (("nonsense", '{"problem": []}'), "nonsense"),
        (("say", json.dumps({"text": "a" * (LONGEST + 1), "language": "pt"})), "sound_long"),
    ],
)
def test_a_child_that_goes_wrong_harms_nobody(words: tuple[str, ...], reason: str) -> None:
    began, before = time.monotonic(), children()
    seconds = 3.0 if reason == "time" else 60.0
    big = SPOKEN * 50  # more than a pipe holds: nobody waits for a child that does not read
    assert refused(child(*words, seconds=seconds).hear, big, BOTH) == reason
    assert time.monotonic() - began < 60
    assert children() <= before


def test_a_command_that_is_not_there_is_said_so() -> None:
    assert refused(Ear(("/nowhere/python",)).hear, SPOKEN, BOTH) == "died"


def test_a_child_writes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "sound"
    told = child("write", json.dumps({"path": str(path)}))
    assert refused(told.hear, SPOKEN, BOTH) == "engine_failed"
    assert not path.exists() or path.read_bytes() == b""


def test_what_libraries_print_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert child("print").hear(SPOKEN, BOTH).text == f"{len(SPOKEN)} bytes"
    assert capfd.readouterr() == ("", "")


def test_a_child_has_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_TWILIO_AUTH_TOKEN", "secret")
    names = set(child("environ").hear(SPOKEN, BOTH).text.split())
    assert names <= {"PATH", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "LC_CTYPE"}


def test_the_products_own_child_says_what_its_model_lacks(folder: Path) -> None:
    def hears(**given: Any) -> Ear | None:
        return ear(Settings(Path(), "sqlite://", **given))

    assert hears() is None
    assert hears(voice="listen", voice_model=folder) is None
    for home, reason in ((folder.parent, "model_missing"), (folder, "engine_missing")):
        made = hears(voice_model=home)
        assert made is not None
        # The extra is not among what the tests install.
        assert refused(made.hear, SPOKEN, BOTH) == reason


def test_the_doctor_names_engine_model_and_checksums(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def says(**given: Any) -> str:
        try:
            return doctor.voice(Settings(Path(), "sqlite://", **given))
        except HotlineError as problem:
            return f"{problem.message} {problem.hint}"

    assert "no speech engine" in says()
    assert "no speech engine" in says(voice="listen", voice_model=folder)
    assert "not installed" in says(voice_model=folder)
    monkeypatch.setattr(doctor, "version", lambda name: "1.2.1")
    said, list_ = says(voice_model=folder), model.check(folder).fingerprint[:16]
    assert f"model whisper-base: its 4 files are what SHA256SUMS {list_} says" in said
    assert said.endswith("recordings: both")
    assert "no directory" in says(voice_model=Path("large-v3"))
    (folder / "model.bin").write_bytes(b"another")
    assert "not what its SHA256SUMS says" in says(voice_model=folder)
    (folder / "model.bin").unlink()
    assert "not complete" in says(voice_model=folder)


def test_a_transcript_does_not_show_itself() -> None:
    assert "secret" not in repr(Transcript("secret", Language.PT, 1.0, ("secret",)))
