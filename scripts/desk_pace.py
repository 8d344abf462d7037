"""Desk: how long an operator waits for the queue's pages and the next tip beside millions of tips.

A database is filled directly with rows as they lie there after years: decided tips, undecided ones
with their deadlines, leases that run. Then the console's own pages are asked for through its WSGI
application, signed in as people of the demo, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import contextlib
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, text

from hotline import demo
from hotline.assembly import assemble_staff
from hotline.clock import Clock
from hotline.settings import Settings
from hotline.store.database import Database
from hotline.tips import State
from hotline.triage.opening import opens_facts
from tests import services
from tests.conftest import MovableClock
from tests.desk import Hand, Office
from tests.line import copy_home, copy_line, copy_people, settings_for

# Shares as real lines have them: most tips at the general desk, few in special queues.
QUEUES = {
    "general:BR-RJ": 80,
    "unresolved:BR-RJ": 10,
    "gbv:BR-RJ": 4,
    "children:BR-RJ": 3,
    "vulnerable:BR-RJ": 2,
    "environment:BR-RJ": 1,
}
PRIORITIES = {"P0": 0, "P1": 2, "P2": 12, "P3": 60, "P4": 26}
DECIDED = {State.FORWARDED: 70, State.CLOSED: 30}
# Rio de Janeiro, Niterói, São Gonçalo, Duque de Caxias.
PLACES = tuple(f"BR:IBGE:33{code}" for code in ("04557", "03302", "04904", "01702"))
GROUPS = ("ORG", "VIO", "PAT", "TRF")
COLUMNS = ("id", "queue", "state", "priority", "month", "type_group", "municipality", "version")
LEASES = 60
ROUNDS = 30
AT_ONCE = 50_000
Row = tuple[object, ...]
T = TypeVar("T")
BOUNDS = {"next tip": 100.0, "queue page": 200.0}


@dataclass(frozen=True)
class Size:
    stored: int
    open: int


def tips(size: Size, now: int, draw: random.Random) -> Iterator[tuple[Row, int | None]]:
    """Rows of ``tips`` in the order of their ids, each with its deadline if it has one."""
    ids = sorted({draw.randbytes(16) for _ in range(size.stored)})
    waiting = set(draw.sample(range(len(ids)), size.open))
    queues, priorities, decided = spread(QUEUES), spread(PRIORITIES), spread(DECIDED)
    for number, tip in enumerate(ids):
        chance = draw.randrange(100), draw.randrange(100), draw.randrange(100)
        queue, priority, state = queues[chance[0]], priorities[chance[1]], decided[chance[2]]
        due = None
        if number in waiting:
            state = State.OPEN if chance[2] == 0 else State.WAITING
            late = draw.randrange(-72, 24 * 30) * 3600  # most of a long backlog is late
            due = (now - late) // 3600 * 3600
        clear = opens_facts(queue)
        place = PLACES[chance[2] % len(PLACES)] if clear else None
        group = GROUPS[chance[2] % len(GROUPS)] if clear else None
        yield (tip, queue, state.value, priority, "2026-03", group, place, 2), due


def spread(shares: Mapping[T, int]) -> list[T]:
    """A hundred of them, each as often as its share."""
    found = [one for one, share in shares.items() for _ in range(share)]
    assert len(found) == 100
    return found


def fill(database: Database, size: Size, now: int, people: list[bytes]) -> None:
    """Everything in one go: indexes are made after the rows, as a restore would."""
    draw = random.Random(7)
    indexes = dropped(database)
    tip_rows: list[Row] = []
    open_rows: list[Row] = []
    with database.engine.begin() as connection:
        for row, due in tips(size, now, draw):
            tip_rows.append(row)
            if due is not None:
                open_rows.append((row[0], due, *row[1:4]))
            if len(tip_rows) == AT_ONCE:
                copy(connection, "tips", COLUMNS, tip_rows)
                tip_rows.clear()
        copy(connection, "tips", COLUMNS, tip_rows)
        columns = ("tip", "due_at", "queue", "state", "priority")
        copy(connection, "deadlines", columns, open_rows)
        held = draw.sample([row for row in open_rows if row[2] == "general:BR-RJ"], LEASES)
        leases = [(row[0], people[n % len(people)], now + 12 * 3600) for n, row in enumerate(held)]
        copy(connection, "claims", ("tip", "person", "until"), leases)
        for statement in indexes:
            connection.execute(text(statement))
    settle(database)


def dropped(database: Database) -> list[str]:
    """Drops the indexes of both tables; the statements that make them again."""
    if database.sqlite:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        where = " AND tbl_name IN ('tips', 'deadlines')"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes"
        where = " WHERE tablename IN ('tips', 'deadlines') AND indexname LIKE 'ix_%'"
    with database.engine.connect() as connection:
        found = connection.execute(text(query + where)).all()
        for name, _ in found:
            connection.execute(text(f"DROP INDEX {name}"))
        connection.commit()
    return [sql for _, sql in found]


def copy(connection: Connection, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    raw = connection.connection.driver_connection
    names = ", ".join(columns)
    if isinstance(raw, psycopg.Connection):
        with raw.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as sink:
            for row in rows:
                sink.write_row(row)
        return
    marks = ", ".join("?" * len(columns))
    # Names of our own tables and columns; what varies is bound.
    raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # nosec B608


def settle(database: Database) -> None:
    """What each engine does by itself in time: statistics, visibility, a short journal."""
    with database.engine.connect() as connection:
        if database.sqlite:
            connection.execute(text("ANALYZE"))
            connection.commit()
        else:
            free = connection.execution_options(isolation_level="AUTOCOMMIT")
            free.execute(text("VACUUM ANALYZE"))
    database.wipe_journal()


@contextlib.contextmanager
def lines(engine: str, clock: Clock | None = None) -> Iterator[Settings]:
    """Settings of a founded line with nothing in it yet."""
    with tempfile.TemporaryDirectory(prefix="hotline-desk-") as folder:
        founded, home = Path(folder) / "founded", Path(folder) / "home"
        founded.mkdir()
        home.mkdir()
        clock = clock or MovableClock()
        first = settings_for(founded, f"sqlite:///{founded / 'hotline.db'}")
        demo.seed_others(first, clock, demo.seed_officers(first, clock))
        if engine == "sqlite":
            yield copy_line(founded, home, f"sqlite:///{home / 'hotline.db'}")
            return
        (founded / "new").mkdir()
        with services.postgres(durable=True) as server:
            settings = settings_for(home, server.url(server.create()))
            copy_people(founded, settings_for(founded / "new", settings.database_url))
            copy_home(founded, home)
            yield settings


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that somebody waited, and of the console's own processor time: the second is
    true on a busy machine too, but without what a database server spends."""
    before, spent = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - before) * 1000, (time.process_time() - spent) * 1000


def figures(took: list[tuple[float, float]]) -> dict[str, object]:
    """Milliseconds."""
    waited, spent = (sorted(values) for values in zip(*took, strict=True))
    cut = statistics.quantiles(waited, n=20)
    return {
        "p50": round(cut[9], 1),
        "p95": round(cut[18], 1),
        "most": round(waited[-1], 1),
        "cpu p95": round(statistics.quantiles(spent, n=20)[18], 1),
    }


def pages(office: Office, clock: MovableClock, rounds: int) -> dict[str, dict[str, object]]:
    """What somebody of every queue asks for all day, by turns."""
    hand = office("sofia")
    paths = {
        "queue page": "/tips",
        "desk": "/desk",
        "board": "/board",
        "by deadline": "/tips?sort=deadline",
        "late by a week": "/tips?late=168",
        "forwarded": "/tips?state=forwarded",
        "all": "/tips?state=all",
    }
    took: dict[str, list[tuple[float, float]]] = {}

    def ask(name: str, path: str) -> None:
        clock.advance(3)
        took.setdefault(name, []).append(timed(lambda: hand.get(path)))

    for _ in range(rounds):
        for name, path in paths.items():
            ask(name, path)
        hand.get("/tips")
        ask("next page", re.findall(r'href="(/tips\?after=[^"]+)"', hand.html)[0])
        took.setdefault("next tip", []).append(timed(lambda: pull(hand)))
        hand.post(f"/tips/{pulled(hand)}/release")
        clock.advance(10)
    return {name: figures(values) for name, values in took.items()}


def pull(hand: Hand) -> None:
    answer = hand.client.post("/next", data={"token": hand.token})
    assert answer.status_code == 303 and answer.location.startswith("/tips/"), answer.location
    hand.html = answer.location


def pulled(hand: Hand) -> str:
    return hand.html.removeprefix("/tips/")


def say(text: str) -> None:
    """To people who wait; the figures themselves go to standard output."""
    print(text, file=sys.stderr, flush=True)


def report(stored: int, open_: int, rounds: int = ROUNDS) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    size = Size(stored, open_)
    for engine in ("sqlite", "postgres"):
        with lines(engine) as settings:
            clock = MovableClock()
            line = assemble_staff(settings, clock)
            others = [one.id for one in line.access.people.all() if one.name != "sofia"]
            began = time.perf_counter()
            fill(line.database, size, int(clock.seconds()), others)
            title = f"{engine}: {open_:,} open tips of {stored:,}"
            found[title] = {"filled in seconds": round(time.perf_counter() - began)}
            found[title] |= pages(Office.of(line), clock, rounds)
            for name, most in BOUNDS.items():
                measured = found[title][name]
                assert isinstance(measured, dict)
                found[title][f"{name}, p95"] = f"at most {most:.0f} ms: {measured['p95'] <= most}"
            say(f"{title}: {found[title]}")
            line.close()
    return found
