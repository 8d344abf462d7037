"""Stripping: where a letter says who wrote it: signature lines, footers, forms, and the name by
which another person addresses the writer ("he told me: 'Theriot, you have two years left'")."""

from __future__ import annotations

import re

from hotline.intake.stripping.grammar import Hit
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.spans import Finding, Side

_LINE = re.compile(r"[^\n]+")
_DASHES = re.compile(r" *[-_=*~]{2,}[ -]*")
_LABEL = re.compile(
    r" *(?:\W+ *)?(?:q?\d{1,2}[.)]? +)?([a-z ]{2,40}?) ?(?:\([^)\n]{0,30}\) ?)?[:=] ?(?=\S)"
)


def letters(reading: Reading, hits: list[Hit]) -> list[Finding]:
    """The findings, on the reporter's side."""
    return _signature(reading) + _vocatives(reading, hits) + _form(reading)


def _signature(reading: Reading) -> list[Finding]:
    """The block at the end: a name alone in its line, and short lines below it or below "--"."""
    text = reading.matched.text
    lines = [m for m in _LINE.finditer(text) if m[0].strip()]
    if len(lines) < 2:
        return []
    first = len(lines)
    for at in range(len(lines) - 1, max(0, len(lines) - 7), -1):
        if _DASHES.fullmatch(lines[at][0]) or _signs(reading, lines[at].span()):
            first = at
        elif len(lines[at][0]) > 90:
            break
    found = []
    for line in lines[first:]:
        start, end = _edges(text, *line.span())
        words = reading.between(start, end)
        if not words or all(w in reading.function for w in words) or reading.holds(start, end):
            continue
        kind = "name" if _signs(reading, line.span()) else "workplace"
        found.append(Finding(start, end, kind, "", True, Side.REPORTER, "signs the message"))
    return found


def _edges(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end


def _signs(reading: Reading, span: tuple[int, int]) -> bool:
    """Whether a line is a name alone: two to six capitalised words or initials, or one that the
    lists know."""
    at, last = reading.at(span[0]), reading.at(span[1])
    if not 1 <= last - at <= 7:
        return False
    tokens = reading.words[at:last]
    big = [t for t in tokens if t.upper]
    small = [t for t in tokens if not t.upper and t.word not in reading.common["particle"]]
    if not big or small or any(t.word[0] == "\x02" or t.word.isdigit() for t in tokens):
        return False
    if any(t.word in reading.no_name or t.word in reading.street for t in big[1:]):
        return False
    known = any(t.word in reading.first_names or t.word in reading.surnames for t in big)
    initials = any(len(t.word) == 1 for t in big) and len(big) >= 2
    return known or initials


def _vocatives(reading: Reading, hits: list[Hit]) -> list[Finding]:
    """Said to the reporter, at the beginning of a quotation: a name and a comma."""
    found = []
    for hit in hits:
        if hit.rule.action != "speech_to_me":
            continue
        opened = _quotation(reading, hit.end)
        if opened is None:
            continue
        titled = reading.words[opened].word in reading.titles
        start = opened + 1 if titled and opened + 1 < len(reading.words) else opened
        end = reading.name_end(start, cased=True)
        after = reading.words[end - 1].end if end > start else len(reading.matched.text)
        if reading.matched.text[after : after + 1] in (",", "!", "?", "."):
            found.append(reading.finding(start, end, "name", "is called by that name"))
    return found


def _quotation(reading: Reading, at: int) -> int | None:
    """The first word of the quotation that opens at most four words on."""
    for i in range(at, min(at + 4, len(reading.words))):
        if any(mark in reading.gap(i) for mark in "\"'-"):
            return i
    return None


def _form(reading: Reading) -> list[Finding]:
    """ "Employer: …", "Endereço do denunciante: …", a line each."""
    found: list[Finding] = []
    text = reading.matched.text
    if ":" not in text and "=" not in text:
        return found
    for line in _LINE.finditer(text):
        match = _LABEL.match(line[0])
        if match is None:
            continue
        kind = _field(reading, match[1].split())
        if not kind:
            continue
        start, end = _edges(text, line.start() + match.end(), line.end())
        if start < end and end - start <= 160 and not reading.holds(start, end):
            found.append(Finding(start, end, kind, "", True, Side.REPORTER, "fills in a form"))
    return found


def _field(reading: Reading, label: list[str]) -> str:
    """The kind of the reporter's own that a label asks for, or nothing."""
    if any(word in reading.others_field for word in label):
        return ""
    for word in label:
        kind = reading.fields.get(word)
        if kind:
            return kind
    return ""
