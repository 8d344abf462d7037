"""Question: what an analyst asks of the releases, as the command line, the site and the API say it.

The same question, however it was put, has one canonical form, and one answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hotline.errors import BadInput

# Dimensions a table may be grouped by, in the order of its columns.
PERIODS = ("month", "quarter", "year")
AREAS = ("municipality", "region", "state", "country")
TYPES = ("crime_type", "crime_group", "iccs_section", "iccs_code")
# Of the side tables: by state at the finest, with crime_group at most. Acts, of which a report may
# tell several, go with no type.
ACT = "act"
SIDES = (
    *("channel", "language", "victim_sex", "victim_age", "victim_ethnicity", "weapon", "outcome"),
    ACT,
)
DIMENSIONS = (*PERIODS, *AREAS, *TYPES, *SIDES)
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}")


class BadQuestion(BadInput):
    """Something asked for that no release has."""

    code = "bad_question"
    message = "This cannot be asked."
    hint = "Choose months as 2026-01, and groupings from the list."


@dataclass(frozen=True, slots=True)
class Question:
    """``since`` and ``until`` are months, both included; ``by`` dimensions; ``only`` the values
    kept of a dimension, which need not be grouped by."""

    since: str
    until: str
    by: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def asked(cls, since: str, until: str, by: str, only: Mapping[str, str]) -> Question:
        """From words: lists parted by commas. Raises BadQuestion."""
        wanted = tuple(name for name in DIMENSIONS if name in _list(by))
        if set(_list(by)) - set(wanted) or set(only) - set(DIMENSIONS):
            raise BadQuestion
        if not (_MONTH.fullmatch(since) and _MONTH.fullmatch(until)) or since > until:
            raise BadQuestion
        kept = {
            name: tuple(sorted(set(_list(only[name])))) for name in DIMENSIONS if only.get(name)
        }
        if not all(_VALUE.fullmatch(value) for values in kept.values() for value in values):
            raise BadQuestion
        return cls(since, until, wanted, MappingProxyType(kept))

    def address(self) -> dict[str, str]:
        """Its canonical form: the parameters of an address, in a fixed order."""
        told = {"from": self.since, "to": self.until, "by": ",".join(self.by)}
        return told | {name: ",".join(values) for name, values in self.only.items()}


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
