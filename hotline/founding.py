"""Founding: makes the home of a line: folders, keys for twelve months, database, first people."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hotline.clock import Clock, months_ahead
from hotline.errors import HotlineError
from hotline.routing.activations import Activation, made_with
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions
from hotline.settings import Settings
from hotline.store.audit import AuditLog, note
from hotline.store.database import Database, Transaction, own_file
from hotline.store.keystore import RECOVERY, Grant, KeyStore
from hotline.store.migrate import bind_directory, directory_serial, upgrade
from hotline.store.people import Person
from hotline.tips import HOLD
from hotline.triage.approvals import Approvals, Deed, NotApproved, Request
from hotline.vault.directory import (
    LIST,
    Directory,
    DirectoryKey,
    NoKey,
    OldDirectory,
    publish,
    write_file,
)
from hotline.vault.envelope import STATISTICS, WORKER
from hotline.vault.keys import grant, new_seed
from hotline.vault.line import LINE_KEY
from hotline.vault.private import public_bytes
from hotline.vault.recovery import RecoveryKey
from hotline.vault.seal import PublicKey, key_name
from hotline.vault.shares import Sheet
from hotline.vault.signing import new_signer
from hotline.vault.small import random_key

MONTHS = 12
PEPPER = "receipts.pepper"
WORKER_KEYS = "worker.json"
DIRECTORY_KEY = "directory.key"
AUDIT_KEY = "audit.key"
FIRST_RULES = "The first rules of this line."


class AlreadyFounded(HotlineError):
    """The home has keys: making new ones would lose every tip sealed to the old ones."""

    code = "already_founded"
    message = "This home already has keys."
    hint = "Use it as it is, or choose another HOTLINE_HOME."


def is_founded(settings: Settings) -> bool:
    """Whether the home has keys. The signed list says so, and not its signing key: that one is
    taken offline, and a second founding would lose every tip."""
    return (settings.public / LIST).exists()


def found(
    settings: Settings,
    recipients: Iterable[str],
    officers: Iterable[Person],
    clock: Clock,
    months: int = MONTHS,
) -> tuple[Sheet, ...]:
    """Keys of every recipient for so many months, each seed sealed to every officer and to the
    recovery key, whose five sheets are returned and kept nowhere. Raises AlreadyFounded.
    ``prepare`` comes first: officers are people of the database."""
    if is_founded(settings):
        raise AlreadyFounded
    epochs = months_ahead(clock.month(), months)
    signer = DirectoryKey.new()
    recovery, sheets = RecoveryKey.new(clock.day())
    people = keys_of(officers)
    public_keys, grants, on_sheets = [], [], []
    worker = {epoch: new_seed() for epoch in epochs}
    for recipient in (*recipients, STATISTICS, WORKER, HOLD):
        for epoch in epochs:
            seed = worker[epoch] if recipient == WORKER else new_seed()
            raw = public_bytes(seed)
            public_keys.append(PublicKey(recipient, epoch, raw))
            if recipient != WORKER:
                grants += grants_of(recipient, epoch, seed, raw, people)
            on_sheets += grants_of(recipient, epoch, seed, raw, [(RECOVERY, recovery.public)])
    store = KeyStore(settings.staff)
    store.add(grants)
    store.renew_recovery(recovery.signed(signer), on_sheets)
    store.close()
    write_worker_keys(settings, worker)
    write_file(settings.staff / AUDIT_KEY, new_signer())
    write_file(settings.staff / LINE_KEY, new_signer())
    write_file(settings.public / PEPPER, random_key())
    write_file(settings.staff / DIRECTORY_KEY, signer.seed)
    # Last: the signed list is what says that the home is whole.
    publish(settings.public, public_keys, signer)
    return sheets


def activate(
    settings: Settings,
    audit: AuditLog,
    folder: Path,
    by: Iterable[Person],
    why: str,
    clock: Clock,
    seen: int = 0,
    approvals: Approvals | None = None,
) -> Activation:
    """Keeps the complete profile in ``folder`` (see versions.copied), proved by the caller, and
    makes it the one the line decides by at its next start. ``seen`` as in Versions.switch.

    The first rules are those of whom the line is founded by, or of nobody when the line itself
    adopts them. Each change after it uses up an approval that the one in ``by`` has a part in.
    Raises NotApproved, Overtaken, NotKept."""
    versions, people = Versions(settings.rules), list(by)
    if approvals is None and seen and is_founded(settings):
        raise NotApproved
    one = Activation(
        digest=versions.keep(folder),
        profile=Profile.load(folder).id,
        at=clock.now().strftime("%Y-%m-%dT%H:00Z"),  # as coarse as the public log
        by=(),
        why=why,
        made_with=made_with(),
    )

    def first() -> tuple[str, ...]:
        if approvals is None:
            audit.note("rules_activated", by=_ids(people), digest=one.digest)
            return tuple(person.name for person in people)

        def also(connection: Transaction, spent: Request) -> None:
            both = _ids(approvals.both(spent))
            note(connection, "rules_activated", by=both, digest=one.digest)

        spent = approvals.carry(Deed.RULES, {"digest": one.digest}, people[0].id, also)
        return tuple(person.name for person in approvals.both(spent))

    return versions.switch(one, seen, first)


def _ids(people: Sequence[Person]) -> str:
    """For records, which hold no names: those and the reason stand in the history."""
    return ",".join(person.id.hex() for person in people) or "line"


Holder = tuple[bytes, bytes]  # id and public key


def keys_of(people: Iterable[Person]) -> list[Holder]:
    return [(person.id, person.public) for person in people]


def grants_of(
    recipient: str, epoch: str, seed: bytes, raw: bytes, holders: Iterable[Holder]
) -> list[Grant]:
    """A month's seed for each holder."""
    return [
        Grant(
            recipient, epoch, holder, grant(seed, recipient, epoch, holder, public), key_name(raw)
        )
        for holder, public in holders
    ]


def prepare(settings: Settings) -> Database:
    """Folders and an up-to-date database. Safe to repeat."""
    for folder in (settings.home, settings.public, settings.staff):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database_url)
    if settings.sqlite:
        # Before the first connection: SQLite gives its journals the mode of the database.
        own_file(Path(database.engine.url.database or ""))
    upgrade(database)
    return database


def bind(settings: Settings, database: Database) -> Directory:
    """The directory this database belongs to. Raises UntrustedDirectory, OldDirectory,
    WrongDatabase; then the database is closed, for nobody may use it."""
    try:
        directory = Directory.load(settings.public)
        bind_directory(database, directory.fingerprint)
        if directory.serial < directory_serial(database):
            raise OldDirectory
    except HotlineError:
        database.close()
        raise
    return directory


def worker_keys(settings: Settings) -> dict[str, bytes]:
    """The worker's seeds by month, for the staff process only; after a rotation the former ones
    too, as ``month/name of the key``. Raises NoKey."""
    try:
        raw = json.loads((settings.staff / WORKER_KEYS).read_bytes())
    except OSError:
        raise NoKey from None
    return {epoch: bytes.fromhex(seed) for epoch, seed in raw.items()}


@contextmanager
def changing_worker_keys(settings: Settings) -> Iterator[dict[str, bytes]]:
    """The seeds, to be changed; written when the block ends well. One process at a time: new ones
    that an officer makes must not be lost to a night that ends old ones. Raises NoKey."""
    folder = os.open(settings.staff, os.O_RDONLY)  # the file itself is replaced, not written
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        seeds = worker_keys(settings)
        yield seeds
        write_worker_keys(settings, seeds)
    finally:
        os.close(folder)


def write_worker_keys(settings: Settings, worker: dict[str, bytes]) -> None:
    """Replaces all of them, durably."""
    raw = {epoch: seed.hex() for epoch, seed in worker.items()}
    write_file(settings.staff / WORKER_KEYS, json.dumps(raw).encode())
