"""Vault: receipts: every slip of the finger is caught, and only the number opens the answer."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.vault.format import Damaged
from hotline.vault.receipts import (
    DIGITS,
    damm,
    find_tip,
    grouped,
    new_code,
    open_reply,
    place_receipt,
    read_code,
    seal_reply,
    stretch,
)
from hotline.vault.small import random_id

PEPPER = b"p" * 32


@given(st.text(alphabet="0123456789", min_size=DIGITS - 1, max_size=DIGITS - 1))
def test_every_single_wrong_digit_is_caught(body: str) -> None:
    code = body + str(damm(body))
    assert read_code(code) == code
    for place in range(DIGITS):
        for digit in "0123456789":
            if digit != code[place]:
                assert read_code(code[:place] + digit + code[place + 1 :]) is None


@given(st.text(alphabet="0123456789", min_size=DIGITS - 1, max_size=DIGITS - 1))
def test_every_swap_of_neighbours_is_caught(body: str) -> None:
    code = body + str(damm(body))
    for place in range(DIGITS - 1):
        left, right = code[place], code[place + 1]
        if left != right:
            assert read_code(code[:place] + right + left + code[place + 2 :]) is None


def test_codes_are_twenty_random_digits() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(re.fullmatch(r"\d{20}", code) and damm(code) == 0 for code in codes)
    # Each of the first nineteen places takes every digit: nothing there counts or is fixed.
    assert all(len({code[place] for code in codes}) == 10 for place in range(19))


def test_a_number_is_read_as_people_type_it() -> None:
    code = new_code()
    assert grouped(code) == " ".join(re.findall("....", code))
    for typed in (
        code,
        grouped(code),
        grouped(code).replace(" ", "-"),
        "  " + "\u00a0".join(code) + ".\n",
        code.translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    ):
        assert read_code(typed) == code
    for typed in ("", code[:-1], code + "0", "receipt", "9" * 5000):
        assert read_code(typed) is None


def test_a_receipt_opens_its_tip_and_its_answers() -> None:
    keys = stretch(new_code(), PEPPER)
    tip, slot = random_id(), random_id()
    row = place_receipt(keys.lookup, keys.public, tip, "gbv:BR-RJ")
    assert find_tip(keys, row) == (tip, "gbv:BR-RJ")
    sealed = seal_reply(keys.lookup, keys.public, slot, b"thank you")
    assert open_reply(keys, slot, sealed) == b"thank you"
    with pytest.raises(Damaged):
        open_reply(keys, random_id(), sealed)


def test_another_number_or_another_pepper_opens_nothing() -> None:
    code = new_code()
    keys = stretch(code, PEPPER)
    row = place_receipt(keys.lookup, keys.public, random_id(), "gbv:BR-RJ")
    slot = random_id()
    reply = seal_reply(keys.lookup, keys.public, slot, b"thank you")
    for other in (stretch(new_code(), PEPPER), stretch(code, b"q" * 32)):
        assert other.lookup != keys.lookup
        posing = replace(other, lookup=keys.lookup)
        with pytest.raises(Damaged):
            find_tip(posing, row)
        with pytest.raises(Damaged):
            open_reply(posing, slot, reply)


def test_receipts_and_replies_do_not_show_what_they_hold() -> None:
    keys = stretch(new_code(), PEPPER)
    rows = {
        len(place_receipt(keys.lookup, keys.public, random_id(), queue).sealed)
        for queue in ("gbv:BR-RJ", "unresolved:BR-RJ", "environment:" + "x" * 60)
    }
    replies = {
        len(seal_reply(keys.lookup, keys.public, random_id(), b"x" * n)) for n in (0, 1, 4092)
    }
    assert len(rows) == len(replies) == 1
