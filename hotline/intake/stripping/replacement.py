"""Stripping: typed tokens in the tip's language stand where something was, all of one shape."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from hotline.intake.stripping.grammar import replacements
from hotline.intake.stripping.normalise import Matching
from hotline.intake.stripping.spans import Finding, Side, Span
from hotline.tips import Doubt, Language


@lru_cache(maxsize=1)
def guard() -> re.Pattern[str]:
    """Matches every token of every language in the (lower-case, unaccented) matching text."""
    from hotline.intake.stripping.normalise import matching

    bodies: set[str] = set()
    for language in Language:
        table = replacements(language)
        for kind in table:
            if kind in ("removed", "doubtful"):
                continue
            bodies.add(re.escape(matching(_label(table, "removed", kind)).text))
            bodies.add(re.escape(matching(_label(table, "doubtful", kind)).text) + r" \d{1,4}")
    return re.compile(r"\[(?:" + "|".join(sorted(bodies)) + r")\]")


@lru_cache(maxsize=1)
def _tokens() -> re.Pattern[str]:
    bodies = {
        re.escape(_label(table, form, kind))
        for table in map(replacements, Language)
        for kind in table
        for form in ("removed", "doubtful")
        if kind not in ("removed", "doubtful")
    }
    return re.compile(r"\[(?:" + "|".join(sorted(bodies)) + r")(?: [\d.]{1,9})?\]")


def without_tokens(text: str) -> str:
    """A stripped text without the tokens that stand in it: only what the reporter wrote."""
    return _tokens().sub(" ", text) if "[" in text else text


def _label(table: dict[str, str], form: str, kind: str) -> str:
    return table[form].format(kind=table[kind])


class Hidden(NamedTuple):
    """A span of the input that does not stay: the reporter's (``mine``), or a doubtful one."""

    span: Span
    mine: bool


def hidden(matched: Matching, findings: list[Finding], doubted: frozenset[str]) -> list[Hidden]:
    """What does not stay of ``findings`` (in order, apart), on the input: what is the reporter's,
    and what is nobody's when contested or of a kind in ``doubted``."""
    gone: list[Hidden] = []
    done = 0
    for finding in findings:
        mine = finding.side is Side.REPORTER
        open_ = finding.side is Side.UNKNOWN and (finding.contested or finding.kind in doubted)
        if not (mine or open_):
            continue
        start, end = matched.origin(finding.start, finding.end)
        start = max(start, done)
        if start < end:
            reason = finding.reason if mine else "the text does not say whose it is"
            gone.append(Hidden(Span(start, end, finding.kind, reason), mine))
            done = end
    return gone


class Rewritten(NamedTuple):
    """``starts`` says where each piece that stayed begins: in the new text, in the old one."""

    text: str
    doubts: list[Doubt]
    starts: list[tuple[int, int]]


def onto(starts: list[tuple[int, int]], gone: list[Hidden], more: list[Hidden]) -> list[Hidden]:
    """``more``, found in a rewritten text, carried back onto the old one and joined with
    ``gone``, in order."""
    carried = []
    for span, mine in more:
        at, begin = starts[bisect_right(starts, (span.start, sys.maxsize)) - 1]
        moved = replace(span, start=span.start - at + begin, end=span.end - at + begin)
        carried.append(Hidden(moved, mine))
    return sorted([*gone, *carried], key=lambda h: h.span.start)


def rewrite(text: str, gone: list[Hidden], language: Language) -> Rewritten:
    """The text with typed tokens in place of ``gone``; the doubts are sealed with the tip."""
    table = replacements(language)
    pieces: list[str] = []
    doubts: list[Doubt] = []
    starts = [(0, 0)]
    done = length = 0
    for span, mine in gone:
        if mine:
            token = f"[{_label(table, 'removed', span.kind)}]"
        else:
            token = _fresh(text, _label(table, "doubtful", span.kind), len(doubts))
            doubts.append(Doubt(token, span.kind, span.reason, text[span.start : span.end]))
        pieces += (text[done : span.start], token)
        length += span.start - done + len(token)
        done = span.end
        starts.append((length, done))
    pieces.append(text[done:])
    return Rewritten("".join(pieces), doubts, starts)


def _fresh(text: str, label: str, used: int) -> str:
    """A numbered token that does not stand in the text already."""
    number = used + 1
    while f"[{label} {number}]" in text:
        number += 1000
    return f"[{label} {number}]"
