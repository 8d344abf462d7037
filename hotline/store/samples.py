"""Samples at rest: lots of closed tips, and which of them a supervisor reads again."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import Connection, delete, select, update

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import SampleRow, TipRow

_DRAWN = -1


class Samples:
    def __init__(self, database: Database) -> None:
        self._database = database

    def draw(
        self,
        how_many: Callable[[int], int],
        queues: Collection[str] | None = None,
        spared: Collection[bytes] = (),
    ) -> int:
        """The highest lots of each queue are drawn, ``how_many(of so many)``; the others, and
        those of ``spared`` tips, are forgotten. How many were drawn."""

        def work(connection: Connection) -> int:
            query = (
                select(SampleRow.tip, TipRow.queue)
                .join(TipRow, TipRow.id == SampleRow.tip)
                .where(SampleRow.lot != _DRAWN)
                .order_by(SampleRow.lot.desc(), SampleRow.tip)
            )
            lots: dict[str, list[bytes]] = {}
            rest: list[bytes] = []
            for tip, queue in connection.execute(query).all():
                if tip in spared:
                    rest.append(tip)
                elif queues is None or queue in queues:
                    lots.setdefault(queue, []).append(tip)
            won = [tip for tips in lots.values() for tip in tips[: how_many(len(tips))]]
            rest += [tip for tips in lots.values() for tip in tips[how_many(len(tips)) :]]
            if won:
                chosen = update(SampleRow).where(SampleRow.tip.in_(won))
                connection.execute(chosen.values(lot=_DRAWN))
                note(connection, "samples_drawn", count=str(len(won)))
            if rest:
                connection.execute(delete(SampleRow).where(SampleRow.tip.in_(rest)))
            return len(won)

        return self._database.write(work)

    def waiting(self, queues: Collection[str]) -> list[tuple[bytes, str]]:
        """``(tip, queue)`` of what waits to be read again, in no order that tells anything."""
        query = (
            select(SampleRow.tip, TipRow.queue)
            .join(TipRow, TipRow.id == SampleRow.tip)
            .where(SampleRow.lot == _DRAWN, TipRow.queue.in_(list(queues)))
            .order_by(TipRow.queue, SampleRow.tip)
        )
        with self._database.read() as connection:
            return [(row.tip, row.queue) for row in connection.execute(query)]

    def drawn(self, tip: bytes) -> bool:
        query = select(SampleRow.tip).where(SampleRow.tip == tip, SampleRow.lot == _DRAWN)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def agree(self, tip: bytes, person: bytes) -> None:
        """Read again and found right: it waits no longer. Twice is once."""

        def work(connection: Connection) -> None:
            gone = delete(SampleRow).where(SampleRow.tip == tip, SampleRow.lot == _DRAWN)
            if connection.execute(gone).rowcount:
                note(connection, "sample_agreed", tip=tip.hex(), by=person.hex())

        self._database.write(work)
