"""Operate: demo, serve, worker, doctor and the database on the command line."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import click

from hotline import settings as settings_module
from hotline.cli import show
from hotline.errors import BadInput, HotlineError
from hotline.lanes import NAMES
from hotline.serve import Ports

SHORTEST_PASSWORD = 16


def _ports(command: Any) -> Any:
    for name, default in (("public", 8000), ("console", 8001), ("analyst", 8002)):
        command = click.option(
            f"--{name}-port", default=default, show_default=True, help="0: any free one."
        )(command)
    return command


@click.command()
@_ports
def demo(public_port: int, console_port: int, analyst_port: int) -> None:
    """A whole line from nothing: seeded keys, people and invented tips, and a printed tour."""
    from hotline import demo as room
    from hotline.cli import STARTED
    from hotline.serve import until_stopped

    ports = Ports(public_port, console_port, analyst_port)
    home = settings_module.home_from()

    def body(stopped: threading.Event) -> int:
        return room.run(home, ports, stopped, click.echo, STARTED)

    raise SystemExit(until_stopped(body))


@click.command()
@click.option("--console-port", default=8001, show_default=True, help="0: any free one.")
@click.option("--trainee", "trainees", multiple=True, help="Somebody who learns; repeat it.")
def training(console_port: int, trainees: tuple[str, ...]) -> None:
    """A line of its own with invented tips, to learn on the real pages. Needs HOTLINE_HOME: an
    empty directory, or one that training made. Trainees are named the first time."""
    from hotline import training as room
    from hotline.serve import until_stopped

    home = settings_module.home_from()
    if home is None:
        raise BadInput("HOTLINE_HOME is not set.", "Point it at an empty directory for training.")

    def body(stopped: threading.Event) -> int:
        return room.run(home, Ports(0, console_port, 0), trainees, stopped, click.echo)

    raise SystemExit(until_stopped(body))


@click.command()
@_ports
@click.option("--address", default="127.0.0.1", show_default=True)
@click.option("--public-workers", default=1, show_default=True, help="More than 1 needs Redis.")
def serve(
    public_port: int, console_port: int, analyst_port: int, address: str, public_workers: int
) -> None:
    """Serves the line until Ctrl-C or SIGTERM. 'hotline init' comes first."""
    from hotline.assembly import adopt
    from hotline.founding import bind, prepare
    from hotline.serve import running, until_stopped, wait_ready, watch

    settings = settings_module.load()
    if settings.training:
        raise BadInput(
            "This home is for training: its tips are invented and nobody would be alerted.",
            "Point HOTLINE_HOME at the real line, or use 'hotline training'.",
        )
    if settings.demo:
        raise BadInput(
            "HOTLINE_DEMO is set: nothing would be erased at the provider, nobody alerted.",
            "Unset it, or use 'hotline demo'.",
        )
    database = prepare(settings)
    # Public workers are replaced every few hours: they must not meet a newer version on their own.
    settings = replace(settings, rules_version=adopt(settings))
    # Here, because the public process's own role may not write which keys the database belongs to.
    bind(settings, database)
    database.close()
    ports = Ports(public_port, console_port, analyst_port).resolved()

    def body(stopped: threading.Event) -> int:
        with running(settings, ports, address=address, workers=public_workers) as children:
            for name, port in (
                ("public", ports.public),
                ("console", ports.console),
                ("analyst", ports.analyst),
            ):
                wait_ready(f"http://{address}:{port}/healthz", children)
                click.echo(f"{name:<8} http://{address}:{port}/")
            return 0 if watch(children, stopped) else 1

    raise SystemExit(until_stopped(body))


@click.command()
@click.option("--burst", is_flag=True, help="Ends when nothing is left to do.")
@click.option(
    "--lanes", default="", help="Only these, by commas: " + ", ".join(NAMES) + ". Default: all."
)
def worker(burst: bool, lanes: str) -> None:
    """Does the line's errands from Redis. Start as many as you like. SIGTERM lets the running
    errand finish; a second one, a second later, ends at once, and nothing is lost."""
    from hotline.jobs.rq import work
    from hotline.process import harden

    settings = settings_module.load()
    if not settings.redis_url:
        raise BadInput(
            "A worker needs Redis.",
            "Set HOTLINE_REDIS_URL; without it the staff process does the errands itself.",
        )
    chosen = [name.strip() for name in lanes.split(",") if name.strip()] or list(NAMES)
    if set(chosen) - set(NAMES):
        raise BadInput("There is no such lane.", "The lanes are: " + ", ".join(NAMES) + ".")
    harden(secret=True)
    work(settings.redis_url, burst=burst, lanes=chosen)


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """Shows every setting with its source, and whether what it needs is sound."""
    from hotline.doctor import examine

    findings = examine()
    rows = [{"check": f.name, "sound": f.sound, "detail": f.detail} for f in findings]
    text = "\n".join(f"{'ok  ' if f.sound else 'FAIL'}  {f.name:<36} {f.detail}" for f in findings)
    show(rows, as_json=as_json, text=text)
    if not all(f.sound for f in findings):
        raise SystemExit(1)


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
def upgrade() -> None:
    """Brings the schema to the newest version."""
    from hotline.founding import prepare
    from hotline.store.migrate import current

    database = prepare(settings_module.load())
    click.echo(f"database at version {current(database)}")
    database.close()


@db.command("check")
def check_database() -> None:
    """Whether the database answers and its schema is the newest."""
    from hotline.store.database import Database
    from hotline.store.migrate import current, head

    database = Database(settings_module.load().database_url)
    have, want = current(database), head(database)
    database.close()
    if have != want:
        raise OldSchema
    click.echo(f"database at version {have}")


@db.command()
@click.argument("role")
def grants(role: str) -> None:
    """SQL that lets ROLE, the public process's, write new rows and read back almost nothing.

    Run it as the owner of the tables: hotline db grants intake | psql …"""
    from hotline.store.grants import intake_grants

    for statement in intake_grants(role):
        click.echo(statement + ";")


@db.command()
@click.argument("name")
@click.option(
    "--password-file",
    type=click.File(),
    help="Its password's file, - for standard input. Without one the role has none: PostgreSQL "
    "must know it otherwise ('peer').",
)
def role(name: str, password_file: IO[str] | None) -> None:
    """Makes or mends the PostgreSQL role NAME for the public process: it may add, and read back
    almost nothing. Safe to repeat."""
    from hotline.store.database import Database
    from hotline.store.role import make_role

    settings = settings_module.load()
    if settings.sqlite:
        raise BadInput(
            "SQLite has no roles.", "Set HOTLINE_DATABASE_URL to PostgreSQL, as the owner."
        )
    password = password_file.read().strip() if password_file else None
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise BadInput(f"The password needs {SHORTEST_PASSWORD} characters.", "Make a random one.")
    database = Database(settings.database_url)
    try:
        left = make_role(database, name, password)
    finally:
        database.close()
    click.echo(f"{name} may add rows. Set HOTLINE_PUBLIC_DATABASE_URL, then run 'hotline doctor'.")
    if left:
        click.echo(f"A superuser must set, for PostgreSQL's own log: {', '.join(left)}")


class OldSchema(HotlineError):
    """The database has an older schema than the program."""

    code = "old_schema"
    message = "The database's schema is not the newest."
    hint = "Run 'hotline db upgrade'."


@click.command()
@click.argument("name")
def code(name: str) -> None:
    """The one-time code of a demo person (demo homes only)."""
    import pyotp

    home = settings_module.home_from() or _newest_demo()
    file = home / "demo-logins.json" if home else None
    if file is None or not file.exists():
        raise BadInput("No demo home is found.", "Set HOTLINE_HOME to the one the tour printed.")
    rows = {row[0]: row[2] for row in json.loads(file.read_text())}
    if name not in rows:
        raise BadInput("Nobody of that name is in the demo.", "The tour lists the names.")
    click.echo(pyotp.TOTP(rows[name]).now())


def _newest_demo() -> Path | None:
    import tempfile

    homes = Path(tempfile.gettempdir()).glob("hotline-demo-*/demo-logins.json")
    newest = max(homes, key=lambda file: file.stat().st_mtime, default=None)
    return newest.parent if newest else None
