"""Recusal: which bodies a tip implicates, by its types, the reporter's answer or the words.

The cues are data (recusal.toml). When it is not clear which body is meant, every body of that
kind that serves the place is recused: a recusal too many costs an operator a minute. Nothing the
reporter wrote is quoted in a reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from hotline.routing.profile import Agency, Profile
from hotline.routing.tables import Document, Entry, Problem, nearest
from hotline.routing.wordlists import TAGS
from hotline.routing.words import CHARS
from hotline.tips import Act, Certainty, Place, Recusal

NAMED = "the reporter named this body"
UNSURE = "the reporter named a body that is not known here"
BY_TYPE = "this kind of report is about it"
BY_TAG = "the report is about people of this kind of body"
BY_WORDS = "the report speaks of it as implicated"

_STOPS = b".!?;\n"
_PLAIN = bytes(
    10 if code in _STOPS else code if chr(code).isalnum() and code < 128 else 32
    for code in bytes(range(256)).lower()
)
_GROWS = b"\0"  # what folds to more than one letter or mark, such as an ellipsis
_LONGEST = 8  # words in one cue
_SHORTEST, _WIDEST = 4, 16  # letters of a stem
_FARTHEST = 12  # words between a body and its cue
_TELLING = 9  # letters of a single word that may accuse a body by itself ("rachadinha")
_NOWHERE = Place()
_NOBODY: frozenset[str] = frozenset()


class Cue(NamedTuple):
    id: str
    window: int
    after: bool
    bodies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Body:
    """What a word stands for: holders of these functions, or all bodies of these kinds."""

    id: str
    kinds: frozenset[str]
    functions: tuple[str, ...]


@dataclass(slots=True)
class _Words:
    """Cues by their tokens; a last token may be a stem. ``heads`` are the first tokens with the
    lengths of what they begin, longest first; ``begun`` the first letters of the stems."""

    exact: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    stems: dict[str, set[str]] = field(default_factory=dict)
    heads: dict[str, list[int]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def add(self, words: str, id: str) -> None:
        tokens = tuple(fold(words.rstrip("*")).split())
        if words.endswith("*"):
            self.stems.setdefault(tokens[0], set()).add(id)
            self.begun.add(tokens[0][:_SHORTEST])
        else:
            self.exact.setdefault(tokens, set()).add(id)
            sizes = {len(tokens), *self.heads.get(tokens[0], ())}
            self.heads[tokens[0]] = sorted(sizes, reverse=True)

    def places(self, tokens: Sequence[str]) -> list[int]:
        """Where something may begin: one look-up a token, or two."""
        heads, begun = self.heads, self.begun
        if not begun:
            return [place for place, token in enumerate(tokens) if token in heads]
        return [
            place
            for place, token in enumerate(tokens)
            if token in heads or token[:_SHORTEST] in begun
        ]

    def at(self, tokens: Sequence[str], place: int) -> tuple[int, set[str]]:
        """How many tokens the longest match at ``place`` takes, and what it means."""
        first = tokens[place]
        for size in self.heads.get(first, ()):
            known = self.exact.get(tuple(tokens[place : place + size]))
            if known and place + size <= len(tokens):
                return size, known
        if first[:_SHORTEST] not in self.begun:
            return 0, set()
        for size in range(_SHORTEST, min(len(first), _WIDEST) + 1):
            if found := self.stems.get(first[:size]):
                return 1, found
        return 0, set()


@dataclass(frozen=True, slots=True)
class Cues:
    """recusal.toml, ready to be asked."""

    by_type: Mapping[str, frozenset[str]]
    by_tag: Mapping[str, frozenset[str]]
    unsure: frozenset[str]
    bodies: Mapping[str, Body]
    cues: Mapping[str, Cue]
    body_words: _Words
    cue_words: _Words
    phrases: _Words
    marks: frozenset[str]
    nobody: frozenset[str] = frozenset()

    def heard(self, words: str) -> frozenset[str]:
        """Ids of the bodies that the words speak of as implicated. Linear in their length."""
        text = fold(words)
        # Nearly every tip ends here: none of the bodies is mentioned at all.
        if self.marks.isdisjoint(text.split()):
            return frozenset()
        found: set[str] = set()
        for sentence in text.split("\n"):
            tokens = sentence.split()
            if not self.marks.isdisjoint(tokens):
                found |= self._sentence(tokens)
        return frozenset(found) - self.nobody

    def _sentence(self, tokens: list[str]) -> set[str]:
        found: set[str] = set()
        starts: dict[int, Set[str]] = {}
        ends: dict[int, Set[str]] = {}
        free = 0
        for place in self.body_words.places(tokens):
            size, ids = self.body_words.at(tokens, place) if place >= free else (0, _NOBODY)
            if ids:
                free = place + size
                starts[place] = ends[free] = ids
        for place in self.phrases.places(tokens):
            found |= self.phrases.at(tokens, place)[1]
        for place in self.cue_words.places(tokens) if starts else ():
            size, ids = self.cue_words.at(tokens, place)
            for id in ids:
                cue = self.cues[id]
                for step in range(cue.window):
                    near = ends.get(place - step, _NOBODY)
                    if not cue.after:
                        near = near | starts.get(place + size + step, _NOBODY)
                    found |= near & cue.bodies if cue.bodies else near
        return found


def fold(text: str) -> str:
    """Lower case without accents, one sentence a line, words apart by spaces; what is not Latin
    is dropped. For matching only."""
    if not text.isascii():
        try:
            plain = text.encode("cp1252").translate(_LATIN, _DROPPED)
        except UnicodeEncodeError:
            plain = _GROWS
        if _GROWS not in plain:
            return plain.decode("ascii")
        text = unicodedata.normalize("NFKD", text)
    return text.encode("ascii", "ignore").translate(_PLAIN).decode("ascii")


def _folded(char: str) -> bytes:
    return unicodedata.normalize("NFKD", char).encode("ascii", "ignore").translate(_PLAIN)


# The same for cp1252, byte by byte.
_LATIN = b"".join(one if len(one := _folded(char)) == 1 else _GROWS for char in CHARS)
_DROPPED = bytes(at for at, char in enumerate(CHARS) if not _folded(char))


def read(
    profile: Profile, codes: Iterable[str], problems: list[Problem], grammar: Set[str] = _NOBODY
) -> Cues:
    """The cues of ``profile``; what they name must exist, and none may consist of ``grammar``
    words alone: it would be heard in every tip."""
    document = Document.read(profile.cues, problems)
    document.check_headers(frozenset({"type", "unsure", "body", "nobody", "cue", "phrase"}))
    codes, kinds = frozenset(codes), _kinds(profile)
    by_type: dict[str, frozenset[str]] = {}
    by_tag: dict[str, frozenset[str]] = {}
    unsure: frozenset[str] = frozenset()
    for entry in document.entries("type"):
        entry.text("id")
        named = _known(entry, "kinds", kinds, "no agency is of the kind", required=True)
        types = _known(entry, "crime_type", codes, "no crime type is called")
        tags = _known(entry, "tags", TAGS, "no tag is called")
        if not {"crime_type", "tags"} & entry.values.keys():
            entry.problem("this says not when: crime_type is missing", "Add crime_type or tags.")
        for code in types:
            by_type[code] = named | by_type.get(code, frozenset())
        for tag in tags:
            by_tag[tag] = named | by_tag.get(tag, frozenset())
        entry.close()
    for entry in document.entries("unsure"):
        unsure = _known(entry, "kinds", kinds, "no agency is of the kind", required=True)
        entry.close()
    if not unsure and not document.broken and "unsure" not in document.blocks:
        hint = "Add an [unsure] block with the kinds to keep out when it is not clear who is meant."
        problems.append(Problem(document.file, 1, "unsure is missing", hint))
    bodies, body_words = _bodies(document, profile, grammar)
    nobody = _nobody(document, body_words, bodies, grammar)
    cues, cue_words = _cues(document, bodies, grammar)
    phrases = _phrases(document, bodies, body_words, grammar)
    marks = _marks(body_words, phrases)
    return Cues(
        by_type, by_tag, unsure, bodies, cues, body_words, cue_words, phrases, marks, nobody
    )


def _kinds(profile: Profile) -> frozenset[str]:
    kinds = {one.kind for one in profile.agencies.values()}
    return frozenset(kinds | {pattern.entry.kind for pattern in profile.patterns})


def _known(
    entry: Entry, key: str, known: Set[str], sentence: str, *, required: bool = False
) -> frozenset[str]:
    found = frozenset(entry.texts(key, required=required))
    for one in sorted(found - known):
        entry.problem(f"{sentence} {one}", nearest(one, known, "Delete it or correct it."), key)
    return found


def _twice(entry: Entry, id: str, known: Container[str]) -> None:
    if id in known:
        entry.problem(f"two blocks are called {id}", "Rename one, or make them one.", "id")


def _bodies(
    document: Document, profile: Profile, grammar: Set[str]
) -> tuple[dict[str, Body], _Words]:
    held = {f for one in profile.agencies.values() for f in one.functions}
    held |= {f for pattern in profile.patterns for f in pattern.entry.functions}
    bodies: dict[str, Body] = {}
    words = _Words()
    for entry in document.entries("body"):
        id = entry.text("id")
        kinds = _known(entry, "kinds", _kinds(profile), "no agency is of the kind")
        functions = _known(entry, "functions", held, "nobody holds")
        if not {"kinds", "functions"} & entry.values.keys():
            hint = "Say whom its words mean: add kinds or functions."
            entry.problem(f"{id} names neither kinds nor functions", hint)
        _twice(entry, id, bodies)
        bodies[id] = Body(id, kinds, tuple(sorted(functions)))
        _add(entry, words, id, grammar)
    return bodies, words


def _nobody(
    document: Document, words: _Words, bodies: Mapping[str, Body], grammar: Set[str]
) -> frozenset[str]:
    """Names that hold a body's name and mean none: "Ejército de Liberación Nacional"."""
    ids: set[str] = set()
    for entry in document.entries("nobody"):
        id = entry.text("id")
        if id in bodies:
            entry.problem(f"a body is called {id} too", "Rename it.", "id")
        ids.add(id)
        _add(entry, words, id, grammar)
    return frozenset(ids)


def _cues(
    document: Document, bodies: Mapping[str, Body], grammar: Set[str]
) -> tuple[dict[str, Cue], _Words]:
    cues: dict[str, Cue] = {}
    words = _Words()
    for entry in document.entries("cue"):
        limited = _known(entry, "bodies", bodies.keys(), "no body is called")
        id, window = entry.text("id"), entry.number("window", 4)
        if not 1 <= window <= _FARTHEST:
            hint = f"Write how many words may lie between: 1 to {_FARTHEST}."
            entry.problem("window is out of bounds", hint, "window")
        _twice(entry, id, cues)
        cues[id] = Cue(id, window, entry.flag("after"), limited)
        _add(entry, words, id, grammar)
    return cues, words


def _phrases(
    document: Document, bodies: Mapping[str, Body], names: _Words, grammar: Set[str]
) -> _Words:
    """What accuses a body by itself: never its bare name, nor one short word."""
    phrases = _Words()
    for entry in document.entries("phrase"):
        id = entry.text("body")
        if id and id not in bodies:
            entry.problem(f"no body is called {id}", nearest(id, bodies, "Add it."), "body")
        _add(entry, phrases, id, grammar)
        for word in entry.texts("words"):
            tokens = tuple(fold(word).split())
            short = len(tokens) == 1 and len(tokens[0]) < _TELLING
            if word.endswith("*") or short or tokens in names.exact:
                hint = "It is heard wherever it stands: add words to it, or make it a [[cue]]."
                entry.problem(f"{word} says too little to stand alone", hint, "words")
    return phrases


def _add(entry: Entry, words: _Words, id: str, grammar: Set[str]) -> None:
    for word in entry.texts("words", required=True):
        tokens = fold(word.rstrip("*")).split()
        stem = word.endswith("*")
        if not tokens or (stem and (len(tokens) > 1 or not _SHORTEST <= len(tokens[0]) <= _WIDEST)):
            hint = "Write Latin letters; a * ends one word of four letters or more."
            entry.problem(f"{word} cannot be matched", hint, "words")
        elif len(tokens) > _LONGEST:
            hint = "Keep the words that tell it."
            entry.problem(f"{word} has more than {_LONGEST} words", hint, "words")
        elif grammar >= set(tokens):
            hint = "It stands in nearly every report: add a word that tells it."
            entry.problem(f"{word} is an everyday word", hint, "words")
        else:
            words.add(word, id)
    entry.close()


def _marks(bodies: _Words, phrases: _Words) -> frozenset[str]:
    """One word of every match, without which it cannot be: of a phrase a word that is a body's
    name ("pm" of "a milicia e da pm"), else the longest, and of the longest the last."""
    names = {tokens[0] for tokens in bodies.exact if len(tokens) == 1}
    return frozenset(
        max(reversed(tokens), key=lambda token: (token in names, len(token)))
        for tokens in (*bodies.exact, *phrases.exact)
    )


def resolve(profile: Profile, names: Iterable[str]) -> tuple[tuple[str, ...], bool]:
    """Agency ids for what a reporter named (an id or a full name, in any case), and whether
    something named is unknown."""
    found: list[str] = []
    unknown = False
    for name in names:
        wanted = name.strip()
        if profile.agency(wanted) is None:
            folded = fold(wanted)
            wanted = next(
                (a.id for a in profile.agencies.values() if folded in (fold(a.id), fold(a.name))),
                "",
            )
        if wanted:
            found.append(wanted)
        elif name.strip():
            unknown = True
    return tuple(dict.fromkeys(found)), unknown


def implicated(
    words: str,
    acts: Sequence[Act],
    implicates: Sequence[str],
    profile: Profile,
    *,
    cues: Cues,
    place: Place = _NOWHERE,
    tags: Iterable[str] = (),
    day: date = date.max,
) -> tuple[Recusal, ...]:
    """Every body the tip implicates, outermost only, each with its first reason."""
    named, unknown = resolve(profile, implicates)
    codes = tuple(act.code for act in acts)
    return recused(
        profile, cues, codes, frozenset(tags), named, unknown, cues.heard(words), place, day
    )


def recused(
    profile: Profile,
    cues: Cues,
    codes: Sequence[str],
    tags: frozenset[str],
    named: Sequence[str],
    unknown: bool,
    heard: frozenset[str],
    place: Place,
    day: date,
) -> tuple[Recusal, ...]:
    """As ``implicated``, from facts already gathered; holds no words, so it may be remembered."""
    reasons: dict[str, str] = dict.fromkeys(named, NAMED)

    def add(ids: Iterable[str], reason: str) -> None:
        for id in ids:
            reasons.setdefault(id, reason)

    if unknown:
        add(of_kinds(profile, cues.unsure, place), UNSURE)
    for code in codes:
        if code in cues.by_type:
            add(of_kinds(profile, cues.by_type[code], place), BY_TYPE)
    for tag in sorted(tags):
        if tag in cues.by_tag:
            add(of_kinds(profile, cues.by_tag[tag], place), BY_TAG)
    for id in sorted(heard):
        add(of_body(profile, cues, cues.bodies[id], place, day), BY_WORDS)
    return tuple(
        Recusal(id, reason)
        for id, reason in reasons.items()
        if not any(up.id in reasons for up in list(profile.ancestors(id))[1:])
    )


def of_body(profile: Profile, cues: Cues, body: Body, place: Place, day: date) -> list[str]:
    """The holders of its functions where they are known, else everyone it may mean."""
    found = of_kinds(profile, body.kinds, place)
    scopes = scopes_of(profile, place)
    for function in body.functions:
        holders = [profile.holder(function, scope, day) for scope in scopes]
        found += [one.id for one in holders if one is not None]
    return found or of_kinds(profile, cues.unsure, place)


def overseers(profile: Profile, roots: Iterable[str], day: date) -> Iterator[str]:
    """Independent bodies to go to when ``roots`` are recused, nearest above them first; some may
    be recused themselves."""

    def takes(id: str) -> bool:
        one = profile.agency(id)
        return one is not None and one.independent and one.receives and one.valid(day)

    for root in sorted(roots):
        for up in profile.ancestors(root):
            yield from (id for id in up.oversight if takes(id))
    yield from (id for id in profile.oversight if takes(id))


def scopes_of(profile: Profile, place: Place) -> tuple[str, ...]:
    """The jurisdictions that cover a place, nearest first. Of a place nobody knows, the line's
    own state is taken to be it; of one elsewhere, only the country is ours."""
    municipality, state = known(profile, place)
    outside = place.country not in (None, profile.country) or (
        place.state is not None and place.state not in profile.state_keys
    )
    if state is None and not outside:
        state = profile.state
    return tuple(scope for scope in (municipality, state, profile.country) if scope)


def known(profile: Profile, place: Place) -> tuple[str | None, str | None]:
    """The municipality and the state, each only if this profile serves it. An ambiguous
    municipality is not known."""
    municipality, state = place.municipality, place.state
    if municipality is not None and place.certainty in (Certainty.CERTAIN, Certainty.PROBABLE):
        served = profile.state_of(municipality)
        if served is not None and state in (None, served):
            return municipality, served
    return None, state if state in profile.state_keys else None


def of_kinds(profile: Profile, kinds: frozenset[str], place: Place) -> list[str]:
    """Every body of these kinds that serves the place; where the municipality or the state is
    not certain, also the branch of the tree that stands for all of them."""
    scopes = scopes_of(profile, place)
    municipal = ":" in scopes[0]
    if municipal and place.certainty is not Certainty.CERTAIN:
        scopes, municipal = scopes[1:], False
    serving: list[Agency] = [one for scope in scopes for one in profile.serving(scope)]
    found = [one.id for one in serving if one.kind in kinds and not one.stands_for]
    branches = [one for one in serving if one.stands_for & kinds]
    cities = [one.id for one in branches if "municipality" in one.stands_for]
    states = [one.id for one in branches if "municipality" not in one.stands_for]
    if not municipal:
        found += cities[:1]  # nearest first: the state's cities before the country's
    if len(scopes) == 1:
        found += states
    return found
