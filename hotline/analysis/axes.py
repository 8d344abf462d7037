"""Axes: which group of an extract each place, type, month and side value belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hotline.analysis.domain import ABROAD, UNKNOWN, WITHHELD, CrimeType, Domain, Ints
from hotline.analysis.question import ACT, BadQuestion, Question

Label = tuple[str, ...]
NONE = "none"  # a type that the international classification does not know


@dataclass(slots=True)
class Axis:
    """Groups in the order in which they are first met; ``labels`` has a value for each of the
    dimension's columns."""

    wanted: tuple[str, ...]
    only: Mapping[str, tuple[str, ...]]
    labels: dict[Label, int] = field(default_factory=dict)
    texts: list[Label] = field(default_factory=list)
    met: dict[str, set[str]] = field(default_factory=dict)

    def number(self, facts: Mapping[str, Label]) -> int:
        """The group of what these facts (dimension → values of its columns) tell; -1: left out."""
        for name, values in self.only.items():
            told = facts[name][0]
            self.met.setdefault(name, set()).add(told)
            if told not in values:
                return -1
        label = tuple(facts[name][0] for name in self.wanted)
        if label not in self.labels:
            self.labels[label] = len(self.labels)
            self.texts.append(tuple(text for name in self.wanted for text in facts[name]))
        return self.labels[label]

    def every(self, facts: Iterable[Mapping[str, Label]]) -> Ints:
        return np.array([self.number(one) for one in facts], dtype=np.int64)

    def prove(self) -> None:
        """Raises BadQuestion for a value that nothing has."""
        for name, values in self.only.items():
            if set(values) - self.met.get(name, set()):
                raise BadQuestion(f"There is no such {name}.")

    def codes(self, name: str) -> tuple[str, ...]:
        """The values of a dimension in their order."""
        at = self.wanted.index(name)
        return tuple(dict.fromkeys(label[at] for label in self.labels))


def axis_of(question: Question, names: Sequence[str]) -> Axis:
    """The axis of these dimensions. A municipality may be asked for by its key or its code."""
    only = {name: question.only[name] for name in names if name in question.only}
    only = {
        n: tuple(v.rpartition(":")[2] for v in values) if n == "municipality" else values
        for n, values in only.items()
    }
    return Axis(tuple(name for name in names if name in question.by), only)


def state_facts(domain: Domain, number: int) -> dict[str, Label]:
    key, _, region = domain.states[number]
    apart = key in (UNKNOWN, ABROAD, WITHHELD)
    return {
        "state": (key,),
        "region": (key if apart else region,),
        "country": (key if apart else domain.country,),
        "municipality": (WITHHELD, WITHHELD),
    }


def places(axis: Axis, domain: Domain, fine: bool) -> tuple[Ints, Ints]:
    """The group of each area, and of what each state's municipalities are not told of. Unless
    ``fine``, both follow the state."""
    states = [state_facts(domain, number) for number in range(len(domain.states))]
    if not fine:
        withheld = axis.every(states)
        return withheld[domain.state_of], withheld
    areas = axis.every(
        states[area.state] | {"municipality": (area.code, area.name)} for area in domain.areas
    )
    return areas, axis.every(states)


def type_facts(kind: CrimeType, language: str) -> dict[str, Label]:
    return {
        "crime_type": (kind.code, kind.names.get(language, kind.names["en"])),
        "crime_group": (kind.group,),
        "iccs_section": (kind.iccs[:2] or NONE,),
        "iccs_code": (kind.iccs or NONE,),
    }


def types(axis: Axis, domain: Domain, language: str) -> Ints:
    return axis.every(type_facts(kind, language) for kind in domain.types)


def acts(axis: Axis, domain: Domain, language: str) -> Ints:
    """Of types as acts told, the main one or another."""
    return axis.every(
        {ACT: (kind.code, kind.names.get(language, kind.names["en"]))} for kind in domain.types
    )


def groups(axis: Axis, domain: Domain) -> Ints:
    """Of crime groups, which side tables know instead of types."""
    return axis.every({"crime_group": (group,)} for group in domain.groups)


def periods(axis: Axis, months: Sequence[str]) -> Ints:
    return axis.every(
        {
            "month": (month,),
            "quarter": (f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}",),
            "year": (month[:4],),
        }
        for month in months
    )


def values(axis: Axis, fields: Sequence[str], lists: Callable[[str], tuple[str, ...]]) -> Ints:
    """Of a side table's values, as they lie."""
    told: list[dict[str, Label]] = [{}]
    for name in fields:
        told = [one | {name: (value,)} for one in told for value in lists(name)]
    return axis.every(told)
