"""People at rest: who signs in, their certificates, their sessions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, case, delete, insert, select, update

from hotline.store.database import Database
from hotline.store.tables import CertificateRow, PersonRow, SessionRow


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody who signs in. ``sealed`` and ``totp`` open only with the passphrase."""

    id: bytes
    name: str
    roles: tuple[str, ...]
    agency: str
    language: str
    public: bytes
    salt: bytes
    sealed: bytes
    totp: bytes
    totp_last: int = 0
    active: bool = True
    failures: int = 0
    locked_until: int = 0
    shortcuts: bool = True
    limits: bytes | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Session:
    """``sealed`` is the person's seed under a key only the cookie yields."""

    id: bytes
    person: bytes
    sealed: bytes
    started: int
    seen: int


class People:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, person: Person) -> None:
        """Raises AlreadyThere when the name is taken."""
        self._database.write(lambda connection: add_person(connection, person))

    def named(self, name: str) -> Person | None:
        return self._one(PersonRow.name == name)

    def get(self, identity: bytes) -> Person | None:
        return self._one(PersonRow.id == identity)

    def _one(self, condition: object) -> Person | None:
        found = self._list(condition)
        return found[0] if found else None

    def all(self) -> list[Person]:
        return self._list(PersonRow.id.is_not(None))

    def _list(self, condition: object) -> list[Person]:
        query = select(PersonRow).where(condition).order_by(PersonRow.name)  # type: ignore[arg-type]
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        people = []
        for row in rows:
            values = {name: row[name] for name in Person.__slots__}
            values["roles"] = tuple(part for part in row["roles"].split(",") if part)
            people.append(Person(**values))
        return people

    def change(self, identity: bytes, **values: object) -> None:
        """Sets columns of one person (``roles`` as a comma-separated text)."""
        self._database.write(
            lambda c: c.execute(update(PersonRow).where(PersonRow.id == identity).values(**values))
        )

    def take_try(self, identity: bytes, now: int, most: int, locked_until: int) -> bool:
        """Counts a try to sign in before it is made: false when none is left. The try that makes
        ``most`` locks until ``locked_until``. One statement: tries that come at once are each
        counted, so that nobody gets more of them by being quick."""
        last = PersonRow.failures + 1 >= most
        return self._database.write(
            lambda c: (
                c.execute(
                    update(PersonRow)
                    .where(
                        PersonRow.id == identity,
                        PersonRow.active.is_(True),
                        PersonRow.locked_until <= now,
                    )
                    .values(
                        failures=case((last, 0), else_=PersonRow.failures + 1),
                        locked_until=case((last, locked_until), else_=PersonRow.locked_until),
                    )
                ).rowcount
                == 1
            )
        )

    def use_code(self, identity: bytes, counter: int) -> bool:
        """Spends a one-time code: true only the first time for this counter or a later one."""
        return self._database.write(
            lambda c: (
                c.execute(
                    update(PersonRow)
                    .where(PersonRow.id == identity, PersonRow.totp_last < counter)
                    .values(totp_last=counter)
                ).rowcount
                == 1
            )
        )

    def certify(self, identity: bytes, kind: str, until: str) -> None:
        def work(connection):  # type: ignore[no-untyped-def]
            connection.execute(
                delete(CertificateRow).where(
                    CertificateRow.person == identity, CertificateRow.kind == kind
                )
            )
            connection.execute(
                insert(CertificateRow).values(person=identity, kind=kind, until=until)
            )

        self._database.write(work)

    def certificates(self, identity: bytes) -> dict[str, str]:
        """Last valid day by kind of queue, expired ones included."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(CertificateRow.kind, CertificateRow.until).where(
                    CertificateRow.person == identity
                )
            ).all()
        return {row.kind: row.until for row in rows}

    def begin(self, session: Session) -> None:
        values = {name: getattr(session, name) for name in Session.__slots__}
        self._database.write(lambda c: c.execute(insert(SessionRow).values(**values)))

    def session(self, identity: bytes) -> Session | None:
        with self._database.read() as connection:
            row = connection.execute(select(SessionRow).where(SessionRow.id == identity)).first()
        return Session(row.id, row.person, row.sealed, row.started, row.seen) if row else None

    def sessions(self, person: bytes) -> list[Session]:
        """Everything of a person that runs or waits to be cleared away, newest first."""
        query = select(SessionRow).where(SessionRow.person == person)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(SessionRow.started.desc())).all()
        return [Session(row.id, row.person, row.sealed, row.started, row.seen) for row in rows]

    def touch(self, identity: bytes, seen: int) -> None:
        self._database.write(
            lambda c: c.execute(
                update(SessionRow).where(SessionRow.id == identity).values(seen=seen)
            )
        )

    def end(self, identity: bytes) -> None:
        self._database.write(
            lambda c: c.execute(delete(SessionRow).where(SessionRow.id == identity))
        )

    def end_all(self, person: bytes, *, but: bytes = b"") -> None:
        """Ends every session of a person, but the one of this id."""
        self._database.write(
            lambda c: c.execute(
                delete(SessionRow).where(SessionRow.person == person, SessionRow.id != but)
            )
        )

    def end_idle(self, seen_before: int, started_before: int) -> int:
        return self._database.write(
            lambda c: (
                c.execute(
                    delete(SessionRow).where(
                        (SessionRow.seen < seen_before) | (SessionRow.started < started_before)
                    )
                ).rowcount
            )
        )


def add_person(connection: Connection, person: Person) -> None:
    """In a transaction that does more than this."""
    values = {name: getattr(person, name) for name in Person.__slots__}
    values["roles"] = ",".join(person.roles)
    connection.execute(insert(PersonRow).values(**values))
