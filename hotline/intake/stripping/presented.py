"""Stripping: names by which writers present themselves: "Jurema aqui, …", a sentence that is only
a name and a number, the first sentence of an officer's letter, a name that is spelled out."""

from __future__ import annotations

from hotline.intake.stripping.letters import contact, of_another
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.spans import Finding


def presented(reading: Reading) -> list[Finding]:
    """The findings, on the reporter's side."""
    return [*_here(reading), *_alone(reading), *_headed(reading)]


def spelled(reading: Reading, at: int) -> int:
    """The index after the letters that spell out the name which ends at word ``at``: "Frankel,
    F-R-A-N-K-E-L"; ``at`` when none do."""
    end = at
    while end < len(reading.words) and end - at < 20:
        token = reading.words[end]
        if len(token.word) > 1 or token.word.isdigit() or (token.hard and end == at):
            break
        end += 1
    return end if end - at >= 3 else at


def _here(reading: Reading) -> list[Finding]:
    """ "Jurema aqui, …", "Hello. Miss Pauline here.", "TONHÃO DA BALSA FALANDO: …": a name that
    begins a sentence, "here", and a break."""
    words, found = reading.words, []
    for at in range(1, len(words)):
        if words[at].word not in reading.lists.common["name_here"]:
            continue
        if at + 1 < len(words) and not (words[at + 1].soft or words[at + 1].hard):
            continue
        start = _sentence(reading, at)
        while start < at and words[start].word in reading.lists.greeting:
            start += 1
        first = start
        while first < at - 1 and words[first].word in reading.lists.ranks:
            first += 1
        known = words[first].word in reading.lists.first_names
        speaking = start == 0 and words[at].word not in reading.lists.common["here_place"]
        titled = first > start and words[first].upper
        whole = speaking or all(reading.name_word(i) for i in range(first + 1, at))
        if 1 <= at - first <= 5 and (known or titled or speaking) and whole:
            found.append(reading.finding(start, at, "name", "says own name"))
    return found


def _sentence(reading: Reading, at: int) -> int:
    """The first word of the piece between breaks in which word ``at`` stands."""
    while at and not (reading.words[at].hard or reading.words[at].soft):
        at -= 1
    return at


def _alone(reading: Reading) -> list[Finding]:
    """ "… names. Um. Tracy. Two oh four, five five five …": the one sentence that is a name and
    a way to reach it, or a name before one. Two of them are a list of people."""
    words, known, found = reading.words, reading.lists, []
    for at, token in enumerate(words):
        if not (token.hard and token.upper and token.word in known.first_names):
            continue
        if reading.shouted or token.word in known.no_name:
            continue
        end = at + 1
        while end < len(words) and end - at < 5 and reading.name_word(end):
            end += 1
        if end < len(words) and contact(reading, end, reach=True):
            found.append(reading.finding(at, end, "name", "signs the message"))
    return found if len(found) == 1 else []


def _headed(reading: Reading) -> list[Finding]:
    """ "Inspetora Gláucia Roncatto, funcional 77.310-2. …", "Nelson, peón del tambo. …": a first
    sentence that is a name with a trade, post or document and in which nobody acts."""
    words, known, at = reading.words, reading.lists, 0
    while at < min(6, len(words)) and words[at].word in known.greeting:
        at += 1
    if at < len(words) and words[at].word in known.articles:
        return []  # "O vereador Toninho do Gás tá dando …"
    first = at
    while first < len(words) - 1 and _post(reading, first):
        first += 1
    if first >= len(words) - 1 or not words[first].upper or reading.shouted:
        return []
    listed = words[first].word in known.first_names
    end = first + 1
    while end < len(words) and end - first < 6 and reading.name_word(end):
        end += 1
    if end >= len(words) or not (listed or (first > at and end - first >= 2)):
        return []
    stop = end
    while stop < len(words) and not words[stop].hard and ":" not in reading.gap(stop):
        if words[stop].word in known.acts or reading.guarded(stop) or stop - at > 24:
            return []
        stop += 1
    rest = words[first + 1 : stop]
    nouns = (known.job, known.kinds, known.common["post"])
    posted = any(token.word in known_nouns for token in rest for known_nouns in nouns)
    if not posted or stop == len(words) or of_another(reading, stop):
        return []
    return [reading.finding(at, stop, "workplace", "says what they are")]


def _post(reading: Reading, at: int) -> bool:
    word = reading.words[at].word
    return word in reading.lists.ranks or word in reading.lists.job
