"""Voice: the child's side. Sound comes in by stdin, text goes out by stdout, and it ends.

Whatever a bad file does to a decoder or a model, it does it here: in a process with no secret in
its environment, that may write no file, leaves no core and takes the sound's memory with it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from hotline.intake.voice.engine import REASONS, Engine, NotHeard, Transcript
from hotline.process import harden
from hotline.tips import Language

ROOM = 3 * 2**30  # bytes of address space: interpreter, libraries, threads, the sound's features


def answer(make: Callable[[], Engine], told: bytes) -> dict[str, object]:
    """What is said on stdout for what came by stdin: languages, a line's end, the sound."""
    head, _, sound = told.partition(b"\n")
    try:
        languages = [Language(code) for code in head.decode("ascii").split(",")]
        heard: Transcript = make().transcribe(sound, languages)
    except NotHeard as problem:
        return {"problem": problem.reason if problem.reason in REASONS else "engine_failed"}
    except MemoryError:
        return {"problem": "memory"}
    except Exception:  # noqa: BLE001 - its words may be the caller's: nothing of them leaves
        return {"problem": "engine_failed"}
    return {
        "text": heard.text,
        "language": heard.language.value,
        "confidence": heard.confidence,
        "unsure": list(heard.unsure),
    }


def confine(memory: int) -> None:
    """No core, no trace, no file longer than nothing, and at most ``memory`` bytes."""
    harden(secret=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    os.nice(10)  # an urgent errand goes first


def run(make: Callable[[], Engine], memory: int) -> None:
    """The whole life of a child. Only our answer leaves by stdout, whatever libraries print."""
    confine(memory)
    said = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    told = sys.stdin.buffer.read()
    said.write(json.dumps(answer(make, told)).encode())
    said.close()


def main(folder: str) -> None:
    """``python -m hotline.intake.voice.child DIRECTORY``"""
    from hotline.intake.voice import model
    from hotline.intake.voice.whisper import Whisper

    home = Path(folder)
    try:
        # The files as they are read, as the model holds them, and what it computes with.
        memory = ROOM + 3 * model.size(home)
    except NotHeard:
        memory = ROOM
    run(lambda: Whisper(home), memory)


if __name__ == "__main__":
    main(sys.argv[1])
