"""Desk: claims on tips and the packages in agencies' inboxes, at rest."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.tables import ClaimRow, PackageRow
from hotline.store.tips import put_reply


@dataclass(frozen=True, slots=True)
class Claim:
    """An operator's lease on a tip, until seconds since 1970."""

    tip: bytes
    person: bytes
    until: int


@dataclass(frozen=True, slots=True)
class Package:
    """Clear facts of a package; its body is in ``bodies`` under the same id."""

    id: bytes
    tip: bytes
    agency: str
    role: str
    state: str
    day: str
    due: str


class Desk:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, claim: Claim, now: int) -> bool:
        """Takes or renews a lease; False when somebody else's still runs. Raises AlreadyThere
        when two take a free tip at the same instant: the other one has it."""

        def work(connection: Connection) -> bool:
            held = connection.execute(
                select(ClaimRow.person, ClaimRow.until)
                .where(ClaimRow.tip == claim.tip)
                .with_for_update()
            ).first()
            if held and held.person != claim.person and held.until > now:
                return False
            # A lease is changed in place. Deleted and inserted again, it would be missed by whoever
            # waits for its row on PostgreSQL, who would then take the tip as well.
            values = {"person": claim.person, "until": claim.until}
            if held:
                connection.execute(
                    update(ClaimRow).where(ClaimRow.tip == claim.tip).values(**values)
                )
            else:
                connection.execute(insert(ClaimRow).values(tip=claim.tip, **values))
            if not held or held.person != claim.person:
                note(connection, "claimed", tip=claim.tip.hex(), by=claim.person.hex())
            return True

        return self._database.write(work)

    def release(self, tip: bytes, person: bytes) -> None:
        statement = delete(ClaimRow).where(ClaimRow.tip == tip, ClaimRow.person == person)
        self._database.write(lambda connection: connection.execute(statement))

    def claims(self, now: int) -> dict[bytes, Claim]:
        """Running leases by tip."""
        with self._database.read() as connection:
            rows = connection.execute(select(ClaimRow).where(ClaimRow.until > now)).all()
        return {row.tip: Claim(row.tip, row.person, row.until) for row in rows}

    def packages(self, agency: str, most: int = 200) -> list[Package]:
        """An agency's inbox, oldest due first."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(PackageRow)
                .where(PackageRow.agency == agency)
                .order_by(PackageRow.due, PackageRow.id)
                .limit(most)
            ).all()
        return [_package(row) for row in rows]

    def package(self, identity: bytes) -> Package | None:
        with self._database.read() as connection:
            row = connection.execute(select(PackageRow).where(PackageRow.id == identity)).first()
        return _package(row) if row else None

    def packages_of(self, tip: bytes) -> list[Package]:
        with self._database.read() as connection:
            rows = connection.execute(select(PackageRow).where(PackageRow.tip == tip)).all()
        return [_package(row) for row in rows]

    def advance(
        self,
        identity: bytes,
        state: str,
        event: str,
        person: bytes,
        reply: tuple[bytes, bytes, bytes] | None = None,
    ) -> None:
        """An agency's step: opened, confirmed or answered, with the reporter's status message
        (slot, lookup, sealed) in the same commit."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(PackageRow).where(PackageRow.id == identity).values(state=state)
            )
            if reply is not None:
                put_reply(connection, *reply)
            note(connection, event, package=identity.hex(), by=person.hex())

        self._database.write(work)


def _package(row: object) -> Package:
    return Package(*(getattr(row, name) for name in Package.__slots__))
