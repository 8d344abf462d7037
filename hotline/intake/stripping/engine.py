"""Stripping: the layers in order, from a text to what remains of it.

Fold → words → languages → rules → identifiers → quotation → disclosures → whose → risk → rewrite
→ look again. Any failure holds the tip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hotline.intake.stripping import identifiers, identity
from hotline.intake.stripping.attribution import attribute
from hotline.intake.stripping.biography import availability, cover, named, tellings, with_nouns
from hotline.intake.stripping.clauses import others_words
from hotline.intake.stripping.disclosures import disclosures, occurrences
from hotline.intake.stripping.grammar import abbreviations, grammar, policy
from hotline.intake.stripping.language import languages
from hotline.intake.stripping.letters import letters
from hotline.intake.stripping.lists import lists, surnames
from hotline.intake.stripping.normalise import GUARD, Matching, Token, matching, tokens
from hotline.intake.stripping.reading import Reading
from hotline.intake.stripping.replacement import guard, rewrite
from hotline.intake.stripping.risk import Risk, assess
from hotline.intake.stripping.spans import Finding, Side, Span, Stripped
from hotline.tips import Doubt, Language


class _Known:
    """What is known to be the reporter's before reading."""

    def __init__(self, values: Sequence[str], names: Sequence[str]) -> None:
        folded = [" ".join(matching(name).text.split()) for name in names]
        self.endings = identity.own_digits(values)
        self.names = identity.own_words(values) + folded
        self.values, self.before = values, names


def strip(
    text: str,
    language: Language | None = None,
    *,
    identity: Sequence[str] = (),
    names: Sequence[str] = (),
    transcript: bool = False,
    about_others: bool = False,
) -> Stripped:
    """The text without what points to the reporter. Never raises for any str.

    ``identity`` is what the channel knows to be the reporter's own (number, profile name);
    ``names`` what earlier texts of the same session gave; ``about_others`` says that the text
    answers a question about somebody else ("who did it?"): what it leaves open is evidence.
    Pure and deterministic."""
    try:
        known = _Known(identity, names)
        return _strip(text, language, known, transcript, about_others)
    except Exception:  # noqa: BLE001 - a tip must never be lost or leaked by our own mistake
        return _failed(text, language, identity)


def _strip(
    text: str, asked: Language | None, known: _Known, transcript: bool, about_others: bool
) -> Stripped:
    rules = policy()
    matched = matching(text, guard())
    words = tokens(matched, abbreviations(), surnames())
    spoken, sure = languages(text, words, asked)
    grammars = [grammar(x) for x in spoken]
    hits = [hit for g in grammars for hit in g.hits(words)]
    regions = others_words(matched, words, hits, grammars[0].words["that"])
    reading = Reading(matched, words, lists(spoken), regions)
    told = tellings(reading, hits)
    said = disclosures(reading, hits) + named(reading, told)
    if not about_others:
        said += letters(reading, hits)
    found = identifiers.find(matched, words, spoken)
    own = _own(reading, known, said, found)
    anchors = _merge(matched.text, [*own, *said], found)
    settled = attribute(anchors, words, hits, regions, told, lists(spoken).links, rules)
    settled = _agree(settled)
    told += availability(settled, reading)
    settled = with_nouns(cover(settled, told, reading), reading)
    if about_others:
        settled = [_evidence(finding) for finding in settled]
    masked = {kind for kind, default in rules.default.items() if default == "doubtful"}
    new, removed, doubtful, doubts = rewrite(text, matched, settled, masked, spoken[0])
    flags = {
        "transcript": transcript,
        "language": not sure and len(words) > 8,
        "too_long": len(text) > rules.longest or len(found) > rules.most_findings,
        "survived": bool(removed or doubtful) and _survives(new, spoken, settled, known, masked),
    }
    verdict = assess(settled, len(doubts), hits, reading, rules, flags)
    return Stripped(
        text=new,
        language=spoken[0],
        removed=tuple(removed),
        doubtful=tuple(doubtful),
        kept=_kept(matched, settled, masked),
        doubts=tuple(doubts),
        risk=verdict.score,
        reasons=verdict.reasons,
        held=verdict.held,
        names=_names(matched, settled, known.before),
    )


def _own(
    reading: Reading, known: _Known, said: list[Finding], found: list[Finding]
) -> list[Finding]:
    matched = reading.matched
    own = identity.numbers(matched, known.endings, found) + identity.mail(known.values, matched)
    names = list(known.names)
    for finding in said:
        if finding.kind == "name":
            parts = reading.between(finding.start, finding.end)
            while len(parts) > 1 and parts[0] in reading.lists.ranks:
                parts = parts[1:]
            alone = len(parts[0]) >= 3 and parts[0] not in reading.lists.ranks
            names += [" ".join(parts)] if len(parts) > 1 or len(parts[0]) > 1 else []
            names += [parts[0]] if alone else []
    return own + occurrences(reading, list(dict.fromkeys(names)))


def _merge(text: str, reporter: list[Finding], found: list[Finding]) -> list[Finding]:
    """One ordered list without overlaps. What is surely the reporter's wins; it grows together
    with what it overlaps (a profile name inside an address makes the address theirs)."""
    joined: list[Finding] = []
    whole = [f for f in (*reporter, *found) if GUARD not in text[f.start : f.end]]
    for finding in sorted(whole, key=lambda f: (f.start, -f.end)):
        last = joined[-1] if joined else None
        if last is None or finding.start >= last.end:
            joined.append(finding)
        elif Side.REPORTER in (last.side, finding.side):
            main = max(last, finding, key=lambda f: (bool(f.value), f.end - f.start))
            owner = last if last.side is Side.REPORTER else finding
            joined[-1] = replace(
                main,
                start=last.start,
                end=max(last.end, finding.end),
                side=Side.REPORTER,
                reason=owner.reason,
            )
    return joined


def _agree(findings: list[Finding]) -> list[Finding]:
    """The same value is the same person's everywhere; where the text contradicts itself, doubt."""
    sides: dict[str, set[Side]] = {}
    for finding in findings:
        if len(finding.value) >= 5:
            sides.setdefault(_core(finding), set()).add(finding.side)
    settled = []
    for finding in findings:
        told = sides.get(_core(finding), set()) - {Side.UNKNOWN}
        if len(finding.value) < 5 or finding.reason == "known from the channel":
            settled.append(finding)
        elif len(told) == 1:
            reason = finding.reason or "the same as elsewhere in the text"
            settled.append(replace(finding, side=next(iter(told)), reason=reason))
        else:
            contested = finding.contested or len(told) == 2
            settled.append(replace(finding, side=Side.UNKNOWN, contested=contested))
    return settled


def _evidence(finding: Finding) -> Finding:
    if finding.side is not Side.UNKNOWN or finding.contested:
        return finding
    return replace(finding, side=Side.OTHER, reason="answers a question about others")


def _core(finding: Finding) -> str:
    return finding.value[-8:] if finding.kind == "phone" else finding.value


def _survives(
    new: str,
    spoken: tuple[Language, ...],
    settled: list[Finding],
    known: _Known,
    masked: set[str],
) -> bool:
    """Read the result again: whether anything taken out, or anything new, still stands in it."""
    matched = matching(new, guard())
    words = tokens(matched, abbreviations(), surnames())
    again = identifiers.find(matched, words, spoken)
    if identity.numbers(matched, known.endings, again):
        return True
    gone = {_core(f) for f in settled if f.side is Side.REPORTER and len(f.value) >= 5}
    seen = {_core(f) for f in settled}
    return any(_core(f) in gone or (f.kind in masked and _core(f) not in seen) for f in again)


def _kept(matched: Matching, settled: list[Finding], masked: set[str]) -> tuple[Span, ...]:
    """The identifiers that stay, each with the reason why it is evidence."""
    return tuple(
        Span(*matched.origin(f.start, f.end), f.kind, f.reason or "points to nobody by itself")
        for f in settled
        if f.side is Side.OTHER
        or (f.side is Side.UNKNOWN and not f.contested and f.kind not in masked)
    )


def _names(matched: Matching, settled: list[Finding], before: Sequence[str]) -> tuple[str, ...]:
    found = [
        matched.text[f.start : f.end]
        for f in settled
        if f.kind == "name" and f.side is Side.REPORTER
    ]
    return tuple(dict.fromkeys([*before, *found]))


def _failed(text: str, asked: Language | None, values: Sequence[str]) -> Stripped:
    """Fail closed: held, and every identifier the shapes alone can find taken out."""
    language = asked or Language.EN
    verdict = Risk(100, ("stripping failed",), True)
    try:
        matched = matching(text, guard())
        words: list[Token] = tokens(matched, abbreviations(), surnames())
        found = identifiers.find(matched, words, (language,))
        own = identity.numbers(matched, identity.own_digits(values), found)
        gone = [
            replace(f, side=Side.REPORTER, reason="stripping failed")
            for f in _merge(matched.text, own, found)
        ]
        new, removed, _, _ = rewrite(text, matched, gone, set(), language)
    except Exception:  # noqa: BLE001 - the last line: all of it waits, sealed, for an operator
        return _withheld(text, language, verdict)
    return Stripped(
        text=new,
        language=language,
        removed=tuple(removed),
        risk=verdict.score,
        reasons=verdict.reasons,
        held=True,
    )


def _withheld(text: str, language: Language, verdict: Risk) -> Stripped:
    """The whole text as one doubtful span."""
    token, reason = "[1]", verdict.reasons[0]
    return Stripped(
        text=token,
        language=language,
        doubtful=(Span(0, len(text), "text", reason),) if text else (),
        doubts=(Doubt(token, "text", reason, text),) if text else (),
        risk=verdict.score,
        reasons=verdict.reasons,
        held=True,
    )
