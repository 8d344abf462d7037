"""Context: the words of a text and what those around a place's name say about it."""

from __future__ import annotations

from hotline.routing.gazetteer import SHORTENED, Cues
from hotline.routing.words import SPELLED, WORD, Words

SENTENCE_END = frozenset(".!?;\n")
_SHORT = SHORTENED.union(
    (
        "r",
        "av",
        "trav",
        "rod",
        "est",
        "prof",
        "sr",
        "sra",
        "dr",
        "dra",
        "dna",
        "st",
        "rd",
        "ave",
        "bd",
    )
)
_OWN = ("sou", "soy", "suis")  # the reporter's own town is more than somebody's
_OURS = ("gente", "nois")
_STOP = frozenset(".!?;")
CLAUSE_END = frozenset(".!?;,:\n")


class Text:
    """The words of a text, as written and folded, and what stands between them."""

    __slots__ = ("between", "cues", "folded", "shouting", "written")

    def __init__(self, words: Words, cues: Cues) -> None:
        self.cues = cues
        self.folded = words.folded
        self.written, self.between = words.parts()
        self.shouting = len(self.written) > 2 and words.text.isupper()

    def shortened(self, at: int) -> bool:
        """Whether the full stop after the word is an abbreviation's: "Sto."."""
        return self.written[at].lower() in SPELLED

    def capital(self, at: int) -> bool:
        return not self.shouting and self.written[at][0].isupper()

    def joined(self, at: int) -> bool:
        """Whether no comma or more stands before the word; a full stop may shorten it: "Av."."""
        gap = self.between[at - 1]
        if gap == " " or not (sign := gap.strip()):
            return True
        return sign == "." and (self.folded[at - 1] in _SHORT or self.shortened(at - 1))

    def before(self, at: int) -> str:
        """The folded word before, or nothing across a comma or more."""
        return self.folded[at - 1] if at and self.joined(at) else ""

    def head(self, at: int) -> str:
        """The word that the name at ``at`` belongs to: ``rua`` in "rua de Santos"."""
        previous = self.before(at)
        return self.before(at - 1) if previous in self.cues.glue else previous

    def here(self, start: int) -> bool:
        """Whether the writer is there: "aqui em Santos", "daqui de Santos", "aqui é Santos"."""
        at = start - 1
        while at >= max(0, start - 3) and self.joined(at + 1):
            if self.folded[at] in self.cues.here:
                return True
            if self.folded[at] not in self.cues.inside and self.folded[at] not in self.cues.glue:
                return False
            at -= 1
        return False

    def alone(self, start: int, end: int) -> bool:
        """Whether the name is a whole sentence: "Tão armados. Duque de Caxias"."""
        before = start == 0 or (
            not _STOP.isdisjoint(self.between[start - 1]) and len(self.written[start - 1]) > 1
        )
        return before and (
            end >= len(self.folded) or not SENTENCE_END.isdisjoint(self.between[end - 1])
        )

    def addressed(self, start: int, end: int) -> bool:
        """Whether the name ends an address: "Rua das Palmeiras 12, Santos."."""
        ends = end >= len(self.folded) or not SENTENCE_END.isdisjoint(self.between[end - 1])
        if not ends or start == 0 or "," not in self.between[start - 1]:
            return False
        for at in range(start - 1, max(start - 7, -1), -1):
            if self.folded[at] in self.cues.road or self.folded[at] in self.cues.area:
                return True
            if at and not SENTENCE_END.isdisjoint(self.between[at - 1]):
                return False
        return False

    def said_to_be(self, start: int) -> bool:
        """Whether a clause begins with "é" and the name: "racha na avenida. É Praia Grande"."""
        at = start - 1
        return (
            at > 0
            and self.written[at] in ("é", "É")
            and self.between[at] == " "
            and not CLAUSE_END.isdisjoint(self.between[at - 1])
        )

    def road_to(self, start: int, end: int) -> bool:
        """Whether it says which road, by the town that it leads to: "na estrada de Piracaia"."""
        led = start > 1 and self.folded[start - 1] == "de" and self.folded[start - 2] == "estrada"
        numbered = end < len(self.folded) and self.folded[end] == "km"
        return led and self.joined(start - 1) and not (numbered or self.continues(end))

    def own(self, start: int) -> bool:
        """Whether the reporter says to be of the place: "sou de Natal"."""
        return self.before(start) in self.cues.glue and self.before(start - 1) in _OWN

    def handle(self, start: int, end: int) -> bool:
        """Whether the words are part of a handle or an address: "@vaza_tudo_sinop"."""
        before = self.between[start - 1] if start else ""
        return before.endswith(("_", "@", "/")) or self.between[end - 1].startswith(("_", "@"))

    def named_after(self, start: int) -> bool:
        """Whether a proper name stands right before, so that the place is a part of it: "Clínica
        Santa Mônica", "Flora Bela Vista"."""
        if start < 2 or self.between[start - 1] != " " or not self.capital(start):
            return False
        word = self.folded[start - 1]
        opens = not SENTENCE_END.isdisjoint(self.between[start - 2])
        return (
            self.capital(start - 1)
            and not opens
            and word not in self.cues.town
            and word not in self.cues.inside
            and word not in self.cues.glue
        )

    def continues(self, end: int) -> bool:
        """Whether the name goes on, as in "Mariana Silva"."""
        return end < len(self.folded) and self.between[end - 1].isspace() and self.capital(end)

    def in_street(self, start: int) -> bool:
        """Whether the words belong to a street's name: "Rua Doutor Mendes"."""
        for at in range(start - 1, max(start - 5, -1), -1):
            word = self.folded[at]
            if not self.joined(at + 1):
                return False
            if word in self.cues.road:
                return True
            if word not in self.cues.glue and not self.capital(at):
                return False
        return False

    def bent(self, start: int, end: int, label: str) -> bool:
        """Whether an accent makes it another word: "própria" is not Propriá."""
        if "".join(self.written[start:end]).isascii():
            return False
        ours = [word.lower() for word in WORD.findall(label)]
        theirs = [word.lower() for word in self.written[start:end]]
        return len(ours) == len(theirs) and any(
            not b.isascii() and a != b for a, b in zip(ours, theirs, strict=True)
        )

    def points(self, start: int, end: int, since: int) -> tuple[bool, bool, bool]:
        """(crime, elsewhere, origin): what the nearest telling words of the clause say."""
        for at in range(start - 1, max(start - 7, since - 1), -1):
            if self.between[at] != " " and not SENTENCE_END.isdisjoint(self.between[at]):
                break
            if self.folded[at] in self.cues.crime:
                return True, False, False
            if start - at <= 3 and (self.folded[at] in self.cues.origin or self._is_of(at, start)):
                return False, True, not self._of_ours(at)
            if self.folded[at] in self.cues.elsewhere or (
                at == start - 1 and self.folded[at] in self.cues.thither
            ):
                return False, True, False
        for at in range(end, min(end + 4, len(self.folded))):
            if self.between[at - 1] != " " and not CLAUSE_END.isdisjoint(self.between[at - 1]):
                break
            if self.folded[at] in self.cues.crime:
                return True, False, False
        return False, False, False

    def _of_ours(self, at: int) -> bool:
        """Whether that somebody is the reporter: "sou de Natal", "a gente é de Natal"."""
        return self.written[at].lower() in _OWN or (at > 0 and self.folded[at - 1] in _OURS)

    def _is_of(self, at: int, start: int) -> bool:
        """Whether somebody "is of" the place: "é de Natal", "es de Jalisco", "Nair, de Natal"."""
        if at == start - 2 and self.folded[start - 1] == "de" and "," in self.between[at]:
            return self.capital(at)
        said = self.written[at].lower() in ("é", "sou", "es", "soy", "est", "suis", "eres")
        return said and at == start - 2 and self.folded[start - 1] in ("de", "da", "do", "d")
