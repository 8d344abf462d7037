"""Doctor: everything the line needs, checked one by one, each with what to do about it."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version

from hotline import ground, hygiene, premises
from hotline import settings as settings_module
from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.delivery import erasure
from hotline.errors import HotlineError
from hotline.intake.attachments import FileRefused, clean
from hotline.intake.details import check as check_questions
from hotline.intake.sms import number_on
from hotline.intake.voice.engine import NotHeard
from hotline.intake.voice.model import check
from hotline.intake.voice.script import Found, found, script
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions
from hotline.settings import Settings
from hotline.store.database import Database, DatabaseUnavailable
from hotline.store.facts import Facts
from hotline.store.migrate import current, head
from hotline.store.snapshot import NewerSchema
from hotline.tips import HOLD
from hotline.triage import recovery
from hotline.triage.approvals import Deed
from hotline.vault.envelope import STATISTICS, WORKER

ALARM_DAYS = 60

# The smallest picture and the smallest PDF with something to draw.
_DOT = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
_PAGE = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n"
)


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
    findings.append(_try("home", lambda: premises.home(settings)))
    if not findings[-1].sound:
        return findings
    findings += newcomers(settings, Clock())
    findings.append(_try("database", lambda: _database(settings)))
    findings.append(_try("database role", lambda: hygiene.database_role(settings)))
    findings.append(_try("database log", lambda: hygiene.database_log(settings)))
    findings.append(_try("memory", hygiene.memory))
    findings.append(_try("swap", hygiene.swap))
    if settings.redis_url:
        findings.append(_try("redis", lambda: _redis(settings)))
    findings.append(_try("files", files_opened))
    if settings.onion_url:
        findings.append(_try("onion", lambda: _onion(settings)))
    findings += rule_findings(settings, Clock())
    findings.append(_try("voice", lambda: voice(settings)))
    try:
        line = assemble_staff(settings)
    except DatabaseUnavailable:
        return [*findings, Finding("line", False, _NO_DATABASE)]
    except HotlineError as problem:
        return [*findings, Finding("line", False, f"{problem.message} {problem.hint}")]
    try:
        findings += key_findings(line)
        findings.append(_try("two officers", lambda: _officers(line)))
        findings += number_findings(line.profile, line.clock.today())
        findings += phone_findings(line)
        findings.append(Finding("bodies", True, _bodies(line.profile)))
        findings.append(_try("questions", _questions))
        findings.append(_try("outbox", lambda: _outbox(line)))
        findings.append(_try("audit", lambda: hygiene.audit_standing(line)))
        findings.append(_try("copies", lambda: premises.copies(line)))
        findings += [
            _try("deadlines", lambda: hygiene.deadlines(line)),
            _try("on duty", lambda: hygiene.on_duty(line.profile)),
            _try("alarms", lambda: hygiene.alarms(line)),
        ]
        findings += provider_findings(line)
    finally:
        line.close()
    return findings


def newcomers(settings: Settings, clock: Clock) -> list[Finding]:
    """What goes wrong on a first evening, before the line itself is opened."""
    return [
        _try("names", ground.names),
        _try("secrets", ground.secrets),
        _try("packages", ground.packages),
        _try("time zones", ground.time_zones),
        _try("clock", lambda: ground.kept_clock(settings, clock)),
        _try("disk", lambda: ground.disk(settings)),
        _try("modes", lambda: premises.modes(settings)),
        _try("owner", lambda: premises.owner(settings)),
        _try("demonstration", lambda: premises.demonstration(settings)),
        _try("address", lambda: premises.address(settings)),
        _try("signing key", lambda: premises.signing_key(settings, clock)),
    ]


def _try(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except DatabaseUnavailable:
        return Finding(name, False, _NO_DATABASE)
    except HotlineError as problem:
        return Finding(name, False, f"{problem.message} {problem.hint}")
    except OSError:
        return Finding(name, False, "A file could not be read. Run as the line's own user.")


# Not the sentence that reporters read when this happens to them.
_NO_DATABASE = (
    "The database does not answer. Start it, and look at HOTLINE_DATABASE_URL: machine, port, "
    "name, user and password."
)


def _database(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        have, want = current(database), head(database)
    finally:
        database.close()
    if have > want:
        raise NewerSchema
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


def files_opened() -> str:
    """Opens a picture and a page as those of a stranger would be. Raises HotlineError."""
    try:
        for data in (_DOT, _PAGE):
            clean(data)
    except FileRefused:
        raise HotlineError(
            "No picture or PDF can be opened in a process of its own, so every file is refused.",
            "Install the locked packages again, and let the line's user start processes.",
        ) from None
    return "a picture and a PDF are opened in a process of their own"


_NOT_HEARD = {
    "model_missing": "HOTLINE_VOICE_MODEL is no directory with a SHA256SUMS in it.",
    "model_incomplete": "The speech model is not complete.",
    "model_altered": "The speech model is not what its SHA256SUMS says.",
}


def voice(settings: Settings) -> str:
    """The speech engine and its model; reads every byte of it. Raises HotlineError."""
    if settings.voice_model is None or settings.voice == "listen":
        return "no speech engine: an operator listens once and types"
    try:
        found = check(settings.voice_model)
    except NotHeard as problem:
        raise HotlineError(
            f"{_NOT_HEARD[problem.reason]} It is not used: an operator listens and types.",
            "docs/channels.md says which files it needs and how to list their checksums.",
        ) from None
    try:
        engine = version("faster-whisper")
    except PackageNotFoundError:
        raise HotlineError(
            "The speech engine is not installed: an operator listens and types.",
            "Run \"pip install 'hotline[voice]'\", or unset HOTLINE_VOICE_MODEL.",
        ) from None
    return (
        f"faster-whisper {engine}, model {found.name}: its {found.files} files are what SHA256SUMS "
        f"{found.fingerprint[:16]} says; recordings: {settings.voice}"
    )


def _onion(settings: Settings) -> str:
    if not settings.public_url.startswith("https://"):
        raise HotlineError(
            "Tor Browser follows Onion-Location from pages by https only.",
            "Serve HOTLINE_PUBLIC_URL with TLS; the onion service itself needs none.",
        )
    return "named in the header of the first pages"


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


def provider_findings(line: StaffLine) -> list[Finding]:
    """Whether the provider forgets (promise 7). Nothing to say without an account."""
    if not line.settings.twilio_account_sid:
        return []
    facts = Facts(line.database)
    ringing = erasure.alarms(line.outbox, facts, line.clock.seconds())
    standing = erasure.Standing.load(facts.get(erasure.SWEEP))
    findings = [Finding("provider", False, PROVIDER[c].format(n)) for c, n in ringing.items()]
    if not findings:
        waits = sum(line.outbox.problems("erase").values())
        since = datetime.fromtimestamp(standing.done, line.clock.zone) if standing else None
        swept = f"swept {since:%Y-%m-%d %Hh}" if since else "not swept yet"
        findings.append(Finding("provider", True, f"forgets: {waits} erasures wait, {swept}"))
    return findings


PROVIDER = {
    erasure.REFUSES: "refuses {} erasures: HOTLINE_TWILIO_AUTH_TOKEN is wrong or has no right",
    erasure.GIVEN_UP: "{} erasures were given up: retry them on the officers' page",
    erasure.LATE_SWEEP: "was not swept for {} hours: is 'hotline serve' running, does it answer?",
}


def key_findings(line: StaffLine) -> list[Finding]:
    """Signed directory, months left, and members for every queue and agency."""
    findings = [Finding("directory", True, f"signed, {line.directory.fingerprint[:16]}")]
    today = line.clock.now().date()
    for recipient in (*line.profile.recipients(), STATISTICS, WORKER, HOLD):
        last = line.directory.last_epoch(recipient)
        days = (_month_end(last) - today).days if last else 0
        members = len(line.keys.members(recipient))
        if days < ALARM_DAYS:
            detail = f"{days} days left: run 'hotline keys new'"
            findings.append(Finding(recipient, False, detail))
        elif not members and recipient != WORKER and not line.directory.held(recipient):
            findings.append(Finding(recipient, False, "nobody can open it: grant it to somebody"))
    sound = sum(1 for f in findings if f.sound)
    if sound == len(findings):
        findings.append(Finding("keys", True, "every recipient has keys and members"))
    return [*findings, _try("recovery", lambda: _recovery(line))]


def _recovery(line: StaffLine) -> str:
    found = recovery.standing(line)
    match found.state:
        case "altered":
            raise HotlineError(
                "The recovery key here is not the one the directory's key signed.",
                "Make no keys. Somebody who could write to staff/keys.db put it there: find out.",
            )
        case "missing":
            raise recovery.NoRecovery
        case "uncovered":
            raise HotlineError(
                f"The recovery sheets would not open {len(found.uncovered)} recipients.",
                "Make new sheets with 'hotline keys recovery new'.",
            )
        case "undrilled":
            raise HotlineError(
                f"The recovery sheets of {found.made} were never drilled.",
                "Three custodians and 'hotline keys drill'.",
            )
        case "old":
            raise HotlineError(
                f"The last drill of the recovery sheets was {found.days} days ago.",
                "Three custodians and 'hotline keys drill', once a year.",
            )
    return f"sheets of {found.made}, drilled {found.drilled}; the next drill within a year"


def _officers(line: StaffLine) -> str:
    names = sorted(
        person.name
        for person in line.access.people.all()
        if person.id in line.approvals.deciders(Deed.DIRECTORY)
    )
    if len(names) < 2:
        raise HotlineError(
            "Fewer than two officers are active: nobody can approve what needs two.",
            "Enrol another: 'hotline users add NAME --role officer'.",
        )
    return f"{len(names)} are active: {', '.join(names)}"


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


def phone_findings(line: StaffLine) -> list[Finding]:
    """Whether people or machines speak the phone menu, and when operators take calls."""
    phone, counts = line.profile.phone, dict[str, Counter[Found]]()
    today = line.clock.today()
    sentences = script(
        line.profile,
        lambda prompt: number_on(line.profile, today, prompt),
        postal=line.places.postal,
    )
    for one in sentences:
        counts.setdefault(one.language, Counter())[found(line.settings.home, one)] += 1
    machine = {
        language: count[Found.PLACEHOLDER] + count[Found.OUTDATED]
        for language, count in counts.items()
    }
    if any(machine.values()):
        where = ", ".join(f"{language} {many}" for language, many in machine.items() if many)
        detail = f"placeholders are in use ({where}): record them, see 'hotline prompts list'"
        spoken = Finding("prompts", False, detail)
    else:
        people = ", ".join(
            f"{language} {count[Found.RECORDED]} of {count.total()}"
            for language, count in counts.items()
        )
        detail = f"recorded: {people}; the provider's voices say the rest, Creole in French"
        spoken = Finding("prompts", True, detail)
    if phone is None:
        hours = "no operators: the profile has no [phone]"
    else:
        hours = f"callers {'may' if phone.open(line.clock.now()) else 'may not'} ask for one now"
    return [spoken, Finding("operators", True, hours)]


def _questions() -> str:
    """Which questions on danger nobody who knows the field has read."""
    asked = check_questions()
    unread = ", ".join(detail.id for detail in asked if detail.unreviewed)
    told = f"{len(asked)} for some types, each one text message in five languages"
    return f"{told}; not yet reviewed by a specialist: {unread}" if unread else told


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
