"""Five languages, whole: nothing missing, nothing fuzzy, the same placeholders, texts that fit."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from hotline.intake.prompts import segments
from hotline.tips import Language

ROOT = Path(__file__).parents[2]
PLACEHOLDER = re.compile(r"\{\w+\}|%\(\w+\)s")
RECEIPT = "1234 5678 9012 3456 7890"
LONGEST_CALL = 20


def messages(language: Language) -> list[Message]:
    path = ROOT / "translations" / language.locale / "LC_MESSAGES" / "hotline.po"
    with path.open("rb") as file:
        return [message for message in read_po(file, locale=language.locale) if message.id]


def test_code_and_catalogues_hold_the_same_sentences() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "messages", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("language", Language)
def test_no_sentence_is_missing_or_fuzzy(language: Language) -> None:
    bad = [m.id for m in messages(language) if not m.string or m.fuzzy]
    assert not bad


@pytest.mark.parametrize("language", Language)
def test_placeholders_are_the_same(language: Language) -> None:
    bad = [
        m.id
        for m in messages(language)
        if sorted(PLACEHOLDER.findall(str(m.id))) != sorted(PLACEHOLDER.findall(str(m.string)))
    ]
    assert not bad


@pytest.mark.parametrize("language", Language)
def test_texts_fit_one_segment(language: Language) -> None:
    """160 characters of GSM-7, with a receipt and the emergency number filled in."""
    long = []
    for message in messages(language):
        if message.context == "sms":
            said = str(message.string).replace("{code}", RECEIPT).replace("{receipt}", RECEIPT)
            said = PLACEHOLDER.sub("190", said)
            if segments(said) != 1:
                long.append(said)
    assert not long


@pytest.mark.parametrize("language", Language)
def test_spoken_prompts_are_short_and_end_in_their_key(language: Language) -> None:
    for message in messages(language):
        if message.context != "call":
            continue
        said = str(message.string)
        assert len(said.split()) <= LONGEST_CALL, said
        if "{key}" in str(message.id) and str(message.id).rstrip(" .").endswith("{key}"):
            assert said.rstrip(" .").endswith("{key}"), said


@pytest.mark.parametrize("language", [x for x in Language if x is not Language.EN])
def test_translations_are_translations(language: Language) -> None:
    """A sentence of four words or more is never simply left in English."""
    same = [
        m.id for m in messages(language) if str(m.id) == str(m.string) and len(m.id.split()) > 3
    ]
    assert not same
