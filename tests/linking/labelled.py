"""Invented tips, with which of them tell of the same event.

Three files: ``dev`` and ``more`` for tuning, ``test`` for measuring. A family stands in one of
them and is of one municipality: events told by different people, other events at the same place,
other deeds of the same accused, texts sent again with small changes. Tips of one family and one
letter tell of the same event; any other two do not, not even of one street or one accused. Each
tip is told anew as somebody else would: from another corner of the event, shorter, angrier, in
capitals, without accents, by whom it happened to. ``dev`` and ``test`` are by one hand, ``more`` by
another, which had seen ``dev`` alone and lets two who tell of one event share fewer words.

Families ``s…`` are texts sent again: by the same person, by another channel, passed on in groups,
beside one text made over for somebody else. They were added after the others had been measured
once, because those hold hardly any.

A line is ``letter day language text``; a family begins with ``== name | municipality``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("dev", "more", "test")
FIRST = date(2026, 3, 1)


@dataclass(frozen=True)
class Labelled:
    """``event`` is the same for tips that tell of one event, and for no others."""

    event: str
    family: str
    place: str
    day: str
    language: str
    text: str


def tips(part: str) -> list[Labelled]:
    """The tips of a part, in the order of the file."""
    found, family, place = [], "", ""
    for number, line in enumerate((HERE / f"{part}.txt").read_text("utf-8").splitlines()):
        if line.startswith("== "):
            family, _, place = (piece.strip() for piece in line[3:].partition("|"))
            continue
        letter, day, language, text = line.split(" ", 3)
        # Families do not all begin on one day: else a day would tell them apart or together.
        begun = FIRST + timedelta(days=sum(family.encode()) * 7 % 20 + int(day))
        event = f"{family}-{letter}" if letter < "c" else f"{family}-{letter}-{number}"
        found.append(Labelled(event, family, place, begun.isoformat(), language, text))
    return found


def pairs(part: str) -> int:
    """How many pairs tell of one event."""
    counted: dict[str, int] = {}
    for tip in tips(part):
        counted[tip.event] = counted.get(tip.event, 0) + 1
    return sum(n * (n - 1) // 2 for n in counted.values())
