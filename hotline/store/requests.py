"""Requests at rest: what one person asked for and a second approves. Every step is one statement
whose conditions are the rule, so that of two who come at once exactly one is served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    SQLColumnExpression,
    delete,
    insert,
    literal,
    or_,
    select,
    update,
)

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import PersonRow, RequestRow

ASKED, APPROVED, DONE, REFUSED, WITHDRAWN = "asked", "approved", "done", "refused", "withdrawn"


@dataclass(frozen=True, slots=True)
class Asked:
    """A row. ``facts`` is text whose bytes are compared; ``asked_at`` seconds since 1970."""

    id: bytes
    deed: str
    facts: str
    reason: str
    by: bytes
    asked_at: int
    approver: bytes | None = None
    state: str = ASKED


class Requests:
    """``roles`` are those that may decide the deed; ``since`` the oldest ``asked_at`` that still
    counts. Each step that happened leaves its audit record in the same commit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, one: Asked, roles: Iterable[str]) -> int:
        """How many active people may decide it; kept only when the asker is one of at least
        two, else 0 is returned for an asker who may not."""
        roles = tuple(roles)

        def work(connection: Connection) -> int:
            deciding = set(connection.execute(_deciders(roles)).scalars())
            if one.by not in deciding:
                return 0
            if len(deciding) > 1:
                values = {name: getattr(one, name) for name in Asked.__slots__}
                connection.execute(insert(RequestRow).values(**values))
                _mark(connection, ASKED, one, one.by)
            return len(deciding)

        return self._database.write(work)

    def approve(self, one: Asked, by: bytes, roles: Iterable[str], since: int) -> bool:
        """Whether ``by``, who is not the asker, is the one who approved. The asker must still be
        of the deciding people too: who left asks for nothing."""
        return self._step(
            one,
            by,
            APPROVED,
            RequestRow.state == ASKED,
            RequestRow.asked_at >= since,
            RequestRow.by != by,
            _may_decide(literal(by), roles),
            _may_decide(RequestRow.by, roles),
        )

    def refuse(self, one: Asked, by: bytes, roles: Iterable[str], since: int) -> bool:
        """Whether it was ended by somebody else than the asker. An approved one can be, until it
        is spent: an approver may think again."""
        return self._step(
            one,
            by,
            REFUSED,
            RequestRow.state.in_([ASKED, APPROVED]),
            RequestRow.asked_at >= since,
            RequestRow.by != by,
            _may_decide(literal(by), roles),
        )

    def withdraw(self, one: Asked, by: bytes, since: int) -> bool:
        """Whether the asker took it back."""
        return self._step(
            one,
            by,
            WITHDRAWN,
            RequestRow.state.in_([ASKED, APPROVED]),
            RequestRow.asked_at >= since,
            RequestRow.by == by,
        )

    def _step(self, one: Asked, by: bytes, state: str, *when: ColumnElement[bool]) -> bool:
        values: dict[str, object] = {"state": state}
        if state == APPROVED:
            values["approver"] = by
        statement = update(RequestRow).where(RequestRow.id == one.id, *when).values(**values)

        def work(connection: Connection) -> bool:
            if connection.execute(statement).rowcount != 1:
                return False
            _mark(connection, state, one, by)
            return True

        return self._database.write(work)

    def get(self, identity: bytes) -> Asked | None:
        with self._database.read() as connection:
            row = connection.execute(select(RequestRow).where(RequestRow.id == identity)).first()
        return _asked(row) if row else None

    def open(self, since: int) -> list[Asked]:
        """Those that wait for approval or for being carried out, oldest first."""
        query = (
            select(RequestRow)
            .where(RequestRow.state.in_([ASKED, APPROVED]), RequestRow.asked_at >= since)
            .order_by(RequestRow.asked_at, RequestRow.id)
        )
        with self._database.read() as connection:
            return [_asked(row) for row in connection.execute(query)]

    def forget(self, before: int) -> int:
        """Deletes what was asked before then; the audit keeps that it happened."""
        return self._database.write(
            lambda c: c.execute(delete(RequestRow).where(RequestRow.asked_at < before)).rowcount
        )


def spend(
    connection: Connection, deed: str, facts: str, by: bytes, roles: Iterable[str], since: int
) -> Asked | None:
    """Uses up one approved request, in the transaction of the deed; None when there is none.

    Both must still be active and have the role in the very statement that spends."""
    roles = tuple(roles)
    fit = (
        RequestRow.state == APPROVED,
        RequestRow.deed == deed,
        RequestRow.facts == facts,
        RequestRow.asked_at >= since,
        or_(RequestRow.by == by, RequestRow.approver == by),
        RequestRow.by != RequestRow.approver,
        _may_decide(RequestRow.by, roles),
        _may_decide(RequestRow.approver, roles),
    )
    for row in connection.execute(select(RequestRow).where(*fit)).all():
        statement = update(RequestRow).where(RequestRow.id == row.id, *fit).values(state=DONE)
        if connection.execute(statement).rowcount == 1:
            spent = replace(_asked(row), state=DONE)
            _mark(connection, DONE, spent, by)
            return spent
    return None


def _mark(connection: Connection, state: str, one: Asked, by: bytes) -> None:
    note(connection, f"request_{state}", request=one.id.hex(), deed=one.deed, by=by.hex())


def _has_role(roles: Iterable[str]) -> ColumnElement[bool]:
    """Roles are one comma-separated text; no role's name has a wildcard in it."""
    listed = literal(",") + PersonRow.roles + ","
    return or_(*(listed.like(f"%,{role},%") for role in roles))


def _deciders(roles: Iterable[str]) -> Select[bytes]:
    return select(PersonRow.id).where(PersonRow.active.is_(True), _has_role(roles))


def _may_decide(person: SQLColumnExpression[Any], roles: Iterable[str]) -> ColumnElement[bool]:
    return person.in_(_deciders(roles))


def _asked(row: object) -> Asked:
    return Asked(*(getattr(row, name) for name in Asked.__slots__))
