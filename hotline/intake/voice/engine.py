"""Voice: the port to a speech engine, and what it hears. An engine runs in a child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hotline.errors import HotlineError
from hotline.tips import Language, Redacted


class NotHeard(HotlineError):
    """No transcript. ``reason`` is one of ``REASONS``; the recording then goes to a person."""

    code = "not_heard"
    message = "The recording was not transcribed."
    hint = "An operator listens to it and types what was said."

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


REASONS = frozenset(
    {
        "model_missing",  # no such directory, or no list of checksums in it
        "model_incomplete",  # a file that the engine needs is not there
        "model_altered",  # a file is not what its checksum says, or has none
        "engine_missing",  # the extra is not installed
        "language_unknown",  # to the model
        "sound_unknown",  # no WAV of a kind we read
        "sound_long",
        "memory",
        "time",
        "died",
        "nonsense",  # the child's answer is not one
        "engine_failed",
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Transcript(Redacted):
    """What an engine heard, before stripping. ``confidence`` from 0 to 1; ``unsure`` are the
    words, as they stand in the text, that it may have misheard."""

    text: str
    language: Language
    confidence: float
    unsure: tuple[str, ...] = ()


class Engine(Protocol):
    """Speech to text without a network and without a file."""

    def transcribe(self, sound: bytes, languages: Sequence[Language]) -> Transcript:
        """``sound`` is a WAV file in memory; ``languages`` are those it may be in, the one the
        caller chose first. An empty text when nothing is said. Raises NotHeard."""
