"""Founding: makes the home of a line: folders, keys for twelve months, database, first people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from hotline.clock import Clock, months_ahead
from hotline.errors import HotlineError
from hotline.routing.activations import Activation, made_with
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database, own_file
from hotline.store.keystore import Grant, KeyStore
from hotline.store.migrate import bind_directory, upgrade
from hotline.store.people import People, Person
from hotline.vault.directory import LIST, PIN, Directory, DirectoryKey, NoKey, publish, write_file
from hotline.vault.envelope import STATISTICS, WORKER
from hotline.vault.keys import grant, new_seed, public_bytes
from hotline.vault.seal import PublicKey, key_name
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


class NoSigningKey(HotlineError):
    """New keys need the directory's signing key, which should lie offline."""

    code = "no_signing_key"
    message = "The directory's signing key is not here, or is another line's."
    hint = "Bring staff/directory.key back for this command, then take it offline again."


def is_founded(settings: Settings) -> bool:
    """Whether the home has keys. The signed list says so, and not its signing key: that one is
    taken offline, and a second founding would lose every tip."""
    return (settings.public / LIST).exists()


def found(
    settings: Settings,
    recipients: Iterable[str],
    officers: Iterable[Person],
    clock: Clock,
) -> None:
    """Keys of every recipient for twelve months, each seed sealed to every officer. Raises
    AlreadyFounded. ``prepare`` comes first: officers are people of the database."""
    if is_founded(settings):
        raise AlreadyFounded
    months = months_ahead(clock.month(), MONTHS)
    officers = list(officers)
    public_keys, grants = [], []
    for recipient in (*recipients, STATISTICS):
        for epoch in months:
            seed = new_seed()
            raw = public_bytes(seed)
            public_keys.append(PublicKey(recipient, epoch, raw))
            grants += _grants(recipient, epoch, seed, raw, officers)
    worker = {epoch: new_seed() for epoch in months}
    public_keys += [PublicKey(WORKER, epoch, public_bytes(s)) for epoch, s in worker.items()]
    store = KeyStore(settings.staff)
    store.add(grants)
    store.close()
    write_file(
        settings.staff / WORKER_KEYS,
        json.dumps({epoch: seed.hex() for epoch, seed in worker.items()}).encode(),
    )
    write_file(settings.staff / AUDIT_KEY, new_signer())
    write_file(settings.public / PEPPER, random_key())
    signer = DirectoryKey.new()
    write_file(settings.staff / DIRECTORY_KEY, signer.seed)
    # Last: the signed list is what says that the home is whole.
    publish(settings.public, public_keys, signer)


def activate(
    settings: Settings,
    audit: AuditLog,
    folder: Path,
    by: Iterable[Person],
    why: str,
    clock: Clock,
    seen: int = 0,
) -> Activation:
    """Keeps the complete profile in ``folder`` (see versions.copied), proved by the caller, and
    makes it the one the line decides by at its next start. ``by`` is nobody when the line itself
    does it; ``seen`` as in Versions.switch. Raises Overtaken, NotKept."""
    versions, people = Versions(settings.rules), list(by)
    one = Activation(
        digest=versions.keep(folder),
        profile=Profile.load(folder).id,
        at=clock.now().strftime("%Y-%m-%dT%H:00Z"),  # as coarse as the public log
        by=tuple(person.name for person in people),
        why=why,
        made_with=made_with(),
    )
    # The record holds ids and digests only; names and the reason stand in the history.
    names = ",".join(person.id.hex() for person in people) or "line"
    versions.switch(one, seen, lambda: audit.note("rules_activated", by=names, digest=one.digest))
    return one


def extend(
    settings: Settings,
    directory: Directory,
    store: KeyStore,
    people: People,
    recipients: Iterable[str],
    clock: Clock,
) -> int:
    """Keys for the months that are missing, twelve ahead, sealed to today's members (a recipient
    without any: to the officers). Returns how many were made."""
    months = months_ahead(clock.month(), MONTHS)
    wanted = [
        (recipient, epoch)
        for recipient in dict.fromkeys((*recipients, STATISTICS, WORKER))
        for epoch in months
        if (recipient, epoch) not in directory.keys
    ]
    return _replace_keys(settings, directory, store, people, wanted)


def rotate(
    settings: Settings,
    directory: Directory,
    store: KeyStore,
    people: People,
    recipient: str,
    clock: Clock,
) -> int:
    """New keys for the months after this one, for today's members. Returns how many.

    Members keep the older keys too: a public process that still runs with the former list seals
    to them. The worker's and this month's keys stay."""
    later = [
        (name, epoch)
        for name, epoch in directory.keys
        if name == recipient != WORKER and epoch > clock.month()
    ]
    return _replace_keys(settings, directory, store, people, later)


def _replace_keys(
    settings: Settings,
    directory: Directory,
    store: KeyStore,
    people: People,
    wanted: list[tuple[str, str]],
) -> int:
    signer = _signer(settings)
    fresh = {pair: new_seed() for pair in wanted}
    raws = {pair: public_bytes(seed) for pair, seed in fresh.items()}
    everybody = {person.id: person for person in people.all() if person.active}
    officers = [person for person in everybody.values() if "officer" in person.roles]
    worker = worker_keys(settings)
    grants = []
    for (recipient, epoch), seed in fresh.items():
        if recipient == WORKER:
            worker[epoch] = seed
            continue
        members = [everybody[m] for m in store.members(recipient) if m in everybody] or officers
        grants += _grants(recipient, epoch, seed, raws[recipient, epoch], members)
    store.add(grants)
    write_file(
        settings.staff / WORKER_KEYS,
        json.dumps({epoch: seed.hex() for epoch, seed in worker.items()}).encode(),
    )
    keys = directory.keys | raws
    publish(settings.public, (PublicKey(r, e, raw) for (r, e), raw in keys.items()), signer)
    return len(fresh)


def _grants(
    recipient: str, epoch: str, seed: bytes, raw: bytes, members: Iterable[Person]
) -> list[Grant]:
    return [
        Grant(recipient, epoch, m.id, grant(seed, recipient, epoch, m.id, m.public), key_name(raw))
        for m in members
    ]


def _signer(settings: Settings) -> DirectoryKey:
    try:
        signer = DirectoryKey((settings.staff / DIRECTORY_KEY).read_bytes())
        pinned = (settings.public / PIN).read_bytes()
    except OSError:
        raise NoSigningKey from None
    if signer.pin() != pinned:
        raise NoSigningKey
    return signer


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
    """The directory this database belongs to. Raises UntrustedDirectory, WrongDatabase; then the
    database is closed, for nobody may use it."""
    try:
        directory = Directory.load(settings.public)
        bind_directory(database, directory.fingerprint)
    except HotlineError:
        database.close()
        raise
    return directory


def worker_keys(settings: Settings) -> dict[str, bytes]:
    """The worker's seeds by month: for the staff process only. Raises NoKey."""
    try:
        raw = json.loads((settings.staff / WORKER_KEYS).read_bytes())
    except OSError:
        raise NoKey from None
    return {epoch: bytes.fromhex(seed) for epoch, seed in raw.items()}
