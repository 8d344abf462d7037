"""Segments: ours are counted as the provider's own calculator counts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotline.intake.prompts import gsm, segments
from hotline.tips import Language
from scripts import segment_texts

FILE = Path(__file__).parents[1] / "vectors" / "sms_segments.json"
VECTORS: list[tuple[str, str, int]] = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]


def test_every_text_takes_as_many_segments_as_the_provider_says() -> None:
    assert len(VECTORS) > 400
    for text, encoding, count in VECTORS:
        assert segments(text) == count, (text[:40], len(text))
        assert gsm(text) == (encoding == "GSM-7"), text[:40]


def test_the_vectors_stand_on_both_sides_of_every_limit() -> None:
    counts = {(encoding, count) for _, encoding, count in VECTORS}
    assert {("GSM-7", n) for n in (1, 2, 3, 4)} <= counts
    assert {("UCS-2", n) for n in (1, 2, 3, 24)} <= counts
    known = {text for text, _, _ in VECTORS}
    assert set(segment_texts.lengths()) <= known


def test_every_letter_of_our_messages_is_one_the_provider_has_counted() -> None:
    """So a changed sentence needs no new vectors, and one with a new letter fails here."""
    letters = {text for text, _, _ in VECTORS if len(text) == 1}
    assert {*segment_texts.GSM, *segment_texts.ESCAPED} <= letters
    assert {*"".join(segment_texts.messages())} <= letters


@pytest.mark.parametrize("language", list(Language))
def test_every_message_of_the_line_is_one_segment_in_every_language(language: Language) -> None:
    said = segment_texts.messages()
    assert len(said) > 150
    assert [text for text in said if segments(text) != 1 or not gsm(text)] == []
