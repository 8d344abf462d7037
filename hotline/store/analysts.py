"""Analysts at rest: accounts, sessions and invitations in a file of their own beside the releases.

The line's people and its database are elsewhere: who holds this file holds neither.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from sqlalchemy import Connection, MetaData, case, delete, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hotline.store.database import Database, own_file

FILE = "analysts.db"


class AnalystBase(DeclarativeBase):
    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


class AnalystRow(AnalystBase):
    """Like a person of the line, with no role. ``token``: hash of the programs' token."""

    __tablename__ = "analyst"
    id: Mapped[bytes] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    language: Mapped[str]
    public: Mapped[bytes]
    salt: Mapped[bytes]
    sealed: Mapped[bytes]
    totp: Mapped[bytes]
    totp_last: Mapped[int]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[int] = mapped_column(default=0)
    token: Mapped[bytes | None] = mapped_column(unique=True)


class VisitRow(AnalystBase):
    """A session. ``sealed`` binds it to its analyst under a key that only the cookie yields."""

    __tablename__ = "visit"
    id: Mapped[bytes] = mapped_column(primary_key=True)
    analyst: Mapped[bytes]
    sealed: Mapped[bytes]
    started: Mapped[int]
    seen: Mapped[int]


class InviteRow(AnalystBase):
    """``secret``: hash of the code, later of the ticket; ``pending``: the account under that."""

    __tablename__ = "invite"
    secret: Mapped[bytes] = mapped_column(primary_key=True)
    name: Mapped[str]
    language: Mapped[str]
    until: Mapped[int]
    pending: Mapped[bytes | None]


@dataclass(frozen=True, slots=True, repr=False)
class Analyst:
    id: bytes
    name: str
    language: str
    public: bytes
    salt: bytes
    sealed: bytes
    totp: bytes
    totp_last: int = 0
    token: bytes | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    id: bytes
    analyst: bytes
    sealed: bytes
    started: int
    seen: int


@dataclass(frozen=True, slots=True, repr=False)
class Invite:
    """``until`` in seconds since 1970."""

    secret: bytes
    name: str
    language: str
    until: int
    pending: bytes | None = None


class AnalystStore:
    """Made in ``folder`` when it is not there, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own_file(folder / FILE)
        self._database = Database(f"sqlite:///{folder / FILE}")
        AnalystBase.metadata.create_all(self._database.engine)

    def close(self) -> None:
        self._database.close()

    def add(self, analyst: Analyst) -> None:
        """Raises AlreadyThere when the name is taken."""
        self._database.write(lambda c: c.execute(insert(AnalystRow).values(**_values(analyst))))

    def named(self, name: str) -> Analyst | None:
        return next(iter(self._list(AnalystRow.name == name)), None)

    def get(self, identity: bytes) -> Analyst | None:
        return next(iter(self._list(AnalystRow.id == identity)), None)

    def with_token(self, token: bytes) -> Analyst | None:
        return next(iter(self._list(AnalystRow.token == token)), None)

    def all(self) -> list[Analyst]:
        return self._list(AnalystRow.id.is_not(None))

    def _list(self, condition: object) -> list[Analyst]:
        names = [AnalystRow.__table__.c[each.name] for each in fields(Analyst)]
        query = select(*names).where(condition).order_by(AnalystRow.name)  # type: ignore[arg-type]
        with self._database.read() as connection:
            return [Analyst(**row) for row in connection.execute(query).mappings()]

    def change(self, identity: bytes, **values: object) -> None:
        self._database.write(
            lambda c: c.execute(
                update(AnalystRow).where(AnalystRow.id == identity).values(**values)
            )
        )

    def remove(self, name: str) -> bool:
        """The account with its sessions, its token and what invited it; false if none was."""

        def work(connection: Connection) -> bool:
            invited = connection.execute(delete(InviteRow).where(InviteRow.name == name)).rowcount
            mine = select(AnalystRow.id).where(AnalystRow.name == name).scalar_subquery()
            connection.execute(delete(VisitRow).where(VisitRow.analyst == mine))
            gone = connection.execute(delete(AnalystRow).where(AnalystRow.name == name)).rowcount
            return bool(invited + gone)

        found = self._database.write(work)
        self._database.wipe_journal()
        return found

    def take_try(self, identity: bytes, now: int, most: int, locked_until: int) -> bool:
        """Counts a try to sign in before it is made, in one statement: false when none is left."""
        last = AnalystRow.failures + 1 >= most
        counted = (
            update(AnalystRow)
            .where(AnalystRow.id == identity, AnalystRow.locked_until <= now)
            .values(
                failures=case((last, 0), else_=AnalystRow.failures + 1),
                locked_until=case((last, locked_until), else_=AnalystRow.locked_until),
            )
        )
        return self._database.write(lambda c: c.execute(counted).rowcount == 1)

    def use_code(self, identity: bytes, counter: int) -> bool:
        """Spends a one-time code: true only the first time for this counter or a later one."""
        used = (
            update(AnalystRow)
            .where(AnalystRow.id == identity, AnalystRow.totp_last < counter)
            .values(totp_last=counter)
        )
        return self._database.write(lambda c: c.execute(used).rowcount == 1)

    def begin(self, visit: Visit, started_before: int) -> None:
        """And clears away sessions older than ``started_before``."""

        def work(connection: Connection) -> None:
            connection.execute(delete(VisitRow).where(VisitRow.started < started_before))
            connection.execute(insert(VisitRow).values(**_values(visit)))

        self._database.write(work)

    def visit(self, identity: bytes) -> Visit | None:
        query = select(VisitRow.__table__).where(VisitRow.id == identity)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return Visit(**row) if row else None

    def touch(self, identity: bytes, seen: int) -> None:
        self._database.write(
            lambda c: c.execute(update(VisitRow).where(VisitRow.id == identity).values(seen=seen))
        )

    def end(self, identity: bytes) -> None:
        self._database.write(lambda c: c.execute(delete(VisitRow).where(VisitRow.id == identity)))

    def invite(self, one: Invite, now: int) -> None:
        """In place of an earlier invitation of the same name; old ones are cleared away."""

        def work(connection: Connection) -> None:
            old = (InviteRow.name == one.name) | (InviteRow.until <= now)
            connection.execute(delete(InviteRow).where(old))
            connection.execute(insert(InviteRow).values(**_values(one)))

        self._database.write(work)

    def invites(self, now: int) -> list[Invite]:
        query = select(InviteRow.__table__).where(InviteRow.until > now).order_by(InviteRow.name)
        with self._database.read() as connection:
            return [Invite(**row) for row in connection.execute(query).mappings()]

    def spend(self, code: bytes, fresh: Invite) -> bool:
        """The ticket stands in the code's place from now on: true for the first only."""
        spent = (
            update(InviteRow)
            .where(InviteRow.secret == code, InviteRow.pending.is_(None))
            .values(secret=fresh.secret, until=fresh.until, pending=fresh.pending)
        )
        return self._database.write(lambda c: c.execute(spent).rowcount == 1)

    def enter(self, ticket: bytes, analyst: Analyst) -> bool:
        """The account instead of its invitation. Raises AlreadyThere when the name is taken."""

        def work(connection: Connection) -> bool:
            used = connection.execute(delete(InviteRow).where(InviteRow.secret == ticket)).rowcount
            if used:
                connection.execute(insert(AnalystRow).values(**_values(analyst)))
            return used == 1

        return self._database.write(work)


def _values(one: Analyst | Visit | Invite) -> dict[str, object]:
    return {each.name: getattr(one, each.name) for each in fields(one)}
