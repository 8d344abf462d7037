"""Migrate: the schema's history, inside the wheel."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from hotline.errors import Unavailable
from hotline.store.database import Database
from hotline.store.tables import Meta

if TYPE_CHECKING:
    from alembic.config import Config


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


def upgrade(database: Database) -> None:
    """Brings the schema to the newest version. Safe to repeat."""
    from alembic import command

    command.upgrade(_config(database), "head")


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
    with database.read() as connection:
        known = connection.execute(select(Meta.value).where(Meta.name == "directory")).scalar()
    if known is None:
        database.write(
            lambda c: c.execute(insert(Meta).values(name="directory", value=fingerprint))
        )
    elif known != fingerprint:
        raise WrongDatabase
