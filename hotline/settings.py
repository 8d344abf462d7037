"""Settings: the one module that reads the environment; every problem is reported at once."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from hotline.errors import HotlineError

TRAINING = "training-line"  # the mark of a home with invented tips only
EXPECTED = "training-expected.json"
TWILIO_API = "https://api.twilio.com"


class BadSettings(HotlineError):
    """One or more settings are missing or unsound; the message lists all of them."""

    code = "bad_settings"
    hint = "Run 'hotline doctor': it shows each setting, where it came from and what is wrong."

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The settings are not sound: " + "; ".join(problems) + ".")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides. Secrets are never shown (``repr=False``)."""

    home: Path
    database_url: str = field(repr=False)
    public_database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    public_url: str = "http://127.0.0.1:8000"
    onion_url: str = ""
    twilio_account_sid: str = field(default="", repr=False)
    twilio_auth_token: str = field(default="", repr=False)
    twilio_auth_token_previous: str = field(default="", repr=False)
    twilio_api_url: str = TWILIO_API
    twilio_number: str = field(default="", repr=False)
    jurisdiction: str = "br-rj"
    rules_version: str = ""
    voice: str = "both"
    voice_model: Path | None = None
    witness: Path | None = None
    alarm_webhook: str = field(default="", repr=False)
    alarm_email: str = ""
    smtp_url: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    demo: bool = False

    @property
    def public(self) -> Path:
        """Files the public process may read: directory, pin, pepper, day keys."""
        return self.home / "public"

    @property
    def staff(self) -> Path:
        """Files only the staff process may read: worker keys, key store, audit signer."""
        return self.home / "staff"

    @property
    def rules(self) -> Path:
        """The versions of the rules and which is active: read by every process, written by the
        CLI and, once, by the start of a home that has none."""
        return self.home / "rules"

    @property
    def tokens(self) -> tuple[str, ...]:
        """The provider's auth tokens that are accepted: two during rotation."""
        both = (self.twilio_auth_token, self.twilio_auth_token_previous)
        return tuple(token for token in both if token)

    @property
    def training(self) -> bool:
        """Whether this home is marked as one with invented tips only."""
        return (self.home / TRAINING).exists()

    @property
    def sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


NAMES = {
    "HOTLINE_HOME": "directory for keys and, with SQLite, the database",
    "HOTLINE_DATABASE_URL": "database; default a SQLite file in the home",
    "HOTLINE_PUBLIC_DATABASE_URL": "the same by the public process's own PostgreSQL role",
    "HOTLINE_REDIS_URL": "Redis for sessions and jobs; default: in the process",
    "HOTLINE_PUBLIC_URL": "address the provider and the public use, without a path",
    "HOTLINE_ONION_URL": "the same pages as a Tor onion service, http://….onion; default none",
    "HOTLINE_TWILIO_ACCOUNT_SID": "provider account",
    "HOTLINE_TWILIO_AUTH_TOKEN": "provider token that signs webhooks",
    "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS": "the former token, during rotation",
    "HOTLINE_TWILIO_NUMBER": "the line's own number: texts to people on duty come from it",
    "HOTLINE_TWILIO_API_URL": "base URL of the provider's REST API",
    "HOTLINE_JURISDICTION": "profile that 'hotline rules activate' reads: a name or a directory",
    "HOTLINE_RULES_VERSION": "set by 'hotline serve' only: the kept rules its processes share",
    "HOTLINE_VOICE": "what becomes of recordings: both (default), transcribe or listen",
    "HOTLINE_VOICE_MODEL": "directory of a speech model; without one, people listen",
    "HOTLINE_WITNESS": "directory that also gets the audit's checkpoints; default none",
    "HOTLINE_ALARM_WEBHOOK": "where alarms about the line are posted; default nowhere",
    "HOTLINE_ALARM_EMAIL": "address of the line's own operators, for the same alarms",
    "HOTLINE_SMTP_URL": "mail server, smtp:// or smtps://user:password@host:port; default none",
    "HOTLINE_METRICS_TOKEN": "bearer token for /metrics from other machines; default none",
    "HOTLINE_DEMO": "set by 'hotline demo' only: console senders, seeded data",
}
# What a value is; the command line and ``docs/reference/settings.md`` show it.
UNITS = {
    "HOTLINE_HOME": "absolute path",
    "HOTLINE_DATABASE_URL": "URL",
    "HOTLINE_PUBLIC_DATABASE_URL": "URL",
    "HOTLINE_REDIS_URL": "URL",
    "HOTLINE_PUBLIC_URL": "URL without a path",
    "HOTLINE_ONION_URL": "URL without a path",
    "HOTLINE_TWILIO_ACCOUNT_SID": "identifier",
    "HOTLINE_TWILIO_AUTH_TOKEN": "text",
    "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS": "text",
    "HOTLINE_TWILIO_NUMBER": "telephone number, +…",
    "HOTLINE_TWILIO_API_URL": "URL",
    "HOTLINE_JURISDICTION": "name or path",
    "HOTLINE_RULES_VERSION": "12 digits and letters",
    "HOTLINE_VOICE": "both, transcribe or listen",
    "HOTLINE_VOICE_MODEL": "path",
    "HOTLINE_WITNESS": "path",
    "HOTLINE_ALARM_WEBHOOK": "URL",
    "HOTLINE_ALARM_EMAIL": "e-mail address",
    "HOTLINE_SMTP_URL": "URL",
    "HOTLINE_METRICS_TOKEN": "20 characters or more",
    "HOTLINE_DEMO": "1 or nothing",
}
# Who reads it: processes, and the commands of ``hotline`` (``serve`` among them).
_LINE = ("public", "staff", "worker")
_ERRANDS = ("staff", "worker")
USED_BY: Mapping[str, tuple[str, ...]] = {
    "HOTLINE_HOME": (*_LINE, "analyst", "commands"),
    "HOTLINE_DATABASE_URL": (*_LINE, "commands"),
    "HOTLINE_PUBLIC_DATABASE_URL": ("commands",),
    "HOTLINE_REDIS_URL": (*_LINE, "commands"),
    "HOTLINE_PUBLIC_URL": (*_LINE, "analyst", "commands"),
    "HOTLINE_ONION_URL": ("public", "commands"),
    "HOTLINE_TWILIO_ACCOUNT_SID": (*_ERRANDS, "commands"),
    "HOTLINE_TWILIO_AUTH_TOKEN": (*_LINE, "commands"),
    "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS": ("public", "commands"),
    "HOTLINE_TWILIO_NUMBER": _LINE,
    "HOTLINE_TWILIO_API_URL": _ERRANDS,
    "HOTLINE_JURISDICTION": (*_LINE, "analyst", "commands"),
    "HOTLINE_RULES_VERSION": _LINE,
    "HOTLINE_VOICE": (*_ERRANDS, "commands"),
    "HOTLINE_VOICE_MODEL": (*_ERRANDS, "commands"),
    "HOTLINE_WITNESS": ("staff", "commands"),
    "HOTLINE_ALARM_WEBHOOK": _ERRANDS,
    "HOTLINE_ALARM_EMAIL": _ERRANDS,
    "HOTLINE_SMTP_URL": _ERRANDS,
    "HOTLINE_METRICS_TOKEN": ("staff",),
    "HOTLINE_DEMO": (*_ERRANDS, "analyst", "commands"),
}
_OF_TRAINING = (
    "HOTLINE_HOME",
    "HOTLINE_PUBLIC_URL",
    "HOTLINE_JURISDICTION",
    "HOTLINE_RULES_VERSION",
)
SHORTEST_TOKEN = 20  # characters
VOICE = ("both", "transcribe", "listen")
SECRET = frozenset(
    {
        "HOTLINE_DATABASE_URL",
        "HOTLINE_PUBLIC_DATABASE_URL",
        "HOTLINE_REDIS_URL",
        "HOTLINE_TWILIO_ACCOUNT_SID",
        "HOTLINE_TWILIO_AUTH_TOKEN",
        "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS",
        "HOTLINE_ALARM_WEBHOOK",
        "HOTLINE_SMTP_URL",
        "HOTLINE_METRICS_TOKEN",
    }
)


def _read(environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    values = {}
    for name in NAMES:
        file = environ.get(name + "_FILE", "") if name in SECRET else ""
        if file:
            try:
                values[name] = Path(file).read_text().strip()
            except OSError:
                problems.append(f"the file named by {name}_FILE cannot be read")
        elif environ.get(name):
            values[name] = environ[name]
    return values


def _check_url(name: str, value: str, schemes: tuple[str, ...], problems: list[str]) -> None:
    if urlsplit(value).scheme.partition("+")[0] not in schemes:
        problems.append(f"{name} must begin with one of {', '.join(s + '://' for s in schemes)}")


def _check_bare(name: str, value: str, problems: list[str]) -> None:
    """The provider signs whole addresses: one with a path in front would never fit."""
    url = urlsplit(value)
    if url.scheme and (url.path or url.query or url.fragment or not url.hostname):
        problems.append(f"{name} must be scheme and host alone, without a path")


def _sound_onion(url: str) -> bool:
    """A version 3 onion address proves itself: key, checksum and version (Tor rend-spec-v3,
    "Encoding onion addresses"). One wrong letter would send reporters nowhere, or to a stranger."""
    name = re.fullmatch(r"http://([a-z2-7]{56})\.onion", url)
    if not name:
        return False
    raw = base64.b32decode(name[1].upper())
    key, check, version = raw[:32], raw[32:34], raw[34:]
    return (
        version == b"\3"
        and check == hashlib.sha3_256(b".onion checksum" + key + version).digest()[:2]
    )


def _check_alarms(values: Mapping[str, str], problems: list[str]) -> None:
    """How the line's own operators hear of alarms and read its figures."""
    if "HOTLINE_ALARM_WEBHOOK" in values:
        webhook = values["HOTLINE_ALARM_WEBHOOK"]
        _check_url("HOTLINE_ALARM_WEBHOOK", webhook, ("http", "https"), problems)
    if "HOTLINE_SMTP_URL" in values:
        _check_url("HOTLINE_SMTP_URL", values["HOTLINE_SMTP_URL"], ("smtp", "smtps"), problems)
    address = values.get("HOTLINE_ALARM_EMAIL", "")
    if address and not re.fullmatch(r"[^@\s,]+@[^@\s,]+", address):
        problems.append("HOTLINE_ALARM_EMAIL must be one address")
    if address and "HOTLINE_SMTP_URL" not in values:
        problems.append("HOTLINE_ALARM_EMAIL needs HOTLINE_SMTP_URL")
    if 0 < len(values.get("HOTLINE_METRICS_TOKEN", "")) < SHORTEST_TOKEN:
        problems.append(f"HOTLINE_METRICS_TOKEN must have {SHORTEST_TOKEN} characters or more")


def _marked(home: Path) -> bool:
    """A home that this user may not even look into is no training's; doctor says whose it is."""
    try:
        return (home / TRAINING).exists()
    except PermissionError:
        return False


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Reads ``environ`` (default: the process's). Raises BadSettings naming every problem."""
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    values = _read(environ, problems)
    home = Path(values.get("HOTLINE_HOME", "")).expanduser()
    if "HOTLINE_HOME" not in values:
        problems.append("HOTLINE_HOME is not set")
    elif _marked(home):
        # Whatever this machine's environment says: no real database, queue, telephone or witness.
        values = {name: values[name] for name in _OF_TRAINING if name in values}
        values["HOTLINE_DEMO"] = "1"
    database = values.get("HOTLINE_DATABASE_URL", f"sqlite:///{home}/hotline.db")
    _check_url("HOTLINE_DATABASE_URL", database, ("sqlite", "postgresql"), problems)
    intake = values.get("HOTLINE_PUBLIC_DATABASE_URL")
    if intake and not database.startswith("postgresql"):
        problems.append("HOTLINE_PUBLIC_DATABASE_URL needs PostgreSQL in HOTLINE_DATABASE_URL")
    elif intake:
        _check_url("HOTLINE_PUBLIC_DATABASE_URL", intake, ("postgresql",), problems)
    redis = values.get("HOTLINE_REDIS_URL")
    if redis:
        _check_url("HOTLINE_REDIS_URL", redis, ("redis", "rediss", "unix"), problems)
    public = values.get("HOTLINE_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
    _check_url("HOTLINE_PUBLIC_URL", public, ("http", "https"), problems)
    _check_bare("HOTLINE_PUBLIC_URL", public, problems)
    onion = values.get("HOTLINE_ONION_URL", "").rstrip("/").lower()
    if onion and not _sound_onion(onion):
        problems.append("HOTLINE_ONION_URL must be http:// and a whole version 3 onion address")
    api = values.get("HOTLINE_TWILIO_API_URL", TWILIO_API).rstrip("/")
    _check_url("HOTLINE_TWILIO_API_URL", api, ("http", "https"), problems)
    sid, token = (values.get("HOTLINE_TWILIO_" + n, "") for n in ("ACCOUNT_SID", "AUTH_TOKEN"))
    if bool(sid) != bool(token):
        problems.append("HOTLINE_TWILIO_ACCOUNT_SID and HOTLINE_TWILIO_AUTH_TOKEN go together")
    voice, model = values.get("HOTLINE_VOICE", "both"), values.get("HOTLINE_VOICE_MODEL")
    witness = values.get("HOTLINE_WITNESS")
    if voice not in VOICE:
        problems.append(f"HOTLINE_VOICE must be one of {', '.join(VOICE)}")
    _check_alarms(values, problems)
    if problems:
        raise BadSettings(problems)
    return Settings(
        home=home,
        database_url=database,
        public_database_url=intake,
        redis_url=redis,
        public_url=public,
        onion_url=onion,
        twilio_account_sid=sid,
        twilio_auth_token=token,
        twilio_auth_token_previous=values.get("HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS", ""),
        twilio_api_url=api,
        twilio_number=values.get("HOTLINE_TWILIO_NUMBER", ""),
        jurisdiction=values.get("HOTLINE_JURISDICTION", "br-rj"),
        rules_version=values.get("HOTLINE_RULES_VERSION", ""),
        voice=voice,
        voice_model=Path(model).expanduser() if model else None,
        witness=Path(witness).expanduser() if witness else None,
        alarm_webhook=values.get("HOTLINE_ALARM_WEBHOOK", ""),
        alarm_email=values.get("HOTLINE_ALARM_EMAIL", ""),
        smtp_url=values.get("HOTLINE_SMTP_URL", ""),
        metrics_token=values.get("HOTLINE_METRICS_TOKEN", ""),
        demo=values.get("HOTLINE_DEMO") == "1",
    )


def home_from(environ: Mapping[str, str] | None = None) -> Path | None:
    """HOTLINE_HOME, or None when it is not set."""
    home = (os.environ if environ is None else environ).get("HOTLINE_HOME")
    return Path(home).expanduser() if home else None


def jurisdiction(environ: Mapping[str, str] | None = None) -> str:
    """The profile alone, for commands that need no home."""
    return (os.environ if environ is None else environ).get("HOTLINE_JURISDICTION") or "br-rj"


def load_demo(home: Path, token: str, public_url: str) -> Settings:
    """The environment's settings with what a demonstration makes up: its home, an account that
    exists nowhere, the address it serves on."""
    made_up = {
        "HOTLINE_HOME": str(home),
        "HOTLINE_DEMO": "1",
        "HOTLINE_PUBLIC_URL": public_url,
        "HOTLINE_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "HOTLINE_TWILIO_AUTH_TOKEN": token,
    }
    return load({**os.environ, **made_up})


def sources(environ: Mapping[str, str] | None = None) -> list[tuple[str, str, str]]:
    """``(name, shown value, source)`` of every setting, for ``hotline doctor``."""
    environ = os.environ if environ is None else environ
    rows = []
    for name in NAMES:
        if environ.get(name + "_FILE") and name in SECRET:
            rows.append((name, "(secret)", "file"))
        elif environ.get(name):
            rows.append((name, "(secret)" if name in SECRET else environ[name], "environment"))
        else:
            rows.append((name, "", "default"))
    return rows


def unknown(environ: Mapping[str, str] | None = None) -> list[str]:
    """Names that begin as ours and are none: ``HOTLINE_REDIS`` for ``HOTLINE_REDIS_URL``."""
    environ = os.environ if environ is None else environ
    ours = {*NAMES, *(name + "_FILE" for name in SECRET)}
    return sorted(name for name in environ if name.startswith("HOTLINE_") and name not in ours)


def secret_files(environ: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Which file each secret comes from, for those that do."""
    environ = os.environ if environ is None else environ
    named = {name: environ.get(name + "_FILE", "") for name in NAMES if name in SECRET}
    return {name: Path(file) for name, file in named.items() if file}


def child_environ(settings: Settings, *, public: bool = False) -> dict[str, str]:
    """The environment for a process we start with these settings. The ``public`` one never learns
    how the owner of the tables signs in."""
    if public and settings.public_database_url:
        settings = replace(settings, database_url=settings.public_database_url)
    values = {
        "HOTLINE_HOME": str(settings.home),
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_PUBLIC_DATABASE_URL": "" if public else settings.public_database_url or "",
        "HOTLINE_REDIS_URL": settings.redis_url or "",
        "HOTLINE_PUBLIC_URL": settings.public_url,
        "HOTLINE_ONION_URL": settings.onion_url,
        "HOTLINE_TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "HOTLINE_TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
        "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS": settings.twilio_auth_token_previous,
        "HOTLINE_TWILIO_NUMBER": settings.twilio_number,
        "HOTLINE_TWILIO_API_URL": settings.twilio_api_url,
        "HOTLINE_JURISDICTION": settings.jurisdiction,
        "HOTLINE_RULES_VERSION": settings.rules_version,
        "HOTLINE_VOICE": settings.voice,
        "HOTLINE_VOICE_MODEL": str(settings.voice_model or ""),
        "HOTLINE_WITNESS": str(settings.witness or ""),
        "HOTLINE_ALARM_WEBHOOK": "" if public else settings.alarm_webhook,
        "HOTLINE_ALARM_EMAIL": "" if public else settings.alarm_email,
        "HOTLINE_SMTP_URL": "" if public else settings.smtp_url,
        "HOTLINE_METRICS_TOKEN": "" if public else settings.metrics_token,
        "HOTLINE_DEMO": "1" if settings.demo else "",
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")}
    return inherited | values
