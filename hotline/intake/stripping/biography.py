"""Stripping: clauses in which reporters tell of themselves go as a whole.

"I do nights on the kill floor", "quem fecha o caixa sou eu": no single word of such a clause
identifies, all of it together does. A rule of action ``tell`` marks where it begins (``back``:
where it ends); here it grows to its end, through what belongs to it ("…, room 6, beside the
treasury"), and stops where somebody else begins to act.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from hotline.intake.stripping.clauses import within
from hotline.intake.stripping.grammar import Hit
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.spans import Finding, Side

_PLACE = 7  # words of a place, before "where"
_LONGEST = 28  # words; a clause that runs on is cut, and its tip held


def tellings(reading: Reading, hits: list[Hit]) -> list[Finding]:
    """The clauses, as findings on the reporter's side, in order of place. They may overlap other
    findings: ``cover`` lays them over what is known of these."""
    found = []
    # What another says to the reporter tells of them too: "I know you live at …".
    to_me = [h for h in hits if h.rule.action == "tell_you" and within(reading.regions, h.start)]
    mine = [h for h in hits if h.rule.action == "tell" and not within(reading.regions, h.start)]
    reached = 0  # a clause that was followed to its end is not followed again
    for hit in sorted((*mine, *to_me), key=lambda h: h.start):
        back = hit.rule.back
        start = _begin(reading, hit.start) if back else min(hit.mark, hit.end - 1)
        if back:
            end = hit.end
        elif hit.end <= reached:
            end = reached
        else:
            end = reached = finish(reading, hit.end)
        while start < end and reading.guarded(start):
            start += 1
        if start < end and not any(reading.guarded(i) for i in range(start, end)):
            found.append(reading.finding(start, end, hit.rule.kind, hit.rule.reason))
    return _joined(sorted(found, key=lambda finding: (finding.start, -finding.end)))


def named(reading: Reading, told: list[Finding]) -> list[Finding]:
    """The name set beside such a clause: "I'm the neighbour at 15, Amparo.", "…, Wesley"."""
    words, found = reading.words, []
    for clause in told:
        at = reading.at(clause.end)
        before, known = words[at - 1].word, reading.lists
        if before in known.kin or (clause.kind != "workplace" and before in known.no_name):
            continue  # "he's my ex, Mike": that is his name
        if at >= len(words) or not words[at].soft or words[at].hard or reading.guarded(at):
            continue
        if ":" in reading.gap(at):
            continue  # "the ones I checked: Segundo Malla"
        listed = words[at].word in known.first_names
        end = reading.name_end(at, cased=not reading.shouted and not listed)
        ends = end > at and (end >= len(words) or words[end].hard or words[end].soft)
        if ends and (listed or (words[at].upper and not reading.shouted and end - at <= 3)):
            found.append(reading.finding(at, end, "name", "the reporter's name"))
    return found


def availability(settled: list[Finding], reading: Reading) -> list[Finding]:
    """When the reporter answers, said right after their number: "…, só depois das 22h"."""
    words, found = reading.words, []
    for finding in settled:
        if finding.side is Side.OTHER or finding.kind not in ("phone", "email", "handle"):
            continue
        at = reading.at(finding.end)
        if at >= len(words) or words[at].hard or reading.guarded(at):
            continue
        if words[at].word in reading.lists.common["available"]:
            reason = "says when or where to reach them"
            found.append(reading.finding(at, finish(reading, at + 1), "callback", reason))
    return found


def _joined(found: list[Finding]) -> list[Finding]:
    """Overlapping clauses as one, of the first one's kind."""
    joined: list[Finding] = []
    for finding in found:
        last = joined[-1] if joined else None
        if last is None or finding.start >= last.end:
            joined.append(finding)
        elif finding.end > last.end:
            joined[-1] = replace(last, end=finding.end)
    return joined


def _begin(reading: Reading, at: int) -> int:
    """The first word of the clause that ends at word ``at``; of a place ("in the bank where I …")
    no more than the place."""
    words, known = reading.words, reading.lists.common
    floor = max(0, at - _LONGEST)
    if words[at].word in known["where"]:
        near = range(at - 1, max(floor, at - _PLACE) - 1, -1)
        led = (i for i in near if words[i].word in known["leads_place"])
        floor = next(led, floor)
    while at > floor and not (words[at].soft or words[at].hard):
        before = words[at - 1]
        if before.word in reading.lists.break_words or reading.guarded(at - 1):
            break
        at -= 1
    return at


def finish(reading: Reading, at: int) -> int:
    """The index after the clause that goes on at word ``at``."""
    words, first, limit = reading.words, at, min(len(reading.words), at + _LONGEST)
    while at < limit:
        token = words[at]
        if token.hard or reading.guarded(at) or token.word in reading.lists.break_words:
            break
        if at > first and _turns(reading, at):
            break
        if token.soft and (":" in reading.gap(at) or not _belongs(reading, at)):
            break
        if token.word in reading.lists.join_words and (
            at + 1 >= limit
            or not _belongs(reading, at + 1)
            or words[at + 1].soft
            or words[at + 1].word in reading.lists.prepositions  # "… and in 203 he beats her"
        ):
            break
        at += 1
    return at


def _turns(reading: Reading, at: int) -> bool:
    """Whether somebody else begins to act at word ``at`` though no comma says so: "… el Turco
    Nahuel guarda", "… o dono vende"."""
    known, words = reading.lists, reading.words
    word, before = words[at].word, words[at - 1].word
    if before in known.prepositions:
        return False
    if word in known.pronoun3 and word not in known.titles:
        return True
    if word not in known.articles or at + 1 >= len(words):
        return False
    after = words[at + 1]
    return after.word in known.no_name or (after.upper and after.word in known.first_names)


def _belongs(reading: Reading, at: int) -> bool:
    """Whether what begins at word ``at``, after a comma or an "and", still tells of the same
    person: a place, a number, a "who", not a new subject."""
    token = reading.words[at]
    word = token.word
    if word in reading.lists.go_on or word in reading.lists.street:
        return True
    return any(c.isdigit() for c in word) or _place(reading, at) or _no_other(reading, at)


def _no_other(reading: Reading, at: int) -> bool:
    """Whether the piece up to the next break has no other subject: no pronoun, no suspect, no act
    of theirs, no name, no article that opens one."""
    words, known, end = reading.words, reading.lists, at
    if words[at].word in known.titles or words[at].word in known.break_words:
        return False
    while end < len(words) and (end == at or not (words[end].soft or words[end].hard)):
        word = words[end].word
        if word in known.others or reading.guarded(end) or end - at >= 9:
            return False
        if words[end].upper and word in known.first_names:
            return False
        end += 1
    return True


def _place(reading: Reading, at: int) -> bool:
    """ "…, Boa Vista.": capitals up to the next break that are no known person's name."""
    words, end = reading.words, at
    while end < len(words) and end - at < 5 and (end == at or not words[end].soft):
        token = words[end]
        if end > at and token.hard:
            break
        if not token.upper and token.word not in reading.lists.common["particle"]:
            return False
        end += 1
    return words[at].word not in reading.lists.first_names and not reading.shouted and end > at


def cover(settled: list[Finding], told: list[Finding], reading: Reading) -> list[Finding]:
    """``settled`` (in order, apart) with the clauses laid over: inside a clause what is nobody's
    becomes the reporter's, what is surely another's is left out of it."""
    if not told:
        return settled
    pieces = [piece for clause in told for piece in _without(clause, settled, reading)]
    joined: list[Finding] = []
    for finding in sorted([*settled, *pieces], key=lambda f: (f.start, -f.end)):
        last = joined[-1] if joined else None
        if last is None or finding.start >= last.end:
            joined.append(finding)
        elif last.side is Side.OTHER:
            if finding.end > last.end and finding.side is not Side.OTHER:
                joined.append(replace(finding, start=last.end))
        else:
            named = finding if finding.value and not last.value else last
            joined[-1] = replace(
                last,
                kind=named.kind,
                value=named.value,
                end=max(last.end, finding.end),
                side=Side.REPORTER,
                contested=False,
                reason=last.reason or finding.reason,
            )
    return joined


def with_nouns(settled: list[Finding], reading: Reading) -> list[Finding]:
    """The reporter's documents and accounts together with the word for them ("CPF 123…")."""
    grown: list[Finding] = []
    for finding in settled:
        named = finding.side is Side.REPORTER and finding.kind in ("document", "account", "plate")
        floor = grown[-1].end if grown else 0
        grown.append(_with_noun(finding, floor, reading) if named else finding)
    return grown


def _with_noun(finding: Finding, floor: int, reading: Reading) -> Finding:
    words, at = reading.words, reading.at(finding.start)
    while at and not words[at].hard and words[at - 1].start >= floor:
        word = words[at - 1].word
        if word not in reading.lists.kinds and word not in reading.lists.common["mark"]:
            break
        at -= 1
    return replace(finding, start=min(finding.start, words[at].start))


def apart(said: list[Finding], reading: Reading) -> list[Finding]:
    """What the reporter says of kin, without the persons named in it: "la ex de Roldán" goes up
    to his name."""
    own = [f for f in said if f.kind == "name"]
    return [
        piece
        for f in said
        for piece in (_pieces(f, own, [], reading) if f.kind == "relation" else [f])
    ]


_WITH_PERSONS = ("vehicle", "callback")  # "ask for Mrs. Lopes" is how to reach the reporter


def _without(clause: Finding, settled: list[Finding], reading: Reading) -> list[Finding]:
    """The clause in pieces around what is another's: identifiers, and persons named in it."""
    first = bisect_left(settled, clause.start, key=lambda f: f.end)
    last = bisect_left(settled, clause.end, key=lambda f: f.start)
    inside = settled[first:last]
    own = [f for f in inside if f.side is Side.REPORTER and f.kind == "name"]
    holes = [(f.start, f.end) for f in inside if f.side is Side.OTHER]
    return _pieces(clause, own, holes, reading)


def _pieces(
    clause: Finding, own: list[Finding], holes: list[tuple[int, int]], reading: Reading
) -> list[Finding]:
    if clause.kind not in ("name", *_WITH_PERSONS):
        holes = holes + [
            (start, end)
            for start, end in reading.persons(clause.start, clause.end)
            if start > clause.start and not any(f.start < end and f.end > start for f in own)
        ]
    pieces, at = [], clause.start
    for start, end in sorted(holes):
        if end <= at or start >= clause.end:
            continue
        if start > at:
            pieces.append(replace(clause, start=at, end=start))
        at = max(at, end)
    if at < clause.end:
        pieces.append(replace(clause, start=at))
    text = reading.matched.text
    return [_trim(piece, text) for piece in pieces if _solid(piece, text)]


def _solid(piece: Finding, text: str) -> bool:
    """More than a little word between two holes."""
    return sum(c.isalnum() for c in text[piece.start : piece.end]) >= 2


def _trim(piece: Finding, text: str) -> Finding:
    start, end = piece.start, piece.end
    while not text[start].isalnum():
        start += 1
    while not text[end - 1].isalnum():
        end -= 1
    return replace(piece, start=start, end=end)
