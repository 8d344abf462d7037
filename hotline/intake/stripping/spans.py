"""Stripping: the types of the room: spans, findings, and the stripped text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from hotline.tips import Doubt, Language


class Side(StrEnum):
    """Whose a span is, as far as the text says."""

    REPORTER = "reporter"
    OTHER = "other"
    UNKNOWN = "unknown"


class TooMuch(Exception):
    """More work than any report needs: the whole text waits for a person."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the input in code points, its kind, and why it was taken out or doubted."""

    start: int
    end: int
    kind: str
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """Something found in the matching text. ``value`` is its bare form for comparison
    (digits, or letters and digits); ``sure`` says whether its shape or check digit holds;
    ``contested`` that the text speaks for both sides."""

    start: int
    end: int
    kind: str
    value: str = ""
    sure: bool = True
    side: Side = Side.UNKNOWN
    reason: str = ""
    contested: bool = False

    def __repr__(self) -> str:
        return f"<Finding {self.kind} {self.side}>"


@dataclass(frozen=True, slots=True, repr=False)
class Stripped:
    """What remains of a text. Offsets of ``removed`` (the reporter's), ``doubtful`` (nobody can
    tell whose) and ``kept`` (identifiers left as evidence) are code points of the input; spans
    never overlap and are in order. ``names`` are the reporter's own names, to be
    fed back as ``names`` during the same session only. Never printed, never pickled."""

    text: str
    language: Language
    removed: tuple[Span, ...] = ()
    doubtful: tuple[Span, ...] = ()
    kept: tuple[Span, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    risk: int = 0
    reasons: tuple[str, ...] = ()
    held: bool = False
    names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "<Stripped redacted>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Stripped lives in memory only")
