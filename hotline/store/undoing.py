"""Undoing: what a change of a tip touches, as it was, and the way back in one commit.

It lives in the memory of the process that made the change, for seconds: ciphertext and clear facts
that were at rest a moment ago, never a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from hotline.errors import HotlineError
from hotline.store.audit import note
from hotline.store.tables import (
    Base,
    BodyRow,
    DeadlineRow,
    ObservationRow,
    OutboxRow,
    PackageRow,
    ReceiptRow,
    ReplyRow,
    SampleRow,
    SketchRow,
    TipRow,
    WrapRow,
)
from hotline.tips import Redacted

if TYPE_CHECKING:
    from hotline.store.tips import Change

Key = tuple[type[Base], InstrumentedAttribute[bytes], frozenset[bytes]]


class TooLate(HotlineError):
    """The time to undo is over, something left the line, or the tip moved on."""

    code = "too_late"
    status = 409
    message = "This can no longer be undone."
    hint = "Open the tip again: it may be let to wait again, or be sent elsewhere."


@dataclass(frozen=True, slots=True, repr=False)
class Before(Redacted):
    """A tip as it stood before a change. ``version`` is the one that the change left; ``errands``
    are those it put down."""

    tip: bytes
    queue: str
    version: int
    row: Mapping[str, Any]
    parts: tuple[tuple[Key, tuple[Mapping[str, Any], ...]], ...]
    errands: frozenset[bytes]


def before(connection: Connection, change: Change) -> Before | None:
    """Reads what ``change`` is about to touch. None when the tip is not there."""
    row = connection.execute(select(TipRow.__table__).where(TipRow.id == change.tip)).first()
    if row is None:
        return None
    parts = tuple((key, _rows(connection, key)) for key in _touched(change))
    return Before(
        change.tip,
        row.queue,
        change.version + 1,
        dict(row._mapping),
        parts,
        frozenset(errand.id for errand in change.errands),
    )


def undo(connection: Connection, kept: Before, by: bytes) -> None:
    """Everything as it was, but for the version, which only goes on: a page that was loaded in
    between decides nothing. Raises TooLate."""
    ready = delete(OutboxRow).where(OutboxRow.id.in_(kept.errands), OutboxRow.state == "ready")
    if kept.errands and connection.execute(ready).rowcount != len(kept.errands):
        raise TooLate
    values = {**kept.row, "version": kept.version + 1}
    moved = connection.execute(
        update(TipRow)
        .where(TipRow.id == kept.tip, TipRow.version == kept.version)
        .values({name: value for name, value in values.items() if name != "id"})
    ).rowcount
    if not moved:
        raise TooLate
    for (table, column, ids), rows in kept.parts:
        connection.execute(delete(table).where(column.in_(ids)))
        if rows:
            connection.execute(insert(table), [dict(row) for row in rows])
    note(connection, "undone", tip=kept.tip.hex(), by=by.hex())


def _touched(change: Change) -> list[Key]:
    """Rows by table and key. A reporter's additions have ids of their own: none is touched."""
    packed = {package.id for package in change.packages}
    bodies = {body.id for body in change.bodies} | set(change.drop_bodies)
    bare = {*change.drop_bodies, *change.drop_wraps_of, *(w.subject for w in change.wraps)}
    if change.drop_wraps or change.drop_recipients:
        bare.add(change.tip)
    lookups = {lookup for _, lookup, _ in change.replies}
    if change.receipt is not None:
        lookups.add(change.receipt.lookup)
    counted = {change.observation.id} if change.observation is not None else set()
    # Another queue may not learn what this one linked it with; undone, the links are there again.
    sketched = {change.tip} if change.queue is not None else set()
    keys: list[tuple[type[Base], Any, Iterable[bytes]]] = [
        (DeadlineRow, DeadlineRow.tip, {change.tip}),
        (SampleRow, SampleRow.tip, {change.tip}),
        (SketchRow, SketchRow.tip, sketched),
        (BodyRow, BodyRow.id, bodies | packed),
        (WrapRow, WrapRow.subject, bare | packed),
        (PackageRow, PackageRow.id, packed),
        (ReplyRow, ReplyRow.id, {slot for slot, _, _ in change.replies}),
        (ReceiptRow, ReceiptRow.lookup, lookups),
        (ObservationRow, ObservationRow.id, counted),
    ]
    return [(table, column, frozenset(ids)) for table, column, ids in keys if ids]


def _rows(connection: Connection, key: Key) -> tuple[Mapping[str, Any], ...]:
    table, column, ids = key
    found = connection.execute(select(table.__table__).where(column.in_(ids)))
    return tuple(dict(row._mapping) for row in found)
