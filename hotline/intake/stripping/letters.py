"""Stripping: where a letter says who wrote it: signature lines, footers, forms, and the name by
which another person addresses the writer ("he told me: 'Theriot, you have two years left'")."""

from __future__ import annotations

import re

from hotline.intake.stripping.grammar import Hit
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.spans import Finding, Side

_LINE = re.compile(r"[^\n]+")
_DASHES = re.compile(r" *[-_=*~]{2,} *")
_LABEL = re.compile(
    r" *(?:\W+ *)?(?:q?\d{1,2}[.)]? +)?([a-z ]{2,40}?) ?(?:\([^)\n]{0,30}\) ?)?[:=] ?(?=\S)"
)

_STOP = re.compile(r"\. |[;|]|[ ,](?=[a-z]{2,20} ?:)")  # a sentence's end, the next label


def letters(reading: Reading, hits: list[Hit]) -> list[Finding]:
    """The findings, on the reporter's side."""
    return [
        *_signature(reading), *_closing(reading), *_opening(reading),
        *_vocatives(reading, hits), *_form(reading),
    ]  # fmt: skip


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
        if (
            not words
            or all(w in reading.lists.function for w in words)
            or reading.holds(start, end)
        ):
            continue
        kind = "name" if _signs(reading, line.span()) else "workplace"
        found.append(Finding(start, end, kind, "", True, Side.REPORTER, "signs the message"))
    return found


def _closing(reading: Reading) -> list[Finding]:
    """A signature at the end: "Denise Kuhn, 51 99744-1268.", "… tasha apt 11", "…, Wesley"."""
    words, known = reading.words, reading.lists
    if len(words) < 6:
        return []
    ends = [0, *(i for i in range(1, len(words)) if words[i].hard)]
    last = ends[-1]
    if last and _contact(reading, last) and len(ends) > 1:
        last = ends[-2]  # the number stands in a sentence of its own
    found = _signed(reading, last, alone=True) if last else []
    if found:
        return found
    for at in range(len(words) - 1, max(last, len(words) - 9), -1):
        if words[at].word not in known.first_names or reading.guarded(at - 1):
            continue
        before = words[at - 1]
        if before.word in known.leads_name or before.word in known.common["calls"]:
            continue
        if words[at].soft or not before.upper:
            found = _signed(reading, at, alone=False)
    return found


def _signed(reading: Reading, at: int, *, alone: bool) -> list[Finding]:
    """The name that begins at word ``at`` when nothing but a number or an address follows it.
    ``alone``: it begins its sentence, so that capitals are enough to make it a name."""
    words, known = reading.words, reading.lists
    start = at
    while start < len(words) - 1 and words[start].word in known.ranks:
        start += 1
    listed = words[start].word in known.first_names
    named = listed or (alone and reading.all_names(start) and not reading.shouted)
    if not named or words[start].word in known.no_name:
        return []
    end = start + 1
    while end < len(words) and end - start < 6 and reading.name_word(end):
        end += 1
    rest = end < len(words) and not words[end].hard
    if not (alone or rest or words[at].soft):
        return []  # "the owner is Chombo Rivas" ends a sentence, not a letter
    if rest and not _contact(reading, end):
        return []
    if not (words[start].upper or len(words) - at <= 8):
        return []
    if not (rest or words[start].upper or words[at].soft):
        return []
    return [reading.finding(at, end, "name", "signs the message")]


def _contact(reading: Reading, at: int) -> bool:
    """Whether only a number or an address follows to the end of the sentence."""
    words, known = reading.words, reading.lists
    digits = False
    for i in range(at, min(at + 14, len(words))):
        if i > at and words[i].hard:
            break
        word = words[i].word
        digits = digits or any(c.isdigit() for c in word) or "@" in reading.gap(i + 1)
        plain = word in known.street or word in known.kinds or word in known.go_on
        told = any(c.isdigit() for c in word) or word in known.numbers or words[i].upper
        if not (
            plain or told or "@" in reading.gap(i) or "@" in reading.gap(i + 1) or len(word) <= 3
        ):
            return False
    return digits


def _opening(reading: Reading) -> list[Finding]:
    """ "Taxi driver here, white Probox.", "Cabo Wanderson, 2ª Cia do 8º BIS.": a first sentence
    that begins with a trade or rank and no article, and in which nobody acts."""
    words, known, at = reading.words, reading.lists, 0
    while at < len(words) and at < 6 and words[at].word in known.greeting:
        at += 1
    if at >= len(words) or words[at].word in known.articles | known.kin:
        return []
    if words[at].word not in known.job and words[at].word not in known.ranks - known.function:
        return []
    end = at + 1
    while end < len(words) and not words[end].hard and ":" not in reading.gap(end):
        if words[end].word in known.acts or reading.guarded(end) or end - at > 18:
            return []
        end += 1
    told = any(w.word in known.here or w.soft for w in words[at + 1 : min(end, at + 7)])
    if end - at < 2 or not told:
        return []
    return [reading.finding(at, end, "workplace", "says what they are")]


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
    small = [t for t in tokens if not t.upper and t.word not in reading.lists.common["particle"]]
    if not big or small or not tokens[0].upper:
        return False
    if any(t.word[0] == "\x02" or t.word.isdigit() for t in tokens):
        return False
    if any(t.word in reading.lists.no_name or t.word in reading.lists.street for t in big[1:]):
        return False
    known = any(
        t.word in reading.lists.first_names or t.word in reading.lists.surnames for t in big
    )
    initials = any(len(t.word) == 1 for t in big) and len(big) >= 2
    return known or initials


_OPENS = re.compile(r"(?:\"|(?<![a-z0-9])'(?=[a-z])|: ?-|: ?- ) ?")


def _vocatives(reading: Reading, hits: list[Hit]) -> list[Finding]:
    """Said to the reporter, at the beginning of a quotation: a name and a comma. Not when the
    words are said to somebody else ("told her: 'Rosa, …'")."""
    text = reading.matched.text
    verbs = {hit.start for hit in hits if hit.rule.action in ("speech", "speech_to_me")}
    away = {hit.end for hit in hits if hit.rule.action == "speech_away"}
    found = []
    for match in _OPENS.finditer(text) if verbs else ():
        at = reading.at(match.end())
        if at >= len(reading.words) or reading.words[at].start > match.end() + 2:
            continue
        said = any(i in verbs for i in range(at - 5, at))
        if not said or any(i in away for i in range(at - 4, at + 1)):
            continue
        titled = reading.words[at].word in reading.lists.titles and at + 1 < len(reading.words)
        start = at + 1 if titled else at
        end = reading.name_end(start, cased=True)
        after = reading.words[end - 1].end if end > start else len(text)
        if text[after : after + 1] in (",", "!", "?"):
            found.append(reading.finding(start, end, "name", "is called by that name"))
    return found


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
        begin = line.start() + match.end()
        stop = _STOP.search(text, begin, line.end())
        start, end = _edges(text, begin, stop.start() if stop else line.end())
        if start < end and end - start <= 160 and not reading.holds(start, end):
            found.append(Finding(start, end, kind, "", True, Side.REPORTER, "fills in a form"))
    return found


def _field(reading: Reading, label: list[str]) -> str:
    """The kind of the reporter's own that a label asks for, or nothing."""
    if any(word in reading.lists.others_field for word in label):
        return ""
    for word in label:
        kind = reading.lists.fields.get(word)
        if kind:
            return kind
    return ""
