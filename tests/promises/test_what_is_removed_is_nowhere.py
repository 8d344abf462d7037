"""Promise 1 for the words themselves: what stripping removes from a text is found nowhere again,
neither at rest nor inside anything that was sealed. The labelled tips are the reports."""

from __future__ import annotations

import pytest

from hotline.clock import Clock
from hotline.intake.stripping import strip, warm
from tests.promises.test_nobody_learns_who_reported import World, opened, world
from tests.stripping.labelled import Tip, tips

__all__ = ["world"]
REPORTS = 60
_LEAST = 9  # letters; shorter words stand in files that have nothing to do with reporters


def removed(tip: Tip) -> list[str]:
    """The words of a tip that stripping removes and that it says only once."""
    spans = strip(tip.text).removed
    words = [tip.text[span.start : span.end] for span in spans]
    folded = tip.text.casefold()
    return [w for w in words if len(w) >= _LEAST and folded.count(w.casefold()) == 1]


@pytest.mark.usefixtures("world")
def test_what_was_removed_is_neither_at_rest_nor_in_anything_sealed(
    world: World, clock: Clock
) -> None:
    warm()
    told = [tip for tip in tips("development") if removed(tip)]
    reports = told[:: max(1, len(told) // REPORTS)][:REPORTS]
    everything = "\n".join(tip.text for tip in reports).casefold()
    for tip in reports:
        for n, words in enumerate(removed(tip)):
            if everything.count(words.casefold()) == 1:
                world.birds.word(f"{tip.id}.{n}", words)
    assert len(world.birds.planted) >= REPORTS
    for tip in reports:
        answer = world.client.post("/api/v1/tips", json={"description": tip.text})
        assert answer.status_code == 201
    assert world.birds.found(world.everything()) == [], "before the jobs"
    world.work()
    assert world.birds.found(world.everything()) == [], "after the jobs"
    inside = list(opened(world, clock))
    assert len(inside) >= len(reports)
    assert world.birds.found(inside) == []
