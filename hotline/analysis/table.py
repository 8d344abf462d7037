"""Table: what an extract is before it becomes a file or a page. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TEXT, WHOLE, REAL = "string", "integer", "number"


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is the machine's, the same for ever; ``kind`` TEXT, WHOLE or REAL; ``title`` and
    ``description`` are English catalogue messages; ``codes`` the closed list, if there is one."""

    name: str
    kind: str
    title: str
    description: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """``data`` has an array of one length for each column: objects (str or None) for TEXT, int64
    for WHOLE, float64 for REAL, nan where there is no figure. Rows stand in a fixed order, so that
    the same question gives the same bytes. ``about``: title, jurisdiction, question (its canonical
    URL form), months, missing_months, revision, releases (month to digest), taxonomy, epsilon,
    threshold, notes (catalogue messages), licence (empty where the line named none)."""

    columns: tuple[Column, ...]
    data: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.data[self.columns[0].name])

    def head(self, most: int) -> Table:
        """The first rows, for a preview."""
        data = {name: values[:most] for name, values in self.data.items()}
        return Table(self.columns, data, self.about)


def filled(count: int, value: str | None) -> NDArray[Any]:
    """A TEXT column of one value."""
    made = np.empty(count, dtype=object)
    made[:] = value
    return made
