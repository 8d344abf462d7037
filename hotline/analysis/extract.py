"""Extract: an answer drawn from frozen releases. Asking costs nothing and tells nothing new.

Whatever is grouped, sums are sums of the same signed whole numbers, so that two extracts never
disagree; only what is shown is cut: too small a figure is left empty, and says so.
"""

from __future__ import annotations

import numpy as np

from hotline.analysis.plan import plan_of
from hotline.analysis.question import BadQuestion, Question
from hotline.analysis.releases import Releases
from hotline.analysis.shown import shown
from hotline.analysis.sums import Sums
from hotline.analysis.table import Table

MOST_ROWS = 3_000_000


class TooManyRows(BadQuestion):
    """A table that nobody could open."""

    code = "too_many_rows"
    message = "This would be too many rows."
    hint = "Ask for fewer months, only some states, or quarters instead of months."


class NothingReleased(BadQuestion):
    """No month of those asked for has a release."""

    code = "nothing_released"
    message = "No release lies in these months."
    hint = "'hotline release list' shows the months there are."


def extract(
    releases: Releases, question: Question, *, language: str = "en", most: int = MOST_ROWS
) -> Table:
    """The table of a question; labels in ``language``. Raises BadQuestion kinds, BadRelease."""
    plan = plan_of(question, language)
    frozen = [releases.one(m) for m in releases.months() if m in plan.months]
    frozen = [one for one in frozen if plan.period_number(one.month) >= 0]
    if not frozen:
        raise NothingReleased
    plan.take(frozen)
    if int(np.prod(plan.shape)) > most:
        raise TooManyRows
    sums = Sums.of(plan.shape)
    for one in frozen:
        sums.add(plan, one)
    return shown(sums, plan, frozen)
