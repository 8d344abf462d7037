"""Places: from what a reporter typed to the municipality where it happened, with reasons.

Evidence, best first: CEP, municipality with its state, a name only one municipality has, another
name ("Sampa"), a neighbourhood with its state. The text proposes; the conversation asks and
confirms. Facts on sources and precision: docs/NOTICE.md and ``scripts/build_places.py``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import ClassVar

from rapidfuzz import fuzz, process

from hotline.errors import HotlineError
from hotline.routing import gazetteer, matching
from hotline.routing.gazetteer import STATES, Gazetteer, Kind, Municipality
from hotline.routing.matching import Reading
from hotline.routing.spots import Spot, weigh
from hotline.tips import Certainty, Place

_LIKENESS = 88  # of 100: one typo in a name of eight letters or more
_FAINT = 80  # from here on worth asking: one typo in a shorter name
_MARGIN = 5  # to the next name, else we ask
_OWN_STATE = "The jurisdiction's own state decides."
_ONLY_CEP = re.compile(r"\D{0,8}(\d{2})\.?(\d{3})-?(\d{3})?\D{0,3}")


class UnknownCountry(HotlineError):
    """No tables for that country are built in."""

    code: ClassVar[str] = "unknown_country"
    message = "There is no table of places for this country."
    hint = "The built-in tables cover Brazil: set the profile's country to BR."


class Places:
    """The municipalities of a country and the ways people name them."""

    def __init__(self, tables: Gazetteer, country: str) -> None:
        self._tables = tables
        self._country = country
        self._starts = [first for first, _, _ in tables.cep5]

    @classmethod
    def load(cls, country_default: str = "BR") -> Places:
        """Reads the tables in the package. Raises UnknownCountry, AliasProblem."""
        if country_default != "BR":
            raise UnknownCountry
        return cls(gazetteer.read(country_default), country_default)

    def __contains__(self, key: object) -> bool:
        return key in self._tables.by_key

    def __len__(self) -> int:
        return len(self._tables.by_key)

    def states(self) -> tuple[tuple[str, str], ...]:
        """(``BR-RJ``, name), sorted by name."""
        named = ((f"{self._country}-{code}", name) for code, name in STATES.items())
        return tuple(sorted(named, key=lambda pair: gazetteer.fold(pair[1])))

    def in_state(self, state: str) -> tuple[tuple[str, str], ...]:
        """(key, name) of its municipalities, sorted by name."""
        found = ((p.key, p.name) for p in self._tables.by_key.values() if p.state == state)
        return tuple(sorted(found, key=lambda pair: gazetteer.fold(pair[1])))

    def by_key(self, key: str) -> Place | None:
        found = self._tables.by_key.get(key)
        return found and self._place(found, Certainty.CERTAIN, "The municipality was chosen.")

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
        return self._decide(matching.read(text, self._tables), state)

    def answer(self, text: str, *, state: str | None = None) -> Place:
        """The answer to "Which city and state? Or CEP": needs no cues and forgives typos."""
        if only := _ONLY_CEP.fullmatch(text.strip()):
            return self.cep("".join(group or "" for group in only.groups()))
        reading = matching.read(text, self._tables, answer=True)
        exact = self._decide(reading, state)
        if reading.cep5 or not matching.unexplained(reading, self._tables):
            return exact
        return self._alike(reading, state) or exact

    def _decide(self, reading: Reading, state: str | None) -> Place:
        if reading.cep5 and (posted := self._posted(reading.cep5)):
            return posted
        spots = weigh(reading)
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
        if others:
            reason = f"“{spot.senses[0].label}” is the name of {len(others) + 1} places."
            return self._tie([place, *others], state, reason)
        reason = spot.because(place)
        if spot.senses[0].kind is Kind.LOCAL and not spot.backed:
            if place.state != state:
                return self._ask([place], reason, "Other places may have the same name.")
            return self._place(place, Certainty.PROBABLE, reason, _OWN_STATE)
        sure = spot.sure and not spot.elsewhere
        return self._place(place, Certainty.CERTAIN if sure else Certainty.PROBABLE, reason)

    def _tie(self, places: list[Municipality], state: str | None, *reasons: str) -> Place:
        own = [place for place in places if place.state == state]
        if len(own) == 1:
            return self._place(own[0], Certainty.PROBABLE, *reasons, _OWN_STATE)
        return self._ask(places, *reasons)

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
        return Place(
            place.key, place.name, place.state, self._country, certainty, reasons, (place.key,)
        )

    def _ask(self, places: Iterable[Municipality], *reasons: str) -> Place:
        """Several are possible: the state is told when they share it."""
        found = list(places)
        states = {place.state for place in found}
        return Place(
            state=states.pop() if len(states) == 1 else None,
            country=self._country,
            certainty=Certainty.AMBIGUOUS,
            reasons=reasons,
            candidates=tuple(place.key for place in found),
        )

    def _state_only(self, states: frozenset[str]) -> Place:
        if len(states) != 1:
            return self._nowhere("No place is named.")
        (state,) = states
        reason = f"Only the state is named: {STATES[state[-2:]]}."
        return Place(state=state, country=self._country, reasons=(reason,))

    def _nowhere(self, reason: str) -> Place:
        return Place(reasons=(reason,))
