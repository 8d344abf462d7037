"""Judge: decides which meanings of a place's name the words around it allow."""

from __future__ import annotations

from typing import NamedTuple

from hotline.routing.context import CLAUSE_END, Text
from hotline.routing.gazetteer import SHORTENED, Gazetteer, Kind, Sense

_BESIDE = frozenset(["", ",", "-", "/", "–", "—", "(", "|"])
_CITIES = frozenset(["Rio de Janeiro", "São Paulo"])

Senses = tuple[Sense, ...]


class Mention(NamedTuple):
    """A name in the text with the meanings the words around it allow.

    ``attached``: the state stands right beside it. ``cue``: 2 after "cidade de", 1 after "em",
    else 0. ``crime``, ``elsewhere`` and ``origin``: the words before it place the crime, or the
    person, or say where somebody or something comes from. ``here``: "aqui em", or the name is a
    sentence of its own."""

    senses: tuple[Sense, ...]
    span: tuple[int, int]
    attached: bool = False
    cue: int = 0
    crime: bool = False
    elsewhere: bool = False
    origin: bool = False
    here: bool = False


def _is_state(senses: Senses) -> bool:
    """Goiás is the state before it is the town; Rio de Janeiro and São Paulo are cities."""
    return senses[-1].kind is Kind.STATE and senses[-1].label not in _CITIES


class Judge:
    """Decides which meanings of a name the words around it allow."""

    __slots__ = ("answer", "cues", "gazetteer", "since", "text", "tone")

    def __init__(self, text: Text, gazetteer: Gazetteer, answer: bool) -> None:
        self.text, self.gazetteer, self.answer = text, gazetteer, answer
        self.cues = gazetteer.cues
        self.since = 0  # where the last mention ended, with its state
        self.tone = (False, False, False)  # what the clause said of it: crime, elsewhere, origin

    def mention(self, start: int, end: int, known: Senses) -> Mention | None:
        """What the name means here; None when it names no place."""
        text, since = self.text, self.since
        # States stand last.
        stated = known[-1].place is None
        senses = tuple([s for s in known if s.place]) if stated else known
        if not senses or start < since or not self._whole(start, end) or text.handle(start, end):
            return None
        state, until = self._state_after(end, senses)
        head, previous, span = text.head(start), text.before(start), (start, end)
        here = text.here(start)
        cue = 2 if head in self.cues.town else int(here or previous in self.cues.inside)
        here = here or text.alone(start, until) or text.said_to_be(start)
        senses = self._fitting(senses, state, certain=cue == 2 or not _is_state(known))
        if self.answer:
            self.since = until
            return Mention(senses, span, bool(state), cue=2) if senses else None
        led = text.road_to(start, end) and bool(senses) and senses[0].kind is Kind.NAME
        if self._part_of(head, end, led=led):
            return None
        if previous in self.cues.area or (previous in ("da", "do") and head in self.cues.area):
            within = tuple(s for s in senses if s.kind >= Kind.DISTRICT)
            senses = within if previous in self.cues.area else within or senses
        elif not (state or here) and text.named_after(start):
            return None
        if not state:
            senses = self._counting(senses, start, end, cue)
        if not senses or not (state or led or not text.in_street(start)):
            return None
        self.since = until  # a name that is no place takes no state with it: "Praça Mauá, Rio"
        linked = since and self.cues.link.issuperset(text.folded[since:start])
        self.tone = self.tone if linked else text.points(start, end, since)
        if here or led:
            self.tone = (self.tone[0] and here, led and not here, False)
        return Mention(senses, span, bool(state), cue, *self.tone, here)

    def _part_of(self, head: str, end: int, *, led: bool) -> bool:
        """Whether the name belongs to a state, a street, a house or a person; a country road
        (``led``) is named by where it leads."""
        return head == "estado" or self._of_road(end) or (head in self.cues.not_a_town and not led)

    def _of_road(self, end: int) -> bool:
        """Whether a road or building follows, as English names them: "Brasília Avenue"."""
        text = self.text
        after = text.folded[end] if end < len(text.folded) else ""
        return after in self.cues.behind and text.between[end - 1] == " " and text.capital(end)

    def _fitting(self, senses: Senses, state: str, *, certain: bool) -> Senses:
        """The meanings in the state written beside the name, the municipality before its
        namesakes; without one, those that are not a state's name first of all."""
        if state:
            senses = tuple(s for s in senses if s.state == state)
            return tuple(s for s in senses if s.kind is Kind.NAME) or senses
        return senses if certain else tuple(s for s in senses if s.kind is not Kind.NAME)

    def _counting(self, senses: Senses, start: int, end: int, cue: int) -> Senses:
        """All meanings, once the words around allow one of them: which of the places of that
        name is meant is a question. A code written as a code means itself only."""
        for sense in senses:
            bent = end - start == 1 and self.text.bent(start, end, sense.label)
            if not bent and self._counts(sense, start, end, cue):
                break
        else:
            return ()
        codes = [s for s in senses if s.kind is Kind.SHORT and self._is_code(s, start)]
        return tuple(codes) or senses

    def _whole(self, start: int, end: int) -> bool:
        """No comma inside the name; a shortened first word shows that it is one."""
        text = self.text
        if end - start == 1:
            return True
        shortened = text.folded[start] in SHORTENED
        if shortened and not ("." in text.between[start] or text.written[start][0].isupper()):
            return False
        return all(
            CLAUSE_END.isdisjoint(text.between[at]) or text.shortened(at)
            for at in range(start + shortened, end - 1)
        )

    def _counts(self, sense: Sense, start: int, end: int, cue: int) -> bool:
        text, single = self.text, end - start == 1
        previous, capital = text.before(start), text.capital(start)
        if sense.kind is Kind.NAME and not sense.everyday:
            return True
        area = text.head(start) in self.cues.area
        match sense.kind:
            case Kind.NAME | Kind.TOWN if sense.everyday:
                return self._meant(start, end, cue)
            case Kind.NAME | Kind.TOWN:
                return capital or cue > 0
            case Kind.OTHER:
                return not single or capital or cue > 0
            case Kind.SHORT if sense.label.isupper():
                return previous in self.cues.at or self._is_code(sense, start)
            case Kind.SHORT:
                return capital and previous in self.cues.towards and not text.continues(end)
            case Kind.DISTRICT:
                return not single or capital or area or cue > 0 or text.shouting
            case _:
                of = previous in ("da", "do") and start > 1 and not text.capital(start - 2)
                return not single or area or (capital and (previous in self.cues.inside or of))

    def _meant(self, start: int, end: int, cue: int) -> bool:
        """Whether an everyday word is meant as the place it also names: "em Posse", "prefeitura de
        Posse", or a sentence that says nothing else."""
        text, previous = self.text, self.text.before(start)
        if cue == 2:
            return True
        if text.alone(start, end):
            return text.capital(start) or text.shouting
        if text.said_to_be(start):  # "É Natal" is Christmas
            return text.capital(start) and end - start > 1
        at = previous in self.cues.at or (previous == "a" and text.written[start - 1] in "àÀ")
        if at or text.addressed(start, end) or text.own(start):
            return text.capital(start) and not text.continues(end)
        return text.capital(start) and text.here(start)

    def _is_code(self, sense: Sense, at: int) -> bool:
        """Whether it is written as the code it is: POA is Porto Alegre, Poá is not."""
        return sense.label.isupper() and self.text.written[at] == sense.label

    def _state_after(self, end: int, senses: Senses) -> tuple[str, int]:
        """The state written right beside the name, when one of the meanings lies in it, and
        where it ends."""
        text = self.text
        if end >= len(text.folded) or (sign := text.between[end - 1].strip()) not in _BESIDE:
            return "", end
        code = text.written[end]
        if len(code) == 2 and code.upper() in self.gazetteer.codes:
            written = f"{self.gazetteer.country}-{code.upper()}"
            if any(sense.state == written for sense in senses):
                bare = sign == "" and not text.shouting and code in self.cues.wordlike
                return ("", end) if bare else (written, end + 1)
        at, last = end, len(text.folded) - 1
        while at < min(end + 3, last) and text.folded[at] in self.cues.state_glue:
            at += 1
        for count in self.gazetteer.senses.lengths.get(text.folded[at], ()):
            name = " ".join(text.folded[at : at + count])
            for sense in self.gazetteer.senses.get(name, ()):
                within = sense.kind is Kind.STATE and any(s.state == sense.state for s in senses)
                if within and self._spelled(sense, at):
                    return sense.state, at + count
        return "", end

    def _spelled(self, state: Sense, at: int) -> bool:
        """Pará needs its accent: without it, it is the commonest of prepositions."""
        return state.label != "Pará" or self.text.written[at].lower() == "pará"

    def states(self, spans: list[tuple[int, int, Senses]], *, codes: bool) -> frozenset[str]:
        """States named anywhere: their own names, "estado do Rio", codes in capitals."""
        text, found = self.text, set[str]()
        estado = "estado" in text.folded
        if not codes and not estado and all(senses[-1].place for _, _, senses in spans):
            return frozenset()
        for start, end, senses in spans:
            if estado and text.head(start) == "estado":
                labels = self.gazetteer.states.values()
                found |= {s.state for s in senses if s.label == "Rio" or s.label in labels}
            elif _is_state(senses) or (self.answer and start > 0 and senses[-1].kind is Kind.STATE):
                named = text.capital(start) or end - start > 1 or self.answer
                clear = text.head(start) not in self.cues.not_a_town
                if named and clear and self._spelled(senses[-1], start):
                    found |= {sense.state for sense in senses if sense.kind is Kind.STATE}
        if not codes or (not self.answer and self.gazetteer.codes.isdisjoint(text.written)):
            return frozenset(found)
        for at, word in enumerate(text.written):
            if word.upper() in self.gazetteer.codes and self._code(at):
                found.add(f"{self.gazetteer.country}-{word.upper()}")
        return frozenset(found)

    def _code(self, at: int) -> bool:
        """Whether the two letters are a state: "SP", not "ap 302", "SP-123" or "se"."""
        text = self.text
        number = at + 1 < len(text.folded) and text.folded[at + 1].isdigit()
        if self.answer:
            return not number and (at == len(text.folded) - 1 or text.written[at].isupper())
        return not number and not text.shouting and text.written[at].isupper()
