"""Pages: what a tip's page shows of its text: doubtful spans in their places, what was removed and
why a person has to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hotline.tips import Doubt, Redacted, Removed, Tip
from hotline.triage.pages.reasons import UNATTRIBUTED

_AROUND = 60  # letters on each side of a doubtful span, enough to judge it by


@dataclass(frozen=True, slots=True, repr=False)
class Segment(Redacted):
    """A stretch of a text; ``number`` is the place in the list of the doubt it stands for, or 0."""

    text: str
    number: int = 0


def segments(text: str, doubts: tuple[Doubt, ...]) -> list[Segment]:
    """A text cut at its doubtful tokens."""
    parts = [Segment(text)]
    for number, doubt in enumerate(doubts, 1):
        cut: list[Segment] = []
        for part in parts:
            if part.number:
                cut.append(part)
                continue
            first, *rest = part.text.split(doubt.token)
            cut.append(Segment(first))
            for piece in rest:
                cut += (Segment(doubt.token, number), Segment(piece))
        parts = cut
    return [part for part in parts if part.text]


def beside(tip: Tip) -> list[list[Segment]]:
    """Each doubtful span of a tip with the words around it, in the order of the list."""
    words = (tip.text, *tip.answers.values(), *tip.details.values())
    told = [segments(text, tip.doubts) for text in words]
    return [
        next(
            filter(None, (_around(parts, number) for parts in told)), [Segment(doubt.token, number)]
        )
        for number, doubt in enumerate(tip.doubts, 1)
    ]


def removed_kinds(removed: Iterable[Removed]) -> list[tuple[str, int, tuple[str, ...]]]:
    """``(kind, how many, why)`` of what was removed, the most frequent kind first."""
    found: dict[str, list[str]] = {}
    for item in removed:
        found.setdefault(item.kind, []).append(item.reason)
    kinds = [(kind, len(each), _distinct(each)) for kind, each in found.items()]
    return sorted(kinds, key=lambda told: -told[1])


def held_because(tip: Tip) -> list[str]:
    """Why a person has to read it. What a person has decided is no longer in doubt."""
    return [reason for reason in tip.hold_reasons if tip.doubts or reason != UNATTRIBUTED]


def _distinct(reasons: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, reasons)))


def _around(parts: list[Segment], number: int) -> list[Segment]:
    at = next((i for i, part in enumerate(parts) if part.number == number), None)
    if at is None:
        return []
    before = _near(reversed(parts[:at]), _last)
    return [*reversed(before), parts[at], *_near(parts[at + 1 :], _first)]


def _near(parts: Iterable[Segment], cut: Callable[[str, int], str]) -> list[Segment]:
    found: list[Segment] = []
    room = _AROUND
    for part in parts:
        if room <= 0:
            break
        found.append(part if part.number else Segment(cut(part.text, room)))
        room -= len(part.text)
    return found


def _first(text: str, room: int) -> str:
    """The beginning of a text, in whole words."""
    if len(text) <= room:
        return text
    return (text[:room].rpartition(" ")[0] or text[:room]) + " …"


def _last(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    return "… " + (text[-room:].partition(" ")[2] or text[-room:])
