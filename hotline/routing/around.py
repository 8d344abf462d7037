"""Around: what the grammar of a text says of its words: which are denied, quoted or hearsay.

Words are numbered as a scan of the text counts them: without fillers and punctuation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum

PAUSES = frozenset(".,;:!?\n")
QUOTE = '"'
_QUOTED, _HEARSAY = 0.6, 0.7  # how much of what is told counts
_NEGATION_REACH = 4  # words after a negator


class Role(IntEnum):
    """What a grammar word does to the words after it."""

    FILLER = 1  # left out of texts and terms
    NEGATOR = 2
    PARDON = 3  # after a negator: 'not only', 'do not know who' deny nothing
    TURN = 4  # ends a denial: 'but'


def denied(pieces: Sequence[str], roles: Mapping[str, Role]) -> frozenset[int]:
    """A negation reaches four words, up to a pause or a turn ('but')."""
    found = []
    left = at = 0
    for piece in pieces:
        role = roles.get(piece)
        if piece in PAUSES or role is Role.TURN or role is Role.PARDON:
            left = 0
        if piece in PAUSES or piece == QUOTE:
            continue
        if role is not Role.FILLER:
            if left:
                found.append(at)
            at += 1
        left = _NEGATION_REACH if role is Role.NEGATOR else max(0, left - 1)
    return frozenset(found)


def doubted(
    pieces: Sequence[str], roles: Mapping[str, Role], hearsay: Sequence[int]
) -> Mapping[int, float]:
    """How surely the words are told that are quoted or in a sentence with ``hearsay``."""
    quoted: list[int] = []
    sentences: list[int] = []
    sentence = opened = 0
    quoting = False
    for piece in pieces:
        if piece in PAUSES:
            sentence += piece != ","
        elif piece == QUOTE:
            quoting, opened = not quoting, len(quoted)
        elif roles.get(piece) is not Role.FILLER:
            if quoting:
                quoted.append(len(sentences))
            sentences.append(sentence)
    if quoting:  # a quotation mark that never closes quotes nobody
        del quoted[opened:]
    sure = dict.fromkeys(quoted, _QUOTED)
    told = {sentences[at] for at in hearsay}
    for at, one in enumerate(sentences) if told else ():
        if one in told:
            sure[at] = sure.get(at, 1.0) * _HEARSAY
    return sure
