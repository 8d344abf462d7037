"""Entries: every fault of the campaign by its name, and how it is run and judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.campaign import disks, kills, moves, servers, stored, wire
from tests.campaign.bench import Bench, Run, bench
from tests.campaign.scene import Taker

LITE, BIG = "sqlite", "postgresql"


@dataclass(frozen=True, slots=True)
class Fault:
    """``rounds`` of the whole campaign; ``few`` of the tests. ``mounts``: only root can."""

    name: str
    what: str
    database: str
    rounds: int
    few: int
    run: Run
    mounts: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of all looks at one fault together. ``failed`` is what the fault's own check said."""

    name: str
    what: str
    database: str
    rounds: int
    looks: int
    answered: int
    lost: int
    doubled: int
    plaintext: list[str]
    verified: bool
    problems: list[str]
    seconds: int
    note: str
    failed: str

    @property
    def sound(self) -> bool:
        bad = self.lost or self.doubled or self.plaintext or self.failed
        return not bad and self.verified and self.looks > 0

    def told(self) -> dict[str, Any]:
        return asdict(self)


def ran(fault: Fault, rounds: int, founded: Path, at: float, taker: Taker) -> Outcome:
    began, failed = time.monotonic(), ""
    with bench(founded, at, taker) as one:
        try:
            fault.run(one, rounds)
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"
        return _outcome(fault, rounds, one, round(time.monotonic() - began), failed)


def _outcome(fault: Fault, rounds: int, one: Bench, seconds: int, failed: str) -> Outcome:
    found = one.verdicts
    return Outcome(
        name=fault.name,
        what=fault.what,
        database=fault.database,
        rounds=rounds,
        looks=len(found),
        answered=max((v.told for v in found), default=0),
        lost=len({word for v in found for word in v.lost}),
        doubled=max((v.doubled for v in found), default=0),
        plaintext=sorted({place for v in found for place in v.plaintext}),
        verified=all(v.verified for v in found),
        problems=sorted({problem for v in found for problem in v.problems}),
        seconds=seconds,
        note="; ".join(one.notes),
        failed=failed,
    )


Both = Callable[[str], Run]


def _both(name: str, what: str, rounds: tuple[int, int], few: int, run: Both) -> list[Fault]:
    return [
        Fault(f"{name}-{database}", what, database, count, few, run(database))
        for database, count in zip((LITE, BIG), rounds, strict=True)
    ]


FAULTS = [
    *_both("kill-steps", "kill -9 at the next step of taking a tip", (290, 145), 6, kills.at_steps),
    *_both("kill-random", "kill -9 at any moment", (400, 300), 6, kills.at_random),
    *_both("kill-worker", "kill -9 of a worker among its errands", (40, 20), 2, kills.worker),
    Fault("full-sqlite", "disk full while tips come", LITE, 20, 2, disks.full_sqlite, True),
    Fault("full-postgresql", "disk full while tips come", BIG, 8, 1, disks.full_postgresql, True),
    Fault("ro-sqlite", "disk read-only at a start", LITE, 10, 1, disks.read_only_sqlite, True),
    Fault(
        "ro-postgresql",
        "server and home's disk read-only while tips come",
        BIG,
        5,
        1,
        disks.read_only_postgresql,
        True,
    ),
    Fault("restart", "PostgreSQL stopped at once, or killed", BIG, 20, 2, servers.restart),
    Fault("failover", "PostgreSQL killed, its standby promoted", BIG, 5, 1, servers.failover),
    Fault("redis", "Redis gone, emptied, killed", LITE, 8, 2, servers.redis),
    Fault("clock", "the clock jumps; repeats come", LITE, 12, 3, moves.clock),
    Fault("webhooks", "webhooks four times, in any order", LITE, 10, 1, wire.webhooks),
    Fault("slow", "clients that stop half way", LITE, 3, 1, wire.slow),
    *_both("corrupt", "a stored row altered or deleted", (12, 8), 4, stored.corrupt),
    Fault("wal-torn", "SQLite's journal spoilt behind the answers", LITE, 20, 3, stored.torn),
    Fault("wal-cut", "SQLite's journal cut anywhere", LITE, 8, 1, stored.cut),
    *_both("migration", "kill -9 of a schema's upgrade", (10, 10), 1, moves.migration),
    Fault("new-machine", "restored from a backup made under load", LITE, 4, 1, moves.new_machine),
]
