"""Leases: one process leads; another follows when it is gone; the old one writes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.store.database import Database
from hotline.store.facts import Facts
from hotline.store.keystore import KeyStore
from hotline.store.leases import BEAT_SECONDS, LOST_SECONDS, Lease, NoLongerLeading


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    database = Database(migrated_url)
    yield database
    database.close()


class Member:
    """One process's part, with a clock of its own."""

    def __init__(self, database: Database, now: float = 0) -> None:
        self.now = now
        self.lease = Lease(database, "chores", lambda: self.now)

    def look(self, later: float = 0) -> bool:
        self.now += later
        return self.lease.leads()


def test_one_leads_as_long_as_it_lives(database: Database) -> None:
    # Clocks of two machines need not agree.
    first, second = Member(database, 5), Member(database, 90_000)
    assert first.look()
    for _ in range(20):
        assert not second.look(BEAT_SECONDS)
        assert first.look(BEAT_SECONDS)


def test_another_follows_a_dead_leader_within_a_bounded_time(database: Database) -> None:
    first, second, third = Member(database), Member(database), Member(database)
    assert first.look()
    assert not second.look()
    assert not third.look()
    assert not second.look(LOST_SECONDS - 1)
    assert second.look(1)
    assert not third.look(LOST_SECONDS), "it has led since just now"
    assert not first.look()


def test_a_leader_that_stops_gives_way_at_once(database: Database) -> None:
    first, second = Member(database), Member(database)
    assert first.look()
    assert not second.look()
    first.lease.release()
    assert second.look()
    assert not first.look()


def test_an_old_leader_that_wakes_up_writes_nothing(database: Database) -> None:
    old, new = Member(database), Member(database)
    facts = Facts(database)
    assert old.look()
    assert not new.look()
    with old.lease.fence():
        assert facts.swap("forgot", "", "once")
        # Stopped here for a minute, in the middle of its work.
        assert new.look(LOST_SECONDS)
        with pytest.raises(NoLongerLeading):
            facts.swap("forgot", "once", "twice")
    assert facts.get("forgot") == "once"
    assert not old.look()
    with pytest.raises(NoLongerLeading), old.lease.fence():
        pass
    with new.lease.fence():
        assert facts.swap("forgot", "once", "by the new one")
    assert facts.swap("forgot", "by the new one", "outside nothing is checked")


MEMBER = """
import sys, time
from hotline.store.database import Database
from hotline.store.leases import Lease
database = Database(sys.argv[1])
# Its clock runs twenty times as fast.
lease = Lease(database, "chores", lambda: 20 * time.monotonic())
print("up", flush=True)
while True:
    if lease.leads():
        print("leads", flush=True)
    time.sleep(0.05)
"""


def member(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", MEMBER, url], stdout=subprocess.PIPE, text=True)


def test_another_file_is_written_too_and_only_while_it_leads(
    database: Database, tmp_path: Path
) -> None:
    """The key store is a file of its own, without the lease: forgetting writes to it."""
    first, second, keys = Member(database), Member(database), KeyStore(tmp_path)
    assert first.look()
    assert not second.look()
    with first.lease.fence():
        keys.destroy("queue:general:BR-RJ", "2026-01")
        assert second.look(LOST_SECONDS)
        with pytest.raises(NoLongerLeading):
            keys.destroy("queue:general:BR-RJ", "2026-01")


def test_a_killed_process_is_followed_by_another(migrated_url: str) -> None:
    for _ in range(2):
        process = member(migrated_url)
        assert process.stdout
        try:
            assert process.stdout.readline() == "up\n"
            assert process.stdout.readline() == "leads\n"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            process.stdout.close()
