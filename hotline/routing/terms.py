"""Terms: the word tables of classification, and one pass over a text that finds them.

A term is one or more words; accents and capitals do not matter, a star ends a word that may go
on (``trafic*``). ``wordlists`` reads the tables, ``heard`` makes sense of what was found.

Each word of a text is looked up once, only words of the tables are walked, and what the grammar
says of the words around is worked out only where a word of grammar stands. Nothing of a text is
kept when the scan ends.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from sys import intern
from types import MappingProxyType
from typing import Any, NamedTuple

from hotline.routing.around import PAUSES, QUOTE, Role, denied, doubted
from hotline.tips import Language

LONGEST = 20_000  # characters read; a longer text is classified by its beginning
ANY = "any"
WEIGHTS = {"strong": 3.0, "clear": 2.0, "weak": 1.0}
PAIRINGS = {"together": 3.0, "hinted": 2.0}
FOREIGN = 0.8  # how much a term of another language counts: people mix languages
_LEAST_STEM = 3  # letters before a star
_SHORT = 3  # single words this short mean too many things in other languages
_TOKEN = re.compile(r"[a-z0-9@$]+|[.,;:!?\n]|\"")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789@$"  # of words
_STRETCHED = re.compile(r"([a-z])\1\1+")
_NOWHERE: Mapping[str, Any] = MappingProxyType({})
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


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What the same words mean in one language. ``near`` and ``far`` are marks by their place in
    TermTable.marks, of terms of that language and of others; ``named`` says by which term and how
    much it counts; ``others`` are the entries that are no concepts, with how much they count."""

    near: frozenset[int]
    far: frozenset[int]
    named: Mapping[int, tuple[str, float]]
    others: tuple[tuple[Entry, float], ...]
    hearsay: bool


class _Node:
    """There are forty thousand, most of them ends: what is empty is one for all."""

    __slots__ = ("_fits", "entries", "next")

    def __init__(self) -> None:
        self.entries: tuple[Entry, ...] = ()
        self.next: Mapping[str, _Node] = _NOWHERE
        self._fits: Mapping[str, Fit] = _NOWHERE

    def fit(self, language: str, marks: Mapping[str, int]) -> Fit:
        """Worked out when first asked for."""
        fit = self._fits.get(language)
        if fit is None:
            fit = _fit(self.entries, Language(language), marks)
            self._fits = {**self._fits, language: fit}
        return fit

    def after(self, word: str) -> _Node:
        """Where a further word leads, from now on."""
        found = self.next.get(word)
        if found is None:
            found = _Node()
            if isinstance(self.next, dict):
                self.next[word] = found
            else:
                self.next = {word: found}
        return found


@dataclass(frozen=True, slots=True)
class Pairing:
    """Concepts that mean something when they stand near one another, in any order."""

    kind: str
    subject: str
    concepts: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    """A word of the tables: the keys it matches, what it means alone, what of that names types,
    tags or threats, and the longer terms that it begins."""

    keys: tuple[str, ...]
    road: _Road
    alone: list[Fit]
    naming: list[Fit]
    nexts: Set[str]


class _Road:
    """Where the terms of more words stand after some of their words: those that end here, the keys
    that may come next, and where the words that did so far lead. There are no more of them than
    beginnings of terms."""

    __slots__ = ("_nodes", "ends", "nexts", "ways")

    def __init__(self, nodes: list[_Node], language: str, marks: Mapping[str, int]) -> None:
        self._nodes = [node for node in nodes if node.next]
        self.ways: dict[_Form, _Road] = {}
        self.ends = [node.fit(language, marks) for node in nodes if node.entries]
        self.nexts = frozenset(key for node in nodes for key in node.next)

    def by(self, form: _Form, language: str, marks: Mapping[str, int]) -> _Road:
        """Works out the road by one of ``nexts``, for ``ways``."""
        nodes = [n.next[key] for n in self._nodes for key in form.keys if key in n.next]
        road = self.ways[form] = _Road(nodes, language, marks)
        return road


class Scan(NamedTuple):
    """Every term in a text, with the words that it begins at; where what it names does not count,
    being within a longer term; the words that are denied; how surely those are told that are
    quoted or hearsay; and all words of the text, to be weighed and never to be quoted."""

    spots: Mapping[Fit, list[int]]
    within: Set[tuple[Fit, int]]
    denied: frozenset[int]
    doubted: Mapping[int, float]
    words: Set[str]


@dataclass(slots=True)
class TermTable:
    """All terms as one trie over words. ``marks`` are the names of what evidence is weighed by,
    with their places."""

    entries: list[Entry] = field(default_factory=list)
    pairings: list[Pairing] = field(default_factory=list)
    codes_of_tag: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[Language, Mapping[str, Role]] = field(default_factory=dict)
    fillers: frozenset[str] = frozenset()  # the same in every language
    marks: dict[str, int] = field(default_factory=dict)
    _root: _Node = field(default_factory=_Node)
    _exact: set[str] = field(default_factory=set)
    _heads: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    _forms: dict[str, dict[tuple[str, ...], _Form]] = field(default_factory=dict)
    _written: dict[str, dict[str, _Form]] = field(default_factory=dict)  # of the tables' own words
    _skipped: frozenset[str] = frozenset()
    _negators: dict[str, frozenset[str]] = field(default_factory=dict)

    def speak(self, roles: Mapping[Language, Mapping[str, Role]]) -> None:
        """Takes the words of grammar; to be called before terms are added."""
        self.roles = roles
        self.fillers = frozenset(w for w, r in roles[Language.PT].items() if r is Role.FILLER)
        self._skipped = self.fillers | PAUSES | {QUOTE}
        for language, words in roles.items():
            negators = (word for word, role in words.items() if role is Role.NEGATOR)
            self._negators[language.value] = frozenset(negators)
            self._forms[language.value], self._written[language.value] = {}, {}

    def scan(self, text: str, language: Language) -> Scan:
        """A crime-type term within a longer term does not count: 'tráfico' says nothing where
        'tráfico de armas' stands."""
        folded = fold(text)
        pieces = _TOKEN.findall(folded)
        skipped = self._skipped
        words = [piece for piece in pieces if piece not in skipped]
        distinct = set(words)
        met = self._met(distinct, language.value)
        spots, within = self._spots([*map(met.get, words), None], language.value)
        hearsay = [at for fit, places in spots.items() if fit.hearsay for at in places]
        roles = self.roles[language]
        denies = not self._negators[language.value].isdisjoint(distinct)
        doubts = hearsay or QUOTE in folded
        return Scan(
            spots,
            within,
            denied(pieces, roles) if denies else frozenset(),
            doubted(pieces, roles, hearsay) if doubts else {},
            distinct,
        )

    def _met(self, words: Set[str], language: str) -> dict[str, _Form]:
        """The words that the tables know."""
        met: dict[str, _Form] = {}
        written, heads, forms = self._written[language], self._heads, self._forms[language]
        for word in words:
            if (form := written.get(word)) is not None:
                met[word] = form
                continue
            keys: tuple[str, ...] = ()
            for stem, key in heads.get(word[:4], ()):
                if word.startswith(stem):
                    keys += (key,)
            if word in self._exact:
                keys = (word, *keys)
                met[word] = written[word] = forms.get(keys) or self._form(keys, language)
            elif keys or (keys := self._repaired(word)):
                met[word] = forms.get(keys) or self._form(keys, language)
        return met

    def _form(self, keys: tuple[str, ...], language: str) -> _Form:
        """Worked out when first asked for."""
        begun = [self._root.next[key] for key in keys if key in self._root.next]
        road = _Road(begun, language, self.marks)
        naming = [fit for fit in road.ends if fit.others]
        form = self._forms[language][keys] = _Form(keys, road, road.ends, naming, road.nexts)
        return form

    def _known(self, word: str) -> tuple[str, ...]:
        """The keys a word matches: itself and stems that a star lets go on."""
        heads = self._heads.get(word[:4], ())
        stems = tuple(key for stem, key in heads if word.startswith(stem))
        return (word, *stems) if word in self._exact else stems

    def _repaired(self, word: str) -> tuple[str, ...]:
        """The keys of a word typed with digits for letters or with a letter held down."""
        keys: tuple[str, ...] = ()
        if not (word.isalpha() or word.isdigit()):
            keys = self._known(word.translate(_LEET))
        if not keys and _STRETCHED.search(word):
            once, twice = _STRETCHED.sub(r"\1", word), _STRETCHED.sub(r"\1\1", word)
            keys = self._known(once) or self._known(twice)
        return keys

    def _spots(
        self, forms: list[_Form | None], language: str
    ) -> tuple[dict[Fit, list[int]], set[tuple[Fit, int]]]:
        """``forms`` are the words of the text, and nothing at its end."""
        alone: dict[_Form, list[int]] = defaultdict(list)
        spots: dict[Fit, list[int]] = defaultdict(list)
        within: set[tuple[Fit, int]] = set()
        reach = 0
        for at, (form, second) in enumerate(pairwise(forms)):
            if form is None:
                continue
            if form.alone:
                alone[form].append(at)
            if second is not None and form.nexts and not form.nexts.isdisjoint(second.keys):
                longer = self._walk(form.road, forms, at + 1, language)
                longest = longer[0][0] if longer else 0
                for end, fit in longer:
                    spots[fit].append(at)
                    if fit.others and not reach < end == longest:
                        within.add((fit, at))
                reach = max(reach, longest)
            if at < reach and form.naming:
                within.update([(fit, at) for fit in form.naming])
        for form, places in alone.items():
            for fit in form.alone:
                spots[fit] += places
        return spots, within

    def _walk(
        self, road: _Road, forms: list[_Form | None], end: int, language: str
    ) -> list[tuple[int, Fit]]:
        """The terms of more words that begin by ``road``, with their ends, longest first."""
        found: list[tuple[int, Fit]] = []
        while (form := forms[end]) is not None and not road.nexts.isdisjoint(form.keys):
            end += 1
            road = road.ways.get(form) or road.by(form, language, self.marks)
            if road.ends:
                found += [(end, fit) for fit in road.ends]
            if not road.nexts:
                break
        if len(found) > 1:
            found.reverse()
        return found

    def add(self, entry: Entry) -> None:
        """Raises ValueError with the sentence of what is wrong with the term."""
        words = _words_of_term(entry.term, self.fillers)
        node = self._root
        for word in words:
            if word.endswith("*"):
                self._let_go_on(word[:-1])
            else:
                self._exact.add(word)
            node = node.after(word)
        for other in node.entries:
            if other.subject == entry.subject and other.kind == entry.kind:
                merged = _merge(other, entry)
                node.entries = tuple(merged if one is other else one for one in node.entries)
                return
        node.entries += (entry,)
        self.entries.append(entry)
        if entry.mark:
            self.marks.setdefault(entry.mark, len(self.marks))

    def _let_go_on(self, stem: str) -> None:
        """Stems are found by four letters; of three letters, the fewest allowed, by all that may
        follow them."""
        short = len(stem) == _LEAST_STEM
        for head in (stem, *(stem + letter for letter in _LETTERS)) if short else (stem[:4],):
            known = self._heads.get(head, ())
            if (stem, f"{stem}*") not in known:
                self._heads[head] = (*known, (stem, f"{stem}*"))


def _fit(entries: Sequence[Entry], language: Language, marks: Mapping[str, int]) -> Fit:
    weighed = ((entry, _fits(entry, language)) for entry in entries)
    counting = [(entry, much) for entry, much in weighed if much]
    marked = [(marks[entry.mark], entry.term, much) for entry, much in counting if entry.mark]
    return Fit(
        frozenset(mark for mark, _, much in marked if much == 1.0),
        frozenset(mark for mark, _, much in marked if much != 1.0),
        {mark: (term, much) for mark, term, much in marked},
        tuple(one for one in counting if one[0].kind in ("type", "tag", "threat")),
        any(entry.kind == "hearsay" for entry, _ in counting),
    )


def _merge(one: Entry, other: Entry) -> Entry:
    everywhere = not one.languages or not other.languages
    languages = frozenset() if everywhere else one.languages | other.languages
    return Entry(one.kind, one.subject, one.term, max(one.weight, other.weight), languages)


def _fits(entry: Entry, language: Language) -> float:
    """People mix languages, so a foreign term still counts, a little less."""
    if not entry.languages or language in entry.languages:
        return 1.0
    return 0.0 if len(entry.term) <= _SHORT else FOREIGN


def _words_of_term(term: str, fillers: frozenset[str]) -> list[str]:
    words = [word for piece in term.split() for word in _parts(piece) if word not in fillers]
    if not words:
        raise ValueError("the term holds no word that counts")
    return words


@lru_cache(maxsize=1 << 15)  # the tables say the same words again and again
def _parts(piece: str) -> tuple[str, ...]:
    """The words that a piece between spaces is read as: mostly one."""
    parts = [part for part in _TOKEN.findall(fold(piece.rstrip("*"))) if part[0].isalnum()]
    if not parts or "*" in piece.rstrip("*"):
        raise ValueError("a term is words of letters and digits; a star may only end a word")
    if piece.endswith("*"):
        if len(parts[-1]) < _LEAST_STEM:
            raise ValueError("a star needs at least three letters before it")
        parts[-1] += "*"
    return tuple(parts)
