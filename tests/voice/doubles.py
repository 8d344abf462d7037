"""Children that behave as one should, or as a bad file may make them: ``… doubles DEED [JSON]``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hotline.intake.voice.child import run
from hotline.intake.voice.engine import Transcript
from hotline.tips import Language

MEMORY = 2**30


class Double:
    """``say`` says what it is told to; the others are bugs that a sound could set off."""

    def __init__(self) -> None:
        self.deed, *more = sys.argv[1:]
        self.told = json.loads(more[0]) if more else {}

    def transcribe(self, sound: bytes, languages: Sequence[Language]) -> Transcript:
        if self.deed == "hungry":
            bytearray(2 * MEMORY)
        if self.deed == "raise":
            raise ValueError(sound)
        if self.deed == "die":
            os.abort()
        if self.deed == "write":
            Path(self.told["path"]).write_bytes(sound)
        if self.deed == "environ":
            return Transcript(" ".join(os.environ), languages[0], 1.0)
        if self.deed == "print":
            print(sound, flush=True)
            print(sound, file=sys.stderr, flush=True)
            os.write(1, sound)
        said = Transcript(f"{len(sound)} bytes", languages[0], 1.0)
        if self.deed == "say":
            told = self.told
            said = Transcript(
                told["text"],
                Language(told["language"]),
                told.get("confidence", 0.9),
                tuple(told.get("unsure", ())),
            )
        return said


def main() -> None:
    match sys.argv[1]:
        case "hang":
            time.sleep(600)
        case "deaf":
            os.close(0)
            time.sleep(600)
        case "nonsense":
            print(sys.argv[2])
        case "flood":
            while True:
                os.write(1, bytes(65_536))
        case _:
            run(Double, MEMORY)


if __name__ == "__main__":
    main()
