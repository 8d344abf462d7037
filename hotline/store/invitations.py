"""Invitations at rest: who may come in, by which hash, and the account that waits for its code.

Every step is one conditional change: of two who do it at the same instant, one has done it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.people import Person, add_person
from hotline.store.tables import InvitationRow


@dataclass(frozen=True, slots=True, repr=False)
class Invitation:
    """``secret`` and ``pending`` as in the table; ``until`` in seconds since 1970."""

    id: bytes
    secret: bytes
    name: str
    roles: tuple[str, ...]
    agency: str
    language: str
    by: bytes
    second: bytes | None
    until: int
    pending: bytes | None = None


class InvitationStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, one: Invitation) -> None:
        values = {name: getattr(one, name) for name in Invitation.__slots__}
        values["roles"] = ",".join(one.roles)

        def work(connection: Connection) -> None:
            connection.execute(insert(InvitationRow).values(**values))
            invitation, by = one.id.hex(), one.by.hex()
            note(connection, "invited", invitation=invitation, by=by, roles=values["roles"])

        self._database.write(work)

    def running(self, now: int) -> list[Invitation]:
        """All that may still be used, by name."""
        return self._list(InvitationRow.until > now)

    def of(self, secret: bytes, now: int) -> Invitation | None:
        """The running invitation of a hash."""
        found = self._list((InvitationRow.secret == secret) & (InvitationRow.until > now))
        return found[0] if found else None

    def _list(self, condition: object) -> list[Invitation]:
        query = select(InvitationRow).where(condition).order_by(InvitationRow.name)  # type: ignore[arg-type]
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        found = []
        for row in rows:
            values = {name: row[name] for name in Invitation.__slots__}
            values["roles"] = tuple(row["roles"].split(","))
            found.append(Invitation(**values))
        return found

    def agree(self, identity: bytes, second: bytes) -> bool:
        """The second officer's word; False when it is theirs, given already or gone."""

        def work(connection: Connection) -> bool:
            changed = connection.execute(
                update(InvitationRow)
                .where(
                    InvitationRow.id == identity,
                    InvitationRow.by != second,
                    InvitationRow.second.is_(None),
                )
                .values(second=second)
            ).rowcount
            if changed == 1:
                invitation, by = identity.hex(), second.hex()
                note(connection, "invitation_agreed", invitation=invitation, by=by)
            return changed == 1

        return self._database.write(work)

    def spend(self, one: Invitation, ticket: bytes, pending: bytes, until: int) -> bool:
        """The code is used: the ticket's hash stands in its place. True for the first only."""
        statement = (
            update(InvitationRow)
            .where(InvitationRow.id == one.id, InvitationRow.secret == one.secret)
            .values(secret=ticket, pending=pending, until=until)
        )
        return self._database.write(lambda c: c.execute(statement).rowcount == 1)

    def enter(self, one: Invitation, person: Person) -> bool:
        """The account exists and the invitation does not, in one commit; False when it was
        withdrawn or used meanwhile. Raises AlreadyThere when the name is taken."""

        def work(connection: Connection) -> bool:
            gone = connection.execute(
                delete(InvitationRow).where(
                    InvitationRow.id == one.id, InvitationRow.secret == one.secret
                )
            ).rowcount
            if gone != 1:
                return False
            add_person(connection, person)
            invitation, roles = one.id.hex(), ",".join(person.roles)
            note(connection, "joined", person=person.id.hex(), invitation=invitation, roles=roles)
            return True

        return self._database.write(work)

    def withdraw(self, identity: bytes, by: bytes) -> bool:
        """False when it was used, withdrawn or forgotten before."""

        def work(connection: Connection) -> bool:
            gone = connection.execute(delete(InvitationRow).where(InvitationRow.id == identity))
            if gone.rowcount == 1:
                invitation, withdrew = identity.hex(), by.hex()
                note(connection, "invitation_withdrawn", invitation=invitation, by=withdrew)
            return gone.rowcount == 1

        return self._database.write(work)

    def forget(self, now: int) -> int:
        """Clears away what nobody used in time."""
        statement = delete(InvitationRow).where(InvitationRow.until <= now)
        return self._database.write(lambda c: c.execute(statement).rowcount)
