"""Stripping: the matching text, a folded copy of the input with a map back to its offsets.

Folding is for matching only; nothing here ever reaches a reader. One input character becomes
zero or a few characters, each on its own, so the work is linear: a million combining marks are a
million dropped characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

# Letters that look like a Latin letter (Unicode confusables, the Cyrillic and Greek ones).
_LOOK_ALIKE: dict[str, str] = dict(
    zip(
        "абвекмнорстухіјѕԁԛԝѵһАВЕКМНОРСТУХІЈЅԌαβεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧıøłđßœæŒÆØŁĐ’‘ʼ`´′＇“”„«»″–—‑−‒",
        [
            *"aбbekmhopctyxijsdqwvhABEKMHOPCTYXIJSGabeikvoptuxABEZHIKMNOPTYXiold",
            *["ss", "oe", "ae", "OE", "AE", "O", "L", "D"],
            *"'''''''",
            *'""""""',
            *"-----",
        ],
        strict=True,
    )
)
_LOOK_ALIKE["б"] = "b"
_DROPPED = frozenset(("Mn", "Me", "Mc", "Cf", "Cs", "Co", "Cn"))
_SLIP = re.compile(r"(?<=\d)[oil](?=[\d\-])")
_TOKEN = re.compile(r"[a-z0-9]+|\x02+")
GUARD = "\x02"  # stands for text no rule may touch (our own tokens in already stripped text)


def _fold(char: str) -> str:
    if char in _LOOK_ALIKE:
        return _LOOK_ALIKE[char]
    if char == "\n":
        return "\n"
    category = unicodedata.category(char)
    if category in _DROPPED or (category == "Cc" and char not in "\t\r\x0b\x0c\x85"):
        return ""
    if category[0] == "Z" or category == "Cc":
        return "\n" if char in "\u2028\u2029\x85" else " "
    if category == "Nd":
        return str(unicodedata.digit(char))
    parts = unicodedata.normalize("NFKD", char)
    return "".join(
        _LOOK_ALIKE.get(part, part)
        for part in parts
        if unicodedata.category(part) not in _DROPPED and part != GUARD
    )


# Letters of our languages and common punctuation that fold to one character: the quick way.
_ONE_TO_ONE = {
    code: _fold(chr(code))
    for code in (*range(0x00A0, 0x0250), *range(0x2010, 0x2030), *range(0x0391, 0x0460), 9, 13)
    if len(_fold(chr(code))) == 1
}


class Token(NamedTuple):
    """A word or number of the matching text, or one of our own tokens (all ``GUARD``). ``hard``:
    a sentence ends before it; ``soft``: a comma, bracket or the like stands before it; ``upper``:
    the writer gave it a capital."""

    word: str
    start: int
    end: int
    hard: bool
    soft: bool
    upper: bool


@dataclass(frozen=True, slots=True)
class Matching:
    """``text`` is lower-case and without accents, ``cased`` the same with case; ``source[i]`` is
    the input offset of character ``i`` and ``length`` the input's length."""

    text: str
    cased: str
    source: list[int] | range
    length: int

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """A stretch of the matching text as offsets of the input, with the marks it carries."""
        begin = self.source[start]
        last = self.source[end - 1] + 1
        after = self.source[end] if end < len(self.source) else self.length
        return begin, max(last, after)


def matching(text: str, guarded: re.Pattern[str] | None = None) -> Matching:
    """The matching text of any str. ``guarded`` matches our own tokens, which become opaque."""
    plain = text.translate(_ONE_TO_ONE)
    source: list[int] | range
    even = "  " not in plain and " \n" not in plain and "\n " not in plain
    if even and plain.isascii() and plain.replace("\n", " ").isprintable():
        cased, source = plain, range(len(text))
        lower = cased.lower()
    else:
        cased, source = _folded(text)
        lower = cased.lower()
        if len(lower) != len(cased):  # a letter whose lower case is longer
            lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in cased)
    if guarded is not None and "[" in text:
        lower = guarded.sub(lambda m: GUARD * len(m[0]), lower)
    lower = _SLIP.sub(lambda m: "0" if m[0] == "o" else "1", lower)
    return Matching(lower, cased, source, len(text))


def _folded(text: str) -> tuple[str, list[int]]:
    """The text folded character by character; a second space, and one beside a line break, adds
    nothing."""
    known: dict[str, str] = {}
    pieces: list[str] = []
    source: list[int] = []
    last = ""
    for index, char in enumerate(text):
        piece = known.get(char)
        if piece is None:
            piece = known[char] = char if " " <= char <= "~" else _fold(char)
        if piece == "\n" and last == " ":
            pieces.pop()
            source.pop()
        if piece and not (piece == " " and last in (" ", "\n")):
            pieces.append(piece)
            source.extend([index] * len(piece))
            last = piece
    return "".join(pieces), source


_HARD = re.compile(r"[!?;\n…]|\.(?=[\s\"')]|$)|\.{2,}")
_SOFT = re.compile(r"[,()\[\]:\"/|]| -|- ")


def tokens(
    matched: Matching, abbreviations: frozenset[str], surnames: frozenset[str] = frozenset()
) -> list[Token]:
    """The words of the text in order, with the breaks between them. A full stop is no sentence
    end after one of ``abbreviations``, nor after an initial between capitals ("Gwen T. Hargrove")
    or before one of ``surnames``."""
    found: list[Token] = []
    text, cased = matched.text, matched.cased
    end, word, shouted = 0, "", cased.isupper()
    for match in _TOKEN.finditer(text):
        start = match.start()
        gap = text[end : start + 1] if start - end > 1 else ""
        hard = soft = False
        if gap:
            hard = _HARD.search(gap[:64], 0, len(gap) - 1) is not None
            between = cased[start].isupper() and len(found) > 1 and found[-2].upper
            # No initial: "Gorman's. Gus", "APP 2. SON".
            alone = len(word) == 1 and word.isalpha() and text[end - 2 : end - 1] != "'"
            initial = alone and (match[0] in surnames or (between and not shouted))
            if hard and gap.startswith(". ") and (initial or word in abbreviations):
                hard = _HARD.search(gap, 1) is not None
            soft = hard or _SOFT.search(gap[:64]) is not None
        elif start - end == 1:
            hard, soft = text[end] in "!?;\n…", text[end] in ',()[]:"/|!?;\n'
        end, word = match.end(), match[0]
        found.append(Token(word, start, end, hard, soft, cased[start].isupper()))
    return found
