"""Tips at rest: what intake may write, and what triage reads and changes.

Everything here takes ``SealedTip`` and its parts: storing before sealing is a type error.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from hotline.errors import HotlineError
from hotline.store.audit import note
from hotline.store.database import Database, Transaction
from hotline.store.outbox import put
from hotline.store.tables import (
    BodyRow,
    DeadlineRow,
    MarkRow,
    ObservationRow,
    PackageRow,
    ReceiptRow,
    ReplyRow,
    SampleRow,
    SketchRow,
    TipRow,
    WrapRow,
)
from hotline.store.undoing import Before, before, undo
from hotline.tips import (
    Body,
    Errand,
    Observation,
    Priority,
    SealedPackage,
    SealedReceipt,
    SealedTip,
    State,
    Wrap,
)

_TIP, _BODY, _MARK = insert(TipRow), insert(BodyRow), insert(MarkRow)
_DEADLINE, _OBSERVATION = insert(DeadlineRow), insert(ObservationRow)
_RECEIPT, _PACKAGE = insert(ReceiptRow), insert(PackageRow)
# A tip that comes back to a queue finds its key there already; without a conflict target
# PostgreSQL asks for no SELECT, which intake's role does not have.
_WRAP = {
    "postgresql": postgresql.insert(WrapRow).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(WrapRow).on_conflict_do_nothing(),
}
_RECALL = select(MarkRow.mark, MarkRow.answer).where(
    MarkRow.mark.in_(bindparam("marks", expanding=True))
)

UNDECIDED = (State.WAITING, State.OPEN)

Told = Callable[[Sequence[Errand]], None]
First = Callable[[Transaction], object]  # done in the same transaction, before
Keep = Callable[[Before], None]


class StaleTip(HotlineError):
    """Somebody else changed this tip since it was read."""

    code = "stale"
    status = 409
    message = "Somebody else has just changed this tip."
    hint = "Open it again. What you typed is kept below."


@dataclass(frozen=True, slots=True)
class Mark:
    """Proof that a message was already answered: keyed mark, its day, the sealed answer."""

    mark: bytes
    day: str
    answer: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What one decision changes, committed at once. ``version`` is the one that was read."""

    tip: bytes
    version: int
    queue: str | None = None
    state: State | None = None
    priority: Priority | None = None
    type_group: str | None = None
    municipality: str | None = None
    bodies: tuple[Body, ...] = ()
    wraps: tuple[Wrap, ...] = ()
    drop_wraps: bool = False
    drop_recipients: tuple[str, ...] = ()
    drop_bodies: tuple[bytes, ...] = ()  # with their wraps
    drop_wraps_of: tuple[bytes, ...] = ()  # other bodies of the tip
    receipt: SealedReceipt | None = None
    replies: tuple[tuple[bytes, bytes, bytes], ...] = ()  # slot, lookup, sealed
    observation: Observation | None = None
    packages: tuple[SealedPackage, ...] = ()
    errands: tuple[Errand, ...] = ()
    due_at: int | None = None
    lot: int | None = None  # see SampleRow
    until: str | None = None  # of the tip, and of the receipt that ``receipt`` or ``replies`` name
    events: tuple[tuple[str, dict[str, str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a queue: clear facts only. ``due_at`` 0 when decided; ``until`` see TipRow."""

    id: bytes
    queue: str
    state: State
    priority: Priority
    month: str
    type_group: str | None
    municipality: str | None
    version: int
    due_at: int
    until: str = ""


class Tips:
    """The tips of one database."""

    def __init__(self, database: Database, told: Told = lambda errands: None) -> None:
        """``told`` hears of errands after their commit; it must not raise."""
        self._database = database
        self._told = told

    def store(self, tip: SealedTip, mark: Mark | None = None) -> None:
        """Durable when it returns. Raises AlreadyThere for a mark seen before,
        DatabaseUnavailable otherwise; then nothing was written."""
        self._database.write(lambda connection: _store(connection, tip, mark))
        self._told(tip.errands)

    def add(
        self,
        mark: Mark | None,
        bodies: Sequence[Body] = (),
        wraps: Sequence[Wrap] = (),
        packages: Sequence[SealedPackage] = (),
        errands: Sequence[Errand] = (),
    ) -> None:
        """What a reporter adds to a tip; inserts only, as intake may do no more."""

        def work(connection: Connection) -> None:
            _mark(connection, mark)
            put_parts(connection, bodies, wraps)
            put_packages(connection, packages)
            put(connection, errands)

        self._database.write(work)
        self._told(errands)

    def recall(self, marks: Iterable[bytes]) -> tuple[bytes, bytes] | None:
        """``(mark, sealed answer)`` of the first mark that is known."""
        with self._database.read() as connection:
            row = connection.execute(_RECALL, {"marks": list(marks)}).first()
        return (row.mark, row.answer) if row else None

    def receipt(self, lookup: bytes) -> SealedReceipt | None:
        with self._database.read() as connection:
            row = connection.execute(select(ReceiptRow).where(ReceiptRow.lookup == lookup)).first()
        return SealedReceipt(row.lookup, row.key, row.sealed) if row else None

    def replies(self, lookup: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """``(slot, sealed)`` of a receipt's replies, filled up to ``most`` with replies to others,
        which its key does not open: fetching them takes time too, and must not tell how many are
        one's own. Fewer only while the whole line has fewer."""
        # Slots are random, so what follows a random one is drawn anew each time.
        anywhere = select(ReplyRow.id, ReplyRow.sealed).where(
            ReplyRow.lookup != lookup, ReplyRow.id >= secrets.token_bytes(16)
        )
        own = select(ReplyRow.id, ReplyRow.sealed).where(ReplyRow.lookup == lookup).limit(most)
        with self._database.read() as connection:
            rows = list(connection.execute(own))
            others = anywhere.order_by(ReplyRow.id).limit(most - len(rows))
            rows += connection.execute(others)
        return [(row.id, row.sealed) for row in rows]

    def apply(
        self,
        change: Change,
        first: First = lambda connection: None,
        keep: Keep | None = None,
    ) -> None:
        """One decision, one commit, ``first`` in it. ``keep`` gets what it takes to undo it.
        Raises StaleTip when the version moved on."""

        def work(connection: Connection) -> Before | None:
            first(connection)
            kept = before(connection, change) if keep else None
            _apply(connection, change)
            return kept

        kept = self._database.write(work)
        self._told(change.errands)
        if keep is not None and kept is not None:
            keep(kept)

    def undo(self, kept: Before, by: bytes) -> None:
        """Takes one change back in one commit. Raises TooLate."""
        self._database.write(lambda connection: undo(connection, kept, by))

    def one(self, tip: bytes) -> Listed | None:
        with self._database.read() as connection:
            row = connection.execute(listing().where(TipRow.id == tip)).first()
        return listed(row) if row else None

    def queue(
        self,
        queues: Sequence[str],
        states: Sequence[State],
        most: int = 100,
        priorities: Sequence[Priority] = tuple(Priority),
    ) -> list[Listed]:
        """Tips of these queues, most urgent and longest waiting first."""
        with self._database.read() as connection:
            rows = connection.execute(
                listing()
                .where(
                    TipRow.queue.in_(list(queues)),
                    TipRow.state.in_(list(states)),
                    TipRow.priority.in_(list(priorities)),
                )
                .order_by(TipRow.priority, func.coalesce(DeadlineRow.due_at, 0), TipRow.id)
                .limit(most)
            ).all()
        return [listed(row) for row in rows]

    def counts(self) -> dict[tuple[str, str], int]:
        """Tips by (queue, state)."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(TipRow.queue, TipRow.state, func.count()).group_by(
                    TipRow.queue, TipRow.state
                )
            ).all()
        return {(row[0], row[1]): row[2] for row in rows}

    def bodies(
        self, tip: bytes, without: Sequence[int] = (), only: Sequence[int] = ()
    ) -> list[Body]:
        """Everything sealed for a tip, but for the kinds ``without``, or these ``only``."""
        wanted = select(BodyRow).where(BodyRow.tip == tip, BodyRow.kind.not_in(without))
        wanted = wanted.where(BodyRow.kind.in_(only)) if only else wanted
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        return [Body(row.id, row.tip, row.kind, row.sealed) for row in rows]

    def body(self, subject: bytes) -> Body | None:
        with self._database.read() as connection:
            row = connection.execute(select(BodyRow).where(BodyRow.id == subject)).first()
        return Body(row.id, row.tip, row.kind, row.sealed) if row else None

    def present(self, subjects: Iterable[bytes]) -> set[bytes]:
        """Those of these bodies that are still there."""
        with self._database.read() as connection:
            rows = connection.execute(select(BodyRow.id).where(BodyRow.id.in_(list(subjects))))
            return {row.id for row in rows}

    def wraps(self, subjects: Iterable[bytes]) -> list[Wrap]:
        with self._database.read() as connection:
            rows = connection.execute(
                select(WrapRow).where(WrapRow.subject.in_(list(subjects)))
            ).all()
        return [Wrap(row.subject, row.recipient, row.epoch, row.sealed) for row in rows]

    def mark(self, mark: Mark) -> None:
        """Of a message that changes nothing else. Raises AlreadyThere."""
        self._database.write(lambda connection: connection.execute(_MARK, asdict(mark)))

    def forget_marks(self, before: str) -> int:
        """Deletes marks of days before ``before``; returns how many."""

        def work(connection: Connection) -> int:
            return connection.execute(delete(MarkRow).where(MarkRow.day < before)).rowcount

        return self._database.write(work)


def listing() -> Select[*tuple[Any, ...]]:
    """What a list shows of tips; ``listed`` makes rows of it."""
    return select(TipRow, func.coalesce(DeadlineRow.due_at, 0).label("due_at")).outerjoin(
        DeadlineRow, DeadlineRow.tip == TipRow.id
    )


def listed(row: Row[Any]) -> Listed:
    return Listed(
        row.id,
        row.queue,
        State(row.state),
        Priority(row.priority),
        row.month,
        row.type_group,
        row.municipality,
        row.version,
        row.due_at,
        row.until,
    )


def _store(connection: Connection, tip: SealedTip, mark: Mark | None) -> None:
    # Rows go in as parameters of statements made once: with the values in the statement each
    # insert costs five times as much (0.86 ms against 0.15), and a tip is ten of them.
    _mark(connection, mark)
    connection.execute(
        _TIP,
        {
            "id": tip.id,
            "queue": tip.queue,
            "state": tip.state,
            "priority": tip.priority,
            "month": tip.month,
            "type_group": tip.type_group,
            "municipality": tip.municipality,
            "version": 1,
        },
    )
    connection.execute(
        _DEADLINE,
        {
            "tip": tip.id,
            "due_at": tip.due_at,
            "queue": tip.queue,
            "state": tip.state,
            "priority": tip.priority,
        },
    )
    put_parts(connection, tip.bodies, tip.wraps)
    counted = tip.observation
    connection.execute(
        _OBSERVATION, {"id": counted.id, "month": counted.month, "sealed": counted.sealed}
    )
    if (receipt := tip.receipt) is not None:
        connection.execute(
            _RECEIPT, {"lookup": receipt.lookup, "key": receipt.key, "sealed": receipt.sealed}
        )
    put_packages(connection, tip.packages)
    put(connection, tip.errands)
    note(connection, "received", tip=tip.id.hex(), month=tip.month)


def _mark(connection: Connection, mark: Mark | None) -> None:
    if mark is not None:
        connection.execute(_MARK, {"mark": mark.mark, "day": mark.day, "answer": mark.answer})


def put_parts(connection: Connection, bodies: Sequence[Body], wraps: Sequence[Wrap]) -> None:
    if bodies:
        connection.execute(
            _BODY,
            [{"id": b.id, "tip": b.tip, "kind": b.kind, "sealed": b.sealed} for b in bodies],
        )
    if wraps:
        connection.execute(
            _WRAP[connection.dialect.name],
            [
                {
                    "subject": w.subject,
                    "recipient": w.recipient,
                    "epoch": w.epoch,
                    "sealed": w.sealed,
                }
                for w in wraps
            ],
        )


def put_packages(
    connection: Connection, packages: Sequence[SealedPackage], state: str = "sent"
) -> None:
    for package in packages:
        connection.execute(
            _PACKAGE,
            {
                "id": package.id,
                "tip": package.tip,
                "agency": package.agency,
                "role": package.role,
                "state": state,
                "day": package.day,
                "due": package.due,
                "stage": -1,
            },
        )
        put_parts(connection, [package.body], [package.wrap])


def _replace(connection: Connection, body: Body) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(BodyRow).values(
        id=body.id, tip=body.tip, kind=body.kind, sealed=body.sealed
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[BodyRow.id], set_={"sealed": statement.excluded.sealed}
        )
    )


def put_reply(connection: Connection, slot: bytes, lookup: bytes, sealed: bytes) -> None:
    """A message to the reporter; a slot that is taken is overwritten."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(ReplyRow).values(id=slot, lookup=lookup, sealed=sealed)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[ReplyRow.id], set_={"sealed": statement.excluded.sealed}
        )
    )


def extend_receipts(connection: Connection, lookups: Iterable[bytes], until: str) -> None:
    """Receipts live as long as their tip, never longer: what came by one then would have none."""
    connection.execute(
        update(ReceiptRow).where(ReceiptRow.lookup.in_(list(lookups))).values(until=until)
    )


def _apply(connection: Connection, change: Change) -> None:
    _move(connection, change)
    if change.drop_wraps:
        connection.execute(delete(WrapRow).where(WrapRow.subject == change.tip))
    if change.drop_recipients:
        connection.execute(
            delete(WrapRow).where(
                WrapRow.subject == change.tip, WrapRow.recipient.in_(change.drop_recipients)
            )
        )
    if change.drop_bodies:
        connection.execute(delete(BodyRow).where(BodyRow.id.in_(change.drop_bodies)))
    if bare := (*change.drop_bodies, *change.drop_wraps_of):
        connection.execute(delete(WrapRow).where(WrapRow.subject.in_(bare)))
    for body in change.bodies:
        _replace(connection, body)
    put_parts(connection, (), change.wraps)
    _deadline(connection, change)
    _receipt(connection, change)
    if change.observation is not None:
        connection.execute(
            update(ObservationRow)
            .where(ObservationRow.id == change.observation.id)
            .values(sealed=change.observation.sealed)
        )
    # A person's decision may be undone: its errand ``notify`` puts the package into the inbox.
    put_packages(connection, change.packages, "leaving")
    _sample(connection, change)
    put(connection, change.errands)
    for event, fields in change.events:
        note(connection, event, tip=change.tip.hex(), **fields)


def _receipt(connection: Connection, change: Change) -> None:
    """What the reporter finds, and until when."""
    lookups = {lookup for _, lookup, _ in change.replies}
    if change.receipt is not None:
        lookups.add(change.receipt.lookup)
        connection.execute(
            update(ReceiptRow)
            .where(ReceiptRow.lookup == change.receipt.lookup)
            .values(sealed=change.receipt.sealed)
        )
    for slot, lookup, sealed in change.replies:
        put_reply(connection, slot, lookup, sealed)
    if change.until is not None:
        extend_receipts(connection, lookups, change.until)


def _move(connection: Connection, change: Change) -> None:
    values: dict[str, object] = {"version": change.version + 1}
    if change.queue is not None:
        # A new queue decides anew which facts may stand in clear: both are always written.
        _leave(connection, change.tip, change.queue)
        values |= {
            "queue": change.queue,
            "type_group": change.type_group,
            "municipality": change.municipality,
        }
    if change.state is not None:
        values["state"] = change.state
    if change.priority is not None:
        values["priority"] = change.priority
    if change.until is not None:
        values["until"] = change.until
    moved = connection.execute(
        update(TipRow)
        .where(TipRow.id == change.tip, TipRow.version == change.version)
        .values(**values)
    ).rowcount
    if not moved:
        raise StaleTip


def _leave(connection: Connection, tip: bytes, queue: str) -> None:
    """What another queue kept to compare the tip with goes, its links too: whoever reads that
    queue may not learn of this one."""
    mine = (SketchRow.tip == tip) & (SketchRow.recipient != f"queue:{queue}")
    connection.execute(delete(SketchRow).where(mine))


def _sample(connection: Connection, change: Change) -> None:
    if change.state is not None:
        connection.execute(delete(SampleRow).where(SampleRow.tip == change.tip))
    if change.lot is not None:
        connection.execute(insert(SampleRow).values(tip=change.tip, lot=change.lot))


def _deadline(connection: Connection, change: Change) -> None:
    """The row of an undecided tip says what the tip says; a decided one has none."""
    mine = DeadlineRow.tip == change.tip
    moved = (change.queue, change.state, change.priority, change.due_at)
    if all(fact is None for fact in moved):
        return
    facts = select(TipRow.queue, TipRow.state, TipRow.priority).where(TipRow.id == change.tip)
    values = dict(connection.execute(facts).mappings().one())
    if values["state"] not in UNDECIDED:
        connection.execute(delete(DeadlineRow).where(mine))
        return
    if change.due_at is not None:
        values |= {"due_at": change.due_at, "stage": 0}  # it is raised anew
    if not connection.execute(update(DeadlineRow).where(mine).values(**values)).rowcount:
        # Waits again, and nobody said until when: it comes first of its priority.
        connection.execute(_DEADLINE, {"tip": change.tip, "due_at": 0, **values})
