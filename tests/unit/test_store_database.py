"""Store: committed together, durable, wiped; one failing tip never fails its neighbours."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, insert, text

from hotline.store.database import AlreadyThere, Database, DatabaseUnavailable
from hotline.store.keystore import FILE, Grant, KeyStore
from hotline.store.migrate import WrongDatabase, bind_directory, current, head, upgrade
from hotline.store.tables import Base, Meta
from hotline.store.tips import Change, Mark, StaleTip, Tips
from hotline.tips import (
    Body,
    Errand,
    Observation,
    Priority,
    SealedReceipt,
    SealedTip,
    State,
    Wrap,
)
from hotline.vault.small import random_id, random_key

DESK = "general:BR-RJ"


def sealed_tip(sealed: bytes = b"ciphertext") -> SealedTip:
    """A tip of random bytes: the store never looks inside."""
    tip = random_id()
    return SealedTip(
        id=tip,
        queue=DESK,
        state=State.WAITING,
        priority=Priority.P3,
        month="2026-03",
        due_at=1_773_147_600,
        type_group="ORG",
        municipality="BR:IBGE:3303302",
        bodies=(Body(tip, tip, 1, sealed),),
        wraps=(Wrap(tip, "queue:" + DESK, "2026-03", b"wrap"),),
        observation=Observation(random_id(), "2026-03", b"count"),
        receipt=SealedReceipt(random_key(), b"key", b"place"),
        errands=(Errand(random_id(), "notify", random_id(), "2026-03", b"payload"),),
    )


@pytest.fixture
def database(migrated_url: str):
    database = Database(migrated_url)
    yield database
    database.close()


def test_migrations_make_what_the_models_say(database: Database) -> None:
    assert current(database) == head(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
        if database.sqlite:
            made = connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type='table'")
            )
            with_rowid = {
                name for name, ddl in made if not ddl.rstrip().upper().endswith("WITHOUT ROWID")
            }
            assert with_rowid == {"alembic_version"}, "rows would lie in order of arrival"


def test_upgrading_again_changes_nothing(database: Database) -> None:
    Tips(database).store(tip := sealed_tip())
    upgrade(database)
    assert Tips(database).one(tip.id) is not None


def test_a_database_of_other_keys_is_refused(database: Database) -> None:
    bind_directory(database, "one")
    bind_directory(database, "one")
    with pytest.raises(WrongDatabase):
        bind_directory(database, "two")


def test_every_sqlite_connection_is_durable_and_wipes(tmp_path: Path) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    database, keys = Database(f"sqlite:///{tmp_path / 'x.db'}"), KeyStore(tmp_path)

    def pragmas(connection) -> dict[str, object]:
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}

    for each in (database, keys._database):
        with each.read() as connection:
            assert pragmas(connection) == wanted
        assert each.write(pragmas) == wanted
    database.close()
    keys.close()
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_64_callers_share_one_commit_and_one_failing_tip_fails_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(database)
    tips, mark = Tips(database), Mark(random_key(), "2026-03-10", b"answer")
    tips.store(sealed_tip(), mark)
    commits = []
    event.listen(database.engine, "commit", lambda connection: commits.append(1))
    gate, queued = threading.Event(), threading.Event()

    def hold(connection) -> None:
        queued.set()
        gate.wait(30)

    wanted = [sealed_tip() for _ in range(64)]

    def store(number: int) -> str:
        try:
            tips.store(wanted[number], mark if number == 20 else None)
        except AlreadyThere:
            return "already there"
        return "stored"

    with ThreadPoolExecutor(66) as pool:
        holding = pool.submit(database.write, hold)
        queued.wait(10)
        running = [pool.submit(store, number) for number in range(64)]
        assert database._writer is not None
        while database._writer._work.qsize() < 64:
            assert not any(each.done() for each in running), "acknowledged before its commit"
        gate.set()
        holding.result()
        outcomes = [each.result() for each in running]
    assert [n for n, outcome in enumerate(outcomes) if outcome != "stored"] == [20]
    assert len(commits) == 2, "one for the holder, one for the 64"
    assert [n for n, tip in enumerate(wanted) if tips.one(tip.id) is None] == [20]
    assert tips.bodies(wanted[20].id) == []
    database.close()


def test_a_bug_in_one_callers_work_is_its_own(database: Database) -> None:
    def bug(connection) -> None:
        connection.execute(insert(Meta).values(name="half", value="written"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(bug)
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM meta WHERE name='half'")).scalar() == 0
    Tips(database).store(sealed_tip())


def test_when_the_commit_fails_every_caller_hears_it(database: Database) -> None:
    tips, tip = Tips(database), sealed_tip()
    told: list[object] = []
    tips = Tips(database, told.append)

    def refuse(connection) -> None:
        raise OSError("disk is gone")

    event.listen(database.engine, "commit", refuse)
    with pytest.raises(DatabaseUnavailable) as caught:
        tips.store(tip)
    event.remove(database.engine, "commit", refuse)
    assert caught.value.__cause__ is None
    assert "disk" not in str(caught.value)
    assert told == [], "nobody hears of errands that were not committed"
    assert tips.one(tip.id) is None
    tips.store(tip)
    assert len(told) == 1


def test_a_full_disk_takes_nothing_and_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(database)

    @event.listens_for(database.engine, "connect")
    def _full(connection, _) -> None:
        connection.execute("PRAGMA max_page_count=120")

    database.engine.dispose()
    tips, stored = Tips(database), 0
    with pytest.raises(DatabaseUnavailable):
        for _ in range(200):
            tips.store(sealed_tip(b"x" * 4000))
            stored += 1
    assert stored > 2
    with database.read() as connection:
        for table in ("tips", "bodies", "wraps", "deadlines", "receipts", "observations", "audit"):
            count = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            assert count == stored, table
    database.close()


def test_a_decision_on_an_old_version_is_refused(database: Database) -> None:
    tips, tip = Tips(database), sealed_tip()
    tips.store(tip)
    closed = ("closed", {"by": "ab" * 16, "reason": "hoax"})
    tips.apply(Change(tip.id, 1, state=State.CLOSED, events=(closed,)))
    with pytest.raises(StaleTip):
        tips.apply(
            Change(tip.id, 1, state=State.FORWARDED, bodies=(Body(random_id(), tip.id, 6, b"n"),))
        )
    row = tips.one(tip.id)
    assert row is not None
    assert (row.state, row.version, row.due_at) == (State.CLOSED, 2, 0)
    assert len(tips.bodies(tip.id)) == 1, "nothing of the refused decision stays"


def test_of_eight_decisions_at_once_one_holds(database: Database) -> None:
    tips, tip = Tips(database), sealed_tip()
    tips.store(tip)

    def decide(number: int) -> bool:
        try:
            note = Body(random_id(), tip.id, 6, b"note %d" % number)
            tips.apply(Change(tip.id, 1, state=State.CLOSED, bodies=(note,)))
        except StaleTip:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, range(8))) == 1
    assert len(tips.bodies(tip.id)) == 2


def test_what_is_deleted_on_sqlite_leaves_no_page(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(database)
    secret = b"CIPHERTEXT-THAT-MUST-GO" * 200
    tips, tip = Tips(database), sealed_tip(secret)
    tips.store(tip)
    everything = lambda: b"".join(f.read_bytes() for f in tmp_path.glob("x.db*"))  # noqa: E731
    assert secret[:500] in everything()
    tips.apply(Change(tip.id, 1, drop_bodies=(tip.id,)))
    database.wipe_journal()
    assert secret[:23] not in everything()
    database.close()


def test_destroyed_keys_leave_no_page(tmp_path: Path) -> None:
    keys, secret = KeyStore(tmp_path), b"WRAPPED-SEED-THAT-MUST-GO" * 40
    person = random_id()
    keys.add(
        [Grant("queue:a", "2026-03", person, secret), Grant("queue:a", "2026-04", person, b"-")]
    )
    assert keys.destroy("queue:a", "2026-03") == 1
    assert keys.of_epoch("queue:a", "2026-03", person) == []
    assert keys.recipients(person) == {"queue:a"}
    assert secret[:25] not in b"".join(f.read_bytes() for f in tmp_path.glob(FILE + "*"))
    keys.close()


def test_errors_of_the_driver_never_quote_rows(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as caught, database.read() as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE x = :x"), {"x": "+5521999990000"})
    error = caught.value
    assert error.__suppress_context__
    assert "5521999990000" not in f"{error!s}{error!r}{error.__cause__}"
    assert "5521999990000" not in str(error.__context__), "hide_parameters"
