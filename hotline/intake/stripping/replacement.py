"""Stripping: typed tokens in the tip's language stand where something was, all of one shape."""

from __future__ import annotations

import re
from functools import lru_cache

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


def _label(table: dict[str, str], form: str, kind: str) -> str:
    return table[form].format(kind=table[kind])


def rewrite(
    text: str, matched: Matching, findings: list[Finding], doubted: set[str], language: Language
) -> tuple[str, list[Span], list[Span], list[Doubt]]:
    """The text with its findings replaced; ``findings`` are in order and do not overlap. Those
    on the reporter's side are removed, unknown ones whose kind is in ``doubted`` are doubted."""
    table = replacements(language)
    pieces: list[str] = []
    removed: list[Span] = []
    doubtful: list[Span] = []
    doubts: list[Doubt] = []
    done = 0
    for finding in findings:
        mine = finding.side is Side.REPORTER
        unknown = finding.side is Side.UNKNOWN
        if not mine and not (unknown and (finding.contested or finding.kind in doubted)):
            continue
        start, end = matched.origin(finding.start, finding.end)
        start = max(start, done)
        if start >= end:
            continue
        if mine:
            token = f"[{_label(table, 'removed', finding.kind)}]"
            removed.append(Span(start, end, finding.kind, finding.reason))
        else:
            token = _fresh(text, _label(table, "doubtful", finding.kind), len(doubts))
            reason = "the text does not say whose it is"
            doubtful.append(Span(start, end, finding.kind, reason))
            doubts.append(Doubt(token, finding.kind, reason, text[start:end]))
        pieces += (text[done:start], token)
        done = end
    pieces.append(text[done:])
    return "".join(pieces), removed, doubtful, doubts


def _fresh(text: str, label: str, used: int) -> str:
    """A numbered token that does not stand in the text already."""
    number = used + 1
    while f"[{label} {number}]" in text:
        number += 1000
    return f"[{label} {number}]"
