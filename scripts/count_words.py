#!/usr/bin/env python3
"""Counts ordinary words and concepts of reports: how rare a word is says how much it tells.

    .venv/bin/python scripts/count_words.py > hotline/triage/data/common_words.txt

From the labelled texts that are for development, never from those that are for measuring. A stem
that stands in fewer than four texts is no ordinary word.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline.intake.stripping.grammar import abbreviations
from hotline.intake.stripping.normalise import matching, tokens
from hotline.routing.classify import Types
from hotline.tips import Language
from hotline.triage.features import ideas, stem, tells
from tests.routing.labelled import tips
from tests.stripping import labelled

FEWEST = 4


def main() -> None:
    types = Types.load()
    texts = {
        tip.text: tip.language for part in ("plain", "more", "development") for tip in tips(part)
    }
    texts |= {tip.text: tip.language for tip in labelled.tips("development")}
    counted: Counter[str] = Counter()
    for text, language in texts.items():
        told = tokens(matching(text), abbreviations())
        counted.update({stem(token.word) for token in told if tells(token.word)})
        counted.update(ideas(told))
        counted.update(types.gist(text, Language(language))[0])
    print(len(texts))
    for word, count in sorted(counted.items()):
        if count >= FEWEST and not word.isdigit():
            print(word, count)


if __name__ == "__main__":
    main()
