"""Spots: weighs the mentions of a text, until one place or a question is left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from hotline.routing.gazetteer import Gazetteer, Kind, Municipality, Sense
from hotline.routing.judge import Mention
from hotline.routing.matching import Reading


class Spot(NamedTuple):
    """One place a text may mean, with all that speaks for it. ``backed``: a state, a dialling
    code or the municipality itself is named with it. ``beside``: of the places of that name it is
    one in the state of the others that are named."""

    senses: tuple[Sense, ...]
    cue: int
    backed: bool
    crime: bool
    elsewhere: bool
    origin: bool = False
    here: bool = False
    beside: bool = False

    @property
    def places(self) -> dict[str, Municipality]:
        return {sense.place.key: sense.place for sense in self.senses if sense.place}

    @property
    def states(self) -> set[str]:
        return {sense.state for sense in self.senses}

    @property
    def faint(self) -> bool:
        """Whether nothing but its name says that a place is meant, and many bear the name: "a
        caixa d'água"."""
        local = self.senses[0].kind is Kind.LOCAL
        return local and not (self.backed or self.crime or self.here or self.cue)

    def may_be_state(self, states: dict[str, str]) -> bool:
        """Rio de Janeiro and São Paulo are states too."""
        return all(place.name == states.get(place.state) for place in self.places.values())

    @property
    def sure(self) -> bool:
        """Whether it needs no question: its name with its state, or an uncommon name with a
        word that makes it a place."""
        best = self.senses[0]
        if best.kind is not Kind.NAME:
            return best.kind is Kind.OTHER and self.backed
        return self.backed or self.cue == 2 or (self.cue == 1 and not best.everyday)

    def because(self, place: Municipality) -> str:
        """Why this place, in one sentence that quotes our own spelling only."""
        best = self.senses[0]
        match best.kind:
            case _ if self.beside:
                return f"“{best.label}” lies in the state of another place that is named."
            case Kind.NAME if self.backed:
                return f"“{place.name}” is named together with its state."
            case Kind.NAME:
                return f"“{place.name}” is the name of one municipality only."
            case Kind.OTHER | Kind.SHORT:
                return f"“{best.label}” is another name of {place.name}."
            case Kind.TOWN:
                return f"“{best.label}” lies in {place.name}."
            case _:
                return f"“{best.label}” is a neighbourhood of {place.name}."


def weigh(reading: Reading, gazetteer: Gazetteer) -> list[Spot]:
    """The places a text may mean: one when the mentions agree or one of them leads, else all."""
    spots = [_spot(mention, reading) for mention in reading.mentions]
    if len(spots) > 1:
        spots = _together(_merged(spots))
    if len(spots) < 2:
        return spots
    spots = [spot for spot in spots if not spot.faint] or spots
    here = [spot for spot in spots if not spot.elsewhere] or spots
    states = gazetteer.states
    here = [spot for spot in here if not _is_state_of(spot, here, states)] or here
    # What won over another place is at most likely.
    return [spot._replace(elsewhere=True) for spot in _leading(here)]


def _together(spots: list[Spot]) -> list[Spot]:
    """Names that several places bear, read as those of the one state that all of them share:
    "entrega em Cascavel, na saída pra Toledo" is in Paraná."""
    telling = [spot for spot in spots if not spot.origin]
    if len(telling) < 2:
        return spots
    states = set.intersection(*[spot.states for spot in telling])
    if len(states) != 1:
        return spots
    return [_within(spot, states) if len(spot.places) > 1 else spot for spot in spots]


def _within(spot: Spot, states: Collection[str]) -> Spot:
    senses = tuple(sense for sense in spot.senses if sense.state in states)
    return spot._replace(senses=senses, beside=True) if senses else spot


def _leading(spots: list[Spot]) -> list[Spot]:
    """The one spot that the first telling difference singles out, else all."""
    for leads in _LEADS:
        led = [spot for spot in spots if leads(spot)]
        if len(led) == 1:
            return led
    return spots


# What singles out a place among several, strongest first: "aqui em", the crime's own clause, a
# municipality named as a place beside mere neighbourhoods, "em" beside "de".
_LEADS: tuple[Callable[[Spot], bool], ...] = (
    lambda spot: spot.here,
    lambda spot: spot.crime,
    lambda spot: spot.backed,
    lambda spot: spot.cue > 0 and spot.senses[0].kind <= Kind.TOWN,
    lambda spot: spot.senses[0].kind < Kind.LOCAL,
    lambda spot: spot.cue > 0,
)


def _spot(mention: Mention, reading: Reading) -> Spot:
    """The meanings that fit the states, then the dialling codes, typed elsewhere in the text. A
    dialling code says something of neighbourhoods only."""
    senses, backed = mention.senses, mention.attached
    tone = mention.crime, mention.elsewhere, mention.origin, mention.here
    if backed or not (reading.states or reading.dialled):
        return Spot(senses, mention.cue, backed, *tone)
    named = tuple(s for s in senses if s.state in reading.states)
    dialled = tuple(s for s in senses if s.kind >= Kind.DISTRICT and s.state in reading.dialled)
    fitting = named or dialled
    return Spot(fitting or senses, mention.cue, bool(fitting), *tone)


def _merged(spots: Iterable[Spot]) -> list[Spot]:
    """Mentions that can be the same place are: "Campo Grande" with "Rio" is the neighbourhood."""
    merged: list[Spot] = []
    for spot in sorted(spots, key=lambda s: (not s.backed, len(s.senses), s.senses[0].kind)):
        for at, known in enumerate(merged):
            common = known.places.keys() & spot.places.keys()
            if common:
                merged[at] = _joined(known, spot, common)
                break
        else:
            merged.append(spot)
    return merged


def _joined(one: Spot, two: Spot, common: set[str]) -> Spot:
    both = (*one.senses, *two.senses)
    kept = {s: None for s in both if s.place and s.place.key in common}
    senses = tuple(sorted(kept, key=lambda sense: sense.kind))
    apart = one.senses != two.senses
    named = apart and any(sense.kind <= Kind.SHORT for sense in senses)
    return Spot(
        senses,
        max(one.cue, two.cue),
        one.backed or two.backed or (named and len(common) == 1 and senses[0].kind > Kind.NAME),
        one.crime or two.crime,
        one.elsewhere and two.elsewhere,
        one.origin and two.origin,
        one.here or two.here,
    )


def _is_state_of(spot: Spot, others: list[Spot], states: dict[str, str]) -> bool:
    within = any(o is not spot and spot.states & o.states for o in others)
    return within and spot.may_be_state(states)
