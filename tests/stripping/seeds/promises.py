"""What stripping promises of every text whatsoever. Each promise is a function of a text and the
language asked for that raises ``Broken``; the unit tests and the fuzzer both go through them.

Marks and spaces put in may not change what is hidden, unless they make a text too long to be
read at all (it is then withheld). Two texts are compared by which of their letters and digits are
hidden, counted in order of place: characters put in between that are neither do not shift the
count.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from itertools import cycle, pairwise
from typing import NoReturn

from hotline.intake.stripping import Span, Stripped, strip
from hotline.tips import Language

# Seen by nobody: zero width space, non-joiner, joiner, word joiner, byte order mark, soft hyphen,
# and the marks and embeddings of direction.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u2066\u2069"
SPACES = "\u00a0\u2002\u2003\u2007\u2009\u202f\u205f\u3000\t"
ASKED: tuple[Language | None, ...] = (None, *Language)
_GAP = re.compile(r"(?<=\S) (?=\S)")
_BREAK = re.compile(r"(?=[\n\u2028\u2029\u0085])|(?<=[\n\u2028\u2029\u0085])|^|\Z")

Promise = Callable[[str, Language | None], None]


class Broken(AssertionError):
    """A promise does not hold; the message says how. Equal ``about`` is likely the same mistake."""

    def __init__(self, how: str, about: str = "") -> None:
        super().__init__(how)
        self.about = about or how


class _Late(BaseException):
    """No ``Exception``: stripping, which catches these, must not."""


def in_time(text: str, language: Language | None = None, seconds: float = 2) -> Stripped:
    """``strip`` with a limit of processor time that stops even a regular expression."""

    def late(*_: object) -> NoReturn:
        raise _Late

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return strip(text, language)
    except _Late:
        raise Broken(f"not done after {seconds} s", "late") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def spans(stripped: Stripped) -> list[Span]:
    """All that is hidden, removed and doubtful together, in order of place."""
    return sorted((*stripped.removed, *stripped.doubtful), key=lambda span: span.start)


def hidden(text: str, stripped: Stripped) -> dict[int, str]:
    """Which letters and digits are hidden: their number in order of place, and themselves."""
    number, found, places = 0, {}, {i for s in spans(stripped) for i in range(s.start, s.end)}
    for place, char in enumerate(text):
        if char.isalnum():
            if place in places:
                found[number] = char
            number += 1
    return found


def never_fails(text: str, language: Language | None) -> None:
    """It ends, does not raise, does not fail inwardly, and says the same when asked again."""
    stripped = in_time(text, language)
    if "stripping failed" in stripped.reasons:
        raise Broken("stripping failed")
    if stripped != in_time(text, language):
        raise Broken("another result the second time")


def spans_fit(text: str, language: Language | None) -> None:
    """Spans lie in the text, in order, apart; all between them stands unchanged in the result,
    with one bracketed token for each of them, and doubts carry what their spans cover."""
    stripped = in_time(text, language)
    for found in (stripped.removed, stripped.doubtful, spans(stripped)):
        if not all(0 <= span.start < span.end <= len(text) for span in found):
            raise Broken("a span out of bounds or empty")
        if not all(a.end <= b.start for a, b in pairwise(found)):
            raise Broken("spans overlap or are not in order")
    covered = [text[span.start : span.end] for span in stripped.doubtful]
    if [doubt.text for doubt in stripped.doubts] != covered:
        raise Broken("doubts do not hold what their spans cover")
    _rest_is_kept(text, stripped)


def _rest_is_kept(text: str, stripped: Stripped) -> None:
    edges = [0, *(e for span in spans(stripped) for e in (span.start, span.end)), len(text)]
    kept = [text[a:b] for a, b in list(pairwise(edges))[::2]]
    rest, tokens = stripped.text, {doubt.token for doubt in stripped.doubts}
    for number, piece in enumerate(kept):
        if not rest.startswith(piece):
            raise Broken("what stands between spans is changed")
        rest = rest[len(piece) :]
        if number < len(kept) - 1:
            end = rest.find("]") + 1
            if not (rest.startswith("[") and end):
                raise Broken("no token where a span was")
            tokens.discard(rest[:end])
            rest = rest[end:]
    if rest:
        raise Broken("the result is longer than its pieces")
    if tokens:
        raise Broken("a doubt whose token stands nowhere")


def settles(text: str, language: Language | None) -> None:
    """Reading the result again finds nothing and changes nothing."""
    once = in_time(text, language)
    again = in_time(once.text, language)
    if spans(again):
        first = spans(again)[0]
        how = f"a second run hides {once.text[first.start : first.end]!r} ({first.reason})"
        raise Broken(how, f"{first.kind}: {first.reason}")
    if again.text != once.text:
        raise Broken("a second run changes the text")


def alike(text: str, changed: str, language: Language | None) -> None:
    """Both texts, which differ in no letter or digit, have the same of them hidden."""
    plain = hidden(text, in_time(text, language))
    other = hidden(changed, in_time(changed, language))
    if plain != other:
        lost = "".join(char for number, char in plain.items() if number not in other)
        more = "".join(char for number, char in other.items() if number not in plain)
        how = f"shows {lost!r} and hides {more!r} besides in {changed!r}"
        raise Broken(how, "shows" if lost else "hides")


def sprinkled(text: str, marks: str, places: Sequence[int]) -> str:
    """The text with marks put in, in turn, at places (counted round its end)."""
    ordered = sorted((place % (len(text) + 1), n) for n, place in enumerate(places))
    pieces, done = [], 0
    for place, n in ordered:
        pieces += (text[done:place], marks[n % len(marks)])
        done = place
    return "".join((*pieces, text[done:]))


def widened(text: str, every: Sequence[int]) -> str:
    """The text with a second space in those of its gaps that are one space, counted round."""
    gaps = [match.end() for match in _GAP.finditer(text)]
    chosen = {gaps[n % len(gaps)] for n in every} if gaps else ()
    return sprinkled(text, " ", sorted(chosen))


def at_breaks(text: str) -> str:
    """The text with spaces more at its beginning, at its end and beside its line breaks."""
    return _BREAK.sub("  ", text)


def invisible_marks_change_nothing(text: str, language: Language | None) -> None:
    """A mark nobody sees may stand anywhere: between any two characters, inside words, numbers
    and our own tokens, at both ends."""
    alike(text, sprinkled(text, INVISIBLE, range(len(text) + 1)), language)
    alike(text, sprinkled(text, INVISIBLE[::-1], range(0, len(text) + 1, 3)), language)


def kinds_of_space_are_one(text: str, language: Language | None) -> None:
    """Any space may be another kind of space, or a tab."""
    kinds = cycle(SPACES)
    alike(text, re.sub(" ", lambda _: next(kinds), text), language)


def spaces_at_breaks_change_nothing(text: str, language: Language | None) -> None:
    """Spaces may be added where the text begins and ends, and beside a line break."""
    alike(text, at_breaks(text), language)


def wider_gaps_change_nothing(text: str, language: Language | None) -> None:
    """A gap of one space may have two, all of them or every third: two spaces are a slip of the
    thumb. (Three may well mean a column.)"""
    gaps = len(_GAP.findall(text))
    for step in (1, 3):
        alike(text, widened(text, range(0, gaps, step)), language)


PROMISES: tuple[Promise, ...] = (
    never_fails,
    spans_fit,
    settles,
    invisible_marks_change_nothing,
    kinds_of_space_are_one,
    spaces_at_breaks_change_nothing,
    wider_gaps_change_nothing,
)
