"""Cautions: what in a message to a reporter may name somebody here, or point to the reporter.

A message is read on a telephone that others may hold. Nothing is forbidden: who writes sees each
reason once and decides. The removed words of a tip are kept nowhere, so nothing can be compared
with them; instead the stripping engine reads the message as if the reporter had written it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hotline.intake.stripping import Stripped, strip
from hotline.intake.stripping.grammar import abbreviations
from hotline.intake.stripping.language import languages
from hotline.intake.stripping.lists import lists
from hotline.intake.stripping.normalise import Token, matching, tokens
from hotline.tips import Language, Redacted

STAFF, NAME, PHONE, MAIL, HANDLE, NUMBER = "staff", "name", "phone", "email", "handle", "number"
ADDRESS, REPORTER, DOUBTFUL = "address", "reporter", "doubtful"
ELSEWHERE, REPEATED, LANGUAGE, UNKNOWN = "elsewhere", "repeated", "language", "unknown_phrase"

_KINDS = {"email": MAIL, "handle": HANDLE, "phone": PHONE, "number": PHONE, "document": NUMBER}
# Other cautions have these; and "call 190" is no call-back when the desk says it.
_SEEN_OTHERWISE = frozenset({*_KINDS, NAME, "callback"})
_EVIDENCE = frozenset({"plate", "account", "link", "coordinates", "company"})
_DIGITS = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){5,17}")
_PLATE = re.compile(r"\b[A-Z]{3}[- ]?\d[A-Z0-9]\d{2,3}\b")
_AT = re.compile(r"(?<![\w.])@[\w.]{3,}")
_REPEATED_WORDS = 6
_LANGUAGE_WORDS = 5
_SHOWN = 80  # letters of a sentence that a caution quotes
# "São Paulo", "Saint John": a place or a holiday before it is a person.
_SAINTS = frozenset(["sao", "santo", "santa", "san", "saint", "sainte", "st", "ste", "sen"])
_OF = frozenset(
    [
        "de",
        "da",
        "do",
        "das",
        "dos",
        "del",
        "la",
        "las",
        "los",
        "le",
        "les",
        "du",
        "des",
        "of",
        "the",
    ]
)
# How a language speaks to the reporter, and how the reporter would say the same. "Your husband"
# is nothing to the engine; "my husband" is what it takes out.
_AS_REPORTER: dict[Language, tuple[tuple[str, str], ...]] = {
    Language.PT: (
        (r"(?:você|vc|a senhora|o senhor) (?:é|está|era)|(?:tu )?és", "eu sou"),
        (r"você|vc|a senhora|o senhor|tu", "eu"),
        (r"seus|teus", "meus"),
        (r"suas|tuas", "minhas"),
        (r"seu|teu", "meu"),
        (r"sua|tua", "minha"),
        (r"(?<=eu )mora", "moro"),
        (r"(?<=eu )trabalha", "trabalho"),
        (r"(?<=eu )estuda", "estudo"),
        (r"(?<=eu )vive", "vivo"),
    ),
    Language.ES: (
        (r"usted es|(?:tú |vos )?eres|vos sos", "soy"),
        (r"(?:usted|ud\.?) vive|(?:tú )?vives", "vivo"),
        (r"(?:usted|ud\.?) trabaja|(?:tú )?trabajas", "trabajo"),
        (r"usted|tú|vos", "yo"),
        (r"sus|tus", "mis"),
        (r"su|tu", "mi"),
    ),
    Language.EN: (
        (r"you are|you're", "I am"),
        (r"are you", "am I"),
        (r"your", "my"),
        (r"you", "I"),
    ),
    Language.FR: (
        (r"vous êtes|tu es|êtes-vous|es-tu", "je suis"),
        (r"(?:vous )?habitez|(?:tu )?habites", "j'habite"),
        (r"(?:vous )?travaillez|(?:tu )?travailles", "je travaille"),
        (r"votre|ton", "mon"),
        (r"ta", "ma"),
        (r"vos|tes", "mes"),
        (r"vous|tu", "je"),
    ),
    Language.HT: ((r"ou", "mwen"), (r"w", "m")),
}
_TURNS = {
    language: [(re.compile(rf"\b(?:{said})\b", re.IGNORECASE), own) for said, own in pairs]
    for language, pairs in _AS_REPORTER.items()
}


@dataclass(frozen=True, slots=True, repr=False)
class Caution(Redacted):
    """Why to look again, and at which words of the message."""

    kind: str
    words: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Around(Redacted):
    """What a message is held against: the texts of its tip, the doubtful words among them, the
    names of who works here, and the public numbers of the profile."""

    language: Language
    told: Sequence[str]
    doubtful: Sequence[str]
    staff: Collection[str]
    public_numbers: Collection[str]


def cautions(text: str, around: Around) -> tuple[Caution, ...]:
    """What to look at in words that somebody typed, each once. Pure; never raises."""
    if not text.strip():
        return ()
    words = _words(text)
    told = _folded(" ".join((*around.told, *around.doubtful)))
    read = strip(text, around.language, about_others=True)
    found = [
        *_names(text, words, around, told),
        *_identifiers(text, read, around, told),
        *_addresses(text, words, around.language),
        *_of_the_reporter(text, around.language),
        *(Caution(DOUBTFUL, said) for said in around.doubtful if _bare(said) in _bare(text)),
        *_repeated(text, words, around.told),
        *_foreign(text, words, around.language),
    ]
    return tuple(dict.fromkeys(found))


def _names(text: str, words: list[Token], around: Around, told: str) -> Iterator[Caution]:
    """Names of people who work here, also in small letters; and first names with a capital that
    the tip does not tell: a colleague's, or of somebody in another tip."""
    staff = {_folded(name) for name in around.staff if len(name) > 2}
    firsts = lists((around.language,)).first_names - set(told.split())
    for before, word in pairwise([None, *words]):
        assert word is not None
        if before and not word.hard and before.word in _SAINTS:
            continue
        said = text[word.start : word.end]
        if word.word in staff:
            yield Caution(STAFF, said)
        elif word.upper and before and not word.hard and word.word in firsts:
            yield Caution(NAME, said)


def _identifiers(text: str, read: Stripped, around: Around, told: str) -> Iterator[Caution]:
    plain = _bare(told)
    for found in _DIGITS.finditer(text):
        if _public(found[0], around.public_numbers):
            continue
        yield Caution(PHONE if len(_bare(found[0])) > 7 else NUMBER, found[0].strip())
    for found in _AT.finditer(text):
        yield Caution(HANDLE, found[0])
    for found in _PLATE.finditer(text):
        if _bare(found[0]) not in plain:
            yield Caution(ELSEWHERE, found[0])
    for span in (*read.removed, *read.doubtful, *read.kept):
        said = text[span.start : span.end].strip()
        kind = _KINDS.get(span.kind)
        if span.kind in _EVIDENCE and _bare(said) not in plain:
            yield Caution(ELSEWHERE, said)
        elif kind and not (_DIGITS.search(said) or _AT.search(said)):
            if any(digit.isdigit() for digit in said) and kind is PHONE:
                continue  # a short public number, or a house number
            yield Caution(kind, said)


def _public(number: str, known: Collection[str]) -> bool:
    digits = _bare(number)
    return any(digits == _bare(each) or digits.endswith("0" + _bare(each)) for each in known)


def _addresses(text: str, words: list[Token], language: Language) -> Iterator[Caution]:
    """A word for a street, with its name or number after it. "Which street?" is no address."""
    street = lists((language,)).street
    for at, word in enumerate(words):
        after = [w for w in words[at + 1 : at + 4] if w.word not in _OF][:1]
        before = words[at - 1] if at else None
        named = after and not after[0].hard and (after[0].upper or after[0].word.isdigit())
        # In English the name stands before: "Acacia Street".
        led = language is Language.EN and before and before.upper and not before.hard and at > 1
        if word.word in street and (named or led):
            first, last = (word, after[0]) if named else (before or word, word)
            yield Caution(ADDRESS, text[first.start : last.end])


def _of_the_reporter(text: str, language: Language) -> Iterator[Caution]:
    """Sentences that, said by the reporter, would be taken out: their kin, home, work, car."""
    for sentence in re.split(r"(?<=[.!?…])\s+|\n+", text):
        own = sentence
        for said, instead in _TURNS[language]:
            own = said.sub(instead, own)
        gone = (*strip(sentence, language).removed, *strip(own, language).removed)
        if any(span.kind not in _SEEN_OTHERWISE for span in gone):
            short = sentence if len(sentence) <= _SHOWN else sentence[:_SHOWN] + "…"
            yield Caution(REPORTER, short.strip())


def _repeated(text: str, words: list[Token], told: Iterable[str]) -> Iterator[Caution]:
    """A run of words as the tip has it: whoever sees it knows what was told."""
    seen = {run for part in told for run in _runs(_words(part))}
    for at, run in enumerate(_runs(words)):
        if run in seen:
            yield Caution(REPEATED, text[words[at].start : words[at + _REPEATED_WORDS - 1].end])
            return


def _runs(words: list[Token]) -> list[tuple[str, ...]]:
    said = [word.word for word in words]
    return list(zip(*(said[n:] for n in range(_REPEATED_WORDS)), strict=False))


def _foreign(text: str, words: list[Token], language: Language) -> Iterator[Caution]:
    if len(words) < _LANGUAGE_WORDS:
        return
    spoken, sure = languages(text, words, None)
    if sure and language not in spoken:
        yield Caution(LANGUAGE)


def _words(text: str) -> list[Token]:
    """Words with their places in ``text`` itself."""
    matched = matching(text)
    return [
        word._replace(start=begin, end=end)
        for word in tokens(matched, abbreviations())
        for begin, end in [matched.origin(word.start, word.end)]
    ]


def _folded(text: str) -> str:
    return " ".join(word.word for word in tokens(matching(text), abbreviations()))


def _bare(text: str) -> str:
    return "".join(character for character in matching(text).text if character.isalnum())
