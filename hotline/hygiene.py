"""Hygiene: what keeps a report out of places nobody thinks of, for ``hotline doctor``.

Each check returns a sentence, or raises HotlineError with what to do.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from hotline.assembly import StaffLine
from hotline.delivery.relay import holes
from hotline.errors import HotlineError
from hotline.jobs.escalation import contacts, watchers
from hotline.process import WIPE_MEMORY
from hotline.routing.profile import Profile
from hotline.settings import Settings, child_environ
from hotline.store.alarms import Alarms
from hotline.store.database import Database
from hotline.store.deadlines import Deadlines
from hotline.store.role import excess, loud
from hotline.triage.audit import stuck
from hotline.triage.witness import missing

_SWAPS = Path("/proc/swaps")
_PROCESS_SECONDS = 20
_NOBODY = Settings(home=Path("/nonexistent"), database_url="sqlite://")


def database_role(settings: Settings) -> str:
    """Whether the public process signs in to PostgreSQL by a role that can only add."""
    if settings.sqlite:
        return "SQLite has no roles: whoever can write the file can read it"
    if settings.public_database_url is None:
        raise HotlineError(
            "The public process signs in as the owner of the tables: it could read and delete.",
            "Run 'hotline db role intake' and set HOTLINE_PUBLIC_DATABASE_URL.",
        )
    database = Database(settings.public_database_url)
    try:
        found = excess(database)
    finally:
        database.close()
    if found:
        raise HotlineError(
            f"The public process's role {'; '.join(found)}.",
            "Make a role of its own: 'hotline db role NAME' with a new name.",
        )
    return "the public process adds rows; it was refused to read, change and delete what is sealed"


def database_log(settings: Settings) -> str:
    """Whether PostgreSQL would write rows or parameters of ours into its own log."""
    if settings.sqlite:
        return "SQLite writes no log"
    found: dict[str, None] = {}
    for url in filter(None, (settings.public_database_url, settings.database_url)):
        database = Database(url)
        try:
            found |= dict.fromkeys(loud(database))
        finally:
            database.close()
    if found:
        raise HotlineError(
            f"PostgreSQL's log may show what is stored: {', '.join(found)}.",
            "As a superuser set each as docs/audit.md#postgresqls-own-log says, then reload.",
        )
    return "PostgreSQL's log shows no row and no parameter"


def memory() -> str:
    """Starts a process as a public one starts and lets it look at itself."""
    environ = child_environ(_NOBODY) | WIPE_MEMORY  # without the line's secrets
    done = subprocess.run(
        [sys.executable, "-m", "hotline.process"],
        env=environ,
        capture_output=True,
        timeout=_PROCESS_SECONDS,
        check=False,
    )
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = {}
    if said.get("core") != 0 or said.get("dumpable") != 0:
        raise HotlineError(
            "A public process could leave a core file with reports in it.",
            "Use Linux, and let the line's user set its own limits.",
        )
    if not said.get("wiped"):
        raise HotlineError(
            "Freed memory is not overwritten: reports would stay in it.",
            "Use a Python that runs on glibc (Debian, Ubuntu), not on musl.",
        )
    return "no core file, not traceable, freed memory overwritten"


def swap() -> str:
    """Swapped memory is written to a disk. Encrypted swap is a device of the mapper; zram is
    memory."""
    try:
        lines = _SWAPS.read_text().splitlines()[1:]
    except OSError:
        return "no swap that this system tells of"
    plain = [name for name in (line.split()[0] for line in lines if line) if not _safe(name)]
    if plain:
        raise HotlineError(
            f"Memory may be written in clear to {', '.join(plain)}.",
            "Switch swap off, or encrypt it (dm-crypt with a random key).",
        )
    return "none, or encrypted" if lines else "none"


def _safe(name: str) -> bool:
    return name.startswith(("/dev/dm-", "/dev/mapper/", "/dev/zram"))


def audit_standing(line: StaffLine) -> str:
    """Whether records are put in order and signed, and the newest checkpoint lies outside."""
    if stuck(line):
        raise HotlineError(
            f"{line.audit.waiting()} audit records wait to be signed since {line.audit.swept()}.",
            "Is 'hotline serve' running? If so run 'hotline audit verify': it refuses to sign over "
            "altered records.",
        )
    head = line.audit.head()
    if head is None:
        return "nothing was signed yet: 'hotline serve' does"
    if places := missing(line.settings, head[1]):
        raise HotlineError(
            f"The newest checkpoint is not in {', '.join(map(str, places))}.",
            "Look at the disk and at HOTLINE_WITNESS; 'hotline serve' writes it again.",
        )
    outside = "" if line.settings.witness else "; keep one outside: 'hotline audit checkpoint'"
    return f"{head[0]} records signed, {line.audit.waiting()} wait{outside}"


def deadlines(line: StaffLine) -> str:
    """Whether tips are late beyond the limit of their priority."""
    late = Deadlines(line.database).long_late(int(line.clock.seconds()))
    if late:
        where = ", ".join(f"{queue} {count}" for queue, count in sorted(late.items()))
        raise HotlineError(
            f"Tips are late by more than their whole term again: {where}.",
            "Put more people on these desks; docs/desk.md says what was raised and when.",
        )
    return "no tip is late beyond its limit"


def on_duty(profile: Profile) -> str:
    """Whether somebody can be rung for every staffed desk at every hour, and for an alarm on
    reading."""
    nobody = [q.id for q in profile.queues.values() if q.staffed and not contacts(profile, [q.id])]
    missed = holes(profile)
    if not nobody and watchers(profile) and not missed:
        return "somebody can be rung for every staffed desk and for alarms"
    missing = [f"no [[duty]] of the body that runs {', '.join(nobody)}"] if nobody else []
    if not watchers(profile):
        missing.append("no [[duty]] with watch = true for alarms on reading")
    missing += [f"nobody on duty for {body}: {', '.join(at)}" for body, at in missed.items()]
    raise HotlineError(
        f"Nobody can be rung when urgent tips are late: {'; '.join(missing)}.",
        "Add staff telephones to profile.toml as docs/desk.md says, then 'hotline rules activate'.",
    )


def alarms(line: StaffLine) -> str:
    """Whether an alarm on unusual reading waits for an officer."""
    if waiting := Alarms(line.database).waiting():
        raise HotlineError(
            f"{waiting} alarms on unusual reading wait for a security officer.",
            "See /alarms in the console, or 'hotline alarms list'.",
        )
    return "none waits"
