"""Assembly: the one place that wires. The public line has no private key; the staff line has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hotline.clock import Clock
from hotline.founding import AUDIT_KEY, PEPPER, activate, bind, is_founded, worker_keys
from hotline.intake.details import check
from hotline.intake.limits import Limits
from hotline.intake.once import Once
from hotline.intake.receipts import POOL, ReceiptPool
from hotline.log import Log
from hotline.pipeline import Pipeline
from hotline.routing.activations import Overtaken
from hotline.routing.classify import Types
from hotline.routing.places import Places
from hotline.routing.profile import Profile
from hotline.routing.route import Router
from hotline.routing.versions import Versions, copied
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.desk import Desk
from hotline.store.keystore import KeyStore
from hotline.store.migrate import remember_serial
from hotline.store.outbox import Outbox
from hotline.store.tips import Tips, Told
from hotline.tips import Errand
from hotline.triage.access import Access
from hotline.triage.approvals import Approvals
from hotline.vault.directory import Directory, NoKey
from hotline.vault.envelope import Envelope


@dataclass(frozen=True, slots=True)
class PublicLine:
    """What the public process holds: public keys only."""

    settings: Settings
    clock: Clock
    database: Database
    profile: Profile
    places: Places
    types: Types
    router: Router
    pipeline: Pipeline
    limits: Limits

    def close(self) -> None:
        self.pipeline.receipts.close()
        self.database.close()


@dataclass(frozen=True, slots=True, repr=False)
class StaffLine:
    """What the staff process holds. ``worker`` are the private seeds of the worker by month."""

    settings: Settings
    clock: Clock
    database: Database
    profile: Profile
    places: Places
    types: Types
    router: Router
    directory: Directory
    envelope: Envelope
    tips: Tips
    desk: Desk
    outbox: Outbox
    audit: AuditLog
    access: Access
    approvals: Approvals
    keys: KeyStore
    once: Once
    pipeline: Pipeline
    worker: dict[str, bytes]
    audit_key: bytes

    def close(self) -> None:
        self.keys.close()
        self.database.close()


ADOPTED = "The profile this home ran with before versions were kept."
Rooms = tuple[Profile, Places, Types, Router]
_proved: dict[str, Rooms] = {}


@cache
def _types() -> Types:
    return Types.load()


@cache
def _places(country: str) -> Places:
    return Places.load(country)


def rooms(source: str | Path) -> Rooms:
    """Profile, places, types and proven rules of a profile. What the same files say is proved
    once a process, wherever they lie. Raises RuleFileProblem."""
    profile = Profile.load(source)
    if profile.digest not in _proved:
        types, places = _types(), _places(profile.country)
        _proved[profile.digest] = (profile, places, types, Router.load(profile, types, places))
    # The profile as it lies here: where the one that was proved lay may be gone.
    return profile, *_proved[profile.digest][1:]


def line_rooms(settings: Settings) -> Rooms:
    """What this line decides by: the version its start chose, else the active one; never a
    profile in place. Raises NoActiveRules, AlteredVersion, RuleFileProblem."""
    versions = Versions(settings.rules)
    if settings.rules_version:
        return rooms(versions.folder(settings.rules_version))
    one, folder = versions.active()
    return _proved.get(one.digest) or rooms(folder)


def adopt(settings: Settings, clock: Clock | None = None) -> str:
    """The version that a process of the line which starts now decides by.

    A home from before versions were kept gets its first one here: it is the profile that this
    start would have read anyway, so nothing is decided otherwise and no tip is refused for want
    of a command nobody knew of. Only a start does so: a command that reads, run by another user
    perhaps, would leave files the line cannot read."""
    versions = Versions(settings.rules)
    if settings.rules_version:
        return versions.folder(settings.rules_version).name
    if is_founded(settings) and not versions.history():
        with suppress(Overtaken), copied(settings.jurisdiction) as folder:  # another process was
            clock = zoned(rooms(folder)[0], clock)
            database = Database(settings.database_url)
            try:
                one = activate(settings, AuditLog(database), folder, (), ADOPTED, clock)
            finally:
                database.close()
            Log(clock, public=True).event("rules_adopted", code=one.version)
    return versions.active()[0].version


def _secret(file: Path) -> bytes:
    """Read before the database is opened: what is refused leaves nothing open."""
    try:
        return file.read_bytes()
    except OSError:
        raise NoKey from None


def zoned(profile: Profile, clock: Clock | None) -> Clock:
    """Months and deadlines follow the jurisdiction's time zone."""
    return clock or Clock(profile.zone)


def _nobody(errands: Sequence[Errand]) -> None:
    """Without workers to tell, the outbox is read by the embedded engine."""


def assemble_public(
    settings: Settings, clock: Clock | None = None, *, pool: int = POOL, told: Told = _nobody
) -> PublicLine:
    """``told`` hears of errands after commit. Raises Unavailable kinds when keys or database are
    not sound: no key, no intake."""
    profile, places, types, router = line_rooms(settings)
    check()
    clock = zoned(profile, clock)
    pepper = _secret(settings.public / PEPPER)
    database = Database(settings.database_url, clock)
    directory = bind(settings, database)
    tips = Tips(database, told)
    pipeline = Pipeline(
        profile=profile,
        types=types,
        router=router,
        envelope=Envelope(directory, clock),
        tips=tips,
        once=Once(settings.public, tips, clock),
        receipts=ReceiptPool(pepper, max(pool, 1), refill=pool > 0, suite=directory.suite),
        clock=clock,
    )
    return PublicLine(
        settings, clock, database, profile, places, types, router, pipeline, Limits(clock)
    )


def assemble_staff(
    settings: Settings, clock: Clock | None = None, *, told: Told = _nobody
) -> StaffLine:
    """Everything the console, the jobs and the CLI need."""
    profile, places, types, router = line_rooms(settings)
    clock = zoned(profile, clock)
    audit_key, worker = _secret(settings.staff / AUDIT_KEY), worker_keys(settings)
    pepper = _secret(settings.public / PEPPER)
    database = Database(settings.database_url, clock)
    directory = bind(settings, database)
    remember_serial(database, directory.serial)
    tips, audit, keys = Tips(database, told), AuditLog(database), KeyStore(settings.staff)
    access = Access(database, keys, clock)
    envelope, once = Envelope(directory, clock), Once(settings.public, tips, clock)
    # For what a voice tells that must become a tip of its own: seldom, so no pool is filled.
    receipts = ReceiptPool(pepper, 1, refill=False, suite=directory.suite)
    return StaffLine(
        settings=settings,
        clock=clock,
        database=database,
        profile=profile,
        places=places,
        types=types,
        router=router,
        directory=directory,
        envelope=envelope,
        tips=tips,
        desk=Desk(database),
        outbox=Outbox(database),
        audit=audit,
        access=access,
        approvals=access.approvals,
        keys=keys,
        once=once,
        pipeline=Pipeline(profile, types, router, envelope, tips, once, receipts, clock),
        worker=worker,
        audit_key=audit_key,
    )


def call_pipeline(line: StaffLine) -> Pipeline:
    """What takes the tips of live calls, in the console's process: the pipeline every channel
    has, so that an operator can no more see or choose where a tip goes than a form can. It seals
    with public keys like the public process; no session's key is near it. Raises NoKey.

    Receipts are stretched when they are needed: 28 ms are nothing after a call."""
    pepper = _secret(line.settings.public / PEPPER)
    return Pipeline(
        profile=line.profile,
        types=line.types,
        router=line.router,
        envelope=line.envelope,
        tips=line.tips,
        once=line.once,
        receipts=ReceiptPool(pepper, 1, refill=False, suite=line.directory.suite),
        clock=line.clock,
    )
