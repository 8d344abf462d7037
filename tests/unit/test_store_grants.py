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

from hotline.assembly import assemble_public, assemble_staff
from hotline.clock import Clock
from hotline.commands.operate import db
from hotline.intake.thread import Thread
from hotline.settings import Settings
from hotline.store.grants import READ, READ_BACK, WRITTEN, intake_grants
from hotline.store.tables import Base
from hotline.tips import Channel, Contact, Question, Trace
from tests.line import copy_line
from tests.services import Postgres


@pytest.fixture
def owned(founded_home: Path, tmp_path: Path, postgres: Postgres) -> Iterator[Settings]:
    """A founded line on PostgreSQL, as the owner of its tables."""
    name = postgres.create()
    (tmp_path / "home").mkdir()
    yield copy_line(founded_home, tmp_path / "home", postgres.url(name))
    postgres.drop(name)


@pytest.fixture
def intake(owned: Settings, postgres: Postgres, clock: Clock) -> Iterator[Settings]:
    """The same line as the public process sees it. The role's name needs quoting."""
    assemble_staff(owned, clock).close()  # binds the database to its directory
    role, password = f'Intake "{secrets.token_hex(4)}"', secrets.token_hex(8)
    name = sql.Identifier(role)
    with psycopg.connect(owned.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
        for _ in range(2):  # safe to repeat
            for statement in intake_grants(role):
                owner.execute(statement)
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


def test_the_command_prints_what_the_role_needs() -> None:
    printed = CliRunner().invoke(db, ["grants", "intake"])
    assert printed.exit_code == 0
    statements = [line.removesuffix(";") for line in printed.output.splitlines()]
    assert statements == intake_grants("intake")
    assert "GRANT INSERT ON tips, deadlines" in printed.output
