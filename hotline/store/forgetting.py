"""Forgetting at rest: tips whose time is over go, keys first, and what a crash left is found.

One transaction a tip: a kill leaves it whole or gone, and the ledger counts it exactly once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

from sqlalchemy import Connection, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import (
    BodyRow,
    ClaimRow,
    DeadlineRow,
    Meta,
    ObservationRow,
    OutboxRow,
    PackageRow,
    PresenceRow,
    ReceiptRow,
    ReplyRow,
    SampleRow,
    SketchRow,
    TipRow,
    WrapRow,
)
from hotline.store.tips import First
from hotline.tips import HOLD, State

TO_WIPE = "to_wipe"
_WRITTEN = [
    table.__tablename__
    for table in (
        *(BodyRow, WrapRow, SketchRow, ObservationRow),
        *(ReceiptRow, ReplyRow, PackageRow, OutboxRow, TipRow),
    )
]
_held = select(WrapRow.subject).where(WrapRow.recipient == HOLD)


class Forgetting:
    """What the night, and two people, may delete."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def adopt(self, until: Callable[[str, str, str], str], receipts: str) -> int:
        """Gives tips that have no last month yet ``until(queue, state, month)``, and receipts
        ``receipts``; how many tips. Intake leaves it empty: it has no right to update one."""

        def work(connection: Connection) -> int:
            group = (TipRow.queue, TipRow.state, TipRow.month)
            fresh = select(*group).where(TipRow.until == "").distinct()
            count = 0
            for queue, state, month in connection.execute(fresh).all():
                these = update(TipRow).where(
                    TipRow.until == "",
                    TipRow.queue == queue,
                    TipRow.state == state,
                    TipRow.month == month,
                )
                last = until(queue, state, month)
                count += connection.execute(these.values(until=last)).rowcount
            connection.execute(
                update(ReceiptRow).where(ReceiptRow.until == "").values(until=receipts)
            )
            return count

        return self._database.write(work)

    def over(self, month: str, oldest: str) -> list[tuple[bytes, State]]:
        """Tips whose last month was before ``month``, or that came before ``oldest``, as they
        stand; never those under a legal hold."""
        query = select(TipRow.id, TipRow.state).where(
            or_((TipRow.until != "") & (TipRow.until < month), TipRow.month < oldest),
            TipRow.id.not_in(_held),
        )
        with self._database.read() as connection:
            return [(row.id, State(row.state)) for row in connection.execute(query)]

    def shred(
        self,
        tip: bytes,
        why: str,
        *,
        errands: Iterable[bytes] = (),
        lookup: bytes = b"",
        first: First = lambda connection: None,
    ) -> bool:
        """Everything of one tip, in one transaction of its own that ``first`` begins; whether it
        was there. What ``first`` raises leaves everything as it was."""

        def work(connection: Connection) -> bool:
            first(connection)
            return _shred(connection, tip, why, errands, lookup)

        return self._database.write(work)

    def end_receipts(self, month: str) -> int:
        """Receipts whose last month was before ``month``, with the messages to their reporters."""

        def work(connection: Connection) -> int:
            over = (ReceiptRow.until != "") & (ReceiptRow.until < month)
            lookups = select(ReceiptRow.lookup).where(over)
            connection.execute(delete(ReplyRow).where(ReplyRow.lookup.in_(lookups)))
            gone = connection.execute(delete(ReceiptRow).where(over)).rowcount
            return _wiped_later(connection, gone)

        return self._database.write(work)

    def forget_receipt(self, lookup: bytes) -> None:
        """A receipt and the messages to its reporter, wherever its tip is."""

        def work(connection: Connection) -> None:
            if _forget_receipt(connection, lookup):
                _wiped_later(connection, 1)

        self._database.write(work)

    def strays(self) -> int:
        """Bodies and packages whose tip is gone, and keys whose body is gone: what was added in the
        instant in which its tip was erased. How many rows went."""
        tips = select(TipRow.id)
        lost = {
            WrapRow: WrapRow.subject.not_in(select(BodyRow.id)),
            PackageRow: PackageRow.tip.not_in(tips),
            DeadlineRow: DeadlineRow.tip.not_in(tips),
            ClaimRow: ClaimRow.tip.not_in(tips),
            SketchRow: SketchRow.tip.not_in(tips),
            PresenceRow: PresenceRow.tip.not_in(tips),
            SampleRow: SampleRow.tip.not_in(tips),
        }

        def work(connection: Connection) -> int:
            alone = BodyRow.tip.not_in(tips)
            bodies = select(BodyRow.id).where(alone)
            gone = connection.execute(delete(WrapRow).where(WrapRow.subject.in_(bodies))).rowcount
            gone += connection.execute(delete(BodyRow).where(alone)).rowcount
            for table, condition in lost.items():
                gone += connection.execute(delete(table).where(condition)).rowcount
            return _wiped_later(connection, gone)

        return self._database.write(work)

    def there(self, ids: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
        """The tips, and the lookup ids of receipts, among these that have a row."""
        ids = list(ids)
        tips = select(TipRow.id).where(TipRow.id.in_(ids))
        lookups = select(ReceiptRow.lookup).where(ReceiptRow.lookup.in_(ids))
        with self._database.read() as connection:
            return (
                list(connection.execute(tips).scalars()),
                list(connection.execute(lookups).scalars()),
            )

    def sealed_to(self, epoch: str) -> set[str]:
        """The recipients to whose key of this month something is sealed."""
        query = select(WrapRow.recipient).where(WrapRow.epoch == epoch).distinct()
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def free(self, recipient: str, epoch: str, spared: Iterable[int]) -> bool:
        """Whether nothing that may still live needs this month's key, after dropping what held
        tips no longer need it for: parts sealed to the hold key too, packages, and bodies of the
        kinds ``spared``, which a hold does not keep."""

        def work(connection: Connection) -> bool:
            mine = (WrapRow.recipient == recipient) & (WrapRow.epoch == epoch)
            rows = connection.execute(
                select(BodyRow.id, BodyRow.tip, BodyRow.kind)
                .join(WrapRow, WrapRow.subject == BodyRow.id)
                .where(mine)
            ).all()
            held = set(connection.execute(_held).scalars()) if rows and recipient != HOLD else set()
            bare = {row.id for row in rows if row.kind in spared and row.tip in held}
            if any(row.id not in held | bare for row in rows):
                return False
            if bare:
                connection.execute(delete(PackageRow).where(PackageRow.id.in_(bare)))
                connection.execute(delete(BodyRow).where(BodyRow.id.in_(bare)))
            gone = connection.execute(delete(WrapRow).where(mine)).rowcount
            sketched = (SketchRow.recipient == recipient) & (SketchRow.epoch == epoch)
            gone += connection.execute(delete(SketchRow).where(sketched)).rowcount
            _wiped_later(connection, gone)
            return True

        return self._database.write(work)

    def end_observations(self, month: str) -> int:
        """All counts of a month that was released; how many."""
        mine = delete(ObservationRow).where(ObservationRow.month == month)
        return self._database.write(
            lambda connection: _wiped_later(connection, connection.execute(mine).rowcount)
        )

    def tidy(self) -> bool:
        """Overwrites what was deleted since the last time; False when a reader kept the journal
        from being truncated, or the next run must try again."""
        with self._database.read() as connection:
            asked = connection.execute(select(Meta.value).where(Meta.name == TO_WIPE)).scalar()
        if asked is None:
            return True
        if not self._database.wipe(_WRITTEN):
            return False
        # Not what was deleted while the journal was being wiped: it has a mark of its own.
        done = delete(Meta).where(Meta.name == TO_WIPE, Meta.value == asked)
        self._database.write(lambda connection: connection.execute(done))
        return True

    def held(self) -> int:
        """How many tips are under legal hold."""
        query = select(func.count()).select_from(TipRow).where(TipRow.id.in_(_held))
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()


def _shred(
    connection: Connection, tip: bytes, why: str, errands: Iterable[bytes], lookup: bytes
) -> bool:
    """Everything of one tip, keys first: wraps, bodies of every kind, sketch with its links,
    packages, lease, deadline, the errands named, and with ``lookup`` the receipt and the messages
    to the reporter. Its count for statistics stays: nothing but the body knew its id, so it
    belongs to nobody now."""
    bodies = select(BodyRow.id).where(BodyRow.tip == tip)
    packages = select(PackageRow.id).where(PackageRow.tip == tip)
    connection.execute(
        delete(WrapRow).where(or_(WrapRow.subject.in_(bodies), WrapRow.subject == tip))
    )
    connection.execute(
        delete(OutboxRow).where(
            or_(OutboxRow.subject.in_(packages), OutboxRow.id.in_(list(errands)))
        )
    )
    connection.execute(delete(SketchRow).where(SketchRow.tip == tip))
    connection.execute(delete(BodyRow).where(BodyRow.tip == tip))
    connection.execute(delete(PackageRow).where(PackageRow.tip == tip))
    connection.execute(delete(DeadlineRow).where(DeadlineRow.tip == tip))
    connection.execute(delete(ClaimRow).where(ClaimRow.tip == tip))
    connection.execute(delete(PresenceRow).where(PresenceRow.tip == tip))
    connection.execute(delete(SampleRow).where(SampleRow.tip == tip))
    if lookup:
        _forget_receipt(connection, lookup)
    gone = connection.execute(delete(TipRow).where(TipRow.id == tip)).rowcount
    if gone:
        note(connection, "shredded", tip=tip.hex(), why=why)
    _wiped_later(connection, 1)
    return bool(gone)


def _forget_receipt(connection: Connection, lookup: bytes) -> int:
    connection.execute(delete(ReplyRow).where(ReplyRow.lookup == lookup))
    return connection.execute(delete(ReceiptRow).where(ReceiptRow.lookup == lookup)).rowcount


def _wiped_later(connection: Connection, gone: int) -> int:
    """Remembers, in the deletion's own transaction, that its bytes are still there: a kill before
    they are overwritten leaves that to whoever runs next."""
    if gone:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        mark = dialect.insert(Meta).values(name=TO_WIPE, value=secrets.token_hex(16))
        connection.execute(
            mark.on_conflict_do_update(
                index_elements=[Meta.name], set_={"value": mark.excluded.value}
            )
        )
    return gone
