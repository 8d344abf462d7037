"""Activations: who put which version of the rules in force, when, why, and with which tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from hotline import __version__
from hotline.errors import HotlineError
from hotline.routing.profile import VERSION_DIGITS
from hotline.routing.profile_files import fingerprint


class NoActiveRules(HotlineError):
    """A home from before versions were kept, or none at all."""

    code = "no_active_rules"
    message = "This home has no active rules."
    hint = "Run 'hotline init' for a new line, or 'hotline rules activate' for one that exists."


class AlteredVersion(HotlineError):
    """A kept version is not what was activated: the line does not decide by it."""

    code = "altered_version"

    def __init__(self, version: str) -> None:
        super().__init__(
            f"The kept rules {version} were altered: a file was changed, added or removed.",
            f"Restore rules/versions/{version} from a backup, or activate the profile it came from "
            "again with 'hotline rules activate', or another version with '--version'.",
        )
        self.version = version


class UnknownVersion(HotlineError):
    code = "unknown_version"
    message = "No version of that name is kept in this home."
    hint = "See 'hotline rules versions'; a version is twelve digits and letters."


class RulesUnreadable(HotlineError):
    code = "rules_unreadable"
    message = "The rules of this home cannot be read."
    hint = "Let the line's user read rules/ in the home; if a file is broken, restore a backup."


class NotKept(HotlineError):
    """The home cannot be written: nothing became active."""

    code = "rules_not_kept"
    message = "The rules cannot be written to the home; what was active stays active."
    hint = "Run it as the line's user, with the home writable and space left on its disk."


class Overtaken(HotlineError):
    """Somebody else activated a version after this one was compared with the active one."""

    code = "overtaken"
    message = "Another version was activated meanwhile; this one was not."
    hint = "See 'hotline rules versions', then compare and activate again."


@dataclass(frozen=True, slots=True)
class Activation:
    """One line of the history. ``digest`` is SHA-256 of the version's files, ``at`` an hour in
    UTC, ``by`` the names of those who decided it: a list, so that two can. ``made_with`` are the
    program and its own tables then (see ``tables``), which shape decisions too."""

    digest: str
    profile: str
    at: str
    by: tuple[str, ...]
    why: str
    made_with: Mapping[str, str]

    @property
    def version(self) -> str:
        """As decisions name it."""
        return self.digest[:VERSION_DIGITS]

    @classmethod
    def read(cls, line: str) -> Activation:
        raw = json.loads(line)
        del raw["version"]
        return cls(**raw | {"by": tuple(raw["by"])})

    def write(self) -> str:
        return json.dumps({"version": self.version, **asdict(self)}, ensure_ascii=False) + "\n"

    def other_tables(self) -> list[str]:
        """The program's tables that are not what they were when this was activated."""
        now, then = tables(), {k: v for k, v in self.made_with.items() if k != "hotline"}
        return sorted(name for name in now | then if now.get(name) != then.get(name))


def tables() -> dict[str, str]:
    """Fingerprints of the program's own tables (types, terms, places) by name: what a decision
    rests on beside the profile."""
    data = Path(str(files("hotline").joinpath("routing", "data")))
    found = {}
    for entry in sorted(data.iterdir()):
        if entry.name != "profiles":
            inside = [entry] if entry.is_file() else sorted(p for p in entry.iterdir())
            held = {path.name: path.read_bytes() for path in inside if path.is_file()}
            found[entry.name] = fingerprint(held)[:VERSION_DIGITS]
    return found


def made_with() -> dict[str, str]:
    """The program and its tables now, for an Activation."""
    return {"hotline": __version__, **tables()}
