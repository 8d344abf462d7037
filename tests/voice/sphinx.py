"""A real, small engine behind the port: pocketsphinx with the English model of its wheel.

For tests only. One language of the line's five, and a grammar of a few sentences to be quick and
right: on what people say by telephone it would write plausible words that nobody said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pocketsphinx import Decoder

from hotline.intake.voice import sound
from hotline.intake.voice.child import run
from hotline.intake.voice.engine import NotHeard, Transcript
from hotline.tips import Language

RATE = 16_000
GRAMMAR = """#JSGF V1.0;
grammar tip;
<digit> = zero | one | two | three | four | five | six | seven | eight | nine;
<crime> = they ( sell | buy ) ( guns | drugs ) at the ( school | church | market ) [ every day ];
<mine> = my ( phone | house ) number is <digit>+;
public <tip> = <crime> [ <mine> ];
"""


class Sphinx:
    def __init__(self) -> None:
        self._decoder = Decoder(samprate=RATE, lm=None, loglevel="FATAL")
        self._decoder.add_jsgf_string("tip", GRAMMAR)
        self._decoder.activate_search("tip")

    def transcribe(self, recorded: bytes, languages: Sequence[Language]) -> Transcript:
        if Language.EN not in languages:
            raise NotHeard("language_unknown")
        samples = sound.at_rate(*sound.decode(recorded), RATE)
        self._decoder.start_utt()
        told = np.clip(samples * 32_767, -32_768, 32_767).astype("<i2").tobytes()
        self._decoder.process_raw(told, full_utt=True)
        self._decoder.end_utt()
        said = self._decoder.hyp()
        text = said.hypstr if said else ""
        # Its scores are of the grammar, not of the words: enough here that it matched.
        return Transcript(text, Language.EN, 0.9 if text else 0.0)


if __name__ == "__main__":
    run(Sphinx, 4 * 2**30)
