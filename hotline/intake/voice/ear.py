"""Voice: the worker's side: gives a recording to a short-lived child process, which is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import hotline
from hotline.intake.merge import LONGEST
from hotline.intake.voice.engine import REASONS, NotHeard, Transcript
from hotline.settings import Settings
from hotline.tips import Language

# Below the two minutes after which an errand's lease, and a worker's job, are taken for dead.
SECONDS = 90.0
_MOST = 16 * LONGEST  # bytes of an answer; JSON may spend six on a letter
_PACKAGE = Path(hotline.__file__).resolve().parent.parent
# Nothing of the line's own environment: no token, no database, no proxy. The libraries below the
# engine fetch nothing without being asked, and are told so all the same.
_ENVIRON = {"PATH": os.defpath, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


@dataclass(frozen=True, slots=True)
class Ear:
    """``command`` starts the child: see ``child.run``."""

    command: tuple[str, ...]
    seconds: float = SECONDS

    def hear(self, sound: bytes, languages: Sequence[Language]) -> Transcript:
        """A transcript not yet stripped; ``languages`` as in ``Engine``. Raises NotHeard, and
        then nothing of the child is left."""
        asked = ",".join(language.value for language in languages).encode() + b"\n" + sound
        return _read(self._ask(asked))

    def _ask(self, asked: bytes) -> bytes:
        try:
            child = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_PACKAGE,
                env=_ENVIRON,
                close_fds=True,
            )
        except OSError:
            raise NotHeard("died") from None
        assert child.stdin is not None and child.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            child.kill()

        alarm = threading.Timer(self.seconds, end)
        feeder = threading.Thread(target=_feed, args=(child.stdin, asked))
        alarm.start()
        feeder.start()
        try:
            # One byte too many is nonsense, and is not waited for.
            said = child.stdout.read(_MOST + 1)
        finally:
            alarm.cancel()
            child.kill()
            child.wait()
            feeder.join()
            child.stdout.close()
        if late.is_set():
            raise NotHeard("time")
        return said


def ear(settings: Settings) -> Ear | None:
    """The line's engine, or None when people listen. Whether the model is sound the child says:
    what is checked at its start is what it uses."""
    if settings.voice_model is None or settings.voice == "listen":
        return None
    module = "hotline.intake.voice.child"
    return Ear((sys.executable, "-B", "-m", module, str(settings.voice_model.resolve())))


def _feed(pipe: IO[bytes], asked: bytes) -> None:
    with suppress(OSError), pipe:  # a child that died reads no more
        pipe.write(asked)


def _read(said: bytes) -> Transcript:
    if not said:
        raise NotHeard("died")
    try:
        told: Any = json.loads(said) if len(said) <= _MOST else None
        if "problem" in told:
            raise NotHeard(told["problem"] if told["problem"] in REASONS else "nonsense")
        text, unsure = told["text"], told["unsure"]
        heard = Transcript(
            text, Language(told["language"]), float(told["confidence"]), tuple(unsure)
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        raise NotHeard("nonsense") from None
    words = (heard.text, *heard.unsure)
    if not all(isinstance(word, str) for word in words) or not 0 <= heard.confidence <= 1:
        raise NotHeard("nonsense")
    if len(heard.text) > LONGEST:
        raise NotHeard("sound_long")
    return heard
