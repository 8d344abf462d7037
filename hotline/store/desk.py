"""Desk: claims on tips and the packages in agencies' inboxes, at rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, case, delete, insert, select, update

from hotline.errors import Busy, HotlineError
from hotline.store.audit import note
from hotline.store.database import Database
from hotline.store.outbox import put
from hotline.store.tables import ClaimRow, MarkRow, PackageRow, TipRow
from hotline.store.tallies import count
from hotline.store.tips import Mark, extend_receipts, put_packages, put_parts, put_reply
from hotline.tips import Body, Errand, SealedPackage, Wrap

DONE = ("answered", "returned", "transferred")


class Answered(HotlineError):
    """Somebody else of the agency answered in the same instant."""

    code = "answered_meanwhile"
    status = 409
    message = "Somebody answered for this report in the same moment."
    hint = "Load the page again, see what they said, and answer again if it is still needed."


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
    stage: int = 0
    delivered: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What goes with an agency's step, in its commit: what is counted, what it said, sealed, what
    follows from it. ``seen`` are the states it may begin from."""

    seen: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    bodies: tuple[Body, ...] = ()
    wraps: tuple[Wrap, ...] = ()
    errands: tuple[Errand, ...] = ()
    packages: tuple[SealedPackage, ...] = ()


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

    def assign(self, claim: Claim, by: bytes, now: int) -> bool:
        """Puts a lease into somebody's hands, from nobody's, ``by``'s or their own; False when
        another's still runs."""

        def work(connection: Connection) -> bool:
            mine = ClaimRow.tip == claim.tip
            held = connection.execute(select(ClaimRow).where(mine).with_for_update()).first()
            if held and held.person not in (by, claim.person) and held.until > now:
                return False
            values = {"person": claim.person, "until": claim.until}
            if held:
                connection.execute(update(ClaimRow).where(mine).values(**values))
            else:
                connection.execute(insert(ClaimRow).values(tip=claim.tip, **values))
            to = claim.person.hex()
            note(connection, "assigned", tip=claim.tip.hex(), by=by.hex(), to=to)
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
        """An agency's inbox: what waits for it, oldest due first, then what is done, newest
        first; without what may still be undone."""
        done = case((PackageRow.state.in_(DONE), 1), else_=0)
        old, new = case((done == 0, PackageRow.due)), case((done == 1, PackageRow.day))
        with self._database.read() as connection:
            rows = connection.execute(
                select(PackageRow)
                .where(PackageRow.agency == agency, PackageRow.state != "leaving")
                .order_by(done, old, new.desc(), PackageRow.id)
                .limit(most)
            ).all()
        return [as_package(row) for row in rows]

    def package(self, identity: bytes) -> Package | None:
        """A package in an inbox; None for what may still be undone."""
        wanted = select(PackageRow).where(PackageRow.id == identity, PackageRow.state != "leaving")
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return as_package(row) if row else None

    def arrive(self, identity: bytes, agency: str) -> None:
        """The package is in its inbox from now on. Safe to repeat."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(PackageRow)
                .where(PackageRow.id == identity, PackageRow.state == "leaving")
                .values(state="sent")
            )
            new = (PackageRow.id == identity) & (PackageRow.stage < 0)
            if connection.execute(update(PackageRow).where(new).values(stage=0)).rowcount:
                count(connection, identity, [("received", 1)])
            note(connection, "package_delivered", package=identity.hex(), agency=agency)

        self._database.write(work)

    def handed_over(self, identity: bytes, agency: str, day: str, *, confirmed: bool) -> None:
        """The agency's own signature says that it has the package; ``confirmed``, that people there
        know of it. Safe to repeat."""

        def work(connection: Connection) -> None:
            mine = PackageRow.id == identity
            first = update(PackageRow).where(mine, PackageRow.delivered == "")
            if connection.execute(first.values(delivered=day)).rowcount:
                note(connection, "package_handed_over", package=identity.hex(), agency=agency)
            fresh = update(PackageRow).where(mine, PackageRow.state.in_(("sent", "opened")))
            if confirmed and connection.execute(fresh.values(state="confirmed")).rowcount:
                note(connection, "package_taken", package=identity.hex(), agency=agency)

        self._database.write(work)

    def packages_of(self, tip: bytes) -> list[Package]:
        with self._database.read() as connection:
            rows = connection.execute(select(PackageRow).where(PackageRow.tip == tip)).all()
        return [as_package(row) for row in rows]

    def advance(
        self,
        identity: bytes,
        state: str,
        event: str,
        person: bytes,
        reply: tuple[bytes, bytes, bytes] | None = None,
        until: str | None = None,
        step: Step | None = None,
    ) -> None:
        """An agency's step: opened, confirmed or answered, with the reporter's status message
        (slot, lookup, sealed) in the same commit. ``until``: the tip and that receipt live no
        longer from now on. Raises Answered when it is no longer as ``step`` saw it."""

        def work(connection: Connection) -> None:
            mine = PackageRow.id == identity
            if step is not None and step.seen:
                mine &= PackageRow.state.in_(step.seen)
            moved = connection.execute(update(PackageRow).where(mine).values(state=state)).rowcount
            if step is not None:
                if not moved:
                    raise Answered
                _take(connection, identity, step)
            if reply is not None:
                put_reply(connection, *reply)
            if reply is not None and until is not None:
                owner = select(PackageRow.tip).where(PackageRow.id == identity).scalar_subquery()
                connection.execute(update(TipRow).where(TipRow.id == owner).values(until=until))
                extend_receipts(connection, [reply[1]], until)
            note(connection, event, package=identity.hex(), by=person.hex())

        self._database.write(work)

    def step_by_key(
        self,
        package: Package,
        state: str,
        event: str,
        mark: Mark,
        reply: tuple[bytes, bytes, bytes] | None = None,
        until: str | None = None,
        step: Step | None = None,
    ) -> None:
        """An agency's step that no person took: its own key signed for it. ``mark`` is of that
        request; raises AlreadyThere when it came before. ``state`` is never a step back: raises
        Busy when the package has gone on meanwhile."""

        def work(connection: Connection) -> None:
            connection.execute(insert(MarkRow).values(**asdict(mark)))
            row = PackageRow.id == package.id
            moved = update(PackageRow).where(row, PackageRow.state == package.state)
            if not connection.execute(moved.values(state=state)).rowcount:
                raise Busy  # somebody else's step came in between; asked again, it is seen
            if step is not None:
                _take(connection, package.id, step)
            if reply is not None:
                put_reply(connection, *reply)
            if until is not None:
                owned = TipRow.id == package.tip
                connection.execute(update(TipRow).where(owned).values(until=until))
            if reply is not None and until is not None:
                extend_receipts(connection, [reply[1]], until)
            note(connection, event, package=package.id.hex(), agency=package.agency)

        self._database.write(work)


def _take(connection: Connection, identity: bytes, step: Step) -> None:
    count(connection, identity, step.counts)
    put_parts(connection, step.bodies, step.wraps)
    put_packages(connection, step.packages, "leaving")
    put(connection, step.errands)


def as_package(row: object) -> Package:
    return Package(*(getattr(row, name) for name in Package.__slots__))
