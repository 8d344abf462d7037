"""Plain language: what the public reads is short sentences of common words, in five languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from babel.messages.catalog import Message

from hotline.intake.prompts import segments
from hotline.tips import Language
from tests.unit.test_translations import PLACEHOLDER, RECEIPT, messages

MOST_WORDS = 20  # a sentence
LEAST_FLESCH = 60  # Martins et al. 1996: "fairly easy", for readers of eight years of school
# Where sentences are written that a reporter meets on a page, in a message or in a call.
PUBLIC = (
    "hotline/intake/",
    "hotline/web/",
    "hotline/errors.py",
    "hotline/triage/messages.py",
    "hotline/triage/phrases.py",
)
STAFF = ("hotline/web/templates/console", "hotline/web/templates/agency", "templates/analyst")
VOWELS = "aeiouáéíóúâêôãõàü"


def public(language: Language) -> Iterator[Message]:
    for message in messages(language):
        places = [place for place, _ in message.locations]
        if any(p.startswith(PUBLIC) and not any(x in p for x in STAFF) for p in places):
            yield message


def sentences(text: str) -> list[str]:
    """Whole sentences; a colon ends one, for what follows it is a list or another clause."""
    said = PLACEHOLDER.sub("190", text)
    return [each for each in re.split(r"(?<=[.!?:…])\s+", said) if re.search(r"\w", each)]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:[-’'][^\W_]+)*", text)


def syllables(word: str) -> int:
    """Of a Portuguese word. A rising pair at the end counts as one where an accent stands before
    it ("denúncia"), else as two ("dia", "pessoa"); falling ones ("mais", "não") are one."""
    word = re.sub(r"([qg])u(?=[eiéíêã])", r"\1", word.lower())
    count = 0
    for group in re.findall(f"[{VOWELS}]+", word):
        count += 1
        for first, second in pairwise(group):
            falling = second in "iu" or first + second in ("ao", "ão", "õe", "ãe", "ãi")
            count += second in "íú" or (not falling and first not in "ãõ")
    rising = re.search(f"[áéíóúâêô][^{VOWELS}]+[iu][aeo]s?$", word)
    return max(count - bool(rising), 1)


def flesch(texts: list[str]) -> float:
    said = [each for text in texts for each in sentences(text)]
    spoken = [word for each in said for word in words(each) if not word.isdigit()]
    return (
        248.835 - 1.015 * len(spoken) / len(said) - 84.6 * sum(map(syllables, spoken)) / len(spoken)
    )


@pytest.mark.parametrize(
    ("word", "count"),
    [
        *(("denúncia", 3), ("polícia", 3), ("pessoa", 3), ("dia", 2), ("não", 1), ("você", 2)),
        *(("aqui", 2), ("saída", 3), ("mais", 1), ("criança", 3), ("quem", 1), ("ações", 2)),
        *(("emergência", 4), ("ninguém", 2), ("internet", 3), ("ideia", 3), ("água", 2)),
    ],
)
def test_syllables_are_counted_as_they_are_spoken(word: str, count: int) -> None:
    assert syllables(word) == count


@pytest.mark.parametrize("language", Language)
def test_no_sentence_is_long(language: Language) -> None:
    told = [each for message in public(language) for each in sentences(str(message.string))]
    assert len(told) > 150
    assert [each for each in told if len(words(each)) > MOST_WORDS] == []


def test_portuguese_reads_easily() -> None:
    texts = [str(message.string) for message in public(Language.PT)]
    assert flesch(texts) >= LEAST_FLESCH


def test_a_hard_text_would_be_found_out() -> None:
    hard = "A inobservância das determinações regulamentares implicará responsabilização."
    assert flesch([hard]) < 0


@pytest.mark.parametrize("language", Language)
def test_what_is_sent_by_sms_is_in_the_letters_of_sms(language: Language) -> None:
    for message in messages(language):
        if message.context == "sms":
            odd = {c for c in PLACEHOLDER.sub(RECEIPT, str(message.string)) if segments(c * 71) > 1}
            assert not odd
