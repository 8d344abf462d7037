"""Wraps: keys sealed to a recipient's month, taken by it and replaced while all else goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, insert, select, update

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import BodyRow, ObservationRow, WrapRow
from hotline.tips import Observation


@dataclass(frozen=True, slots=True)
class Sealed:
    """A wrap with the SHA-256 of the ciphertext it opens, or an observation, which has none."""

    subject: bytes
    sealed: bytes
    body_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """What is to stand in the place of ``old``."""

    old: Sealed
    sealed: bytes


class Wraps:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, recipient: str, epoch: str, after: bytes, most: int) -> list[Sealed]:
        """Wraps of a month, by rising subject, beginning behind ``after``."""
        query = (
            select(WrapRow.subject, WrapRow.sealed, BodyRow.sealed.label("body"))
            .join(BodyRow, BodyRow.id == WrapRow.subject)
            .where(WrapRow.recipient == recipient, WrapRow.epoch == epoch, WrapRow.subject > after)
            .order_by(WrapRow.subject)
            .limit(most)
        )
        with self._database.read() as connection:
            # Row by row: a recording has megabytes, and only its hash is wanted.
            rows = connection.execution_options(yield_per=4).execute(query)
            return [Sealed(r.subject, r.sealed, sha256(r.body).digest()) for r in rows]

    def observations(self, recipient: str, epoch: str, after: bytes, most: int) -> list[Sealed]:
        """The same of statistics, which alone has any."""
        # The ids first: PostgreSQL would sort the month's sealed rows, on its disk, for each batch.
        ids = (
            select(ObservationRow.id)
            .where(ObservationRow.month == epoch, ObservationRow.id > after)
            .order_by(ObservationRow.id)
            .limit(most)
        )
        query = select(ObservationRow.id, ObservationRow.sealed).where(ObservationRow.id.in_(ids))
        with self._database.read() as connection:
            rows = [Sealed(row.id, row.sealed) for row in connection.execute(query)]
        return sorted(rows, key=lambda row: row.subject)

    def count(self, observations: Iterable[Observation]) -> None:
        """Keeps counts that come without a tip: of invented reports, for a demonstration or a
        measurement. Real ones are stored with their tip."""
        rows = [
            {name: getattr(o, name) for name in ("id", "month", "sealed")} for o in observations
        ]
        if rows:
            self._database.write(lambda c: c.execute(insert(ObservationRow), rows))

    def replace(self, fresh: Sequence[Fresh], recipient: str, epoch: str, by: bytes) -> int:
        """Puts the new bytes where the old ones still stand, all in one commit with its audit
        record; returns how many. What triage changed or erased in between stays as it made it: a
        wrap belongs to one ciphertext, so its old bytes say whether that is still there."""

        def work(connection: Connection) -> int:
            count = 0
            for one in fresh:
                mine = (
                    update(ObservationRow).where(ObservationRow.id == one.old.subject)
                    if one.old.body_hash is None
                    else update(WrapRow).where(
                        WrapRow.subject == one.old.subject,
                        WrapRow.recipient == recipient,
                        WrapRow.epoch == epoch,
                    )
                )
                table = ObservationRow if one.old.body_hash is None else WrapRow
                changed = mine.where(table.sealed == one.old.sealed).values(sealed=one.sealed)
                count += connection.execute(changed).rowcount
            note(
                connection,
                "rewrapped",
                by=by.hex(),
                recipient=recipient,
                month=epoch,
                count=str(count),
            )
            return count

        return self._database.write(work)
