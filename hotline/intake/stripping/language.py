"""Stripping: which of the five languages a text is in, and which grammars to read it with.

Function words decide where they are clear; py3langid (a statistical model that knows all five)
decides the rest. Both ignore the input's identity.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from hotline.intake.stripping.grammar import grammar
from hotline.intake.stripping.normalise import Token
from hotline.tips import Language

# Marks that nobody sees must not change the guess.
_UNSEEN = dict.fromkeys(c for c in range(0x2FFFF) if unicodedata.category(chr(c)) == "Cf")


@lru_cache(maxsize=1)
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages([language.value for language in Language])
    return model


def warm() -> None:
    """Load the statistical model (about a second), so that the first tip does not wait."""
    _model().classify("meu nome")


def counts(tokens: list[Token]) -> dict[Language, int]:
    """How many words of each language's function words the text has; own words count double."""
    totals = dict.fromkeys(Language, 0)
    tables = _function_words()
    for token in tokens[:400]:
        for language, worth in tables.get(token.word, ()):
            totals[language] += worth
    return totals


@lru_cache(maxsize=1)
def _function_words() -> dict[str, tuple[tuple[Language, int], ...]]:
    found: dict[str, list[Language]] = {}
    for language in Language:
        for word in grammar(language).function:
            found.setdefault(word, []).append(language)
    return {w: tuple((x, 3 if len(xs) == 1 else 1) for x in xs) for w, xs in found.items()}


def languages(
    text: str, tokens: list[Token], asked: Language | None
) -> tuple[tuple[Language, ...], bool]:
    """The grammars to read with, main one first, and whether the choice is sure.

    ``asked`` is believed as the main language; the text may add another beside it."""
    totals = counts(tokens)
    ranked = sorted(Language, key=lambda language: -totals[language])
    best, second = ranked[0], ranked[1]
    clear = totals[best] >= 6 and totals[best] >= 2 * totals[second]
    if not clear and asked is None:
        seen = " ".join(text[:4000].translate(_UNSEEN).split())
        model, chance = _model().classify(seen[:2000])
        guessed = Language(model)
        if totals[best] == 0 or (guessed is not best and totals[guessed] * 2 >= totals[best]):
            best = guessed
        clear = float(chance) >= 0.9 and guessed is best
    main = asked or best
    if len(tokens) < 8 and not (clear and asked is None):
        return (main, *(x for x in ranked if x is not main)), asked is not None
    others = [
        x for x in ranked if x is not main and totals[x] >= 3 and 3 * totals[x] >= totals[main]
    ]
    sure = clear or asked is not None
    return (main, *others[: 2 if not sure else 1]), sure
