"""Stripping: what the channel itself knows to be the reporter's, removed in any writing of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hotline.intake.stripping.normalise import Matching, matching
from hotline.intake.stripping.spans import Finding, Side

_REASON = "known from the channel"
_FAR = 4  # more letters than this between two digits part two numbers


def own_digits(identity: Sequence[str]) -> list[str]:
    """The last eight digits of each telephone number in ``identity``: what stays the same with
    or without country code, area code and ninth digit."""
    found = []
    for value in identity:
        digits = "".join(c for c in matching(value).text if c.isdigit())
        if len(digits) >= 7 and "@" not in value:
            found.append(digits[-8:])
    return found


def own_words(identity: Sequence[str]) -> list[str]:
    """Profile names among ``identity`` as folded words: the whole name, and its first name when
    it looks like a person's."""
    found: list[str] = []
    for value in identity:
        words = re.findall(r"[a-z0-9]+", matching(value[:200]).text)
        letters = [word for word in words if word.isalpha()]
        if not letters or "@" in value or sum(c.isdigit() for c in value) >= 7:
            continue
        found.append(" ".join(words))
        if 1 < len(letters) <= 5 and len(letters) == len(words) and len(letters[0]) >= 3:
            found.append(letters[0])
    return found


def numbers(matched: Matching, endings: Iterable[str], found: Sequence[Finding]) -> list[Finding]:
    """Every stretch of digits that ends in one of ``endings``, whatever stands between them."""
    wanted = [ending for ending in endings if ending]
    text = matched.text
    if not wanted:
        return []
    hits = [_own(f) for f in found if any(f.value.endswith(w) for w in wanted)]
    for digits, places in _streams(text):
        for ending in wanted:
            at = digits.find(ending)
            while at >= 0:
                begin = _lead(text, places, at)
                last = places[at + len(ending) - 1] + 1
                hits.append(Finding(begin, last, "phone", ending, True, Side.REPORTER, _REASON))
                at = digits.find(ending, at + 1)
    return hits


def _own(finding: Finding) -> Finding:
    return Finding(
        finding.start, finding.end, finding.kind, finding.value, True, Side.REPORTER, _REASON
    )


def mail(identity: Sequence[str], matched: Matching) -> list[Finding]:
    """The reporter's own addresses and handles (values with an @) wherever they stand."""
    found = []
    for value in identity:
        plain = matching(value.strip()).text
        if "@" not in plain or len(plain) < 4:
            continue
        at = matched.text.find(plain)
        while at >= 0:
            found.append(Finding(at, at + len(plain), "email", plain, True, Side.REPORTER, _REASON))
            at = matched.text.find(plain, at + len(plain))
    return found


def _streams(text: str) -> list[tuple[str, list[int]]]:
    streams: list[tuple[str, list[int]]] = []
    places: list[int] = []
    for match in re.finditer(r"\d", text):
        at = match.start()
        if places and at - places[-1] > _FAR:
            streams.append(("".join(text[p] for p in places), places))
            places = []
        places.append(at)
    streams.append(("".join(text[p] for p in places), places))
    return [stream for stream in streams if len(stream[1]) >= 7]


def _lead(text: str, places: list[int], at: int) -> int:
    """Where the number begins: up to five more digits before its last eight, and their sign."""
    first = at
    while first and at - first < 5 and places[first] - places[first - 1] <= 3:
        first -= 1
    begin = places[first]
    while begin and text[begin - 1] in "+(":
        begin -= 1
    return begin
