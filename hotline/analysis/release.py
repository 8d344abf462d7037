"""Release: one closed month, computed once and frozen: what it holds, and how its files read.

``YYYY-MM.npy`` is one vector of 32-bit whole numbers (numpy reads it without anything of ours);
``YYYY-MM.json`` says where in it which array stands, what noise went in, and the SHA-256 of each
array; ``YYYY-MM.txt`` is the line's signed note of that header; ``cells-….json`` the domain, which
months share.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hotline.analysis.cube import Variances, beside, reconcile
from hotline.analysis.domain import Domain, Ints
from hotline.analysis.noise import noisy, variance
from hotline.analysis.observations import Counts
from hotline.analysis.policy import MAIN, Policy, Spent

FORMAT = "hotline release 1"
NOTE = "hotline release note 1"
LEAVES, STATES_ARRAY, ACTS = "leaves", "states", "acts"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Release:
    """``header`` as it is written; ``numbers`` the vector's file."""

    month: str
    header: bytes
    numbers: bytes

    @property
    def digest(self) -> str:
        """Of the header, and so of everything."""
        return hashlib.sha256(self.header).hexdigest()


def variances(scales: Mapping[str, float]) -> Variances:
    return Variances(*(variance(scales[name]) for name in MAIN))


def published(
    counts: Counts, domain: Domain, policy: Policy, tell: Tell = lambda step: None
) -> dict[str, Ints]:
    """The arrays anybody may see: noise, then whole numbers that add up."""
    drawn = {}
    for name, spent in policy.main.items():
        tell(name)
        drawn[name] = noisy(counts.table(name), spent)
    v = variances({name: spent.scale for name, spent in policy.main.items()})
    tell("sums")
    nation, state, place, cell = (drawn[name] for name in MAIN)
    cube = reconcile(domain, nation, state, place, cell, v)
    arrays = {LEAVES: cube.leaves, STATES_ARRAY: cube.states}
    for side in policy.sides:
        tell(side.name)
        table = noisy(counts.sides[side.name], side)
        arrays[side.name] = table if side.name == ACTS else beside(domain, cube.states, table)
    return arrays


def freeze(
    month: str,
    arrays: Mapping[str, Ints],
    domain: Domain,
    policy: Policy,
    *,
    line: str,
    jurisdiction: str,
    licence: str = "",
    invented: bool = False,
    revision: int = 1,
) -> Release:
    """The release's files. ``licence`` is the line's for its data, empty for none; ``invented``
    marks reports that nobody made."""
    listed, parts, at = [], [], 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array, dtype="<i4").ravel()
        listed.append(
            {"name": name, "shape": list(array.shape), "at": at, "sha256": digest_of(part)}
        )
        parts.append(part)
        at += len(part)
    written = io.BytesIO()
    np.save(written, np.concatenate(parts), allow_pickle=False)
    header = {
        "format": FORMAT,
        "month": month,
        "revision": revision,
        "line": line,
        "jurisdiction": jurisdiction,
        "licence": licence,
        **({"invented": True} if invented else {}),
        "taxonomy": domain.taxonomy,
        "cells": domain.digest,
        "epsilon": round(policy.epsilon, 9),
        "threshold": policy.threshold,
        "tables": [_told(one) for one in (*policy.main.values(), *policy.sides)],
        "values": {name: list(policy.values[name]) for name in policy.values},
        "arrays": listed,
        "numbers": hashlib.sha256(written.getvalue()).hexdigest(),
    }
    raw = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return Release(month, raw, written.getvalue())


def note_text(release: Release, line: str) -> str:
    """What the line signs."""
    return f"{NOTE}\nline {line}\nmonth {release.month}\nheader {release.digest}\n"


def digest_of(part: Any) -> str:
    return hashlib.sha256(part.tobytes()).hexdigest()


def _told(spent: Spent) -> dict[str, Any]:
    return {
        "name": spent.name,
        "epsilon": round(spent.epsilon, 9),
        "sensitivity": spent.sensitivity,
        "scale": spent.scale,
        "fields": list(spent.fields),
    }
