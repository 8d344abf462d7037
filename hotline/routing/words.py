"""Words: those of a text, in small letters without accents, in one pass over its bytes.

A text whose characters each fold to one byte, as nearly all do, is folded by two look-ups a
character that run outside Python; for any other the slower way below gives the same words. Nothing
here remembers a word: a memo would outlive the tip.
"""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
_GAPS = re.compile(r"([\W_]+)")
_MARKS = re.compile(r"([^\w\s]{2})[^\w\s]+")
_LONG = 2000
SPELLED = {"sto": "santo", "sta": "santa", "nsa": "nossa", "sra": "senhora"}


def fold(text: str) -> str:
    """Lower case, without accents and without what has no Latin letter."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def words(text: str) -> list[str]:
    return WORD.findall(fold(text))


CHARS = bytes(range(256)).decode("cp1252", "replace")  # of each byte
_VANISHES, _GROWS = b"\0\1"  # letters that fold to nothing (œ), to more than one (½)


def _folded(char: str) -> int:
    folded = fold(char).encode() if char.isalnum() else b" "
    return folded[0] if len(folded) == 1 else _GROWS if folded else _VANISHES


# One byte of cp1252 to one byte: the letters folded, the letters alone, what is between them alone.
_FOLDED = bytes(map(_folded, CHARS))
_LETTERS = bytes(at if char.isalnum() else ord(" ") for at, char in enumerate(CHARS))
_BETWEEN = bytes(ord("a") if char.isalnum() else at for at, char in enumerate(CHARS))
_SHAPES = bytes(65 if 65 <= at <= 90 else 48 if 48 <= at <= 57 else 32 for at in range(256))
_STRANGE = re.compile(rf"[^\w\s{re.escape(CHARS)}]")
_BLANK = re.compile(rf"[^\S{re.escape(CHARS)}]")


class Words:
    """A text's words folded, and, when asked for, as written with what stands between them.

    ``typed`` is the text as it came, save that long runs of marks are cut. ``capitals`` and
    ``digits`` tell whether two of them may stand together in it."""

    __slots__ = ("_bytes", "_parts", "capitals", "digits", "folded", "text", "typed")

    def __init__(self, text: str) -> None:
        if len(text) > _LONG:  # putting a long run of marks in order would cost its square
            text = _MARKS.sub(r"\1", text)
        self.typed = self.text = text
        self._parts: tuple[list[str], list[str]] | None = None
        self._bytes = self._narrowed()
        line, shape = self._bytes.translate(_FOLDED), self._bytes.translate(_SHAPES)
        self.capitals, self.digits = b"AA" in shape, b"00" in shape
        if _GROWS in line or not line:
            self._bytes, self.capitals, self.digits = b"", True, True
            folded = self._folded_words()
        else:
            folded = line.decode("ascii").split()
            if _VANISHES in line:
                folded = [word.replace("\0", "") for word in folded]
        if not SPELLED.keys().isdisjoint(folded):
            folded = [SPELLED.get(word, word) for word in folded]
        self.folded = folded

    def _narrowed(self) -> bytes:
        """One byte a character, if that can be done: cp1252's letters need no composing, and a
        mark it has not (an emoji) stands between words as any other does."""
        text = self.text
        try:
            return text.encode() if text.isascii() else text.encode("cp1252")
        except UnicodeEncodeError:
            self.text = text = unicodedata.normalize("NFC", text)
        try:
            return _BLANK.sub("\t", _STRANGE.sub("¤", text)).encode("cp1252")
        except UnicodeEncodeError:
            return b""

    def _folded_words(self) -> list[str]:
        # Joined by a line break, which no folding brings forth: each word keeps its place.
        written, _ = self.parts()
        return fold("\n".join(written)).split("\n") if written else []

    def parts(self) -> tuple[list[str], list[str]]:
        """The words as written, and for each what stands behind it."""
        if self._parts is None:
            written, between = self._split() if self._bytes else self._cut()
            self._parts = written, between + [""] * (len(written) - len(between))
        return self._parts

    def _split(self) -> tuple[list[str], list[str]]:
        plain = self._bytes
        written = plain.translate(_LETTERS).decode("cp1252").split()
        between = list(filter(None, plain.translate(_BETWEEN).decode("cp1252").split("a")))
        if not CHARS[plain[0]].isalnum():
            del between[:1]
        return written, between

    def _cut(self) -> tuple[list[str], list[str]]:
        parts = _GAPS.split(self.text)
        if not parts[0]:
            del parts[:2]
        if parts and not parts[-1]:
            parts.pop()
        return parts[0::2], parts[1::2]
