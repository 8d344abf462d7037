"""Places: from what a reporter typed to the municipality where it happened, with reasons.

Evidence, best first: CEP, municipality with its state, a name only one municipality has, another
name ("Sampa"), a neighbourhood with its state. The text proposes; the conversation asks and
confirms. Another country's places come last (``abroad``). What is covered: docs/places.md.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from rapidfuzz import fuzz, process

from hotline.errors import HotlineError
from hotline.routing import matching, register
from hotline.routing.abroad import Abroad, Land, beside
from hotline.routing.gazetteer import Gazetteer, Kind, Municipality
from hotline.routing.matching import Reading
from hotline.routing.spots import Spot, weigh
from hotline.routing.words import Words, fold, words
from hotline.tips import Certainty, Place

_LIKENESS = 88  # of 100: one typo in a name of eight letters or more
_FAINT = 80  # from here on worth asking: one typo in a shorter name
_MARGIN = 5  # to the next name, else we ask
_MOSTLY = "People mostly mean this one of them."
_OWN_STATE = "The jurisdiction's own state decides."
_NOWHERE = Place(reasons=("No place is named.",))
_ONLY_CEP = re.compile(r"\D{0,8}(\d{2})\.?(\d{3})-?(\d{3})?\D{0,3}")


class UnknownCountry(HotlineError):
    """No tables for that country are built in."""

    code: ClassVar[str] = "unknown_country"
    message = "There is no table of places for this country."
    hint = "Set the profile's country to one of the ISO letters in countries.toml, such as BR."


class Places:
    """The municipalities of a country and the ways people name them."""

    def __init__(self, tables: Gazetteer, abroad: Abroad | None = None) -> None:
        self._tables = tables
        self._country = tables.country
        self._starts = [first for first, _, _ in tables.cep5]
        self._abroad = abroad

    @classmethod
    def load(cls, country_default: str = "BR") -> Places:
        """Reads the tables of the country; another country's when a text first names it. Raises
        UnknownCountry, AliasProblem."""
        if country_default not in register.countries():
            raise UnknownCountry
        tables = register.read(country_default)
        return cls(tables, Abroad.besides(tables))

    def __contains__(self, key: object) -> bool:
        return key in self._tables.by_key

    def __len__(self) -> int:
        return len(self._tables.by_key)

    def states(self) -> tuple[tuple[str, str], ...]:
        """(``BR-RJ``, name), sorted by name."""
        return tuple(sorted(self._tables.states.items(), key=lambda p: fold(p[1])))

    def in_state(self, state: str) -> tuple[tuple[str, str], ...]:
        """(key, name) of its municipalities, sorted by name."""
        found = ((p.key, p.name) for p in self._tables.by_key.values() if p.state == state)
        return tuple(sorted(found, key=lambda pair: fold(pair[1])))

    def one_in(self, state: str) -> str | None:
        """The key of some municipality of a state, if there is one."""
        return next((p.key for p in self._tables.by_key.values() if p.state == state), None)

    def by_key(self, key: str) -> Place | None:
        """The municipality of a key, of any country there are tables of."""
        land = key.partition(":")[0]
        if land != self._country:
            other = self._abroad and self._abroad.tables(land)
            return Places(other).by_key(key) if other else None
        found = self._tables.by_key.get(key)
        return found and self._place(found, Certainty.CERTAIN, "The municipality was chosen.")

    @property
    def postal(self) -> bool:
        """Whether postal codes are known here, so that asking for one makes sense."""
        return bool(self._tables.cep5)

    def called(self, key: str) -> str:
        """``Niterói, RJ``, ``Soacha, Cundinamarca``: with the state's letters where people write
        those, else its name. Empty for a key nobody knows."""
        land = key.partition(":")[0]
        tables = self._tables
        if land != self._country:
            other = self._abroad and self._abroad.tables(land)
            if not other:
                return ""
            tables = other
        found = tables.by_key.get(key)
        if found is None:
            return ""
        letters = found.state.partition("-")[2]
        state = letters if letters in tables.codes else tables.states.get(found.state, "")
        return f"{found.name}, {state}" if state and state != found.name else found.name

    def point(self, key: str) -> tuple[float, float] | None:
        """Latitude and longitude of the seat, where the source has one."""
        found = self._tables.by_key.get(key)
        if found is None or not found.latitude:
            return None
        return float(found.latitude), float(found.longitude)

    def cep(self, digits: str) -> Place:
        """The municipality of a postal code, 5 or 8 digits; anything else is NONE."""
        if not (digits.isascii() and digits.isdigit() and len(digits) in (5, 8)):
            return self._nowhere("A CEP has five or eight digits.")
        prefix = int(digits[:5])
        at = bisect_right(self._starts, prefix) - 1
        if at < 0 or prefix > self._tables.cep5[at][1]:
            return self._nowhere("No municipality has this CEP.")
        codes = self._tables.cep5[at][2].split()
        found = [self._tables.by_key[f"{self._country}:IBGE:{code}"] for code in codes]
        if len(found) == 1:
            return self._place(found[0], Certainty.CERTAIN, f"The CEP is of {found[0].name}.")
        return self._ask(found, "The CEP is shared by several municipalities.")

    def find(self, text: str, *, state: str | None = None) -> Place:
        """Where a free text says it happened. ``state`` (``BR-RJ``) is the jurisdiction's own:
        it only breaks ties, and what it decides is PROBABLE."""
        told = Words(text)
        reading = matching.read(told, self._tables)
        found = self._decide(reading, state)
        if self._abroad is None or reading.cep5 or not self._abroad.spoken(reading, found):
            return found
        return self._elsewhere(told, reading, found, answer=False) or found

    def _elsewhere(
        self, told: Words, reading: Reading, found: Place, *, answer: bool
    ) -> Place | None:
        """A place in another country, when the text names that country or region beside it, or
        names nothing here and a town that no second country has. Never more than PROBABLE without
        the country's name."""
        lands = self._abroad.named(reading, found, answer) if self._abroad else ()
        places = [place for land in lands if (place := _there(told, land, answer))]
        return places[0] if len(places) == 1 else None

    def answer(self, text: str, *, state: str | None = None) -> Place:
        """The answer to "Which city and state? Or CEP": needs no cues and forgives typos."""
        if only := _ONLY_CEP.fullmatch(text.strip()):
            return self.cep("".join(group or "" for group in only.groups()))
        told = Words(text)
        reading = matching.read(told, self._tables, answer=True)
        exact = self._decide(reading, state)
        if reading.cep5 or not matching.unexplained(reading, self._tables):
            return exact
        if self._abroad and (there := self._elsewhere(told, reading, exact, answer=True)):
            return there
        return self._alike(reading, state) or exact

    def _decide(self, reading: Reading, state: str | None) -> Place:
        if reading.cep5 and (posted := self._posted(reading.cep5)):
            return posted
        spots = weigh(reading, self._tables) if reading.mentions else []
        if not spots:
            return self._state_only(reading.states)
        if len(spots) > 1:
            named = {key: place for spot in spots for key, place in spot.places.items()}
            return self._ask(named.values(), "Several municipalities are named.")
        return self._settle(spots[0], state)

    def _posted(self, cep5: Iterable[str]) -> Place | None:
        """Where the CEPs of a text lie together; None when the table knows none of them."""
        places = [place for digits in cep5 if (place := self.cep(digits)).candidates]
        if len({place.candidates for place in places}) < 2:
            return places[0] if places else None
        keys = dict.fromkeys(key for place in places for key in place.candidates)
        several = [self._tables.by_key[key] for key in keys]
        return self._ask(several, "The CEPs are of several municipalities.")

    def _settle(self, spot: Spot, state: str | None) -> Place:
        """One spot is left: sure, likely, or still several municipalities of that name."""
        place, *others = spot.places.values()
        if spot.origin:
            told = "It is told as where somebody or something is from."
            return replace(self._ask([place, *others], told), state=None)
        if others:
            reason = f"“{spot.senses[0].label}” is the name of {len(others) + 1} places."
            if meant := self._meant(spot, state):
                return self._place(meant, Certainty.PROBABLE, reason, _MOSTLY)
            return self._tie([place, *others], state, reason)
        reason = spot.because(place)
        if spot.senses[0].kind is Kind.LOCAL and not spot.backed:
            if place.state != state:
                return self._ask([place], reason, "Other places may have the same name.")
            return self._place(place, Certainty.PROBABLE, reason, _OWN_STATE)
        if not spot.backed and self._shared(spot):
            doubt = "Other places may have the same name."
            return replace(self._ask([place], reason, doubt), state=None)
        sure = spot.sure and not spot.elsewhere
        return self._place(place, Certainty.CERTAIN if sure else Certainty.PROBABLE, reason)

    def _shared(self, spot: Spot) -> bool:
        """Whether a great city of another country bears the name: Buenos Aires."""
        return self._abroad is not None and spot.senses[0].label in self._abroad.shared

    def _tie(self, places: list[Municipality], state: str | None, *reasons: str) -> Place:
        own = [place for place in places if place.state == state]
        if len(own) == 1:
            return self._place(own[0], Certainty.PROBABLE, *reasons, _OWN_STATE)
        return self._ask(places, *reasons)

    def _meant(self, spot: Spot, state: str | None) -> Municipality | None:
        """The one that people mean by a name that several bear, as Belém in Pará: unless another
        lies in the line's own state, or nothing but the name says that it happened there."""
        if not (spot.cue or spot.crime or spot.here):
            return None
        key = self._tables.meant.get(" ".join(words(spot.senses[0].label)), "")
        place = spot.places.get(key)
        return place if place and spot.states.isdisjoint({state} - {place.state}) else None

    def _alike(self, reading: Reading, state: str | None) -> Place | None:
        """The name most like the words, when it is like enough and the next is far behind."""
        said, states = matching.name_part(reading, self._tables)
        names = self._tables.names
        if states:
            within = {n: tuple(p for p in ps if p.state in states) for n, ps in names.items()}
            names = {name: places for name, places in within.items() if places}
        found = process.extract(said, list(names), scorer=fuzz.ratio, score_cutoff=_FAINT, limit=6)
        near = [name for name, score, _ in found if found[0][1] - score < _MARGIN]
        if not near:
            return None
        places = [place for name in near for place in names[name]]
        if found[0][1] < _LIKENESS:
            return self._ask(places, "This is a little like what was written.")
        if len(near) > 1:
            return self._ask(places, "Several names are as much like what was written.")
        reason = f"“{places[0].name}” is the name most like what was written."
        if len(places) == 1:
            return self._place(places[0], Certainty.PROBABLE, reason)
        return self._tie(places, state, reason, f"It is the name of {len(places)} places.")

    def _place(self, place: Municipality, certainty: Certainty, *reasons: str) -> Place:
        state = place.state or None
        return Place(place.key, place.name, state, self._country, certainty, reasons, (place.key,))

    def _ask(self, places: Iterable[Municipality], *reasons: str) -> Place:
        """Several are possible: the state is told when they share it."""
        found = list(places)
        states = {place.state for place in found}
        return Place(
            state=states.pop() or None if len(states) == 1 else None,
            country=self._country,
            certainty=Certainty.AMBIGUOUS,
            reasons=reasons,
            candidates=tuple(place.key for place in found),
        )

    def _state_only(self, states: frozenset[str]) -> Place:
        if len(states) != 1:
            return _NOWHERE
        (state,) = states
        reason = f"Only the state is named: {self._tables.states[state]}."
        return Place(state=state, country=self._country, reasons=(reason,))

    def _nowhere(self, reason: str) -> Place:
        return Place(reasons=(reason,))


def _there(told: Words, land: Land, answer: bool) -> Place | None:
    """Where in that country: only a name that stands as a place does, or beside the country's."""
    tables, starts = land
    reading = matching.read(told, tables, answer=answer)
    held = [any(beside(m.span[1], at, reading.words) for at in starts) for m in reading.mentions]
    both = list(zip(reading.mentions, held, strict=True))
    kept = tuple(m for m, named in both if answer or named or m.cue or m.attached)
    place = Places(tables)._decide(reading._replace(mentions=kept), None)
    if place.candidates or place.state:
        sure = place.certainty is Certainty.CERTAIN and not any(held)
        return replace(place, certainty=Certainty.PROBABLE) if sure else place
    if not starts or not (answer or reading.states):
        return None
    name = register.countries()[tables.country]["name"]
    return Place(country=tables.country, reasons=(f"Only the country is named: {name}.",))
