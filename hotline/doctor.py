"""Doctor: everything the line needs, checked one by one, each with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.errors import HotlineError
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions
from hotline.settings import Settings
from hotline.store.database import Database
from hotline.store.migrate import current, head
from hotline.vault.envelope import STATISTICS, WORKER

ALARM_DAYS = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. ``detail`` is a sentence; for a failed one it says what to do."""

    name: str
    sound: bool
    detail: str


def examine() -> list[Finding]:
    """All findings, settings first. Never raises."""
    findings = [
        Finding(name, True, f"{value or '-'}  ({source})")
        for name, value, source in settings_module.sources()
    ]
    try:
        settings = settings_module.load()
    except settings_module.BadSettings as bad:
        return [*findings, *(Finding("settings", False, problem) for problem in bad.problems)]
    findings.append(_try("database", lambda: _database(settings)))
    if settings.redis_url:
        findings.append(_try("redis", lambda: _redis(settings)))
    findings += rule_findings(settings, Clock())
    try:
        line = assemble_staff(settings)
    except HotlineError as problem:
        return [*findings, Finding("line", False, f"{problem.message} {problem.hint}")]
    try:
        findings += key_findings(line)
        findings += number_findings(line.profile, line.clock.today())
        findings.append(Finding("bodies", True, _bodies(line.profile)))
        findings.append(_try("outbox", lambda: _outbox(line)))
    finally:
        line.close()
    return findings


def _try(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except HotlineError as problem:
        return Finding(name, False, f"{problem.message} {problem.hint}")


def _database(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        have, want = current(database), head(database)
    finally:
        database.close()
    if have != want:
        raise HotlineError("The schema is not the newest.", "Run 'hotline db upgrade'.")
    return f"answers, version {have}"


def _redis(settings: Settings) -> str:
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        redis = Redis.from_url(settings.redis_url or "", socket_connect_timeout=2)
        saves = redis.config_get("save").get("save", "")
        appends = redis.config_get("appendonly").get("appendonly", "no")
    except RedisError:
        raise HotlineError("Redis does not answer.", "Start it, or unset HOTLINE_REDIS_URL.") from (
            None
        )
    if saves or appends != "no":
        raise HotlineError(
            "Redis writes to disk.", 'Set save "" and appendonly no: it holds conversations.'
        )
    return "answers, keeps nothing on disk"


def rule_findings(settings: Settings, clock: Clock) -> list[Finding]:
    """What the line decides by, since when, and whether that is what people believe it is."""
    return [
        _try("rules", lambda: _active(settings, clock)),
        _try("rules profile", lambda: _edited(settings)),
        _try("rules tables", lambda: _tables(settings)),
    ]


def _active(settings: Settings, clock: Clock) -> str:
    one, _ = Versions(settings.rules).active()
    since = datetime.strptime(one.at, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    days, by = max((clock.now() - since).days, 0), ", ".join(one.by) or "the line"
    return f"version {one.version} ({one.profile}) for {days} days, by {by}: {one.why}"


def _edited(settings: Settings) -> str:
    versions = Versions(settings.rules)
    history, named = versions.history(), Profile.load(settings.jurisdiction)
    if not history:
        raise HotlineError("Nothing is active yet.", "See 'rules' above.")
    if named.digest == history[-1].digest:
        return "HOTLINE_JURISDICTION names what is active"
    # A version that was in force and left is a decision, not an edit somebody forgot.
    if named.digest in {one.digest for one in history}:
        return f"HOTLINE_JURISDICTION names version {named.version}, which was left"
    raise HotlineError(
        "HOTLINE_JURISDICTION is edited but not activated: "
        f"it is {named.version}, the line decides by {history[-1].version}.",
        "Run 'hotline rules activate'; 'hotline rules versions' shows the others.",
    )


def _tables(settings: Settings) -> str:
    history = Versions(settings.rules).history()
    if history and (other := history[-1].other_tables()):
        raise HotlineError(
            f"The program's own tables changed since the activation: {', '.join(other)}.",
            "Tips may be decided otherwise: run 'hotline rules activate' to see and record it.",
        )
    return "types, terms and places are those of the activation"


def _outbox(line: StaffLine) -> str:
    buried = line.outbox.buried()
    if buried:
        raise HotlineError(
            f"{len(buried)} errands were given up.", "See the officers' page; retry them there."
        )
    return "nothing was given up"


def key_findings(line: StaffLine) -> list[Finding]:
    """Signed directory, months left, and members for every queue and agency."""
    findings = [Finding("directory", True, f"signed, {line.directory.fingerprint[:16]}")]
    today = line.clock.now().date()
    for recipient in (*line.profile.recipients(), STATISTICS, WORKER):
        last = line.directory.last_epoch(recipient)
        days = (_month_end(last) - today).days if last else 0
        members = len(line.keys.members(recipient))
        if days < ALARM_DAYS:
            detail = f"{days} days left: run 'hotline keys new'"
            findings.append(Finding(recipient, False, detail))
        elif not members and recipient != WORKER:
            findings.append(Finding(recipient, False, "nobody can open it: grant it to somebody"))
    sound = sum(1 for f in findings if f.sound)
    if sound == len(findings):
        findings.append(Finding("keys", True, "every recipient has keys and members"))
    return findings


def number_findings(profile: Profile, today: date) -> list[Finding]:
    """Every number the public sees whose reading in its source is, or soon will be, too old."""
    findings = []
    for number in dict.fromkeys((*profile.emergency, *profile.elsewhere)):
        left = number.days_left(today)
        if number.verified_on > today:
            state = "has a verified_on in the future"
        elif left >= ALARM_DAYS:
            continue
        elif left >= 0:
            state = f"was read {number.verified_on}: {left} days left"
        else:
            state = f"was read {number.verified_on}: " + (
                "too long ago, shown all the same" if number.shown(today) else "hidden"
            )
        detail = f"{number.label} {state}. Dial it, read {number.source}, renew profile.toml"
        findings.append(Finding(f"number {number.number}", False, detail))
    if not findings:
        findings.append(Finding("numbers", True, "each was read in a source not long ago"))
    return findings


def _bodies(profile: Profile) -> str:
    unread, all_ = len(profile.unconfirmed()), len(profile.inboxes())
    if not unread:
        return f"the names of all {all_} with an inbox were read in a source"
    return (
        f"{unread} of {all_} with an inbox bear a name nobody has read in a source: "
        "'hotline rules check --json' lists them"
    )


def _month_end(month: str) -> date:
    year, number = (int(part) for part in month.split("-"))
    return date(year + number // 12, number % 12 + 1, 1)
