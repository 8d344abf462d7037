"""Audit at rest: content-free records, put in order by one sequencer, and their signed heads."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from hotline.store.database import Database
from hotline.store.events import ARRIVALS, checked
from hotline.store.facts import put
from hotline.store.tables import AuditRow, HeadRow, Meta

SWEPT = "audit_swept"
PAGE = 5000
LOOK_AT = 200_000  # records looked at for one page of the viewer

_RECORD = insert(AuditRow)


def note(connection: Connection, event: str, **fields: str) -> None:
    """Writes a record in the transaction it belongs to. Raises NotARecord for anything but the
    ids and codes that store/events.py allows."""
    identity = secrets.token_bytes(16)
    now = connection.get_execution_options()["clock"].now()
    # The random id is in the record too: equal events give different leaves, and whoever knows
    # what happened cannot recompute a leaf.
    members = checked(event, fields, now) | {"id": identity.hex()}
    # Keys sorted, no spaces, and every value plain ASCII: this is RFC 8785's canonical form.
    record = json.dumps(members, sort_keys=True, separators=(",", ":"))
    connection.execute(_RECORD, {"id": identity, "event": event, "record": record})


class Placed(NamedTuple):
    """A record that has its place in the tree."""

    position: int
    id: bytes
    event: str
    record: str


class AuditLog:
    """The ordered records and the heads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, event: str, **fields: str) -> None:
        """A record of its own transaction: for reading, which changes nothing else."""
        self._database.write(lambda connection: note(connection, event, **fields))

    def sequence(self, *, arrivals: bool = True, hour: str = "") -> tuple[int, int]:
        """Gives waiting records their places; the size of the tree before and after. One caller
        only; AlreadyThere when there were two.

        Records that follow a reporter stay waiting without ``arrivals``, and go in by their random
        ids once an ``hour``, which is then remembered. A place between two records that tell the
        second would tell it too: who seizes the database and the phone company's list of callers
        could join them. Whoever may write to the database could drop such a record at its insert
        as well as in the hour it waits, so waiting gives an insider nothing new."""
        before, size, more = self._sequence(arrivals, hour)
        while more:
            _, size, more = self._sequence(arrivals, hour)
        return before, size

    def _sequence(self, arrivals: bool, hour: str) -> tuple[int, int, bool]:
        waiting = select(AuditRow.id).where(AuditRow.position.is_(None))
        if not arrivals:
            waiting = waiting.where(AuditRow.event.not_in(ARRIVALS))
        # By id, which is random: PostgreSQL would give them in the order they came.
        waiting = waiting.order_by(AuditRow.id).limit(PAGE)

        def work(connection: Connection) -> tuple[int, int, bool]:
            top = connection.execute(select(func.max(AuditRow.position))).scalar()
            size = 0 if top is None else top + 1
            found = list(connection.execute(waiting).scalars())
            if found:
                connection.execute(
                    update(AuditRow)
                    .where(AuditRow.id == bindparam("this"))
                    .values(position=bindparam("place")),
                    [{"this": i, "place": place} for place, i in enumerate(found, size)],
                )
            more = len(found) == PAGE
            if arrivals and hour and not more:
                put(connection, SWEPT, hour)
            return size, size + len(found), more

        return self._database.write(work)

    def rows(self, start: int = 0) -> Iterator[Placed]:
        """Records with a place from ``start`` on, in order; a page at a time, for there may be
        ten million."""
        place = type_coerce(AuditRow.position, BigInteger)
        query = select(place, AuditRow.id, AuditRow.event, AuditRow.record).order_by(place)
        while True:
            with self._database.read() as connection:
                found = connection.execute(query.where(place >= start).limit(PAGE))
                page = [Placed(*row) for row in found]
            yield from page
            if len(page) < PAGE:
                return
            start = page[-1].position + 1

    def records(self, start: int = 0) -> list[str]:
        """Sequenced records from ``start``, in order."""
        return [row.record for row in self.rows(start)]

    def began(self, since: float) -> int:
        """The place before which no record tells a time of ``since`` (seconds since 1970) or later:
        records stand in the order of their time, but for those that tell none and for what got its
        place at once (at most ``PAGE``). A few dozen look-ups, however long the log."""
        wanted = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self._database.read() as connection:
            top = connection.execute(select(func.max(AuditRow.position))).scalar()
            low, high = 0, 0 if top is None else top + 1
            while low < high:
                middle = (low + high) // 2
                at = _told_at(connection, middle, high)
                # One that tells no time is as late as what follows it, one that tells the hour as
                # late as the hour allows: rather too early than too late.
                if not at or at >= wanted or at == wanted[:13] + ":00Z":
                    high = middle
                else:
                    low = middle + 1
        return low

    def found(
        self,
        before: int | None,
        least: int,
        *,
        event: str = "",
        names: Iterable[str] = (),
        most: int = 50,
    ) -> tuple[list[Placed], int]:
        """Placed records of an event that bear all of these ids, newest first, from below
        ``before`` (None: the newest) down to ``least``; and the place to go on from, or
        ``least``. Looks at no more than ``LOOK_AT`` records: the log is never read whole for one
        page."""
        with self._database.read() as connection:
            top = connection.execute(select(func.max(AuditRow.position))).scalar()
            end = 0 if top is None else top + 1
            before = end if before is None else min(before, end)
            floor = max(least, before - LOOK_AT)
            place = type_coerce(AuditRow.position, BigInteger)
            query = (
                select(place, AuditRow.id, AuditRow.event, AuditRow.record)
                .where(place >= floor, place < before)
                .order_by(place.desc())
                .limit(most)
            )
            if event:
                query = query.where(AuditRow.event == event)
            for name in names:
                query = query.where(AuditRow.record.contains(name, autoescape=True))
            rows = [Placed(*row) for row in connection.execute(query)]
        return rows, rows[-1].position if len(rows) == most else floor

    def naming(self, person: bytes, events: Iterable[str]) -> list[str]:
        """The records of these events that bear a person's id, placed in the tree or not."""
        query = select(AuditRow.record).where(
            AuditRow.event.in_(list(events)), AuditRow.record.contains(person.hex())
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def place(self, identity: bytes) -> int | None:
        """Where a record stands, or None when it waits or is not there."""
        with self._database.read() as connection:
            return connection.execute(
                select(AuditRow.position).where(AuditRow.id == identity)
            ).scalar()

    def told(self, events: Iterable[str]) -> list[str]:
        """Records of these events in the order of the tree; those that wait for their place last,
        by the name of their event."""
        query = select(AuditRow.record).where(AuditRow.event.in_(list(events)))
        order = AuditRow.position.nulls_last(), AuditRow.event
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(*order)).scalars())

    def waiting(self) -> int:
        """How many records have no place yet."""
        with self._database.read() as connection:
            query = select(func.count()).select_from(AuditRow).where(AuditRow.position.is_(None))
            return connection.execute(query).scalar_one()

    def swept(self) -> str:
        """The hour (``YYYY-MM-DDTHHZ``) in which the sequencer last took everything, or ''."""
        with self._database.read() as connection:
            query = select(Meta.value).where(Meta.name == SWEPT)
            return connection.execute(query).scalar() or ""

    def count(self, event: str) -> int:
        with self._database.read() as connection:
            query = select(func.count()).select_from(AuditRow).where(AuditRow.event == event)
            return connection.execute(query).scalar_one()

    def head(self) -> tuple[int, str] | None:
        """Size and signed note of the newest checkpoint."""
        with self._database.read() as connection:
            row = connection.execute(
                select(HeadRow.size, HeadRow.note).order_by(HeadRow.size.desc()).limit(1)
            ).first()
        return (row.size, row.note) if row else None

    def heads(self) -> list[tuple[int, str]]:
        """Every kept checkpoint, oldest first."""
        with self._database.read() as connection:
            query = select(HeadRow.size, HeadRow.note).order_by(HeadRow.size)
            return [(row.size, row.note) for row in connection.execute(query)]

    def sign(self, size: int, signed: str, instead_of: int | None = None) -> None:
        """Keeps a checkpoint; ``instead_of`` one that is not kept any longer."""

        def work(connection: Connection) -> None:
            connection.execute(delete(HeadRow).where(HeadRow.size == instead_of))
            connection.execute(insert(HeadRow).values(size=size, note=signed))

        self._database.write(work)


def _told_at(connection: Connection, place: int, end: int) -> str:
    """The time told by the record at ``place`` or by the first after it that tells one; ''
    when none before ``end`` does."""
    while place < end:
        rows = connection.execute(
            select(AuditRow.record)
            .where(AuditRow.position >= place, AuditRow.position < end)
            .order_by(AuditRow.position)
            .limit(100)
        ).scalars()
        page = list(rows)
        for record in page:
            if at := json.loads(record).get("at"):
                return str(at)
        if not page:
            return ""
        place += len(page)
    return ""
