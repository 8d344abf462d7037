"""Disks: what was full or read-only is used again at once, and until then it is a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from hotline.assembly import PublicLine, StaffLine
from hotline.errors import Unavailable
from hotline.intake import once
from hotline.store.database import Database, DatabaseUnavailable
from hotline.store.keystore import FILE, KeyStore
from hotline.tips import Channel, Contact
from tests import services
from tests.conftest import MovableClock
from tests.promises.ground import read_once  # noqa: F401 - a fixture

DAY = 86400
NOBODY = 65534
# It ends without closing, as what is killed does: the journal stays.
MAKE = """
import os, sys
from sqlalchemy import text
from hotline.store.database import Database
Database(sys.argv[1]).write(lambda c: c.execute(text("CREATE TABLE t (a)")))
os._exit(0)
"""


@contextmanager
def nobody() -> Iterator[None]:
    """Root may write whatever the mode of a file says."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


def one_more(connection: Connection) -> None:
    connection.execute(text("INSERT INTO t VALUES (1)"))


def count(database: Database) -> int:
    with database.read() as connection:
        found: int = connection.execute(text("SELECT count(*) FROM t")).scalar_one()
        return found


def test_a_database_that_was_read_only_is_written_to_again() -> None:
    with services.directory("readonly") as folder:
        folder.chmod(0o777)
        url = f"sqlite:///{folder / 'x.db'}"
        subprocess.run([sys.executable, "-c", MAKE, url], check=True)
        files = [folder / name for name in ("x.db", "x.db-wal", "x.db-shm")]
        for file in files:
            file.chmod(0o444)
        with nobody():
            database = Database(url)
            for _ in range(2):
                assert count(database) == 0, "and keeps a connection"
                with pytest.raises(DatabaseUnavailable):
                    database.write(one_more)
        for file in files:
            file.chmod(0o666)
        with nobody():
            database.write(one_more)
            assert count(database) == 1
            database.close()


def test_no_room_for_the_key_of_a_day_is_said_and_leaves_nothing(
    public_line: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        path.with_name(path.name + ".new").touch()
        raise OSError(28, "No space left on device")

    contact = Contact(channel=Channel.SMS, text="Boca de fumo em Niterói RJ")
    monkeypatch.setattr(once, "write_file", full)
    with pytest.raises(Unavailable):
        public_line.pipeline.receive(contact, "sms:1")
    assert not list(public_line.settings.public.glob("day-*"))
    monkeypatch.undo()
    public_line.pipeline.receive(contact, "sms:1")


def test_what_a_killed_process_left_of_a_key_goes_with_the_day(
    staff_line: StaffLine, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second name opens the same marks."""
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # it is dead by then
        staff_line.once.mark("sms:1", b"")
    left = sorted(file.name for file in staff_line.settings.public.glob("day-*"))
    assert len(left) > 1
    clock.advance(4 * DAY)
    staff_line.once.forget()
    assert not list(staff_line.settings.public.glob("day-*"))


def test_a_key_store_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(DatabaseUnavailable):
        KeyStore(tmp_path)
