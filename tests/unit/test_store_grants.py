"""Store: the public process's role in PostgreSQL writes everything, reads almost nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from sqlalchemy import insert

from hotline import hygiene
from hotline.assembly import assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.commands.operate import db
from hotline.errors import HotlineError
from hotline.intake.thread import Thread
from hotline.settings import NAMES, Settings
from hotline.store.database import AlreadyThere, Database, DatabaseUnavailable
from hotline.store.grants import READ, READ_BACK, WRITTEN, intake_grants
from hotline.store.role import QUIET, excess, loud, make_role
from hotline.store.tables import Base, ReceiptRow, TipRow
from hotline.tips import Channel, Contact, Question, Trace
from tests.line import copy_home, settings_for
from tests.services import Postgres


@pytest.fixture
def owned(
    founded_home: Path, founded_template: str, tmp_path: Path, postgres: Postgres
) -> Iterator[Settings]:
    """A founded line on PostgreSQL, as the owner of its tables."""
    name = postgres.create(template=founded_template)
    (tmp_path / "home").mkdir()
    copy_home(founded_home, tmp_path / "home")
    yield settings_for(tmp_path / "home", postgres.url(name))
    postgres.drop(name)


@pytest.fixture
def intake(owned: Settings, postgres: Postgres, clock: Clock) -> Iterator[Settings]:
    """The same line as the public process sees it. The role's name needs quoting."""
    assemble_staff(owned, clock).close()  # binds the database to its directory
    role, password = f'Intake "{secrets.token_hex(4)}"', secrets.token_hex(8)
    name = sql.Identifier(role)
    database = Database(owned.database_url)
    for _ in range(2):  # safe to repeat
        assert make_role(database, role, password) == []
    database.close()
    host = owned.database_url.rpartition("@")[2]
    quoted = role.replace(" ", "%20").replace('"', "%22")
    yield replace(owned, database_url=f"postgresql://{quoted}:{password}@{host}")
    with psycopg.connect(owned.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP OWNED BY {}").format(name))
        owner.execute(sql.SQL("DROP ROLE {}").format(name))


def test_a_tips_whole_way_through_intake_needs_no_more(
    intake: Settings, owned: Settings, clock: Clock
) -> None:
    line = assemble_public(intake, clock, pool=0)
    pipeline = line.pipeline
    traces = (Trace("message", "SM" + "1" * 32),)
    whole = Contact(channel=Channel.SMS, text="Boca de fumo em Niterói, RJ", traces=traces)
    receipt = pipeline.receive(whole, "sms:1")
    assert pipeline.receive(whole, "sms:1").answer == receipt.answer
    pipeline.receive(Contact(channel=Channel.WEB, text="Vão matar meu vizinho agora, Niterói RJ"))
    _, thread = pipeline.open(Contact(channel=Channel.SMS, text="vendem droga na praça"), "sms:2")
    assert isinstance(thread, Thread)
    where = Contact(channel=Channel.SMS, answers={Question.WHERE: "Niterói"}, traces=traces)
    pipeline.conclude(pipeline.add(thread, where, "sms:3"))
    pipeline.remember("sms:4", b"goodbye")
    assert pipeline.recall("sms:4") == b"goodbye"
    assert pipeline.follow_up(receipt.code).status == "waiting"
    pipeline.append(receipt.code, Contact(channel=Channel.WEB, text="Mudaram de rua"), "form:1")
    line.close()
    staff = assemble_staff(owned, clock)
    assert sum(staff.tips.counts().values()) == 3
    staff.close()


def test_it_holds_exactly_the_rights_listed(intake: Settings, owned: Settings) -> None:
    role = psycopg.conninfo.conninfo_to_dict(intake.database_url)["user"]
    tables = {*Base.metadata.tables, "alembic_version"}
    expected = {(t, "INSERT") for t in (*WRITTEN, *READ_BACK)} | {
        (t, "SELECT") for t in (*READ_BACK, *READ)
    }
    with psycopg.connect(owned.database_url) as owner:
        held = {
            (table, right)
            for table in tables
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES")
            if owner.execute(
                "SELECT has_table_privilege(%s, %s, %s)", (role, table, right)
            ).fetchone()
            == (True,)
        }
    assert held == expected


@pytest.mark.parametrize("table", ["tips", "wraps", "observations", "bodies", "people", "audit"])
def test_it_cannot_read_change_or_delete_what_is_stored(intake: Settings, table: str) -> None:
    with psycopg.connect(intake.database_url, autocommit=True) as connection:
        for statement in ("SELECT * FROM {}", "DELETE FROM {}", "UPDATE {} SET id = id"):
            with pytest.raises(
                (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn)
            ) as caught:
                connection.execute(sql.SQL(statement).format(sql.Identifier(table)))
            if "id = id" not in statement:
                assert caught.type is psycopg.errors.InsufficientPrivilege


def role_of(intake: Settings) -> sql.Identifier:
    return sql.Identifier(str(psycopg.conninfo.conninfo_to_dict(intake.database_url)["user"]))


def tried(settings: Settings) -> list[str]:
    database = Database(settings.database_url)
    try:
        return excess(database)
    finally:
        database.close()


def test_it_is_proved_by_trying_and_nothing_stays(intake: Settings, owned: Settings) -> None:
    assert tried(intake) == []
    owner = tried(owned)
    assert {"is a superuser", "owns tables or a database", "may create tables"} <= set(owner)
    assert {f"may {verb} tips" for verb in ("read", "change", "delete")} <= set(owner)
    database = Database(owned.database_url)
    for table in (*WRITTEN, *READ_BACK):
        if table not in ("audit", "packages"):
            with database.read() as connection:
                count = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            assert count == 0, table
    database.close()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("GRANT SELECT ON tips TO {}", ["may read tips", "has SELECT on tips"]),
        ("GRANT SELECT (subject) ON wraps TO {}", ["may read wraps", "has SELECT on wraps"]),
        ("GRANT UPDATE ON bodies TO {}", ["may change bodies", "has UPDATE on bodies"]),
        (
            "GRANT DELETE ON observations TO {}",
            ["may delete observations", "has DELETE on observations"],
        ),
        ("GRANT TRUNCATE ON tips TO {}", ["has TRUNCATE on tips"]),
        ("GRANT INSERT ON people TO {}", ["has INSERT on people"]),
        ("REVOKE INSERT ON outbox FROM {}", ["cannot add to outbox", "lacks INSERT on outbox"]),
        ("ALTER ROLE {} CREATEROLE", ["may create roles"]),
        ("ALTER ROLE {} BYPASSRLS", ["bypasses row security"]),
        ("GRANT CREATE ON SCHEMA public TO {}", ["may create tables"]),
        ("GRANT pg_read_all_settings TO {}", ["is a member of another role"]),
    ],
)
def test_any_right_too_many_or_too_few_is_found(
    intake: Settings, owned: Settings, statement: str, found: list[str]
) -> None:
    with psycopg.connect(owned.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL(statement).format(role_of(intake)))
    assert tried(intake) == found
    if "ALTER" not in statement and "pg_read" not in statement and "SCHEMA" not in statement:
        database = Database(owned.database_url)
        name = str(psycopg.conninfo.conninfo_to_dict(intake.database_url)["user"])
        make_role(database, name, None)
        database.close()
        assert tried(intake) == [], "made again, it is mended, and its password stays"


def test_membership_in_the_owner_is_found(intake: Settings, owned: Settings) -> None:
    with psycopg.connect(owned.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("GRANT hotline TO {}").format(role_of(intake)))
    found = tried(intake)
    assert "is a member of another role" in found
    assert "may read tips" in found


def provoke(settings: Settings, word: str) -> None:
    """Two inserts that PostgreSQL refuses: a null where none may be, a key that is there."""
    raw = word.encode()
    tip = {"id": raw[:16], "queue": word, "state": "open", "month": "2026-03", "version": 1}
    twice = {"lookup": raw.ljust(32), "key": b"k", "sealed": raw}
    database = Database(settings.database_url)
    with pytest.raises(AlreadyThere):
        database.write(lambda c: c.execute(insert(TipRow).values(priority=None, **tip)))
    with pytest.raises(AlreadyThere):
        database.write(lambda c: c.execute(insert(ReceiptRow), [twice, twice]))
    with pytest.raises(DatabaseUnavailable):
        long = {"id": secrets.token_bytes(16), "priority": "P" + word}
        database.write(lambda c: c.execute(insert(TipRow).values(**(tip | long))))
    database.close()


def server_log(settings: Settings) -> str:
    with psycopg.connect(settings.database_url) as owner:
        (data,) = owner.execute("SHOW data_directory").fetchone() or ("",)
    return (Path(data).parent / "log").read_text(errors="replace")


def shown(log: str, word: str) -> bool:
    return word in log or word.encode().hex() in log


def test_what_postgresql_refuses_is_not_in_its_log(intake: Settings, owned: Settings) -> None:
    heard, unheard = f"canary{secrets.token_hex(8)}", f"canary{secrets.token_hex(8)}"
    provoke(owned, heard)
    assert shown(server_log(owned), heard), "by itself PostgreSQL prints the row"
    provoke(intake, unheard)
    log = server_log(owned)
    assert "violates not-null constraint" in log
    assert not shown(log, unheard)


def test_a_loud_log_is_found_and_can_be_made_quiet(
    intake: Settings, owned: Settings, postgres: Postgres
) -> None:
    both = replace(owned, public_database_url=intake.database_url)
    assert hygiene.database_role(both).startswith("the public process adds rows")
    with pytest.raises(HotlineError) as caught:
        hygiene.database_role(owned)
    assert "hotline db role" in caught.value.hint
    with pytest.raises(HotlineError) as caught:
        hygiene.database_role(replace(owned, public_database_url=owned.database_url))
    assert "is a superuser" in caught.value.message
    with pytest.raises(HotlineError) as caught:
        hygiene.database_log(both)
    assert "log_error_verbosity = default" in caught.value.message
    name = sql.Identifier(psycopg.conninfo.conninfo_to_dict(owned.database_url)["dbname"])
    with psycopg.connect(owned.database_url, autocommit=True) as owner:
        for one, (value, *_) in QUIET.items():
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            owner.execute(statement.format(name, sql.Identifier(one), sql.Literal(value)))
    assert "no row" in hygiene.database_log(both)
    word = f"canary{secrets.token_hex(8)}"
    provoke(owned, word)
    assert not shown(server_log(owned), word)


def test_statements_never_carry_values(intake: Settings, owned: Settings, clock: Clock) -> None:
    """With every statement logged, still none of the values: the driver sends them apart."""
    database = Database(intake.database_url)
    assert loud(database) == []
    database.close()
    role = role_of(intake)
    with psycopg.connect(owned.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("ALTER ROLE {} SET log_statement = 'all'").format(role))
    word = f"canary{secrets.token_hex(8)}"
    database = Database(intake.database_url)
    assert loud(database) == ["log_statement = all"]
    database.write(
        lambda c: c.execute(
            insert(ReceiptRow), [{"lookup": word.encode().ljust(32), "key": b"", "sealed": b"x"}]
        )
    )
    database.close()
    log = server_log(owned)
    assert "INSERT INTO receipts" in log
    assert not shown(log, word)


def test_the_command_makes_a_role_that_signs_in(
    owned: Settings, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    assemble_staff(owned, clock).close()
    name, password = f"intake_{secrets.token_hex(4)}", secrets.token_hex(12)
    for key in NAMES:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("HOTLINE_HOME", str(owned.home))
    monkeypatch.setenv("HOTLINE_DATABASE_URL", owned.database_url)
    try:
        short = CliRunner().invoke(db, ["role", name, "--password-file", "-"], input="short\n")
        assert short.exit_code == 1
        for _ in range(2):
            made = CliRunner().invoke(db, ["role", name, "--password-file", "-"], input=password)
            assert made.exit_code == 0, made.output
            assert password not in made.output
        host = owned.database_url.rpartition("@")[2]
        url = f"postgresql://{name}:{password}@{host}"
        assert tried(replace(owned, database_url=url)) == []
        assert not shown(server_log(owned), password)
        own = CliRunner().invoke(db, ["role", "hotline"])
        assert own.exit_code == 1
    finally:
        with psycopg.connect(owned.database_url, autocommit=True) as owner:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_the_command_prints_what_the_role_needs() -> None:
    printed = CliRunner().invoke(db, ["grants", "intake"])
    assert printed.exit_code == 0
    statements = [line.removesuffix(";") for line in printed.output.splitlines()]
    assert statements == intake_grants("intake")
    assert "GRANT INSERT ON tips, deadlines" in printed.output
