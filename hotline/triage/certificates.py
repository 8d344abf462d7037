"""Certificates: who was trained for which special queue, until when, and who must be reminded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from hotline.errors import BadInput, NotAllowed
from hotline.store.people import Person
from hotline.tips import QueueKind
from hotline.triage.access import Access

# Whoever vouches for somebody's training. A trainer gives no key, so that no one person both
# vouches and opens.
VOUCHING = ("officer", "trainer")
REMINDED = (1, 7, 30)  # days before the last one


class BadCertificate(BadInput):
    """A certificate without a kind, or whose last day is no day or over."""

    code = "bad_certificate"
    message = "The certificate needs a kind and a last day."
    hint = "Choose the kind and write the day as year-month-day, today or later."


@dataclass(frozen=True, slots=True)
class Certificate:
    """``until`` is the last day (``YYYY-MM-DD``); ``days`` left after today, negative once over."""

    kind: str
    until: str
    days: int

    @property
    def over(self) -> bool:
        return self.days < 0

    @property
    def reminder(self) -> int:
        """Which reminder is due: 30, 7 or 1 days before, 0 for none."""
        return next((step for step in REMINDED if self.days <= step), 0)


def read(found: Mapping[str, str], today: str) -> list[Certificate]:
    """As ``People.certificates`` gives them, the one that ends first first."""
    return sorted(
        (Certificate(kind, until, _days(until, today)) for kind, until in found.items()),
        key=lambda one: (one.until, one.kind),
    )


def due(certificates: Iterable[Certificate]) -> list[Certificate]:
    """Those of which somebody must be reminded, ended ones included."""
    return [one for one in certificates if one.reminder]


def listing(access: Access, today: str) -> list[tuple[Person, list[Certificate]]]:
    """Everybody active who may read tips or has a certificate: whose ends first comes first."""
    people = access.people
    rows = [(one, read(people.certificates(one.id), today)) for one in people.all() if one.active]
    kept = [row for row in rows if row[1] or {"operator", "supervisor"}.intersection(row[0].roles)]
    return sorted(kept, key=lambda row: (row[1][0].until if row[1] else "~", row[0].name))


def certify(
    access: Access, by: Person, person: Person | None, kind: str, until: str, today: str
) -> None:
    """Gives or renews one. Raises NotAllowed, BadCertificate, OwnCertificate."""
    if person is None or not person.active or not set(VOUCHING).intersection(by.roles):
        raise NotAllowed
    if kind not in [known for known in QueueKind if known.special] or not _is_day(until, today):
        raise BadCertificate
    access.certify(by.id, person, kind, until)


def _is_day(text: str, today: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text and text >= today
    except ValueError:
        return False


def _days(until: str, today: str) -> int:
    return (date.fromisoformat(until) - date.fromisoformat(today)).days
