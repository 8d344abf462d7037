"""Releases for tests: a small country whose sums can be worked out by hand, and its months."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hotline.analysis.domain import Domain
from hotline.analysis.extract import extract
from hotline.analysis.observations import Counts, count
from hotline.analysis.policy import Policy
from hotline.analysis.question import Question
from hotline.analysis.release import freeze, published
from hotline.analysis.releases import Releases, cells_name
from hotline.analysis.table import Table

POLICY = Policy.load()


@dataclass(frozen=True)
class Kind:
    code: str
    group: str
    iccs: tuple[str, ...]
    names: Mapping[str, str]


class Small:
    """Two states of two and three municipalities."""

    towns: ClassVar = {
        "BR-RJ": [("BR:IBGE:3300100", "Angra"), ("BR:IBGE:3304557", "Rio")],
        "BR-SP": [(f"BR:IBGE:35{n:05d}", f"Vila {n}") for n in (1, 2, 3)],
    }

    def states(self) -> tuple[tuple[str, str], ...]:
        return (("BR-SP", "São Paulo"), ("BR-RJ", "Rio de Janeiro"))

    def in_state(self, state: str) -> tuple[tuple[str, str], ...]:
        return tuple(self.towns.get(state, ()))


KINDS = tuple(
    Kind(code, group, iccs, {"en": code.lower(), "pt": code.lower()})
    for code, group, iccs in (
        ("GBV-01", "GBV", ("02011",)),
        ("CHD-01", "CHILD", ("03011", "03012")),
        ("ORG-01", "ORGCRIME", ("060121",)),
        ("ORG-02", "ORGCRIME", ("060121",)),
        ("PRP-01", "PROPERTY", ("0401",)),
        ("INT-01", "INTEGRITY", ("0703",)),
        ("PUB-99", "REVIEW", ()),
    )
)
SMALL = Domain.of("BR", Small(), KINDS, "2026.1", POLICY)


def row(month: str = "2026-03", **told: Any) -> bytes:
    """An opened observation."""
    facts = {
        "month": month,
        "municipality": "BR:IBGE:3304557",
        "state": "BR-RJ",
        "type": "ORG-01",
        "acts": ["ORG-01"],
        "channel": "web",
        "language": "pt",
        "victim_sex": "unknown",
        "victim_age": "unknown",
        "victim_ethnicity": "unknown",
        "weapon": "unknown",
        "outcome": "none",
        "integrity": False,
    }
    return json.dumps(facts | told).encode()


def counts(rows: Iterable[bytes], domain: Domain = SMALL, month: str = "2026-03") -> Counts:
    return count(rows, domain, POLICY, month)


def exact(made: Counts) -> dict[str, Any]:
    """What a release would hold if its noise were nothing: for tests of sums alone."""
    states = made.state
    return {"leaves": made.cell, "states": states, **made.sides}


def write(
    folder: Path, month: str, arrays: Mapping[str, Any], domain: Domain = SMALL, **more: Any
) -> None:
    """A release's files, without the line's note. ``more``: its licence, or that it is invented."""
    folder.mkdir(exist_ok=True)
    made = freeze(month, arrays, domain, POLICY, line="line.example", jurisdiction="br-rj", **more)
    (folder / cells_name(domain.digest)).write_bytes(domain.dump())
    (folder / f"{month}.npy").write_bytes(made.numbers)
    (folder / f"{month}.json").write_bytes(made.header)


def noisy_release(domain: Domain = SMALL, rows: Iterable[bytes] = ()) -> dict[str, Any]:
    return published(counts(rows, domain), domain, POLICY)


def add_up(domain: Domain, arrays: Mapping[str, Any]) -> bool:
    """Whether leaves give states, and every side table gives states by group."""
    fine = domain.fine
    leaves = np.add.reduceat(arrays["leaves"], domain.starts, axis=0)
    if not (leaves == arrays["states"][:-1][:, fine]).all():
        return False
    held = np.zeros((len(domain.states), len(domain.groups)), np.int64)
    for number, group in enumerate(domain.group_of):
        held[:, group] += arrays["states"][:, number]
    sides = [a for name, a in arrays.items() if name not in ("leaves", "states", "acts")]
    return all((side.reshape(*held.shape, -1).sum(axis=2) == held).all() for side in sides)


def ask(
    releases: Releases, by: str = "", since: str = "2026-03", until: str = "", **only: str
) -> Table:
    return extract(releases, Question.asked(since, until or since, by, only))


def shown(table: Table, *names: str) -> dict[tuple[str, ...], tuple[float, str]]:
    """Group → figure and status; None for a figure that is not shown."""
    keys = zip(*(table.data[name].tolist() for name in names), strict=True)
    figures = [None if np.isnan(v) else int(v) for v in table.data["tip_count"]]
    values = zip(figures, table.data["tip_count_status"].tolist(), strict=True)
    return dict(zip(keys, values, strict=True))  # type: ignore[arg-type]
