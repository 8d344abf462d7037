"""Shares: a seed of 32 bytes on five sheets of English words (SLIP-39); any three give it back.

SLIP-39 and no format of ours: whoever holds three sheets can rebuild the seed without this program.
Its passphrase is not used: one more secret that is lost is one more way to lose every tip.

The library is the standard's reference implementation and says of itself that it resists no side
channels. It runs here on the line's own machine, a few times a year, for somebody who holds the
words in their hand; another process that could time it could read this process's memory as well.
Python cannot overwrite its strings: seed and words leave memory when the command ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.constants import CUSTOMIZATION_STRING_EXTENDABLE
from shamir_mnemonic.rs1024 import _polymod as checksum
from shamir_mnemonic.wordlist import WORD_INDEX_MAP, WORDLIST

from hotline.errors import BadInput

SHARES = 5
NEEDED = 3
WORDS = 33
CHECK_WORDS = 3  # the last words of a sheet
_UNIQUE = 4  # letters by which SLIP-39's words differ
_BY_START = {word[:_UNIQUE]: word for word in WORDLIST}


class BadSheet(BadInput):
    """What was typed is no sheet of this line. Never says a word of it."""

    code = "bad_sheet"
    message = "This is not a recovery sheet."
    hint = "Read the sheet again, word by word."


class Strangers(BadSheet):
    """Sheets that are whole each and no set together."""

    code = "strange_sheets"
    message = "These sheets do not belong together, or not to this line."
    hint = "One of them is of another set. Read the head of each sheet."


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """One custodian's share, its checksum proved. ``number`` is 1 to 5; ``set_number`` (15 bits)
    is the same on all sheets made together, and no secret."""

    number: int
    set_number: int
    words: tuple[str, ...]


def split(seed: bytes) -> tuple[Sheet, ...]:
    """Five sheets of 33 words from a 32-byte seed; two of them say nothing about it."""
    # The exponent slows the guessing of a passphrase, and there is none.
    [written] = generate_mnemonics(1, [(NEEDED, SHARES)], seed, iteration_exponent=0)
    return tuple(read_sheet(words, number) for number, words in enumerate(written, start=1))


def read_sheet(typed: str, nth: int) -> Sheet:
    """The ``nth`` sheet that was typed (from 1): words in any case, of which four letters are
    enough, with or without their numbers. Raises BadSheet, which names the place of the mistake."""
    parts = [part for part in typed.lower().split() if not part.rstrip(".").isdecimal()]
    words = [part if part in WORD_INDEX_MAP else _BY_START.get(part, "") for part in parts]
    unknown = [str(place) for place, word in enumerate(words, start=1) if not word]
    if unknown:
        which = f"Word {unknown[0]} of sheet {nth} is"
        if len(unknown) > 1:
            which = f"Words {', '.join(unknown[:5])} of sheet {nth} are"
        raise BadSheet(f"{which} not on the list of words.")
    if len(words) != WORDS:
        raise BadSheet(f"Sheet {nth} has {WORDS} words; {len(words)} were typed.")
    _checked(words, nth)
    try:
        share = Share.from_mnemonic(" ".join(words))
    except MnemonicError:
        raise BadSheet(f"Sheet {nth} is not one of a line's.") from None
    if (share.group_count, share.member_threshold) != (1, NEEDED) or share.index >= SHARES:
        raise BadSheet(f"Sheet {nth} is not one of a line's.")
    return Sheet(share.index + 1, share.identifier, tuple(words))


def _checked(words: Sequence[str], nth: int) -> None:
    indices = [WORD_INDEX_MAP[word] for word in words]
    values = [*CUSTOMIZATION_STRING_EXTENDABLE, *indices]
    if (off := checksum(values) ^ 1) == 0:
        return
    if place := _one_wrong(values, off):
        raise BadSheet(f"Word {place} of sheet {nth} is probably wrong: its checksum does not fit.")
    raise BadSheet(
        f"The checksum of sheet {nth} does not fit: two words or more are wrong.",
        "Two words may have changed places. Read the sheet again, word by word.",
    )


def _one_wrong(values: Sequence[int], off: int) -> int:
    """The place (from 1) of the word whose change alone would mend the checksum, or 0.

    SLIP-39's code is linear and any two sheets differ in four words or more, so with one or two
    words wrong no other place is ever named. Which word would mend it is not said: the standard
    warns of programs that correct, and of people who then believe them."""
    start = len(CUSTOMIZATION_STRING_EXTENDABLE)
    for place in range(start, len(values)):
        changed = list(values)
        effects = []
        for bit in range(10):
            changed[place] = values[place] ^ 1 << bit
            effects.append(checksum(changed) ^ off ^ 1)
        reach = reduce(lambda sums, effect: sums | {xor(one, effect) for one in sums}, effects, {0})
        if off in reach:
            return place - start + 1
    return 0


def join(sheets: Sequence[Sheet], set_number: int) -> bytes:
    """The seed of three different sheets of the set. Raises BadSheet. Whether it is the right one
    the caller asks the public half."""
    for nth, sheet in enumerate(sheets, start=1):
        if sheet.set_number != set_number:
            raise BadSheet(
                f"Sheet {nth} belongs to another line or to an older set.",
                "The set and the line stand at the head of each sheet.",
            )
    numbers = [sheet.number for sheet in sheets]
    if len(set(numbers)) < len(numbers):
        raise BadSheet("The same sheet was given twice.", f"{NEEDED} different sheets are needed.")
    if len(sheets) != NEEDED:
        raise BadSheet(f"{NEEDED} sheets are needed.", "Ask another custodian.")
    try:
        seed: bytes = combine_mnemonics([" ".join(sheet.words) for sheet in sheets])
    except MnemonicError:
        raise Strangers from None
    return seed
