"""Database: one way to read and one way to write, on SQLite and on PostgreSQL.

SQLite has one writer. Concurrent intakes are committed together: each in a savepoint of its own,
so that a failing one never fails its batch, and acknowledged only after the batch's commit.
``synchronous=FULL`` is not negotiable: with NORMAL a power loss lost every recent tip.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from hotline.clock import Clock
from hotline.errors import HotlineError, Unavailable
from hotline.store.engine import make_engine

BATCH_LARGEST = 128

T = TypeVar("T")
Work = Callable[[Connection], Any]
Transaction = Connection  # the name outside the store


_fence: ContextVar[tuple[Database, Work] | None] = ContextVar("fence", default=None)


@contextmanager
def fenced(database: Database, check: Work) -> Iterator[None]:
    """Every ``write`` of this thread meanwhile begins with ``check(connection)``: in ``database``
    in the write's own transaction, so that what raises there writes nothing; in another file, as
    the key store is one, just before it."""
    before = _fence.set((database, check))
    try:
        yield
    finally:
        _fence.reset(before)


def _fenced(check: Work, work: Callable[[Connection], T]) -> Callable[[Connection], T]:
    def both(connection: Connection) -> T:
        check(connection)
        return work(connection)

    return both


class DatabaseUnavailable(Unavailable):
    """The database does not answer, is full or is locked. Nothing was committed."""

    code = "database_unavailable"


class AlreadyThere(HotlineError):
    """A row with this key exists: the same message came twice."""

    code = "already_there"
    status = 409
    message = "This was already received."
    hint = "Nothing needs to be done."


def own_file(path: Path) -> None:
    """Makes a SQLite file for its owner alone, if there is none; narrows one that exists."""
    if path.parent.is_dir():
        path.touch(mode=0o600)
        path.chmod(0o600)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turns the driver's errors into ours; their text may quote rows."""
    try:
        yield
    except IntegrityError:
        raise AlreadyThere from None
    except (SQLAlchemyError, sqlite3.Error, OSError):
        raise DatabaseUnavailable from None


class Database:
    """``read()`` gives a connection; ``write(work)`` runs ``work(connection)`` in one durable
    transaction and returns its result. Raises DatabaseUnavailable, AlreadyThere."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.engine = make_engine(url, clock)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self._writer = _GroupWriter(self.engine) if self.sqlite else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _said_plainly(), self.engine.connect() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        if (fence := _fence.get()) is not None:
            owner, check = fence
            if owner is self:
                work = _fenced(check, work)
            else:
                with owner.read() as connection:
                    check(connection)
        with _said_plainly():
            if self._writer is not None:
                result: T = self._writer.submit(work)
                return result
            with self.engine.begin() as connection:
                return work(connection)

    def create(self, metadata: MetaData) -> None:
        """Those of its tables that are missing. Raises DatabaseUnavailable."""
        with _said_plainly():
            metadata.create_all(self.engine)

    def ping(self) -> None:
        """Raises DatabaseUnavailable."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As ``read``, and every question in it is answered as of one instant."""
        with _said_plainly(), self.engine.connect() as raw:
            options = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
            connection = raw.execution_options(**options)
            with connection.begin():
                yield connection

    def wipe_journal(self) -> bool:
        """After an erasure on SQLite: truncates the WAL, so that no deleted page stays there. False
        when a reader kept it from that."""
        if not self.sqlite:
            return True
        with _said_plainly(), self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def wipe(self, tables: Iterable[str]) -> bool:
        """After an erasure: on SQLite as ``wipe_journal``; on PostgreSQL VACUUM, which makes room
        of the dead rows of these tables, to be written over. It needs the tables' owner, as the
        staff's role is, waits for no writer, and leaves their bytes until something is written
        there (docs/forgetting.md). False: to be tried again."""
        if self.sqlite:
            return self.wipe_journal()
        names = ", ".join(tables)
        with _said_plainly(), self.engine.connect() as connection:
            free = connection.execution_options(isolation_level="AUTOCOMMIT")
            free.exec_driver_sql(f"VACUUM {names}")
        return True

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()


class _GroupWriter:
    """One thread that commits what several callers want written within a few milliseconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(writing=True)
        self._work: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> Any:
        done: Future[Any] = Future()
        self._work.put((work, done))
        return done.result()

    def close(self) -> None:
        self._work.put(None)
        self._thread.join(timeout=10)

    def _batch(self) -> list[tuple[Work, Future[Any]]] | None:
        """The next job and whatever queued up while the last batch was being synced. No timed
        wait: the sync itself gathers company, and a lone caller waits for nobody."""
        batch = []
        job = self._work.get()
        while job is not None:
            batch.append(job)
            if len(batch) == BATCH_LARGEST or self._work.empty():
                return batch
            job = self._work.get()
        self._closing = True
        return batch or None

    def _run(self) -> None:
        while not self._closing and (batch := self._batch()) is not None:
            self._commit(batch)

    def _commit(self, batch: list[tuple[Work, Future[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.begin() as connection:
                for work, done in batch:
                    try:
                        with connection.begin_nested():
                            outcomes.append((done, work(connection), None))
                    except (IntegrityError, HotlineError) as error:
                        outcomes.append((done, None, error))
                    except DBAPIError:
                        raise
                    except Exception as error:  # noqa: BLE001 - one caller's bug is its own
                        outcomes.append((done, None, error))
        except BaseException as error:  # noqa: BLE001 - nothing was committed: tell every caller
            for _, done in batch:
                done.set_exception(error)
            return
        for done, result, problem in outcomes:
            if problem is None:
                done.set_result(result)
            else:
                done.set_exception(problem)
