"""Shares: any three of five sheets give the seed back; a mistake is found and its place named."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import MnemonicError, combine_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from hotline.vault.shares import BadSheet, Sheet, Strangers, join, read_sheet, split

VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "slip39.json"
SEED = bytes(range(32))
SHEETS = split(SEED)
places = st.integers(0, 32)
words = st.sampled_from(WORDLIST)


def typed(sheet: Sheet) -> str:
    return " ".join(sheet.words)


# All that is ever said: numbers, and no word of a sheet.
FORMS = re.compile(
    r"Word \d+ of sheet 2 is (probably wrong: its checksum does not fit|not on the list of words)\."
    r"|Words \d+(, \d+)+ of sheet 2 are not on the list of words\."
    r"|The checksum of sheet 2 does not fit: two words or more are wrong\."
    r"|Sheet 2 has 33 words; \d+ were typed\.|Sheet 2 is not one of a line's\."
)


def problem(text: str) -> str:
    with pytest.raises(BadSheet) as refused:
        read_sheet(text, 2)
    assert FORMS.fullmatch(refused.value.message)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return refused.value.message


@pytest.mark.parametrize(("mnemonics", "secret"), json.loads(VECTORS.read_text())["vectors"])
def test_the_library_does_what_the_standard_says(mnemonics: Sequence[str], secret: str) -> None:
    if secret:
        assert combine_mnemonics(mnemonics, b"TREZOR").hex() == secret
        return
    with pytest.raises(MnemonicError):
        combine_mnemonics(mnemonics, b"TREZOR")


def test_sheets_are_pinned() -> None:
    """What was written on paper by an older program still opens."""
    kept = json.loads(VECTORS.read_text())["ours"]
    sheets = [read_sheet(text, nth) for nth, text in enumerate(kept["sheets"], start=1)]
    assert join(sheets, kept["set"]).hex() == kept["seed"]


def test_any_three_of_five() -> None:
    assert [sheet.number for sheet in SHEETS] == [1, 2, 3, 4, 5]
    assert len({sheet.set_number for sheet in SHEETS}) == 1
    for three in combinations(SHEETS, 3):
        assert join(three, SHEETS[0].set_number) == SEED


def test_no_sheet_shows_the_seed_or_itself() -> None:
    """An object's own name and nothing beside it: "object" may itself be a word of a sheet."""
    name = r"<hotline\.vault\.shares\.Sheet object at 0x[0-9a-f]+>"
    assert re.fullmatch(rf"\(({name}(, )?){{5}}\)", repr(SHEETS))


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5])
def test_not_with_fewer_or_more(count: int) -> None:
    with pytest.raises(BadSheet, match="3 sheets are needed"):
        join(SHEETS[:count], SHEETS[0].set_number)


def test_two_sheets_fit_every_seed() -> None:
    """Two say nothing: with a third of another set they are strangers, and no seed comes out."""
    others = split(SEED)
    forged = Sheet(others[2].number, SHEETS[0].set_number, others[2].words)
    with pytest.raises(Strangers):
        join([*SHEETS[:2], forged], SHEETS[0].set_number)


def test_the_same_sheet_twice() -> None:
    with pytest.raises(BadSheet, match="twice"):
        join([SHEETS[0], SHEETS[1], SHEETS[0]], SHEETS[0].set_number)


def test_a_sheet_of_another_set_is_named() -> None:
    other = next(
        s for s in (split(SEED)[1] for _ in range(9)) if s.set_number != SHEETS[0].set_number
    )
    with pytest.raises(BadSheet, match="Sheet 2 belongs to another line or to an older set"):
        join([SHEETS[0], other, SHEETS[2]], SHEETS[0].set_number)


def test_typed_with_numbers_capitals_and_four_letters() -> None:
    text = "\n".join(f"{n}. {word[:4].upper()}" for n, word in enumerate(SHEETS[3].words, start=1))
    assert read_sheet(text, 1) == SHEETS[3]


@settings(max_examples=30)
@given(place=places, word=words)
def test_the_place_of_one_wrong_word_is_named(place: int, word: str) -> None:
    wrong = list(SHEETS[1].words)
    if wrong[place] == word:
        return
    wrong[place] = word
    assert problem(" ".join(wrong)).startswith(f"Word {place + 1} of sheet 2 is probably wrong")


@settings(max_examples=30)
@given(first=places, second=places, one=words, other=words)
def test_no_other_place_is_named_for_two(first: int, second: int, one: str, other: str) -> None:
    wrong = list(SHEETS[1].words)
    wrong[first], wrong[second] = one, other
    changed = sum(a != b for a, b in zip(wrong, SHEETS[1].words, strict=True))
    if changed == 2:
        assert "two words or more are wrong" in problem(" ".join(wrong))


def test_words_that_are_not_on_the_list_are_counted_not_quoted() -> None:
    wrong = list(SHEETS[1].words)
    wrong[6] = wrong[20] = "segredo"
    assert problem(" ".join(wrong)) == "Words 7, 21 of sheet 2 are not on the list of words."
    assert "32 were typed" in problem(" ".join(SHEETS[1].words[:-1]))
    assert "0 were typed" in problem("")


def test_a_share_of_another_kind_is_refused() -> None:
    """A wallet's: whole, but two of three."""
    from shamir_mnemonic import generate_mnemonics

    [wallet] = generate_mnemonics(1, [(2, 3)], SEED, iteration_exponent=0)
    assert problem(wallet[0]) == "Sheet 2 is not one of a line's."
