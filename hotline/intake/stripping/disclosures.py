"""Stripping: what reporters say of themselves: name, home, work, kinship, vehicle.

Rules mark where a disclosure begins; these functions find where it ends. Everything is bounded by
the sentence and by a number of words.
"""

from __future__ import annotations

from hotline.intake.stripping.biography import finish
from hotline.intake.stripping.clauses import within
from hotline.intake.stripping.grammar import Hit, by_action
from hotline.intake.stripping.presented import spelled
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.spans import Finding

Hits = dict[str, list[Hit]]  # by action


def disclosures(reading: Reading, hits: list[Hit]) -> list[Finding]:
    """What the reporter says of themselves, as findings on the reporter's side."""
    mine = by_action([hit for hit in hits if not within(reading.regions, hit.start)])
    found = _names(reading, mine) + _signoffs(reading, mine)
    found += _apposed(reading, mine, found)
    found += _homes(reading, mine) + _works(reading, mine) + _kin_names(reading, mine)
    for hit in mine.get("relation", ()):
        end = _relation_end(reading, hit)
        found.append(
            reading.finding(_skip_article(reading, hit.mark, end), end, "relation", hit.rule.reason)
        )
    for hit in mine.get("kin", ()):
        found.append(reading.finding(hit.start, hit.end, "relation", hit.rule.reason))
    for hit in mine.get("vehicle", ()):
        if hit.mark >= len(reading.words):
            continue
        end = _extent(reading, hit.mark, 4)
        found.append(reading.finding(hit.mark, end, "vehicle", hit.rule.reason))
    return found


def _names(reading: Reading, hits: Hits) -> list[Finding]:
    found = []
    for action, cased in (("name", False), ("name_cased", True)):
        for hit in hits.get(action, ()):
            if not _placed(reading, hit):
                continue
            start = hit.end
            while start < len(reading.words) and start < hit.end + 5 and _filler(reading, start):
                start += 1
            if start >= len(reading.words) or _cut(reading, start):
                continue
            if _weak(reading, hit) and reading.place(start):
                continue  # "This is Mandeville"
            end = reading.name_end(start, cased=cased or not _strong(reading, hit))
            if end > start:
                end = spelled(reading, end)
                found.append(reading.finding(start, end, "name", hit.rule.reason))
    return found + _labelled(reading)


def _apposed(reading: Reading, hits: Hits, names: list[Finding]) -> list[Finding]:
    """ "Vera, esposa do acusado": what stands beside the reporter's own name is theirs."""
    ends = {finding.end for finding in names}
    found = []
    for action, kind in (("relation_apposed", "relation"), ("work_apposed", "workplace")):
        for hit in hits.get(action, ()):
            if (
                hit.start
                and reading.words[hit.start - 1].end in ends
                and not reading.words[hit.start].hard
            ):
                end = max(_extent(reading, hit.start, 8 if kind == "workplace" else 7), hit.end)
                found.append(reading.finding(hit.start, end, kind, hit.rule.reason))
    for at in range(1, len(reading.words) - 1):
        if reading.words[at - 1].end in ends and _housed(reading, at):
            end = finish(reading, at + 1)
            found.append(reading.finding(at, end, "address", "says where they live"))
        elif reading.words[at - 1].end in ends and _trade(reading, at):
            end = _extent(reading, at, 8)
            found.append(reading.finding(at, end, "workplace", "says where they work"))
    return found


def _housed(reading: Reading, at: int) -> bool:
    """ "Ivonete, Travessa Boa Fé 31", "Pri do bloco 7": an address right after the own name."""
    words = reading.words
    if words[at].hard:
        return False
    while at < len(words) - 1 and words[at].word in reading.lists.go_on:
        at += 1
    return words[at].word in reading.lists.street and not words[at].hard


def _trade(reading: Reading, at: int) -> bool:
    """ "…, caseworker at …": a comma, a small word of the language's content, a preposition."""
    token, after = reading.words[at], reading.words[at + 1]
    small = (
        not token.upper and token.word not in reading.lists.function and not token.word.isdigit()
    )
    joined = token.soft and not token.hard and not after.soft
    return joined and small and after.word in reading.lists.common["belongs"]


def _kin_names(reading: Reading, hits: Hits) -> list[Finding]:
    """ "my sister Josi saw it too", "my teacher, Mrs. Feeney": who stands near the reporter leads
    to them. Of kin only where the sentence says that they stand by; nobody to or by whom something
    was done."""
    found, words, known = [], reading.words, reading.lists
    for hit in hits.get("kin", ()):
        said = {w.word for w in words[hit.start : hit.end]}
        works = bool(said & known.common["works_with"])
        if not (works or said & known.closekin):
            continue
        start = hit.end
        while start < len(words) - 1 and start < hit.end + 2 and _title(reading, start):
            start += 1
        if start >= len(words) or words[hit.end].hard or reading.guarded(start):
            continue
        if not (words[start].upper or words[start].word in known.first_names):
            continue
        end = reading.name_end(start, cased=not reading.shouted and words[start].upper)
        near = reading.sentence(hit.start, end)
        speaks = '"' in reading.matched.text[words[end - 1].end : words[end - 1].end + 60]
        if speaks or said & known.common["former"]:
            continue  # 'my roommate Hunter said "…"': told about, not standing by
        if end > start and (works or near & known.stands_by) and not near & known.acts_on:
            found.append(reading.finding(start, end, "name", "kin of the reporter"))
    return found


def _title(reading: Reading, at: int) -> bool:
    return reading.words[at].word in reading.lists.titles and not reading.words[at].hard


def _filler(reading: Reading, at: int) -> bool:
    """A verb or article, or a rank before the name ("3º Sgt PM Alessandro")."""
    token = reading.words[at]
    if token.hard or reading.guarded(at):
        return False
    small = token.word in reading.lists.common["copula"] and not token.upper
    rank = token.word in reading.lists.ranks or token.word[0].isdigit()
    return small or (rank and reading.upper_after(token))


def _strong(reading: Reading, hit: Hit) -> bool:
    """Phrases of two words and more may introduce a name in small letters."""
    return hit.end - hit.start >= 2 and not _weak(reading, hit)


def _weak(reading: Reading, hit: Hit) -> bool:
    return reading.words[hit.start].word in reading.lists.common["weak_intro"]


def _placed(reading: Reading, hit: Hit) -> bool:
    """ "It's Jenny", "se Jinette" name the speaker only where a message or sentence begins."""
    token = reading.words[hit.start]
    return not _weak(reading, hit) or hit.start <= 2 or token.hard or token.soft


def _cut(reading: Reading, at: int) -> bool:
    """Whether a sentence end, or something taken out, parts the name from its introduction."""
    return reading.guarded(at) or reading.words[at].hard


def _labelled(reading: Reading) -> list[Finding]:
    """Form-like lines: "nome: Célia", "name - Greg"."""
    found = []
    for at, token in enumerate(reading.words[:-1]):
        if token.word not in reading.lists.common["name_label"] or ":" not in reading.gap(at + 1):
            continue
        own = at and reading.words[at - 1].word in reading.lists.possessive
        if at and not (token.soft or token.hard or own):
            continue
        end = reading.name_end(at + 1, cased=False)
        if end > at + 1:
            found.append(reading.finding(at + 1, end, "name", "says own name"))
    return found


def _signoffs(reading: Reading, hits: Hits) -> list[Finding]:
    """ "Obrigada. Ass: Fernanda Lima" at the end of the text or of a line."""
    found = []
    for hit in hits.get("signoff", ()):
        start = hit.end
        if start >= len(reading.words) or reading.guarded(start):
            continue
        end = reading.name_end(start, cased=True)
        if end == start or end - start > 4:
            continue
        if end == len(reading.words) or reading.words[end].hard:
            found.append(reading.finding(start, end, "name", hit.rule.reason))
    return found


def _extent(reading: Reading, start: int, most: int, *, commas: bool = False) -> int:
    """From ``start`` to the end of the phrase: a hard break, a conjunction, or a comma that no
    house number, flat or street follows."""
    words, at = reading.words, start
    while at < len(words) and at - start < most:
        token = words[at]
        if at > start and token.hard:
            break
        if at > start and (token.word in reading.lists.common["end"] or reading.guarded(at)):
            break
        if at > start and token.word in reading.lists.common["turn"]:
            break
        if at > start and token.soft and not (commas and _goes_on(reading, start, at)):
            break
        at += 1
    return at


def _goes_on(reading: Reading, start: int, at: int) -> bool:
    """Whether an address continues after a comma: a number, a street, or the first "na rua"."""
    words, street = reading.words, reading.lists.street
    if words[at].word.isdigit() or words[at].word in street:
        return True
    begun = any(t.word in street or t.word.isdigit() for t in words[start:at])
    return not begun and any(t.word in street for t in words[at + 1 : at + 2])


def _homes(reading: Reading, hits: Hits) -> list[Finding]:
    found = []
    for hit in hits.get("home", ()):
        if hit.mark >= len(reading.words) or reading.guarded(hit.mark):
            continue
        end = finish(reading, hit.mark + 1)
        inside = reading.words[hit.mark : end]
        exact = any(
            t.word in reading.lists.street or any(c.isdigit() for c in t.word) for t in inside
        )
        exact = exact or any(t.word in reading.lists.common["school"] for t in inside)
        if exact and end > hit.mark:
            found.append(reading.finding(hit.mark, end, "address", hit.rule.reason))
    for at, token in enumerate(reading.words[:-1]):
        if token.word in reading.lists.common["address_label"] and ":" in reading.gap(at + 1):
            end = _extent(reading, at + 1, 14, commas=True)
            found.append(reading.finding(at + 1, end, "address", "says where they live"))
    return found


def _works(reading: Reading, hits: Hits) -> list[Finding]:
    found = []
    for hit in hits.get("work", ()):
        if hit.mark >= len(reading.words) or reading.guarded(hit.mark):
            continue
        if not _describes(reading, hit):
            continue
        end = max(_extent(reading, hit.mark, 9, commas=True), hit.end)
        if end > hit.mark:
            found.append(reading.finding(hit.mark, end, "workplace", hit.rule.reason))
    return found


def _describes(reading: Reading, hit: Hit) -> bool:
    """Whether the words are one phrase about the reporter's work: no break inside, not "vítima
    de", not "la ex de"."""
    inside = reading.words[hit.mark : hit.end]
    broken = any(token.soft for token in reading.words[hit.mark + 1 : hit.end])
    other = (reading.lists.common["not_work"], reading.lists.closekin)
    return not broken and not any(t.word in words for t in inside[:2] for words in other)


def _relation_end(reading: Reading, hit: Hit) -> int:
    end = _extent(reading, hit.end, 4)
    if end > hit.end and reading.words[hit.end].soft:
        return hit.end
    return max(end, hit.end)


def _skip_article(reading: Reading, start: int, end: int) -> int:
    return start if end > start else max(0, start - 1)


def occurrences(reading: Reading, names: list[str]) -> list[Finding]:
    """Every place where one of ``names`` (folded words, as found before) stands in the text."""
    found = []
    wanted: dict[str, list[list[str]]] = {}
    for name in names:
        parts = name.split()
        if parts:
            wanted.setdefault(parts[0], []).append(parts)
    for at, token in enumerate(reading.words):
        for parts in wanted.get(token.word, ()):
            end = at + len(parts)
            stretch = reading.words[at:end]
            if [t.word for t in stretch] != parts or any(t.hard for t in stretch[1:]):
                continue
            if len(parts) == 1 and _longer_name(reading, at):
                if len(wanted[token.word]) > 1 or not _just_said(reading, at):
                    continue
                end = reading.name_end(at, cased=True)
            found.append(reading.finding(at, end, "name", "the reporter's name"))
    return found


def _just_said(reading: Reading, at: int) -> bool:
    """ "Darlene, Darlene Whitecalf": the same first name a few words before."""
    word = reading.words[at].word
    return any(reading.words[i].word == word for i in range(max(0, at - 6), at))


def _longer_name(reading: Reading, at: int) -> bool:
    """Whether a single name belongs to a longer one of somebody else ("Maria" in "Maria Lopes")."""
    words = reading.words
    if reading.shouted or not words[at].upper:
        return False
    for near in (at - 1, at + 1):
        if 0 <= near < len(words):
            gap = reading.gap(max(near, at))
            if (
                gap == " "
                and words[near].upper
                and words[near].word not in reading.lists.function
                and near > at
            ):
                return True
    return False
