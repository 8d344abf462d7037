"""Shares: whatever the truth is, if both figures' intervals hold it, so does the share's."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hotline.analysis.columns import BELOW, MISSING, ROUNDED, SUPPRESSED
from hotline.analysis.shares import Figure, rate, share

_COUNT = st.integers(0, 100_000)
_NOISE = st.integers(-500, 500)


def shown(truth: int, noise: int, half: int) -> Figure:
    """As an extract shows it: an interval that holds the truth, its lower end never negative."""
    value = truth + noise
    half = max(half, abs(noise))
    low, high = max(value - half, 0), max(value + half, 0)
    if value < 8:
        return Figure(math.nan, low, high, BELOW)
    return Figure(value, low, high, ROUNDED)


@given(_COUNT, _COUNT, _NOISE, _NOISE, st.integers(0, 900))
def test_the_interval_of_a_share_holds_the_true_share(
    part: int, rest: int, one: int, other: int, half: int
) -> None:
    whole = part + rest
    found = share(shown(part, one, half), shown(whole, other, half))
    if whole and not math.isnan(found.high):
        assert found.low <= part / whole <= found.high
        assert found.low >= 0 and found.high <= 1


@given(_COUNT, st.integers(1, 100_000), _NOISE, st.integers(0, 900))
def test_the_interval_of_a_rate_holds_the_true_rate(
    truth: int, published: int, noise: int, half: int
) -> None:
    found = rate(shown(truth, noise, half), published)
    assert found.low - 1e-6 <= 100 * truth / published <= found.high + 1e-6


def test_what_is_not_told_has_no_share() -> None:
    told = Figure(50, 40, 60, ROUNDED)
    for status in (SUPPRESSED, MISSING):
        nothing = Figure(math.nan, math.nan, math.nan, status)
        assert math.isnan(share(nothing, told).high) and math.isnan(share(told, nothing).high)
        assert math.isnan(rate(nothing, 5).high)
    for none in (None, 0):
        assert math.isnan(rate(told, none).value)
    low = share(Figure(math.nan, 0, 9, BELOW), told)
    assert math.isnan(low.value) and (low.low, low.high) == (0, 9 / 40)
