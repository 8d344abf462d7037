"""Words: the quick way over bytes gives what the plain way over characters gives."""

from __future__ import annotations

import re
import unicodedata

import pytest

from hotline.routing import recusal
from hotline.routing.context import CLAUSE_END, SENTENCE_END
from hotline.routing.gazetteer import Names
from hotline.routing.judge import _BESIDE
from hotline.routing.words import Words, fold

RANGES = (range(0x3100), range(0xD7F0, 0xE000), range(0xF900, 0x10000))
CHARACTERS = [chr(code) for some in RANGES for code in some]
CHARACTERS += ["🙏", "👮🏽", "\U0001d400", "e\u0301", "…", "½", "œ", "ß"]


def asked(gap: str) -> tuple[bool, bool, str, set[str]]:
    """All that is asked of what stands between two words."""
    bare = gap.strip()
    beside = bare if bare in _BESIDE | {"."} else "another"
    return gap == " ", gap.isspace(), beside, set(gap) & CLAUSE_END.union(SENTENCE_END)


def slowly(text: str) -> tuple[list[str], list[str], list[str]]:
    """Words folded, words as written, and what stands behind each."""
    text = unicodedata.normalize("NFC", text)
    written = re.findall(r"[^\W_]+", text)
    between = re.split(r"[^\W_]+", text)[1:]
    return [fold(word) for word in written], written, between


@pytest.mark.parametrize("around", ["Rua {0}São{0} João", "{0}", "{0} é {0}{0}, Açu", "a{0}b."])
def test_every_character_is_read_as_the_slow_way_reads_it(around: str) -> None:
    for character in CHARACTERS:
        text = around.format(character)
        told, (folded, written, between) = Words(text), slowly(text)
        assert told.folded == folded, ascii(character)
        assert told.parts()[0] == written, ascii(character)
        assert list(map(asked, told.parts()[1])) == list(map(asked, between)), ascii(character)


def test_every_character_of_a_recusal_cue_is_folded_as_the_slow_way_folds_it() -> None:
    for character in CHARACTERS:
        for text in (character, f"polí{character}cia. É {character}"):
            plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
            slow = "".join("\n" if c in ".!?;\n" else c if c.isalnum() else " " for c in plain)
            assert recusal.fold(text) == slow, ascii(character)


def test_short_forms_are_spelled_out() -> None:
    assert Words("Sto. André, Nsa. Sra. da Glória").folded == [
        "santo", "andre", "nossa", "senhora", "da", "gloria",
    ]  # fmt: skip


def test_the_longest_name_wins_and_none_reaches_beyond_the_text() -> None:
    names = Names(dict.fromkeys(["rio", "rio claro", "rio claro do sul", "claro do", "sul"], 1))

    def found(text: str) -> list[tuple[int, int]]:
        return [(start, end) for start, end, _ in names.find(text.split())]

    assert found("em rio claro do sul") == [(1, 5)]
    assert found("em rio claro do") == [(1, 3)]
    assert found("rio claro sul claro do sul") == [(0, 2), (2, 3), (3, 5), (5, 6)]
    assert found("no rio") == [(1, 2)]
    assert found("do claro rival") == []
