"""Stripping: one text as the rules of disclosure see it."""

from __future__ import annotations

from bisect import bisect_left

from hotline.intake.stripping.lists import Lists
from hotline.intake.stripping.normalise import GUARD, Matching, Token
from hotline.intake.stripping.spans import Finding, Side


class Reading:
    """One text as the disclosure rules see it: words, grammar lists, other people's words."""

    def __init__(
        self,
        matched: Matching,
        words: list[Token],
        known: Lists,
        regions: list[tuple[int, int]],
    ) -> None:
        self.matched, self.words, self.regions = matched, words, regions
        self.lists = known
        self.shouted = matched.cased.isupper()

    def finding(self, start: int, end: int, kind: str, reason: str) -> Finding:
        first, last = self.words[start], self.words[end - 1]
        return Finding(first.start, last.end, kind, "", True, Side.REPORTER, reason)

    def between(self, start: int, end: int) -> list[str]:
        """The words that begin in a stretch of the matching text."""
        at = bisect_left(self.words, start, key=lambda token: token.start)
        found = []
        while at < len(self.words) and self.words[at].start < end:
            found.append(self.words[at].word)
            at += 1
        return found

    def at(self, place: int) -> int:
        """The index of the first word that begins at or after a place of the matching text."""
        return bisect_left(self.words, place, key=lambda token: token.start)

    def holds(self, start: int, end: int) -> bool:
        """Whether a token of ours stands in a stretch of the matching text."""
        return GUARD in self.matched.text[start:end]

    def sentence(self, start: int, end: int) -> set[str]:
        """The words of the sentence around a stretch, at most 15 on each side."""
        first, last = start, end
        while first > max(0, start - 15) and not self.words[first].hard:
            first -= 1
        while last < min(len(self.words), end + 15) and not self.words[last].hard:
            last += 1
        return {token.word for token in self.words[first:last]}

    def guarded(self, i: int) -> bool:
        """Whether word ``i`` is a token of ours."""
        return self.words[i].word[0] == GUARD

    def gap(self, i: int) -> str:
        """The text between word ``i - 1`` and word ``i``."""
        if not 0 < i < len(self.words):
            return ""
        return self.matched.text[self.words[i - 1].end : self.words[i].start]

    def unbroken(self, i: int) -> str:
        """What stands around word ``i`` without a space, at most 60 characters to each side."""
        token, text = self.words[i], self.matched.text
        before = text[max(0, token.start - 60) : token.start].replace("\n", " ").rpartition(" ")[2]
        return before + text[token.start : token.end + 60].replace("\n", " ").partition(" ")[0]

    def name_end(self, start: int, *, cased: bool) -> int:
        """The index after the name that begins at word ``start``; ``start`` when none does."""
        words, at, last = self.words, start, start
        while at < len(words) and at - start < 6:
            token = words[at]
            if at > start and (token.hard or token.soft or "\n" in self.gap(at)):
                break
            if token.word in self.lists.common["particle"] and at > start:
                at += 1
                continue
            if not self._namelike(token, first=at == start, cased=cased):
                break
            if at - start >= 3 and not token.upper:
                break
            at += 1
            last = at
        return last

    def persons(self, start: int, end: int) -> list[tuple[int, int]]:
        """Persons named between two places of the matching text: a title and a capital ("Mrs.
        Abernathy"), or a known first name that is no part of a longer one ("for Harlan", not
        "Escola Maria Clara"). As such places, titles included."""
        at, found = self.at(start), []
        while at < len(self.words) and self.words[at].end <= end:
            titled = at > 0 and self._titled(at)
            if self.shouted or not self.words[at].upper or not (titled or self._first_name(at)):
                at += 1
                continue
            last = max(at + 1, self.name_end(at, cased=True))
            first = at - 1 if titled else at
            found.append((self.words[first].start, min(end, self.words[last - 1].end)))
            at = last
        return found

    def _titled(self, i: int) -> bool:
        """Whether a title stands right before word ``i``, and a name may follow it."""
        name, before = self.words[i], self.words[i - 1].word
        if name.soft or name.hard or before not in self.lists.titles:
            return False
        if i > 1 and self.words[i - 2].word in self.lists.common["at_place"]:
            return False  # "au Ti Sable" is a place
        listed = name.word in self.lists.first_names or name.word in self.lists.surnames
        return listed or before in self.lists.ranks - self.lists.function

    def _first_name(self, i: int) -> bool:
        """Whether word ``i`` is a known first name that begins a name."""
        name = self.words[i]
        if name.word not in self.lists.first_names:
            return False
        if i and self.words[i - 1].word in self.lists.closekin:
            return False  # "my husband Royce": near the reporter
        if self.gap(i) == "-":
            return False  # "Belle-Plaine"
        after = self.words[i + 1] if i + 1 < len(self.words) else None
        if after and after.upper and self.gap(i + 1) == " " and not self._listed(after):
            return False  # "Jackson Memorial"
        if i == 0 or name.soft or name.hard:
            return True
        places = (self.lists.street, self.lists.common["school"])
        beside = (self.words[i - 1].word, after.word if after else "")
        return not self.words[i - 1].upper and not any(w in p for w in beside for p in places)

    def _listed(self, token: Token) -> bool:
        return token.word in self.lists.first_names or token.word in self.lists.surnames

    def all_names(self, at: int) -> bool:
        """Whether one to four capitalised words make up the sentence at word ``at``, or its part
        before a comma."""
        end = at
        while end < len(self.words) and (
            end == at or not (self.words[end].hard or self.words[end].soft)
        ):
            token = self.words[end]
            if token.word in self.lists.common["particle"] and end > at:
                end += 1
                continue
            if (
                not token.upper
                or token.word in self.lists.function
                or token.word in self.lists.no_name
            ):
                return False
            if token.word in self.lists.street or token.word.isdigit() or end - at > 4:
                return False
            end += 1
        return end - at >= 2

    def place(self, at: int) -> bool:
        """Whether what stands from word ``at`` to the next break is a place that nobody is called:
        "Jaraguá do Sul", "Ituporanga SC", not "Rosario"."""
        words, known, end = self.words, self.lists, at + 1
        while end < len(words) and not (words[end].soft or words[end].hard):
            end += 1
        said = [token.word for token in words[at:end]]
        if end - at > 1 and len(said[-1]) <= 3 and " ".join(said) not in known.places:
            said.pop()  # a state's letters
        if not any(" ".join(said[:size]) in known.places for size in range(1, len(said) + 1)):
            return said[0] in known.common["placelike"]
        if said[0] in known.common["placelike"]:
            return True
        names = [word for word in said if word not in known.common["particle"]]
        called = all(word in known.first_names or word in known.surnames for word in names)
        return not (called and said[0] in known.first_names)

    def name_word(self, i: int) -> bool:
        """Whether word ``i`` goes on with a name: a known name, a particle, or a capital."""
        token = self.words[i]
        if token.hard or token.soft or token.word in self.lists.street or token.word.isdigit():
            return False
        known = token.word in self.lists.first_names or token.word in self.lists.surnames
        return (
            known
            or token.word in self.lists.common["particle"]
            or (token.upper and not self.shouted)
        )

    def upper_after(self, token: Token) -> bool:
        """Whether a capital follows after one space ("Officer Daniels", "Lic. Benegas")."""
        return self.matched.cased[token.end : token.end + 3].strip(". ")[:1].isupper()

    def _namelike(self, token: Token, *, first: bool, cased: bool) -> bool:
        word = token.word
        if word.isdigit() or word[0] == GUARD or (len(word) == 1 and not token.upper):
            return False
        if token.upper and not self.shouted:
            title = first and cased and word in self.lists.no_name
            return word not in self.lists.common["end"] and not (
                title and not self.upper_after(token)
            )
        if cased and not self.shouted:
            return False
        return (
            word not in self.lists.function
            and word not in self.lists.no_name
            and word not in self.lists.nouns
        )
