"""Universe: the finite set of cases that no rule and no body can tell apart from any other.

A case is one act, at most one tag, a class of place, an urgency, the bodies recused, and whether
the tip is held or threatens. More acts and tags add nothing: a row that fits a larger set fits
one of its members, and what their types recuse can be named by the reporter as well. Of the
bodies recused only what a row asks for matters: whether there are any, of which kinds, and
whether all are federal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import NamedTuple

from hotline.routing import recusal
from hotline.routing.profile import Agency, Profile
from hotline.routing.rules import Cell, Column, Rules
from hotline.tips import (
    Act,
    Certainty,
    Channel,
    Classification,
    ClassifiedTip,
    Place,
    Tip,
    Urgency,
)

Kinds = frozenset[str]
_Look = tuple[str, bool]  # the kind, where a row asks for it, and whether the body is federal
_ENOUGH = 8  # bodies of one kind to choose from when one more is to be named


@dataclass(frozen=True, slots=True)
class Case:
    """One case, with the bodies that the reporter names to make it so."""

    act: str
    tag: str | None
    place: Place
    urgency: Urgency
    named: tuple[str, ...]
    held: bool
    threats: bool

    def tip(self, profile: Profile) -> ClassifiedTip:
        """A tip that is this case, to try the Router with."""
        tip = Tip(
            channel=Channel.API,
            language=profile.languages[0],
            text="",
            urgency=self.urgency,
            implicates=self.named,
            held=self.held,
        )
        tags = (self.tag,) if self.tag else ()
        threats = ("threat",) if self.threats else ()
        return ClassifiedTip(tip, Classification((Act(self.act, 1.0),), tags, threats), self.place)


def called(place: Place) -> str:
    """What a place is called in a problem: its key or state, never a name."""
    return place.municipality or place.state or place.country or "unknown"


def place_classes(profile: Profile, rules: Rules) -> tuple[tuple[Place, Cell], ...]:
    """Every kind of place the rules or the bodies could tell apart, with its facts: each
    municipality that is named anywhere and one that is not, each state, elsewhere, abroad,
    unknown."""
    named = {one.jurisdiction for one in profile.agencies.values() if ":" in one.jurisdiction}
    named |= {v for table in rules for v in table.values(Column.PLACE) if ":" in v}
    certain = Certainty.CERTAIN
    classes: list[tuple[Place, Cell]] = []
    for unnamed, state in profile.samples():
        for key in (unnamed, *sorted(k for k in named if profile.state_of(k) == state)):
            place = Place(key, None, state, profile.country, certain)
            classes.append((place, frozenset({key, state, "here"})))
        place = Place(None, None, state, profile.country, Certainty.PROBABLE)
        classes.append((place, frozenset({state, "state"})))
    elsewhere = Place(None, None, f"{profile.country}-ZZ", profile.country, Certainty.PROBABLE)
    abroad = Place(None, None, None, "ZZ", Certainty.PROBABLE)
    classes += [(elsewhere, frozenset({"elsewhere"})), (abroad, frozenset({"abroad"}))]
    return (*classes, (Place(), frozenset({"unknown"})))


class Spot(NamedTuple):
    """A class of place with its facts. Two of one ``shape`` differ by names only: what holds for
    the bodies of one holds for those of the other."""

    place: Place
    cell: Cell
    scopes: tuple[str, ...]
    shape: object


def spots(profile: Profile, rules: Rules) -> Iterator[Spot]:
    """The classes of place, each municipality also as one that is only probable: the rules do not
    tell the two apart, recusal does."""
    shapes = _Shapes(profile)
    for place, cell in place_classes(profile, rules):
        yield shapes.spot(place, cell)
        if place.municipality:
            yield shapes.spot(replace(place, certainty=Certainty.PROBABLE), cell)


@dataclass(slots=True)
class _Shapes:
    """What the bodies of a jurisdiction are, apart from their names: a state's and a
    municipality's are numbered, all others keep their ids."""

    profile: Profile
    _known: dict[str, tuple[object, dict[str, object]]] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        desks = (queue.agency for queue in self.profile.queues.values())
        for id in (*desks, *self.profile.oversight):
            self._kept |= self.profile.over(id)

    def spot(self, place: Place, cell: Cell) -> Spot:
        scopes = recusal.scopes_of(self.profile, place)
        sure = place.certainty is Certainty.CERTAIN
        return Spot(place, cell, scopes, (sure, *(self._scope(scope)[0] for scope in scopes)))

    def _scope(self, scope: str) -> tuple[object, dict[str, object]]:
        if scope not in self._known:
            state = self.profile.state_of(scope)
            names = dict(self._scope(state)[1]) if state else {}
            bodies = self.profile.serving(scope)
            if scope != self.profile.country:
                own = {one.id: (len(names), n) for n, one in enumerate(bodies)}
                names |= {id: name for id, name in own.items() if id not in self._kept}
            self._known[scope] = tuple(self._body(one, names) for one in bodies), names
        return self._known[scope]

    def _body(self, one: Agency, names: Mapping[str, object]) -> object:
        def called(id: str) -> object:
            return names.get(id, id)

        inbox = self.profile.agency(self.profile.inbox(one.id)) or one
        return (
            one.kind,
            one.functions,
            one.stands_for,
            (one.valid_from, one.valid_to, one.level),
            (inbox.receives, inbox.valid_from, inbox.valid_to),
            tuple(called(up.id) for up in self.profile.ancestors(one.id)),
            tuple(up.kind for up in self.profile.ancestors(one.id)),
        )


@dataclass(slots=True)
class Recused:
    """Which kinds of bodies may be recused together. ``mentioned`` are the kinds a row asks for:
    all others look alike."""

    profile: Profile
    mentioned: Kinds
    _chains: dict[str, tuple[Agency, ...]] = field(default_factory=dict)
    _choice: dict[_Look, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roots: set[tuple[_Look, str]] = set()
        samples = self.profile.samples()[:2]
        implied = (body for key, _ in samples for body in self.profile.municipal(key))
        for one in (*self.profile.agencies.values(), *implied):
            look, root = self._look(one), self.chain(one.id)[-1].id
            bodies = self._choice.setdefault(look, [])
            if (look, root) not in roots and len(bodies) < _ENOUGH:
                roots.add((look, root))
                bodies.append(one.id)

    def chain(self, id: str) -> tuple[Agency, ...]:
        """The body and all that stands above it."""
        if id not in self._chains:
            self._chains[id] = tuple(self.profile.ancestors(id))
        return self._chains[id]

    def by_kind(self, kinds: Iterable[Kinds], place: Place) -> tuple[str, ...]:
        """The outermost of the bodies that types and tags recuse there."""
        ids = {id for some in kinds for id in recusal.of_kinds(self.profile, some, place)}
        return tuple(sorted(self._outermost(ids)))

    def together(self, base: Sequence[str]) -> Mapping[Kinds, tuple[str, ...]]:
        """All facts of the column ``implicated`` that can come about when ``base`` is recused by
        itself, each with what the reporter must name. Naming what stands above a body hides that
        body; one more body may show a kind, another one that not all are federal."""
        found: dict[Kinds, tuple[str, ...]] = {}
        ones = [(look,) for look in self._choice]
        pairs = [(one, two) for one in self._choice for two in self._choice if not two[1]]
        for chosen in product(*(self.chain(id) for id in base)):
            roots = self._outermost({one.id for one in chosen})
            looks = [self._look(self.chain(id)[0]) for id in roots]
            above = tuple(sorted(roots.difference(base)))
            for more in ((), *ones, *pairs):
                facts = _facts((*looks, *more))
                if facts not in found and (named := self._apart(roots, more)) is not None:
                    found[facts] = (*above, *named)
        return found

    def _apart(self, roots: set[str], looks: Sequence[_Look]) -> tuple[str, ...] | None:
        """Bodies of these looks that neither stand under one of ``roots`` or of each other nor
        above one; None when there are none."""
        if not looks:
            return ()
        for one in self._choice[looks[0]]:
            if self._stands_apart(one, roots):
                rest = self._apart({*roots, one}, looks[1:])
                if rest is not None:
                    return (one, *rest)
        return None

    def _stands_apart(self, id: str, roots: set[str]) -> bool:
        return roots.isdisjoint(up.id for up in self.chain(id)) and not any(
            up.id == id for root in roots for up in self.chain(root)
        )

    def _look(self, one: Agency) -> _Look:
        kind = one.kind if one.kind in self.mentioned else ""
        return kind, one.level == "country" and not one.stands_for

    def _outermost(self, ids: set[str]) -> set[str]:
        return {id for id in ids if not any(up.id in ids for up in self.chain(id)[1:])}


def _facts(looks: Sequence[_Look]) -> Kinds:
    if not looks:
        return frozenset({"none"})
    federal = {"federal"} if all(one for _, one in looks) else set()
    return frozenset({"any", *(kind for kind, _ in looks if kind), *federal})
