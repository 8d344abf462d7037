"""Measured: what is not known of reports, how they came, what became of them; of releases alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hotline.analysis.domain import UNKNOWN
from hotline.analysis.question import SIDES, Question
from hotline.analysis.shares import Figure, Share, figures, share, withheld
from hotline.analysts.source import Source

OUTCOMES = ("forwarded", "closed", "other", "none")
_OTHER = "PUB-99"  # the type of what fits none
_NOTHING = Figure(float("nan"), float("nan"), float("nan"))

Told = Mapping[tuple[str, ...], Figure]


@dataclass(frozen=True, slots=True)
class Row:
    """A value, its figure and its share of the whole."""

    name: str
    figure: Figure
    share: Share


@dataclass(frozen=True, slots=True)
class Place:
    """A state, or the whole line under an empty code, with its shares in the order of OUTCOMES."""

    code: str
    whole: Figure
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    whole: Figure
    unknown: tuple[Row, ...]
    channels: tuple[Row, ...]
    languages: tuple[Row, ...]
    outcomes: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    source: Source
    since: str
    until: str

    def by(self, *names: str, **only: str) -> Told:
        question = Question.asked(self.since, self.until, ",".join(names), only)
        columns = ("municipality_code" if name == "municipality" else name for name in names)
        return figures(self.source.answer(question), *columns)

    def all(self, **only: str) -> Figure:
        return self.by(**only)[()]


def measured(source: Source, since: str, until: str, *, states: bool) -> Measured:
    """Of a period. Raises BadQuestion, NothingReleased, BadRelease."""
    ask = _Asked(source, since, until)
    whole = ask.all()
    sides = {name: ask.by(name) for name in SIDES}
    return Measured(
        whole,
        (*_of_place_and_type(ask, whole), *_of_sides(sides, whole)),
        _rows(sides["channel"], whole),
        _rows(sides["language"], whole),
        _outcomes(ask, whole, sides["outcome"], states=states),
    )


def _of_place_and_type(ask: _Asked, whole: Figure) -> tuple[Row, ...]:
    """A municipality is asked only of the groups that municipalities are told of."""
    state = ask.by("state").get((UNKNOWN,), _NOTHING)
    groups = ask.by("crime_group", municipality=UNKNOWN)
    told = ",".join(key[0] for key in groups if key[0] not in withheld(groups))
    place = ask.all(municipality=UNKNOWN, crime_group=told)
    placed = ask.all(crime_group=told)
    kind = ask.all(crime_type=_OTHER)
    return (
        Row("state", state, share(state, whole)),
        Row("municipality_code", place, share(place, placed)),
        Row("crime_type", kind, share(kind, whole)),
    )


def _of_sides(sides: Mapping[str, Told], whole: Figure) -> tuple[Row, ...]:
    found = {name: told[UNKNOWN,] for name, told in sides.items() if (UNKNOWN,) in told}
    return tuple(Row(name, one, share(one, whole)) for name, one in found.items())


def _rows(told: Told, whole: Figure) -> tuple[Row, ...]:
    return tuple(Row(key[0], one, share(one, whole)) for key, one in told.items())


def _outcomes(ask: _Asked, whole: Figure, line: Told, *, states: bool) -> tuple[Place, ...]:
    places = [Place("", whole, _parts(line, (), whole))]
    if states:
        told = ask.by("state", "outcome")
        for (code,), one in ask.by("state").items():
            places.append(Place(code, one, _parts(told, (code,), one)))
    return tuple(places)


def _parts(told: Told, place: tuple[str, ...], whole: Figure) -> tuple[Share, ...]:
    return tuple(share(told.get((*place, one), _NOTHING), whole) for one in OUTCOMES)
