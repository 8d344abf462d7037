"""Stripping: quotation and reported speech. Inside another person's words, "my" is theirs."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right

from hotline.intake.stripping.grammar import Hit
from hotline.intake.stripping.normalise import Matching, Token

_QUOTED = re.compile(r'"([^"\n]{3,600})"')
_SINGLE = re.compile(r"(?<![a-z0-9])'([^'\n]{8,600})'(?![a-z0-9])")


def others_words(
    matched: Matching, words: list[Token], hits: list[Hit], that: frozenset[str]
) -> list[tuple[int, int]]:
    """Stretches of word indices spoken by somebody else than the reporter, in order and apart.
    ``that`` are the words that open indirect speech."""
    if not any(hit.rule.action == "speech" for hit in hits):
        return []
    own = {
        i for hit in hits if hit.rule.action == "speech_first" for i in range(hit.start, hit.end)
    }
    verbs = [h for h in hits if h.rule.action == "speech" and h.start not in own]
    if not verbs:
        return []
    regions = _quoted(matched, words, verbs) + _unquoted(matched, words, verbs, that)
    return _joined(sorted(set(regions)))


def _joined(regions: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in regions:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _quoted(matched: Matching, words: list[Token], verbs: list[Hit]) -> list[tuple[int, int]]:
    found = []
    places = sorted(verb.start for verb in verbs)
    for pattern in (_QUOTED, _SINGLE):
        for match in pattern.finditer(matched.text):
            start = bisect_left(words, match.start(), key=lambda token: token.start)
            end = bisect_left(words, match.end(), key=lambda token: token.start)
            verb = bisect_left(places, start) - 1
            if verb >= 0 and places[verb] >= start - 10:
                found.append((start, end))
    return found


def _unquoted(
    matched: Matching, words: list[Token], verbs: list[Hit], that: frozenset[str]
) -> list[tuple[int, int]]:
    """After "disse:" to the end of the sentence; not after "disse que", which keeps persons."""
    found = []
    for verb in verbs:
        at = verb.end
        if at >= len(words) or words[at].hard or words[at].word in that:
            continue
        if ":" not in matched.text[words[at - 1].end : words[at].start]:
            continue
        end = at
        while end < len(words) and end - at < 200 and not words[end].hard:
            end += 1
        found.append((at, end))
    return found


def within(regions: list[tuple[int, int]], index: int) -> bool:
    """Whether the word lies in one of the stretches."""
    at = bisect_right(regions, (index, sys.maxsize)) - 1
    return at >= 0 and regions[at][0] <= index < regions[at][1]
