"""Keyring: new keys in the signed directory: months ahead, rotation, another suite, agencies' own.

Everything here needs the directory's signing key, which should lie offline, and signs a list one
number above the last. A public process that still runs with the former list goes on sealing to the
keys in it: so former seeds stay in the key store until their month is destroyed, and a rotation
locks somebody out of what comes once the public processes were started again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hotline.clock import Clock, months_ahead
from hotline.errors import BadInput, HotlineError
from hotline.founding import (
    DIRECTORY_KEY,
    MONTHS,
    changing_worker_keys,
    grants_of,
    keys_of,
)
from hotline.settings import Settings
from hotline.store.audit import note
from hotline.store.database import Transaction
from hotline.store.keystore import RECOVERY, KeyStore
from hotline.tips import HOLD
from hotline.triage.access import Access
from hotline.triage.approvals import Deed, Request
from hotline.vault.directory import HELD, LIST, PIN, Directory, DirectoryKey, publish
from hotline.vault.envelope import STATISTICS, WORKER, agency_recipient
from hotline.vault.format import digest
from hotline.vault.keys import new_seed
from hotline.vault.private import public_bytes
from hotline.vault.recovery import RecoveryKey
from hotline.vault.seal import PublicKey, key_name, load_public
from hotline.vault.suites import SCHEMES

Month = tuple[str, str]  # recipient, epoch


class NoSigningKey(HotlineError):
    """New keys need the directory's signing key, which should lie offline."""

    code = "no_signing_key"
    message = "The directory's signing key is not here, or is another line's."
    hint = "Bring staff/directory.key back for this command, then take it offline again."


class UnknownSuite(BadInput):
    """A suite this program does not have."""

    code = "unknown_suite"
    message = "There is no such suite."
    hint = "Use 1 or 2: docs/format.md says what they are."


def directory_change(settings: Settings, change: str) -> dict[str, str]:
    """What two people agree on before the signed list changes, and the list as it is. An approval
    is for that list, and none for the next.

    ``change`` is ``new``, ``rotate:RECIPIENT``, ``suite:NUMBER``, either of these with ``@MONTH``
    for earlier months, ``hold:AGENCY:KEY`` or ``release:AGENCY``."""
    return {"change": change, "digest": digest((settings.public / LIST).read_bytes()).hex()}


def missing(directory: Directory, recipients: Iterable[str], clock: Clock) -> list[Month]:
    """Recipients and months without a key, twelve months ahead."""
    return [
        (recipient, epoch)
        for recipient in dict.fromkeys((*recipients, STATISTICS, WORKER, HOLD))
        for epoch in months_ahead(clock.month(), MONTHS)
        if (recipient, epoch) not in directory.keys
    ]


def extend(
    settings: Settings,
    directory: Directory,
    store: KeyStore,
    access: Access,
    recipients: Iterable[str],
    clock: Clock,
    by: bytes,
) -> int:
    """Keys for the months that are missing, twelve ahead, sealed to today's members (a recipient
    without any, as one that new rules name: to the officers). Returns how many were made. Uses up
    an approval that ``by`` has a part in. Raises NotApproved, NoSigningKey."""
    wanted = missing(directory, recipients, clock)
    return _replace_keys(settings, directory, store, access, wanted, "new", by)


def rotate(
    settings: Settings,
    directory: Directory,
    store: KeyStore,
    access: Access,
    recipient: str,
    clock: Clock,
    by: bytes,
    since: str = "",
) -> int:
    """New keys for this month and the later ones, for today's members. Returns how many. Uses up
    an approval as ``extend`` does.

    ``since`` (a month) takes in earlier ones whose tips are still stored: what was sealed to their
    former keys is then sealed again by ``triage.rewrap``, month by month, so that destroying a
    month still destroys its tips. A destroyed month gets no new key. The worker has a key of its
    own machine; nobody's leaving concerns it."""
    if recipient == WORKER:
        return 0
    months = _months(directory, store, since or clock.month(), {recipient})
    change = dated(f"rotate:{recipient}", since)
    return _replace_keys(settings, directory, store, access, months, change, by)


def change_suite(
    settings: Settings,
    directory: Directory,
    store: KeyStore,
    access: Access,
    clock: Clock,
    by: bytes,
    suite: int,
    since: str = "",
) -> int:
    """What the line seals with from now on: everybody's keys of this month, or ``since``, and later
    are made anew in ``suite``, but for keys that agencies hold themselves. Uses up an approval.
    Raises UnknownSuite."""
    if suite not in SCHEMES:
        raise UnknownSuite
    everybody = set(directory.recipients())
    months = _months(directory, store, since or clock.month(), everybody)
    change = dated(f"suite:{suite}", since)
    return _replace_keys(settings, directory, store, access, months, change, by, suite)


def dated(change: str, since: str) -> str:
    """A change with the month it begins with, if that is not this one."""
    return f"{change}@{since}" if since else change


def held_change(agency: str, raw: bytes, signs: bytes = b"") -> str:
    """The change that gives ``agency`` its own key, for ``directory_change``; both halves."""
    return f"hold:{agency}:{key_name(raw + signs).hex()}"


def hold(
    settings: Settings, access: Access, agency: str, raw: bytes, by: bytes, signs: bytes = b""
) -> None:
    """From now on packages for ``agency`` are sealed to ``raw``, whose private half is nowhere on
    this line, and requests signed for ``signs`` are its own. Uses up an approval. Raises Damaged
    for what is no public key, NoSigningKey."""
    load_public(raw)
    signer = signing_key(settings)
    _spend(settings, access, held_change(agency, raw, signs), by)
    _sign(settings, signer, {(agency_recipient(agency), HELD): raw}, signs={agency: signs})


def release(settings: Settings, access: Access, agency: str, by: bytes) -> None:
    """Packages for ``agency`` are sealed to its months again: it lost its key, or gives it up.
    Uses up an approval."""
    signer = signing_key(settings)
    _spend(settings, access, f"release:{agency}", by)
    _sign(settings, signer, {}, dropped=(agency_recipient(agency), HELD), signs={agency: b""})


def _months(directory: Directory, store: KeyStore, since: str, recipients: set[str]) -> list[Month]:
    alive = store.months()
    return [
        (name, epoch)
        for name, epoch in directory.keys
        if name in recipients and epoch >= since and (name == WORKER or (name, epoch) in alive)
    ]


def _spend(settings: Settings, access: Access, change: str, by: bytes) -> None:
    def also(connection: Transaction, spent: Request) -> None:
        both = ",".join(person.id.hex() for person in access.approvals.both(spent))
        note(connection, "directory_changed", by=both, change=change)

    access.approvals.carry(Deed.DIRECTORY, directory_change(settings, change), by, also)


def _replace_keys(
    settings: Settings,
    directory: Directory,
    store: KeyStore,
    access: Access,
    wanted: list[Month],
    change: str,
    by: bytes,
    suite: int = 0,
) -> int:
    signer, suite = signing_key(settings), suite or directory.suite
    sealed_to = RecoveryKey.load(settings.public, store.recovery())
    sheets = [(RECOVERY, sealed_to.public)] if sealed_to else []
    if not wanted:
        return 0
    _spend(settings, access, change, by)
    fresh = {month: new_seed(suite) for month in wanted}
    raws = {month: public_bytes(seed) for month, seed in fresh.items()}
    everybody = {person.id: person for person in access.people.all() if person.active}
    officers = [person for person in everybody.values() if "officer" in person.roles]
    grants = []
    with changing_worker_keys(settings) as worker:
        for (recipient, epoch), seed in fresh.items():
            holders = sheets
            if recipient == WORKER:
                if epoch in worker:
                    former = key_name(public_bytes(worker[epoch])).hex()
                    worker[f"{epoch}/{former}"] = worker[epoch]
                worker[epoch] = seed
            else:
                members = [everybody[m] for m in store.members(recipient) if m in everybody]
                holders = [*keys_of(members or officers), *sheets]
            grants += grants_of(recipient, epoch, seed, raws[recipient, epoch], holders)
        # Private halves first: a crash before the list leaves seeds that nothing is sealed to.
        store.add(grants)
    _sign(settings, signer, raws, suite=suite)
    return len(fresh)


def _sign(
    settings: Settings,
    signer: DirectoryKey,
    fresh: dict[Month, bytes],
    dropped: Month | None = None,
    suite: int = 0,
    signs: Mapping[str, bytes] | None = None,
) -> None:
    """Over the list as it lies there now: a console that has run for days holds an older one.
    ``signs``: what agencies sign with from now on, empty for nothing."""
    newest = Directory.load(settings.public)
    keys = {month: raw for month, raw in newest.keys.items() if month != dropped} | fresh
    entries = (PublicKey(recipient, epoch, raw) for (recipient, epoch), raw in keys.items())
    suite, serial = suite or newest.suite, newest.serial + 1
    signers = {n: raw for n, raw in {**newest.signers, **(signs or {})}.items() if raw}
    publish(settings.public, entries, signer, serial=serial, suite=suite, signers=signers)


def signing_key(settings: Settings) -> DirectoryKey:
    """The directory's signing half. Raises NoSigningKey."""
    try:
        signer = DirectoryKey((settings.staff / DIRECTORY_KEY).read_bytes())
        pinned = (settings.public / PIN).read_bytes()
    except OSError:
        raise NoSigningKey from None
    if signer.pin() != pinned:
        raise NoSigningKey
    return signer
