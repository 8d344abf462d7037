"""Choices: the questions of some types on a telephone: which, what is said, what a key means.

They are those of the other channels, but for those that need words: these are left to the
recording. A caller who is afraid is not held: the report is stored before the first one, 0 leaves
each, silence leaves it after it was said twice, and there are two at most, which take less than
three minutes even when nobody presses a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotline.intake.conversation import CHOICES
from hotline.intake.prompts import NOT_KNOWN, pgettext
from hotline.routing.asking import NO, YES, Detail, Kind, questions_for
from hotline.tips import Language

# What each key of the type menu means: the group's usual type; whoever reads the tip corrects it.
TYPES = {
    "1": ("GBV-01",),
    "2": ("CHD-04",),
    "3": ("VUL-01",),
    "4": ("ORG-01",),
    "5": ("PRP-01",),
    "6": ("INT-01",),
    "7": ("TIP-02",),
    "8": ("ENV-01",),
}
OTHER = ("PUB-99",)

_AGREE = {"1": YES, "2": NO}
_YES_NO = (
    ("1", "yes", pgettext("call", "For yes, press {key}.")),
    ("2", "no", pgettext("call", "For no, press {key}.")),
    ("0", "not-known", NOT_KNOWN),
)
# A key pressed too early cuts the list short: so it is said first.
_SEVERAL = pgettext("call", "Listen to all. Then press every key that is true, and the hash key.")
_OPTION = pgettext("call", "{option}: press {key}.")
_NONE = pgettext("call", "If none is true or you do not know, press {key} and the hash key.")


def by_keys(types: Iterable[str]) -> tuple[Detail, ...]:
    """What a caller is asked about these types (codes), in the order of the table."""
    asked = (detail for detail in questions_for(types) if detail.kind is not Kind.WORDS)
    return tuple(asked)[: len(CHOICES)]


def ever_asked() -> tuple[Detail, ...]:
    """What any key of the type menu leads to, each once."""
    asked = (detail for types in TYPES.values() for detail in by_keys(types))
    return tuple({detail.id: detail for detail in asked}.values())


def spoken(detail: Detail, language: Language) -> Iterator[tuple[str, str, str]]:
    """What is said, in order: (name of its recording, the key it ends in, words)."""
    yield f"choice-{detail.id}-question", "", detail.ask[language]
    if detail.kind is Kind.YES_NO:
        for key, name, sentence in _YES_NO:
            yield f"choice-{name}", key, sentence.say(language, key=key)
        return
    yield "choice-several", "#", _SEVERAL.say(language)
    for number, option in enumerate(detail.options, 1):
        words = option.words[language]
        said = _OPTION.say(language, option=words[:1].upper() + words[1:], key=number)
        yield f"choice-{detail.id}-{option.id}", str(number), said
    yield "choice-none", "0", _NONE.say(language, key="0")


def pressed(detail: Detail, digits: str) -> tuple[str, ...]:
    """The ticks these keys stand for; none when one of them is no key of the question."""
    if detail.kind is Kind.YES_NO:
        return (detail.tick(_AGREE[digits]),) if digits in _AGREE else ()
    if not (digits.isascii() and digits.isdigit()):
        return ()
    numbers = sorted({int(digit) for digit in digits})
    if numbers[0] < 1 or numbers[-1] > len(detail.options):
        return ()
    return detail.chosen(detail.options[number - 1].id for number in numbers)
