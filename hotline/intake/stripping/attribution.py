"""Stripping: whose an identifier is, by the cues that stand near it.

Each identifier hears the cues between its neighbour and itself, nearer ones louder, and the
cues right after it. Two in a row joined by nothing but "or", commas and nouns share their owner.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import NamedTuple

from hotline.intake.stripping.clauses import within
from hotline.intake.stripping.grammar import Hit, Policy
from hotline.intake.stripping.lists import first_names, surnames
from hotline.intake.stripping.normalise import GUARD, Token
from hotline.intake.stripping.spans import Finding, Side

_CUES = frozenset(("reporter", "other", "reporter_after", "other_after"))


class _Cue(NamedTuple):
    start: int
    end: int
    reporter: bool
    after: bool
    weight: float
    reason: str


def attribute(
    findings: list[Finding],
    words: list[Token],
    hits: list[Hit],
    regions: list[tuple[int, int]],
    told: list[Finding],
    nouns: frozenset[str],
    policy: Policy,
) -> list[Finding]:
    """The findings with their side and reason. Findings that already have one keep it and pass
    it on to what follows. ``told`` are the clauses in which the reporter tells of themselves."""
    starts = [token.start for token in words]
    cues = _cues(hits, regions)
    for clause in told:
        end = bisect_left(starts, clause.end)
        cues.append(_Cue(max(0, end - 1), end, True, False, policy.told, clause.reason))
    cues.sort(key=lambda cue: cue.start)
    settled: list[Finding] = []
    before = 0
    for n, found in enumerate(findings):
        first = bisect_left(starts, found.start)
        last = bisect_left(starts, found.end)
        # Kinship is a cue itself: it neither hides the cues before it nor passes on an owner.
        kin = n > 0 and findings[n - 1].kind == "relation"
        if n and not kin:
            before = bisect_left(starts, findings[n - 1].end)
        after = bisect_left(starts, findings[n + 1].start) if n + 1 < len(findings) else len(words)
        if found.side is not Side.UNKNOWN:
            settled.append(found)
            continue
        spot = _Spot(max(before, _sentence(words, first)), first, last, after)
        own = settled[-1] if n and not kin and settled[-1].side is Side.REPORTER else None
        parted = any(token.hard for token in words[before : first + 1])
        named = (own is None or parted) and _beside_name(words, spot, nouns)
        decided = _decide(found, spot, words, cues, policy, own, named=named)
        if (
            n
            and not kin
            and _weak(decided)
            and _linked(words, before, first, nouns, settled[-1].side)
        ):
            decided = replace(decided, side=settled[-1].side, reason=settled[-1].reason)
        settled.append(decided)
    return settled


def _beside_name(words: list[Token], spot: _Spot, nouns: frozenset[str]) -> bool:
    """Whether a name that is not the reporter's (theirs is a finding, which ends the reach)
    stands right before, with nothing but "tel", "is", commas between: "Jhon Fredy 314 880 2217"."""
    at = spot.first - 1
    while at >= max(spot.floor, spot.first - 5) and words[at].word in nouns:
        at -= 1
    if at < spot.floor or at < 0 or words[min(at + 1, spot.first)].hard:
        return False
    token = words[at]
    if not token.upper or len(token.word) < 3 or token.word.isdigit():
        return False
    begin = at
    while begin > 0 and at - begin < 5 and words[begin].upper and not words[begin].hard:
        begin -= 1
    alone = begin == 0 or words[begin].hard  # "Hubert 0690 77 13 40": that is a signature
    known = token.word in first_names() or token.word in surnames()
    return not alone and (known or not (at == 0 or token.hard))


def _weak(finding: Finding) -> bool:
    return finding.side is Side.UNKNOWN and not finding.contested


def _linked(words: list[Token], start: int, end: int, nouns: frozenset[str], side: Side) -> bool:
    """Whether nothing of its own parts a finding from the one before. A sentence end does,
    except in a form ("Name: … Phone: …") that the reporter fills in."""
    between = words[start:end]
    parted = any(token.hard for token in words[start : end + 1])
    form = side is Side.REPORTER and len(between) == 1 and not words[end].hard
    joined = len(between) <= 6 and (form or not parted)
    return joined and all(token.word in nouns for token in between)


def _sentence(words: list[Token], index: int) -> int:
    """Index of the first word of the sentence, or the last token of ours, at most 40 back."""
    at = min(index, len(words) - 1)
    floor = max(0, at - 40)
    while at > floor and not words[at].hard and words[at].word[0] != GUARD:
        at -= 1
    return at


class _Spot(NamedTuple):
    floor: int
    first: int
    last: int
    ceiling: int


def _cues(hits: list[Hit], regions: list[tuple[int, int]]) -> list[_Cue]:
    found = []
    for hit in hits:
        action = hit.rule.action
        if action not in _CUES:
            continue
        reporter = action.startswith("reporter")
        if reporter and within(regions, hit.start):
            reporter = False
        found.append(
            _Cue(
                hit.start,
                hit.end,
                reporter,
                action.endswith("after"),
                hit.rule.weight,
                hit.rule.reason,
            )
        )
    return found


def _decide(
    finding: Finding,
    spot: _Spot,
    words: list[Token],
    cues: list[_Cue],
    policy: Policy,
    own: Finding | None,
    *,
    named: bool,
) -> Finding:
    """``own`` is what stands before and is the reporter's: it speaks for them too. ``named``:
    another person's name stands right before."""
    best = {True: (0.0, ""), False: (0.0, "")}
    if named:
        best[False] = (policy.named, "stands beside another's name")
    if own is not None and not any(token.hard for token in words[spot.floor : spot.first + 1]):
        cue = _Cue(spot.floor, spot.floor, True, False, policy.told, own.reason)
        best[True] = (_loudness(cue, spot, words, policy), own.reason)
    at = bisect_left(cues, max(spot.floor, spot.first - policy.reach), key=lambda cue: cue.start)
    for cue in cues[at:]:
        if cue.start >= spot.ceiling or cue.start > spot.last + 4:
            break
        score = _loudness(cue, spot, words, policy)
        if score > best[cue.reporter][0]:
            best[cue.reporter] = (score, cue.reason)
    (mine, why), (theirs, reason) = best[True], best[False]
    if mine >= policy.least_reporter and mine > policy.lead * theirs:
        return replace(finding, side=Side.REPORTER, reason=why)
    if theirs >= policy.least_other and theirs > policy.lead * mine:
        return replace(finding, side=Side.OTHER, reason=reason)
    return replace(finding, contested=mine >= policy.least_reporter)


def _loudness(cue: _Cue, spot: _Spot, words: list[Token], policy: Policy) -> float:
    if cue.after:
        if cue.start < spot.last or cue.end > spot.ceiling:
            return 0.0
        stretch = words[spot.last : cue.start + 1]
        if any(token.hard for token in stretch):
            return 0.0
    elif cue.end > spot.first:
        return 0.0
    else:
        stretch = words[cue.end : spot.first + 1]
    gap = len(stretch) - 1
    breaks = sum(token.soft for token in stretch)
    return cue.weight * float(policy.decay**gap) * float(policy.soft**breaks)
