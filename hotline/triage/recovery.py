"""Recovery: the custodians' sheets: drilled, used when nobody holds a key any more, replaced."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.settings import Settings
from hotline.store.audit import AuditLog
from hotline.store.database import Database
from hotline.store.facts import Facts
from hotline.store.keystore import RECOVERY, Grant, KeyStore
from hotline.store.people import Person
from hotline.vault.directory import Directory, UntrustedDirectory
from hotline.vault.envelope import WORKER
from hotline.vault.format import Damaged
from hotline.vault.keys import grant, open_grant
from hotline.vault.private import public_bytes
from hotline.vault.recovery import RecoveryKey
from hotline.vault.seal import key_name
from hotline.vault.shares import Sheet

DRILL_DAYS = 365
_FACT = "recovery_drill"
Month = tuple[str, str, bytes]  # recipient, epoch, name of its public key


class Line(Protocol):
    """What recovery needs of the staff line."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def directory(self) -> Directory: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def worker(self) -> dict[str, bytes]: ...


class NoRecovery(HotlineError):
    """A home without a recovery key."""

    code = "no_recovery"
    status = 409
    message = "This line has no recovery sheets."
    hint = "Make them with 'hotline keys recovery new'."


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the sheets can be relied on. ``drilled``: the day of the last drill with these
    sheets, or empty; ``uncovered``: recipients with a key of this month or later that the sheets
    would not open."""

    made: str
    drilled: str
    days: int
    uncovered: tuple[str, ...]
    altered: bool = False

    @property
    def state(self) -> str:
        """altered, missing, uncovered, undrilled, old or sound: the worst that is true."""
        if self.altered:
            return "altered"
        if not self.made:
            return "missing"
        if self.uncovered:
            return "uncovered"
        if not self.drilled:
            return "undrilled"
        return "old" if self.days > DRILL_DAYS else "sound"


def standing(line: Line) -> Standing:
    """What a drill, or its absence, has shown."""
    try:
        key = RecoveryKey.load(line.settings.public, line.keys.recovery())
    except UntrustedDirectory:
        return Standing("", "", 0, (), altered=True)
    if key is None:
        return Standing("", "", 0, ())
    known = Facts(line.database).get(_FACT)
    fact = json.loads(known) if known else {}
    drilled = fact.get("day", "") if fact.get("key") == key.name else ""
    days = (line.clock.today() - date.fromisoformat(drilled)).days if drilled else 0
    held = line.keys.held(RECOVERY)
    lacking = {one[0] for one in _listed(line) if one not in held}
    return Standing(key.made, drilled, days, tuple(sorted(lacking)))


def _listed(line: Line) -> list[Month]:
    """What intake seals to, this month and later, but for keys that nobody here has a half of:
    those are agencies' own, made offline, and no sheet of ours can open them."""
    ours = line.keys.held()
    listed = (
        (recipient, epoch, key_name(raw))
        for (recipient, epoch), raw in line.directory.keys.items()
        if epoch >= line.clock.month()
    )
    return [one for one in listed if one in ours or one[0] == WORKER]


def required(line: Line) -> RecoveryKey:
    """Raises NoRecovery, UntrustedDirectory."""
    key = RecoveryKey.load(line.settings.public, line.keys.recovery())
    if key is None:
        raise NoRecovery
    return key


def drill(line: Line, sheets: Sequence[Sheet]) -> tuple[int, tuple[str, ...]]:
    """Rebuilds the key and opens every recipient's key of this month with it. Returns how many
    opened and who did not; only a drill without those counts. Nothing is written but its day.
    Raises BadSheet, NoRecovery."""
    key = required(line)
    seed, month = key.seed(sheets), line.clock.month()
    opened = {one for one, _ in _opened(line, (RECOVERY, seed), epoch=month)}
    listed = [one for one in _listed(line) if one[1] == month]
    shut = tuple(sorted({one[0] for one in listed if one not in opened}))
    if not shut:
        facts, day = Facts(line.database), line.clock.day()
        new = json.dumps({"key": key.name, "day": day}, sort_keys=True)
        if (old := facts.get(_FACT)) != new:
            facts.swap(_FACT, old, new)
        line.audit.note("recovery_drilled", key=key.name)
    return len(listed) - len(shut), shut


def _opened(
    line: Line, holder: tuple[bytes, bytes], recipient: str | None = None, epoch: str | None = None
) -> Iterable[tuple[Month, bytes]]:
    """Every month's seed that ``holder`` (id and own seed) opens, if it belongs to its public key:
    a member could have been handed something else."""
    identity, own = holder
    for held in line.keys.of(identity, recipient):
        if epoch not in (None, held.epoch):
            continue
        try:
            seed = open_grant(own, held.recipient, held.epoch, identity, held.sealed)
        except Damaged:
            continue
        if key_name(public_bytes(seed)) == held.key:
            yield (held.recipient, held.epoch, held.key), seed


def recover(
    line: Line, seed: bytes, person: Person, recipients: Sequence[str] | None
) -> dict[str, int]:
    """Grants ``person`` what the sheets open: all recipients, or some. Returns months by
    recipient. The worker's own seeds are nobody's; they come back by ``worker_seeds``."""
    found: dict[str, int] = {}
    grants = []
    for (recipient, epoch, key), opened in _opened(line, (RECOVERY, seed)):
        if recipient == WORKER or (recipients is not None and recipient not in recipients):
            continue
        sealed = grant(opened, recipient, epoch, person.id, person.public)
        grants.append(Grant(recipient, epoch, person.id, sealed, key))
        found[recipient] = found.get(recipient, 0) + 1
    line.keys.add(grants)
    return found


def worker_seeds(line: Line, seed: bytes) -> dict[str, bytes]:
    """The worker's seeds by month, from the sheets, for a home whose file of them was lost."""
    listed = set(_listed(line))
    opened = dict(_opened(line, (RECOVERY, seed), WORKER))
    # After a rotation a month may have two: the one intake seals to now comes last.
    return {one[1]: opened[one] for one in sorted(opened, key=lambda one: one in listed)}


@dataclass(frozen=True, slots=True, repr=False)
class Renewal:
    """A new recovery key that waits for its sheets to be written down. ``lost``: recipients and
    months that nobody present could open."""

    key: RecoveryKey
    sheets: tuple[Sheet, ...]
    grants: tuple[Grant, ...]
    lost: tuple[tuple[str, str], ...]


def prepare_renewal(line: Line, holders: Iterable[tuple[bytes, bytes]]) -> Renewal:
    """Seals to a new key whatever ``holders`` (ids and own seeds of officers, RECOVERY and the
    former recovery seed) open between them. Nothing is changed yet: should the sheets never be
    written down, the former ones still hold."""
    key, sheets = RecoveryKey.new(line.clock.day())
    seeds = {
        (WORKER, epoch, key_name(public_bytes(one))): one for epoch, one in line.worker.items()
    }
    for holder in holders:
        seeds |= dict(_opened(line, holder))
    wanted = line.keys.held() | set(_listed(line))
    grants = tuple(
        Grant(*one[:2], RECOVERY, grant(seed, *one[:2], RECOVERY, key.public), one[2])
        for one, seed in seeds.items()
    )
    lost = tuple(sorted({one[:2] for one in wanted if one not in seeds}))
    return Renewal(key, sheets, grants, lost)
