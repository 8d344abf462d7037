"""Stripping: what identifies the reporter goes; what identifies the crime stays.

``strip`` is the whole interface: pure, deterministic, never raising. What it cannot decide it
masks as doubtful, and what it is unsure of it holds for an operator.
"""

from __future__ import annotations

from hotline.intake.stripping import language, numbers
from hotline.intake.stripping.engine import strip
from hotline.intake.stripping.grammar import grammar
from hotline.intake.stripping.replacement import without_tokens
from hotline.intake.stripping.spans import Span, Stripped
from hotline.tips import Language

__all__ = ["Span", "Stripped", "describe", "strip", "warm", "without_tokens"]


def warm() -> None:
    """Load grammars, number metadata and the language model, so that no tip waits for them.
    Raises ValueError or KeyError when the data is broken."""
    for each in Language:
        grammar(each)
    language.warm()
    numbers.warm()
    strip("meu nome, mi nombre, my name, mon nom, non mwen: 21 2345-6789")


def describe(stripped: Stripped) -> dict[str, object]:
    """The JSON of ``hotline strip``. Holds no removed text, only offsets, kinds and reasons."""
    return {
        "text": stripped.text,
        "language": str(stripped.language.value),
        "removed": [_span(span) for span in stripped.removed],
        "doubtful": [_span(span) for span in stripped.doubtful],
        "kept": [_span(span) for span in stripped.kept],
        "risk": stripped.risk,
        "held": stripped.held,
        "reasons": list(stripped.reasons),
    }


def _span(span: Span) -> dict[str, object]:
    return {"start": span.start, "end": span.end, "kind": span.kind, "reason": span.reason}
