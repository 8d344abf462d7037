"""Context: the words of a text and what those around a place's name say about it."""

from __future__ import annotations

from hotline.routing.gazetteer import Cues
from hotline.routing.words import SPELLED, WORD, Words

SENTENCE_END = frozenset(".!?;\n")
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
        """Whether no comma or more stands before the word."""
        gap = self.between[at - 1]
        return gap == " " or gap.strip() in ("", ".")

    def before(self, at: int) -> str:
        """The folded word before, or nothing across a comma or more."""
        return self.folded[at - 1] if at and self.joined(at) else ""

    def head(self, at: int) -> str:
        """The word that the name at ``at`` belongs to: ``rua`` in "rua de Santos"."""
        previous = self.before(at)
        return self.before(at - 1) if previous in self.cues.glue else previous

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
                return False, True, True
            if self.folded[at] in self.cues.elsewhere:
                return False, True, False
        for at in range(end, min(end + 4, len(self.folded))):
            if self.between[at - 1] != " " and not CLAUSE_END.isdisjoint(self.between[at - 1]):
                break
            if self.folded[at] in self.cues.crime:
                return True, False, False
        return False, False, False

    def _is_of(self, at: int, start: int) -> bool:
        """Whether somebody "is of" the place: "é de Natal", "es de Jalisco"."""
        said = self.written[at].lower() in ("é", "sou", "es", "soy", "est", "suis", "eres")
        return said and at == start - 2 and self.folded[start - 1] in ("de", "da", "do", "d")
