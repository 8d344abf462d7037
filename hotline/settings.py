"""Settings: the one module that reads the environment; every problem is reported at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hotline.errors import HotlineError

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
    redis_url: str | None = field(default=None, repr=False)
    public_url: str = "http://127.0.0.1:8000"
    twilio_account_sid: str = field(default="", repr=False)
    twilio_auth_token: str = field(default="", repr=False)
    twilio_auth_token_previous: str = field(default="", repr=False)
    twilio_api_url: str = TWILIO_API
    twilio_number: str = field(default="", repr=False)
    jurisdiction: str = "br-rj"
    rules_version: str = ""
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
    def sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


NAMES = {
    "HOTLINE_HOME": "directory for keys and, with SQLite, the database",
    "HOTLINE_DATABASE_URL": "database; default a SQLite file in the home",
    "HOTLINE_REDIS_URL": "Redis for sessions and jobs; default: in the process",
    "HOTLINE_PUBLIC_URL": "address the provider and the public use, without a path",
    "HOTLINE_TWILIO_ACCOUNT_SID": "provider account",
    "HOTLINE_TWILIO_AUTH_TOKEN": "provider token that signs webhooks",
    "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS": "the former token, during rotation",
    "HOTLINE_TWILIO_NUMBER": "the line's own number: texts to people on duty come from it",
    "HOTLINE_TWILIO_API_URL": "base URL of the provider's REST API",
    "HOTLINE_JURISDICTION": "profile that 'hotline rules activate' reads: a name or a directory",
    "HOTLINE_RULES_VERSION": "set by 'hotline serve' only: the kept rules its processes share",
    "HOTLINE_DEMO": "set by 'hotline demo' only: console senders, seeded data",
}
SECRET = frozenset(
    {
        "HOTLINE_DATABASE_URL",
        "HOTLINE_REDIS_URL",
        "HOTLINE_TWILIO_ACCOUNT_SID",
        "HOTLINE_TWILIO_AUTH_TOKEN",
        "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS",
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


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Reads ``environ`` (default: the process's). Raises BadSettings naming every problem."""
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    values = _read(environ, problems)
    home = Path(values.get("HOTLINE_HOME", "")).expanduser()
    if "HOTLINE_HOME" not in values:
        problems.append("HOTLINE_HOME is not set")
    database = values.get("HOTLINE_DATABASE_URL", f"sqlite:///{home}/hotline.db")
    _check_url("HOTLINE_DATABASE_URL", database, ("sqlite", "postgresql"), problems)
    redis = values.get("HOTLINE_REDIS_URL")
    if redis:
        _check_url("HOTLINE_REDIS_URL", redis, ("redis", "rediss", "unix"), problems)
    public = values.get("HOTLINE_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
    _check_url("HOTLINE_PUBLIC_URL", public, ("http", "https"), problems)
    api = values.get("HOTLINE_TWILIO_API_URL", TWILIO_API).rstrip("/")
    _check_url("HOTLINE_TWILIO_API_URL", api, ("http", "https"), problems)
    sid, token = (values.get("HOTLINE_TWILIO_" + n, "") for n in ("ACCOUNT_SID", "AUTH_TOKEN"))
    if bool(sid) != bool(token):
        problems.append("HOTLINE_TWILIO_ACCOUNT_SID and HOTLINE_TWILIO_AUTH_TOKEN go together")
    if problems:
        raise BadSettings(problems)
    return Settings(
        home=home,
        database_url=database,
        redis_url=redis,
        public_url=public,
        twilio_account_sid=sid,
        twilio_auth_token=token,
        twilio_auth_token_previous=values.get("HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS", ""),
        twilio_api_url=api,
        twilio_number=values.get("HOTLINE_TWILIO_NUMBER", ""),
        jurisdiction=values.get("HOTLINE_JURISDICTION", "br-rj"),
        rules_version=values.get("HOTLINE_RULES_VERSION", ""),
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


def child_environ(settings: Settings) -> dict[str, str]:
    """The environment for a process we start with these settings."""
    values = {
        "HOTLINE_HOME": str(settings.home),
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_REDIS_URL": settings.redis_url or "",
        "HOTLINE_PUBLIC_URL": settings.public_url,
        "HOTLINE_TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "HOTLINE_TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
        "HOTLINE_TWILIO_AUTH_TOKEN_PREVIOUS": settings.twilio_auth_token_previous,
        "HOTLINE_TWILIO_NUMBER": settings.twilio_number,
        "HOTLINE_TWILIO_API_URL": settings.twilio_api_url,
        "HOTLINE_JURISDICTION": settings.jurisdiction,
        "HOTLINE_RULES_VERSION": settings.rules_version,
        "HOTLINE_DEMO": "1" if settings.demo else "",
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")}
    return inherited | values
