"""People at rest: who signs in, their certificates, their sessions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

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
        values = {name: getattr(person, name) for name in Person.__slots__}
        values["roles"] = ",".join(person.roles)
        self._database.write(lambda c: c.execute(insert(PersonRow).values(**values)))

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

    def end_all(self, person: bytes) -> None:
        self._database.write(
            lambda c: c.execute(delete(SessionRow).where(SessionRow.person == person))
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
