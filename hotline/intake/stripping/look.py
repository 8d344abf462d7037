"""Stripping: one look at a text: all layers up to whose each finding is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hotline.intake.stripping import identifiers, identity
from hotline.intake.stripping.attribution import attribute
from hotline.intake.stripping.biography import (
    apart,
    availability,
    cover,
    named,
    tellings,
    with_nouns,
)
from hotline.intake.stripping.clauses import others_words
from hotline.intake.stripping.disclosures import disclosures, occurrences
from hotline.intake.stripping.grammar import Grammar, Hit, abbreviations, grammar, policy
from hotline.intake.stripping.language import languages
from hotline.intake.stripping.letters import letters
from hotline.intake.stripping.lists import lists, surnames
from hotline.intake.stripping.normalise import GUARD, Matching, Token, matching, tokens
from hotline.intake.stripping.presented import presented
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.replacement import guard
from hotline.intake.stripping.spans import Finding, Side
from hotline.tips import Language


class Known:
    """What is known to be the reporter's before reading."""

    def __init__(self, values: Sequence[str], names: Sequence[str]) -> None:
        folded = [" ".join(matching(name).text.split()) for name in names]
        self.endings = identity.own_digits(values)
        self.names = identity.own_words(values) + folded
        self.values, self.before = values, names


@dataclass(frozen=True, slots=True)
class Look:
    """``settled`` are the findings in order, apart, each with its side; ``found`` all identifiers;
    ``sure`` whether the language is."""

    matched: Matching
    reading: Reading
    hits: list[Hit]
    found: list[Finding]
    settled: list[Finding]
    spoken: tuple[Language, ...]
    sure: bool


def look(text: str, asked: Language | None, known: Known, *, about_others: bool) -> Look:
    """Fold → words → languages → rules → quotation → disclosures → identifiers → whose."""
    matched = matching(text, guard())
    words = tokens(matched, abbreviations(), surnames())
    spoken, sure = languages(text, words, asked)
    grammars = [grammar(x) for x in spoken]
    hits = _hits(grammars, words)
    regions = others_words(matched, words, hits, grammars[0].words["that"])
    reading = Reading(matched, words, lists(spoken), regions)
    told = tellings(reading, hits)
    said = disclosures(reading, hits) + named(reading, told)
    if not about_others:
        said += letters(reading, hits) + presented(reading)
    said = apart(said, reading)
    found = identifiers.find(matched, words, spoken)
    own = _own(reading, known, said, found)
    anchors = merge(matched.text, [*own, *said], found)
    settled = attribute(anchors, words, hits, regions, told, reading.lists.links, policy())
    settled = _agree(settled)
    told += availability(settled, reading)
    settled = with_nouns(cover(settled, told, reading), reading)
    if about_others:
        settled = [_evidence(finding) for finding in settled]
    return Look(matched, reading, hits, found, settled, spoken, sure)


def _hits(grammars: list[Grammar], words: list[Token]) -> list[Hit]:
    """What the grammars say. Where a small word of the main language begins it, another grammar is
    not heard: Haitian "yo" (they) is no Spanish "yo" (I). Nor is a clause of another language
    where no small word of its own stands beside it."""
    main = grammars[0]
    hits = main.hits(words)
    for other in grammars[1:]:
        own = other.function - main.function
        hits += [
            hit
            for hit in other.hits(words)
            if words[hit.start].word not in main.function
            and (hit.rule.action != "tell" or _spoken(words, hit, own))
        ]
    return hits


def _spoken(words: list[Token], hit: Hit, own: frozenset[str]) -> bool:
    return any(token.word in own for token in words[max(0, hit.start - 6) : hit.end + 6])


def _own(
    reading: Reading, known: Known, said: list[Finding], found: list[Finding]
) -> list[Finding]:
    matched = reading.matched
    own = identity.numbers(matched, known.endings, found) + identity.mail(known.values, matched)
    names = list(known.names)
    for finding in said:
        if finding.kind == "name":
            parts = reading.between(finding.start, finding.end)
            while len(parts) > 1 and parts[0] in reading.lists.ranks:
                parts = parts[1:]
            alone = len(parts[0]) >= 3 and parts[0] not in reading.lists.ranks
            names += [" ".join(parts)] if len(parts) > 1 or len(parts[0]) > 1 else []
            names += [parts[0]] if alone else []
    return own + occurrences(reading, list(dict.fromkeys(names)))


def merge(text: str, reporter: list[Finding], found: list[Finding]) -> list[Finding]:
    """One ordered list without overlaps. What is surely the reporter's wins; it grows together
    with what it overlaps (a profile name inside an address makes the address theirs)."""
    joined: list[Finding] = []
    whole = [f for f in (*reporter, *found) if GUARD not in text[f.start : f.end]]
    for finding in sorted(whole, key=lambda f: (f.start, -f.end)):
        last = joined[-1] if joined else None
        if last is None or finding.start >= last.end:
            joined.append(finding)
        elif Side.REPORTER in (last.side, finding.side):
            main = max(last, finding, key=lambda f: (bool(f.value), f.end - f.start))
            owner = last if last.side is Side.REPORTER else finding
            joined[-1] = replace(
                main,
                start=last.start,
                end=max(last.end, finding.end),
                side=Side.REPORTER,
                reason=owner.reason,
            )
    return joined


def _agree(findings: list[Finding]) -> list[Finding]:
    """The same value is the same person's everywhere; where the text contradicts itself, doubt."""
    sides: dict[str, set[Side]] = {}
    for finding in findings:
        if len(finding.value) >= 5:
            sides.setdefault(core(finding), set()).add(finding.side)
    settled = []
    for finding in findings:
        told = sides.get(core(finding), set()) - {Side.UNKNOWN}
        if len(finding.value) < 5 or finding.reason == "known from the channel":
            settled.append(finding)
        elif len(told) == 1:
            reason = finding.reason or "the same as elsewhere in the text"
            settled.append(replace(finding, side=next(iter(told)), reason=reason))
        else:
            contested = finding.contested or len(told) == 2
            settled.append(replace(finding, side=Side.UNKNOWN, contested=contested))
    return settled


def _evidence(finding: Finding) -> Finding:
    if finding.side is not Side.UNKNOWN or finding.contested:
        return finding
    return replace(finding, side=Side.OTHER, reason="answers a question about others")


def core(finding: Finding) -> str:
    return finding.value[-8:] if finding.kind == "phone" else finding.value
