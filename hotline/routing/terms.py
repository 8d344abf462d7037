"""Terms: the word tables of classification, and one pass over a text that finds them.

A term is one or more words; accents and capitals do not matter, a star ends a word that may go
on (``trafic*``). What a scan returns names only the terms of the tables, none of the text's own
words. ``wordlists`` reads the tables.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from sys import intern

from hotline.tips import Language

LONGEST = 20_000  # characters read; a longer text is classified by its beginning
ANY = "any"
WEIGHTS = {"strong": 3.0, "clear": 2.0, "weak": 1.0}
PAIRINGS = {"together": 3.0, "hinted": 2.0}
_ONCE = frozenset(("type", "concept"))  # their subjects never share a name
_NEGATION_REACH = 4  # words after a negator
_LEAST_STEM = 3  # letters before a star
_SHORT = 3  # single words this short mean too many things in other languages
_TOKEN = re.compile(r"[a-z0-9@$]+|[.,;:!?\n]|\"")
_STRETCHED = re.compile(r"([a-z])\1\1+")
_PAUSES = frozenset(".,;:!?\n")
_LEET = str.maketrans("013457@$", "oieastas")


def _marks() -> dict[int, str | int | None]:
    """Characters that only dress a letter are dropped; look-alikes become the letter. Marks go
    before normalisation because sorting a long run of them is quadratic."""
    table: dict[int, str | int | None] = {}
    for ranges in (range(0x300, 0x3100), range(0xA600, 0xAC00), range(0xFE00, 0xFE30)):
        table |= {c: None for c in ranges if unicodedata.combining(chr(c))}
    table |= dict.fromkeys((173, 65279, *range(8203, 8208), *range(8234, 8239)))
    table |= dict.fromkeys((0x201C, 0x201D, 0x201E, 0xAB, 0xBB), '"')
    table |= dict.fromkeys((0x2018, 0x2019, 0xB4), "'")
    return table | str.maketrans("авеорсхукмтініøł", "abeopcxykmtihiol") | {0x153: "oe", 0xE6: "ae"}


_MARKS = _marks()


def fold(text: str) -> str:
    """Lower case without accents, invisible characters and look-alike letters; at most LONGEST."""
    text = text[:LONGEST].casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_MARKS)).translate(_MARKS)
    return text.replace("n't", "nt")


@dataclass(frozen=True, slots=True)
class Entry:
    """One term of one subject. ``languages`` where it is said; empty means everywhere. ``mark`` is
    the name of a concept, tag or threat in evidence.csv; other kinds have none."""

    kind: str
    subject: str
    term: str
    weight: float
    languages: frozenset[Language]
    mark: str = field(init=False)

    def __post_init__(self) -> None:
        speaks = self.kind in ("concept", "tag", "threat")
        object.__setattr__(self, "mark", intern(f"{self.kind} {self.subject}") if speaks else "")


@dataclass(slots=True)
class Hit:
    """A term found, beginning at word ``start``. ``factor`` is less than 1 for what is quoted,
    hearsay or in another language; ``negated`` is what the text denies."""

    entry: Entry
    start: int
    factor: float
    negated: bool


class Role(IntEnum):
    """What a grammar word does to the words after it."""

    FILLER = 1  # left out of texts and terms
    NEGATOR = 2
    PARDON = 3  # after a negator: 'not only', 'do not know who' deny nothing
    TURN = 4  # ends a denial: 'but'


@dataclass(slots=True)
class _Node:
    entries: list[Entry] = field(default_factory=list)
    next: dict[str, _Node] = field(default_factory=dict)
    fitting: dict[Language, list[tuple[Entry, float]]] = field(default_factory=dict)

    def in_language(self, language: Language) -> list[tuple[Entry, float]]:
        """The entries that count in a language, with how much; worked out when first asked."""
        found = self.fitting.get(language)
        if found is None:
            weighed = ((entry, _fits(entry, language)) for entry in self.entries)
            found = self.fitting[language] = [(entry, much) for entry, much in weighed if much]
        return found


@dataclass(frozen=True, slots=True)
class Pairing:
    """Concepts that mean something when they stand near one another, in any order."""

    kind: str
    subject: str
    concepts: tuple[str, ...]
    weight: float


@dataclass(slots=True)
class _Reading:
    """A text as the vocabulary knows it: for each word that is no filler the keys it matches
    (none for most), and what the grammar around it says."""

    keys: list[tuple[str, ...]] = field(default_factory=list)
    negated: list[bool] = field(default_factory=list)
    quoted: list[bool] = field(default_factory=list)
    sentence: list[int] = field(default_factory=list)


@dataclass(slots=True)
class TermTable:
    """All terms as one trie over words."""

    entries: list[Entry] = field(default_factory=list)
    pairings: list[Pairing] = field(default_factory=list)
    codes_of_tag: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[Language, Mapping[str, Role]] = field(default_factory=dict)
    fillers: frozenset[str] = frozenset()
    _root: _Node = field(default_factory=_Node)
    _exact: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _heads: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by their first four letters
    _short_heads: set[str] = field(default_factory=set)  # of three letters, the fewest allowed

    def scan(self, text: str, language: Language) -> list[Hit]:
        """Every term in the text, in order of its first word. A crime-type term within a longer
        term is left out: 'tráfico' says nothing where 'tráfico de armas' stands."""
        reading = self._read(fold(text), self.roles.get(language, {}))
        hits: list[Hit] = []
        keys, begins, reach = reading.keys, self._root.next, 0
        for start, first in enumerate(keys):
            if not first or (first[0] not in begins and len(first) == 1):
                continue
            found = self._begun(keys, start)
            if not found:
                continue
            longest = found[-1][0]
            quoted, negated = 0.6 if reading.quoted[start] else 1.0, reading.negated[start]
            if len(found) == 1 and longest > reach:  # most words: nothing to tell apart
                for entry, factor in found[0][1].in_language(language):
                    hits.append(Hit(entry, start, factor * quoted, negated))
                reach = longest
                continue
            told: list[str] = []  # a word that fits two terms of a type counts once
            for end, node in reversed(found):
                inside = end < longest or end <= reach
                for entry, factor in node.in_language(language):
                    if entry.kind in _ONCE:
                        if (inside and entry.kind == "type") or entry.subject in told:
                            continue
                        told.append(entry.subject)
                    hits.append(Hit(entry, start, factor * quoted, negated))
            reach = max(reach, longest)
        _doubt_hearsay(hits, reading.sentence)
        return hits

    def _begun(self, keys: list[tuple[str, ...]], start: int) -> list[tuple[int, _Node]]:
        """As ``_walk``, at once for a word that no term of more words begins with here: most."""
        if len(keys[start]) > 1:
            return self._walk(keys, start)
        node = self._root.next[keys[start][0]]
        if start + 1 < len(keys) and not node.next.keys().isdisjoint(keys[start + 1]):
            return self._walk(keys, start)
        return [(start + 1, node)] if node.entries else []

    def _walk(self, keys: list[tuple[str, ...]], start: int) -> list[tuple[int, _Node]]:
        """The terms that begin at ``start``, with their ends, shortest first."""
        found = []
        frontier, end = [self._root], start
        for matching in islice(keys, start, None):
            end += 1
            following = []
            for node in frontier:
                children = node.next
                for key in matching:
                    if key in children:
                        child = children[key]
                        if child.next:
                            following.append(child)
                        if child.entries:
                            found.append((end, child))
            if not following:
                break
            frontier = following
        return found

    def _known(self, word: str) -> tuple[str, ...]:
        """The keys a word matches: itself and stems that a star lets go on."""
        keys = self._exact.get(word, ())
        for stem in self._heads.get(word[:4], ()):
            if word.startswith(stem):
                keys += (stem + "*",)
        if word[:_LEAST_STEM] in self._short_heads:
            keys += (word[:_LEAST_STEM] + "*",)
        return keys

    def _repaired(self, word: str, stretched: bool) -> tuple[str, ...]:
        """The keys of a word typed with digits for letters or with a letter held down;
        ``stretched``: the text has such a word."""
        keys: tuple[str, ...] = ()
        if not stretched and word.isalpha():
            return keys
        if not word.isalpha() and not word.isdigit():
            keys = self._known(word.translate(_LEET))
        if not keys and _STRETCHED.search(word):
            once, twice = _STRETCHED.sub(r"\1", word), _STRETCHED.sub(r"\1\1", word)
            keys = self._known(once) or self._known(twice)
        return keys

    def _read(self, folded: str, roles: Mapping[str, Role]) -> _Reading:
        """A negation reaches four words, up to a pause or a turn ('but')."""
        reading = _Reading()
        met: dict[str, tuple[str, ...]] = {}  # people say the same words again
        stretched = _STRETCHED.search(folded) is not None
        left = sentence = opened = 0
        quoting = False
        for piece in _TOKEN.findall(folded):
            if piece in _PAUSES:
                left = 0
                sentence += piece != ","
                continue
            if piece == '"':
                quoting, opened = not quoting, len(reading.keys)
                continue
            role = roles.get(piece)
            if role is Role.TURN or (left and role is Role.PARDON):
                left = 0
            if role is not Role.FILLER:
                if piece not in met:
                    met[piece] = self._known(piece) or self._repaired(piece, stretched)
                reading.keys.append(met[piece])
                reading.negated.append(left > 0)
                reading.quoted.append(quoting)
                reading.sentence.append(sentence)
            if role is Role.NEGATOR:
                left = _NEGATION_REACH
            elif left:
                left -= 1
        if quoting:  # a quotation mark that never closes quotes nobody
            reading.quoted[opened:] = [False] * (len(reading.quoted) - opened)
        return reading

    def add(self, entry: Entry) -> None:
        """Raises ValueError with the sentence of what is wrong with the term."""
        words = _words_of_term(entry.term, self.fillers)
        node = self._root
        for word in words:
            if word.endswith("*"):
                stem = word[:-1]
                if len(stem) == _LEAST_STEM:
                    self._short_heads.add(stem)
                else:
                    self._heads[stem[:4]] = tuple(sorted({*self._heads.get(stem[:4], ()), stem}))
            else:
                self._exact[word] = (word,)
            node = node.next.setdefault(word, _Node())
        for index, other in enumerate(node.entries):
            if (other.kind, other.subject) == (entry.kind, entry.subject):
                node.entries[index] = _merge(other, entry)
                return
        node.entries.append(entry)
        self.entries.append(entry)


def _doubt_hearsay(hits: list[Hit], sentence: list[int]) -> None:
    told = {sentence[hit.start] for hit in hits if hit.entry.kind == "hearsay"}
    if told:
        for hit in hits:
            if sentence[hit.start] in told:
                hit.factor *= 0.7


def _merge(one: Entry, other: Entry) -> Entry:
    everywhere = not one.languages or not other.languages
    languages = frozenset() if everywhere else one.languages | other.languages
    return Entry(one.kind, one.subject, one.term, max(one.weight, other.weight), languages)


def _fits(entry: Entry, language: Language) -> float:
    """People mix languages, so a foreign term still counts, a little less."""
    if not entry.languages or language in entry.languages:
        return 1.0
    return 0.0 if len(entry.term) <= _SHORT else 0.8


def _words_of_term(term: str, fillers: frozenset[str]) -> list[str]:
    words: list[str] = []
    for piece in term.split():
        parts = [part for part in _TOKEN.findall(fold(piece.rstrip("*"))) if part[0].isalnum()]
        if not parts or "*" in piece.rstrip("*"):
            raise ValueError("a term is words of letters and digits; a star may only end a word")
        if piece.endswith("*"):
            if len(parts[-1]) < _LEAST_STEM:
                raise ValueError("a star needs at least three letters before it")
            parts[-1] += "*"
        words += [part for part in parts if part not in fillers]
    if not words:
        raise ValueError("the term holds no word that counts")
    return words
