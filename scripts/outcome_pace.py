#!/usr/bin/env python3
"""Outcomes beside millions of packages: how long score, owed answers, an inbox and the chore take.

scripts/outcome_pace.py [packages]   3,000,000 without a number, of 90 bodies in 24 months; SQLite.
Prints the median of 20 runs in milliseconds.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import insert

from hotline.delivery import scorecard
from hotline.routing.profile import Profile
from hotline.store.database import Database
from hotline.store.desk import Desk
from hotline.store.migrate import upgrade
from hotline.store.overdue import Overdue
from hotline.store.tables import PackageRow, TallyRow, TipRow

OPEN_SHARE, AT_ONCE, MONTHS, ROUNDS = 0.01, 50_000, 24, 20
TODAY = date(2026, 3, 10)


class Line:
    """What the score asks of a line."""

    def __init__(self, database: Database, profile: Profile) -> None:
        self.database, self.profile, self.clock = database, profile, self

    def month(self) -> str:
        return TODAY.isoformat()[:7]

    def today(self) -> date:
        return TODAY


def fill(database: Database, profile: Profile, many: int) -> None:
    """Rows as they lie there after two years: one in a hundred is still open and late."""
    chance, agencies = random.Random(8), profile.inboxes()
    tallies: Counter[tuple[str, str, str, str]] = Counter()
    for begin in range(0, many, AT_ONCE):
        tips, packages = [], []
        for _ in range(min(AT_ONCE, many - begin)):
            tip, day = chance.randbytes(16), TODAY - timedelta(chance.randrange(30 * MONTHS))
            late = chance.random() < OPEN_SHARE
            agency, month = chance.choice(agencies), day.isoformat()[:7]
            tips.append(
                {"id": tip, "queue": "general:BR-RJ", "state": "forwarded", "priority": "P3"}
                | {"month": month, "version": 1, "until": "2030-01"}
            )
            packages.append(
                {"id": chance.randbytes(16), "tip": tip, "agency": agency, "role": "lead"}
                | {"state": "opened" if late else "answered", "day": day.isoformat()}
                | {"due": (day + timedelta(1)).isoformat(), "stage": 6 if late else 0}
            )
            for what in ("received", "confirmed", "confirmed_d1", "answered_d30", "outcome_other"):
                tallies["general:BR-RJ", agency, month, what] += 1
        database.write(
            lambda c, t=tips, p=packages: (
                c.execute(insert(TipRow), t),
                c.execute(insert(PackageRow), p),
            )
        )
    rows = [
        dict(zip(("queue", "agency", "month", "what"), k, strict=True), count=n)
        for k, n in tallies.items()
    ]
    database.write(lambda c: c.execute(insert(TallyRow), rows))


def pace(name: str, work: object) -> None:
    took = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        found = work()  # type: ignore[operator]
        took.append(1000 * (time.perf_counter() - begin))
    print(f"{name:<28} {statistics.median(took):9.1f} ms   {found}", flush=True)


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    profile = Profile.load("br-rj")
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/hotline.db")
        upgrade(database)
        fill(database, profile, many)
        line, overdue, desk = Line(database, profile), Overdue(database), Desk(database)
        terms, agency = scorecard.terms(profile, TODAY), profile.inboxes()[0]
        queues = scorecard.public_queues(profile)
        print(f"{many:,} packages, {int(many * OPEN_SHARE):,} of them open")
        pace("score of the line, a year", lambda: len(scorecard.cards(line, queues)))
        pace("score of one body, a year", lambda: len(scorecard.cards(line, None, agency)))
        pace("what is owed (200 rows)", lambda: len(overdue.listed(terms, queues, 200)))
        pace("told to the body above", lambda: len(overdue.told_above(terms)))
        pace("the chore, nothing new", lambda: overdue.raise_late(terms, None))
        pace("an inbox (200 rows)", lambda: len(desk.packages(agency)))
        database.close()


if __name__ == "__main__":
    main()
