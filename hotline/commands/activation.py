"""Activation: which version of the rules the line decides by, on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotline import settings as settings_module
from hotline.clock import Clock
from hotline.commands import two
from hotline.commands.kept import versions
from hotline.commands.two import by_two, may_ask
from hotline.errors import BadInput, HotlineError
from hotline.settings import Settings

if TYPE_CHECKING:
    from hotline.routing.profile import Profile
    from hotline.routing.route import Router
    from hotline.routing.versions import Versions
    from hotline.store.database import Database
    from hotline.triage.approvals import Request

_SHOWN = 20
_LONGEST_REASON = 300


class TipsWait(HotlineError):
    """The new rules lack a queue in which tips wait: nobody could be sent there any more."""

    code = "tips_wait"

    def __init__(self, queues: list[str]) -> None:
        super().__init__(
            f"Tips wait in queues that the new rules do not have: {', '.join(queues)}.",
            "Decide or move them first, or keep these queues.",
        )


def attach(rules: click.Group) -> None:
    """Adds the commands of this module to ``hotline rules``."""
    rules.add_command(activate)
    rules.add_command(versions)


@click.command()
@click.argument("profile", required=False)
@click.option("--version", help="Goes back to a version kept in the home.")
@click.option("--why", required=True, help="A sentence for those who come after.")
@by_two
@may_ask
@click.option("--yes", is_flag=True, help="Do not ask.")
def activate(
    profile: str | None,
    version: str | None,
    why: str,
    giver: str,
    second: str | None,
    later: bool,
    yes: bool,
) -> None:
    """Puts a profile in force: proves it, shows what changes, keeps a copy, switches to it.

    PROFILE is a built-in name or a directory; default: HOTLINE_JURISDICTION. What runs keeps its
    version until it is restarted. Needs two officers, each with passphrase and one-time code;
    without a terminal they are read from standard input, one a line, those of --by first."""
    from hotline.assembly import rooms
    from hotline.founding import activate as put_in_force
    from hotline.founding import is_founded
    from hotline.routing.versions import Versions, copied
    from hotline.store.audit import AuditLog
    from hotline.store.database import Database
    from hotline.store.keystore import KeyStore
    from hotline.triage.access import Access
    from hotline.triage.approvals import Deed

    if profile and version:
        raise BadInput("A profile and a kept version were both named.", "Name one of the two.")
    settings = settings_module.load()
    if not is_founded(settings):
        raise BadInput("This home has no line yet.", "Run 'hotline init': it activates its rules.")
    kept, reason = Versions(settings.rules), _reason(why)
    with ExitStack() as stack:
        database = Database(settings.database_url)
        stack.callback(database.close)
        keys = KeyStore(settings.staff)
        stack.callback(keys.close)
        access = Access(database, keys, Clock())
        two.officers(access, giver, second)
        seen = len(kept.history())
        source = profile or settings.jurisdiction
        folder = kept.folder(version) if version else stack.enter_context(copied(source))
        new = rooms(folder)[3]
        if _is_active(kept, new.profile):
            click.echo(f"{_called(new.profile)} is active already; nothing was changed.")
            return
        _refuse_stranded(database, new.profile)
        # Before what takes long to compute: a code is good for a minute.
        here = two.present(access, giver, second) if yes or sys.stdin.isatty() else []
        _compare(kept, folder, new)
        _warn_of_keys(settings, new.profile)
        if not (yes or _agreed(new.profile)):
            raise SystemExit(1)
        facts = {"digest": new.profile.digest}
        if later:
            request = two.asked(access, here, Deed.RULES, facts, "rules_changed")
            _say_kept(kept, folder, new.profile, request)
            return
        by = two.agreed(access, here, Deed.RULES, facts, "rules_changed")
        audit, approvals = AuditLog(database), access.approvals
        with two.hinting(two.LATER):
            put_in_force(settings, audit, folder, [by], reason, new.clock, seen, approvals)
    click.echo(f"{_called(new.profile)} is active. What runs keeps the version it started with:")
    click.echo("restart 'hotline serve' and every 'hotline worker', all of them.")


def _say_kept(kept: Versions, folder: Path, profile: Profile, request: Request) -> None:
    kept.keep(folder)  # so that the second officer can look at it
    click.echo(f"{_called(profile)} is kept, and not in force.")
    two.say_asked(request)


def _reason(why: str) -> str:
    """One line: it stands in lists."""
    reason = " ".join(why.split())
    if not reason or len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise BadInput(
            "The reason is empty or too long.", f"Write one sentence, at most {_LONGEST_REASON}."
        )
    return reason


def _called(profile: Profile) -> str:
    return f"Version {profile.version} ({profile.id})"


def _is_active(kept: Versions, profile: Profile) -> bool:
    """Whole, and with the program's tables as they are: with others it decides otherwise, and
    that is worth a line of the history."""
    from hotline.routing.activations import AlteredVersion, NoActiveRules

    try:
        one, _ = kept.active()
    except (AlteredVersion, NoActiveRules):
        return False
    return one.digest == profile.digest and not one.other_tables()


def _refuse_stranded(database: Database, profile: Profile) -> None:
    from hotline.store.tips import Tips
    from hotline.tips import State

    waiting = {
        queue
        for (queue, state), count in Tips(database).counts().items()
        if count and state in (State.OPEN, State.WAITING)
    }
    if stranded := sorted(waiting - profile.queues.keys()):
        raise TipsWait(stranded)


def _compare(kept: Versions, folder: Path, new: Router) -> None:
    from hotline.assembly import rooms
    from hotline.routing.activations import AlteredVersion, NoActiveRules
    from hotline.routing.compare import diff
    from hotline.routing.tables import RuleFileProblem
    from hotline.routing.versions import changed_files

    try:
        one, active = kept.active()
        old = rooms(active)[3]
    except (NoActiveRules, AlteredVersion, RuleFileProblem) as nothing:
        click.echo(f"There is nothing to compare with: {nothing.message}")
        return
    click.echo(f"{_called(new.profile)} instead of {one.version} ({one.profile}).")
    if tables := one.other_tables():
        click.echo(f"The program's own tables changed since that was activated: {_list(tables)}.")
    found = diff(old, new)
    for difference in found[:_SHOWN]:
        click.echo(
            f"{difference.case}\n  before  {difference.before}\n  after   {difference.after}"
        )
    rest = f", the first {_SHOWN} shown; 'hotline rules diff' shows all" * (len(found) > _SHOWN)
    click.echo(f"{len(found)} differences{rest}")
    click.echo(f"Files that differ: {_list(changed_files(active, folder)) or 'none'}.")


def _warn_of_keys(settings: Settings, profile: Profile) -> None:
    """Without a key intake refuses what goes there: it must be made before the restart."""
    from hotline.vault.directory import Directory

    missing = set(profile.recipients()) - Directory.load(settings.public).recipients()
    if missing:
        click.echo(f"Nobody can open yet what goes to: {_list(missing)}.")
        click.echo("Before you restart the line: 'hotline keys new', then 'hotline users grant'.")


def _agreed(profile: Profile) -> bool:
    if not sys.stdin.isatty():
        raise BadInput("Nobody is at a terminal to say yes.", "Read the differences, add --yes.")
    return click.confirm(f"Put {_called(profile)} in force?")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
