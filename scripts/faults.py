#!/usr/bin/env python3
"""Whether every package arrives, once in effect, while everything around it breaks.

    .venv/bin/python scripts/faults.py [--tips 10000] [--agencies 50] [--seed 1]
                                       [--database sqlite|postgresql] [--json]
    .venv/bin/python scripts/faults.py --campaign [--only killed] [--json]

``--campaign``: whether every tip that was acknowledged is there and opens, while the processes that
take tips are killed at any moment, the disk is full, the journal is torn and PostgreSQL crashes
(tests/breaking.py; ``full`` mounts a small disk and needs the right to).

Tips come in by the line's intake, a person forwards each at the desk, and packages leave by the
line's own webhooks. Of the agencies, one is dead, one answers 200 with forged receipts, and the
others fail one time in five: errors, cut connections, answers without a signature, and errors
after they took it. Workers are killed at random; on PostgreSQL, with RQ, Redis is restarted empty
twice. On SQLite the embedded engine runs. Where nothing is left but to wait, the clock is put
forward. Ends with 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from hotline import demo
from hotline.log import quiet
from hotline.settings import Settings
from tests import services
from tests.breaking import CAMPAIGN, broken
from tests.fast_clock import set_going, shared
from tests.faults_judged import judged
from tests.faults_run import Asked, prepared
from tests.line import settings_for


def founded(database: str, stack: ExitStack) -> Settings:
    """A new line with everybody of the demonstration."""
    folder = tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True)
    home, url = Path(stack.enter_context(folder)) / "home", None
    home.mkdir()
    redis_url = None
    if database == "postgresql":
        server = stack.enter_context(services.postgres())
        url, redis_url = server.url(server.create()), f"redis://127.0.0.1:{services.free_port()}/0"
    settings = settings_for(home, url or f"sqlite:///{home / 'hotline.db'}", redis_url)
    clock_file = home.parent / "clock"
    set_going(clock_file, time.time())
    clock = shared(clock_file)
    demo.seed_others(settings, clock, demo.seed_officers(settings, clock, demo.FEW_MONTHS))
    return settings


def campaign(only: str | None, *, as_json: bool) -> int:
    """Each fault in turn, printed as it ends."""
    rows = []
    for name, database, rounds in CAMPAIGN:
        if only in (None, name):
            rows.append(broken(name, database, rounds))
            if not as_json:
                print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    if as_json:
        print(json.dumps(rows, indent=1))
    return 1 if any(row["lost"] or row["in the clear"] or row["problems"] for row in rows) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tips", type=int, default=10_000)
    parser.add_argument("--agencies", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--kills", type=int, default=12, help="workers to be killed")
    parser.add_argument("--deadline", type=float, default=3600.0, help="seconds")
    parser.add_argument("--campaign", action="store_true")
    parser.add_argument("--only", choices=sorted({name for name, _, _ in CAMPAIGN}))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    quiet()
    if given.campaign:
        return campaign(given.only, as_json=given.json)
    restarts = 2 if given.database == "postgresql" else 0
    asked = Asked(given.tips, given.agencies, given.seed, given.kills, restarts, given.deadline)
    began = time.monotonic()
    with ExitStack() as stack:
        one = prepared(asked, founded(given.database, stack), stack)
        ready = time.monotonic()
        finished = one.go()
        seconds = round(time.monotonic() - ready)
        found, problems = judged(one, finished=finished)
    found |= {"seconds": seconds, "with preparation and proof": round(time.monotonic() - began)}
    if given.json:
        print(json.dumps({**found, "problems": problems}, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:<38} {value}")
        for problem in problems:
            print(f"WRONG: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
