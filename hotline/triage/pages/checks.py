"""Pages: the checklist of a tip, and the questions its type brings, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.intake.details import answered
from hotline.routing.asking import Detail, table
from hotline.tips import Redacted
from hotline.triage import checklist
from hotline.triage.opening import Opened
from hotline.web.i18n import current


@dataclass(frozen=True, slots=True, repr=False)
class Tick(Redacted):
    id: str
    words: str
    done: bool


@dataclass(frozen=True, slots=True, repr=False)
class Asked(Redacted):
    """A question of this type: ``ours`` in the reader's language, ``theirs`` in the reporter's."""

    ours: str
    theirs: str
    options: tuple[str, ...]
    answered: bool
    danger: bool
    unreviewed: bool


@dataclass(frozen=True, slots=True, repr=False)
class Checks(Redacted):
    ticks: list[Tick]
    asked: list[Asked]

    @property
    def done(self) -> int:
        return sum(tick.done for tick in self.ticks)


def checks(opened: Opened) -> Checks:
    """What the page of a tip shows beside it. Nothing is counted up to a danger: a number would be
    read as a proof."""
    done, told = checklist.ticked(opened), opened.content.tip
    ticks = [Tick(c.id, c.words[current()], c.id in done) for c in checklist.listed(opened)]
    codes = {act.code for act in opened.content.classified.classification.acts}
    known = {answer.id for answer in answered(told, current())}

    def shown(detail: Detail) -> Asked:
        return Asked(
            detail.ask[current()],
            detail.ask[told.language],
            tuple(option.words[current()] for option in detail.options),
            detail.id in known,
            detail.danger,
            detail.unreviewed,
        )

    asked = [shown(detail) for detail in table().values() if detail.types & codes]
    return Checks(ticks, sorted(asked, key=lambda one: not one.danger))
