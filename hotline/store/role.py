"""Role: the public process's role in PostgreSQL: made, and proved by trying what it must not do."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Boolean, Column, Integer, LargeBinary

from hotline.errors import BadInput, HotlineError
from hotline.store.database import Database
from hotline.store.grants import READ, READ_BACK, VERSION_TABLE, WRITTEN, intake_grants
from hotline.store.tables import Base

SEALED = ("tips", "bodies", "wraps", "observations")

# What PostgreSQL must not write into its own log, and which values keep it from doing so. A failing
# INSERT else prints its row there ("Failing row contains", "Key (lookup)=(...) already exists"),
# or its statement with the parameters, next to the second in which a report came.
QUIET = {
    "log_error_verbosity": ("terse",),
    "log_min_error_statement": ("panic",),
    "log_statement": ("none", "ddl"),
    "log_min_duration_statement": ("-1",),
    "log_min_duration_sample": ("-1",),
    "log_transaction_sample_rate": ("0",),
    "log_parameter_max_length": ("0",),
    "log_parameter_max_length_on_error": ("0",),
    "debug_print_parse": ("off",),
    "debug_print_rewritten": ("off",),
    "debug_print_plan": ("off",),
}


class NotAllowedToMake(HotlineError):
    """Whoever owns the tables may not create roles."""

    code = "cannot_make_role"
    message = "This database account may not create that role, or change its password."
    hint = "Let a superuser create it with LOGIN and nothing else, then run this again."


def make_role(database: Database, role: str, password: str | None) -> list[str]:
    """Creates or mends the role: signing in, the rights of ``intake_grants``, and a quiet log.
    Returns the settings of QUIET that only a superuser may make. Safe to repeat; without a
    ``password`` that of the role stays as it is. Raises NotAllowedToMake, BadInput."""
    name = sql.Identifier(role)
    with database.read() as connection:
        raw: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        try:
            with raw.transaction():
                found = raw.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
                if role == raw.info.user:
                    raise BadInput("This role owns the tables.", "Name another for intake.")
                if not found.fetchone():
                    raw.execute(sql.SQL("CREATE ROLE {}").format(name))
                raw.execute(sql.SQL("ALTER ROLE {} LOGIN").format(name))
                if password is not None:
                    _set_password(raw, role, password)
                for statement in intake_grants(role):
                    raw.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            raise NotAllowedToMake from None
        return [one for one, (value, *_) in QUIET.items() if not _quieten(raw, name, one, value)]


def _set_password(raw: psycopg.Connection[Any], role: str, password: str) -> None:
    """Only the SCRAM verifier leaves this process: the statement may be logged."""
    user = role.encode()
    verifier = raw.pgconn.encrypt_password(password.encode(), user, b"scram-sha-256").decode()
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
    raw.execute(statement.format(sql.Identifier(role), sql.Literal(verifier)))


def _quieten(raw: psycopg.Connection[Any], name: sql.Identifier, one: str, value: str) -> bool:
    statement = sql.SQL("ALTER ROLE {} SET {} = {}")
    try:
        with raw.transaction():
            raw.execute(statement.format(name, sql.Identifier(one), sql.Literal(value)))
    except psycopg.Error:
        return False
    return True


def loud(database: Database) -> list[str]:
    """``name = value`` of each setting by which PostgreSQL may write values of ours to its log, as
    they hold in a session of this role."""
    found = []
    with database.read() as connection:
        for name, quiet in QUIET.items():
            value = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            if value not in quiet:
                found.append(f"{name} = {value}")
    return found


def excess(database: Database) -> list[str]:
    """What the role of ``database`` may do and must not, or must do and may not; empty for the one
    that ``make_role`` makes. It tries, and everything it tries is rolled back."""
    with database.read() as connection:
        raw: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        found = _attributes(raw)
        for table in SEALED:
            column = sql.Identifier(next(iter(Base.metadata.tables[table].columns)).name)
            for verb, statement in (
                ("read", "SELECT NULL FROM {} LIMIT 0"),
                ("change", "UPDATE {} SET {} = NULL WHERE false"),
                ("delete", "DELETE FROM {} WHERE false"),
            ):
                if _may(raw, sql.SQL(statement).format(sql.Identifier(table), column)):
                    found.append(f"may {verb} {table}")
        for table in (*WRITTEN, *READ_BACK):
            if not _may(raw, *_row(table)):
                found.append(f"cannot add to {table}")
        return found + _rights(raw)


def _attributes(raw: psycopg.Connection[Any]) -> list[str]:
    row = raw.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
        " EXISTS (SELECT FROM pg_class WHERE relowner = me.oid)"
        " OR EXISTS (SELECT FROM pg_database WHERE datdba = me.oid),"
        " EXISTS (SELECT FROM pg_auth_members WHERE member = me.oid),"
        " has_schema_privilege('public', 'CREATE')"
        " FROM pg_roles me WHERE rolname = current_user"
    ).fetchone()
    words = (
        "is a superuser",
        "may create roles",
        "may create databases",
        "may replicate",
        "bypasses row security",
        "owns tables or a database",
        "is a member of another role",
        "may create tables",
    )
    return [word for word, true in zip(words, row or (), strict=True) if true]


def _rights(raw: psycopg.Connection[Any]) -> list[str]:
    """Every right on every table against the list, those on single columns too."""
    expected = {(table, "INSERT") for table in (*WRITTEN, *READ_BACK)}
    expected |= {(table, "SELECT") for table in (*READ_BACK, *READ)}
    found = []
    for table in (*sorted(Base.metadata.tables), VERSION_TABLE):
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
            by_column = right in ("SELECT", "INSERT", "UPDATE", "REFERENCES")
            asked = "has_any_column_privilege" if by_column else "has_table_privilege"
            row = raw.execute(f"SELECT {asked}(%s, %s)".encode(), (table, right)).fetchone()
            held = row == (True,)
            if held and (table, right) not in expected:
                found.append(f"has {right} on {table}")
            elif not held and (table, right) in expected:
                found.append(f"lacks {right} on {table}")
    return found


def _may(raw: psycopg.Connection[Any], statement: sql.Composed, values: Any = None) -> bool:
    try:
        with raw.transaction(force_rollback=True):
            raw.execute(statement, values)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error:
        pass  # refused for another reason, after the right to try
    return True


def _row(table: str) -> tuple[sql.Composed, list[object]]:
    """An INSERT of a row of zeros."""
    columns = [c for c in Base.metadata.tables[table].columns if not c.nullable]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
    return statement, [_zero(column) for column in columns]


def _zero(column: Column[Any]) -> object:
    if isinstance(column.type, LargeBinary):
        return bytes(column.type.length or 1)
    if isinstance(column.type, Boolean):
        return False
    return 0 if isinstance(column.type, Integer) else "0"
