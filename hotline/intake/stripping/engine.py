"""Stripping: the layers in order, from a text to what remains of it.

A look finds what is whose (look.py); what is the reporter's or nobody's is taken out; then the
result is looked at again, as a stranger would, until nothing more is found. Any failure holds the
tip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hotline.intake.stripping import identifiers, identity
from hotline.intake.stripping.grammar import abbreviations, policy
from hotline.intake.stripping.language import languages
from hotline.intake.stripping.look import Known, Look, core, look, merge
from hotline.intake.stripping.normalise import Matching, Token, matching, tokens
from hotline.intake.stripping.replacement import Hidden, guard, hidden, onto, rewrite
from hotline.intake.stripping.risk import Risk, assess
from hotline.intake.stripping.spans import Finding, Side, Span, Stripped, TooMuch
from hotline.tips import Doubt, Language

_TOO_MUCH = Risk(100, ("the text is too long to check fully",), True)
_LOOKS = 3  # a result that a fourth look would change again is held


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
        known = Known(identity, names)
        if len(text) > policy().longest or len(text.split()) > policy().most_words:
            raise TooMuch
        return _strip(text, language, known, transcript, about_others)
    except TooMuch:
        # Nobody reads so much unread: all of it waits, sealed, for an operator.
        return _withheld(text, _told(text[:2000], language), _TOO_MUCH)
    except Exception:  # noqa: BLE001 - a tip must never be lost or leaked by our own mistake
        return _failed(text, language, identity)


def _strip(
    text: str, asked: Language | None, known: Known, transcript: bool, about_others: bool
) -> Stripped:
    rules = policy()
    masked = frozenset(kind for kind, default in rules.default.items() if default == "doubtful")
    first = look(text, asked, known, about_others=about_others)
    main = first.spoken[0]
    gone = hidden(first.matched, first.settled, masked)
    new = rewrite(text, gone, main)
    survived = False
    for _ in range(_LOOKS if gone else 0):
        again = look(new.text, asked, known, about_others=about_others)
        more = hidden(again.matched, again.settled, masked)
        survived = _survives(first, again, known)
        if not more:
            break
        gone = onto(new.starts, gone, more)
        new = rewrite(text, gone, main)
    else:
        survived = survived or bool(gone)
    flags = {
        "transcript": transcript,
        "survived": survived,
    }
    verdict = assess(first, gone, rules, flags)
    return Stripped(
        text=new.text,
        language=main,
        removed=tuple(h.span for h in gone if h.mine),
        doubtful=tuple(h.span for h in gone if not h.mine),
        kept=_kept(first.matched, first.settled, gone),
        doubts=tuple(new.doubts),
        risk=verdict.score,
        reasons=verdict.reasons,
        held=verdict.held,
        names=_names(first.matched, first.settled, known.before),
    )


def _survives(first: Look, again: Look, known: Known) -> bool:
    """Whether anything taken out stands in the result after all."""
    if identity.numbers(again.matched, known.endings, again.found):
        return True
    gone = {core(f) for f in first.settled if f.side is Side.REPORTER and len(f.value) >= 5}
    return any(core(f) in gone for f in again.found)


def _kept(matched: Matching, settled: list[Finding], gone: list[Hidden]) -> tuple[Span, ...]:
    """The identifiers that stay, each with the reason why it is evidence."""
    starts = {h.span.start for h in gone}
    spans = [
        Span(*matched.origin(f.start, f.end), f.kind, f.reason or "points to nobody by itself")
        for f in settled
        if f.side is not Side.REPORTER
    ]
    return tuple(span for span in spans if span.start not in starts)


def _names(matched: Matching, settled: list[Finding], before: Sequence[str]) -> tuple[str, ...]:
    found = [
        matched.text[f.start : f.end]
        for f in settled
        if f.kind == "name" and f.side is Side.REPORTER
    ]
    return tuple(dict.fromkeys([*before, *found]))


def _told(text: str, asked: Language | None) -> Language:
    matched = matching(text, guard())
    return languages(text, tokens(matched, abbreviations()), asked)[0][0]


def _failed(text: str, asked: Language | None, values: Sequence[str]) -> Stripped:
    """Fail closed: held, and every identifier the shapes alone can find taken out."""
    language = asked or Language.EN
    verdict = Risk(100, ("stripping failed",), True)
    try:
        matched = matching(text, guard())
        words: list[Token] = tokens(matched, abbreviations())
        found = identifiers.find(matched, words, (language,))
        own = identity.numbers(matched, identity.own_digits(values), found)
        all_of_it = [
            replace(f, side=Side.REPORTER, reason="stripping failed")
            for f in merge(matched.text, own, found)
        ]
        gone = hidden(matched, all_of_it, frozenset())
        new = rewrite(text, gone, language)
    except Exception:  # noqa: BLE001 - the last line: all of it waits, sealed, for an operator
        return _withheld(text, language, verdict)
    return Stripped(
        text=new.text,
        language=language,
        removed=tuple(h.span for h in gone),
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
