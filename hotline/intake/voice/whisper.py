"""Voice: faster-whisper over a model directory of the line's own; nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hotline.intake.voice import model, sound
from hotline.intake.voice.engine import NotHeard, Transcript
from hotline.tips import Language

RATE = 16_000
THREADS = 2  # the console and the other errands share the machine
UNSURE = 0.5  # a word's probability below which it is marked
# Callers choose their language by a key, and some press the wrong one.
_ANOTHER, _HARDLY = 0.5, 0.2


class Whisper:
    """One model in memory, for one child process."""

    def __init__(self, folder: Path) -> None:
        """Raises NotHeard when the extra is missing or the model is not what its list says."""
        files = dict(model.files(folder))
        try:
            from faster_whisper import WhisperModel
        except ImportError:
            raise NotHeard("engine_missing") from None
        # Given its files as bytes the library opens no path and asks no hub, whatever the
        # directory is called.
        self._model: Any = WhisperModel(
            str(folder),
            device="cpu",
            compute_type="int8",
            cpu_threads=THREADS,
            local_files_only=True,
            files=files,
        )

    def transcribe(self, recorded: bytes, languages: Sequence[Language]) -> Transcript:
        """See ``engine.Engine``. Greedy at the end: without sampling the same sound gives the same
        words; and each stretch by itself, as a model fed its own words repeats them."""
        samples = sound.at_rate(*sound.decode(recorded), RATE)
        language = self._language(samples, languages)
        segments, _ = self._model.transcribe(
            samples,
            language=language.value,
            task="transcribe",
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
        )
        words = [word for segment in segments for word in segment.words or ()]
        sure = [float(word.probability) for word in words]
        return Transcript(
            "".join(word.word for word in words).strip(),
            language,
            sum(sure) / len(sure) if sure else 0.0,
            tuple(
                dict.fromkeys(
                    word.word.strip()
                    for word, chance in zip(words, sure, strict=True)
                    if chance < UNSURE
                )
            ),
        )

    def _language(self, samples: sound.Samples, languages: Sequence[Language]) -> Language:
        """The one that was chosen, unless it is hardly that and clearly another of ours. Asked
        for a language it does not know, the library would write English without a word."""
        chosen, known = languages[0], self._model.supported_languages
        if chosen.value not in known:
            raise NotHeard("language_unknown")
        if len(known) == 1 or len(languages) == 1 or not len(samples):
            return chosen
        _, _, told = self._model.detect_language(samples)
        chances = dict(told)
        likely = max(languages, key=lambda each: chances.get(each.value, 0.0))
        clear = chances.get(likely.value, 0.0) >= _ANOTHER
        return likely if clear and chances.get(chosen.value, 0.0) < _HARDLY else chosen
