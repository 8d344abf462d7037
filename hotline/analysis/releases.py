"""Releases: the frozen months of a folder, read by whoever asks. Files only, no key, no tip.

What was altered is refused, by the digests; that the line itself wrote it, its signed note says
(``hotline release list`` and the public key of its statements).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hotline.analysis.cube import Variances
from hotline.analysis.domain import Domain, Ints
from hotline.analysis.policy import MAIN, Spent
from hotline.analysis.release import FORMAT, digest_of, variances
from hotline.errors import HotlineError

LEDGER = "epsilon.csv"
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class BadRelease(HotlineError):
    """A release's files are missing, altered or of another format."""

    code = "bad_release"
    message = "A release is not as it was written."
    hint = "Put the files of that month back from a copy: they are public and never change."


def cells_name(digest: str) -> str:
    """The file of a domain."""
    return f"cells-{digest[:16]}.json"


@dataclass(frozen=True)
class Frozen:
    """One month. Arrays are read when they are first asked for, and checked then."""

    folder: Path
    month: str
    digest: str
    header: Mapping[str, Any]
    domain: Domain = field(repr=False)

    @property
    def revision(self) -> int:
        return int(self.header["revision"])

    @property
    def threshold(self) -> int:
        return int(self.header["threshold"])

    @property
    def licence(self) -> str:
        """Under which the line gives this month's figures away; empty where it named none."""
        return str(self.header.get("licence", ""))

    @property
    def invented(self) -> bool:
        """Whether it was made of invented reports, for a demonstration."""
        return bool(self.header.get("invented", False))

    @cached_property
    def spent(self) -> dict[str, Spent]:
        """The noisy tables by name."""
        return {
            one["name"]: Spent(
                one["name"], one["epsilon"], one["sensitivity"], tuple(one["fields"])
            )
            for one in self.header["tables"]
        }

    @cached_property
    def variances(self) -> Variances:
        return variances({name: self.spent[name].scale for name in MAIN})

    def values(self, name: str) -> tuple[str, ...]:
        """The closed list of a side field."""
        return tuple(self.header["values"][name])

    @cached_property
    def _numbers(self) -> Any:
        try:
            return np.load(self.folder / f"{self.month}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            raise BadRelease from None

    @cached_property
    def _checked(self) -> dict[str, Ints]:
        return {}

    def array(self, name: str) -> Ints:
        """One array, 32-bit, mapped and not copied. Raises BadRelease."""
        if name not in self._checked:
            (told,) = [one for one in self.header["arrays"] if one["name"] == name] or [None]
            if told is None:
                raise BadRelease
            size = int(np.prod(told["shape"]))
            part = self._numbers[told["at"] : told["at"] + size]
            if len(part) != size or digest_of(part) != told["sha256"]:
                raise BadRelease
            self._checked[name] = part.reshape(told["shape"])
        return self._checked[name]


class Releases:
    """All of a folder's, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._domains: dict[str, Domain] = {}
        self._frozen: dict[str, Frozen] = {}

    def months(self) -> tuple[str, ...]:
        found = (path.stem for path in self.folder.glob("????-??.json"))
        return tuple(sorted(month for month in found if MONTH.fullmatch(month)))

    def __contains__(self, month: object) -> bool:
        return month in self.months()

    def __iter__(self) -> Iterator[Frozen]:
        return (self.one(month) for month in self.months())

    def one(self, month: str) -> Frozen:
        """Raises BadRelease."""
        if month not in self._frozen:
            try:
                raw = (self.folder / f"{month}.json").read_bytes()
                header = json.loads(raw)
                if header["format"] != FORMAT or header["month"] != month:
                    raise BadRelease
                domain = self._domain(header["cells"])
            except (OSError, ValueError, KeyError, TypeError):
                raise BadRelease from None
            digest = hashlib.sha256(raw).hexdigest()
            self._frozen[month] = Frozen(self.folder, month, digest, header, domain)
        return self._frozen[month]

    def _domain(self, digest: str) -> Domain:
        if digest not in self._domains:
            raw = (self.folder / cells_name(digest)).read_bytes()
            if hashlib.sha256(raw).hexdigest() != digest:
                raise BadRelease
            self._domains[digest] = Domain.load(raw)
        return self._domains[digest]

    def ledger(self) -> str:
        """The epsilon spent, one line a noisy table, as CSV: made from the headers alone."""
        rows = ["month,revision,table,epsilon,sensitivity,release_sha256"]
        for one in self:
            for name, spent in one.spent.items():
                facts = (one.month, one.revision, name, spent.epsilon, spent.sensitivity)
                rows.append(",".join(map(str, (*facts, one.digest))))
        return "\n".join(rows) + "\n"
