"""Outbox: side effects committed with their cause, claimed by one worker at a time."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from hotline.lanes import lane_of
from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import OutboxRow
from hotline.tips import Errand

LEASE_SECONDS = 120
DAY = 86_400

_ERRAND = insert(OutboxRow)


def put(connection: Connection, errands: Iterable[Errand]) -> None:
    """Adds errands to the running transaction."""
    rows = [
        {
            "id": errand.id,
            "kind": errand.kind,
            "subject": errand.subject,
            "epoch": errand.epoch,
            "payload": errand.payload,
            "urgent": errand.urgent,
            "lane": lane_of(errand.kind, errand.urgent),
            "state": "ready",
            "attempts": 0,
            "due_at": errand.due_at,
            "problem": "",
        }
        for errand in errands
    ]
    if rows:
        connection.execute(_ERRAND, rows)


class Outbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *errands: Errand) -> None:
        self._database.write(lambda connection: put(connection, errands))

    def ready(self, now: float, most: int = 100, lane: str | None = None) -> list[bytes]:
        """Ids that may be done now, of one lane or of all with danger first: ready and due, or
        running with an expired lease. The oldest come first."""
        query = select(OutboxRow.id, OutboxRow.urgent, OutboxRow.due_at)
        query = query.where(OutboxRow.due_at <= now)
        if lane is None:
            query = query.order_by(OutboxRow.urgent.desc(), OutboxRow.due_at)
        else:
            query = query.where(OutboxRow.lane == lane).order_by(OutboxRow.due_at)
        rows: list[Row[bytes, bool, int]] = []
        with self._database.read() as connection:
            # One state after the other: each reads its first rows from the index and sorts nothing.
            for state in ("running", "ready"):
                rows += connection.execute(query.where(OutboxRow.state == state).limit(most)).all()
        rows.sort(key=lambda row: (not row.urgent, row.due_at))
        return [row.id for row in rows[:most]]

    def claim(self, identity: bytes, now: float) -> tuple[Errand, int] | None:
        """The errand and its number of attempts before this one, or None when somebody else has
        it or it is done. The lease outlives a killed worker by two minutes."""

        def work(connection: Connection) -> tuple[Errand, int] | None:
            free = (
                select(OutboxRow.id)
                .where(
                    OutboxRow.id == identity,
                    OutboxRow.state.in_(("ready", "running")),
                    OutboxRow.due_at <= now,
                )
                .with_for_update(skip_locked=True)
            )
            row = connection.execute(
                update(OutboxRow)
                .where(OutboxRow.id.in_(free))
                .values(
                    state="running",
                    attempts=OutboxRow.attempts + 1,
                    due_at=int(now) + LEASE_SECONDS,
                )
                .returning(OutboxRow)
            ).first()
            if row is None:
                return None
            errand = Errand(row.id, row.kind, row.subject, row.epoch, row.payload, row.urgent)
            return errand, row.attempts - 1

        return self._database.write(work)

    def done(self, identity: bytes, *more: Errand, counted: bool = False) -> None:
        """Deletes the row and adds what follows from it, in one commit. ``counted``: an empty row
        stays until ``tally``; what it was sealed for is gone."""

        def work(connection: Connection) -> None:
            this = OutboxRow.id == identity
            if counted:
                bare = {"payload": b"", "due_at": 0, "attempts": 0, "problem": "", "state": "done"}
                connection.execute(update(OutboxRow).where(this).values(**bare))
            else:
                connection.execute(delete(OutboxRow).where(this))
            put(connection, more)

        self._database.write(work)

    def tally(self, event: str) -> int:
        """Writes one audit record with how many counted rows there are, and deletes them."""

        def work(connection: Connection) -> int:
            gone = connection.execute(delete(OutboxRow).where(OutboxRow.state == "done")).rowcount
            if gone:
                note(connection, event, count=str(gone))
            return gone

        return self._database.write(work)

    def again(self, identity: bytes, at: float, problem: str, *, tried: bool = True) -> None:
        """To be tried again at ``at`` (seconds since 1970). ``problem`` is a code of ours;
        ``tried`` whether this was an attempt that failed and not only a look."""
        attempts = OutboxRow.attempts if tried else OutboxRow.attempts - 1
        self._set(identity, state="ready", due_at=int(at), problem=problem, attempts=attempts)

    def rewrite(self, errand: Errand, until: int) -> bool:
        """Other details for an errand that is being done, and until when it is: whoever finds it
        after that goes on from these. False when it is not there any more."""

        def work(connection: Connection) -> bool:
            found = connection.execute(
                update(OutboxRow)
                .where(OutboxRow.id == errand.id, OutboxRow.state == "running")
                .values(payload=errand.payload, epoch=errand.epoch, due_at=until)
            )
            return bool(found.rowcount)

        return self._database.write(work)

    def wake(self, identity: bytes) -> bool:
        """Lets a waiting errand be done now. False when somebody is doing it this moment."""

        def work(connection: Connection) -> bool:
            this = OutboxRow.id == identity
            found = connection.execute(
                update(OutboxRow).where(this, OutboxRow.state == "ready").values(due_at=0)
            )
            state = select(OutboxRow.state).where(this)
            return bool(found.rowcount) or connection.execute(state).scalar() != "running"

        return self._database.write(work)

    def one(self, identity: bytes) -> Errand | None:
        """An errand that is not done."""
        query = select(OutboxRow).where(OutboxRow.id == identity, OutboxRow.state != "done")
        with self._database.read() as connection:
            r = connection.execute(query).first()
        return r and Errand(r.id, r.kind, r.subject, r.epoch, r.payload, r.urgent)

    def bury(self, identity: bytes, problem: str, now: float = 0) -> None:
        """Given up: stays, with an alarm, until a person retries it. Its day is kept, no more."""
        self._set(identity, state="buried", problem=problem, due_at=int(now) // DAY * DAY)

    def retry(self, identity: bytes) -> bool:
        """One that was given up is tried again from the beginning; False when it is none."""
        return bool(self._retry(OutboxRow.id == identity))

    def retry_all(self, kind: str = "", problem: str = "") -> int:
        """All that was given up, or what is of this kind and failed of this problem; how many."""
        same = (OutboxRow.kind == kind, OutboxRow.problem == problem) if kind else ()
        return self._retry(*same)

    def _retry(self, *which: ColumnElement[bool]) -> int:
        given_up = update(OutboxRow).where(OutboxRow.state == "buried", *which)
        fresh = given_up.values(state="ready", attempts=0, due_at=0)
        return self._database.write(lambda connection: connection.execute(fresh).rowcount)

    def _set(self, identity: bytes, **values: object) -> None:
        self._database.write(
            lambda connection: connection.execute(
                update(OutboxRow).where(OutboxRow.id == identity).values(**values)
            )
        )

    def counts(self) -> dict[tuple[str, str], int]:
        """Rows by (kind, state), of what is not done."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow.kind, OutboxRow.state, func.count())
                .where(OutboxRow.state != "done")
                .group_by(OutboxRow.kind, OutboxRow.state)
            ).all()
        return {(row[0], row[1]): row[2] for row in rows}

    def failing(self, kinds: Iterable[str], tries: int) -> bool:
        """Whether an errand of these kinds failed so often, or was given up."""
        query = select(OutboxRow.id).where(
            OutboxRow.kind.in_(list(kinds)),
            OutboxRow.state != "done",
            or_(OutboxRow.state == "buried", OutboxRow.attempts >= tries),
        )
        with self._database.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def epochs(self) -> set[str]:
        """The months to whose key some errand is still sealed."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow.epoch).where(OutboxRow.state != "done").distinct()
            )
            return set(rows.scalars())

    def problems(self, kind: str) -> dict[tuple[str, str], int]:
        """Errands of a kind that are not done, by (state, problem)."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow.state, OutboxRow.problem, func.count())
                .where(OutboxRow.kind == kind, OutboxRow.state != "done")
                .group_by(OutboxRow.state, OutboxRow.problem)
            ).all()
        return {(row[0], row[1]): row[2] for row in rows}

    def pending(self, kind: str) -> list[Errand]:
        """All errands of a kind that are not done, those given up as well."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow).where(OutboxRow.kind == kind, OutboxRow.state != "done")
            ).all()
        return [Errand(r.id, r.kind, r.subject, r.epoch, r.payload, r.urgent) for r in rows]

    def waits_for(self, identities: Iterable[bytes]) -> bool:
        """Whether any of these errands is still to be done, or was given up."""
        query = select(OutboxRow.id).where(
            OutboxRow.id.in_(list(identities)), OutboxRow.state != "done"
        )
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def waiting(self) -> dict[tuple[str, str], int]:
        """Rows by (lane, state), of what is not done."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow.lane, OutboxRow.state, func.count())
                .where(OutboxRow.state != "done")
                .group_by(OutboxRow.lane, OutboxRow.state)
            ).all()
        return {(row[0], row[1]): row[2] for row in rows}

    def given_up(self) -> list[tuple[str, str, int, int]]:
        """``(kind, problem, how many, oldest)`` of what was given up; ``oldest`` is the second at
        which a day began, 0 when unknown."""
        query = select(
            OutboxRow.kind, OutboxRow.problem, func.count(), func.min(OutboxRow.due_at)
        ).where(OutboxRow.state == "buried")
        same = (OutboxRow.kind, OutboxRow.problem)
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(*same).order_by(*same)).all()
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def buried(self) -> list[tuple[bytes, str, str]]:
        """``(id, kind, problem)`` of what was given up."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(OutboxRow.id, OutboxRow.kind, OutboxRow.problem).where(
                    OutboxRow.state == "buried"
                )
            ).all()
        return [(row.id, row.kind, row.problem) for row in rows]
