"""Engine: how connections are made, and when they are made anew."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from hotline.clock import Clock

_OPEN_ANEW = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


def _primary(error: object) -> int:
    """SQLite's result code without its extension; 0 of what is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def make_engine(url: str, clock: Clock | None = None) -> Engine:
    """An engine that never shows parameters in errors and, on SQLite, is durable and wipes.
    Its connections know the ``clock``, for the times of audit records."""
    options = {"clock": clock or Clock()}
    if not url.startswith("sqlite"):
        return create_engine(
            url, hide_parameters=True, pool_size=16, pool_pre_ping=True, execution_options=options
        )
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": 5}, execution_options=options
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",
        ):
            connection.execute("PRAGMA " + pragma)

    @event.listens_for(engine, "handle_error")
    def _anew(context: ExceptionContext) -> None:
        # What was opened while its disk was read-only stays so, and every connection that this
        # process opens later shares it: all have to close. One with an open cursor would not.
        if _primary(context.original_exception) in _OPEN_ANEW:
            if context.execution_context is not None:
                context.execution_context.cursor.close()
            context.is_disconnect = True
            engine.dispose()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
