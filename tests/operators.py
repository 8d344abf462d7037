"""Operators: a line of tests on which people take calls, at hours a test chooses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TypeVar

from hotline.assembly import PublicLine, StaffLine
from hotline.routing.phone import Phone
from hotline.tips import Language

WEEK = tuple((day, 0, 24 * 60) for day in range(7))
Line = TypeVar("Line", PublicLine, StaffLine)


def with_operators(
    line: Line,
    spans: Iterable[tuple[int, int, int]] = WEEK,
    *,
    languages: tuple[Language, ...] = tuple(Language),
    holidays: Iterable[date] = (),
) -> Line:
    """The same line with ``[phone]`` in its profile: day and night unless ``spans`` says when."""
    profile = line.profile
    phone = Phone(tuple(spans), profile.zone, frozenset(holidays), languages)
    return replace(line, profile=replace(profile, phone=phone))
