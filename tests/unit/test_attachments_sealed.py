"""Attachments at rest: two bodies as documented, padded by Padmé, opened by the card alone."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest

from hotline.intake.attachments import Cleaned
from hotline.tips import Body
from hotline.vault import format as fmt
from hotline.vault.attachments import (
    Card,
    join,
    page_of,
    pages_id,
    picture,
    read_card,
    seal_file,
)
from hotline.vault.format import Damaged, Kind
from hotline.vault.keys import open_body
from hotline.vault.small import random_id, random_key

ONE, TWO = b"\xff\xd8\xff" + b"1" * 40_000, b"\xff\xd8\xff" + b"2" * 700
THUMBNAIL = b"\xff\xd8\xff small and grey"
DOCUMENT = Cleaned("document", (ONE, TWO), thumbnail=THUMBNAIL)


def sealed() -> tuple[bytes, Body, Body, Card]:
    key, tip = random_key(), random_id()
    card, pages = seal_file(key, tip, DOCUMENT)
    return key, card, pages, read_card(card.id, open_body(key, card))


def test_card_and_pages_open_as_documented() -> None:
    key, card, pages, found = sealed()
    assert (card.kind, pages.kind) == (8, 3)
    assert card.tip == pages.tip
    assert pages.id == fmt.digest(b"pages" + card.id)[:16] == pages_id(card.id)
    told = json.loads(open_body(key, card))
    assert set(told) == {"version", "id", "kind", "pages", "thumbnail", "key"}
    assert (found.kind, found.pages, found.thumbnail) == ("document", 2, THUMBNAIL)
    inside = open_body(bytes.fromhex(told["key"]), pages)
    assert inside == struct.pack(">HI", 2, len(ONE)) + ONE + struct.pack(">I", len(TWO)) + TWO
    assert (page_of(inside, 1), page_of(inside, 2)) == (ONE, TWO)


def test_pages_are_padded_by_padme_and_a_card_to_a_bucket() -> None:
    _, card, pages, _ = sealed()
    size = fmt.padme(len(join(DOCUMENT.pages)) + 4)
    # suite, salt, commitment, one tag a chunk of 16 KiB
    assert len(pages.sealed) == 1 + 24 + 32 + size + 16 * (size // 16384 + 1)
    assert size > len(ONE) + len(TWO) + 14
    assert len(card.sealed) == 1 + 24 + 32 + 2048 + 16
    small = seal_file(random_key(), random_id(), Cleaned("image", (TWO,), thumbnail=THUMBNAIL))[1]
    assert len(small.sealed) == 1 + 24 + 32 + 2048 + 16, "a small picture looks like a short tip"


def test_the_tips_key_does_not_open_the_pages_nor_the_files_key_the_card() -> None:
    key, card, pages, found = sealed()
    for wrong, body in ((key, pages), (found.key, card), (found.key, replace(pages, kind=1))):
        with pytest.raises(Damaged):
            open_body(wrong, body)
    with pytest.raises(Damaged):
        open_body(found.key, replace(pages, id=random_id()))


def test_only_a_jpeg_that_is_there_comes_out() -> None:
    inside = join((ONE, TWO))
    for number in (0, 3, 9999):
        with pytest.raises(Damaged):
            page_of(inside, number)
    for cut in (0, 1, 5, 100, len(inside) - 1):
        with pytest.raises(Damaged):
            page_of(inside[:cut], 2)
    for other in (b"", b"<svg onload=alert(1)>", b"GIF89a", b"<html>"):
        with pytest.raises(Damaged):
            picture(other)
        with pytest.raises(Damaged):
            page_of(join((other,)), 1)


def test_a_card_is_known_by_its_body_and_says_nothing_when_printed() -> None:
    key, card, _, found = sealed()
    lying = read_card(random_id(), open_body(key, card))
    assert lying.id != found.id == card.id
    assert repr(found) == "<Card redacted>"
    assert Kind.CARD not in (Kind.TIP, Kind.ATTACHMENT)
