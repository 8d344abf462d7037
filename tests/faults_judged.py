"""Faults judged: what must hold when a run of ``scripts/faults.py`` is over, and its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from hotline.assembly import StaffLine
from hotline.delivery.ways import patience
from hotline.store.line_alarms import RINGING, LineAlarms
from hotline.store.tables import OutboxRow, PackageRow
from hotline.store.ways import Ways
from hotline.triage.audit import sequence_and_sign, verify
from hotline.triage.ledger import full
from hotline.vault.held import unpack
from tests.faults import CANARIES, Agencies
from tests.faults_crew import in_files, in_rows
from tests.faults_run import Run
from tests.fleet import FAILURES, FORGES, READABLE, REFUSED, SOUND, Entry, books

OPENED = 300  # packages that are opened as their agencies would, and read
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class End:
    """The line's packages and errands, and what the agencies have and wrote down. ``bad`` are the
    packages for the dead and the forging one."""

    packages: list[Row[Any]]
    errands: list[Row[Any]]
    came: list[Entry]
    kept: list[Path]
    bad: set[bytes]

    @classmethod
    def of(cls, line: StaffLine, agencies: Agencies) -> End:
        with line.database.read() as connection:
            packages = list(connection.execute(select(PackageRow)))
            errands = list(connection.execute(select(OutboxRow).where(OutboxRow.state != "done")))
        kept = [f for name in agencies.names for f in agencies.home.glob(f"{name}/out/*.sealed")]
        bad = {row.id for row in packages if row.agency in agencies.bad}
        return cls(packages, errands, books(agencies.home), kept, bad)

    @property
    def delivered(self) -> set[bytes]:
        return {row.id for row in self.packages if row.delivered}

    @property
    def manners(self) -> Counter[str]:
        return Counter(entry.manner for entry in self.came)

    def taken(self) -> Counter[bytes]:
        """By sound agencies, how often each package."""
        return Counter(bytes.fromhex(entry.package) for entry in self.came if entry.took)

    def held(self) -> Counter[bytes]:
        """Packages on the disks of the agencies that they are for, but the forging one's."""
        whose = {row.id.hex(): row.agency for row in self.packages if row.id not in self.bad}
        return Counter(
            bytes.fromhex(file.stem)
            for file in self.kept
            if whose.get(file.stem) == file.parent.parent.name
        )


def judged(one: Run, *, finished: bool) -> tuple[dict[str, Any], list[str]]:
    """Figures, and what is wrong."""
    one.crew.stop()
    line, agencies, asked, said = one.line, one.agencies, one.asked, one.crew.output.read_text()
    end = End.of(line, agencies)
    one.look()
    one.leaks |= in_rows(line) | in_files(*_folders(one))
    wrong = {
        "the run did not end before its deadline": not finished,
        "tips that came or went otherwise": abs(asked.tips - one.tips) + len(one.broken),
        "workers killed too seldom": asked.kills - one.crew.killed,
        "Redis restarted too seldom": asked.restarts - one.restarts,
        **once(line, end, asked.tips),
        **alarmed(line, agencies, end, said),
        **sound(line, agencies, end, said),
    }
    problems = [f"{name}: {int(count)}" for name, count in wrong.items() if count]
    problems += [f"readable in {place}" for place in sorted(one.leaks)]
    known = {
        "tips": one.tips,
        "agencies": asked.agencies,
        "database": "sqlite" if line.database.sqlite else "postgresql",
        "engine": "RQ" if one.pusher else "embedded",
        **figures(line, end),
        "workers killed": one.crew.killed,
        "Redis restarted": one.restarts,
        "minutes the clock was put forward": round(one.put_forward / 60),
    }
    return known, problems


def once(line: StaffLine, end: End, tips: int) -> Counts:
    """Each package of a sound agency, once in effect and by its own word."""
    sound = {row.id for row in end.packages} - end.bad
    taken, whose = end.taken(), {row.id.hex(): row.agency for row in end.packages}
    answers = {(entry.package, entry.answer) for entry in end.came if entry.took}
    handed = line.audit.count("package_handed_over")
    return {
        "tips without a package": abs(tips - len(end.packages)),
        "a sound agency did not sign for it": len(sound - end.delivered),
        "signed for, and not in the agency's books": len(end.delivered - taken.keys()),
        "not kept, or not once, by its own agency": len(sound ^ end.held().keys()),
        "kept by another agency": sum(whose.get(f.stem) != f.parent.parent.name for f in end.kept),
        "answered in two ways": len(answers) - len(taken),
        "handed over twice by the records": abs(handed - len(end.delivered)),
    }


def alarmed(line: StaffLine, agencies: Agencies, end: End, said: str) -> Counts:
    """What the dead and the forging agency did not get: kept, waiting, told of, and nothing
    else waits."""
    alarm = LineAlarms(line.database).get("delivery_failing")
    failures = [Ways(line.database).of(name).failures for name in agencies.bad]
    waiting = {row.subject for row in end.errands if row.kind == "deliver"}
    gone = [row for row in end.packages if row.id in end.bad and row.state != "sent"]
    return {
        "a dead or forging agency signed for it": len(end.bad & end.delivered),
        "gone from the inbox of a bad agency": len(gone),
        "a bad agency's package that nobody tries again": len(end.bad - waiting),
        "an errand besides": sum(row.subject not in end.bad for row in end.errands),
        "no alarm rings": alarm is None or alarm.state != RINGING,
        "nobody was told": '"delivery_failing"' not in said,
        "a bad agency is not left alone": min(failures) < patience().away.after,
        "the forging agency was never asked": not end.manners[FORGES],
    }


def sound(line: StaffLine, agencies: Agencies, end: End, said: str) -> Counts:
    """Books, records and program."""
    sequence_and_sign(line)
    return {
        "the ledger is unsound": len(full(line).problems),
        "the records do not verify": len(verify(line).problems),
        "errors of the program": said.count('"incident"'),
        "nothing failed": not any(end.manners[name] for name in FAILURES),
        "a request was refused": end.manners[REFUSED],
        "a request was readable": end.manners[READABLE],
        "does not open, or says something else": _unreadable(agencies, end.kept[:OPENED]),
    }


def figures(line: StaffLine, end: End) -> dict[str, Any]:
    manners, taken = end.manners, end.taken()
    tried = sum(manners[name] for name in (SOUND, *FAILURES))
    return {
        "delivered, by the agency's own word": len(end.delivered),
        "waiting in the inbox, alarmed": len(end.bad),
        "requests to sound agencies": tried,
        "of these failed by policy": tried - manners[SOUND],
        **{f"  {name}": manners[name] for name in FAILURES},
        "taken again, answered the same": sum(taken.values()) - len(taken),
        "requests to the forging agency": manners[FORGES],
        "records": verify(line).size,
        **{f"ledger: {name}": count for name, count in full(line).figures.items()},
    }


def _folders(one: Run) -> list[Path]:
    """Whatever the run wrote, its database's own files too."""
    found = [one.settings.home.parent]
    if not one.line.database.sqlite:
        with one.line.database.read() as connection:
            found.append(Path(connection.exec_driver_sql("SHOW data_directory").scalar_one()))
    return found


def _unreadable(agencies: Agencies, files: Iterable[Path]) -> int:
    """How many do not say what the reporter said: the words that were looked for everywhere."""
    wrong = 0
    for file in files:
        agency = file.parent.parent.name
        text = unpack(file.read_bytes(), agency, agencies.seeds[agency]).document["text"]
        wrong += any(word not in text for word in CANARIES)
    return wrong
