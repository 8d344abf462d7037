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
        elif len(lines[at][0].strip()) > 90:
            break
    found = []
    for line in lines[first:]:
        start, end = _edges(text, *line.span())
        words = reading.between(start, end)
        if (
            not words
            or all(w in reading.lists.function for w in words)
            or reading.holds(start, end)
            or _of_others(reading, line[0])
        ):
            continue
        kind = "name" if _signs(reading, line.span()) else "workplace"
        found.append(Finding(start, end, kind, "", True, Side.REPORTER, "signs the message"))
    return found


def _of_others(reading: Reading, line: str) -> bool:
    """Whether a line of a form is about somebody else: "DENUNCIADO: …"."""
    match = _LABEL.match(line)
    return match is not None and any(w in reading.lists.others_field for w in match[1].split())


def _closing(reading: Reading) -> list[Finding]:
    """A signature at the end: "Denise Kuhn, 51 99744-1268.", "… tasha apt 11", "…, Wesley"."""
    words, known = reading.words, reading.lists
    if len(words) < 6:
        return []
    ends = [0, *(i for i in range(1, len(words)) if words[i].hard)]
    last = ends[-1]
    found = _signed(reading, last, alone=True) if last else []
    if not found and len(ends) > 2 and contact(reading, last):
        last = ends[-2]  # the number stands in a sentence of its own
        found = _signed(reading, last, alone=True)
    if found:
        return found
    for at in range(len(words) - 1, max(last, len(words) - 9), -1):
        if words[at].word not in known.first_names or reading.guarded(at - 1):
            continue
        before = words[at - 1]
        leads = (known.leads_name, known.common["calls"], known.common["copula"])
        leading = before.word not in known.numbers and any(before.word in ws for ws in leads)
        if leading or ":" in reading.gap(at):
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
    named = listed or (
        alone and not reading.shouted and (reading.all_names(start) or _unlisted(reading, start))
    )
    if not named or words[start].word in known.no_name or reading.place(start):
        return []
    if _of_a_place(reading, start):
        return []
    end = start + 1
    while end < len(words) and end - start < 6 and reading.name_word(end):
        end += 1
    rest = end < len(words) and not words[end].hard
    if not (alone or rest or words[at].soft):
        return []  # "the owner is Chombo Rivas" ends a sentence, not a letter
    if rest and not contact(reading, end):
        return []
    if not (words[start].upper or len(words) - at <= 8):
        return []
    if not (rest or words[start].upper or words[at].soft):
        return []
    return [reading.finding(at, end, "name", "signs the message")]


def _of_a_place(reading: Reading, at: int) -> bool:
    """ "Barrio Simón Bolívar, Soledad": a place that is a name too, after nothing but another."""
    words, known = reading.words, reading.lists
    if words[at].word not in known.places or not words[at].soft or words[at].hard:
        return False
    first = at - 1
    while first > 0 and not (words[first].soft or words[first].hard):
        first -= 1
    before = words[first:at]
    big = all(token.upper or token.word in known.common["particle"] for token in before)
    greets = words[first].word in known.greeting or words[first].word in known.first_names
    return big and words[first].hard and not greets


def _unlisted(reading: Reading, at: int) -> bool:
    """ "Nate, 503 555 0112": one capitalised word no list knows, a comma, and a number."""
    token, known = reading.words[at], reading.lists
    plain = (known.function, known.street, known.links, known.leads_name, known.greeting)
    if not token.upper or len(token.word) < 3 or any(token.word in words for words in plain):
        return False
    after = reading.words[at + 1 : at + 2]
    return bool(after) and after[0].soft and contact(reading, at + 1, reach=True)


def contact(reading: Reading, at: int, *, reach: bool = False) -> bool:
    """Whether only a number or an address follows to the end of the sentence; with ``reach``,
    one by which somebody is reached: seven digits, in figures or words, or an "@"."""
    words, known = reading.words, reading.lists
    digits = 0
    for i in range(at, min(at + 14, len(words))):
        if i > at and words[i].hard:
            break
        word = words[i].word
        digits += sum(c.isdigit() for c in word) or word in known.numbers
        digits += 7 * ("@" in reading.gap(i + 1))
        plain = word in known.street or word in known.kinds or word in known.go_on
        told = any(c.isdigit() for c in word) or word in known.numbers or words[i].upper
        if not (plain or told or len(word) <= 3 or "@" in reading.unbroken(i)):
            return False
    return digits >= (7 if reach else 1)


def of_another(reading: Reading, at: int) -> bool:
    """Whether the sentence that begins at word ``at`` goes on about somebody named before it:
    "Tenente Barros, 3º BPM. Ele recebe …"."""
    known, word = reading.lists, reading.words[at].word if at < len(reading.words) else ""
    return word in known.pronoun3 and word not in known.articles


def _opening(reading: Reading) -> list[Finding]:
    """ "Taxi driver here, white Probox.", "Cabo Wanderson, 2ª Cia do 8º BIS.": a first sentence
    that begins with a trade or rank and no article, and in which nobody acts."""
    words, known, at = reading.words, reading.lists, 0
    while at < len(words) and at < 6 and words[at].word in known.greeting:
        at += 1
    word = words[at].word if at < len(words) else ""
    if word not in known.job and (word not in known.ranks or word in known.function):
        return []
    if word in known.articles or word in known.kin:
        return []
    if words[at + 1 : at + 2] and words[at + 1].word in known.common["that_one"]:
        return []  # "Majistra a …" is about him
    end = at + 1
    while end < len(words) and not words[end].hard and ":" not in reading.gap(end):
        if words[end].word in known.acts or reading.guarded(end) or end - at > 18:
            return []
        end += 1
    told = any(w.word in known.here or w.soft for w in words[at + 1 : min(end, at + 7)])
    if end - at < 2 or not told or of_another(reading, end):
        return []
    if end - at > 4 and reading.persons(words[at + 3].start, words[end - 1].end):
        return []  # "Guard at the mall, Stan Kubiak, lets …" is about Stan
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
    plain = (reading.lists.no_name, reading.lists.street)
    if any(t.word in words for t in big[1:] if len(t.word) > 1 for words in plain):
        return False
    known = any(
        t.word in reading.lists.first_names or t.word in reading.lists.surnames for t in big
    )
    initials = any(len(t.word) == 1 for t in big) and len(big) >= 2
    return known or initials


_SAID = re.compile(
    r"\"([^\"\n]{3,600})\"|(?<![a-z0-9])'([^'\n]{8,600})'(?![a-z0-9])|: ?-? ?([^\n\"']{3,200})"
)
_NAMED = frozenset(",.!?\"'")


def _vocatives(reading: Reading, hits: list[Hit]) -> list[Finding]:
    """The name by which somebody addresses the reporter in a quotation: at its beginning ("Rosa,
    …"), or between commas and at its end where the words are said "to me". Not when they are said
    to somebody else ("told her: 'Rosa, …'")."""
    verbs = {hit.start: hit.end for hit in hits if hit.rule.action in ("speech", "speech_to_me")}
    to_me = {hit.start for hit in hits if hit.rule.action == "speech_to_me"}
    away = {hit.end for hit in hits if hit.rule.action == "speech_away"}
    found: list[Finding] = []
    for match in _SAID.finditer(reading.matched.text) if verbs else ():
        group = match.lastindex or 0
        first, last = reading.at(match.start(group)), reading.at(match.end(group))
        before, after = {*range(first - 5, first)}, {*range(last, last + 4 * (group < 3))}
        near = (before & verbs.keys()) | (after & to_me)
        if first >= last or not near or away & {*range(first - 4, first + 1)}:
            continue
        found += _called(reading, first)
        if near & to_me:
            inside = range(first + 1, last)
            found += [f for at in inside if reading.words[at].soft for f in _called(reading, at)]
    return found


def _called(reading: Reading, at: int) -> list[Finding]:
    """The name that begins at word ``at`` and ends at a comma or the end of what is said."""
    words, known = reading.words, reading.lists
    titled = words[at].word in known.titles and at + 1 < len(words) and not words[at + 1].soft
    start = at + 1 if titled else at
    end = reading.name_end(start, cased=True)
    after = reading.words[end - 1].end if end > start else len(reading.matched.text)
    if reading.matched.text[after : after + 1] not in _NAMED or words[start].word in known.no_name:
        return []
    return [reading.finding(start, end, "name", "is called by that name")]


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
