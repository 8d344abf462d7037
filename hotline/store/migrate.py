"""Migrate: the schema's history, inside the wheel."""

from __future__ import annotations

from contextlib import suppress
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from hotline.errors import Unavailable
from hotline.store.database import AlreadyThere, Database
from hotline.store.snapshot import NewerSchema
from hotline.store.tables import Meta

if TYPE_CHECKING:
    from alembic.config import Config

_SERIAL = "directory_serial"


class WrongDatabase(Unavailable):
    """The key directory is not the one this database was made with."""

    code = "wrong_database"
    message = "This database belongs to other keys."
    hint = "Restore the key directory that belongs to it; new keys cannot open its tips."


def _config(database: Database) -> Config:
    # Alembic doubles the time a process needs to start; most starts do not migrate.
    from alembic.config import Config

    config = Config()
    with as_file(files("hotline.store") / "migrations") as folder:
        config.set_main_option("script_location", str(folder))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database, version: str = "head") -> None:
    """Brings the schema to ``version``, the newest by itself. Safe to repeat. Raises
    NewerSchema."""
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(_config(database), version)
    except CommandError:
        raise NewerSchema from None


def head(database: Database) -> str:
    """The newest version this program knows."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config(database)).get_current_head() or ""


def current(database: Database) -> str:
    """The version the database has, or an empty string."""
    from alembic.migration import MigrationContext

    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def bind_directory(database: Database, fingerprint: str) -> None:
    """Ties a database to its key directory at first use. Raises WrongDatabase on a mismatch:
    a regenerated key over an existing database would lose every tip silently."""
    known = _meta(database, "directory")
    if known is None:
        database.write(
            lambda c: c.execute(insert(Meta).values(name="directory", value=fingerprint))
        )
    elif known != fingerprint:
        raise WrongDatabase


def directory_serial(database: Database) -> int:
    """The highest serial number of a key directory that the staff's process has used, or 0."""
    return int(_meta(database, _SERIAL) or 0)


def remember_serial(database: Database, serial: int) -> None:
    """Only ever upwards. Intake's role may not write it: see ``grants``."""

    def work(connection: Connection) -> None:
        known = connection.execute(select(Meta.value).where(Meta.name == _SERIAL)).scalar()
        if known is None:
            connection.execute(insert(Meta).values(name=_SERIAL, value=str(serial)))
        elif int(known) < serial:
            mine = update(Meta).where(Meta.name == _SERIAL, Meta.value == known)
            connection.execute(mine.values(value=str(serial)))

    if directory_serial(database) < serial:
        with suppress(AlreadyThere):  # another process was faster
            database.write(work)


def _meta(database: Database, name: str) -> str | None:
    with database.read() as connection:
        return connection.execute(select(Meta.value).where(Meta.name == name)).scalar()
