"""Lessons: what was decided on a training line, beside what was expected. No times, no ranks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotline.settings import EXPECTED
from hotline.store.audit import AuditLog
from hotline.store.people import Person

DECISIONS = ("forwarded", "closed", "close_requested", "asked", "rerouted")


@dataclass(frozen=True, slots=True)
class Lesson:
    """One decided tip: what was done, what is right (any of these), and the code of why."""

    tip: str
    done: str
    right: tuple[str, ...]
    why: str

    @property
    def agrees(self) -> bool:
        return self.done in self.right


def expected(home: Path) -> dict[str, tuple[list[str], str]]:
    """By the tip's hex id; empty on a line that is not for training."""
    try:
        found: dict[str, tuple[list[str], str]] = json.loads((home / EXPECTED).read_text())
    except OSError:
        return {}
    return found


def decided(home: Path, audit: AuditLog, person: Person) -> list[Lesson]:
    """The first decision on each tip, in the order they were made."""
    right, found = expected(home), dict[str, Lesson]()
    records = [json.loads(record) for record in audit.naming(person.id, DECISIONS)]
    for record in sorted(records, key=lambda record: record.get("at", "")):
        tip = record["tip"]
        if record.get("by") == person.id.hex() and tip in right and tip not in found:
            found[tip] = Lesson(tip, record["event"], tuple(right[tip][0]), right[tip][1])
    return list(found.values())


def summary(lessons: Sequence[Lesson]) -> tuple[int, int]:
    """How many were decided as expected, of how many."""
    return sum(lesson.agrees for lesson in lessons), len(lessons)
