"""Report: runs faults one after the other, and writes what came of them into docs/faults.*."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from tests.campaign.bench import found
from tests.campaign.entries import FAULTS, Fault, Outcome, ran
from tests.campaign.scene import Taker
from tests.faults_crew import ROOT
from tests.services import find

JSON, PAGE = ROOT / "docs" / "faults.json", ROOT / "docs" / "faults.md"
_HEAD = (ROOT / "tests" / "campaign" / "faults.head.md").read_text
Row = dict[str, Any]


def campaign(
    faults: Iterable[Fault], rounds: int | None, tell: Callable[[Outcome], object]
) -> None:
    with tempfile.TemporaryDirectory(prefix="founded-") as place:
        home = Path(place) / "home"
        at = found(home)
        begin = lambda: Taker(home, f"sqlite:///{home / 'hotline.db'}")  # noqa: E731
        taker = begin()
        for fault in faults:
            outcome = ran(fault, rounds or fault.rounds, home, at, taker)
            tell(outcome)
            if outcome.failed:  # it may still be at work
                taker.kill()
                taker = begin()
        taker.close()


def record(outcome: Outcome, command: str) -> None:
    """In the place of what the same fault came to before."""
    rows: dict[str, Row] = {}
    if JSON.exists():
        rows = {row["name"]: row for row in json.loads(JSON.read_text(encoding="utf-8"))}
    made = {"date": date.today().isoformat(), "machine": machine(), "command": command}
    rows[outcome.name] = outcome.told() | {"sound": outcome.sound} | made
    kept = [rows[fault.name] for fault in FAULTS if fault.name in rows]
    JSON.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(kept), encoding="utf-8")


def page(rows: list[Row]) -> str:
    told = [
        _HEAD(encoding="utf-8"),
        "| fault | what is done | on | rounds | answered | lost | plaintext | verified | s | |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | --- |",
        *map(_line, rows),
        "",
        _sum(rows),
        "",
        *_failed(rows),
        "## Runs",
        "",
    ]
    for run in sorted({(row["date"], row["machine"], row["command"]) for row in rows}):
        told += ["- {}, {}: `{}`".format(*run)]
    return "\n".join(told) + "\n"


def _line(row: Row) -> str:
    verified = "yes" if row["verified"] and not row["failed"] else "**no**"
    cells = [row["name"], row["what"], row["database"], row["rounds"], row["answered"], row["lost"]]
    cells += [len(row["plaintext"]), verified, row["seconds"], row["note"]]
    return "| " + " | ".join(map(str, cells)) + " |"


def _sum(rows: list[Row]) -> str:
    total = {
        name: sum(row[name] for row in rows) for name in ("rounds", "answered", "lost", "looks")
    }
    kills = sum(row["rounds"] for row in rows if row["name"].startswith("kill-"))
    minutes = round(sum(row["seconds"] for row in rows) / 60)
    return (
        f"Together {total['rounds']} rounds, {kills} of them kills; {total['answered']} answered"
        f" tips, {total['lost']} lost; judged {total['looks']} times; {minutes} minutes."
    )


def _failed(rows: list[Row]) -> list[str]:
    bad = [row for row in rows if not row["sound"]]
    if not bad:
        return ["Nothing failed in these runs.", ""]
    lines = [f"- **{row['name']}**: {row['failed'] or row['problems']}" for row in bad]
    return ["## Failed", "", *lines, ""]


def machine() -> str:
    """What the seconds were measured with."""
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    said = subprocess.run(
        [find(["postgres"], "PostgreSQL", "postgresql"), "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    server = said.stdout.split()[2]
    return (
        f"{os.cpu_count()} cores ({model[0] if model else platform.machine()}) shared with others,"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL {server}"
    )
