"""Stripping: the attribution grammar, read from data: what people write and whose it makes a thing.

A rule's ``say`` lines are small patterns over words without accents or apostrophes:
``meu|minha`` either word · ``<kin>`` a word of the list ``kin`` · ``novo?`` may be missing ·
``_`` any word · ``!<kin>`` any word not of the list · ``^`` what is removed begins here (default:
after the pattern for captures, at its beginning for relations) · ``.`` in front: only where a
clause begins; at the end: only where one ends. Matching tries each pattern once per word: no
backtracking beyond its own optional items.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from hotline.intake.stripping.normalise import GUARD, Token, matching
from hotline.intake.stripping.spans import TooMuch
from hotline.tips import Language


@dataclass(frozen=True, slots=True)
class Rule:
    """``action``: reporter, reporter_after, other, other_after, name, signoff, home, work, job,
    kin, relation, vehicle, speech, speech_first, speech_to_me, tell, tell_you (said to the
    reporter). ``weight`` counts for cues, ``kind`` and ``back`` for clauses that tell."""

    action: str
    weight: float
    reason: str
    kind: str = ""
    back: bool = False


class Except:
    """All words but these; never a token of ours."""

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word[0] != GUARD and word not in self._words


_MOST_TRIES = 30_000  # a letter of 12,000 characters needs about 6,000

Items = tuple[tuple[frozenset[str] | Except | None, bool], ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    items: Items
    mark: int
    rule: Rule
    first: bool = False
    last: bool = False


class Hit(NamedTuple):
    """``rule`` matched the words ``start`` to ``end`` (exclusive); ``mark`` is where the
    pattern put its ``^``, or ``end``."""

    start: int
    end: int
    mark: int
    rule: Rule


class Starts(NamedTuple):
    """The patterns that begin with a word: those whose second word is given, by that word, and
    the others."""

    any: tuple[Pattern, ...]
    then: dict[str, tuple[Pattern, ...]]


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language's grammar. ``function`` words tell the language and end captures."""

    language: Language
    function: frozenset[str]
    words: dict[str, frozenset[str]]
    numbers: dict[str, int]
    nouns: dict[str, str]
    fields: dict[str, str]
    index: dict[str, Starts]

    def hits(self, tokens: list[Token]) -> list[Hit]:
        """Every rule that matches, by first word. Raises TooMuch for a text made of words that
        begin many rules."""
        found = []
        tried, last = 0, len(tokens) - 1
        for i, token in enumerate(tokens):
            starts = self.index.get(token.word)
            if starts is None:
                continue
            patterns = starts.any
            if i < last and starts.then and not tokens[i + 1].hard:
                patterns = patterns + starts.then.get(tokens[i + 1].word, ())
            tried += len(patterns)
            if tried > _MOST_TRIES:
                raise TooMuch
            for pattern in patterns:
                if pattern.first and not self._opens(tokens, i):
                    continue
                end = _match(pattern.items, tokens, i, last=pattern.last)
                if end is not None:
                    mark = _marked(pattern, tokens, i, end)
                    found.append(Hit(i, end, mark, pattern.rule))
        return found

    def _opens(self, tokens: list[Token], i: int) -> bool:
        """Whether a clause begins at word ``i``."""
        if i == 0 or tokens[i].soft or tokens[i].hard:
            return True
        return tokens[i - 1].word in self.words["break"] or tokens[i - 1].word in self.words["join"]


def _goes_on(tokens: list[Token], end: int) -> bool:
    return end < len(tokens) and not (tokens[end].soft or tokens[end].hard)


def _match(items: Items, tokens: list[Token], start: int, *, last: bool = False) -> int | None:
    """The index after the pattern when it matches at ``start``; no word may start a sentence.
    With ``last`` a clause must end there."""
    size = len(tokens)
    at = start  # the plain items in front need no set of states
    for n, (words, optional) in enumerate(items):
        if optional:
            return _match_on(items[n:], tokens, start, at, last=last)
        if at >= size or (at > start and tokens[at].hard):
            return None
        if words is not None and tokens[at].word not in words:
            return None
        at += 1
    return None if last and _goes_on(tokens, at) else at


def _match_on(items: Items, tokens: list[Token], start: int, at: int, *, last: bool) -> int | None:
    states = {at}
    for words, optional in items:
        ahead: set[int] = set(states) if optional else set()
        for i in states:
            if i >= len(tokens) or (i > start and tokens[i].hard):
                continue
            if words is None or tokens[i].word in words:
                ahead.add(i + 1)
        if not ahead:
            return None
        states = ahead
    end = max((i for i in states if not (last and _goes_on(tokens, i))), default=start)
    return end if end > start else None


def _marked(pattern: Pattern, tokens: list[Token], start: int, end: int) -> int:
    if pattern.mark < 0:
        return end
    head = _match(pattern.items[: pattern.mark], tokens, start) if pattern.mark else start
    return min(head if head is not None else start, end)


def _parse(line: str, words: dict[str, frozenset[str]], rule: Rule) -> Pattern:
    items: list[tuple[frozenset[str] | Except | None, bool]] = []
    mark = -1
    pieces = line.split()
    first, last = pieces[0] == ".", pieces[-1] == "."
    for piece in pieces[first : len(pieces) - last]:
        if piece == "^":
            mark = len(items)
            continue
        optional = piece.endswith("?")
        plain = piece.removesuffix("?").removeprefix("!")
        if plain == "_":
            items.append((None, optional))
            continue
        choices: set[str] = set()
        for choice in plain.split("|"):
            choices |= words[choice[1:-1]] if choice.startswith("<") else {choice}
        chosen = frozenset(choices)
        items.append((Except(chosen) if piece.startswith("!") else chosen, optional))
    if not items or not isinstance(items[0][0], frozenset) or items[0][1]:
        raise ValueError(f"a pattern must begin with a word that is not optional: {line!r}")
    return Pattern(tuple(items), mark, rule, first, last)


def _read(name: str) -> dict[str, Any]:
    data = files("hotline.intake.stripping") / "data" / f"{name}.toml"
    return tomllib.loads(data.read_text(encoding="utf-8"))


def _seconds(items: Items) -> frozenset[str]:
    """The words one of which stands second in whatever matches; none when any word may."""
    found: frozenset[str] = frozenset()
    for words, optional in items[1:]:
        if not isinstance(words, frozenset):
            return frozenset()
        found |= words
        if not optional:
            return found
    return frozenset()


def _starts(patterns: list[Pattern]) -> Starts:
    others: list[Pattern] = []
    then: dict[str, list[Pattern]] = {}
    for pattern in patterns:
        seconds = _seconds(pattern.items)
        if not seconds:
            others.append(pattern)
        for word in seconds:
            then.setdefault(word, []).append(pattern)
    return Starts(tuple(others), {word: tuple(found) for word, found in then.items()})


def _indexed(index: dict[str, list[Pattern]]) -> dict[str, Starts]:
    """Words of one list mostly begin the same patterns: those are sorted once for all of them."""
    made: dict[tuple[int, ...], Starts] = {}
    found: dict[str, Starts] = {}
    for word, patterns in index.items():
        same = tuple(map(id, patterns))
        if same not in made:
            made[same] = _starts(patterns)
        found[word] = made[same]
    return found


@lru_cache(maxsize=8)
def grammar(language: Language) -> Grammar:
    """The grammar of a language, read once. Raises ValueError or KeyError for broken data."""
    common, own = _read("common"), _read(str(language.value))
    words = {
        name: frozenset(matching(value).text.split())
        for name, value in {**common.get("words", {}), **own["words"]}.items()
    }
    index: dict[str, list[Pattern]] = {}
    for table in (*common.get("rule", ()), *own["rule"]):
        rule = Rule(
            table["action"],
            float(table.get("weight", 0)),
            table["reason"],
            table.get("kind", ""),
            table.get("back", False),
        )
        for line in table["say"]:
            pattern = _parse(line, words, rule)
            begins = pattern.items[0][0]
            assert isinstance(begins, frozenset)
            for word in sorted(begins):
                index.setdefault(word, []).append(pattern)
    nouns = {w: kind for t in (common, own) for kind, ws in t["nouns"].items() for w in ws.split()}
    return Grammar(
        language=language,
        function=words["function"],
        words=words,
        numbers=dict(own["numbers"]),
        nouns=nouns,
        fields={w: kind for kind, ws in own["fields"].items() for w in ws.split()},
        index=_indexed(index),
    )


@lru_cache(maxsize=8)
def replacements(language: Language) -> dict[str, str]:
    """The words of the tokens by kind, and the forms ``removed`` and ``doubtful``."""
    return dict(_read(str(language.value))["replace"])


@dataclass(frozen=True, slots=True)
class Policy:
    """What a jurisdiction may tune: defaults by kind, weights of risk, thresholds."""

    default: dict[str, str]
    risk: dict[str, tuple[int, int]]
    hold_at: int
    decay: float
    soft: float
    least_reporter: float
    least_other: float
    lead: float
    told: float
    named: float
    reach: int
    longest: int
    most_words: int
    most_findings: int
    short_numbers: frozenset[str]


@lru_cache(maxsize=1)
def policy() -> Policy:
    """The policy data, read once."""
    data = _read("policy")
    return Policy(
        default=data["default"],
        risk={name: (weight, most) for name, (weight, most) in data["risk"].items()},
        short_numbers=frozenset(data["short_numbers"]),
        **data["limits"],
    )


@lru_cache(maxsize=1)
def abbreviations() -> frozenset[str]:
    """Words after which a full stop ends no sentence."""
    return frozenset(_read("common")["abbreviations"].split())


def by_action(hits: list[Hit]) -> dict[str, list[Hit]]:
    """The hits of each action in order, without those inside a longer one."""
    found: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=lambda h: (h.start, -h.end)):
        kept = found.setdefault(hit.rule.action, [])
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return found
